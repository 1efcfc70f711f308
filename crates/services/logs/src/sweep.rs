//! Removing events nobody can see any more, and the oldest ones when all together hold too much.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use platform::OrFailure;
use store::{Abort, Direction, KeyRange, StoreError, TransactError, Transaction};
use wire::Error;

use crate::keys::{self, Position};
use crate::limits::{REMOVED_ROWS_MAX, SCANNED_EVENTS_MAX, SCANNED_ROWS_MAX, SWEEP_INTERVAL};
use crate::records::{GroupRecord, Total, Usage, event_size};
use crate::rows;
use crate::service::Logs;

/// Sweeps now and then, and whenever there is something to remove, until the platform stops.
pub async fn run(logs: Arc<Logs>) {
    let stopping = logs.platform.background.stopping().clone();
    let clock = logs.platform.clock.clone();
    let rounds = async {
        loop {
            if let Err(error) = sweep(&logs).await {
                tracing::warn!(%error, "log events could not be swept");
            }
            tokio::select! {
                () = clock.sleep(SWEEP_INTERVAL) => {}
                () = logs.sweep_requested() => {}
            }
        }
    };
    stopping.run_until_cancelled(rounds).await;
}

/// One round. What it leaves half done, the next one finds again.
pub async fn sweep(logs: &Logs) -> Result<(), Error> {
    remove_doomed(logs).await?;
    remove_expired(logs).await?;
    remove_oldest(logs).await
}

/// Removes what belonged to deleted groups and streams.
async fn remove_doomed(logs: &Logs) -> Result<(), Error> {
    // Every round removes the marks it has found.
    loop {
        let scan = logs.telemetry().scan(logs.partition(), keys::all_doomed(), Direction::Forward, SCANNED_ROWS_MAX);
        let marks = scan.await.or_failure()?;
        if marks.is_empty() {
            return Ok(());
        }
        for (mark, _) in marks {
            match rows::key_part(keys::read_doomed(&mark))? {
                (group, 0) => remove_group(logs, group).await?,
                (group, stream) => remove_stream(logs, group, stream).await?,
            }
        }
    }
}

async fn remove_group(logs: &Logs, group: u64) -> Result<(), Error> {
    for range in keys::rows_of_group(group) {
        logs.telemetry().delete_range(logs.partition(), range).await.or_failure()?;
    }
    logs.transact(move |rows| {
        let usage: Usage = rows::read(rows, &keys::usage(group))?.unwrap_or_default();
        let mut total: Total = rows::read(rows, &keys::total())?.unwrap_or_default();
        total.events = total.events.saturating_sub(usage.events);
        total.bytes = total.bytes.saturating_sub(usage.bytes);
        total.streams = total.streams.saturating_sub(usage.streams);
        rows::put(rows, &keys::total(), &total)?;
        rows.delete(&keys::usage(group));
        rows.delete(&keys::doomed(group, 0));
        Ok(())
    })
    .await
}

async fn remove_stream(logs: &Logs, group: u64, stream: u64) -> Result<(), Error> {
    let chunk = move |rows: &mut dyn Transaction| {
        let range = keys::stream_events(group, stream).range();
        let found = rows.scan(range, Direction::Forward, REMOVED_ROWS_MAX)?;
        let mut bytes = 0;
        for (key, length) in &found {
            let position = rows::key_part(keys::read_stream_event(key))?;
            rows.delete(key);
            rows.delete(&keys::event(group, position));
            let length = length.as_ref().try_into().map(u32::from_be_bytes).unwrap_or_default();
            bytes += event_size(length as usize) as u64;
        }
        take_off(rows, group, found.len() as u64, bytes)?;
        let done = found.len() < REMOVED_ROWS_MAX;
        if done {
            rows.delete(&keys::doomed(group, stream));
        }
        Ok(done)
    };
    while !logs.transact(chunk).await? {}
    Ok(())
}

/// Subtracts removed events from what the group and the platform hold.
fn take_off(rows: &mut dyn Transaction, group: u64, events: u64, bytes: u64) -> Result<(), Abort<Error>> {
    if events == 0 {
        return Ok(());
    }
    if let Some(mut usage) = rows::read::<Usage>(rows, &keys::usage(group))? {
        usage.events = usage.events.saturating_sub(events);
        usage.bytes = usage.bytes.saturating_sub(bytes);
        rows::put(rows, &keys::usage(group), &usage)?;
        let mut total: Total = rows::read(rows, &keys::total())?.unwrap_or_default();
        total.events = total.events.saturating_sub(events);
        total.bytes = total.bytes.saturating_sub(bytes);
        rows::put(rows, &keys::total(), &total)?;
    }
    Ok(())
}

/// Removes events that are older than their groups keep them.
async fn remove_expired(logs: &Logs) -> Result<(), Error> {
    let mut left = Some(keys::all_groups());
    while let Some(range) = left {
        let (groups, rest) = page_of_groups(logs, range).await?;
        for group in groups {
            let end = Position::start_of(group.expired_before(logs.now()));
            while earliest(logs, group.id).await?.is_some_and(|time| time < end.timestamp) {
                remove_before(logs, group.id, end).await?;
            }
        }
        left = rest;
    }
    Ok(())
}

/// Some groups of a range, and what is left of it.
async fn page_of_groups(logs: &Logs, range: KeyRange) -> Result<(Vec<GroupRecord>, Option<KeyRange>), Error> {
    let scan = logs.telemetry().scan(logs.partition(), range.clone(), Direction::Forward, SCANNED_ROWS_MAX);
    let found = scan.await.or_failure()?;
    let rest = found.last().filter(|_| found.len() == SCANNED_ROWS_MAX).map(|(key, _)| range.after(key));
    let groups = found.iter().map(|(_, row)| rows::decode(row)).collect::<Result<_, _>>()?;
    Ok((groups, rest))
}

/// Removes some of a group's earliest events, if they stand before `end`.
async fn remove_before(logs: &Logs, group: u64, end: Position) -> Result<(), Error> {
    let range = keys::event_range(group, Position::start_of(0), end);
    let remove = |limit: usize| {
        let range = range.clone();
        logs.telemetry().transact(logs.partition(), move |rows| remove_events(rows, group, range.clone(), limit))
    };
    match remove(REMOVED_ROWS_MAX).await {
        // So many large events at once are more than one scan may return.
        Err(TransactError::Store(StoreError::LimitExceeded { .. })) => remove(SCANNED_EVENTS_MAX).await.or_failure(),
        removed => removed.or_failure(),
    }
}

fn remove_events(rows: &mut dyn Transaction, group: u64, range: KeyRange, limit: usize) -> Result<(), Abort<Error>> {
    let found = rows.scan(range, Direction::Forward, limit)?;
    let (removed, mut bytes) = (found.len(), 0);
    for (key, row) in found {
        let position = rows::key_part(keys::read_event(&key))?;
        let event = rows::decode_event(row)?;
        rows.delete(&key);
        rows.delete(&keys::stream_event(group, event.stream, position));
        bytes += event.size() as u64;
    }
    take_off(rows, group, removed as u64, bytes)
}

/// Removes the oldest events of all groups until all together hold a tenth less than they may.
async fn remove_oldest(logs: &Logs) -> Result<(), Error> {
    if held(logs).await? <= logs.held_bytes_max() {
        return Ok(());
    }
    let mut oldest = BinaryHeap::new();
    let mut left = Some(keys::all_groups());
    while let Some(range) = left {
        let (groups, rest) = page_of_groups(logs, range).await?;
        for group in groups {
            oldest.extend(earliest(logs, group.id).await?.map(|time| Reverse((time, group.id))));
        }
        left = rest;
    }
    let goal = logs.held_bytes_max() - logs.held_bytes_max() / 10;
    while held(logs).await? > goal {
        let Some(Reverse((_, group))) = oldest.pop() else { break };
        // Up to where the next group's events begin, so that no event goes before an older one.
        let until = oldest.peek().map_or(i64::MAX, |Reverse((time, _))| time.saturating_add(1));
        remove_before(logs, group, Position::start_of(until)).await?;
        oldest.extend(earliest(logs, group).await?.map(|time| Reverse((time, group))));
    }
    Ok(())
}

async fn held(logs: &Logs) -> Result<u64, Error> {
    let row = logs.telemetry().get(logs.partition(), &keys::total()).await.or_failure()?;
    Ok(row.map(|row| rows::decode::<Total>(&row)).transpose()?.unwrap_or_default().held())
}

/// The time of a group's earliest event, in milliseconds since 1970.
async fn earliest(logs: &Logs, group: u64) -> Result<Option<i64>, Error> {
    let scan = logs.telemetry().scan(logs.partition(), keys::events(group).range(), Direction::Forward, 1);
    let found = scan.await.or_failure()?;
    found.first().map(|(key, _)| Ok(rows::key_part(keys::read_event(key))?.timestamp)).transpose()
}
