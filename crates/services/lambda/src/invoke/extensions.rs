//! Extensions: which ones a deployment's layers bring, what they are given, and the end of an invocation that they were
//! told of.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use platform::Platform;
use sandbox::{ExtensionStatus, Extensions, FunctionDescription, Host, InvokeOutcome, ShutdownReason};

use super::Invoker;
use super::gate::Place;
use super::instance::{End, Instance};
use super::limits::RESPONSE_BYTES_MAX;
use super::run::Verdict;
use crate::function::FunctionVersion;
use crate::package::PackageDirectory;

/// Variables of the runtime that extensions do not get (Lambda developer guide, "Extensions API": environment variables).
const HIDDEN: [&str; 7] = [
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_XRAY_CONTEXT_MISSING",
    "AWS_XRAY_DAEMON_ADDRESS",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
];

/// File names of the extensions that layers bring, in the order they are started. Files are read, so it blocks.
pub async fn names(packages: &[Arc<PackageDirectory>]) -> Vec<String> {
    let layers: Vec<PathBuf> = packages.iter().skip(1).map(|layer| layer.path().join("extensions")).collect();
    if layers.is_empty() {
        return Vec::new();
    }
    tokio::task::spawn_blocking(move || names_in(&layers)).await.unwrap_or_default()
}

/// File names of the extensions that a container image has, in the order they are started.
pub async fn names_of_image(root: &Path) -> Vec<String> {
    let (opt, directory) = (root.join("opt"), root.join("opt/extensions"));
    // A link would be followed outside the image.
    let is_directory = |path: &Path| path.symlink_metadata().is_ok_and(|found| found.is_dir());
    let found =
        move || if is_directory(&opt) && is_directory(&directory) { names_in(&[directory]) } else { Vec::new() };
    tokio::task::spawn_blocking(found).await.unwrap_or_default()
}

/// What a later layer has under a name covers what an earlier one has.
fn names_in(directories: &[PathBuf]) -> Vec<String> {
    let mut found = BTreeMap::new();
    for entry in directories.iter().filter_map(|directory| fs::read_dir(directory).ok()).flatten().flatten() {
        if let (Ok(name), Ok(kind)) = (entry.file_name().into_string(), entry.file_type()) {
            found.insert(name, !kind.is_dir());
        }
    }
    found.into_iter().filter(|(_, is_program)| *is_program).map(|(name, _)| name).collect()
}

/// What the extensions of an environment are, if there are any.
pub fn of(names: &[String], variables: &[(String, String)]) -> Option<Extensions> {
    let shown = |name: &str| !name.starts_with('_') && !HIDDEN.contains(&name);
    (!names.is_empty()).then(|| Extensions {
        names: names.to_vec(),
        env: variables.iter().filter(|(name, _)| shown(name)).cloned().collect(),
    })
}

/// What extensions are told of a version.
pub fn description(version: &FunctionVersion) -> FunctionDescription {
    FunctionDescription {
        name: version.function.name.clone(),
        version: version.version.to_string(),
        handler: version.configuration.handler.clone(),
        account_id: version.function.account.clone(),
    }
}

/// The platform, as environments ask it.
pub struct PlatformHost(pub Arc<Platform>);

impl Host for PlatformHost {
    fn now_ms(&self) -> i64 {
        self.0.clock.milliseconds()
    }

    fn new_id(&self) -> String {
        self.0.ids.uuid()
    }
}

impl Instance {
    /// Writes what became of the extensions in the initialisation.
    pub(super) fn tell_extensions(&mut self) {
        if !self.environment.has_extensions() {
            return;
        }
        // What they have printed comes first.
        self.environment.drain(&mut self.journal);
        for status in self.environment.extensions() {
            if let Some(line) = self.journal.lines.extension(self.journal.clock.now(), &status) {
                self.journal.add(line);
            }
        }
    }
}

/// How the log shows an extension.
pub fn line(status: &ExtensionStatus) -> String {
    let events = status.events.names().join(", ");
    let mut line = format!("EXTENSION\tName: {}\tState: {}\tEvents: [{events}]", status.name, status.state);
    if let Some(error_type) = &status.error_type {
        line += &format!("\tError Type: {error_type}");
    }
    line + "\n"
}

/// Why an environment ends after an outcome.
pub fn reason(outcome: &InvokeOutcome) -> ShutdownReason {
    match outcome {
        InvokeOutcome::TimedOut => ShutdownReason::Timeout,
        _ => ShutdownReason::Failure,
    }
}

impl Invoker {
    /// Waits until the extensions are done with an invocation that was answered, for what is left of its time; then it
    /// has ended, and its environment may take the next. Answers the end of its log.
    pub(super) async fn finish(
        self: Arc<Invoker>,
        mut instance: Instance,
        mut end: End,
        timeout: Duration,
        place: Option<Place>,
    ) -> Vec<u8> {
        let started = self.platform.clock.stopwatch();
        let rest = timeout.saturating_sub(end.duration);
        let failed = instance.environment.finish(rest, &mut instance.journal).await;
        (end.at, end.duration) =
            (self.platform.clock.now(), end.duration + self.platform.clock.stopwatch().saturating_sub(started));
        let usable = failed.is_none();
        if let Some(outcome) = failed {
            instance.reason = reason(&outcome);
            end.failure = Verdict::of(outcome, timeout, RESPONSE_BYTES_MAX, &end.request_id).failure;
        }
        instance.unwritten = Some(end);
        let tail = instance.settle();
        self.take_back(instance, usable);
        drop(place);
        tail
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_layers_cover_what_earlier_ones_bring() {
        let root = tempfile::tempdir().expect("a temporary directory");
        let layers: Vec<PathBuf> = ["one", "two", "none"].iter().map(|name| root.path().join(name)).collect();
        for (layer, name) in [(0, "b"), (0, "a"), (1, "c")] {
            fs::create_dir_all(&layers[layer]).expect("created");
            fs::write(layers[layer].join(name), "").expect("written");
        }
        fs::create_dir_all(layers[1].join("b/lib")).expect("created");
        assert_eq!(names_in(&layers), ["a", "c"]);
    }

    #[test]
    fn extensions_do_not_see_what_is_the_runtimes_own() {
        let variables = ["_HANDLER", "LAMBDA_TASK_ROOT", "AWS_REGION", "TABLE"].map(|name| (name.into(), "x".into()));
        let extensions = of(&["agent".to_owned()], &variables).expect("there is one");
        let names: Vec<&str> = extensions.env.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["AWS_REGION", "TABLE"]);
        assert_eq!(of(&[], &variables), None);
    }
}
