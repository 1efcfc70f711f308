//! The one thread that changes a store: it takes all waiting transactions, runs them one after the other on the same
//! open batch, commits once, and only then reports their results.

use std::sync::Arc;
use std::time::Instant;

use parking_lot::RwLock;
use tokio::sync::{mpsc, oneshot, watch};

use crate::engine::Write;
use crate::error::{EngineError, StoreError};
use crate::job::{Job, Verdict};
use crate::limits::{BATCH_BYTES_MAX, BATCH_TRANSACTIONS_MAX};
use crate::overlay::{Fault, Overlay, WriteSet};
use crate::partition::Partition;
use crate::stats::Counters;
use crate::watch::Watchers;

/// What the writer is asked to do.
pub(crate) enum Request {
    /// Run a transaction.
    Transact(Box<dyn Job>),
    /// Remove everything.
    Clear(oneshot::Sender<Result<(), StoreError>>),
    /// Finish what is queued, accept nothing more, and end.
    Stop,
}

/// What the writer tells everybody else.
#[derive(Default)]
pub(crate) struct Signals {
    pub(crate) counters: Counters,
    pub(crate) watchers: Arc<Watchers>,
    /// Why every further call fails, once the store has failed or was shut down.
    ended: RwLock<Option<StoreError>>,
    /// True once the writer's thread is done and the engine is closed.
    pub(crate) finished: watch::Sender<bool>,
    /// The failure that ended the store.
    pub(crate) failure: watch::Sender<Option<StoreError>>,
}

impl Signals {
    /// Why nothing can be done any more, if that is so.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        self.ended.read().clone().map_or(Ok(()), Err)
    }

    /// Why no further request is taken.
    pub(crate) fn reason(&self) -> StoreError {
        self.ended.read().clone().unwrap_or(StoreError::Closed)
    }

    /// The error for a caller whose request the writer dropped: known when the writer's thread is done.
    pub(crate) async fn reason_of_loss(&self) -> StoreError {
        let _ = self.finished.subscribe().wait_for(|finished| *finished).await;
        self.reason()
    }

    fn end(&self, error: StoreError) {
        if matches!(error, StoreError::Poisoned(_)) {
            self.failure.send_replace(Some(error.clone()));
        }
        self.ended.write().get_or_insert(error);
        self.watchers.close();
    }
}

/// A transaction that has run, waiting for the commit.
struct Ran {
    job: Box<dyn Job>,
    /// `Ok` when the closure's own result is to be reported once the batch is durable.
    outcome: Result<(), StoreError>,
    verdict: Tally,
}

/// How a transaction is counted once its batch is durable.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tally {
    Committed,
    Aborted,
    Refused,
}

/// The open batch.
#[derive(Default)]
struct Batch {
    ran: Vec<Ran>,
    changes: Vec<(Partition, WriteSet)>,
    bytes: usize,
}

/// The state of the writer's thread.
pub(crate) struct Writer<W> {
    engine: W,
    queue: mpsc::Receiver<Request>,
    signals: Arc<Signals>,
}

impl<W: Write> Writer<W> {
    /// Starts the thread.
    pub(crate) fn start(engine: W, queue: mpsc::Receiver<Request>, signals: Arc<Signals>) -> std::io::Result<()> {
        let writer = Self { engine, queue, signals: signals.clone() };
        let guard = EndGuard(signals);
        std::thread::Builder::new().name("store-writer".to_owned()).spawn(move || {
            let guard = guard;
            writer.run(&guard.0);
        })?;
        Ok(())
    }

    /// Serves the queue until told to stop, until nobody can ask any more, or until the engine fails.
    fn run(mut self, signals: &Signals) {
        let ended = self.serve();
        match ended {
            Ok(()) => signals.end(StoreError::Closed),
            Err(error) => {
                tracing::error!(%error, "the store has failed");
                signals.end(error);
            }
        }
        self.refuse_the_rest();
    }

    fn serve(&mut self) -> Result<(), StoreError> {
        let mut next = None;
        while let Some(request) = next.take().or_else(|| self.queue.blocking_recv()) {
            match request {
                Request::Transact(job) => next = self.batch(job)?,
                Request::Clear(reply) => {
                    let outcome = self.clear();
                    let _ = reply.send(outcome.clone());
                    if let Err(error @ StoreError::Poisoned(_)) = outcome {
                        return Err(error);
                    }
                }
                // What was queued before is done already, and what comes after finds the queue closed.
                Request::Stop => self.queue.close(),
            }
            self.engine.maintain().map_err(poisoned)?;
        }
        self.engine.close().map_err(poisoned)
    }

    /// Runs a first transaction and those waiting behind it as one batch. Returns the request that ended the batch.
    fn batch(&mut self, first: Box<dyn Job>) -> Result<Option<Request>, StoreError> {
        let mut batch = Batch::default();
        let mut next = Some(first);
        let mut other = None;
        let mut failed = self.engine.begin().err();
        while failed.is_none()
            && let Some(job) = next.take()
        {
            failed = self.run_one(job, &mut batch).err();
            if batch.ran.len() < BATCH_TRANSACTIONS_MAX && batch.bytes < BATCH_BYTES_MAX {
                match self.queue.try_recv() {
                    Ok(Request::Transact(job)) => next = Some(job),
                    Ok(request) => other = Some(request),
                    Err(_) => {}
                }
            }
        }
        // A transaction taken from the queue but not run shares the fate of its batch.
        batch.ran.extend(next.map(|job| Ran { job, outcome: Ok(()), verdict: Tally::Refused }));
        let started = Instant::now();
        let done = failed.map_or_else(|| self.engine.commit(), Err);
        match done {
            Ok(()) => {
                self.publish(batch, started);
                Ok(other)
            }
            Err(error) => self.fail(batch, error).map(|()| other),
        }
    }

    /// Runs one transaction on the open batch. An error is the whole batch's.
    fn run_one(&mut self, mut job: Box<dyn Job>, batch: &mut Batch) -> Result<(), EngineError> {
        if !job.is_wanted() {
            return Ok(());
        }
        let partition = job.partition().clone();
        let mut overlay = Overlay::new(&mut self.engine, &partition);
        let verdict = job.run(&mut overlay);
        let refused = |error| (Err(error), Tally::Refused, WriteSet::default());
        let mut broken = None;
        let (outcome, verdict, set) = match (verdict, overlay.finish()) {
            (_, Err(Fault::Engine(error))) => {
                broken = Some(error);
                refused(StoreError::Closed)
            }
            (Verdict::Panicked(message), _) => refused(StoreError::ClosurePanicked(message)),
            (_, Err(Fault::Refused(error))) => refused(error),
            (Verdict::Commit, Ok(set)) => (Ok(()), Tally::Committed, set),
            (Verdict::Abort, Ok(_)) => (Ok(()), Tally::Aborted, WriteSet::default()),
            // Only a read that failed makes a `Pending`, and that was handled as a fault above.
            (Verdict::Pending, Ok(_)) => refused(StoreError::Read("a read was given up without a reason".into())),
        };
        batch.ran.push(Ran { job, outcome, verdict });
        if let Some(error) = broken {
            return Err(error);
        }
        if !set.is_empty() {
            batch.bytes += set.bytes;
            self.engine.apply(&partition, &set)?;
            batch.changes.push((partition, set));
        }
        Ok(())
    }

    /// Reports a durable batch.
    fn publish(&self, batch: Batch, started: Instant) {
        let counters = &self.signals.counters;
        if !batch.changes.is_empty() {
            counters.batch(batch.ran.len() as u64, started.elapsed());
        }
        // Before the results are sent, so that who subscribes after a result is not woken by what it already knows.
        for (partition, set) in &batch.changes {
            self.signals.watchers.committed(partition, set);
        }
        for ran in batch.ran {
            let counter = match ran.verdict {
                Tally::Committed => &counters.committed,
                Tally::Aborted => &counters.aborted,
                Tally::Refused => &counters.refused,
            };
            counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            ran.job.finish(ran.outcome);
        }
    }

    /// Undoes a batch and tells everybody in it. Only a full disk lets the store go on.
    fn fail(&mut self, batch: Batch, error: EngineError) -> Result<(), StoreError> {
        let undone = self.engine.rollback();
        let reported = match (error, undone) {
            (EngineError::DiskFull, Ok(())) => StoreError::DiskFull,
            (EngineError::DiskFull, Err(error)) | (error, _) => poisoned(error),
        };
        if let StoreError::Poisoned(_) = reported {
            self.signals.end(reported.clone());
        }
        let refused = &self.signals.counters.refused;
        for ran in batch.ran {
            refused.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            ran.job.finish(Err(reported.clone()));
        }
        match reported {
            StoreError::DiskFull => Ok(()),
            error => Err(error),
        }
    }

    fn clear(&mut self) -> Result<(), StoreError> {
        let done = self.engine.begin().and_then(|()| self.engine.clear()).and_then(|()| self.engine.commit());
        match done {
            Ok(()) => {
                self.signals.watchers.all_cleared();
                Ok(())
            }
            Err(error) => {
                self.fail(Batch::default(), error)?;
                Err(StoreError::DiskFull)
            }
        }
    }

    /// Answers everything still queued after the end.
    fn refuse_the_rest(&mut self) {
        self.queue.close();
        let reason = self.signals.reason();
        while let Ok(request) = self.queue.try_recv() {
            match request {
                Request::Transact(job) => job.finish(Err(reason.clone())),
                Request::Clear(reply) => {
                    let _ = reply.send(Err(reason.clone()));
                }
                Request::Stop => {}
            }
        }
    }
}

/// Marks the store as ended however the thread ends: a panic in the writer must leave nobody waiting.
struct EndGuard(Arc<Signals>);

impl Drop for EndGuard {
    fn drop(&mut self) {
        if self.0.check().is_ok() {
            self.0.end(StoreError::Poisoned("the writer has stopped unexpectedly".into()));
        }
        self.0.finished.send_replace(true);
    }
}

fn poisoned(error: EngineError) -> StoreError {
    match error {
        EngineError::Fatal(reason) => StoreError::Poisoned(reason.into()),
        other => StoreError::Poisoned(format!("{other:?}").into()),
    }
}
