//! Asynchronous invocations: events that were accepted and are handed to their functions later.
//!
//! **Invariants.** An event is in the store before its caller is told that it was accepted, and stays there until its
//! function has handled it or its record has gone where failures go. Memory holds only which events there are; a restart
//! reads that again, so that an event cut short runs once more.

mod attempt;
mod queues;
mod record;

use std::sync::Arc;
use std::time::Duration;

use api::lambda::errors;
use parking_lot::Mutex;
use platform::metrics::Metrics as Registry;
use platform::{OrFailure, Platform};
use prometheus_client::metrics::counter::Counter;
use serde::{Deserialize, Serialize};
use store::{Abort, Direction, Partition, StoreError, Transaction, value};
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;
use wire::Error;

use crate::functions::rows;
use crate::{FunctionId, Lambda, keys, to_the_end};
use queues::{Limits, Queues};

/// Events that wait or are at work, of all functions together; each takes some 150 bytes of memory. AWS names no bound.
pub const BACKLOG_MAX: usize = 1_000_000;

/// Rows read at a time at start.
const ROWS_PAGE: usize = 1_000;

/// Events of one function at work at once when its queue begins to move.
const CONCURRENT_AT_FIRST: usize = 4;

/// Events of one function at work at once, for each processor: more would only wait for each other.
const CONCURRENT_PER_PROCESSOR: usize = 16;

/// Events at work at once of all functions, as many as an account's invocations.
const CONCURRENT_MAX: usize = 1_000;

/// How long the dispatcher sleeps when nothing is due and nobody wakes it.
const IDLE_WAIT: Duration = Duration::from_secs(60);

/// An accepted event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The function it is for.
    pub function: FunctionId,
    /// The version or alias it is for.
    pub qualifier: Option<String>,
    /// Id of the request that brought it; all attempts carry it.
    pub request_id: String,
    /// The event: JSON.
    pub payload: String,
    /// The client context: JSON.
    pub client_context: Option<String>,
    /// The trace header to hand on.
    pub trace_id: Option<String>,
    /// Milliseconds since 1970.
    pub accepted_at: i64,
}

/// How far an event has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// When it is tried next, in milliseconds since 1970.
    pub due: i64,
    /// Attempts in which the function ran.
    pub runs: u32,
    /// Attempts that were put off before the function ran.
    pub delays: u32,
}

/// All events of all functions.
pub struct Events {
    platform: Arc<Platform>,
    partition: Partition,
    queues: Mutex<Queues>,
    wake: Notify,
    running: TaskTracker,
    received: Counter,
    dropped: Counter,
}

impl Events {
    /// The events in the platform's store; none are looked at yet.
    ///
    /// # Errors
    /// None in practice: the partition's name is constant.
    pub fn new(platform: Arc<Platform>) -> Result<Events, Error> {
        let partition = keys::events_partition().or_failure()?;
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let per_function_max = (processors * CONCURRENT_PER_PROCESSOR).max(CONCURRENT_AT_FIRST);
        let limits = Limits { at_first: CONCURRENT_AT_FIRST, per_function_max, max: CONCURRENT_MAX };
        let events = Events {
            partition,
            queues: Mutex::new(Queues::new(limits)),
            wake: Notify::new(),
            running: TaskTracker::new(),
            received: Counter::default(),
            dropped: Counter::default(),
            platform,
        };
        events.register(&events.platform.metrics);
        Ok(events)
    }

    fn register(&self, registry: &Registry) {
        registry.register("lambda_async_events_received", "Events accepted for later", self.received.clone());
        registry.register("lambda_async_events_dropped", "Events given up without success", self.dropped.clone());
    }

    /// Accepts an event: it is in the store when this returns.
    ///
    /// # Errors
    /// `TooManyRequestsException` if too many wait already.
    pub async fn accept(self: &Arc<Events>, event: Event) -> Result<(), Error> {
        if self.queues.lock().len() >= BACKLOG_MAX {
            return Err(errors::too_many_requests_exception("Rate Exceeded.")
                .with("Reason", "CallerRateLimitExceeded".into())
                .with("Type", "User".into()));
        }
        let events = Arc::clone(self);
        to_the_end(async move {
            let (function, id) = (event.function.clone(), event.request_id.clone());
            let due = event.accepted_at;
            let written = events.platform.store.transact(&events.partition, move |rows| {
                let progress = Progress { due, ..Progress::default() };
                rows::put(rows, &keys::event_progress(&event.function, &event.request_id), &progress)?;
                rows::put(rows, &keys::event(&event.function, &event.request_id), &event)
            });
            written.await.or_failure()?;
            events.queues.lock().add(&function, due, id);
            events.received.inc();
            events.wake.notify_one();
            Ok(())
        })
        .await
    }

    /// Reads which events there are.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn load(&self) -> Result<(), Error> {
        let mut range = keys::all_event_progress();
        loop {
            let scan = self.platform.store.scan(&self.partition, range.clone(), Direction::Forward, ROWS_PAGE);
            let rows = scan.await.or_failure()?;
            let Some((last, _)) = rows.last() else { return Ok(()) };
            range = range.after(last);
            for (key, row) in &rows {
                let progress: Progress = value::decode(keys::FORMAT, row).map_err(StoreError::from).or_failure()?;
                let (function, id) = keys::read_event(key).map_err(crate::store_failure)?;
                self.queues.lock().add(&function, progress.due, id);
            }
        }
    }

    /// Forgets all events, after the store was emptied.
    pub fn reset(&self) {
        self.queues.lock().clear();
    }

    /// Hands events to their functions as they fall due, until the platform stops. What is at work then stays in the
    /// store unless it ends in time.
    pub async fn run(lambda: Arc<Lambda>) {
        let events = Arc::clone(&lambda.events);
        let clock = lambda.platform.clock.clone();
        let stopping = lambda.platform.background.stopping().clone();
        while !stopping.is_cancelled() {
            let now = clock.milliseconds();
            let (due, next) = events.queues.lock().take_due(now);
            for (function, id) in due {
                let (lambda, events) = (Arc::clone(&lambda), Arc::clone(&events));
                let running = events.running.clone();
                running.spawn(async move { events.attempt(&lambda, function, id).await });
            }
            let wait =
                next.map_or(IDLE_WAIT, |next| Duration::from_millis(next.saturating_sub(now).max(1).unsigned_abs()));
            tokio::select! {
                () = stopping.cancelled() => return,
                () = events.wake.notified() => {}
                () = clock.sleep(wait.min(IDLE_WAIT)) => {}
            }
        }
    }

    /// Tries an event once, and writes down what became of it.
    async fn attempt(&self, lambda: &Arc<Lambda>, function: FunctionId, id: String) {
        let outcome = self.try_once(lambda, &function, &id).await;
        let (progress, pace) = outcome.unwrap_or_else(|error| {
            tracing::warn!(%error, request = id, "an event could not be tried");
            (Some(Progress { due: self.platform.clock.milliseconds() + 1_000, ..Progress::default() }), Pace::Slower)
        });
        self.queues.lock().finish(&function, progress.map(|progress| (progress.due, id)), pace);
        self.wake.notify_one();
    }

    async fn try_once(
        &self,
        lambda: &Arc<Lambda>,
        function: &FunctionId,
        id: &str,
    ) -> Result<(Option<Progress>, Pace), Error> {
        let store = &self.platform.store;
        let row = store.get(&self.partition, &keys::event(function, id)).await.or_failure()?;
        let progress = store.get(&self.partition, &keys::event_progress(function, id)).await.or_failure()?;
        let (Some(row), Some(progress)) = (row, progress) else { return Ok((None, Pace::Same)) };
        let event: Event = value::decode(keys::FORMAT, &row).map_err(StoreError::from).or_failure()?;
        let progress: Progress = value::decode(keys::FORMAT, &progress).map_err(StoreError::from).or_failure()?;
        let step = attempt::attempt(lambda, &event, progress).await?;
        if step.is_dropped {
            self.dropped.inc();
        }
        let (function, id, next) = (event.function, event.request_id, step.next);
        let written = store.transact(&self.partition, move |rows| advance(rows, &function, &id, next));
        written.await.or_failure()?;
        Ok((next, step.pace))
    }
}

/// How the number of a function's events at work changes after one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// There was room.
    Faster,
    /// Nothing was learnt.
    Same,
    /// There was no room.
    Slower,
}

/// Puts an event off, or removes it. One that was removed meanwhile does not come back.
fn advance(
    rows: &mut dyn Transaction,
    function: &FunctionId,
    id: &str,
    next: Option<Progress>,
) -> Result<(), Abort<Error>> {
    let key = keys::event_progress(function, id);
    match next {
        Some(next) if rows.get(&key)?.is_some() => rows::put(rows, &key, &next),
        Some(_) => Ok(()),
        None => {
            rows.delete(&key);
            rows.delete(&keys::event(function, id));
            Ok(())
        }
    }
}
