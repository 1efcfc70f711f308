//! Waiting for messages.
//!
//! The calls that wait for one queue stand in line. Only the first of them looks: when something under the queue's rows
//! is committed, when the next message becomes ready, and at the end of its time. So a message wakes one call and not
//! all of them, and whoever came first is served first.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use platform::{Ctx, OrFailure};
use store::Direction;
use tokio::sync::{Mutex as Line, Semaphore};
use wire::Error;
use wire::error::common;

use crate::address::QueueName;
use crate::contents::key_part;
use crate::keys;
use crate::limits::WAITING_MAX;
use crate::queue::Queue;
use crate::service::Sqs;

/// Pause after a look in vain at messages that could be received: too many are in flight.
const VAIN_PAUSE: Duration = Duration::from_millis(100);

/// The lines of waiting calls.
pub struct Polls {
    room: Semaphore,
    lines: Mutex<HashMap<QueueName, Arc<Line<()>>>>,
}

impl Default for Polls {
    fn default() -> Polls {
        Polls { room: Semaphore::new(WAITING_MAX), lines: Mutex::default() }
    }
}

/// A place in a queue's line. The line is gone with its last place.
struct Place<'p> {
    polls: &'p Polls,
    name: &'p QueueName,
    line: Option<Arc<Line<()>>>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut lines = self.polls.lines.lock();
        self.line = None;
        if lines.get(self.name).is_some_and(|line| Arc::strong_count(line) == 1) {
            lines.remove(self.name);
        }
    }
}

impl Polls {
    /// How many calls stand in lines.
    #[cfg(test)]
    pub fn standing(&self) -> usize {
        WAITING_MAX - self.room.available_permits()
    }

    fn place<'p>(&'p self, name: &'p QueueName) -> Place<'p> {
        let line = Arc::clone(self.lines.lock().entry(name.clone()).or_default());
        Place { polls: self, name, line: Some(line) }
    }
}

/// When the next message of a queue can be received, in milliseconds since 1970: 0 for now, `None` for never as things
/// are. Cheap: it reads two rows and writes none.
pub async fn next_at(service: &Sqs, queue: &Queue) -> Result<Option<i64>, Error> {
    let partition = keys::partition_of(&queue.name);
    let contents = queue.record.contents;
    let first = |range| service.store().scan(&partition, range, Direction::Forward, 1);
    if !first(keys::all_ready(contents).range()).await.or_failure()?.is_empty() {
        return Ok(Some(0));
    }
    let waiting = first(keys::all_waiting(contents).range()).await.or_failure()?;
    let Some((key, _)) = waiting.first() else { return Ok(None) };
    match key_part(keys::read_waiting(key)) {
        Ok((until, _)) => Ok(Some(until)),
        Err(store::Abort::With(error)) => Err(error),
        // Nothing but a transaction's reads is ever pending.
        Err(store::Abort::Pending(_)) => Ok(None),
    }
}

/// Waits until `attempt` finds something, at most until `deadline` (of the clock's monotonic time). Answers `None` when
/// the time is over or the platform stops.
///
/// # Errors
/// `ServiceUnavailable` when [`WAITING_MAX`] calls wait already, `QueueDoesNotExist` when the queue is deleted
/// meanwhile, and those of `attempt`.
pub async fn wait<R, A, F>(
    service: &Sqs,
    cx: &Ctx,
    name: &QueueName,
    deadline: Duration,
    attempt: A,
) -> Result<Option<R>, Error>
where
    A: Fn() -> F,
    F: Future<Output = Result<Option<R>, Error>>,
{
    let Ok(_room) = service.polls.room.try_acquire() else {
        return Err(Error::new(&common::SERVICE_UNAVAILABLE, "Service is unable to handle request."));
    };
    let clock = &service.platform.clock;
    let stopping = service.platform.background.stopping();
    let place = service.polls.place(name);
    let line = place.line.clone().unwrap_or_default();
    let front = tokio::select! {
        front = line.lock() => front,
        () = clock.sleep(deadline.saturating_sub(clock.monotonic())) => return Ok(None),
        () = stopping.cancelled() => return Ok(None),
    };
    let found = tokio::select! {
        found = look(service, cx, name, deadline, attempt) => found,
        () = stopping.cancelled() => Ok(None),
    };
    drop(front);
    drop(line);
    found
}

/// Looks until something is found or the time is over.
async fn look<R, A, F>(
    service: &Sqs,
    cx: &Ctx,
    name: &QueueName,
    deadline: Duration,
    attempt: A,
) -> Result<Option<R>, Error>
where
    A: Fn() -> F,
    F: Future<Output = Result<Option<R>, Error>>,
{
    let clock = &service.platform.clock;
    let partition = keys::partition_of(name);
    let mut queue = service.queue(cx, name).await?;
    // A purge gives the queue other contents, and so other rows to watch.
    loop {
        let contents = queue.record.contents;
        let mut ready = service.store().watch(&partition, &keys::all_ready(contents));
        let mut waiting = service.store().watch(&partition, &keys::all_waiting(contents));
        let mut record = service.store().watch(&partition, &keys::queue(&name.name));
        while queue.record.contents == contents {
            let next = next_at(service, &queue).await?;
            let due = next.is_some_and(|next| next <= service.now());
            if due && let Some(found) = attempt().await? {
                return Ok(Some(found));
            }
            let left = deadline.saturating_sub(clock.monotonic());
            if left.is_zero() {
                return Ok(None);
            }
            let until_next = match next {
                Some(_) if due => VAIN_PAUSE,
                Some(next) => Duration::from_millis(next.saturating_sub(service.now()).max(1).unsigned_abs()),
                None => left,
            };
            let changed = tokio::select! {
                changed = ready.changed() => changed,
                changed = waiting.changed() => changed,
                changed = record.changed() => changed,
                () = clock.sleep(left.min(until_next)) => Ok(()),
            };
            if changed.is_err() {
                return Ok(None);
            }
            queue = service.queue(cx, name).await?;
        }
    }
}
