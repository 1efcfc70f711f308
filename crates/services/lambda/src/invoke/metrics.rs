//! Figures of invocations for operators.

use std::time::Duration;

use platform::metrics::Metrics as Registry;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;

/// Upper bounds of the duration histograms, in seconds: 0.1 ms to 900 s.
const DURATION_BOUNDS: [f64; 14] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 10.0, 60.0, 900.0];

/// The figures. Clones share them.
#[derive(Clone)]
pub struct Metrics {
    invocations: Counter,
    errors: Counter,
    throttles: Counter,
    loops_ended: Counter,
    cold_starts: Counter,
    duration: Histogram,
    init_duration: Histogram,
    idle: Gauge,
}

impl Metrics {
    /// Figures that the platform's registry shows.
    pub fn new(registry: &Registry) -> Metrics {
        let metrics = Metrics {
            invocations: Counter::default(),
            errors: Counter::default(),
            throttles: Counter::default(),
            loops_ended: Counter::default(),
            cold_starts: Counter::default(),
            duration: Histogram::new(DURATION_BOUNDS),
            init_duration: Histogram::new(DURATION_BOUNDS),
            idle: Gauge::default(),
        };
        registry.register("lambda_invocations", "Invocations that reached a function", metrics.invocations.clone());
        registry.register("lambda_errors", "Invocations whose function failed", metrics.errors.clone());
        registry.register("lambda_throttles", "Invocations refused for want of room", metrics.throttles.clone());
        let ended = metrics.loops_ended.clone();
        registry.register("lambda_recursive_invocations_dropped", "Invocations refused for being in a loop", ended);
        registry.register("lambda_cold_starts", "Environments initialised", metrics.cold_starts.clone());
        registry.register("lambda_duration_seconds", "Time of handlers", metrics.duration.clone());
        registry.register("lambda_init_duration_seconds", "Time of initialisations", metrics.init_duration.clone());
        registry.register("lambda_idle_environments", "Environments that wait for an event", metrics.idle.clone());
        metrics
    }

    /// A function was run.
    pub fn invoked(&self, duration: Duration, failed: bool) {
        self.invocations.inc();
        self.duration.observe(duration.as_secs_f64());
        if failed {
            self.errors.inc();
        }
    }

    /// An invocation was refused.
    pub fn throttled(&self) {
        self.throttles.inc();
    }

    /// An invocation was refused for being in a loop.
    pub fn loop_ended(&self) {
        self.loops_ended.inc();
    }

    /// An environment was initialised.
    pub fn started(&self, duration: Duration) {
        self.cold_starts.inc();
        self.init_duration.observe(duration.as_secs_f64());
    }

    /// That many environments are idle.
    pub fn idle(&self, count: usize) {
        self.idle.set(count as i64);
    }
}
