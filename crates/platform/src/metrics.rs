//! Figures for operators, in the text format that Prometheus reads.
//!
//! Label values come from static definitions alone (services, operations, task names), never from requests, so that the
//! number of series is bounded.

use std::time::Duration;

use parking_lot::Mutex;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry, Unit};

/// `Content-Type` of [`Metrics::render`]'s text.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Upper bounds of the latency buckets in seconds: from a warm in-memory answer to the longest function's timeout.
const LATENCY_BUCKETS: [f64; 16] =
    [50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 0.1, 0.5, 1.0, 5.0, 30.0, 900.0];

/// Which operation was called.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OperationLabels {
    service: &'static str,
    operation: &'static str,
}

/// Which operation was called and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    service: &'static str,
    operation: &'static str,
    status: u32,
}

/// What kind of background task.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TaskLabels {
    task: &'static str,
}

/// Which of the two stores.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StoreLabels {
    store: &'static str,
}

/// A histogram of durations.
type Latency = Family<OperationLabels, Histogram, fn() -> Histogram>;

/// All figures of the process.
pub struct Metrics {
    registry: Mutex<Registry>,
    requests: Family<OutcomeLabels, Counter>,
    latency: Latency,
    connections: Gauge,
    refused_connections: Counter,
    tasks: Family<TaskLabels, Gauge>,
    panics: Family<TaskLabels, Counter>,
    stores: StoreMetrics,
}

/// What the stores say about themselves; set when the figures are asked for.
#[derive(Default)]
struct StoreMetrics {
    queue_depth: Family<StoreLabels, Gauge>,
    commits: Family<StoreLabels, Gauge>,
    transactions: Family<StoreLabels, Gauge>,
    refused: Family<StoreLabels, Gauge>,
    commit_microseconds: Family<StoreLabels, Gauge>,
    file_bytes: Family<StoreLabels, Gauge>,
    log_bytes: Family<StoreLabels, Gauge>,
}

impl Metrics {
    /// All at zero.
    pub fn new() -> Metrics {
        let metrics = Metrics {
            registry: Mutex::new(Registry::with_prefix("traca")),
            requests: Family::default(),
            latency: Family::new_with_constructor(|| Histogram::new(LATENCY_BUCKETS)),
            connections: Gauge::default(),
            refused_connections: Counter::default(),
            tasks: Family::default(),
            panics: Family::default(),
            stores: StoreMetrics::default(),
        };
        metrics.register_own();
        metrics
    }

    /// Adds a figure of a service's own; the handle that was registered and its clones are counted on.
    pub fn register(&self, name: &'static str, help: &'static str, metric: impl Metric) {
        self.registry.lock().register(name, help, metric);
    }

    /// Counts a finished request; `service` and `operation` are names of the catalogue, or `unknown`.
    pub fn request(&self, service: &'static str, operation: &'static str, status: u16, duration: Duration) {
        let status = u32::from(status);
        self.requests.get_or_create(&OutcomeLabels { service, operation, status }).inc();
        self.latency.get_or_create(&OperationLabels { service, operation }).observe(duration.as_secs_f64());
    }

    /// Connections that clients hold open.
    pub fn connections(&self) -> &Gauge {
        &self.connections
    }

    /// Counts a connection that was turned away because there were too many.
    pub fn connection_refused(&self) {
        self.refused_connections.inc();
    }

    /// The figures as text.
    pub fn render(&self) -> String {
        let mut out = String::new();
        if text::encode(&mut out, &self.registry.lock()).is_err() {
            tracing::error!("a metric could not be written");
        }
        out
    }

    pub(crate) fn task_started(&self, task: &'static str) {
        self.tasks.get_or_create(&TaskLabels { task }).inc();
    }

    pub(crate) fn task_ended(&self, task: &'static str, panicked: bool) {
        self.tasks.get_or_create(&TaskLabels { task }).dec();
        if panicked {
            self.panics.get_or_create(&TaskLabels { task }).inc();
        }
    }

    pub(crate) fn store(&self, store: &'static str, stats: &store::Stats) {
        let labels = StoreLabels { store };
        let set = |family: &Family<StoreLabels, Gauge>, value: u64| {
            family.get_or_create(&labels).set(i64::try_from(value).unwrap_or(i64::MAX));
        };
        set(&self.stores.queue_depth, stats.queue_depth as u64);
        set(&self.stores.commits, stats.commits);
        set(&self.stores.transactions, stats.transactions_committed);
        set(&self.stores.refused, stats.transactions_refused);
        set(&self.stores.commit_microseconds, stats.commit_time_total.as_micros() as u64);
        set(&self.stores.file_bytes, stats.file_bytes);
        set(&self.stores.log_bytes, stats.log_bytes);
    }

    fn register_own(&self) {
        let registry = &mut *self.registry.lock();
        registry.register("requests", "Requests answered", self.requests.clone());
        registry.register_with_unit(
            "request_duration",
            "Time to the answer's head",
            Unit::Seconds,
            self.latency.clone(),
        );
        registry.register("connections", "Open client connections", self.connections.clone());
        registry.register(
            "connections_refused",
            "Connections refused for want of room",
            self.refused_connections.clone(),
        );
        registry.register("background_tasks", "Background tasks at work", self.tasks.clone());
        registry.register("background_panics", "Background tasks that panicked", self.panics.clone());
        let stores = &self.stores;
        registry.register("store_queue_depth", "Transactions waiting for the writer", stores.queue_depth.clone());
        registry.register("store_commits", "Batches made durable since the start", stores.commits.clone());
        registry.register("store_transactions", "Transactions committed since the start", stores.transactions.clone());
        registry.register("store_refused", "Transactions refused since the start", stores.refused.clone());
        let commit_time = stores.commit_microseconds.clone();
        registry.register("store_commit_microseconds", "Time spent in commits since the start", commit_time);
        registry.register_with_unit("store_file", "Size of the database file", Unit::Bytes, stores.file_bytes.clone());
        registry.register_with_unit("store_log", "Size of the write-ahead log", Unit::Bytes, stores.log_bytes.clone());
    }
}

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_operation_and_status() {
        let metrics = Metrics::new();
        metrics.request("sts", "GetCallerIdentity", 200, Duration::from_micros(60));
        metrics.request("sts", "GetCallerIdentity", 200, Duration::from_micros(300));
        metrics.request("sts", "GetCallerIdentity", 403, Duration::from_micros(300));
        let text = metrics.render();
        let has = |line: &str| assert!(text.lines().any(|candidate| candidate == line), "{line} in {text}");
        has(r#"traca_requests_total{service="sts",operation="GetCallerIdentity",status="200"} 2"#);
        has(r#"traca_requests_total{service="sts",operation="GetCallerIdentity",status="403"} 1"#);
        has(r#"traca_request_duration_seconds_bucket{le="0.0001",service="sts",operation="GetCallerIdentity"} 1"#);
        has(r#"traca_request_duration_seconds_count{service="sts",operation="GetCallerIdentity"} 3"#);
        assert!(text.ends_with("# EOF\n"));
    }
}
