//! `traca doctor`: what this machine gives, and what to do about what is missing.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use runtimes::{Runtimes, SearchPaths};
use sandbox::{Capabilities, Sandbox, SandboxConfig, SandboxError};
use serde_json::{Value, json};
use store::{OpenError, Profile, Store};

use crate::cli::DoctorArgs;
use crate::data::default_directory;
use crate::failure::Failure;
use crate::inside;
use crate::output::Output;

/// Writes that are timed to learn what a durable write costs.
const SYNC_ROUNDS: u32 = 32;

/// A durable write slower than this makes single-client writes noticeably slow.
const SLOW_SYNC: Duration = Duration::from_millis(10);

/// One examined thing.
struct Finding {
    name: &'static str,
    text: String,
    /// What is wrong and what to do about it.
    advice: Option<String>,
    /// Functions cannot run, or state cannot be kept.
    is_fatal: bool,
    facts: Value,
}

/// Runs the command. Fails if something is missing that functions cannot do without.
pub async fn run(args: &DoctorArgs) -> Result<(), Failure> {
    let output = Output::new(args.json);
    let data = match &args.data {
        Some(directory) => std::path::absolute(directory)?,
        None => default_directory()?,
    };
    let scratch = std::env::temp_dir().join(format!("traca-doctor-{}", std::process::id()));
    let mut findings = vec![isolation(&scratch.join("sandbox")).await];
    // What is learnt about interpreters is kept with the data, but looking does not make a data directory.
    let known = if data.is_dir() { &data } else { &scratch };
    let runtimes = Runtimes::new(known, SearchPaths::of_process(&data), Arc::new(|_| {}));
    findings.extend(interpreters(&runtimes).await);
    // Nothing was made if the machine refuses everything.
    let _ = fs::remove_dir_all(&scratch);
    findings.push(installers().await);
    findings.push(disk(&data));
    findings.extend(roles(&data.join("state")).await);
    for finding in &findings {
        print(finding, output);
    }
    match findings.iter().find(|finding| finding.is_fatal) {
        None => Ok(()),
        Some(finding) => Err(Failure::new(Failure::UNAVAILABLE, format!("{}: {}", finding.name, finding.text))),
    }
}

fn print(finding: &Finding, output: Output) {
    let mark = match (finding.is_fatal, &finding.advice) {
        (true, _) => "fails",
        (false, Some(_)) => "note ",
        (false, None) => "ok   ",
    };
    let mut text = format!("{mark} {:<12} {}", finding.name, finding.text);
    for line in finding.advice.iter().flat_map(|advice| advice.lines()) {
        let _ = write!(text, "\n                   {line}");
    }
    let fields = json!({
        "name": finding.name, "ok": !finding.is_fatal, "text": finding.text, "advice": finding.advice,
        "facts": finding.facts,
    });
    output.result("finding", fields, &text);
}

/// Starts a sandbox to learn what it can do.
async fn isolation(directory: &Path) -> Finding {
    let started = Sandbox::start(SandboxConfig {
        spare_environments: 0,
        network: inside::any(),
        ..SandboxConfig::new(directory)
    })
    .await;
    match started {
        Ok(sandbox) => {
            let capabilities = sandbox.capabilities().clone();
            // What could not be ended in order ends with this process.
            let _ = sandbox.shutdown().await;
            isolated(&capabilities)
        }
        Err(error) => not_isolated(&error),
    }
}

fn isolated(capabilities: &Capabilities) -> Finding {
    let limits = [
        ("memory", capabilities.memory_limit),
        ("cpu", capabilities.cpu_limit),
        ("processes", capabilities.process_limit),
    ];
    let held: Vec<&str> = limits.iter().filter(|(_, held)| *held).map(|(name, _)| *name).collect();
    let user = if capabilities.privileged { "a user id per environment" } else { "as this user, in a user namespace" };
    let held = if held.is_empty() { "none".to_owned() } else { held.join(", ") };
    Finding {
        name: "isolation",
        text: format!(
            "namespaces, seccomp, {user}; cgroup limits: {held}; freezing by {:?}; /tmp on {:?}; Landlock {}",
            capabilities.freeze, capabilities.tmp, capabilities.landlock_abi
        ),
        advice: (!capabilities.missing.is_empty()).then(|| capabilities.missing.join("\n")),
        is_fatal: false,
        facts: serde_json::to_value(capabilities).unwrap_or_default(),
    }
}

fn not_isolated(error: &SandboxError) -> Finding {
    Finding {
        name: "isolation",
        text: error.to_string(),
        advice: Some("functions cannot run here: run as root, or allow unprivileged user namespaces".to_owned()),
        is_fatal: true,
        facts: Value::Null,
    }
}

/// One finding per runtime that functions may name.
async fn interpreters(runtimes: &Runtimes) -> Vec<Finding> {
    let mut findings = Vec::new();
    for runtime in runtimes::runnable() {
        let (text, advice) = match runtimes.resolve(runtime, false).await {
            Ok(resolved) => {
                let text = match &resolved.interpreter {
                    Some(interpreter) => format!("{} at {}", interpreter.describe(), interpreter.executable.display()),
                    None => "the package's own program".to_owned(),
                };
                let sdk = resolved.interpreter.as_ref().map(|interpreter| match runtimes.installed_sdk(interpreter) {
                    Some(_) => "; AWS SDK installed",
                    None => "; AWS SDK installed on first need",
                });
                (text + sdk.unwrap_or_default(), resolved.notice)
            }
            Err(error) => ("not available".to_owned(), Some(error.to_string())),
        };
        findings.push(Finding { name: runtime.id, text, advice, is_fatal: false, facts: Value::Null });
    }
    findings
}

/// Whether the programs that install SDKs are there.
async fn installers() -> Finding {
    let npm = tokio::process::Command::new("npm").arg("--version").output().await;
    let (text, advice) = match npm {
        Ok(output) if output.status.success() => {
            (format!("npm {}", String::from_utf8_lossy(&output.stdout).trim()), None)
        }
        _ => (
            "npm is missing".to_owned(),
            Some("Node.js functions that rely on Lambda's AWS SDK need npm to install it once; install npm".to_owned()),
        ),
    };
    Finding { name: "SDKs", text, advice, is_fatal: false, facts: Value::Null }
}

/// What keeping state durably costs here.
fn disk(data: &Path) -> Finding {
    let directory = nearest_existing(data);
    match sync_cost(&directory) {
        Ok(cost) => {
            let microseconds = cost.as_micros() as u64;
            let slow = cost > SLOW_SYNC;
            let advice =
                slow.then(|| "writes wait for this disk; a faster one for --data makes them quicker".to_owned());
            let text = format!("a durable write takes {microseconds} µs in {}", directory.display());
            let facts = json!({"microseconds": microseconds, "directory": directory});
            Finding { name: "disk", text, advice, is_fatal: false, facts }
        }
        Err(error) => Finding {
            name: "disk",
            text: format!("{} cannot be written: {error}", directory.display()),
            advice: Some("choose another data directory with --data DIR, or keep nothing with --memory".to_owned()),
            is_fatal: true,
            facts: Value::Null,
        },
    }
}

/// Functions that act as the account root because the role they name was never created. Nothing without state.
async fn roles(state: &Path) -> Option<Finding> {
    if !state.is_dir() {
        return None;
    }
    let finding = |text: String, advice: Option<String>, facts: Value| {
        Some(Finding { name: "roles", text, advice, is_fatal: false, facts })
    };
    let functions = match Store::open(state, Profile::Durable) {
        Ok(store) => service_lambda::functions::without_role(&store).await.map_err(|error| error.to_string()),
        Err(OpenError::Locked(_)) => {
            Err("a platform uses the state; its log names functions without a role".to_owned())
        }
        Err(error) => Err(error.to_string()),
    };
    let functions = match functions {
        Ok(functions) => functions,
        Err(text) => return finding(text, None, Value::Null),
    };
    if functions.is_empty() {
        return finding("every function was given a role that exists".to_owned(), None, json!([]));
    }
    let named: Vec<String> =
        functions.iter().map(|version| format!("{} names {}", version.arn(), version.configuration.role)).collect();
    let text = format!("functions that were given a role that did not exist: {}", functions.len());
    let advice = format!("they act as the account root unless it was created since:\n{}", named.join("\n"));
    finding(text, Some(advice), json!(named))
}

/// The directory itself, or the nearest one above it that is there.
fn nearest_existing(path: &Path) -> PathBuf {
    path.ancestors().find(|ancestor| ancestor.is_dir()).unwrap_or(Path::new("/")).to_path_buf()
}

/// Median time of a small write and its fsync.
fn sync_cost(directory: &Path) -> std::io::Result<Duration> {
    let path = directory.join(format!(".traca-doctor-{}", std::process::id()));
    let mut file = OpenOptions::new().create_new(true).write(true).open(&path)?;
    // The file is gone once it is closed, whatever happens.
    fs::remove_file(&path)?;
    let mut times = Vec::new();
    for _ in 0..SYNC_ROUNDS {
        let started = Instant::now();
        file.write_all(&[0; 4096])?;
        file.sync_data()?;
        times.push(started.elapsed());
    }
    times.sort();
    Ok(times[times.len() / 2])
}
