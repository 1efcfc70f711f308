//! "Something under this prefix was committed."

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::watch;

use crate::error::StoreError;
use crate::overlay::WriteSet;
use crate::partition::Partition;
use crate::range::KeyRange;

/// The prefixes watched in one partition, by their length: a key has one prefix of each length, so that finding its
/// watchers takes one look-up per length in use, however many watchers there are.
type Prefixes = BTreeMap<usize, HashMap<Bytes, watch::Sender<()>>>;

/// All watchers of one store.
#[derive(Default)]
pub(crate) struct Watchers {
    partitions: Mutex<Registry>,
}

#[derive(Default)]
struct Registry {
    prefixes: HashMap<Partition, Prefixes>,
    closed: bool,
}

impl Watchers {
    /// Starts watching; every commit after this call is seen.
    pub(crate) fn subscribe(self: &Arc<Self>, partition: &Partition, prefix: &[u8]) -> Watch {
        let prefix = Bytes::copy_from_slice(prefix);
        let mut registry = self.partitions.lock();
        let receiver = if registry.closed {
            watch::channel(()).1
        } else {
            let prefixes = registry.prefixes.entry(partition.clone()).or_default();
            let senders = prefixes.entry(prefix.len()).or_default();
            senders.entry(prefix.clone()).or_insert_with(|| watch::channel(()).0).subscribe()
        };
        Watch { receiver: Some(receiver), watchers: self.clone(), partition: partition.clone(), prefix }
    }

    /// Wakes whoever watches something these writes touched.
    pub(crate) fn committed(&self, partition: &Partition, set: &WriteSet) {
        let registry = self.partitions.lock();
        let Some(prefixes) = registry.prefixes.get(partition) else { return };
        for key in set.writes.keys() {
            for (_, senders) in prefixes.range(..=key.len()) {
                notify_prefix_of(senders, key);
            }
        }
        for removed in &set.removed {
            let watched = prefixes.values().flatten();
            for (_, sender) in watched.filter(|(prefix, _)| KeyRange::prefix(prefix).overlaps(removed)) {
                sender.send_replace(());
            }
        }
    }

    /// Wakes everybody: all was removed.
    pub(crate) fn all_cleared(&self) {
        let registry = self.partitions.lock();
        for sender in registry.prefixes.values().flat_map(BTreeMap::values).flat_map(HashMap::values) {
            sender.send_replace(());
        }
    }

    /// Tells everybody that nothing will be committed any more.
    pub(crate) fn close(&self) {
        let mut registry = self.partitions.lock();
        registry.closed = true;
        registry.prefixes.clear();
    }

    /// Forgets a prefix that nobody watches any more.
    fn forget(&self, partition: &Partition, prefix: &Bytes) {
        let mut registry = self.partitions.lock();
        let Some(prefixes) = registry.prefixes.get_mut(partition) else { return };
        let Some(senders) = prefixes.get_mut(&prefix.len()) else { return };
        if senders.get(prefix).is_some_and(|sender| sender.receiver_count() == 0) {
            senders.remove(prefix);
        }
        if senders.is_empty() {
            prefixes.remove(&prefix.len());
        }
        if prefixes.is_empty() {
            registry.prefixes.remove(partition);
        }
    }

    #[cfg(test)]
    fn is_empty(&self) -> bool {
        self.partitions.lock().prefixes.is_empty()
    }
}

/// Wakes the watchers of the prefix of `key` that has the length of all prefixes in `senders`.
fn notify_prefix_of(senders: &HashMap<Bytes, watch::Sender<()>>, key: &Bytes) {
    let Some(length) = senders.keys().next().map(Bytes::len) else { return };
    if let Some(sender) = senders.get(&key[..length]) {
        sender.send_replace(());
    }
}

/// A subscription to the commits under one prefix of one partition, from [`crate::Store::watch`].
pub struct Watch {
    /// Present until dropped: it has to go before the registry counts the receivers that are left.
    receiver: Option<watch::Receiver<()>>,
    watchers: Arc<Watchers>,
    partition: Partition,
    prefix: Bytes,
}

impl Watch {
    /// Waits until something under the prefix has been committed since the last call (or since the subscription).
    /// Several commits may be reported once, and a wake-up may be spurious; none is missed. A consumer subscribes,
    /// reads, works, and then waits.
    ///
    /// # Errors
    /// [`StoreError::Closed`] when the store was shut down or has failed: nothing will be committed any more.
    pub async fn changed(&mut self) -> Result<(), StoreError> {
        match &mut self.receiver {
            Some(receiver) => receiver.changed().await.map_err(|_| StoreError::Closed),
            None => Err(StoreError::Closed),
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.receiver = None;
        self.watchers.forget(&self.partition, &self.prefix);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_watch_leaves_nothing_behind() {
        let watchers = Arc::new(Watchers::default());
        let partition = Partition::new("p").expect("valid");
        let first = watchers.subscribe(&partition, b"a");
        let second = watchers.subscribe(&partition, b"a");
        let other = watchers.subscribe(&partition, b"ab");
        drop(first);
        assert!(!watchers.is_empty());
        drop(other);
        drop(second);
        assert!(watchers.is_empty());
    }
}
