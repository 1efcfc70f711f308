//! The engine without a disk: one persistent ordered map per partition, so that a snapshot is a copied pointer.

use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use imbl::OrdMap;
use parking_lot::Mutex;

use crate::engine::{BoundedRows, Read, Rows, Write};
use crate::error::EngineError;
use crate::overlay::WriteSet;
use crate::partition::Partition;
use crate::range::{Direction, KeyRange};

type Entries = OrdMap<Bytes, Bytes>;
type Partitions = OrdMap<Partition, Entries>;

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
        Ok(self.0.get(key).cloned())
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
        Ok(self.working.get(partition).and_then(|entries| entries.get(key)).cloned())
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
            let removed: Vec<Bytes> = entries.range::<_, [u8]>(bounds(range)).map(|(key, _)| key.clone()).collect();
            for key in removed {
                entries.remove(&key);
            }
        }
        for (key, value) in &set.writes {
            match value {
                Some(value) => entries.insert(key.clone(), value.clone()),
                None => entries.remove(key),
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
        let Some((key, value)) = next else { break };
        rows.push(key.clone(), value.clone())?;
    }
    Ok(rows.into_rows())
}

fn nth_key(entries: &Entries, range: &KeyRange, index: usize) -> Option<Bytes> {
    if range.is_empty() { None } else { entries.range::<_, [u8]>(bounds(range)).nth(index).map(|(key, _)| key.clone()) }
}
