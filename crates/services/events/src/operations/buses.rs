//! `CreateEventBus`, `DeleteEventBus`, `DescribeEventBus`, `ListEventBuses`, `UpdateEventBus`.

use std::sync::Arc;

use api::events::{
    CreateEventBusRequest, CreateEventBusResponse, DeleteEventBusRequest, DescribeEventBusRequest,
    DescribeEventBusResponse, EventBus, ListEventBusesRequest, ListEventBusesResponse, UpdateEventBusRequest,
    UpdateEventBusResponse,
};
use platform::{Ctx, OrFailure};
use store::Direction;
use wire::{Error, Timestamp};

use super::page::{self, Listing};
use super::tags;
use crate::errors::{exists, invalid, too_many, unsupported, validation};
use crate::keys;
use crate::limits::BUSES_MAX;
use crate::names::{BusId, DEFAULT_BUS};
use crate::records::{Bus, RulesState};
use crate::rows;
use crate::service::{Events, read_bus};

/// Makes a bus.
///
/// # Errors
/// `ResourceAlreadyExistsException`, `LimitExceededException`, `ValidationException`.
pub async fn create_event_bus(
    service: &Arc<Events>,
    cx: &Ctx,
    input: CreateEventBusRequest,
) -> Result<CreateEventBusResponse, Error> {
    let refused = [
        ("EventSourceName", input.event_source_name.is_some()),
        ("KmsKeyIdentifier", input.kms_key_identifier.is_some()),
        ("DeadLetterConfig", input.dead_letter_config.is_some()),
        ("LogConfig", input.log_config.is_some()),
    ];
    if let Some((name, _)) = refused.iter().find(|(_, given)| *given) {
        return Err(unsupported(name));
    }
    if input.name.contains('/') {
        return Err(validation("Event bus name must not contain '/'."));
    }
    let bus = BusId::of_caller(cx, &input.name);
    let now = service.now();
    let description = input.description.clone();
    let tags = tags::checked(input.tags.unwrap_or_default())?;
    let record = Bus { description: input.description, policy: None, tags, created: now, modified: now };
    let id = bus.clone();
    let made = service.transact(move |rows| {
        if id.name == DEFAULT_BUS || rows.get(&keys::bus(&id))?.is_some() {
            return Err(exists("Event bus", &id.name).into());
        }
        let all = keys::buses(&id.account, &id.region).range();
        if rows.scan(all, Direction::Forward, BUSES_MAX + 1)?.len() > BUSES_MAX {
            return Err(too_many().into());
        }
        rows::put(rows, &keys::bus(&id), &record)
    });
    made.await?;
    Ok(CreateEventBusResponse { event_bus_arn: Some(bus.arn()), description, ..Default::default() })
}

/// Deletes a bus that has no rules. One that does not exist is no error.
///
/// # Errors
/// `ValidationException`.
pub async fn delete_event_bus(
    service: &Arc<Events>,
    cx: &Ctx,
    input: DeleteEventBusRequest,
) -> Result<api::Empty, Error> {
    let bus = BusId::read(cx, Some(&input.name))?;
    if bus.name == DEFAULT_BUS {
        return Err(validation("Cannot delete event bus default."));
    }
    let deleted = service.transact(move |rows| {
        let state: RulesState = rows::read(rows, &keys::rules_state(&bus))?.unwrap_or_default();
        if state.count > 0 {
            return Err(validation(format!("Cannot delete event bus {}: it has rules.", bus.name)).into());
        }
        rows.delete(&keys::rules_state(&bus));
        rows.delete(&keys::bus(&bus));
        Ok(())
    });
    deleted.await?;
    Ok(api::Empty)
}

/// Describes a bus.
///
/// # Errors
/// `ResourceNotFoundException`, `ValidationException`.
pub async fn describe_event_bus(
    service: &Arc<Events>,
    cx: &Ctx,
    input: DescribeEventBusRequest,
) -> Result<DescribeEventBusResponse, Error> {
    let id = BusId::read(cx, input.name.as_deref())?;
    let EventBus { name, arn, description, policy, creation_time, last_modified_time, .. } =
        view(&id, service.bus(&id).await?);
    Ok(DescribeEventBusResponse {
        name,
        arn,
        description,
        policy,
        creation_time,
        last_modified_time,
        ..Default::default()
    })
}

fn view(id: &BusId, bus: Bus) -> EventBus {
    // The default bus was not made: it has no time before its first change.
    let time = |milliseconds: i64| (milliseconds > 0).then(|| Timestamp::from_milliseconds(milliseconds));
    EventBus {
        name: Some(id.name.clone()),
        arn: Some(id.arn()),
        description: bus.description,
        policy: bus.policy,
        creation_time: time(bus.created),
        last_modified_time: time(bus.modified),
        ..Default::default()
    }
}

/// Lists the buses of the caller's account and region.
///
/// # Errors
/// `ValidationException`.
pub async fn list_event_buses(
    service: &Arc<Events>,
    cx: &Ctx,
    input: ListEventBusesRequest,
) -> Result<ListEventBusesResponse, Error> {
    let default = BusId::of_caller(cx, DEFAULT_BUS);
    // The default bus has a row once it was changed or listed: so it has its place among the others.
    if service.store().get(&keys::partition(), &keys::bus(&default)).await.or_failure()?.is_none() {
        change(service, &default, |_| Ok(())).await?;
    }
    let listing = Listing {
        all: keys::buses(&cx.account, &cx.region),
        name_prefix: input.name_prefix.as_deref(),
        limit: input.limit,
        token: input.next_token.as_deref(),
    };
    let (found, next_token) = page::read::<Bus>(service, listing, |_| true).await?;
    let buses = found.into_iter().map(|(name, bus)| view(&BusId::of_caller(cx, &name), bus)).collect();
    Ok(ListEventBusesResponse { event_buses: Some(buses), next_token })
}

/// Changes the description of a bus.
///
/// # Errors
/// `ResourceNotFoundException`, `ValidationException`.
pub async fn update_event_bus(
    service: &Arc<Events>,
    cx: &Ctx,
    input: UpdateEventBusRequest,
) -> Result<UpdateEventBusResponse, Error> {
    let refused = [
        ("KmsKeyIdentifier", input.kms_key_identifier.is_some()),
        ("DeadLetterConfig", input.dead_letter_config.is_some()),
        ("LogConfig", input.log_config.is_some()),
    ];
    if let Some((name, _)) = refused.iter().find(|(_, given)| *given) {
        return Err(unsupported(name));
    }
    let id = BusId::read(cx, input.name.as_deref())?;
    let description = input.description.clone();
    change(service, &id, move |bus| {
        bus.description.clone_from(&input.description);
        Ok(())
    })
    .await?;
    Ok(UpdateEventBusResponse { arn: Some(id.arn()), name: Some(id.name), description, ..Default::default() })
}

/// Changes a bus.
///
/// # Errors
/// `ResourceNotFoundException`, and those of the change.
pub async fn change<F>(service: &Events, id: &BusId, change: F) -> Result<(), Error>
where
    F: Fn(&mut Bus) -> Result<(), Error> + Send + Sync + 'static,
{
    let (id, now) = (id.clone(), service.now());
    let changed = service.transact(move |rows| {
        let mut bus = read_bus(rows, &id)?;
        change(&mut bus)?;
        bus.modified = now;
        if bus.created == 0 {
            bus.created = now;
        }
        rows::put(rows, &keys::bus(&id), &bus)
    });
    changed.await
}

/// Refuses buses of other accounts and regions for what only their owner may do.
///
/// # Errors
/// `ValidationException`.
pub fn own(cx: &Ctx, bus: BusId) -> Result<BusId, Error> {
    let is_own = bus.account == cx.account && bus.region == cx.region;
    if is_own { Ok(bus) } else { Err(invalid("EventBusName", "Event bus is in another account or Region.")) }
}
