//! A bounded pool of reading connections, and the snapshots that hold them.

use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::Mutex;
use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::connection;
use crate::engine::{Read, Rows};
use crate::error::{EngineError, StoreError};
use crate::limits::{QUEUE_WAIT_MAX, READ_CONNECTIONS_MAX, SNAPSHOT_AGE_MAX};
use crate::partition::Partition;
use crate::range::{Direction, KeyRange};
use crate::readers::{SharedView, View};

/// How often a caller that waits for a connection looks for snapshots that have expired meanwhile.
const EXPIRY_POLL: Duration = Duration::from_millis(100);

/// The reading connections of one store.
pub(crate) struct ReadPool {
    file: PathBuf,
    permits: Arc<Semaphore>,
    state: Mutex<PoolState>,
}

#[derive(Default)]
struct PoolState {
    idle: Vec<Connection>,
    /// Snapshots that may be alive, with the time they were taken; no more than there are connections, plus dead ones
    /// that are dropped when the list has doubled.
    snapshots: Vec<(Instant, Weak<Mutex<Option<View>>>)>,
    closed: bool,
}

impl ReadPool {
    /// An empty pool; connections are opened when needed.
    pub(super) fn new(file: PathBuf) -> Self {
        Self { file, permits: Arc::new(Semaphore::new(READ_CONNECTIONS_MAX)), state: Mutex::default() }
    }

    /// A connection for one read.
    pub(crate) async fn lease(self: &Arc<Self>) -> Result<ReadLease, StoreError> {
        let permit = self.permit().await?;
        let idle = {
            let mut state = self.state.lock();
            if state.closed {
                return Err(StoreError::Closed);
            }
            state.idle.pop()
        };
        let connection = match idle {
            Some(connection) => connection,
            None => connection::reading(&self.file).map_err(|error| StoreError::Read(error.to_string().into()))?,
        };
        Ok(ReadLease { connection: Some(connection), pool: self.clone(), _permit: permit })
    }

    /// A connection inside a read transaction that has begun.
    pub(crate) async fn snapshot(self: &Arc<Self>) -> Result<SharedView, StoreError> {
        let lease = self.lease().await?;
        lease.begin().map_err(|error| StoreError::Read(error.to_string().into()))?;
        let view = Arc::new(Mutex::new(Some(View::Sqlite(lease))));
        let mut state = self.state.lock();
        if state.snapshots.len() >= 2 * READ_CONNECTIONS_MAX {
            state.snapshots.retain(|(_, view)| view.strong_count() > 0);
        }
        state.snapshots.push((Instant::now(), Arc::downgrade(&view)));
        Ok(view)
    }

    /// Takes the connections away from snapshots that are too old to be read.
    pub(crate) fn take_expired(&self) {
        self.take_snapshots(|taken| taken.elapsed() > SNAPSHOT_AGE_MAX);
    }

    fn take_snapshots(&self, expired: impl Fn(&Instant) -> bool) {
        let mut found = Vec::new();
        self.state.lock().snapshots.retain(|(taken, view)| {
            let expired = expired(taken);
            if expired {
                found.extend(view.upgrade());
            }
            !expired
        });
        // Outside the pool's lock, which a returning connection takes.
        for view in found {
            drop(view.lock().take());
        }
    }

    /// Ends all snapshots, closes the idle connections, and refuses new reads.
    pub(crate) fn close(&self) {
        let idle = {
            let mut state = self.state.lock();
            state.closed = true;
            std::mem::take(&mut state.idle)
        };
        drop(idle);
        self.take_snapshots(|_| true);
    }

    /// Bytes of the database file and of its log.
    pub(crate) fn sizes(&self) -> (u64, u64) {
        let size = |path: &std::path::Path| std::fs::metadata(path).map_or(0, |metadata| metadata.len());
        let mut log = self.file.clone().into_os_string();
        log.push("-wal");
        (size(&self.file), size(log.as_ref()))
    }

    async fn permit(&self) -> Result<OwnedSemaphorePermit, StoreError> {
        if let Ok(permit) = self.permits.clone().try_acquire_owned() {
            return Ok(permit);
        }
        let started = Instant::now();
        while started.elapsed() < QUEUE_WAIT_MAX {
            self.take_expired();
            if let Ok(permit) = tokio::time::timeout(EXPIRY_POLL, self.permits.clone().acquire_owned()).await {
                return permit.map_err(|_| StoreError::Closed);
            }
        }
        Err(StoreError::Overloaded)
    }
}

/// A connection on loan from the pool.
pub(crate) struct ReadLease {
    /// Present until the lease is dropped.
    connection: Option<Connection>,
    pool: Arc<ReadPool>,
    _permit: OwnedSemaphorePermit,
}

impl ReadLease {
    fn connection(&mut self) -> &mut Connection {
        self.connection.as_mut().expect("a lease has its connection until it is dropped")
    }

    /// Opens a read transaction and fixes what it sees.
    fn begin(&self) -> rusqlite::Result<()> {
        let Some(connection) = &self.connection else { return Ok(()) };
        connection.prepare_cached("BEGIN")?.execute([])?;
        connection.prepare_cached("SELECT 1 FROM entry LIMIT 1")?.exists([]).map(|_| ())
    }
}

impl Drop for ReadLease {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        let ended = connection.is_autocommit()
            || connection.prepare_cached("ROLLBACK").and_then(|mut statement| statement.execute([])).is_ok();
        let mut state = self.pool.state.lock();
        if ended && !state.closed {
            state.idle.push(connection);
        }
    }
}

impl Read for ReadLease {
    fn get(&mut self, partition: &Partition, key: &[u8]) -> Result<Option<Bytes>, EngineError> {
        self.connection().get(partition, key)
    }

    fn scan(&mut self, of: &Partition, range: &KeyRange, way: Direction, limit: usize) -> Result<Rows, EngineError> {
        self.connection().scan(of, range, way, limit)
    }

    fn nth_key(&mut self, partition: &Partition, range: &KeyRange, index: usize) -> Result<Option<Bytes>, EngineError> {
        self.connection().nth_key(partition, range, index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::{self, SqliteOptions};
    use crate::store::Profile;

    #[tokio::test]
    async fn snapshots_that_have_expired_give_their_connections_back() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let (_engine, pool) = sqlite::open(directory.path(), &SqliteOptions::new(Profile::Durable)).expect("opens");
        let mut held = Vec::new();
        for _ in 0..READ_CONNECTIONS_MAX {
            held.push(pool.snapshot().await.expect("taken"));
        }
        assert_eq!(pool.permits.available_permits(), 0);
        for (taken, _) in &mut pool.state.lock().snapshots {
            *taken = Instant::now().checked_sub(2 * SNAPSHOT_AGE_MAX).expect("the machine runs long enough");
        }
        pool.lease().await.expect("one of the expired ones' connections");
        assert!(held.iter().all(|view| view.lock().is_none()), "the others cannot be read any more");
        assert_eq!(pool.state.lock().idle.len(), READ_CONNECTIONS_MAX, "all connections are kept for later");
    }
}
