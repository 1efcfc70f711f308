//! Environments made ahead of need: how many of which kind.
//!
//! A kind that deployments need is kept in stock, a few of it at rest and more after many were needed within a short
//! time. All together stay within a budget of memory, kinds used last coming first; when the machine runs short of memory
//! nothing is kept. Stock is made in the background by the sandbox's launcher. No invocation ever waits for it: one that
//! finds nothing starts from the beginning.

use std::time::Duration;

use parking_lot::Mutex;
use platform::Clock;
use sandbox::{HeadStart, Sandbox, Shape, ShapeStock, Wanted};
use tokio::sync::Notify;

use super::limits::{
    AHEAD_AT_REST, AHEAD_DEMAND_WINDOW, AHEAD_KINDS_MAX, AHEAD_PER_KIND_MAX, AHEAD_SETTLING, IDLE_TIMEOUT,
};
use super::machine;
use super::metrics::{Kind, Metrics};

/// Memory that an environment made ahead of need takes, in KiB: measured, rounded up.
const FILE_SYSTEM_KIB: u64 = 1024;
const PYTHON_KIB: u64 = 8 * 1024;
const NODE_KIB: u64 = 20 * 1024;
/// What the parts of an SDK that are loaded add.
const SDK_KIB: u64 = 32 * 1024;

/// What is kept in stock.
pub struct Ahead {
    budget_kib: u64,
    clock: Clock,
    demands: Mutex<Vec<Demand>>,
    changed: Notify,
}

/// What is known of the need for one kind of environment.
struct Demand {
    shape: Shape,
    /// Monotonic time at which one was last needed or expected to be.
    used: Duration,
    /// Start of the current window, and how many were needed in it.
    window: Duration,
    in_window: usize,
    /// The most that were needed in one window; halved when a window passes without as many.
    peak: usize,
}

impl Ahead {
    /// An empty stock. A budget of 0 keeps it empty.
    pub fn new(budget_mb: u32, clock: Clock) -> Ahead {
        let budget_kib = u64::from(budget_mb) * 1024;
        Ahead { budget_kib, clock, demands: Mutex::default(), changed: Notify::new() }
    }

    /// A deployment will need environments of this kind.
    pub fn expect(&self, shape: &Shape) {
        self.note(shape, 0);
    }

    /// An environment of this kind is needed now.
    pub fn need(&self, shape: &Shape) {
        self.note(shape, 1);
    }

    fn note(&self, shape: &Shape, count: usize) {
        if self.budget_kib == 0 || shape.head_start == HeadStart::None {
            return;
        }
        let now = self.clock.monotonic();
        let mut demands = self.demands.lock();
        let known = demands.iter().position(|demand| demand.shape == *shape);
        let demand = match known {
            Some(at) => &mut demands[at],
            None => {
                if demands.len() >= AHEAD_KINDS_MAX
                    && let Some(oldest) = (0..demands.len()).min_by_key(|at| demands[*at].used)
                {
                    demands.swap_remove(oldest);
                }
                let shape = shape.clone();
                demands.push(Demand { shape, used: now, window: now, in_window: 0, peak: 0 });
                demands.last_mut().expect("one was pushed")
            }
        };
        demand.used = now;
        demand.roll(now);
        demand.in_window += count;
        let is_new_peak = demand.in_window > demand.peak;
        demand.peak = demand.peak.max(demand.in_window);
        if known.is_none() || is_new_peak {
            self.changed.notify_one();
        }
    }

    /// Keeps the stock as it should be, for ever.
    pub async fn look_after(&self, sandbox: &Sandbox, metrics: &Metrics) {
        let mut asked: Vec<Wanted> = Vec::new();
        loop {
            let wanted = self.wanted();
            if wanted != asked {
                if let Err(error) = sandbox.keep(&wanted).await {
                    tracing::warn!(%error, "environments cannot be made ahead of need");
                    return;
                }
                asked = wanted;
            }
            metrics.stock(&sandbox.stock(), kind_of);
            // With nothing in stock there is nothing to look after.
            let tick = self.clock.sleep(AHEAD_SETTLING);
            tokio::select! {
                () = self.changed.notified() => {}
                () = tick, if !asked.is_empty() => {}
            }
        }
    }

    /// What is to be kept now.
    fn wanted(&self) -> Vec<Wanted> {
        if !machine::is_at_ease() {
            return Vec::new();
        }
        let now = self.clock.monotonic();
        let mut demands = self.demands.lock();
        demands.retain(|demand| now.saturating_sub(demand.used) < IDLE_TIMEOUT);
        demands.sort_by_key(|demand| std::cmp::Reverse(demand.used));
        let mut left = self.budget_kib;
        let mut wanted = Vec::new();
        for demand in demands.iter_mut() {
            demand.roll(now);
            let each = cost_kib(&demand.shape.head_start);
            let count = (AHEAD_AT_REST + demand.peak).min(AHEAD_PER_KIND_MAX).min((left / each) as usize);
            if count > 0 {
                left -= each * count as u64;
                wanted.push(Wanted { shape: demand.shape.clone(), count });
            }
        }
        // The order is that of use; what is asked for should not change with every use.
        wanted.sort_by(|one, other| one.shape.head_start.cmp(&other.shape.head_start));
        wanted
    }
}

impl Demand {
    /// Begins a new window when the current one is over.
    fn roll(&mut self, now: Duration) {
        while now.saturating_sub(self.window) >= AHEAD_DEMAND_WINDOW {
            self.peak = if self.in_window < self.peak { self.peak / 2 } else { self.peak };
            self.in_window = 0;
            if self.peak == 0 {
                self.window = now;
                return;
            }
            self.window += AHEAD_DEMAND_WINDOW;
        }
    }
}

/// The kind that figures are told by.
fn kind_of(stock: &ShapeStock) -> Kind {
    kind(&stock.shape.head_start)
}

/// The kind of a head start: by what it starts.
pub fn kind(head_start: &HeadStart) -> Kind {
    match head_start {
        HeadStart::None | HeadStart::FileSystem => Kind::Native,
        HeadStart::Program(program) if program.command.iter().any(|word| word.ends_with("/index.js")) => Kind::Node,
        HeadStart::Program(_) => Kind::Python,
    }
}

fn cost_kib(head_start: &HeadStart) -> u64 {
    let program = match kind(head_start) {
        Kind::Native => FILE_SYSTEM_KIB,
        Kind::Node => NODE_KIB,
        Kind::Python => PYTHON_KIB,
    };
    let sdk = match head_start {
        HeadStart::Program(program) => program.env.iter().any(|(name, _)| name == "_TRACA_PRELOAD"),
        HeadStart::None | HeadStart::FileSystem => false,
    };
    program + if sdk { SDK_KIB } else { 0 }
}

#[cfg(test)]
mod tests {
    use sandbox::{ParkedProgram, RootSpec};
    use wire::Timestamp;

    use super::*;

    fn shape(name: &str) -> Shape {
        let program = ParkedProgram { command: vec![format!("/{name}/index.js")], env: Vec::new() };
        Shape { root: RootSpec::default(), head_start: HeadStart::Program(program) }
    }

    fn counts(ahead: &Ahead) -> Vec<usize> {
        ahead.wanted().iter().map(|wanted| wanted.count).collect()
    }

    #[test]
    fn a_burst_is_remembered_and_forgotten_in_time() {
        let clock = Clock::controlled(Timestamp::default());
        let ahead = Ahead::new(4_096, clock.clone());
        ahead.expect(&shape("a"));
        assert_eq!(counts(&ahead), [AHEAD_AT_REST]);
        (0..10).for_each(|_| ahead.need(&shape("a")));
        assert_eq!(counts(&ahead), [AHEAD_AT_REST + 10]);
        clock.advance(AHEAD_DEMAND_WINDOW * 2);
        assert_eq!(counts(&ahead), [AHEAD_AT_REST + 5]);
        clock.advance(AHEAD_DEMAND_WINDOW * 8);
        assert_eq!(counts(&ahead), [AHEAD_AT_REST]);
        clock.advance(IDLE_TIMEOUT);
        assert_eq!(counts(&ahead), [0; 0]);
    }

    #[test]
    fn the_budget_goes_to_what_was_used_last() {
        let clock = Clock::controlled(Timestamp::default());
        let ahead = Ahead::new(60, clock.clone());
        ahead.expect(&shape("a"));
        clock.advance(Duration::from_secs(1));
        ahead.expect(&shape("b"));
        let wanted = ahead.wanted();
        let b = wanted.iter().find(|wanted| wanted.shape == shape("b")).expect("the last one is kept");
        assert_eq!(b.count, AHEAD_AT_REST);
        assert_eq!(wanted.iter().map(|wanted| wanted.count).sum::<usize>(), 3);
        let off = Ahead::new(0, clock);
        off.need(&shape("a"));
        assert_eq!(counts(&off), [0; 0]);
    }
}
