//! When access keys and roles were last used. Kept in memory for a while and written now and then: a kill loses the last
//! minute of it, which AWS promises no better.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use store::keys::Key;
use wire::Error;

use crate::keys;
use crate::limits::{PENDING_USES_MAX, USES_PER_TRANSACTION, USES_WRITTEN_EVERY};
use crate::records::Use;
use crate::rows;
use crate::service::Iam;

/// Uses that are still to be written, by the key of their row.
#[derive(Default)]
pub struct Uses(Mutex<HashMap<Vec<u8>, Use>>);

impl Uses {
    fn note(&self, key: &Key, used: Use) {
        let mut pending = self.0.lock();
        if pending.len() >= PENDING_USES_MAX && !pending.contains_key(&key[..]) {
            let oldest = pending.iter().min_by_key(|(_, used)| used.at).map(|(key, _)| key.clone());
            pending.remove(&oldest.unwrap_or_default());
        }
        pending.insert(key.to_vec(), used);
    }

    fn get(&self, key: &Key) -> Option<Use> {
        self.0.lock().get(&key[..]).cloned()
    }

    /// Forgets what was not written.
    pub fn clear(&self) {
        self.0.lock().clear();
    }

    fn take(&self) -> Vec<(Vec<u8>, Use)> {
        let mut pending = self.0.lock();
        let keys: Vec<Vec<u8>> = pending.keys().take(USES_PER_TRANSACTION).cloned().collect();
        keys.into_iter().filter_map(|key| pending.remove_entry(&key)).collect()
    }
}

impl Iam {
    /// Notes that an access key was used just now.
    pub(crate) fn key_used(&self, access_key_id: &str, service: &str, region: &str) {
        self.uses.note(&keys::key_use(access_key_id), self.use_now(service, region));
    }

    /// Notes that a role's session was used just now.
    pub(crate) fn role_used(&self, account: &str, role_id: &str, service: &str, region: &str) {
        self.uses.note(&keys::role_use(account, role_id), self.use_now(service, region));
    }

    fn use_now(&self, service: &str, region: &str) -> Use {
        Use { at: self.now(), service: service.to_owned(), region: region.to_owned() }
    }

    /// When something was last used, by the key of its row.
    pub(crate) async fn last_use(&self, key: &Key) -> Result<Option<Use>, Error> {
        if let Some(used) = self.uses.get(key) {
            return Ok(Some(used));
        }
        rows::get(&self.snapshot().await?, key).await
    }

    /// Writes all uses that were noted.
    pub(crate) async fn write_uses(&self) -> Result<(), Error> {
        loop {
            let noted = Arc::new(self.uses.take());
            if noted.is_empty() {
                return Ok(());
            }
            self.transact(move |rows| {
                for (key, used) in noted.iter() {
                    let row = store::value::encode(keys::FORMAT, used).map_err(store::StoreError::from);
                    rows.put(key, &platform::OrFailure::or_failure(row)?);
                }
                Ok(())
            })
            .await?;
        }
    }

    /// Writes uses from time to time, as long as the platform runs.
    pub(crate) async fn keep_writing_uses(self: Arc<Self>) {
        let stopping = self.platform.background.stopping().clone();
        loop {
            let waited = stopping.run_until_cancelled(self.platform.clock.sleep(USES_WRITTEN_EVERY)).await;
            if let Err(error) = self.write_uses().await {
                tracing::warn!(%error, "uses of keys and roles were not written");
            }
            if waited.is_none() {
                return;
            }
        }
    }
}
