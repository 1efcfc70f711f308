//! Figures of invocations for operators.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use platform::metrics::Metrics as Registry;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use sandbox::ShapeStock;

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
    stock: Family<KindLabels, Gauge>,
    stock_wanted: Family<KindLabels, Gauge>,
    stock_made: Family<KindLabels, Gauge>,
    stock_making: Family<KindLabels, Gauge<f64, AtomicU64>>,
    starts: Family<StartLabels, Counter>,
}

/// What runs in an environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum Kind {
    /// A program of the function's own.
    Native,
    /// Node.js.
    Node,
    /// Python.
    Python,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KindLabels {
    kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StartLabels {
    kind: Kind,
    /// Whether it was made ahead of need.
    ahead: &'static str,
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
            stock: Family::default(),
            stock_wanted: Family::default(),
            stock_made: Family::default(),
            stock_making: Family::default(),
            starts: Family::default(),
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
        registry.register("lambda_stock", "Environments made ahead of need that are ready", metrics.stock.clone());
        registry.register("lambda_stock_wanted", "Environments to be kept ready", metrics.stock_wanted.clone());
        registry.register(
            "lambda_stock_made",
            "Environments made ahead, of kinds in stock",
            metrics.stock_made.clone(),
        );
        registry.register("lambda_stock_making_seconds", "Time that took in all", metrics.stock_making.clone());
        registry.register("lambda_starts", "Environments started, by whether from stock", metrics.starts.clone());
        metrics
    }

    /// That is in stock.
    pub fn stock(&self, stock: &[ShapeStock], kind_of: impl Fn(&ShapeStock) -> Kind) {
        for kind in [Kind::Native, Kind::Node, Kind::Python] {
            let (labels, of_kind) = (KindLabels { kind }, || stock.iter().filter(|shape| kind_of(shape) == kind));
            let sum = |figure: fn(&ShapeStock) -> u64| of_kind().map(figure).sum::<u64>() as i64;
            self.stock.get_or_create(&labels).set(sum(|shape| shape.ready as u64));
            self.stock_wanted.get_or_create(&labels).set(sum(|shape| shape.wanted as u64));
            self.stock_made.get_or_create(&labels).set(sum(|shape| shape.made));
            let making: Duration = of_kind().map(|shape| shape.making).sum();
            self.stock_making.get_or_create(&labels).set(making.as_secs_f64());
        }
    }

    /// An environment was started, from stock or not.
    pub fn launched(&self, kind: Kind, from_stock: bool) {
        let ahead = if from_stock { "hit" } else { "miss" };
        self.starts.get_or_create(&StartLabels { kind, ahead }).inc();
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
