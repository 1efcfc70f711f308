//! The engine without a disk: one persistent ordered set of rows per partition, so that a snapshot is a copied pointer.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use imbl::{OrdMap, OrdSet};
use parking_lot::Mutex;

use crate::engine::{BoundedRows, Read, Rows, Write};
use crate::error::EngineError;
use crate::overlay::WriteSet;
use crate::partition::Partition;
use crate::range::{Direction, KeyRange};

type Entries = OrdSet<Row>;
type Partitions = OrdMap<Partition, Entries>;

/// A key with its value, one behind the other in one allocation that is no larger than both: two `Bytes` would take more
/// than twice as much of the tree, two allocations, and what the writer's buffers had in reserve.
#[derive(Clone)]
struct Row {
    bytes: Arc<[u8]>,
    key_length: usize,
}

impl Row {
    fn new(key: &[u8], value: &[u8]) -> Self {
        Self { bytes: [key, value].concat().into(), key_length: key.len() }
    }

    fn key(&self) -> Bytes {
        self.both().slice(..self.key_length)
    }

    fn value(&self) -> Bytes {
        self.both().slice(self.key_length..)
    }

    /// Key and value together, shared with the row.
    fn both(&self) -> Bytes {
        Bytes::from_owner(self.bytes.clone())
    }
}

impl Borrow<[u8]> for Row {
    fn borrow(&self) -> &[u8] {
        &self.bytes[..self.key_length]
    }
}

impl Ord for Row {
    fn cmp(&self, other: &Self) -> Ordering {
        let (own, other): (&[u8], &[u8]) = (self.borrow(), other.borrow());
        own.cmp(other)
    }
}

impl PartialOrd for Row {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Row {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Row {}

/// The committed state, shared between the writer and the readers.
#[derive(Clone, Default)]
pub(crate) struct MemoryState(Arc<Mutex<Partitions>>);

impl MemoryState {
    /// One partition as of the last commit.
    pub(crate) fn snapshot(&self, partition: &Partition) -> MemorySnapshot {
        MemorySnapshot(self.0.lock().get(partition).cloned().unwrap_or_default())
    }
}

/// One partition at one moment.
#[derive(Clone)]
pub(crate) struct MemorySnapshot(Entries);

impl Read for MemorySnapshot {
    fn get(&mut self, _partition: &Partition, key: &[u8]) -> Result<Option<Bytes>, EngineError> {
        Ok(self.0.get(key).map(Row::value))
    }

    fn scan(&mut self, _: &Partition, range: &KeyRange, way: Direction, limit: usize) -> Result<Rows, EngineError> {
        scan(&self.0, range, way, limit)
    }

    fn nth_key(&mut self, _: &Partition, range: &KeyRange, index: usize) -> Result<Option<Bytes>, EngineError> {
        Ok(nth_key(&self.0, range, index))
    }
}

/// The writer's side: a working copy that replaces the committed state at commit.
pub(crate) struct MemoryEngine {
    committed: MemoryState,
    working: Partitions,
    /// The state before the last commit: freeing it may take long, so that waits until the results are sent.
    replaced: Partitions,
}

impl MemoryEngine {
    /// An empty engine that publishes its commits in `committed`.
    pub(crate) fn new(committed: MemoryState) -> Self {
        Self { committed, working: Partitions::default(), replaced: Partitions::default() }
    }
}

impl Read for MemoryEngine {
    fn get(&mut self, partition: &Partition, key: &[u8]) -> Result<Option<Bytes>, EngineError> {
        Ok(self.working.get(partition).and_then(|entries| entries.get(key)).map(Row::value))
    }

    fn scan(
        &mut self,
        partition: &Partition,
        range: &KeyRange,
        direction: Direction,
        limit: usize,
    ) -> Result<Rows, EngineError> {
        self.working.get(partition).map_or(Ok(Rows::new()), |entries| scan(entries, range, direction, limit))
    }

    fn nth_key(&mut self, partition: &Partition, range: &KeyRange, index: usize) -> Result<Option<Bytes>, EngineError> {
        Ok(self.working.get(partition).and_then(|entries| nth_key(entries, range, index)))
    }
}

impl Write for MemoryEngine {
    fn begin(&mut self) -> Result<(), EngineError> {
        Ok(())
    }

    fn apply(&mut self, partition: &Partition, set: &WriteSet) -> Result<(), EngineError> {
        let entries = self.working.entry(partition.clone()).or_default();
        for range in &set.removed {
            let removed: Vec<Row> = entries.range::<_, [u8]>(bounds(range)).cloned().collect();
            for row in removed {
                entries.remove(&row);
            }
        }
        for (key, value) in &set.writes {
            match value {
                Some(value) => entries.insert(Row::new(key, value)),
                None => entries.remove::<[u8]>(key),
            };
        }
        if entries.is_empty() {
            self.working.remove(partition);
        }
        Ok(())
    }

    fn clear(&mut self) -> Result<(), EngineError> {
        self.working = Partitions::default();
        Ok(())
    }

    fn commit(&mut self) -> Result<(), EngineError> {
        self.replaced = std::mem::replace(&mut *self.committed.0.lock(), self.working.clone());
        Ok(())
    }

    fn rollback(&mut self) -> Result<(), EngineError> {
        self.working = self.committed.0.lock().clone();
        Ok(())
    }

    fn maintain(&mut self) -> Result<(), EngineError> {
        self.replaced = Partitions::default();
        Ok(())
    }

    fn close(&mut self) -> Result<(), EngineError> {
        Ok(())
    }
}

fn bounds(range: &KeyRange) -> (Bound<&[u8]>, Bound<&[u8]>) {
    (Bound::Included(range.start()), range.end().map_or(Bound::Unbounded, Bound::Excluded))
}

fn scan(entries: &Entries, range: &KeyRange, direction: Direction, limit: usize) -> Result<Rows, EngineError> {
    let mut rows = BoundedRows::default();
    if range.is_empty() {
        return Ok(rows.into_rows());
    }
    let mut found = entries.range::<_, [u8]>(bounds(range));
    for _ in 0..limit {
        let next = match direction {
            Direction::Forward => found.next(),
            Direction::Backward => found.next_back(),
        };
        let Some(row) = next else { break };
        let both = row.both();
        rows.push(both.slice(..row.key_length), both.slice(row.key_length..))?;
    }
    Ok(rows.into_rows())
}

fn nth_key(entries: &Entries, range: &KeyRange, index: usize) -> Option<Bytes> {
    if range.is_empty() { None } else { entries.range::<_, [u8]>(bounds(range)).nth(index).map(Row::key) }
}
