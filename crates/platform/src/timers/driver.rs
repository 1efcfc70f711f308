//! Fires the timers of one partition.

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use parking_lot::Mutex;
use store::{Direction, Partition, StoreError, TransactError, Watch};
use tokio::sync::Notify;
use wire::{Error, Timestamp};

use super::record::{self, DUE_PREFIX, Record};
use super::{Firing, Shared};

/// Timers looked at in one go.
const PAGE: usize = 64;

/// Longest sleep of the driver: the machine's clock may be set while it sleeps.
const SLEEP_MAX: Duration = Duration::from_secs(60);

/// Wait after the store failed to answer, in real time.
const STORE_RETRY: Duration = Duration::from_secs(1);

/// Wait after a handler's first failure; doubled with each further one.
const RETRY_FIRST: Duration = Duration::from_secs(1);

/// Longest wait between two attempts.
const RETRY_MAX: Duration = Duration::from_secs(300);

/// The driver of one partition.
struct Driver {
    shared: Arc<Shared>,
    partition: Partition,
    /// Keys of timers whose handlers are at work; at most [`super::CONCURRENT_MAX`].
    at_work: Mutex<HashSet<Bytes>>,
    /// A handler has ended.
    ended: Notify,
}

/// Starts the driver of a partition. It ends when the platform stops.
pub(super) fn start(shared: Arc<Shared>, partition: Partition) {
    let background = shared.background.clone();
    let driver = Arc::new(Driver { shared, partition, at_work: Mutex::default(), ended: Notify::new() });
    background.spawn_endless("timers", async move { driver.run().await });
}

impl Driver {
    async fn run(self: Arc<Self>) {
        let mut watch = self.shared.store.watch(&self.partition, DUE_PREFIX);
        loop {
            let pause = match self.fire_due().await {
                Ok(pause) => pause,
                Err(StoreError::Closed | StoreError::Poisoned(_)) => return,
                Err(error) => {
                    tracing::warn!(partition = ?self.partition, %error, "timers cannot be read");
                    tokio::time::sleep(STORE_RETRY).await;
                    continue;
                }
            };
            if !self.wait(&mut watch, pause).await {
                return;
            }
        }
    }

    /// Waits until there may be something to do. `false` means that the platform stops.
    async fn wait(&self, watch: &mut Watch, pause: Option<Duration>) -> bool {
        let due = async {
            match pause {
                Some(pause) => self.shared.clock.sleep(pause.min(SLEEP_MAX)).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = due => true,
            () = self.ended.notified() => true,
            changed = watch.changed() => changed.is_ok(),
        }
    }

    /// Fires what is due. Returns how long until the next timer; `None` if there is none.
    async fn fire_due(self: &Arc<Self>) -> Result<Option<Duration>, StoreError> {
        let mut range = record::due_range();
        // Ends at the first timer that is not due yet, or at the last one.
        loop {
            let rows = self.shared.store.scan(&self.partition, range.clone(), Direction::Forward, PAGE).await?;
            for (key, value) in &rows {
                let Some((due, id)) = record::parse_due_key(key) else { continue };
                let wait = due.saturating_sub(self.shared.clock.milliseconds());
                if wait > 0 {
                    return Ok(Some(Duration::from_millis(wait.unsigned_abs())));
                }
                match Record::decode(value) {
                    Some(record) => self.fire(firing(&self.partition, key.clone(), due, id, &record), record).await?,
                    None => tracing::error!(id, "a timer of an unknown format is left alone"),
                }
            }
            match rows.last() {
                Some((last, _)) if rows.len() == PAGE => range = range.after(last),
                _ => return Ok(None),
            }
        }
    }

    /// Starts the handler of a timer, unless it is at work already; waits for room.
    async fn fire(self: &Arc<Self>, firing: Firing, record: Record) -> Result<(), StoreError> {
        let key = firing.key.clone();
        if self.at_work.lock().contains(&key) {
            return Ok(());
        }
        let permit = Arc::clone(&self.shared.permits).acquire_owned().await.map_err(|_| StoreError::Closed)?;
        self.at_work.lock().insert(key.clone());
        let driver = Arc::clone(self);
        let task = async move {
            let outcome = driver.handle(&firing, &record).await;
            if let Err(error) = driver.settle(firing, record, outcome).await {
                // The rows are as they were, so the timer fires again.
                tracing::warn!(%error, "a timer could not be settled");
                tokio::time::sleep(STORE_RETRY).await;
            }
            driver.at_work.lock().remove(&key);
            drop(permit);
            driver.ended.notify_one();
        };
        let spawned = self.shared.background.spawn_when_free("timer", task).await;
        spawned.map_err(|_| StoreError::Closed)
    }

    async fn handle(&self, firing: &Firing, record: &Record) -> Result<(), String> {
        let handler = self.shared.handlers.lock().get(record.kind.as_str()).cloned();
        let handler = handler.ok_or_else(|| format!("nothing handles timers of kind {}", record.kind))?;
        let firing = firing.clone();
        let work = AssertUnwindSafe(async move { handler(firing).await }).catch_unwind();
        match work.await {
            Ok(outcome) => outcome.map_err(|error: Error| error.to_string()),
            Err(_) => Err("the handler panicked".to_owned()),
        }
    }

    /// Removes the timer, or puts it off after a failure, unless it was changed meanwhile.
    async fn settle(&self, firing: Firing, record: Record, outcome: Result<(), String>) -> Result<(), StoreError> {
        let retry = outcome.err().map(|reason| {
            let wait = backoff(record.failures);
            tracing::warn!(kind = record.kind, id = firing.id, ?wait, reason, "a timer failed and is put off");
            let due = self.shared.clock.milliseconds().saturating_add(wait.as_millis() as i64);
            (due, Record { failures: record.failures.saturating_add(1), ..record })
        });
        let settled = self.shared.store.transact(&self.partition, move |transaction| {
            if firing.complete(transaction)?
                && let Some((due, record)) = &retry
            {
                let key = record::due_key(*due, &firing.id);
                transaction.put(&record::id_key(&firing.id), &key);
                transaction.put(&key, &record.encode());
            }
            Ok(())
        });
        settled.await.map_err(TransactError::<StoreError>::flatten)
    }
}

fn firing(partition: &Partition, key: Bytes, due: i64, id: &str, record: &Record) -> Firing {
    Firing {
        id: id.to_owned(),
        due: Timestamp::from_milliseconds(due),
        payload: record.payload.clone(),
        failures: record.failures,
        partition: partition.clone(),
        key,
        nonce: record.nonce,
    }
}

fn backoff(failures: u32) -> Duration {
    RETRY_FIRST.saturating_mul(1u32.checked_shl(failures.min(16)).unwrap_or(u32::MAX)).min(RETRY_MAX)
}
