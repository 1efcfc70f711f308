//! The environments that are warm, by the deployment they were made for.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};

use super::instance::Instance;
use super::limits::{BRIEF, RUNNING_PER_PROCESSOR};
use super::processors::Processors;
use crate::function::{FunctionId, FunctionVersion, Version};

/// The part by which the shortest duration grows with each invocation that is longer, so that one that was shorter than
/// all others is forgotten.
const SHORTEST_GROWTH: u32 = 64;

/// All warm environments.
pub struct Pools {
    state: Mutex<State>,
    processors: Processors,
    /// There is an environment to be frozen.
    hot: Notify,
}

#[derive(Default)]
struct State {
    by_deployment: HashMap<String, Pool>,
    closed: bool,
}

/// The environments of one deployment. It is there as long as one of them is, until it is taken out.
struct Pool {
    function: FunctionId,
    version: Version,
    /// Have just answered and still run, which makes them cheaper to use than any that would have to be thawed. The
    /// last one in is the first one out, so that the others cool down.
    hot: VecDeque<Idle>,
    /// Frozen; the last one in is the first one out, so that the others grow old.
    frozen: Vec<Idle>,
    /// Environments that have an event.
    lent: usize,
    /// Environments that are being frozen and will be back in a moment.
    cooling: usize,
    /// Invocations that wait for one of those, never more than there are.
    waiting: VecDeque<oneshot::Sender<Instance>>,
    /// Invocations that wait for their turn while the processors are busy.
    line: VecDeque<oneshot::Sender<Instance>>,
    /// About the shortest of the last invocations.
    shortest: Duration,
    /// Monotonic time at which an environment last came back.
    moved: Duration,
}

struct Idle {
    instance: Instance,
    /// Monotonic time of its last answer.
    since: Duration,
}

/// An environment on its way to be frozen.
pub struct Cooling {
    /// The environment.
    pub instance: Instance,
    since: Duration,
}

/// What an invocation gets.
pub enum Acquired {
    /// A warm environment.
    Warm(Box<Instance>),
    /// One that is about to come back. An error means that it did not.
    Soon(oneshot::Receiver<Instance>),
    /// One of those that have an event, when it has answered: no other would get a processor before. An error means
    /// that it did not come back.
    Turn(oneshot::Receiver<Instance>),
    /// There is none: start one.
    None,
}

impl Default for Pools {
    fn default() -> Pools {
        Pools { state: Mutex::default(), processors: Processors::new(), hot: Notify::new() }
    }
}

impl Pools {
    /// A warm environment of this deployment, if there is one; with `in_turn`, when its turn has come. `now` is
    /// monotonic.
    pub fn acquire(&self, version: &FunctionVersion, in_turn: bool, now: Duration) -> Acquired {
        let mut state = self.state.lock();
        let Some(pool) = state.by_deployment.get_mut(&version.deployment) else { return Acquired::None };
        if in_turn && self.is_crowded(pool, now) {
            let (sender, receiver) = oneshot::channel();
            pool.line.retain(|waiting| !waiting.is_closed());
            pool.line.push_back(sender);
            return Acquired::Turn(receiver);
        }
        if let Some(idle) = pool.hot.pop_back().or_else(|| pool.thaw()) {
            pool.lent += 1;
            return Acquired::Warm(Box::new(idle.instance));
        }
        pool.waiting.retain(|waiting| !waiting.is_closed());
        if pool.cooling > pool.waiting.len() {
            let (sender, receiver) = oneshot::channel();
            pool.waiting.push_back(sender);
            return Acquired::Soon(receiver);
        }
        Acquired::None
    }

    /// Whether one more environment at work would only take the processors from the others, whose work is done in a
    /// moment: the fewer take turns, the more stays in the processors' caches, and the fewer have to be woken.
    fn is_crowded(&self, pool: &Pool, now: Duration) -> bool {
        pool.lent >= RUNNING_PER_PROCESSOR * self.processors.count()
            && pool.shortest <= BRIEF
            && self.processors.are_busy(now)
    }

    /// Whether an environment of this deployment came back after `since`, monotonic, while the processors are busy.
    pub fn is_moving(&self, version: &FunctionVersion, since: Duration, now: Duration) -> bool {
        let state = self.state.lock();
        let moved = state.by_deployment.get(&version.deployment).map(|pool| pool.moved);
        moved.is_some_and(|moved| moved > since) && self.processors.are_busy(now)
    }

    /// A new environment is about to be used for the first time.
    pub fn add(&self, version: &FunctionVersion) {
        let mut state = self.state.lock();
        let pool = state.by_deployment.entry(version.deployment.clone()).or_insert_with(|| Pool {
            function: version.function.clone(),
            version: version.version,
            hot: VecDeque::new(),
            frozen: Vec::new(),
            lent: 0,
            cooling: 0,
            waiting: VecDeque::new(),
            line: VecDeque::new(),
            shortest: Duration::MAX,
            moved: Duration::ZERO,
        });
        pool.lent += 1;
    }

    /// Takes an environment back that has answered. Answers it if nobody may use it any more: it is to be ended.
    pub fn give_back(&self, instance: Instance, now: Duration) -> Option<Instance> {
        let mut state = self.state.lock();
        let closed = state.closed;
        let Some(pool) = state.by_deployment.get_mut(&instance.version.deployment) else { return Some(instance) };
        pool.lent = pool.lent.saturating_sub(1);
        if closed {
            return Some(instance);
        }
        pool.moved = now;
        if let Some(end) = &instance.unwritten {
            pool.shortest = end.duration.min(pool.shortest.saturating_add(pool.shortest / SHORTEST_GROWTH));
        }
        if let Some(instance) = pool.hand_on(instance) {
            pool.hot.push_back(Idle { instance, since: now });
            self.hot.notify_one();
        }
        None
    }

    /// An environment that was in use will not come back.
    pub fn lose(&self, version: &FunctionVersion) {
        self.without(version, |pool| pool.lent = pool.lent.saturating_sub(1));
    }

    /// Waits until there is an environment to be frozen.
    pub async fn until_hot(&self) {
        loop {
            let hot = self.hot.notified();
            if self.state.lock().by_deployment.values().any(|pool| !pool.hot.is_empty()) {
                return;
            }
            hot.await;
        }
    }

    /// Takes out what has been idle since `deadline` or longer and is to be frozen. Each comes back to
    /// [`Pools::cooled`], or is lost to [`Pools::lose_cooling`].
    pub fn cool(&self, deadline: Duration) -> Vec<Cooling> {
        let mut state = self.state.lock();
        let mut cooling = Vec::new();
        for pool in state.by_deployment.values_mut() {
            let cold = pool.hot.partition_point(|idle| idle.since <= deadline);
            pool.cooling += cold;
            cooling.extend(pool.hot.drain(..cold).map(|Idle { instance, since }| Cooling { instance, since }));
        }
        cooling
    }

    /// Takes a frozen environment back. Answers it if nobody may use it any more: it is to be ended.
    pub fn cooled(&self, cooled: Cooling) -> Option<Instance> {
        let Cooling { mut instance, since } = cooled;
        let mut state = self.state.lock();
        let closed = state.closed;
        let Some(pool) = state.by_deployment.get_mut(&instance.version.deployment) else { return Some(instance) };
        pool.cooling = pool.cooling.saturating_sub(1);
        if closed || instance.release() {
            return Some(instance);
        }
        if let Some(instance) = pool.hand_on(instance) {
            pool.frozen.push(Idle { instance, since });
        }
        None
    }

    /// An environment that was to be frozen will not come back.
    pub fn lose_cooling(&self, version: &FunctionVersion) {
        self.without(version, |pool| {
            pool.cooling = pool.cooling.saturating_sub(1);
            pool.waiting.truncate(pool.cooling);
        });
    }

    /// Takes out every idle environment of a function, or of one of its versions.
    pub fn retire(&self, function: &FunctionId, version: Option<Version>) -> Vec<Instance> {
        self.take(|pool| pool.function == *function && version.is_none_or(|version| pool.version == version))
    }

    /// Takes out frozen environments that were last used before `deadline`. Provisioned ones stay until their credentials
    /// end, at `renewal` (seconds since 1970) or before.
    pub fn expired(&self, deadline: Duration, renewal: i64) -> Vec<Instance> {
        let mut state = self.state.lock();
        let mut expired = Vec::new();
        state.by_deployment.retain(|_, pool| {
            let is_over = |idle: &mut Idle| match idle.instance.slot {
                Some(_) => idle.instance.credentials_end <= renewal,
                None => idle.since < deadline,
            };
            expired.extend(pool.frozen.extract_if(.., is_over).map(|idle| idle.instance));
            !pool.is_empty()
        });
        expired
    }

    /// Takes out idle environments that were provisioned and are not wanted any more.
    pub fn surplus(&self) -> Vec<Instance> {
        self.take_idle(Instance::release)
    }

    /// Takes out every idle environment that is not provisioned.
    pub fn on_demand(&self) -> Vec<Instance> {
        self.take_idle(|instance| instance.slot.is_none())
    }

    fn take_idle(&self, mut which: impl FnMut(&mut Instance) -> bool) -> Vec<Instance> {
        let mut state = self.state.lock();
        let mut taken = Vec::new();
        state.by_deployment.retain(|_, pool| {
            taken.extend(pool.frozen.extract_if(.., |idle| which(&mut idle.instance)).map(|idle| idle.instance));
            for mut idle in std::mem::take(&mut pool.hot) {
                if which(&mut idle.instance) {
                    taken.push(idle.instance);
                } else {
                    pool.hot.push_back(idle);
                }
            }
            !pool.is_empty()
        });
        taken
    }

    /// Takes out every idle environment.
    pub fn clear(&self) -> Vec<Instance> {
        self.take(|_| true)
    }

    /// Takes out every idle environment, and every other one when it is given back.
    pub fn close(&self) -> Vec<Instance> {
        self.state.lock().closed = true;
        self.clear()
    }

    /// Environments that are idle.
    pub fn idle(&self) -> usize {
        self.state.lock().by_deployment.values().map(|pool| pool.hot.len() + pool.frozen.len()).sum()
    }

    fn without(&self, version: &FunctionVersion, change: impl FnOnce(&mut Pool)) {
        let mut state = self.state.lock();
        let Some(pool) = state.by_deployment.get_mut(&version.deployment) else { return };
        change(pool);
        if pool.is_empty() {
            state.by_deployment.remove(&version.deployment);
        }
    }

    /// A pool that is taken out is forgotten; environments that come back to it later are answered to whoever brings
    /// them.
    fn take(&self, which: impl Fn(&Pool) -> bool) -> Vec<Instance> {
        let mut state = self.state.lock();
        let pools = state.by_deployment.extract_if(|_, pool| which(pool));
        pools.flat_map(|(_, pool)| pool.hot.into_iter().chain(pool.frozen)).map(|idle| idle.instance).collect()
    }
}

impl Pool {
    /// A frozen environment, a provisioned one before any other.
    fn thaw(&mut self) -> Option<Idle> {
        match self.frozen.iter().rposition(|idle| idle.instance.slot.is_some()) {
            Some(at) => Some(self.frozen.remove(at)),
            None => self.frozen.pop(),
        }
    }

    /// Gives an environment to whoever waits for one. Answers it if nobody does.
    fn hand_on(&mut self, mut instance: Instance) -> Option<Instance> {
        while let Some(waiting) = self.waiting.pop_front().or_else(|| self.line.pop_front()) {
            match waiting.send(instance) {
                Ok(()) => {
                    self.lent += 1;
                    return None;
                }
                Err(back) => instance = back,
            }
        }
        Some(instance)
    }

    fn is_empty(&self) -> bool {
        self.lent == 0 && self.cooling == 0 && self.hot.is_empty() && self.frozen.is_empty()
    }
}
