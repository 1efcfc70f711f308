//! Schedules are made, changed, described and deleted.

use api::scheduler::enums::flexible_time_window_mode;
use api::scheduler::{
    CreateScheduleInput, CreateScheduleOutput, DeleteScheduleInput, DeleteScheduleOutput, GetScheduleInput,
    GetScheduleOutput, UpdateScheduleInput, UpdateScheduleOutput,
};
use platform::{Ctx, OrFailure, ServiceRole, Trust};
use schedule::{Zone, Zoned};
use wire::Error;

use crate::errors::{group_deleting, no_schedule, schedule_exists, validation};
use crate::invocation::SERVICE;
use crate::limits::START_PAST_MS;
use crate::names::{DEFAULT_GROUP, Place};
use crate::operations::groups;
use crate::records::{Schedule, Settings};
use crate::service::Scheduler;
use crate::{firing, keys, rows, target};

/// Makes a schedule.
///
/// # Errors
/// `ConflictException`, `ResourceNotFoundException`, `ValidationException`.
pub async fn create_schedule(
    service: &Scheduler,
    cx: &Ctx,
    input: CreateScheduleInput,
) -> Result<CreateScheduleOutput, Error> {
    let place = Place::of(cx);
    let group = input.group_name.clone().unwrap_or_else(|| DEFAULT_GROUP.to_owned());
    let (name, token) = (input.name.clone(), input.client_token.clone());
    let settings = check(service, cx, &place, &group, input).await?;
    let (timers, now) = (service.timers(&place).await?, service.now());
    let (revision, random) = (service.platform.ids.uuid(), service.platform.ids.below(1 << 32));
    let arn = place.schedule_arn(&group, &name);
    let schedule = Schedule { group, name, settings, created_at: now, modified_at: now, revision, token };
    let timer = firing::next_timer(&timers, &place, &schedule, Some(now - 1), random);
    service
        .transact(&place, move |transaction| {
            if groups::read(transaction, &schedule.group, now)?.is_deleting {
                return Err(group_deleting(&schedule.group).into());
            }
            let key = keys::schedule(&schedule.group, &schedule.name);
            if let Some(other) = rows::read::<Schedule>(transaction, &key)? {
                // The same call again is answered as the first time.
                let is_same = schedule.token.is_some() && schedule.token == other.token;
                return match is_same && other.settings == schedule.settings {
                    true => Ok(()),
                    false => Err(schedule_exists(&schedule.name).into()),
                };
            }
            rows::put(transaction, &key, &schedule)?;
            if let Some(timer) = &timer {
                timers.set(transaction, timer)?;
            }
            Ok(())
        })
        .await?;
    Ok(CreateScheduleOutput { schedule_arn: arn })
}

/// Changes all of a schedule.
///
/// # Errors
/// `ResourceNotFoundException`, `ValidationException`.
pub async fn update_schedule(
    service: &Scheduler,
    cx: &Ctx,
    input: UpdateScheduleInput,
) -> Result<UpdateScheduleOutput, Error> {
    let place = Place::of(cx);
    let group = input.group_name.clone().unwrap_or_else(|| DEFAULT_GROUP.to_owned());
    let name = input.name.clone();
    let input = CreateScheduleInput {
        name: input.name,
        group_name: input.group_name,
        schedule_expression: input.schedule_expression,
        start_date: input.start_date,
        end_date: input.end_date,
        description: input.description,
        schedule_expression_timezone: input.schedule_expression_timezone,
        state: input.state,
        kms_key_arn: input.kms_key_arn,
        target: input.target,
        flexible_time_window: input.flexible_time_window,
        action_after_completion: input.action_after_completion,
        ..Default::default()
    };
    let settings = check(service, cx, &place, &group, input).await?;
    let (timers, now) = (service.timers(&place).await?, service.now());
    let (revision, random) = (service.platform.ids.uuid(), service.platform.ids.below(1 << 32));
    let arn = place.schedule_arn(&group, &name);
    let owned = place.clone();
    service
        .transact(&place, move |transaction| {
            let key = keys::schedule(&group, &name);
            let before: Option<Schedule> = rows::read(transaction, &key)?;
            let before = before.ok_or_else(|| no_schedule(&name))?;
            let (settings, revision) = (settings.clone(), revision.clone());
            let schedule = Schedule { settings, revision, modified_at: now, ..before };
            rows::put(transaction, &key, &schedule)?;
            firing::cancel(&timers, transaction, &group, &name)?;
            if let Some(timer) = firing::next_timer(&timers, &owned, &schedule, Some(now - 1), random) {
                timers.set(transaction, &timer)?;
            }
            Ok(())
        })
        .await?;
    Ok(UpdateScheduleOutput { schedule_arn: arn })
}

/// Checks what a caller says of a schedule.
async fn check(
    service: &Scheduler,
    cx: &Ctx,
    place: &Place,
    group: &str,
    input: CreateScheduleInput,
) -> Result<Settings, Error> {
    let zone_name = input.schedule_expression_timezone.as_deref().unwrap_or("UTC");
    let zone = Zone::parse(zone_name)
        .ok_or_else(|| validation(format!("Invalid Schedule Expression Timezone {zone_name}.")))?;
    let expression = &input.schedule_expression;
    if Zoned::parse(expression, &zone).is_none() {
        return Err(validation(format!("Invalid Schedule Expression {expression}.")));
    }
    check_dates(&input, service.now())?;
    let window = &input.flexible_time_window;
    match (window.mode.as_str(), window.maximum_window_in_minutes) {
        (flexible_time_window_mode::FLEXIBLE, None) => {
            return Err(validation(
                "MaximumWindowInMinutes must be provided when FlexibleTimeWindow Mode is FLEXIBLE.",
            ));
        }
        (flexible_time_window_mode::OFF, Some(_)) => {
            return Err(validation("MaximumWindowInMinutes must not be provided when FlexibleTimeWindow Mode is OFF."));
        }
        _ => {}
    }
    if input.kms_key_arn.is_some() {
        return Err(validation("KmsKeyArn is not supported."));
    }
    target::check(&service.platform, &input.target)?;
    let group_arn = place.group_arn(group);
    let role_arn = &input.target.role_arn;
    let role = ServiceRole { service: SERVICE, account: &place.account, role_arn, source_arn: &group_arn };
    let has_role = match role.check(cx).await? {
        Trust::Given => true,
        Trust::Unconfined => false,
        Trust::Refused => {
            let text = "The execution role you provide must allow AWS EventBridge Scheduler to assume the role.";
            return Err(validation(text));
        }
    };
    Ok(Settings::new(input, has_role))
}

fn check_dates(input: &CreateScheduleInput, now: i64) -> Result<(), Error> {
    let (start, end) = (input.start_date.map(|at| at.milliseconds()), input.end_date.map(|at| at.milliseconds()));
    if start.is_some_and(|start| start < now - START_PAST_MS) {
        return Err(validation("The StartDate you specify cannot be earlier than 5 minutes ago."));
    }
    if end.is_some_and(|end| end < now) {
        return Err(validation("The EndDate you specify cannot be in the past."));
    }
    match (start, end) {
        (Some(start), Some(end)) if end <= start => {
            Err(validation("The EndDate you specify must come after the StartDate you specify."))
        }
        _ => Ok(()),
    }
}

/// Describes a schedule.
///
/// # Errors
/// `ResourceNotFoundException`.
pub async fn get_schedule(service: &Scheduler, cx: &Ctx, input: GetScheduleInput) -> Result<GetScheduleOutput, Error> {
    let place = Place::of(cx);
    let group = input.group_name.as_deref().unwrap_or(DEFAULT_GROUP);
    let partition = keys::partition(&place.account, &place.region);
    let row = service.platform.store.get(&partition, &keys::schedule(group, &input.name)).await.or_failure()?;
    let schedule: Schedule = rows::decode(&row.ok_or_else(|| no_schedule(&input.name))?)?;
    Ok(schedule.describe(&place))
}

/// Deletes a schedule. A call that is under way goes on.
///
/// # Errors
/// `ResourceNotFoundException`.
pub async fn delete_schedule(
    service: &Scheduler,
    cx: &Ctx,
    input: DeleteScheduleInput,
) -> Result<DeleteScheduleOutput, Error> {
    let place = Place::of(cx);
    let group = input.group_name.unwrap_or_else(|| DEFAULT_GROUP.to_owned());
    let timers = service.timers(&place).await?;
    service
        .transact(&place, move |transaction| {
            let key = keys::schedule(&group, &input.name);
            if transaction.get(&key)?.is_none() {
                return Err(no_schedule(&input.name).into());
            }
            transaction.delete(&key);
            firing::cancel(&timers, transaction, &group, &input.name)
        })
        .await?;
    Ok(DeleteScheduleOutput {})
}
