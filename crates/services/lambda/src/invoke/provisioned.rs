//! Environments that are initialised before they are needed and kept: provisioned concurrency.
//!
//! Each version that has some owns a quota. An environment made for it holds a slot, which goes back when the environment
//! ends for whatever reason, so that whoever watches over the quotas makes another one.

use futures_util::future::join_all;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tokio::sync::Notify;

use super::launch::InitializationType;
use super::limits::{PROVISIONED_AT_ONCE_MAX, PROVISIONED_INIT_TIMEOUT, PROVISIONED_RETRY_INTERVAL};
use super::lines::Phase;
use super::{Invoker, machine};
use crate::function::{FunctionId, FunctionVersion, State, Version};
use crate::{Lambda, role};

/// What AWS says when the function's own initialisation is at fault.
const INIT_FAILURE: &str = "FUNCTION_ERROR_INIT_FAILURE";

/// The quotas of all versions.
#[derive(Default)]
pub struct Provisioned {
    quotas: Mutex<HashMap<(FunctionId, Version), Arc<Quota>>>,
    changed: Arc<Notify>,
}

/// What one version is to have, and has.
#[derive(Default)]
struct Quota {
    wanted: AtomicU32,
    /// Environments that hold a slot.
    allocated: AtomicU32,
    /// Those that are initialised.
    available: AtomicU32,
    /// Why no more are made, until somebody asks anew.
    failure: Mutex<Option<&'static str>>,
}

/// How far a version has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Environments that are there or being initialised.
    pub allocated: u32,
    /// Environments that can take an event.
    pub available: u32,
    /// Why no more are made, if so.
    pub failure: Option<&'static str>,
}

/// A place in a version's quota; dropping it gives the place back.
pub struct Slot {
    quota: Arc<Quota>,
    /// Not given back yet.
    is_held: bool,
    is_available: bool,
    changed: Arc<Notify>,
}

impl Slot {
    /// Gives the place back if the quota has become smaller than what is there. Answers whether it did.
    pub fn release(&mut self) -> bool {
        let wanted = self.quota.wanted.load(Ordering::Acquire);
        let one_less = |allocated: u32| (allocated > wanted).then(|| allocated - 1);
        let released =
            self.is_held && self.quota.allocated.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_less).is_ok();
        if released {
            self.is_held = false;
            self.make_unavailable();
        }
        released
    }

    fn initialised(&mut self) {
        self.is_available = true;
        self.quota.available.fetch_add(1, Ordering::AcqRel);
    }

    fn make_unavailable(&mut self) {
        if mem::take(&mut self.is_available) {
            self.quota.available.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.make_unavailable();
        if self.is_held {
            self.quota.allocated.fetch_sub(1, Ordering::AcqRel);
        }
        self.changed.notify_one();
    }
}

impl Provisioned {
    /// Sets what the versions of a function are to have; those that are not named have none. What has failed is tried
    /// again.
    pub fn set(&self, function: &FunctionId, wanted: &HashMap<Version, u32>) {
        let mut quotas = self.quotas.lock();
        for version in wanted.keys() {
            quotas.entry((function.clone(), *version)).or_default();
        }
        quotas.retain(|(owner, version), quota| {
            if owner != function {
                return true;
            }
            let wanted = wanted.get(version).copied();
            quota.wanted.store(wanted.unwrap_or(0), Ordering::Release);
            *quota.failure.lock() = None;
            wanted.is_some()
        });
        self.changed.notify_one();
    }

    /// How far a version has come.
    pub fn progress(&self, function: &FunctionId, version: Version) -> Progress {
        let quotas = self.quotas.lock();
        let Some(quota) = quotas.get(&(function.clone(), version)) else { return Progress::default() };
        Progress {
            allocated: quota.allocated.load(Ordering::Acquire),
            available: quota.available.load(Ordering::Acquire),
            failure: *quota.failure.lock(),
        }
    }

    /// Forgets all quotas, after all state was dropped.
    pub fn reset(&self) {
        for (_, quota) in self.quotas.lock().drain() {
            quota.wanted.store(0, Ordering::Release);
        }
    }

    /// Versions that lack environments, each with slots for those it lacks.
    fn lacking(&self) -> Vec<(FunctionId, Version, Vec<Slot>)> {
        let quotas = self.quotas.lock();
        let lacking = quotas.iter().filter(|(_, quota)| quota.failure.lock().is_none()).map(|(place, quota)| {
            let lack = quota.wanted.load(Ordering::Acquire).saturating_sub(quota.allocated.load(Ordering::Acquire));
            let slots = (0..lack.min(PROVISIONED_AT_ONCE_MAX)).map(|_| {
                quota.allocated.fetch_add(1, Ordering::AcqRel);
                Slot {
                    quota: Arc::clone(quota),
                    is_held: true,
                    is_available: false,
                    changed: Arc::clone(&self.changed),
                }
            });
            (place.0.clone(), place.1, slots.collect::<Vec<_>>())
        });
        lacking.filter(|(_, _, slots)| !slots.is_empty()).collect()
    }
}

/// Keeps what is provisioned initialised, until the platform stops.
pub async fn look_after(lambda: Arc<Lambda>) {
    let stopping = lambda.platform.background.stopping().clone();
    loop {
        let changed = lambda.invoker.provisioned.changed.notified();
        lambda.invoker.end_surplus();
        let mut is_short = false;
        for (function, version, slots) in lambda.invoker.provisioned.lacking() {
            if stopping.is_cancelled() {
                return;
            }
            is_short |= !provide(&lambda, &function, version, slots).await;
        }
        let retry =
            async { if is_short { tokio::time::sleep(PROVISIONED_RETRY_INTERVAL).await } else { changed.await } };
        if stopping.run_until_cancelled(retry).await.is_none() {
            return;
        }
    }
}

/// Initialises an environment for each slot. Answers false if that has to be tried again later.
async fn provide(lambda: &Arc<Lambda>, function: &FunctionId, version: Version, slots: Vec<Slot>) -> bool {
    let version = match lambda.functions.version(function, version).await {
        Ok(Some(record)) => Arc::new(record.runnable()),
        // Its quota goes along with it.
        Ok(None) => return true,
        Err(error) => {
            tracing::warn!(%error, "a version with provisioned concurrency cannot be read");
            return false;
        }
    };
    if version.state != State::Active {
        return false;
    }
    let provided = join_all(slots.into_iter().map(|slot| lambda.invoker.provide(lambda, &version, slot))).await;
    provided.into_iter().all(|provided| provided)
}

impl Invoker {
    /// Initialises one environment and keeps it for whoever invokes the version. Answers false if the machine has no room
    /// or is at fault.
    async fn provide(&self, lambda: &Lambda, version: &Arc<FunctionVersion>, mut slot: Slot) -> bool {
        if !machine::has_room() {
            return false;
        }
        let identity = match role::session(&self.platform, version).await {
            Ok(identity) => identity,
            Err(error) => {
                tracing::warn!(%error, function = version.arn(), "provisioned concurrency waits for a usable role");
                return false;
            }
        };
        let target = self.launcher.target(version, identity);
        let launched = async {
            let plan = self.launcher.plan(version, &lambda.packages).await?;
            let instance = self.launcher.launch(&plan, &target, Phase::Init, InitializationType::Provisioned).await?;
            Ok::<_, super::LaunchError>((plan.kind(), instance))
        };
        let (kind, mut instance) = match launched.await {
            Ok(launched) => launched,
            Err(error) => {
                tracing::error!(%error, function = version.arn(), "a provisioned environment could not be started");
                return false;
            }
        };
        self.metrics.launched(kind, instance.environment.was_made_ahead());
        let report = match instance.environment.init(PROVISIONED_INIT_TIMEOUT, &mut instance.journal).await {
            Ok(report) => report,
            Err(error) => {
                tracing::error!(%error, function = version.arn(), "a provisioned environment could not be initialised");
                self.end(instance);
                return false;
            }
        };
        instance.tell_extensions();
        if !matches!(report.outcome, sandbox::InitOutcome::Ready) {
            *slot.quota.failure.lock() = Some(INIT_FAILURE);
            let failed = self.failed_start(instance, report, Phase::Init, PROVISIONED_INIT_TIMEOUT, "").await;
            failed.write().await;
            return true;
        }
        self.metrics.started(report.duration);
        slot.initialised();
        instance.slot = Some(slot);
        self.pools.add(version);
        self.take_back(instance, true);
        true
    }

    /// Ends idle environments that quotas have no room for any more.
    fn end_surplus(&self) {
        self.pools.surplus().into_iter().for_each(|instance| self.end(instance));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function() -> FunctionId {
        FunctionId { account: "111122223333".into(), region: "eu-west-1".into(), name: "greet".into() }
    }

    #[test]
    fn a_slot_that_is_given_back_is_lacking_again() {
        let (provisioned, version) = (Provisioned::default(), Version::Published(1));
        provisioned.set(&function(), &HashMap::from([(version, 2)]));
        let mut lacking = provisioned.lacking();
        let mut slots = lacking.pop().expect("the version lacks both").2;
        assert_eq!((slots.len(), provisioned.lacking().len()), (2, 0));
        slots[0].initialised();
        let progress = provisioned.progress(&function(), version);
        assert_eq!((progress.allocated, progress.available), (2, 1));
        drop(slots.remove(0));
        assert_eq!(provisioned.lacking()[0].2.len(), 1);
    }

    #[test]
    fn a_smaller_quota_leaves_a_surplus_and_a_failure_ends_with_the_next_request() {
        let (provisioned, version) = (Provisioned::default(), Version::Published(1));
        provisioned.set(&function(), &HashMap::from([(version, 1)]));
        let mut slots = provisioned.lacking().remove(0).2;
        assert!(!slots[0].release());
        *slots[0].quota.failure.lock() = Some(INIT_FAILURE);
        assert_eq!(provisioned.progress(&function(), version).failure, Some(INIT_FAILURE));
        provisioned.set(&function(), &HashMap::new());
        assert!(slots[0].release() && !slots[0].release());
        assert_eq!(provisioned.progress(&function(), version), Progress::default());
    }
}
