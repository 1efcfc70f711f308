//! Rotation: a Lambda function makes a new version in four steps, now or by a schedule.
//!
//! A rotation that is under way is noted in the secret and has a timer, set in the same transaction. The timer's handler
//! invokes the function, and ends the rotation or sets the timer again, so that a rotation survives the process that
//! began it. Every step may be called again: AWS says so to those who write such functions.

pub mod cancel;
mod cron;
pub mod rotate;
pub mod run;
mod schedule;

use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{Abort, Transaction};
use wire::{Error, Timestamp};

use crate::keys;
use crate::names::SecretId;
use crate::records::{SecretRecord, VersionRecord, time};
use crate::rows;
use crate::service::{ROTATION_TIMER, SCHEDULE_TIMER};
use crate::stages::{CURRENT, PENDING};
use platform::TimerPartition;
pub use schedule::{Rules, Window};

/// How a secret is rotated. Times are in milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RotationRecord {
    /// Whether the schedule is in force.
    pub is_enabled: bool,
    /// The function.
    pub lambda_arn: String,
    /// The schedule; `None` for rotations by hand only.
    pub rules: Option<Rules>,
    /// When a rotation last succeeded.
    pub last_rotated_at: Option<i64>,
    /// When the next one is due.
    pub next: Option<Window>,
    /// The one that is under way.
    pub running: Option<Running>,
}

/// A rotation that is under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    /// The version that is to be made.
    pub token: String,
    /// Runs that have failed.
    pub failures: u32,
    /// Only the step `testSecret`, on a version that goes afterwards: a trial of the set-up.
    pub is_trial: bool,
}

impl RotationRecord {
    /// The end of the next window: AWS rotates at that time at the latest.
    pub fn next_rotation_date(&self) -> Option<Timestamp> {
        self.next.filter(|_| self.is_enabled).map(|window| time(window.end))
    }

    /// Looks for the next window after a time.
    pub fn plan(&mut self, after: i64) {
        self.next = self.rules.as_ref().and_then(|rules| rules.next(after));
    }
}

/// A value that was changed by hand counts as rotated where the schedule counts days.
pub fn value_changed(record: &mut SecretRecord) {
    let changed_at = record.changed_at;
    let counts_days = |rotation: &&mut RotationRecord| {
        rotation.rules.as_ref().is_some_and(|rules| rules.automatically_after_days.is_some())
    };
    if let Some(rotation) = record.rotation.as_mut().filter(counts_days) {
        rotation.plan(changed_at);
    }
}

/// Plans anew for a secret that was restored: windows that have gone by are not made up for.
pub fn restart(record: &mut SecretRecord, now: i64) {
    if let Some(rotation) = &mut record.rotation {
        rotation.running = None;
        rotation.plan(now);
    }
}

/// Sets the timer of the next scheduled rotation, or cancels it if there is none.
pub fn set_schedule(
    transaction: &mut dyn Transaction,
    timers: &TimerPartition,
    id: &SecretId,
    record: &SecretRecord,
) -> Result<(), Abort<Error>> {
    let timer_id = keys::schedule_timer(&id.region, &id.name);
    let next = record.rotation.as_ref().filter(|rotation| rotation.is_enabled).and_then(|rotation| rotation.next);
    match next {
        Some(window) => {
            let timer = timers.timer(timer_id, time(window.start), SCHEDULE_TIMER, payload(id));
            timers.set(transaction, &timer)?;
        }
        None => {
            timers.cancel(transaction, &timer_id)?;
        }
    }
    Ok(())
}

/// Cancels all timers of a secret's rotation.
pub fn stop(transaction: &mut dyn Transaction, timers: &TimerPartition, id: &SecretId) -> Result<(), Abort<Error>> {
    timers.cancel(transaction, &keys::schedule_timer(&id.region, &id.name))?;
    timers.cancel(transaction, &keys::rotation_timer(&id.region, &id.name))?;
    Ok(())
}

/// Begins a rotation: notes it, makes the version that the function is to fill, and has its timer fire at once.
fn begin(
    transaction: &mut dyn Transaction,
    timers: &TimerPartition,
    id: &SecretId,
    record: &mut SecretRecord,
    running: Running,
    now: i64,
) -> Result<(), Abort<Error>> {
    let Some(rotation) = &mut record.rotation else { return Ok(()) };
    let key = keys::version(&id.region, &id.name, &running.token);
    if transaction.get(&key)?.is_none() {
        let version = VersionRecord {
            created_at: now,
            kms_key_id: record.kms_key_id.clone(),
            accessed_at: None,
            has_value: false,
        };
        rows::put(transaction, &key, &version)?;
    }
    record.labels.put(PENDING, &running.token);
    rotation.running = Some(running);
    set_rotation_timer(transaction, timers, id, now)
}

fn set_rotation_timer(
    transaction: &mut dyn Transaction,
    timers: &TimerPartition,
    id: &SecretId,
    due: i64,
) -> Result<(), Abort<Error>> {
    let timer_id = keys::rotation_timer(&id.region, &id.name);
    timers.set(transaction, &timers.timer(timer_id, time(due), ROTATION_TIMER, payload(id)))?;
    Ok(())
}

/// The version that a rotation has begun and not finished.
fn unfinished(record: &SecretRecord) -> Option<&str> {
    record.labels.version(PENDING).filter(|pending| record.labels.version(CURRENT) != Some(*pending))
}

fn payload(id: &SecretId) -> serde_json::Value {
    json!({ "account": id.account, "region": id.region, "name": id.name })
}
