//! Installs the AWS SDKs that Lambda's runtimes include, from the language's package registry, on first need.
//!
//! An SDK is installed together with the runtime's client files, as on Lambda: the result is the whole directory an
//! environment shows at `/var/runtime`. It gets its name when it is complete, so a half-finished one is never seen.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use crate::catalog::Language;
use crate::client_files;
use crate::files;
use crate::in_use;
use crate::interpreter::{Interpreter, Interpreters};

/// How long an installation may take.
const INSTALL_TIMEOUT: Duration = Duration::from_secs(600);

/// How long asking a program whether it can install may take.
const CHECK_TIMEOUT: Duration = Duration::from_secs(20);

/// Bytes of an installer's complaint that are shown.
const REASON_BYTES_MAX: usize = 600;

/// The packages of the AWS SDK for Python.
const PYTHON_PACKAGES: [&str; 1] = ["boto3"];

/// The packages of the AWS SDK for JavaScript: the clients of the services this platform answers, and the libraries
/// beside them. Lambda has every client; the others would only find services that are not here.
const NODE_PACKAGES: [&str; 31] = [
    "@aws-sdk/client-api-gateway",
    "@aws-sdk/client-apigatewaymanagementapi",
    "@aws-sdk/client-apigatewayv2",
    "@aws-sdk/client-application-auto-scaling",
    "@aws-sdk/client-cloudformation",
    "@aws-sdk/client-cloudwatch",
    "@aws-sdk/client-cloudwatch-logs",
    "@aws-sdk/client-cognito-identity-provider",
    "@aws-sdk/client-dynamodb",
    "@aws-sdk/client-dynamodb-streams",
    "@aws-sdk/client-ec2",
    "@aws-sdk/client-eventbridge",
    "@aws-sdk/client-iam",
    "@aws-sdk/client-kinesis",
    "@aws-sdk/client-kms",
    "@aws-sdk/client-lambda",
    "@aws-sdk/client-pipes",
    "@aws-sdk/client-s3",
    "@aws-sdk/client-scheduler",
    "@aws-sdk/client-secrets-manager",
    "@aws-sdk/client-sfn",
    "@aws-sdk/client-sns",
    "@aws-sdk/client-sqs",
    "@aws-sdk/client-ssm",
    "@aws-sdk/client-sts",
    "@aws-sdk/client-xray",
    "@aws-sdk/credential-providers",
    "@aws-sdk/lib-dynamodb",
    "@aws-sdk/lib-storage",
    "@aws-sdk/s3-request-presigner",
    "@aws-sdk/util-dynamodb",
];

/// The AWS SDK of a language cannot be installed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the AWS SDK for {language} cannot be installed: {reason}")]
pub struct SdkUnavailable {
    /// The language, such as `Python 3.12.1`.
    pub language: String,
    /// Why, in a sentence fit for the user.
    pub reason: String,
}

/// The name of a directory with an SDK for an interpreter and the current client files.
fn directory_name(interpreter: &Interpreter) -> String {
    let fingerprint = client_files::fingerprint(interpreter.language);
    match interpreter.language {
        Language::Python => format!("python{}.{}-{fingerprint}", interpreter.version.major, interpreter.version.minor),
        _ => format!("node{}-{fingerprint}", interpreter.version.major),
    }
}

/// The directory with an interpreter's SDK, if it is installed.
pub(crate) fn installed(parent: &Path, interpreter: &Interpreter) -> Option<PathBuf> {
    let target = parent.join(directory_name(interpreter));
    target.is_dir().then_some(target)
}

/// Installs the SDK for an interpreter below `parent`.
pub(crate) async fn install(
    parent: &Path,
    interpreter: &Interpreter,
    interpreters: &Interpreters,
) -> Result<PathBuf, SdkUnavailable> {
    let unavailable = |reason: String| SdkUnavailable { language: interpreter.describe(), reason };
    let target = parent.join(directory_name(interpreter));
    let temporary = files::temporary_beside(&target);
    let outcome = async {
        client_files::write_into(&temporary, interpreter.language).map_err(|error| error.to_string())?;
        if !reuse_older(parent, &target, &temporary, interpreter) {
            let command = match interpreter.language {
                Language::Python => pip_command(&temporary, interpreter, interpreters).await?,
                _ => npm_command(&temporary, interpreter),
            };
            run(command, INSTALL_TIMEOUT).await?;
            files::make_readable(&temporary).map_err(|error| error.to_string())?;
        }
        files::publish_directory(&temporary, &target).map_err(|error| error.to_string())
    };
    let outcome = outcome.await;
    if outcome.is_err() {
        // What was installed so far is of no use; nor is an error about removing it.
        let _ = fs::remove_dir_all(&temporary);
    }
    outcome.map(|()| target).map_err(unavailable)
}

/// Moves the packages of an SDK installed beside older client files, so that an upgrade of this program installs none.
fn reuse_older(parent: &Path, target: &Path, temporary: &Path, interpreter: &Interpreter) -> bool {
    let name = directory_name(interpreter);
    let Some((kind, _)) = name.split_once('-') else { return false };
    let Ok(entries) = fs::read_dir(parent) else { return false };
    let older = entries.flatten().map(|entry| entry.path()).find(|path| {
        let other = path.file_name().unwrap_or_default().to_string_lossy();
        path.is_dir() && path != target && other.split_once('-').is_some_and(|(other, _)| other == kind)
    });
    // What a platform of the other version has in use stays with it.
    let Some((older, _lock)) = older.and_then(|older| in_use::unused(&older).map(|lock| (older, lock))) else {
        return false;
    };
    move_packages(&older, temporary, interpreter.language).is_ok()
}

fn move_packages(older: &Path, newer: &Path, language: Language) -> std::io::Result<()> {
    if language == Language::Node {
        fs::rename(older.join("node_modules"), newer.join("node_modules"))?;
    } else {
        for entry in fs::read_dir(older)?.flatten() {
            let destination = newer.join(entry.file_name());
            if !destination.exists() {
                fs::rename(entry.path(), destination)?;
            }
        }
        if !newer.join("boto3").is_dir() {
            return Err(std::io::ErrorKind::NotFound.into());
        }
    }
    fs::remove_dir_all(older)
}

/// The interpreter's own pip or, as the packages are pure Python, another's told to install for it.
async fn pip_command(target: &Path, interpreter: &Interpreter, interpreters: &Interpreters) -> Result<Command, String> {
    let others = interpreters.all().iter().filter(|other| other.language == Language::Python && *other != interpreter);
    for candidate in std::iter::once(interpreter).chain(others) {
        let mut check = Command::new(&candidate.executable);
        check.args(["-m", "pip", "--version"]);
        if run(check, CHECK_TIMEOUT).await.is_err() {
            continue;
        }
        let mut command = Command::new(&candidate.executable);
        command.args(["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check", "--target"]);
        command.arg(target).args(PYTHON_PACKAGES);
        if candidate != interpreter {
            let version = format!("{}.{}", interpreter.version.major, interpreter.version.minor);
            command.args(["--only-binary=:all:", "--python-version", &version]);
        }
        return Ok(command);
    }
    Err("no Python on this machine has pip; install pip, or put boto3 into the function's package".to_owned())
}

/// The npm that came with the interpreter, run by it, or else the machine's, run by whatever it finds.
fn npm_command(target: &Path, interpreter: &Interpreter) -> Command {
    let directory = interpreter.prefix.join("bin");
    let own = directory.join("npm");
    let own_npm = own.exists();
    let mut command = if own_npm { Command::new(own) } else { Command::new("npm") };
    command.args(["install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-save", "--no-package-lock"]);
    command.args(["--loglevel=error", "--prefix"]).arg(target);
    // A range, unlike the newest version, lets npm choose one that still supports this Node.js.
    command.args(NODE_PACKAGES.map(|package| format!("{package}@3")));
    if own_npm {
        let mut path = directory.into_os_string();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        command.env("PATH", path);
    }
    command
}

/// Runs a program to its end; the error is the end of what it wrote.
async fn run(mut command: Command, limit: Duration) -> Result<(), String> {
    let program = command.as_std().get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = match tokio::time::timeout(limit, command.output()).await {
        Ok(Ok(output)) => output,
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(format!("{program} is not installed on this machine"));
        }
        Ok(Err(error)) => return Err(format!("{program} cannot be run: {error}")),
        Err(_) => return Err(format!("{program} did not finish within {} s", limit.as_secs())),
    };
    if output.status.success() {
        return Ok(());
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    let mut start = complaint.len().saturating_sub(REASON_BYTES_MAX);
    while !complaint.is_char_boundary(start) {
        start += 1;
    }
    Err(format!("{program} failed ({}): {}", output.status, complaint[start..].trim()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::tests::write_program;
    use crate::interpreter::tests::interpreter;

    /// An interpreter whose executable is a shell script.
    fn scripted(root: &Path, language: Language, version: &str, name: &str, script: &str) -> Interpreter {
        let mut made = interpreter(language, version, &root.display().to_string());
        made.executable = root.join("bin").join(name);
        write_program(&made.executable, &format!("#!/bin/sh\n{script}\n"));
        made
    }

    const WORKING_PIP: &str = "[ \"$3\" = --version ] && exit 0\n\
        while [ $# -gt 0 ]; do [ \"$1\" = --target ] && mkdir -p \"$2/boto3\" && echo \"$@\" > \"$2/arguments\"; \
        shift; done";

    #[tokio::test]
    async fn an_sdk_is_installed_beside_the_client_files() {
        let root = tempfile::tempdir().expect("a temporary directory");
        let python = scripted(&root.path().join("py"), Language::Python, "3.12.1", "python3.12", WORKING_PIP);
        let parent = root.path().join("sdk");
        fs::create_dir(&parent).expect("created");
        assert_eq!(installed(&parent, &python), None);
        let directory = install(&parent, &python, &Interpreters::default()).await.expect("installed");
        assert_eq!(installed(&parent, &python), Some(directory.clone()));
        assert!(directory.join("boto3").is_dir() && directory.join("bootstrap.py").is_file());
    }

    #[tokio::test]
    async fn another_pythons_pip_installs_for_this_one() {
        let root = tempfile::tempdir().expect("a temporary directory");
        let without = scripted(&root.path().join("a"), Language::Python, "3.9.1", "python3.9", "exit 1");
        let with = scripted(&root.path().join("b"), Language::Python, "3.12.1", "python3.12", WORKING_PIP);
        let all = Interpreters::new(vec![without.clone(), with]);
        let directory = install(root.path(), &without, &all).await.expect("installed");
        let arguments = fs::read_to_string(directory.join("arguments")).expect("written");
        assert!(arguments.trim_end().ends_with("boto3 --only-binary=:all: --python-version 3.9"), "{arguments}");
    }

    #[tokio::test]
    async fn a_failure_says_why_and_leaves_nothing() {
        let root = tempfile::tempdir().expect("a temporary directory");
        let parent = root.path().join("sdk");
        fs::create_dir(&parent).expect("created");
        let none = scripted(&root.path().join("a"), Language::Python, "3.12.1", "python3.12", "exit 1");
        let error = install(&parent, &none, &Interpreters::default()).await.expect_err("no pip");
        assert_eq!(
            error.to_string(),
            "the AWS SDK for Python 3.12.1 cannot be installed: no Python on this machine has pip; install pip, or put \
             boto3 into the function's package"
        );
        let offline = "[ \"$3\" = --version ] && exit 0\necho 'no network' >&2\nexit 2";
        let offline = scripted(&root.path().join("b"), Language::Python, "3.12.1", "python3.12", offline);
        let error = install(&parent, &offline, &Interpreters::default()).await.expect_err("no network");
        assert!(error.reason.ends_with("failed (exit status: 2): no network"), "{error}");
        assert_eq!(fs::read_dir(&parent).expect("there").count(), 0);
    }

    #[tokio::test]
    async fn packages_move_to_newer_client_files_without_an_installation() {
        let root = tempfile::tempdir().expect("a temporary directory");
        fs::create_dir_all(root.path().join("python3.12-old/boto3")).expect("created");
        let python = scripted(&root.path().join("py"), Language::Python, "3.12.1", "python3.12", "exit 1");
        let directory = install(root.path(), &python, &Interpreters::default()).await.expect("moved");
        assert!(directory.join("boto3").is_dir() && directory.join("bootstrap.py").is_file());
        assert!(!root.path().join("python3.12-old").exists());
    }

    #[tokio::test]
    async fn npm_installs_for_node() {
        let root = tempfile::tempdir().expect("a temporary directory");
        let node = scripted(&root.path().join("n"), Language::Node, "22.1.0", "node", "exit 0");
        let npm = "while [ $# -gt 0 ]; do [ \"$1\" = --prefix ] && mkdir -p \"$2/node_modules/@aws-sdk\"; shift; done";
        scripted(&root.path().join("n"), Language::Node, "22.1.0", "npm", npm);
        let directory = install(root.path(), &node, &Interpreters::default()).await.expect("installed");
        assert!(directory.join("node_modules/@aws-sdk").is_dir() && directory.join("index.js").is_file());
    }
}
