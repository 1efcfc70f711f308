//! Replays at work: one durable timer each, which puts archived events on their bus, some at a time.

use std::sync::Arc;

use platform::{Firing, OrFailure, Timer, TimerPartition};
use serde_json::{Value, json};
use store::{Abort, Direction, Transaction};
use wire::{Error, Timestamp};

use crate::event::{self, Audience, Event};
use crate::keys;
use crate::limits::REPLAYED_AT_ONCE;
use crate::records::Replay;
use crate::rows;
use crate::service::Events;

/// The kind of timer of a replay.
pub const REPLAY: &str = "events.replay";

/// The timer of a replay.
pub fn timer(partition: &TimerPartition, account: &str, region: &str, name: &str, now: i64) -> Timer {
    let payload = json!({ "account": account, "region": region, "name": name });
    let id = format!("replay/{account}/{region}/{name}");
    partition.timer(id, Timestamp::from_milliseconds(now), REPLAY, payload)
}

/// Replays what is left. Each round is one transaction, so that nothing is replayed twice.
///
/// # Errors
/// A failure of the store.
pub async fn run(service: &Arc<Events>, firing: &Firing) -> Result<(), Error> {
    let text = |name: &str| firing.payload.get(name).and_then(Value::as_str).unwrap_or_default();
    let key = keys::replay(text("account"), text("region"), text("name"));
    service.platform.timers.partition(&keys::partition()).await.or_failure()?;
    loop {
        let (key, now) = (key.clone(), service.now());
        let ids: Vec<String> = (0..REPLAYED_AT_ONCE).map(|_| service.platform.ids.uuid()).collect();
        let is_over = service.transact(move |rows| {
            let Some(mut replay) = rows::read::<Replay>(rows, &key)?.filter(|replay| !replay.is_over()) else {
                return Ok(true);
            };
            step(rows, &mut replay, &ids, now)?;
            rows::put(rows, &key, &replay)?;
            Ok(replay.is_over())
        });
        if is_over.await? {
            return Ok(());
        }
    }
}

fn step(rows: &mut dyn Transaction, replay: &mut Replay, ids: &[String], now: i64) -> Result<(), Abort<Error>> {
    if replay.state == "CANCELLING" {
        "CANCELLED".clone_into(&mut replay.state);
        replay.ended = Some(now);
        return Ok(());
    }
    "RUNNING".clone_into(&mut replay.state);
    let mut range = keys::archived_between(&replay.archive_id, replay.from, replay.until);
    if let Some(last) = &replay.last_key {
        range = range.after(last);
    }
    let page = rows.scan(range, Direction::Forward, ids.len())?;
    let mut events = Vec::with_capacity(page.len());
    for ((_, row), id) in page.iter().zip(ids) {
        let mut event: Event = rows::decode(row)?;
        event.document.insert("id".to_owned(), json!(id));
        event.document.insert("replay-name".to_owned(), json!(replay.name));
        event.audience = Audience::Replay(replay.rules.clone());
        (event.hops, event.ingested) = (0, now);
        events.push(event);
    }
    event::put(rows, &events)?;
    if let Some((last, _)) = page.last() {
        replay.last_time = Some(rows::key_part(keys::read_archived(last))?);
        replay.last_key = Some(last.to_vec());
    }
    if page.len() < ids.len() {
        "COMPLETED".clone_into(&mut replay.state);
        replay.ended = Some(now);
    }
    Ok(())
}
