//! What goes into an environment and what comes out of it.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::extension::ExtensionFailure;

/// One event for the function. The strings become headers of the Runtime API as they are.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// `Lambda-Runtime-Aws-Request-Id`; also names the invocation in the paths the runtime answers on.
    pub request_id: String,
    /// The event, handed on unread.
    pub payload: Bytes,
    /// How long the function may take; the environment is killed after it.
    pub timeout: Duration,
    /// `Lambda-Runtime-Deadline-Ms`: the same moment as the caller's clock has it, in milliseconds since 1970.
    pub deadline_ms: i64,
    /// `Lambda-Runtime-Invoked-Function-Arn`.
    pub invoked_function_arn: String,
    /// `Lambda-Runtime-Trace-Id`.
    pub trace_id: Option<String>,
    /// `Lambda-Runtime-Client-Context`: JSON, already decoded from base64.
    pub client_context: Option<String>,
    /// `Lambda-Runtime-Cognito-Identity`: JSON.
    pub cognito_identity: Option<String>,
    /// Takes a streamed answer piece by piece, while the function still writes it; the outcome's payload is empty then.
    /// Without it, and when the runtime does not stream, the answer comes in one piece with the outcome. A receiver that
    /// goes away does not end the invocation.
    pub stream: Option<mpsc::Sender<StreamPiece>>,
}

/// A part of a streamed answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamPiece {
    /// The answer begins: its `Content-Type` as the runtime gave it.
    Head(Option<String>),
    /// A piece of its body.
    Data(Bytes),
}

/// How an initialisation ended, and how long it took.
#[derive(Clone, Debug)]
pub struct InitReport {
    /// How it ended.
    pub outcome: InitOutcome,
    /// From launch to the end of the initialisation.
    pub duration: Duration,
}

/// How an initialisation ended.
#[derive(Clone, Debug)]
pub enum InitOutcome {
    /// The runtime asked for its first event.
    Ready,
    /// The runtime reported an initialisation error.
    Failed(ReportedError),
    /// The program could not be started at all: the path, and the kernel's error number.
    InvalidEntrypoint {
        /// The path that was to be executed.
        path: String,
        /// `errno` of `execve`, e.g. `ENOENT` or `ENOEXEC`.
        errno: i32,
    },
    /// The runtime process ended before it asked for an event.
    Exited(ExitStatus),
    /// The runtime did not ask for an event in time. The environment has been killed.
    TimedOut,
    /// The memory limit was hit and the runtime was killed for it.
    OutOfMemory,
    /// An extension has failed.
    ExtensionFailed(ExtensionFailure),
}

/// How an invocation ended, and how long it took.
#[derive(Clone, Debug)]
pub struct InvokeReport {
    /// How it ended.
    pub outcome: InvokeOutcome,
    /// From handing over the event to the end of the invocation.
    pub duration: Duration,
}

/// How an invocation ended.
#[derive(Clone, Debug)]
pub enum InvokeOutcome {
    /// The function's answer.
    Response {
        /// The answer, unread.
        payload: Bytes,
        /// `Content-Type` of the answer, as the runtime gave it.
        content_type: Option<String>,
        /// Whether the runtime declared a streamed answer.
        mode: ResponseMode,
    },
    /// The runtime reported that the function failed.
    FunctionError(ReportedError),
    /// The function did not answer in time. The environment has been killed.
    TimedOut,
    /// The runtime process ended without answering.
    Exited(ExitStatus),
    /// The memory limit was hit and the runtime was killed for it.
    OutOfMemory,
    /// The answer was larger than [`crate::limits::RESPONSE_BYTES_MAX`], or
    /// [`crate::limits::STREAM_BYTES_MAX`] when it was streamed. The environment stays usable.
    ResponseTooLarge {
        /// Bytes the runtime announced, or had sent when it was cut off.
        bytes: u64,
    },
    /// An extension has failed.
    ExtensionFailed(ExtensionFailure),
}

/// How the runtime delivered a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseMode {
    /// One body.
    Buffered,
    /// `Lambda-Runtime-Function-Response-Mode: streaming`; the body was handed on in pieces if somebody took them, else
    /// collected.
    Streaming,
}

/// An error document from the runtime.
#[derive(Clone, Debug)]
pub struct ReportedError {
    /// The document, unread; by convention `{"errorMessage", "errorType", "stackTrace"}`.
    pub payload: Bytes,
    /// `Lambda-Runtime-Function-Error-Type`, e.g. `Runtime.ImportModuleError`.
    pub error_type: Option<String>,
    /// `Lambda-Runtime-Function-XRay-Error-Cause`: JSON.
    pub xray_cause: Option<String>,
}

/// What an environment has used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryUsage {
    /// Most memory in use at any moment since launch, in bytes, without reclaimable file cache.
    pub peak_bytes: u64,
}

/// How a process ended, in AWS's words: `exit status 1` or `signal: killed`.
pub fn describe_end(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, signal) => format!("signal: {}", signal_name(signal.unwrap_or_default())),
    }
}

/// Names of signals as Go's runtime, which AWS's supervisor is written in, spells them.
fn signal_name(signal: i32) -> String {
    let name = match signal {
        libc::SIGHUP => "hangup",
        libc::SIGINT => "interrupt",
        libc::SIGQUIT => "quit",
        libc::SIGILL => "illegal instruction",
        libc::SIGTRAP => "trace/breakpoint trap",
        libc::SIGABRT => "aborted",
        libc::SIGBUS => "bus error",
        libc::SIGFPE => "floating point exception",
        libc::SIGKILL => "killed",
        libc::SIGSEGV => "segmentation fault",
        libc::SIGPIPE => "broken pipe",
        libc::SIGALRM => "alarm clock",
        libc::SIGTERM => "terminated",
        other => return format!("signal {other}"),
    };
    name.to_owned()
}
