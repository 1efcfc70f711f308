//! `StartReplay`, `CancelReplay`, `DescribeReplay`, `ListReplays`.

use std::sync::Arc;

use api::events::{
    CancelReplayRequest, CancelReplayResponse, DescribeReplayRequest, DescribeReplayResponse, ListReplaysRequest,
    ListReplaysResponse, Replay as ListedReplay, ReplayDestination, StartReplayRequest, StartReplayResponse,
    errors as modelled,
};
use platform::{Ctx, OrFailure};
use store::Direction;
use wire::{Error, Timestamp};

use super::archives;
use super::page::{self, Listing};
use crate::errors::{exists, invalid, missing, no_bus, too_many, validation};
use crate::keys;
use crate::limits::{REPLAYS_MAX, ROWS_PER_PAGE};
use crate::names::{BusId, parse_rule};
use crate::records::{Archive, Replay};
use crate::replaying;
use crate::rows;
use crate::service::{Events, read_bus};

fn arn(cx: &Ctx, name: &str) -> String {
    cx.arn("events", &format!("replay/{name}"))
}

async fn archive_to_replay(service: &Events, cx: &Ctx, name: &str) -> Result<Archive, Error> {
    match archives::find(service, cx, name).await {
        Err(error) if error.is("ResourceNotFoundException") => {
            Err(invalid("EventSourceArn", &format!("Archive {name} does not exist.")))
        }
        found => found,
    }
}

async fn check_bus(service: &Events, arn: &str) -> Result<(), Error> {
    match BusId::parse(arn) {
        Some(bus) if !service.has_bus(&bus).await? => Err(no_bus(&bus.name)),
        _ => Ok(()),
    }
}

/// Starts a replay of an archive's events to the bus they were on.
///
/// # Errors
/// `ResourceAlreadyExistsException`, `ResourceNotFoundException`, `LimitExceededException`, `ValidationException`.
pub async fn start_replay(
    service: &Arc<Events>,
    cx: &Ctx,
    input: StartReplayRequest,
) -> Result<StartReplayResponse, Error> {
    if input.event_start_time >= input.event_end_time {
        return Err(invalid("EventEndTime", "EventStartTime must be before EventEndTime."));
    }
    let name = input.event_source_arn.strip_prefix(&arn_prefix(cx));
    let wrong = || invalid("EventSourceArn", "Must contain an archive ARN.");
    let name = name.ok_or_else(wrong)?;
    let archive = archive_to_replay(service, cx, name).await?;
    check_bus(service, &input.destination.arn).await?;
    if input.destination.arn != archive.source {
        return Err(invalid("Destination.Arn", "Cross event bus replay is not permitted."));
    }
    let bus = BusId::parse(&archive.source).ok_or_else(wrong)?;
    let rules = input.destination.filter_arns.unwrap_or_default();
    if rules.iter().any(|rule| parse_rule(rule).is_none_or(|(of, _)| of != bus)) {
        return Err(invalid("Destination.FilterArns", "Must contain ARNs of rules of the event bus."));
    }
    let now = service.now();
    let replay = Replay {
        name: input.replay_name.clone(),
        description: input.description,
        state: "STARTING".to_owned(),
        archive: input.event_source_arn,
        archive_id: archive.id,
        bus,
        rules,
        from: input.event_start_time.milliseconds(),
        until: input.event_end_time.milliseconds(),
        last_key: None,
        last_time: None,
        started: now,
        ended: None,
    };
    let partition = service.platform.timers.partition(&keys::partition()).await.or_failure()?;
    let timer = replaying::timer(&partition, &cx.account, &cx.region, &replay.name, now);
    let key = keys::replay(&cx.account, &cx.region, &replay.name);
    let all = keys::replays(&cx.account, &cx.region);
    let made = service.transact(move |rows| {
        read_bus(rows, &replay.bus)?;
        if rows.get(&key)?.is_some() {
            return Err(exists("Replay", &replay.name).into());
        }
        let mut at_work = 0;
        for (_, row) in rows.scan(all.range(), Direction::Forward, ROWS_PER_PAGE)? {
            at_work += usize::from(!rows::decode::<Replay>(&row)?.is_over());
        }
        if at_work >= REPLAYS_MAX {
            return Err(too_many().into());
        }
        rows::put(rows, &key, &replay)?;
        partition.set(rows, &timer)?;
        Ok(())
    });
    made.await?;
    Ok(StartReplayResponse {
        replay_arn: Some(arn(cx, &input.replay_name)),
        state: Some("STARTING".to_owned()),
        replay_start_time: Some(Timestamp::from_milliseconds(now)),
        ..Default::default()
    })
}

fn arn_prefix(cx: &Ctx) -> String {
    cx.arn("events", "archive/")
}

/// Ends a replay that is at work.
///
/// # Errors
/// `ResourceNotFoundException`, `IllegalStatusException`.
pub async fn cancel_replay(
    service: &Arc<Events>,
    cx: &Ctx,
    input: CancelReplayRequest,
) -> Result<CancelReplayResponse, Error> {
    let (key, name) = (keys::replay(&cx.account, &cx.region, &input.replay_name), input.replay_name.clone());
    let cancelled = service.transact(move |rows| {
        let known: Option<Replay> = rows::read(rows, &key)?;
        let mut replay = known.ok_or_else(|| missing("Replay", &name))?;
        if replay.is_over() || replay.state == "CANCELLING" {
            let text = format!("Replay {name} is not in a valid state for this operation.");
            return Err(modelled::illegal_status_exception(text).into());
        }
        "CANCELLING".clone_into(&mut replay.state);
        rows::put(rows, &key, &replay)
    });
    cancelled.await?;
    let state = Some("CANCELLING".to_owned());
    Ok(CancelReplayResponse { replay_arn: Some(arn(cx, &input.replay_name)), state, ..Default::default() })
}

/// Describes a replay.
///
/// # Errors
/// `ResourceNotFoundException`.
pub async fn describe_replay(
    service: &Arc<Events>,
    cx: &Ctx,
    input: DescribeReplayRequest,
) -> Result<DescribeReplayResponse, Error> {
    let key = keys::replay(&cx.account, &cx.region, &input.replay_name);
    let row = service.store().get(&keys::partition(), &key).await.or_failure()?;
    let replay: Replay = rows::decode(&row.ok_or_else(|| missing("Replay", &input.replay_name))?)?;
    let filter_arns = Some(replay.rules.clone()).filter(|rules| !rules.is_empty());
    let destination = ReplayDestination { arn: replay.bus.arn(), filter_arns, ..Default::default() };
    let listed = view(replay.clone());
    Ok(DescribeReplayResponse {
        replay_name: listed.replay_name,
        replay_arn: Some(arn(cx, &input.replay_name)),
        description: replay.description,
        state: listed.state,
        event_source_arn: listed.event_source_arn,
        destination: Some(destination),
        event_start_time: listed.event_start_time,
        event_end_time: listed.event_end_time,
        event_last_replayed_time: listed.event_last_replayed_time,
        replay_start_time: listed.replay_start_time,
        replay_end_time: listed.replay_end_time,
        ..Default::default()
    })
}

fn view(replay: Replay) -> ListedReplay {
    let time = |milliseconds| Some(Timestamp::from_milliseconds(milliseconds));
    ListedReplay {
        replay_name: Some(replay.name),
        event_source_arn: Some(replay.archive),
        state: Some(replay.state),
        event_start_time: time(replay.from),
        event_end_time: time(replay.until),
        event_last_replayed_time: replay.last_time.and_then(time),
        replay_start_time: time(replay.started),
        replay_end_time: replay.ended.and_then(time),
        ..Default::default()
    }
}

/// Lists replays.
///
/// # Errors
/// `ValidationException`.
pub async fn list_replays(
    service: &Arc<Events>,
    cx: &Ctx,
    input: ListReplaysRequest,
) -> Result<ListReplaysResponse, Error> {
    let filters = [input.name_prefix.is_some(), input.state.is_some(), input.event_source_arn.is_some()];
    if filters.iter().filter(|given| **given).count() > 1 {
        let text = "At most one filter is allowed for ListReplays. Use either : State, EventSourceArn, or NamePrefix.";
        return Err(validation(text));
    }
    let listing = Listing {
        all: keys::replays(&cx.account, &cx.region),
        name_prefix: input.name_prefix.as_deref(),
        limit: input.limit,
        token: input.next_token.as_deref(),
    };
    let wanted = |replay: &Replay| {
        input.state.as_ref().is_none_or(|state| *state == replay.state)
            && input.event_source_arn.as_ref().is_none_or(|arn| *arn == replay.archive)
    };
    let (found, next_token) = page::read::<Replay>(service, listing, wanted).await?;
    let replays = found.into_iter().map(|(_, replay)| view(replay)).collect();
    Ok(ListReplaysResponse { replays: Some(replays), next_token })
}
