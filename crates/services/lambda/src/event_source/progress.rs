//! How far the shards of streams were read: kept in the store, and written once their records are handled.

use std::collections::HashMap;
use std::sync::Arc;

use platform::{OrFailure, Platform};
use serde::{Deserialize, Serialize};
use store::{Direction, Partition, StoreError, Transaction, value};
use wire::Error;

use crate::functions::rows;
use crate::keys;

/// Rows read at a time.
const ROWS_PAGE: usize = 1_000;

/// How far a shard was read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Sequence number of the last record that is done with, as are all before it.
    pub after: Option<String>,
    /// Whether that was the shard's last one.
    pub has_ended: bool,
    /// The window that is being aggregated.
    pub window: Option<Window>,
}

/// A window in which records are aggregated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// Its beginning, in milliseconds since 1970.
    pub start: i64,
    /// What the function made of the records so far: JSON.
    pub state: String,
}

/// The progress of all mappings.
pub struct ProgressStore {
    platform: Arc<Platform>,
    partition: Partition,
}

impl ProgressStore {
    /// The progress in the platform's store.
    ///
    /// # Errors
    /// None in practice: the partition's name is constant.
    pub fn new(platform: Arc<Platform>) -> Result<ProgressStore, Error> {
        Ok(ProgressStore { partition: keys::sources_partition().or_failure()?, platform })
    }

    /// The progress of a mapping's shards.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn shards(&self, uuid: &str) -> Result<HashMap<String, Progress>, Error> {
        let mut range = keys::all_shard_progress(uuid);
        let mut found = HashMap::new();
        loop {
            let scan = self.platform.store.scan(&self.partition, range.clone(), Direction::Forward, ROWS_PAGE);
            let rows = scan.await.or_failure()?;
            let Some((last, _)) = rows.last() else { return Ok(found) };
            range = range.after(last);
            for (key, row) in &rows {
                let shard = keys::read_shard(key).map_err(crate::store_failure)?;
                found.insert(shard, value::decode(keys::FORMAT, row).map_err(StoreError::from).or_failure()?);
            }
        }
    }

    /// Writes a shard's progress.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn save(&self, uuid: &str, shard: &str, progress: &Progress) -> Result<(), Error> {
        let (key, progress) = (keys::shard_progress(uuid, shard), progress.clone());
        let closure = move |rows: &mut dyn Transaction| rows::put(rows, &key, &progress);
        self.platform.store.transact(&self.partition, closure).await.or_failure()
    }

    /// Forgets a shard that is no longer there.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn forget_shard(&self, uuid: &str, shard: &str) -> Result<(), Error> {
        let key = keys::shard_progress(uuid, shard);
        let closure = move |rows: &mut dyn Transaction| {
            rows.delete(&key);
            Ok::<(), store::Abort<Error>>(())
        };
        self.platform.store.transact(&self.partition, closure).await.or_failure()
    }

    /// What came of a mapping's last batch, if it had one.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn last_result(&self, uuid: &str) -> Result<Option<String>, Error> {
        let row = self.platform.store.get(&self.partition, &keys::last_result(uuid)).await.or_failure()?;
        row.map(|row| value::decode(keys::FORMAT, &row).map_err(StoreError::from).or_failure()).transpose()
    }

    /// Writes what came of a mapping's last batch.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn set_last_result(&self, uuid: &str, text: &'static str) -> Result<(), Error> {
        let key = keys::last_result(uuid);
        let closure = move |rows: &mut dyn Transaction| rows::put(rows, &key, &text);
        self.platform.store.transact(&self.partition, closure).await.or_failure()
    }

    /// Forgets all that is known of a mapping.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn forget(&self, uuid: &str) -> Result<(), Error> {
        self.platform.store.delete_range(&self.partition, keys::all_shard_progress(uuid)).await.or_failure()?;
        let key = keys::last_result(uuid);
        let closure = move |rows: &mut dyn Transaction| {
            rows.delete(&key);
            Ok::<(), store::Abort<Error>>(())
        };
        self.platform.store.transact(&self.partition, closure).await.or_failure()
    }
}
