//! Where reads outside transactions come from, for either engine.

use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use crate::engine::{Read, Rows};
use crate::error::{EngineError, StoreError};
use crate::memory::{MemorySnapshot, MemoryState};
use crate::partition::Partition;
use crate::range::{Direction, KeyRange};
use crate::sqlite::{ReadLease, ReadPool};

/// The reading side of one store.
pub(crate) enum Readers {
    /// Committed maps.
    Memory(MemoryState),
    /// Read connections.
    Sqlite(Arc<ReadPool>),
}

/// A view that its reader and, once it is too old, the pool it came from may take away.
pub(crate) type SharedView = Arc<Mutex<Option<View>>>;

/// One consistent state to read from.
pub(crate) enum View {
    /// A copied pointer.
    Memory(MemorySnapshot),
    /// A connection with an open read transaction, or one about to answer a single read.
    Sqlite(ReadLease),
}

impl Readers {
    /// A view for one read.
    pub(crate) async fn view(&self, partition: &Partition) -> Result<View, StoreError> {
        match self {
            Self::Memory(state) => Ok(View::Memory(state.snapshot(partition))),
            Self::Sqlite(pool) => Ok(View::Sqlite(pool.lease().await?)),
        }
    }

    /// A view for several reads of the same state.
    pub(crate) async fn snapshot(&self, partition: &Partition) -> Result<SharedView, StoreError> {
        match self {
            Self::Memory(state) => Ok(Arc::new(Mutex::new(Some(View::Memory(state.snapshot(partition)))))),
            Self::Sqlite(pool) => pool.snapshot().await,
        }
    }

    /// Bytes of the database file and of its write-ahead log.
    pub(crate) fn sizes(&self) -> (u64, u64) {
        match self {
            Self::Memory(_) => (0, 0),
            Self::Sqlite(pool) => pool.sizes(),
        }
    }
}

impl Read for View {
    fn get(&mut self, partition: &Partition, key: &[u8]) -> Result<Option<Bytes>, EngineError> {
        match self {
            Self::Memory(snapshot) => snapshot.get(partition, key),
            Self::Sqlite(lease) => lease.get(partition, key),
        }
    }

    fn scan(&mut self, of: &Partition, range: &KeyRange, way: Direction, limit: usize) -> Result<Rows, EngineError> {
        match self {
            Self::Memory(snapshot) => snapshot.scan(of, range, way, limit),
            Self::Sqlite(lease) => lease.scan(of, range, way, limit),
        }
    }

    fn nth_key(&mut self, partition: &Partition, range: &KeyRange, index: usize) -> Result<Option<Bytes>, EngineError> {
        match self {
            Self::Memory(snapshot) => snapshot.nth_key(partition, range, index),
            Self::Sqlite(lease) => lease.nth_key(partition, range, index),
        }
    }
}
