//! Reads outside transactions.

use std::time::Instant;

use bytes::Bytes;

use crate::engine::{Read, Rows};
use crate::error::{EngineError, Limit, StoreError};
use crate::limits::{SCAN_INLINE_ROWS_MAX, SCAN_ROWS_MAX, SNAPSHOT_AGE_MAX};
use crate::partition::Partition;
use crate::range::{Direction, KeyRange};
use crate::readers::{SharedView, View};

/// One partition as it was at one moment. To be held shortly: it expires after
/// [`SNAPSHOT_AGE_MAX`](crate::limits::SNAPSHOT_AGE_MAX).
pub struct Snapshot {
    partition: Partition,
    view: SharedView,
    taken: Instant,
}

impl Snapshot {
    /// A snapshot that begins to age now.
    pub(crate) fn new(partition: Partition, view: SharedView) -> Self {
        Self { partition, view, taken: Instant::now() }
    }

    /// The value of `key`, if it has one.
    ///
    /// # Errors
    /// [`StoreError::SnapshotExpired`], [`StoreError::Read`].
    pub async fn get(&self, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        self.check_age()?;
        read_shared(&self.view, |view| view.get(&self.partition, key))
    }

    /// The first `limit` keys of `range` in the given direction, with their values.
    ///
    /// # Errors
    /// [`StoreError::SnapshotExpired`], [`StoreError::Read`], [`StoreError::LimitExceeded`].
    pub async fn scan(
        &self,
        range: KeyRange,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<(Bytes, Bytes)>, StoreError> {
        self.check_age()?;
        let (view, partition) = (self.view.clone(), self.partition.clone());
        run_scan(limit, move || read_shared(&view, |view| view.scan(&partition, &range, direction, limit))).await
    }

    fn check_age(&self) -> Result<(), StoreError> {
        if self.taken.elapsed() > SNAPSHOT_AGE_MAX { Err(StoreError::SnapshotExpired) } else { Ok(()) }
    }
}

/// Reads from a view that may have been taken away meanwhile.
fn read_shared<R>(view: &SharedView, read: impl FnOnce(&mut View) -> Result<R, EngineError>) -> Result<R, StoreError> {
    match view.lock().as_mut() {
        Some(view) => read(view).map_err(EngineError::into_read_error),
        None => Err(StoreError::SnapshotExpired),
    }
}

/// Answers a short scan at once, and moves a long one to where it cannot hold up other tasks.
pub(crate) async fn run_scan<F>(limit: usize, scan: F) -> Result<Rows, StoreError>
where
    F: FnOnce() -> Result<Rows, StoreError> + Send + 'static,
{
    if limit > SCAN_ROWS_MAX {
        return Err(StoreError::LimitExceeded { limit: Limit::ScanRows, actual: limit, max: SCAN_ROWS_MAX });
    }
    if limit <= SCAN_INLINE_ROWS_MAX {
        return scan();
    }
    match tokio::task::spawn_blocking(scan).await {
        Ok(rows) => rows,
        Err(error) => Err(StoreError::Read(error.to_string().into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Profile, Store};

    #[tokio::test]
    async fn a_snapshot_that_is_too_old_is_refused() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let on_disk = Store::open(directory.path(), Profile::Durable).expect("opens");
        for store in [Store::memory(), on_disk] {
            let partition = Partition::new("p").expect("valid");
            let mut snapshot = store.snapshot(&partition).await.expect("taken");
            assert_eq!(snapshot.get(b"a").await, Ok(None));
            snapshot.taken = Instant::now().checked_sub(2 * SNAPSHOT_AGE_MAX).expect("the machine runs long enough");
            assert_eq!(snapshot.get(b"a").await, Err(StoreError::SnapshotExpired));
            let scan = snapshot.scan(KeyRange::all(), Direction::Forward, 1).await;
            assert_eq!(scan, Err(StoreError::SnapshotExpired));
        }
    }
}
