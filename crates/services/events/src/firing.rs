//! Schedules of rules on durable timers: one for each rule, which makes an event and sets itself anew.

use std::sync::Arc;

use platform::{Firing, OrFailure, Timer, TimerPartition};
use schedule::Schedule;
use serde_json::json;
use wire::{Error, Timestamp};

use crate::event::{self, Event};
use crate::keys;
use crate::names::{BusId, parse_rule};
use crate::records::Rule;
use crate::rows;
use crate::service::Events;

/// The kind of timer of a schedule.
pub const SCHEDULE: &str = "events.schedule";

/// Id of the timer of a rule.
pub fn timer_id(bus: &BusId, rule: &str) -> String {
    format!("schedule/{}", bus.rule_arn(rule))
}

/// The next timer of a rule; none if its schedule never comes again.
pub fn timer(partition: &TimerPartition, bus: &BusId, rule: &Rule, last: i64, now: i64) -> Option<Timer> {
    let expression = rule.schedule.as_deref()?;
    let due = Schedule::parse(expression)?.next(last, now)?;
    let payload = json!({ "rule": bus.rule_arn(&rule.name), "schedule": expression, "due": due });
    Some(partition.timer(timer_id(bus, &rule.name), Timestamp::from_milliseconds(due), SCHEDULE, payload))
}

/// Makes the event of a schedule whose time has come.
///
/// # Errors
/// A failure of the store.
pub async fn fire(service: &Arc<Events>, firing: &Firing) -> Result<(), Error> {
    let text = |name: &str| firing.payload.get(name).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
    let Some((bus, name)) = parse_rule(&text("rule")) else { return Ok(()) };
    let (expression, now) = (text("schedule"), service.now());
    let due = firing.payload.get("due").and_then(serde_json::Value::as_i64).unwrap_or(now);
    let partition = service.platform.timers.partition(&keys::partition()).await.or_failure()?;
    let id = service.platform.ids.uuid();
    let firing = firing.clone();
    let Some(rule) = service.rule(&bus, &name).await? else { return Ok(()) };
    let next = timer(&partition, &bus, &rule, due, now);
    let made = service.transact(move |rows| {
        if !firing.complete(rows)? {
            return Ok(());
        }
        let rule: Option<Rule> = rows::read(rows, &keys::rule(&bus, &name))?;
        let is_current = |rule: &Rule| rule.is_enabled() && rule.schedule.as_deref() == Some(&expression);
        if !rule.as_ref().is_some_and(is_current) {
            return Ok(());
        }
        event::put(rows, &[Event::scheduled(&bus, &name, id.clone(), due, now)])?;
        if let Some(next) = &next {
            partition.set(rows, next)?;
        }
        Ok(())
    });
    made.await
}
