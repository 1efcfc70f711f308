//! The seam between the store and what holds the keys.

use bytes::Bytes;

use crate::error::{EngineError, Limit, StoreError};
use crate::limits::SCAN_BYTES_MAX;
use crate::overlay::WriteSet;
use crate::partition::Partition;
use crate::range::{Direction, KeyRange};

/// Keys with their values, in the order they were scanned.
pub(crate) type Rows = Vec<(Bytes, Bytes)>;

/// Reads of one consistent state: a snapshot's, or that of the writer's open batch.
pub(crate) trait Read {
    /// The value of one key.
    fn get(&mut self, partition: &Partition, key: &[u8]) -> Result<Option<Bytes>, EngineError>;
    /// The first `limit` rows of a range.
    fn scan(
        &mut self,
        partition: &Partition,
        range: &KeyRange,
        direction: Direction,
        limit: usize,
    ) -> Result<Rows, EngineError>;
    /// The key of a range that has `index` keys of the range before it; values are not read.
    fn nth_key(&mut self, partition: &Partition, range: &KeyRange, index: usize) -> Result<Option<Bytes>, EngineError>;
}

/// The writing side of an engine, owned by the writer's thread. Between `begin` and `commit`, reads see what `apply`
/// wrote; nobody else does before `commit` returns.
pub(crate) trait Write: Read + Send + 'static {
    /// Opens a batch.
    fn begin(&mut self) -> Result<(), EngineError>;
    /// Adds one transaction's writes to the open batch.
    fn apply(&mut self, partition: &Partition, writes: &WriteSet) -> Result<(), EngineError>;
    /// Removes everything, as part of the open batch.
    fn clear(&mut self) -> Result<(), EngineError>;
    /// Makes the open batch durable and visible. After an error the batch is still open and must be rolled back.
    fn commit(&mut self) -> Result<(), EngineError>;
    /// Drops the open batch.
    fn rollback(&mut self) -> Result<(), EngineError>;
    /// Upkeep between batches, after their results were sent.
    fn maintain(&mut self) -> Result<(), EngineError>;
    /// Tidies up before the engine is dropped in an orderly shutdown.
    fn close(&mut self) -> Result<(), EngineError>;
}

/// Collects the rows of one scan and refuses to hold more than [`SCAN_BYTES_MAX`].
#[derive(Default)]
pub(crate) struct BoundedRows {
    rows: Rows,
    bytes: usize,
}

impl BoundedRows {
    /// Adds a row, unless the scan has become too large.
    pub(crate) fn push(&mut self, key: Bytes, value: Bytes) -> Result<(), EngineError> {
        self.bytes += key.len() + value.len();
        if self.bytes > SCAN_BYTES_MAX {
            let (limit, actual, max) = (Limit::ScanBytes, self.bytes, SCAN_BYTES_MAX);
            return Err(EngineError::TooLarge(StoreError::LimitExceeded { limit, actual, max }));
        }
        self.rows.push((key, value));
        Ok(())
    }

    /// The rows, in the order they were added.
    pub(crate) fn into_rows(self) -> Rows {
        self.rows
    }
}
