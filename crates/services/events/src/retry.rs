//! Attempts at a later time, on durable timers.

use std::sync::Arc;
use std::time::Duration;

use platform::{Firing, OrFailure, Timer, TimerPartition};
use serde::{Deserialize, Serialize};
use serde_json::json;
use wire::{Error, Timestamp};

use crate::deliver::{self, Delivery, Epitaph, Failure};
use crate::destination;
use crate::keys;
use crate::limits::{DEAD_LETTER_RETRY_SECONDS, EVENT_AGE_SECONDS_MAX, RETRIES_MAX, RETRY_SECONDS_MAX};
use crate::service::Events;

/// The kind of timer for another attempt.
pub const DELIVERY: &str = "events.delivery";

/// A delivery that failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// What goes where.
    pub delivery: Delivery,
    /// Attempts so far.
    pub tried: u32,
    /// How the last one failed.
    pub failure: Failure,
}

/// The timer of the next attempt; none if the event went to the dead letters, or nowhere.
///
/// # Errors
/// A failure of the store.
pub async fn next_timer(
    service: &Arc<Events>,
    partition: &TimerPartition,
    attempt: Attempt,
) -> Result<Option<Timer>, Error> {
    let retries = attempt.tried.saturating_sub(1);
    let policy = attempt.delivery.target.retry.unwrap_or_default();
    let retries_max = policy.attempts.map_or(RETRIES_MAX, |attempts| attempts.unsigned_abs());
    let age_max = i64::from(policy.age.map_or(EVENT_AGE_SECONDS_MAX, |age| age.unsigned_abs())) * 1_000;
    let now = service.now();
    let left = age_max - now.saturating_sub(attempt.delivery.event.ingested);
    let exhausted = if retries >= retries_max && !attempt.failure.has_place {
        Some("MaximumRetryAttempts")
    } else if left <= 0 {
        Some("MaximumEventAgeInSeconds")
    } else {
        None
    };
    let seconds = if attempt.failure.is_final || exhausted.is_some() {
        let exhausted = exhausted.filter(|_| !attempt.failure.is_final);
        let epitaph = Epitaph { failure: &attempt.failure, exhausted, retries };
        if deliver::bury(service, &attempt.delivery, &epitaph).await {
            return Ok(None);
        }
        DEAD_LETTER_RETRY_SECONDS
    } else {
        // Up to a tenth more, so that what failed together is not tried together.
        let pause = 1u64.checked_shl(retries).unwrap_or(u64::MAX).min(RETRY_SECONDS_MAX);
        let asked = destination::asked_pause(&attempt.failure, Duration::from_millis(left.unsigned_abs())).as_secs();
        // A place among the calls of a target that has a limit is taken exactly when it comes.
        if attempt.failure.has_place { asked } else { asked.max(pause + service.platform.ids.below(pause / 10 + 1)) }
    };
    let due = now.saturating_add(seconds as i64 * 1_000);
    let Delivery { event, rule, target } = &attempt.delivery;
    let id = format!("delivery/{}/{rule}/{}", event.number, target.id);
    Ok(Some(partition.timer(id, Timestamp::from_milliseconds(due), DELIVERY, json!(attempt))))
}

/// Makes another attempt.
///
/// # Errors
/// A failure of the store.
pub async fn try_again(service: &Arc<Events>, firing: &Firing) -> Result<(), Error> {
    let Ok(mut attempt) = serde_json::from_value::<Attempt>(firing.payload.clone()) else {
        tracing::error!(id = firing.id, "an attempt at a delivery cannot be read");
        return Ok(());
    };
    // What is final waits for its queue for dead letters only.
    if !attempt.failure.is_final {
        match deliver::deliver(service, &attempt.delivery, attempt.failure.has_place).await {
            Ok(()) => return Ok(()),
            Err(failure) => attempt.failure = failure,
        }
        attempt.tried = attempt.tried.saturating_add(u32::from(!attempt.failure.has_place));
    }
    let partition = service.platform.timers.partition(&keys::partition()).await.or_failure()?;
    let Some(timer) = next_timer(service, &partition, attempt).await? else { return Ok(()) };
    let firing = firing.clone();
    let noted = service.transact(move |rows| {
        if firing.complete(rows)? {
            partition.set(rows, &timer)?;
        }
        Ok(())
    });
    noted.await
}
