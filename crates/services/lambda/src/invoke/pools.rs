//! The environments that are warm, by the deployment they were made for.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::instance::Instance;
use crate::function::{FunctionId, FunctionVersion, Version};

/// All warm environments.
#[derive(Default)]
pub struct Pools(Mutex<State>);

#[derive(Default)]
struct State {
    by_deployment: HashMap<String, Pool>,
    closed: bool,
}

struct Pool {
    function: FunctionId,
    version: Version,
    /// Ready to be used; the last one in is the first one out, so that the others grow old.
    idle: Vec<Idle>,
    /// Environments that have answered and will be back in a moment.
    returning: usize,
    /// Those among them that still run: cheaper to go on with than any that would have to be thawed.
    hot: usize,
    /// Invocations that wait for one of those, never more than there are.
    waiting: VecDeque<oneshot::Sender<Instance>>,
}

struct Idle {
    instance: Instance,
    /// Monotonic time of its return.
    since: Duration,
}

/// What an invocation gets.
pub enum Acquired {
    /// A warm environment.
    Warm(Box<Instance>),
    /// One that is about to come back. An error means that it did not.
    Soon(oneshot::Receiver<Instance>),
    /// There is none: start one.
    None,
}

impl Pools {
    /// A warm environment of this deployment, if there is one.
    pub fn acquire(&self, version: &FunctionVersion) -> Acquired {
        let mut state = self.0.lock();
        let Some(pool) = state.by_deployment.get_mut(&version.deployment) else { return Acquired::None };
        pool.waiting.retain(|waiting| !waiting.is_closed());
        if pool.hot <= pool.waiting.len()
            && let Some(idle) = pool.idle.pop()
        {
            return Acquired::Warm(Box::new(idle.instance));
        }
        if pool.returning > pool.waiting.len() {
            let (sender, receiver) = oneshot::channel();
            pool.waiting.push_back(sender);
            return Acquired::Soon(receiver);
        }
        Acquired::None
    }

    /// An environment of this deployment has answered: it is either given back or lost.
    pub fn announce(&self, version: &FunctionVersion) {
        let mut state = self.0.lock();
        let pool = state.by_deployment.entry(version.deployment.clone()).or_insert_with(|| Pool {
            function: version.function.clone(),
            version: version.version,
            idle: Vec::new(),
            returning: 0,
            hot: 0,
            waiting: VecDeque::new(),
        });
        pool.returning += 1;
        pool.hot += 1;
    }

    /// An announced environment is about to be frozen. Answers whether somebody waits for it, so that it need not be.
    pub fn is_awaited(&self, version: &FunctionVersion) -> bool {
        let mut state = self.0.lock();
        let Some(pool) = state.by_deployment.get_mut(&version.deployment) else { return false };
        pool.hot = pool.hot.saturating_sub(1);
        pool.waiting.iter().any(|waiting| !waiting.is_closed())
    }

    /// Takes an announced environment back. Answers it if nobody may use it any more: it is to be ended.
    pub fn give_back(&self, instance: Instance, now: Duration) -> Option<Instance> {
        let mut state = self.0.lock();
        let closed = state.closed;
        let Some(pool) = state.by_deployment.get_mut(&instance.version.deployment) else { return Some(instance) };
        pool.returning = pool.returning.saturating_sub(1);
        if closed {
            return Some(instance);
        }
        let mut instance = instance;
        while let Some(waiting) = pool.waiting.pop_front() {
            match waiting.send(instance) {
                Ok(()) => return None,
                Err(back) => instance = back,
            }
        }
        pool.idle.push(Idle { instance, since: now });
        None
    }

    /// An announced environment will not come back.
    pub fn lose(&self, version: &FunctionVersion) {
        let mut state = self.0.lock();
        let Some(pool) = state.by_deployment.get_mut(&version.deployment) else { return };
        pool.returning = pool.returning.saturating_sub(1);
        while pool.waiting.len() > pool.returning {
            pool.waiting.pop_back();
        }
        if pool.returning == 0 && pool.idle.is_empty() {
            state.by_deployment.remove(&version.deployment);
        }
    }

    /// Takes out every idle environment of a function, or of one of its versions.
    pub fn retire(&self, function: &FunctionId, version: Option<Version>) -> Vec<Instance> {
        self.take(|pool| pool.function == *function && version.is_none_or(|version| pool.version == version))
    }

    /// Takes out idle environments that were last used before `deadline`.
    pub fn expired(&self, deadline: Duration) -> Vec<Instance> {
        let mut state = self.0.lock();
        let mut expired = Vec::new();
        state.by_deployment.retain(|_, pool| {
            expired.extend(pool.idle.extract_if(.., |idle| idle.since < deadline).map(|idle| idle.instance));
            pool.returning > 0 || !pool.idle.is_empty()
        });
        expired
    }

    /// Takes out every idle environment.
    pub fn clear(&self) -> Vec<Instance> {
        self.take(|_| true)
    }

    /// Takes out every idle environment, and every other one when it is given back.
    pub fn close(&self) -> Vec<Instance> {
        self.0.lock().closed = true;
        self.clear()
    }

    /// Environments that are idle.
    pub fn idle(&self) -> usize {
        self.0.lock().by_deployment.values().map(|pool| pool.idle.len()).sum()
    }

    /// A pool that is taken out is forgotten; environments that come back to it later are answered by `give_back`.
    fn take(&self, which: impl Fn(&Pool) -> bool) -> Vec<Instance> {
        let mut state = self.0.lock();
        let pools = state.by_deployment.extract_if(|_, pool| which(pool));
        pools.flat_map(|(_, pool)| pool.idle).map(|idle| idle.instance).collect()
    }
}
