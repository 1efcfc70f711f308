//! Durable timers: set in a caller's own transaction, fired late rather than never.
//!
//! A timer lies in the partition of whoever sets it, so that it is set or cancelled in the same transaction as the
//! state it belongs to. It is fired at least once: again if the process ends, or the handler fails, before its rows are
//! gone. A handler that must not act twice calls [`Firing::complete`] within its own transaction and does nothing if
//! that answers `false`.
//!
//! Partitions that have held timers are listed in a partition of the platform's own, so that a restart finds them.

mod driver;
mod record;

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use store::{Direction, KeyRange, Partition, Pending, Store, StoreError, TransactError, Transaction};
use tokio::sync::Semaphore;
use wire::{Error, Timestamp};

use crate::background::Background;
use crate::clock::Clock;
use crate::ids::Ids;
use record::Record;

/// Most handlers at work at once: each may hold a few transactions' worth of memory.
pub const CONCURRENT_MAX: usize = 256;

/// Most partitions with timers; each costs one waiting task of about 1 KiB.
pub const PARTITIONS_MAX: usize = 65_536;

/// Longest id of a timer in bytes: an ARN (2,048) fits, and the key stays under the store's limit.
pub const ID_BYTES_MAX: usize = 4_096;

/// Where the partitions with timers are listed.
const DIRECTORY: &str = "platform/timers";

/// Rows read from the directory at a time.
const DIRECTORY_PAGE: usize = 1_000;

/// A handler at work.
pub type TimerFuture = Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>;

/// Acts on a timer. An error means "again later".
pub type TimerHandler = Arc<dyn Fn(Firing) -> TimerFuture + Send + Sync>;

/// Why a partition cannot hold timers.
#[derive(Debug, thiserror::Error)]
pub enum TimerError {
    /// [`PARTITIONS_MAX`] partitions hold timers.
    #[error("too many partitions with timers")]
    TooManyPartitions,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// All timers of the platform. Cheap to clone.
#[derive(Clone)]
pub struct Timers(Arc<Shared>);

struct Shared {
    store: Store,
    clock: Clock,
    ids: Ids,
    background: Background,
    permits: Arc<Semaphore>,
    handlers: Mutex<HashMap<&'static str, TimerHandler>>,
    partitions: Mutex<Partitions>,
}

#[derive(Default)]
struct Partitions {
    /// Listed in the directory.
    known: HashSet<Partition>,
    /// Whether the drivers run.
    started: bool,
}

/// A partition that may hold timers: it is in the directory.
#[derive(Clone)]
pub struct TimerPartition {
    partition: Partition,
    ids: Ids,
}

/// A timer to be set.
#[derive(Debug, Clone, PartialEq)]
pub struct Timer {
    id: String,
    due: i64,
    record: Record,
}

/// A timer that has come.
#[derive(Debug, Clone)]
pub struct Firing {
    /// The timer's id.
    pub id: String,
    /// When it was due, or is again due after a failure.
    pub due: Timestamp,
    /// What was set along with it.
    pub payload: serde_json::Value,
    /// How often the handler has failed on it.
    pub failures: u32,
    /// The partition it lies in.
    pub partition: Partition,
    key: Bytes,
    nonce: u64,
}

impl Timers {
    /// Over the store that holds the timers.
    pub fn new(store: Store, clock: Clock, ids: Ids, background: Background) -> Timers {
        Timers(Arc::new(Shared {
            store,
            clock,
            ids,
            background,
            permits: Arc::new(Semaphore::new(CONCURRENT_MAX)),
            handlers: Mutex::default(),
            partitions: Mutex::default(),
        }))
    }

    /// Names the handler of a kind of timer. To be called before the platform starts: timers of a kind without handler
    /// wait until there is one.
    pub fn on<F, Fut>(&self, kind: &'static str, handler: F)
    where
        F: Fn(Firing) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), Error>> + Send + 'static,
    {
        self.0.handlers.lock().insert(kind, Arc::new(move |firing| Box::pin(handler(firing))));
    }

    /// Makes sure that a restart will look for timers in this partition. The answer may be kept.
    pub async fn partition(&self, partition: &Partition) -> Result<TimerPartition, TimerError> {
        let timers = TimerPartition { partition: partition.clone(), ids: self.0.ids.clone() };
        {
            let partitions = self.0.partitions.lock();
            if partitions.known.contains(partition) {
                return Ok(timers);
            }
            if partitions.known.len() >= PARTITIONS_MAX {
                return Err(TimerError::TooManyPartitions);
            }
        }
        self.list(vec![partition.clone()]).await?;
        self.adopt(partition.clone());
        Ok(timers)
    }

    /// Starts to fire: first what fell due while nothing ran.
    pub async fn start(&self) -> Result<(), TimerError> {
        let directory = Partition::new(DIRECTORY)?;
        let mut range = KeyRange::all();
        loop {
            let rows = self.0.store.scan(&directory, range.clone(), Direction::Forward, DIRECTORY_PAGE).await?;
            for (name, _) in &rows {
                self.adopt(Partition::new(name)?);
            }
            match rows.last() {
                Some((last, _)) if rows.len() == DIRECTORY_PAGE => range = range.after(last),
                _ => break,
            }
        }
        let known: Vec<Partition> = {
            let mut partitions = self.0.partitions.lock();
            partitions.started = true;
            partitions.known.iter().cloned().collect()
        };
        for partition in known {
            self.drive(partition);
        }
        Ok(())
    }

    /// Lists the known partitions again after the store was emptied: whoever holds a [`TimerPartition`] relies on it.
    pub(crate) async fn relist(&self) -> Result<(), StoreError> {
        let known: Vec<Partition> = self.0.partitions.lock().known.iter().cloned().collect();
        for some in known.chunks(DIRECTORY_PAGE) {
            self.list(some.to_vec()).await?;
        }
        Ok(())
    }

    async fn list(&self, partitions: Vec<Partition>) -> Result<(), StoreError> {
        let directory = Partition::new(DIRECTORY)?;
        let listed = self.0.store.transact(&directory, move |transaction| {
            for partition in &partitions {
                transaction.put(partition.as_bytes(), &[]);
            }
            Ok(())
        });
        listed.await.map_err(TransactError::<StoreError>::flatten)
    }

    /// Notes a partition that is in the directory, and drives it if the drivers run.
    fn adopt(&self, partition: Partition) {
        let mut partitions = self.0.partitions.lock();
        if partitions.known.insert(partition.clone()) && partitions.started {
            self.drive(partition);
        }
    }

    fn drive(&self, partition: Partition) {
        driver::start(self.0.clone(), partition);
    }
}

impl TimerPartition {
    /// A timer that fires at `due`. Its id is the caller's and unique within the partition; longer ones than
    /// [`ID_BYTES_MAX`] are refused by the store when the timer is set.
    pub fn timer(
        &self,
        id: impl Into<String>,
        due: Timestamp,
        kind: &'static str,
        payload: serde_json::Value,
    ) -> Timer {
        let nonce = self.ids.below(u64::MAX);
        let record = Record { kind: kind.to_owned(), payload, nonce, failures: 0 };
        Timer { id: id.into(), due: due.milliseconds(), record }
    }

    /// Sets a timer within a transaction on this partition, in the place of one with the same id.
    pub fn set(&self, transaction: &mut dyn Transaction, timer: &Timer) -> Result<(), Pending> {
        self.cancel(transaction, &timer.id)?;
        let key = record::due_key(timer.due, &timer.id);
        transaction.put(&record::id_key(&timer.id), &key);
        transaction.put(&key, &timer.record.encode());
        Ok(())
    }

    /// Removes a timer within a transaction on this partition. Returns whether there was one. A handler that is already
    /// at work on it goes on.
    pub fn cancel(&self, transaction: &mut dyn Transaction, id: &str) -> Result<bool, Pending> {
        let by_id = record::id_key(id);
        let Some(key) = transaction.get(&by_id)? else { return Ok(false) };
        transaction.delete(&key);
        transaction.delete(&by_id);
        Ok(true)
    }

    /// The partition.
    pub fn partition(&self) -> &Partition {
        &self.partition
    }
}

impl Firing {
    /// Removes the timer within the handler's own transaction. `false` means that it was completed, cancelled or set
    /// anew meanwhile: then this firing has nothing more to do.
    pub fn complete(&self, transaction: &mut dyn Transaction) -> Result<bool, Pending> {
        if !self.is_current(transaction)? {
            return Ok(false);
        }
        transaction.delete(&self.key);
        transaction.delete(&record::id_key(&self.id));
        Ok(true)
    }

    /// Whether the timer still stands as it was when it fired.
    fn is_current(&self, transaction: &mut dyn Transaction) -> Result<bool, Pending> {
        let value = transaction.get(&self.key)?;
        Ok(value.and_then(|value| Record::decode(&value)).is_some_and(|record| record.nonce == self.nonce))
    }
}

#[cfg(test)]
mod tests;
