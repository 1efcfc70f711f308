//! What was read and compiled, kept in memory: nothing here is the truth.
//!
//! Every change to an account moves its generation on after it is committed and before it is acknowledged. What was read
//! under an earlier generation is not used again.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use lru::LruCache;
use parking_lot::Mutex;
use platform::directory::Role;
use platform::{AccessKey, Permissions};
use policy::Policy;
use sha2::{Digest, Sha256};

use crate::limits::{CACHED_IDENTITIES_MAX, CACHED_KEYS_MAX, COMPILED_POLICIES_MAX};

/// Accounts that share a generation: a change to one of them has the others' entries read again.
const GENERATIONS: usize = 256;

/// Something that was read, and when.
#[derive(Clone)]
struct Read<T> {
    generation: u64,
    value: T,
}

/// A bounded table of what was read.
pub struct Table<T>(Mutex<LruCache<String, Read<T>>>);

impl<T: Clone> Table<T> {
    fn new(entries_max: usize) -> Table<T> {
        Table(Mutex::new(LruCache::new(NonZeroUsize::new(entries_max).unwrap_or(NonZeroUsize::MIN))))
    }

    /// What was read in this generation.
    pub fn get(&self, key: &str, generation: u64) -> Option<T> {
        self.0.lock().get(key).filter(|read| read.generation == generation).map(|read| read.value.clone())
    }

    /// Keeps what was read after the generation had been looked at.
    pub fn put(&self, key: &str, generation: u64, value: T) {
        self.0.lock().put(key.to_owned(), Read { generation, value });
    }
}

/// The cache.
pub struct Cache {
    generations: Vec<AtomicU64>,
    /// Permissions by the unique id of the user or role.
    pub permissions: Table<Option<Arc<Permissions>>>,
    /// Roles by account and name.
    pub roles: Table<Option<Arc<Role>>>,
    /// Access keys by id.
    pub keys: Table<AccessKey>,
    /// Compiled documents by the digest of their text.
    compiled: Mutex<LruCache<[u8; 32], Arc<Policy>>>,
}

impl Cache {
    /// An empty cache.
    pub fn new() -> Cache {
        let compiled = NonZeroUsize::new(COMPILED_POLICIES_MAX).unwrap_or(NonZeroUsize::MIN);
        Cache {
            generations: (0..GENERATIONS).map(|_| AtomicU64::new(0)).collect(),
            permissions: Table::new(CACHED_IDENTITIES_MAX),
            roles: Table::new(CACHED_IDENTITIES_MAX),
            keys: Table::new(CACHED_KEYS_MAX),
            compiled: Mutex::new(LruCache::new(compiled)),
        }
    }

    /// The account's generation. To be asked before the rows are read.
    pub fn generation(&self, account: &str) -> u64 {
        self.generations[slot(account)].load(Ordering::Acquire)
    }

    /// Forgets what was read of an account. To be called once a change is committed.
    pub fn forget(&self, account: &str) {
        self.generations[slot(account)].fetch_add(1, Ordering::AcqRel);
    }

    /// Forgets what was read of all accounts.
    pub fn forget_all(&self) {
        for generation in &self.generations {
            generation.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// An identity policy or boundary, compiled unless it was before.
    ///
    /// # Errors
    /// As [`Policy::parse`].
    pub fn compile(&self, document: &str) -> Result<Arc<Policy>, policy::Malformed> {
        let digest: [u8; 32] = Sha256::digest(document).into();
        if let Some(compiled) = self.compiled.lock().get(&digest) {
            return Ok(Arc::clone(compiled));
        }
        let compiled = Arc::new(Policy::parse(document, policy::Kind::Identity)?);
        self.compiled.lock().put(digest, Arc::clone(&compiled));
        Ok(compiled)
    }
}

/// Accounts are twelve digits; the last ones differ most.
fn slot(account: &str) -> usize {
    let number = account.bytes().fold(0_usize, |sum, digit| sum.wrapping_mul(31).wrapping_add(usize::from(digit)));
    number % GENERATIONS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_before_a_change_is_not_used_after_it() {
        let cache = Cache::new();
        let before = cache.generation("111122223333");
        cache.roles.put("key", before, None);
        assert!(cache.roles.get("key", before).is_some());
        cache.forget("111122223333");
        let after = cache.generation("111122223333");
        assert!(cache.roles.get("key", after).is_none());
        cache.roles.put("key", before, None);
        assert!(cache.roles.get("key", after).is_none(), "read before the change, kept after it");
    }
}
