//! Lists of schedules and groups, in pages.

use api::scheduler::{
    ListScheduleGroupsInput, ListScheduleGroupsOutput, ListSchedulesInput, ListSchedulesOutput, ScheduleGroupSummary,
    ScheduleSummary, TargetSummary,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use platform::{Ctx, OrFailure};
use serde::de::DeserializeOwned;
use store::{Direction, KeyRange};
use wire::{Error, Timestamp};

use crate::errors::validation;
use crate::limits::{PAGE, ROWS_PER_PAGE};
use crate::names::{DEFAULT_GROUP, Place};
use crate::operations::groups::read;
use crate::records::{Group, Schedule};
use crate::service::Scheduler;
use crate::{keys, rows};

/// Which rows of a range a page shows.
struct Page<'a> {
    range: KeyRange,
    token: Option<&'a str>,
    most: Option<i32>,
}

/// The rows of a page that are wanted, and the token of the next page.
async fn page<T: DeserializeOwned>(
    service: &Scheduler,
    place: &Place,
    page: Page<'_>,
    is_wanted: impl Fn(&T) -> bool,
) -> Result<(Vec<T>, Option<String>), Error> {
    let range = match page.token {
        None => page.range,
        Some(token) => {
            let after = BASE64.decode(token).ok().filter(|key| page.range.contains(key));
            page.range.after(&after.ok_or_else(|| validation("Invalid NextToken provided."))?)
        }
    };
    let most = page.most.map_or(PAGE, |most| usize::try_from(most).unwrap_or(PAGE));
    let partition = keys::partition(&place.account, &place.region);
    let found = service.platform.store.scan(&partition, range, Direction::Forward, ROWS_PER_PAGE).await.or_failure()?;
    let mut shown = Vec::new();
    for (index, (key, row)) in found.iter().enumerate() {
        let value: T = rows::decode(row)?;
        if is_wanted(&value) {
            shown.push(value);
        }
        let is_over = index + 1 == found.len() && found.len() < ROWS_PER_PAGE;
        if !is_over && (shown.len() == most || index + 1 == ROWS_PER_PAGE) {
            return Ok((shown, Some(BASE64.encode(key))));
        }
    }
    Ok((shown, None))
}

/// Lists schedules by group and name.
///
/// # Errors
/// `ResourceNotFoundException`, `ValidationException`.
pub async fn list_schedules(
    service: &Scheduler,
    cx: &Ctx,
    input: ListSchedulesInput,
) -> Result<ListSchedulesOutput, Error> {
    let (place, now) = (Place::of(cx), service.now());
    let prefix = input.name_prefix.unwrap_or_default();
    let range = match input.group_name {
        None => keys::schedules(),
        Some(group) => {
            let range = keys::schedules_of(&group, &prefix);
            service.transact(&place, move |transaction| read(transaction, &group, now)).await?;
            range
        }
    };
    let is_wanted = |schedule: &Schedule| {
        schedule.name.starts_with(&prefix)
            && input.state.as_ref().is_none_or(|state| *state == schedule.settings.state())
    };
    let wanted = Page { range, token: input.next_token.as_deref(), most: input.max_results };
    let (schedules, next_token) = page(service, &place, wanted, is_wanted).await?;
    let summary = |schedule: Schedule| ScheduleSummary {
        arn: Some(place.schedule_arn(&schedule.group, &schedule.name)),
        state: Some(schedule.settings.state()),
        creation_date: Some(Timestamp::from_milliseconds(schedule.created_at)),
        last_modification_date: Some(Timestamp::from_milliseconds(schedule.modified_at)),
        target: Some(TargetSummary { arn: schedule.settings.target.arn }),
        name: Some(schedule.name),
        group_name: Some(schedule.group),
    };
    Ok(ListSchedulesOutput { next_token, schedules: schedules.into_iter().map(summary).collect() })
}

/// Lists groups by name.
///
/// # Errors
/// `ValidationException`.
pub async fn list_schedule_groups(
    service: &Scheduler,
    cx: &Ctx,
    input: ListScheduleGroupsInput,
) -> Result<ListScheduleGroupsOutput, Error> {
    let (place, now) = (Place::of(cx), service.now());
    service.transact(&place, move |transaction| read(transaction, DEFAULT_GROUP, now)).await?;
    let range = keys::groups(input.name_prefix.as_deref().unwrap_or_default());
    let wanted = Page { range, token: input.next_token.as_deref(), most: input.max_results };
    let (groups, next_token) = page(service, &place, wanted, |_: &Group| true).await?;
    let summary = |group: Group| ScheduleGroupSummary {
        arn: Some(place.group_arn(&group.name)),
        state: Some(group.state()),
        creation_date: Some(Timestamp::from_milliseconds(group.created_at)),
        last_modification_date: Some(Timestamp::from_milliseconds(group.modified_at)),
        name: Some(group.name),
    };
    Ok(ListScheduleGroupsOutput { next_token, schedule_groups: groups.into_iter().map(summary).collect() })
}
