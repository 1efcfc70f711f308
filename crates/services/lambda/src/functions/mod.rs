//! The functions as they are stored, and the short way to them that every invocation takes.

mod aliases;
mod cache;
mod read;
mod roleless;
pub(crate) mod rows;
mod write;

pub use aliases::{ALIASES_MAX, AliasEdit, NewAlias};
pub use read::{FunctionPage, VersionPage};
pub use roleless::without_role;
pub use rows::CODE_STORAGE_BYTES_MAX;
pub use write::{Change, Edit, NewFunction, Publication, Published};

use std::sync::Arc;

use platform::{OrFailure, Platform};
use store::Partition;
use tokio::sync::broadcast;
use wire::Error;

use crate::Lambda;
use crate::errors;
use crate::function::{Alias, FunctionId, FunctionVersion, Version};
use crate::keys;
use crate::names;
use crate::permission::ResourcePolicy;
use cache::Cache;

/// Changes that a slow listener may be behind before it misses some; it is told so and then has to look at everything.
pub const CHANGES_MAX: usize = 1_024;

/// Parts into which the invocations of an alias can be shared out.
const SHARES: u64 = 1_000_000;

/// What invocations of a function run may have changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FunctionChange {
    /// A deployment of this version has ended: environments made for another one are stale.
    Changed(FunctionId, Version),
    /// A version is gone.
    VersionDeleted(FunctionId, Version),
    /// The function and all its versions are gone.
    Deleted(FunctionId),
}

impl FunctionChange {
    /// The function it is about.
    pub fn function(&self) -> &FunctionId {
        match self {
            FunctionChange::Changed(function, _)
            | FunctionChange::VersionDeleted(function, _)
            | FunctionChange::Deleted(function) => function,
        }
    }
}

/// All functions of all accounts.
pub struct Functions {
    platform: Arc<Platform>,
    partition: Partition,
    cache: Arc<Cache>,
    changes: broadcast::Sender<FunctionChange>,
}

impl Functions {
    /// What all services share.
    pub(crate) fn platform(&self) -> &Platform {
        &self.platform
    }

    /// Most versions ever published of a function, so that deleting it stays one transaction.
    pub const VERSIONS_MAX: u64 = 2_000;

    /// The functions in the platform's store.
    ///
    /// # Errors
    /// None in practice: the partition's name is constant.
    pub fn new(platform: Arc<Platform>) -> Result<Functions, Error> {
        let partition = keys::partition().or_failure()?;
        let (changes, _) = broadcast::channel(CHANGES_MAX);
        Ok(Functions { platform, partition, cache: Arc::default(), changes })
    }

    /// Tells about every change from now on. A listener that is told it has missed some has to look at everything.
    pub fn changes(&self) -> broadcast::Receiver<FunctionChange> {
        self.changes.subscribe()
    }

    /// Forgets what is in memory, after the store was emptied.
    pub fn reset(&self) {
        self.cache.clear();
    }

    /// What invocations of this version run now; `None` if it does not exist. While an update is under way that is the
    /// version before the update.
    async fn runnable(&self, function: &FunctionId, version: Version) -> Result<Option<Arc<FunctionVersion>>, Error> {
        if let Some(found) = self.cache.get(function, version) {
            return Ok(Some(found));
        }
        let epoch = self.cache.epoch();
        let Some(record) = self.version(function, version).await? else { return Ok(None) };
        let runnable = Arc::new(record.runnable());
        self.cache.insert(epoch, Arc::clone(&runnable));
        Ok(Some(runnable))
    }

    /// Whether the policy of a function, a version or an alias denies something, from memory unless the function has
    /// changed since the last call.
    pub(crate) async fn has_denials(&self, function: &FunctionId, qualifier: Option<&str>) -> Result<bool, Error> {
        let name = qualifier.unwrap_or_default();
        if let Some(found) = self.cache.has_denials(function, name) {
            return Ok(found);
        }
        let epoch = self.cache.epoch();
        let policy: Option<ResourcePolicy> = self.row(&keys::policy(function, qualifier)).await?;
        let found = policy.is_some_and(|policy| policy.has_denials);
        self.cache.insert_denials(epoch, function, name, found);
        Ok(found)
    }

    /// An alias, from memory unless the function has changed since the last call.
    async fn cached_alias(&self, function: &FunctionId, name: &str) -> Result<Option<Arc<Alias>>, Error> {
        if let Some(found) = self.cache.alias(function, name) {
            return Ok(Some(found));
        }
        let epoch = self.cache.epoch();
        let Some(alias) = self.alias(function, name).await? else { return Ok(None) };
        let alias = Arc::new(alias);
        self.cache.insert_alias(epoch, function, Arc::clone(&alias));
        Ok(Some(alias))
    }
}

/// What an invocation of a function runs. Answered from memory unless the function has changed since the last call.
///
/// The version's `state` says whether it can be invoked; that is for the caller to check.
///
/// # Errors
/// `ResourceNotFoundException` if there is no such function, version or alias.
pub async fn resolve(
    lambda: &Lambda,
    function: &FunctionId,
    qualifier: Option<&str>,
) -> Result<Arc<FunctionVersion>, Error> {
    let not_found = || errors::function_not_found(function, qualifier);
    let qualifier_or_latest = qualifier.unwrap_or("$LATEST");
    let version = match names::version(qualifier_or_latest) {
        Some(version) => version,
        None => {
            let alias = lambda.functions.cached_alias(function, qualifier_or_latest).await?.ok_or_else(not_found)?;
            alias.pick(lambda.platform.ids.below(SHARES) as f64 / SHARES as f64)
        }
    };
    lambda.functions.runnable(function, version).await?.ok_or_else(not_found)
}

#[cfg(test)]
mod tests;
