//! The handle everybody holds.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use crate::engine::{Read, Write};
use crate::error::{EngineError, OpenError, StoreError, TransactError};
use crate::job::TypedJob;
use crate::limits::{DELETE_CHUNK_ROWS, QUEUE_DEPTH_MAX, QUEUE_WAIT_MAX};
use crate::memory::{MemoryEngine, MemoryState};
use crate::partition::Partition;
use crate::range::{Direction, KeyRange};
use crate::readers::Readers;
use crate::snapshot::{Snapshot, run_scan};
use crate::sqlite::{self, SqliteOptions};
use crate::stats::Stats;
use crate::transaction::{Abort, Transaction};
use crate::watch::Watch;
use crate::writer::{Request, Signals, Writer};

/// What a commit waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// The disk has the write: it survives the end of the process and of the machine's power.
    Durable,
    /// The operating system has the write: it survives the end of the process. After a power cut the latest commits
    /// may be missing, and the store is as it was some commits before. For telemetry, in a store of its own.
    Relaxed,
}

/// An ordered, transactional key-value store. Copies are cheap and share everything.
#[derive(Clone)]
pub struct Store(Arc<Shared>);

impl std::fmt::Debug for Store {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Store").finish_non_exhaustive()
    }
}

struct Shared {
    queue: mpsc::Sender<Request>,
    readers: Readers,
    signals: Arc<Signals>,
}

impl Store {
    /// An empty store that is gone with its last handle.
    ///
    /// # Panics
    /// When the operating system refuses to start one more thread.
    pub fn memory() -> Self {
        let state = MemoryState::default();
        Self::start(MemoryEngine::new(state.clone()), Readers::Memory(state))
            .expect("the process is allowed one more thread")
    }

    /// The store in directory `path`, which is created when missing and locked against other processes.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(path: impl AsRef<Path>, profile: Profile) -> Result<Self, OpenError> {
        Self::open_with(path.as_ref(), &SqliteOptions::new(profile))
    }

    /// As [`Store::open`], with the settings tests need.
    pub(crate) fn open_with(path: &Path, options: &SqliteOptions) -> Result<Self, OpenError> {
        let (engine, pool) = sqlite::open(path, options)?;
        Self::start(engine, Readers::Sqlite(pool)).map_err(|source| OpenError::Io { path: path.to_owned(), source })
    }

    /// A store over an engine.
    pub(crate) fn start(engine: impl Write, readers: Readers) -> std::io::Result<Self> {
        let (queue, requests) = mpsc::channel(QUEUE_DEPTH_MAX);
        let signals = Arc::new(Signals::default());
        Writer::start(engine, requests, signals.clone())?;
        Ok(Self(Arc::new(Shared { queue, readers, signals })))
    }

    /// Runs `closure` on the keys of `partition` as if nothing else ran at the same time, and returns its result once
    /// everything it wrote is kept as the store's [`Profile`] says.
    ///
    /// The closure has to be pure: it may run several times, and it must not wait, read a clock or draw random
    /// numbers. Its writes are dropped when it returns an error or panics.
    ///
    /// When the returned future is dropped early, the transaction may or may not have been committed.
    ///
    /// # Errors
    /// [`TransactError::Aborted`] with the closure's own error, or [`TransactError::Store`].
    pub async fn transact<R, E, F>(&self, partition: &Partition, closure: F) -> Result<R, TransactError<E>>
    where
        R: Send + 'static,
        E: std::error::Error + Send + 'static,
        F: Fn(&mut dyn Transaction) -> Result<R, Abort<E>> + Send + Sync + 'static,
    {
        let (reply, result) = oneshot::channel();
        self.submit(Request::Transact(Box::new(TypedJob::new(partition.clone(), closure, reply)))).await?;
        match result.await {
            Ok(result) => result,
            Err(_) => Err(TransactError::Store(self.0.signals.reason_of_loss().await)),
        }
    }

    /// The partition as it is now, for several reads of the same state.
    ///
    /// # Errors
    /// [`StoreError::Overloaded`] when too many snapshots are alive, and when the store is closed or has failed.
    pub async fn snapshot(&self, partition: &Partition) -> Result<Snapshot, StoreError> {
        self.0.signals.check()?;
        Ok(Snapshot::new(partition.clone(), self.0.readers.snapshot(partition).await?))
    }

    /// The committed value of `key`, if it has one.
    ///
    /// # Errors
    /// As [`Store::snapshot`], and [`StoreError::Read`].
    pub async fn get(&self, partition: &Partition, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        self.0.signals.check()?;
        let mut view = self.0.readers.view(partition).await?;
        view.get(partition, key).map_err(EngineError::into_read_error)
    }

    /// The first `limit` committed keys of `range` in the given direction, with their values.
    ///
    /// # Errors
    /// As [`Store::snapshot`], [`StoreError::Read`], and [`StoreError::LimitExceeded`] for a scan of more than
    /// [`SCAN_ROWS_MAX`](crate::limits::SCAN_ROWS_MAX) rows or [`SCAN_BYTES_MAX`](crate::limits::SCAN_BYTES_MAX) bytes.
    pub async fn scan(
        &self,
        partition: &Partition,
        range: KeyRange,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<(Bytes, Bytes)>, StoreError> {
        self.0.signals.check()?;
        let mut view = self.0.readers.view(partition).await?;
        let partition = partition.clone();
        run_scan(limit, move || view.scan(&partition, &range, direction, limit).map_err(EngineError::into_read_error))
            .await
    }

    /// Removes every key of `range`, however many there are, in as many transactions as that takes: other transactions
    /// run in between and see part of the range gone.
    ///
    /// # Errors
    /// Those of [`Store::transact`]; part of the range may be gone then.
    pub async fn delete_range(&self, partition: &Partition, range: KeyRange) -> Result<(), StoreError> {
        let mut rest = Some(range);
        // Each round ends behind at least one key that was in the range, and the range does not grow.
        while let Some(range) = rest.take() {
            self.0.signals.check()?;
            let mut view = self.0.readers.view(partition).await?;
            let next = view.nth_key(partition, &range, DELETE_CHUNK_ROWS).map_err(EngineError::into_read_error)?;
            drop(view);
            let chunk = next.as_deref().map_or_else(|| range.clone(), |next| range.clone().before(next));
            let deleted = self.transact(partition, move |transaction| {
                transaction.delete_range(chunk.clone());
                Ok(())
            });
            deleted.await.map_err(TransactError::<StoreError>::flatten)?;
            rest = next.map(|next| range.not_before(&next));
        }
        Ok(())
    }

    /// Watches for commits of keys that begin with `prefix`.
    pub fn watch(&self, partition: &Partition, prefix: &[u8]) -> Watch {
        self.0.signals.watchers.subscribe(partition, prefix)
    }

    /// Removes everything from all partitions.
    ///
    /// # Errors
    /// As for a transaction.
    pub async fn clear(&self) -> Result<(), StoreError> {
        let (reply, result) = oneshot::channel();
        self.submit(Request::Clear(reply)).await?;
        match result.await {
            Ok(result) => result,
            Err(_) => Err(self.0.signals.reason_of_loss().await),
        }
    }

    /// Figures for operators.
    pub fn stats(&self) -> Stats {
        let (file_bytes, log_bytes) = self.0.readers.sizes();
        let queue = &self.0.queue;
        let queue_depth = queue.max_capacity() - queue.capacity();
        Stats { queue_depth, queue_depth_max: QUEUE_DEPTH_MAX, file_bytes, log_bytes, ..self.0.signals.counters.read() }
    }

    /// Resolves when the store has failed for good, with the reason: what is on disk is unknown, every later call
    /// fails, and the process should end so that the next one recovers. Never resolves otherwise.
    pub async fn fatal(&self) -> StoreError {
        let mut failure = self.0.signals.failure.subscribe();
        match failure.wait_for(Option::is_some).await.map(|failure| failure.clone()) {
            Ok(Some(error)) => error,
            // The sender lives as long as this handle, so only a failure ends the wait.
            Ok(None) | Err(_) => std::future::pending().await,
        }
    }

    /// Finishes the transactions already queued, refuses later ones, and closes the files. All handles share the end.
    pub async fn shutdown(&self) {
        let mut finished = self.0.signals.finished.subscribe();
        // A closed queue means that the writer is ending or has ended.
        let _ = self.0.queue.send(Request::Stop).await;
        let _ = finished.wait_for(|finished| *finished).await;
    }

    async fn submit(&self, request: Request) -> Result<(), StoreError> {
        self.0.signals.check()?;
        self.submit_within(request, QUEUE_WAIT_MAX).await
    }

    /// Queues a request, waiting for a free place no longer than `wait`.
    async fn submit_within(&self, request: Request, wait: Duration) -> Result<(), StoreError> {
        let request = match self.0.queue.try_send(request) {
            Ok(()) => return Ok(()),
            Err(mpsc::error::TrySendError::Closed(_)) => return Err(self.0.signals.reason()),
            Err(mpsc::error::TrySendError::Full(request)) => request,
        };
        match tokio::time::timeout(wait, self.0.queue.send(request)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(self.0.signals.reason()),
            Err(_) => Err(StoreError::Overloaded),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_queue_that_stays_full_is_an_overload() {
        let store = Store::memory();
        let (release, released) = std::sync::mpsc::channel::<()>();
        let released = Mutex::new(released);
        let partition = Partition::new("p").expect("valid");
        let blocker = store.transact(&partition, move |_| {
            // Ends when the sender goes.
            let _ = released.lock().expect("unshared").recv();
            Ok(())
        });
        let fill_up = async {
            // One more than fits: the writer has taken the blocker, or is about to.
            for _ in 0..=QUEUE_DEPTH_MAX {
                let wait = Duration::from_millis(20);
                if store.submit_within(Request::Clear(oneshot::channel().0), wait).await == Err(StoreError::Overloaded)
                {
                    drop(release);
                    return;
                }
            }
            panic!("the queue has no bound");
        };
        let (blocked, ()) = tokio::join!(blocker, fill_up);
        assert_eq!(blocked, Ok::<(), TransactError<StoreError>>(()));
    }
}
