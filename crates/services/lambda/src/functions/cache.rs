//! Versions in memory, so that a warm invocation does not reach the store.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::Arc;

use lru::LruCache;
use parking_lot::Mutex;

use crate::function::{Alias, FunctionId, FunctionVersion, Version};

/// Most functions held in memory, each with the versions in use: a few KiB a function.
const FUNCTIONS_MAX: NonZeroUsize = NonZeroUsize::new(4_096).expect("the number is not zero");

/// Most versions held of one function, most aliases, and most policies.
const VERSIONS_MAX: usize = 64;

/// What is held of a function.
#[derive(Default)]
struct Held {
    versions: HashMap<Version, Arc<FunctionVersion>>,
    aliases: HashMap<String, Arc<Alias>>,
    /// Whether the policy of the function (without name), a version or an alias denies something.
    denials: HashMap<String, bool>,
}

/// The versions read last.
pub struct Cache(Mutex<State>);

struct State {
    functions: LruCache<FunctionId, Held>,
    /// Counts invalidations: what was read before one must not be inserted after it.
    epoch: u64,
}

/// When a read began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Epoch(u64);

impl Default for Cache {
    fn default() -> Cache {
        Cache(Mutex::new(State { functions: LruCache::new(FUNCTIONS_MAX), epoch: 0 }))
    }
}

impl Cache {
    /// The version, if it is in memory.
    pub fn get(&self, function: &FunctionId, version: Version) -> Option<Arc<FunctionVersion>> {
        self.0.lock().functions.get(function)?.versions.get(&version).map(Arc::clone)
    }

    /// The alias, if it is in memory.
    pub fn alias(&self, function: &FunctionId, name: &str) -> Option<Arc<Alias>> {
        self.0.lock().functions.get(function)?.aliases.get(name).map(Arc::clone)
    }

    /// Whether a policy denies something, if that is in memory.
    pub fn has_denials(&self, function: &FunctionId, qualifier: &str) -> Option<bool> {
        self.0.lock().functions.get(function)?.denials.get(qualifier).copied()
    }

    /// To be asked before the store is read for [`Cache::insert`].
    pub fn epoch(&self) -> Epoch {
        Epoch(self.0.lock().epoch)
    }

    /// Keeps what was read, unless something was invalidated since `epoch`.
    pub fn insert(&self, epoch: Epoch, version: Arc<FunctionVersion>) {
        let mut state = self.0.lock();
        if state.epoch != epoch.0 {
            return;
        }
        let versions = &mut state.functions.get_or_insert_mut(version.function.clone(), Held::default).versions;
        if versions.len() >= VERSIONS_MAX {
            versions.clear();
        }
        versions.insert(version.version, version);
    }

    /// Keeps an alias that was read, unless something was invalidated since `epoch`.
    pub fn insert_alias(&self, epoch: Epoch, function: &FunctionId, alias: Arc<Alias>) {
        let mut state = self.0.lock();
        if state.epoch != epoch.0 {
            return;
        }
        let aliases = &mut state.functions.get_or_insert_mut(function.clone(), Held::default).aliases;
        if aliases.len() >= VERSIONS_MAX {
            aliases.clear();
        }
        aliases.insert(alias.name.clone(), alias);
    }

    /// Keeps what was read of a policy, unless something was invalidated since `epoch`.
    pub fn insert_denials(&self, epoch: Epoch, function: &FunctionId, qualifier: &str, has_denials: bool) {
        let mut state = self.0.lock();
        if state.epoch != epoch.0 {
            return;
        }
        let denials = &mut state.functions.get_or_insert_mut(function.clone(), Held::default).denials;
        if denials.len() >= VERSIONS_MAX {
            denials.clear();
        }
        denials.insert(qualifier.to_owned(), has_denials);
    }

    /// Forgets a function.
    pub fn invalidate(&self, function: &FunctionId) {
        let mut state = self.0.lock();
        state.epoch += 1;
        state.functions.pop(function);
    }

    /// Forgets everything.
    pub fn clear(&self) {
        let mut state = self.0.lock();
        state.epoch += 1;
        state.functions.clear();
    }
}
