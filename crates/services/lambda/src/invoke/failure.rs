//! The error documents that the platform itself answers for a function, in AWS's words.

use std::process::ExitStatus;
use std::time::Duration;

use api::lambda::errors;
use bytes::Bytes;
use sandbox::{ExtensionFailure, describe_end};
use serde_json::json;
use wire::Error;

use super::launch::LAYER_BOOTSTRAP;

/// Why a function has no answer of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// For example `Runtime.ExitError`.
    pub error_type: String,
    /// The text after `RequestId: … Error: `.
    pub reason: String,
    /// How the log's last line spells it.
    pub kind: FailureKind,
}

/// How a failure is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// `Status: timeout`.
    Timeout,
    /// `Status: error`, with the error type.
    Error,
    /// The same, of an error that the runtime itself has reported and logged.
    Reported,
}

impl Failure {
    /// The function took too long.
    pub fn timed_out(timeout: Duration) -> Failure {
        Failure {
            error_type: "Sandbox.Timedout".into(),
            reason: format!("Task timed out after {:.2} seconds", timeout.as_secs_f64()),
            kind: FailureKind::Timeout,
        }
    }

    /// The runtime ended without answering.
    pub fn exited(status: ExitStatus) -> Failure {
        let reason = if status.success() {
            "Runtime exited without providing a reason".to_owned()
        } else {
            format!("Runtime exited with error: {}", describe_end(status))
        };
        Failure { error_type: "Runtime.ExitError".into(), reason, kind: FailureKind::Error }
    }

    /// The function used more memory than it has.
    pub fn out_of_memory() -> Failure {
        Failure {
            error_type: "Runtime.OutOfMemory".into(),
            reason: "Runtime exited with error: signal: killed".into(),
            kind: FailureKind::Error,
        }
    }

    /// An extension has failed.
    pub fn extension(failure: ExtensionFailure) -> Failure {
        Failure { error_type: failure.error_type, reason: failure.reason, kind: FailureKind::Error }
    }

    /// The program of a custom runtime is missing or cannot be run.
    pub fn invalid_entrypoint(path: &str, errno: i32) -> Failure {
        let reason = match errno {
            libc_errno::ENOENT if path == LAYER_BOOTSTRAP => {
                "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]".to_owned()
            }
            libc_errno::ENOENT => format!("fork/exec {path}: no such file or directory"),
            libc_errno::ENOEXEC => format!("fork/exec {path}: exec format error"),
            libc_errno::EACCES => format!("fork/exec {path}: permission denied"),
            _ => format!("fork/exec {path}: {}", std::io::Error::from_raw_os_error(errno)),
        };
        Failure { error_type: "Runtime.InvalidEntrypoint".into(), reason, kind: FailureKind::Error }
    }

    /// The document a caller gets.
    pub fn document(&self, request_id: &str) -> Bytes {
        let message = format!("RequestId: {request_id} Error: {}", self.reason);
        document(&self.error_type, &message)
    }
}

/// The document for an answer that is too large; the environment is unharmed.
pub fn response_too_large(bytes_max: usize) -> Bytes {
    let message = format!("Response payload size exceeded maximum allowed payload size ({bytes_max} bytes).");
    document("Function.ResponseSizeTooLarge", &message)
}

/// The error for an invocation that would go on with a loop. Its text is that of the developer guide.
pub fn recursive() -> Error {
    let text = "Lambda has detected your function being invoked in a recursive loop with other AWS resources and stopped \
                your function's invocation.";
    errors::recursive_invocation_exception(text).with("Type", "User".into())
}

fn document(error_type: &str, message: &str) -> Bytes {
    Bytes::from(json!({"errorType": error_type, "errorMessage": message}).to_string())
}

/// The kernel's error numbers that have words of their own; the same on every Linux architecture.
mod libc_errno {
    pub const ENOENT: i32 = 2;
    pub const ENOEXEC: i32 = 8;
    pub const EACCES: i32 = 13;
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    fn text(failure: &Failure) -> serde_json::Value {
        serde_json::from_slice(&failure.document("r-1")).expect("a JSON document")
    }

    #[test]
    fn timeouts_name_their_limit_with_two_decimals() {
        let document = text(&Failure::timed_out(Duration::from_secs(3)));
        assert_eq!(document["errorType"], "Sandbox.Timedout");
        assert_eq!(document["errorMessage"], "RequestId: r-1 Error: Task timed out after 3.00 seconds");
    }

    #[test]
    fn exits_tell_status_or_signal() {
        let message = |raw| text(&Failure::exited(ExitStatus::from_raw(raw)))["errorMessage"].clone();
        assert_eq!(message(0), "RequestId: r-1 Error: Runtime exited without providing a reason");
        assert_eq!(message(7 << 8), "RequestId: r-1 Error: Runtime exited with error: exit status 7");
        assert_eq!(message(11), "RequestId: r-1 Error: Runtime exited with error: signal: segmentation fault");
    }

    #[test]
    fn a_missing_bootstrap_is_named() {
        let document = text(&Failure::invalid_entrypoint("/opt/bootstrap", 2));
        assert_eq!(document["errorType"], "Runtime.InvalidEntrypoint");
        assert_eq!(
            document["errorMessage"],
            "RequestId: r-1 Error: Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"
        );
        let document = text(&Failure::invalid_entrypoint("/app", 2));
        assert_eq!(document["errorMessage"], "RequestId: r-1 Error: fork/exec /app: no such file or directory");
    }
}
