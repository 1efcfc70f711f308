//! Timers: the next time of a schedule, the calls that are to be made, and the end of a group.

use std::sync::Arc;

use platform::{Firing, Timer, TimerPartition};
use schedule::{Zone, Zoned};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{Abort, Direction, Transaction};
use wire::{Error, Timestamp};

use crate::invocation::{self, Invocation};
use crate::limits::DELETED_AT_ONCE;
use crate::names::Place;
use crate::records::{Schedule, Settings};
use crate::service::Scheduler;
use crate::{keys, rows};

const TIME: &str = "scheduler/time";
const CALL: &str = "scheduler/call";
const EMPTY: &str = "scheduler/empty";

/// What a timer of a schedule or group is about.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct About {
    account: String,
    region: String,
    group: String,
    /// Of a schedule.
    name: String,
    /// Of a schedule: the state of it that set the timer.
    revision: String,
    /// Of a schedule: the time itself, in milliseconds since 1970; the timer may come later within a window.
    time: i64,
}

impl About {
    fn place(&self) -> Place {
        Place { account: self.account.clone(), region: self.region.clone() }
    }
}

/// Names the handlers.
pub fn install(scheduler: &Arc<Scheduler>) {
    let service = Arc::clone(scheduler);
    scheduler.platform.timers.on(TIME, move |firing| {
        let service = Arc::clone(&service);
        async move { come(&service, &firing).await }
    });
    let service = Arc::clone(scheduler);
    scheduler.platform.timers.on(CALL, move |firing| {
        let service = Arc::clone(&service);
        async move { invocation::attempt(&service, &firing).await }
    });
    let service = Arc::clone(scheduler);
    scheduler.platform.timers.on(EMPTY, move |firing| {
        let service = Arc::clone(&service);
        async move { empty(&service, &firing).await }
    });
}

fn time_id(group: &str, name: &str) -> String {
    format!("time/{group}/{name}")
}

/// The time of a schedule that follows `after`, all in milliseconds since 1970.
fn next_time(schedule: &Schedule, after: Option<i64>) -> Option<i64> {
    let Settings { expression, zone, start, end, is_enabled, .. } = &schedule.settings;
    let expression = Zoned::parse(expression, &Zone::parse(zone)?)?;
    // A beginning is nothing to what comes once.
    let start = match expression {
        Zoned::Once(_) => i64::MIN + 1,
        _ => start.unwrap_or(schedule.created_at),
    };
    let next = expression.next(start, after).filter(|next| end.is_none_or(|end| *next <= end));
    next.filter(|_| *is_enabled)
}

/// The timer of a schedule's next time; `after` is in milliseconds since 1970, `random` a number below 2^32.
pub fn next_timer(
    timers: &TimerPartition,
    place: &Place,
    schedule: &Schedule,
    after: Option<i64>,
    random: u64,
) -> Option<Timer> {
    let time = next_time(schedule, after)?;
    let window = schedule.settings.window.map_or(0, |minutes| u64::from(minutes.unsigned_abs()) * 60_000);
    let due = time.saturating_add(((window * (random & 0xffff_ffff)) >> 32) as i64);
    let about = About {
        account: place.account.clone(),
        region: place.region.clone(),
        group: schedule.group.clone(),
        name: schedule.name.clone(),
        revision: schedule.revision.clone(),
        time,
    };
    let id = time_id(&schedule.group, &schedule.name);
    Some(timers.timer(id, Timestamp::from_milliseconds(due), TIME, json!(about)))
}

/// Takes the timer of a schedule away.
///
/// # Errors
/// A failure of the store.
pub fn cancel(
    timers: &TimerPartition,
    transaction: &mut dyn Transaction,
    group: &str,
    name: &str,
) -> Result<(), Abort<Error>> {
    timers.cancel(transaction, &time_id(group, name))?;
    Ok(())
}

/// The timer of a call's next attempt; `due` is in milliseconds since 1970.
pub fn call_timer(timers: &TimerPartition, invocation: &Invocation, due: i64) -> Timer {
    let id = format!("call/{}", invocation.execution);
    timers.timer(id, Timestamp::from_milliseconds(due), CALL, json!(invocation))
}

/// The timer that empties and removes a group; `now` is in milliseconds since 1970.
pub fn empty_timer(timers: &TimerPartition, place: &Place, group: &str, now: i64) -> Timer {
    let about = About {
        account: place.account.clone(),
        region: place.region.clone(),
        group: group.to_owned(),
        name: String::new(),
        revision: String::new(),
        time: now,
    };
    timers.timer(format!("empty/{group}"), Timestamp::from_milliseconds(now), EMPTY, json!(about))
}

fn about(firing: &Firing) -> Option<About> {
    let about = serde_json::from_value(firing.payload.clone());
    if about.is_err() {
        tracing::error!(id = firing.id, "a timer cannot be read");
    }
    about.ok()
}

/// A schedule's time has come: the call is written down, and the timer set for the time after it. Times that were missed
/// meanwhile do not come any more.
async fn come(service: &Arc<Scheduler>, firing: &Firing) -> Result<(), Error> {
    let Some(about) = about(firing) else { return Ok(()) };
    let place = about.place();
    let timers = service.timers(&place).await?;
    let (now, firing) = (service.now(), firing.clone());
    let (execution, random) = (service.platform.ids.hex(16), service.platform.ids.below(1 << 32));
    let moved = place.clone();
    service
        .transact(&place, move |transaction| {
            if !firing.complete(transaction)? {
                return Ok(());
            }
            let key = keys::schedule(&about.group, &about.name);
            let schedule: Option<Schedule> = rows::read(transaction, &key)?;
            let Some(schedule) = schedule.filter(|schedule| schedule.revision == about.revision) else {
                return Ok(());
            };
            let next = next_timer(&timers, &moved, &schedule, Some(about.time.max(now)), random);
            if let Some(next) = &next {
                timers.set(transaction, next)?;
            }
            let is_last = next.is_none() && schedule.settings.delete_after;
            let invocation = Invocation::new(&moved, &schedule, about.time, execution.clone(), is_last);
            Ok(timers.set(transaction, &call_timer(&timers, &invocation, now))?)
        })
        .await
}

/// Removes the schedules of a group, some at a time, and then the group.
async fn empty(service: &Arc<Scheduler>, firing: &Firing) -> Result<(), Error> {
    let Some(about) = about(firing) else { return Ok(()) };
    let place = about.place();
    let timers = service.timers(&place).await?;
    loop {
        let (timers, firing, group) = (timers.clone(), firing.clone(), about.group.clone());
        let is_empty = service.transact(&place, move |transaction| {
            let range = keys::schedules_of(&group, "");
            let found = transaction.scan(range, Direction::Forward, DELETED_AT_ONCE)?;
            for (key, row) in &found {
                let schedule: Schedule = rows::decode(row)?;
                cancel(&timers, transaction, &group, &schedule.name)?;
                transaction.delete(key);
            }
            if found.is_empty() && firing.complete(transaction)? {
                transaction.delete(&keys::group(&group));
            }
            Ok(found.is_empty())
        });
        // Ends with the schedules: none is added to a group that is being deleted.
        if is_empty.await? {
            return Ok(());
        }
    }
}
