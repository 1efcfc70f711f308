//! The lines the platform itself writes to a function's log: plain, or JSON where the function logs JSON.

use std::fmt::Write;
use std::time::Duration;

use sandbox::ExtensionStatus;
use serde_json::{Value, json};
use wire::Timestamp;

use super::extensions;
use super::failure::{Failure, FailureKind};
use super::lineage::Segment;
use crate::function::LogFormat;

/// What an environment's log says of its runtime.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuntimeVersion {
    /// For example `python:3.12.1`.
    pub version: String,
    /// ARN of the runtime version.
    pub arn: String,
}

/// In which phase an initialisation ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Before an invocation, with its own limit.
    Init,
    /// As part of an invocation, after it failed once.
    Invoke,
}

impl Phase {
    fn name(self) -> &'static str {
        match self {
            Phase::Init => "init",
            Phase::Invoke => "invoke",
        }
    }
}

/// The figures of an invocation.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Time of the handler.
    pub duration: Duration,
    /// Time of the initialisation, if this invocation had one before it.
    pub init: Option<Duration>,
    /// Memory size in MB.
    pub memory_mb: u32,
    /// Most memory in use, in MB.
    pub used_mb: u64,
    /// Why there is no answer, if so.
    pub failure: Option<Failure>,
    /// Its place in its trace, if it is traced.
    pub segment: Option<Segment>,
}

impl Report {
    /// Whole milliseconds that are paid for: initialisation and handler, rounded up.
    pub fn billed_milliseconds(&self) -> u128 {
        (self.duration + self.init.unwrap_or_default()).as_nanos().div_ceil(1_000_000).max(1)
    }
}

/// Writes the platform's lines in a function's format.
#[derive(Debug, Clone)]
pub struct Lines {
    /// Plain text or JSON.
    pub format: LogFormat,
    /// The version of the function, `$LATEST` or a number.
    pub version: String,
    /// The function's name.
    pub function: String,
    /// `on-demand` or `provisioned-concurrency`.
    pub initialization_type: &'static str,
}

impl Lines {
    /// The first line of an environment.
    pub fn init_start(&self, now: Timestamp, runtime: &RuntimeVersion) -> Option<String> {
        self.either(
            now,
            || format!("INIT_START Runtime Version: {}\tRuntime Version ARN: {}\n", runtime.version, runtime.arn),
            "platform.initStart",
            || {
                json!({
                    "initializationType": self.initialization_type, "phase": "init", "runtimeVersion": runtime.version,
                    "runtimeVersionArn": runtime.arn, "functionName": self.function, "functionVersion": self.version,
                })
            },
        )
    }

    /// What became of an extension in the initialisation.
    pub fn extension(&self, now: Timestamp, status: &ExtensionStatus) -> Option<String> {
        self.either(
            now,
            || extensions::line(status),
            "platform.extension",
            || {
                let mut record = json!({"name": status.name, "state": status.state, "events": status.events.names()});
                if let Some(error_type) = &status.error_type {
                    record["errorType"] = json!(error_type);
                }
                record
            },
        )
    }

    /// The line of an initialisation that failed.
    pub fn init_report(&self, now: Timestamp, phase: Phase, duration: Duration, failure: &Failure) -> Option<String> {
        let milliseconds = milliseconds(duration);
        let status = status(failure);
        let text = || {
            let mut line =
                format!("INIT_REPORT Init Duration: {milliseconds:.2} ms\tPhase: {}\tStatus: {status}", phase.name());
            if failure.kind != FailureKind::Timeout {
                let _ = write!(line, "\tError Type: {}", failure.error_type);
            }
            line + "\n"
        };
        self.either(now, text, "platform.initReport", || {
            json!({
                "initializationType": self.initialization_type, "phase": phase.name(), "status": status,
                "errorType": failure.error_type, "metrics": {"durationMs": milliseconds},
            })
        })
    }

    /// The first line of an invocation.
    pub fn start(&self, now: Timestamp, request_id: &str) -> Option<String> {
        self.either(
            now,
            || format!("START RequestId: {request_id} Version: {}\n", self.version),
            "platform.start",
            || json!({"requestId": request_id, "version": self.version}),
        )
    }

    /// The last lines of an invocation.
    pub fn end(&self, now: Timestamp, request_id: &str, report: &Report) -> Vec<String> {
        match &self.format {
            LogFormat::Text => text_end(now, request_id, report),
            LogFormat::Json { system_level, .. } => {
                let shown = system_level != "WARN" || report.failure.is_some();
                let record = json_report(request_id, report);
                shown.then(|| platform_event(now, "platform.report", record)).into_iter().collect()
            }
        }
    }

    fn either(
        &self,
        now: Timestamp,
        text: impl Fn() -> String,
        event: &str,
        record: impl Fn() -> Value,
    ) -> Option<String> {
        match &self.format {
            LogFormat::Text => Some(text()),
            LogFormat::Json { system_level, .. } if system_level == "WARN" => None,
            LogFormat::Json { .. } => Some(platform_event(now, event, record())),
        }
    }
}

fn text_end(now: Timestamp, request_id: &str, report: &Report) -> Vec<String> {
    let mut lines = Vec::with_capacity(3);
    let mut last = format!(
        "REPORT RequestId: {request_id}\tDuration: {:.2} ms\tBilled Duration: {} ms\tMemory Size: {} MB\t\
         Max Memory Used: {} MB\t",
        milliseconds(report.duration),
        report.billed_milliseconds(),
        report.memory_mb,
        report.used_mb
    );
    if let Some(init) = report.init {
        let _ = write!(last, "Init Duration: {:.2} ms\t", milliseconds(init));
    }
    if let Some(segment) = &report.segment {
        let _ = write!(last, "\nXRAY TraceId: {}\tSegmentId: {}\tSampled: true\t", segment.trace_id, segment.id);
    }
    if let Some(failure) = &report.failure {
        let _ = write!(last, "Status: {}", status(failure));
        if failure.kind != FailureKind::Timeout {
            let _ = write!(last, "\tError Type: {}", failure.error_type);
        }
        lines.push(match failure.kind {
            FailureKind::Timeout => format!("{} {request_id} {}\n\n", iso8601(now), failure.reason),
            FailureKind::Error => {
                format!("RequestId: {request_id} Error: {}\n{}\n", failure.reason, failure.error_type)
            }
            FailureKind::Reported => {
                format!("Unknown application error occurred\n{}\n", failure.error_type)
            }
        });
    }
    last.push('\n');
    lines.push(format!("END RequestId: {request_id}\n"));
    lines.push(last);
    lines
}

fn json_report(request_id: &str, report: &Report) -> Value {
    let mut metrics = json!({
        "durationMs": milliseconds(report.duration),
        "billedDurationMs": report.billed_milliseconds() as u64,
        "memorySizeMB": report.memory_mb,
        "maxMemoryUsedMB": report.used_mb,
    });
    if let Some(init) = report.init {
        metrics["initDurationMs"] = json!(milliseconds(init));
    }
    let mut record = json!({"requestId": request_id, "metrics": metrics, "status": "success"});
    if let Some(Segment { trace_id, id }) = &report.segment {
        let value = format!("Root={trace_id};Parent={id};Sampled=1");
        record["tracing"] = json!({"spanId": id, "type": "X-Amzn-Trace-Id", "value": value});
    }
    if let Some(failure) = &report.failure {
        record["status"] = json!(status(failure));
        record["errorType"] = json!(failure.error_type);
    }
    record
}

fn platform_event(now: Timestamp, event: &str, record: Value) -> String {
    json!({"time": iso8601(now), "type": event, "record": record}).to_string() + "\n"
}

fn status(failure: &Failure) -> &'static str {
    match failure.kind {
        FailureKind::Timeout => "timeout",
        FailureKind::Error | FailureKind::Reported => "error",
    }
}

/// Milliseconds with two decimals, which is what AWS shows.
fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 100_000.0).round() / 100.0
}

/// `2024-01-31T08:00:00.000Z`
fn iso8601(now: Timestamp) -> String {
    let time = jiff::Timestamp::from_millisecond(now.milliseconds()).unwrap_or_default();
    time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(format: LogFormat) -> Lines {
        Lines { format, version: "$LATEST".into(), function: "f".into(), initialization_type: "on-demand" }
    }

    fn json_format(system_level: &str) -> LogFormat {
        LogFormat::Json { application_level: "INFO".into(), system_level: system_level.into() }
    }

    fn report(failure: Option<Failure>) -> Report {
        let (duration, init) = (Duration::from_micros(1_234), Some(Duration::from_micros(10_500)));
        Report { duration, init, memory_mb: 128, used_mb: 35, failure, segment: None }
    }

    #[test]
    fn a_report_has_awss_columns() {
        let end = lines(LogFormat::Text).end(Timestamp::default(), "r-1", &report(None));
        assert_eq!(
            end,
            [
                "END RequestId: r-1\n",
                "REPORT RequestId: r-1\tDuration: 1.23 ms\tBilled Duration: 12 ms\tMemory Size: 128 MB\t\
                 Max Memory Used: 35 MB\tInit Duration: 10.50 ms\t\n"
            ]
        );
    }

    #[test]
    fn a_timeout_has_a_line_of_its_own() {
        let failure = Failure::timed_out(Duration::from_secs(3));
        let end = lines(LogFormat::Text).end(Timestamp::from_milliseconds(1_000), "r-1", &report(Some(failure)));
        assert_eq!(end[0], "1970-01-01T00:00:01.000Z r-1 Task timed out after 3.00 seconds\n\n");
        assert!(end[2].ends_with("Init Duration: 10.50 ms\tStatus: timeout\n"), "{}", end[2]);
    }

    #[test]
    fn a_crash_is_told_with_its_type() {
        let end = lines(LogFormat::Text).end(Timestamp::default(), "r-1", &report(Some(Failure::out_of_memory())));
        assert_eq!(end[0], "RequestId: r-1 Error: Runtime exited with error: signal: killed\nRuntime.OutOfMemory\n");
        assert!(end[2].ends_with("Status: error\tError Type: Runtime.OutOfMemory\n"), "{}", end[2]);
    }

    #[test]
    fn json_functions_get_json_lines() {
        let lines = lines(json_format("INFO"));
        let start = lines.start(Timestamp::default(), "r-1").expect("shown at INFO");
        let start: Value = serde_json::from_str(&start).expect("JSON");
        assert_eq!(start["type"], "platform.start");
        assert_eq!(start["record"]["requestId"], "r-1");
        let end: Value = serde_json::from_str(&lines.end(Timestamp::default(), "r-1", &report(None))[0]).expect("JSON");
        assert_eq!(end["record"]["metrics"]["billedDurationMs"], 12);
        assert_eq!(end["record"]["metrics"]["initDurationMs"], 10.5);
        assert_eq!(end["record"]["status"], "success");
    }

    #[test]
    fn at_warn_only_failures_are_told() {
        let lines = lines(json_format("WARN"));
        assert_eq!(lines.start(Timestamp::default(), "r-1"), None);
        assert!(lines.end(Timestamp::default(), "r-1", &report(None)).is_empty());
        assert_eq!(lines.end(Timestamp::default(), "r-1", &report(Some(Failure::out_of_memory()))).len(), 1);
    }
}
