//! Groups are made, described and deleted.

use std::collections::BTreeMap;

use api::scheduler::{
    CreateScheduleGroupInput, CreateScheduleGroupOutput, DeleteScheduleGroupInput, DeleteScheduleGroupOutput,
    GetScheduleGroupInput, GetScheduleGroupOutput, errors as modelled,
};
use platform::Ctx;
use store::{Abort, Direction, Transaction};
use wire::{Error, Timestamp};

use crate::errors::{group_deleting, group_exists, no_group, validation};
use crate::limits::{GROUPS_MAX, TAGS_MAX};
use crate::names::{DEFAULT_GROUP, Place};
use crate::records::Group;
use crate::service::Scheduler;
use crate::{firing, keys, rows};

/// A group inside a transaction. The default one is made when it is first looked at; `now` is in milliseconds since 1970.
///
/// # Errors
/// `ResourceNotFoundException`.
pub fn read(transaction: &mut dyn Transaction, name: &str, now: i64) -> Result<Group, Abort<Error>> {
    if let Some(group) = rows::read(transaction, &keys::group(name))? {
        return Ok(group);
    }
    if name != DEFAULT_GROUP {
        return Err(no_group(name).into());
    }
    let group = Group {
        name: name.to_owned(),
        created_at: now,
        modified_at: now,
        is_deleting: false,
        tags: BTreeMap::new(),
        token: None,
    };
    rows::put(transaction, &keys::group(name), &group)?;
    Ok(group)
}

/// Checks how many tags there will be.
///
/// # Errors
/// `ServiceQuotaExceededException`.
pub fn check_tags(tags: &BTreeMap<String, String>) -> Result<(), Error> {
    if tags.len() <= TAGS_MAX {
        return Ok(());
    }
    let text = format!("The maximum number of tags ({TAGS_MAX}) was exceeded.");
    Err(modelled::service_quota_exceeded_exception(text))
}

/// Makes a group.
///
/// # Errors
/// `ConflictException`, `ServiceQuotaExceededException`.
pub async fn create_schedule_group(
    service: &Scheduler,
    cx: &Ctx,
    input: CreateScheduleGroupInput,
) -> Result<CreateScheduleGroupOutput, Error> {
    let (place, now) = (Place::of(cx), service.now());
    let tags: BTreeMap<_, _> = input.tags.into_iter().flatten().map(|tag| (tag.key, tag.value)).collect();
    check_tags(&tags)?;
    let arn = place.group_arn(&input.name);
    let group = Group {
        name: input.name,
        created_at: now,
        modified_at: now,
        is_deleting: false,
        tags,
        token: input.client_token,
    };
    service
        .transact(&place, move |transaction| {
            read(transaction, DEFAULT_GROUP, now)?;
            if let Some(other) = rows::read::<Group>(transaction, &keys::group(&group.name))? {
                let is_same = group.token.is_some() && group.token == other.token && group.tags == other.tags;
                return if is_same { Ok(()) } else { Err(group_exists(&group.name).into()) };
            }
            if transaction.scan(keys::groups(""), Direction::Forward, GROUPS_MAX)?.len() >= GROUPS_MAX {
                let text = format!("The maximum number of schedule groups ({GROUPS_MAX}) was exceeded.");
                return Err(modelled::service_quota_exceeded_exception(text).into());
            }
            rows::put(transaction, &keys::group(&group.name), &group)
        })
        .await?;
    Ok(CreateScheduleGroupOutput { schedule_group_arn: arn })
}

/// Describes a group.
///
/// # Errors
/// `ResourceNotFoundException`.
pub async fn get_schedule_group(
    service: &Scheduler,
    cx: &Ctx,
    input: GetScheduleGroupInput,
) -> Result<GetScheduleGroupOutput, Error> {
    let (place, now) = (Place::of(cx), service.now());
    let group = service.transact(&place, move |transaction| read(transaction, &input.name, now)).await?;
    Ok(GetScheduleGroupOutput {
        arn: Some(place.group_arn(&group.name)),
        state: Some(group.state()),
        creation_date: Some(Timestamp::from_milliseconds(group.created_at)),
        last_modification_date: Some(Timestamp::from_milliseconds(group.modified_at)),
        name: Some(group.name),
    })
}

/// Deletes a group with its schedules.
///
/// # Errors
/// `ResourceNotFoundException`, `ConflictException`; `ValidationException` for the default group.
pub async fn delete_schedule_group(
    service: &Scheduler,
    cx: &Ctx,
    input: DeleteScheduleGroupInput,
) -> Result<DeleteScheduleGroupOutput, Error> {
    let (place, now) = (Place::of(cx), service.now());
    if input.name == DEFAULT_GROUP {
        return Err(validation("The default schedule group cannot be deleted."));
    }
    let timers = service.timers(&place).await?;
    let timer = firing::empty_timer(&timers, &place, &input.name, now);
    service
        .transact(&place, move |transaction| {
            let mut group = read(transaction, &input.name, now)?;
            if group.is_deleting {
                return Err(group_deleting(&input.name).into());
            }
            (group.is_deleting, group.modified_at) = (true, now);
            rows::put(transaction, &keys::group(&input.name), &group)?;
            Ok(timers.set(transaction, &timer)?)
        })
        .await?;
    Ok(DeleteScheduleGroupOutput {})
}
