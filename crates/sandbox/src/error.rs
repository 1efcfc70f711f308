//! What can go wrong with the sandbox itself, as opposed to the function in it.

use std::io;

/// A failure of the sandbox or a misuse of it. What a function does wrong is an outcome, never one of these.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The specification asks for something that cannot be given; nothing was started.
    #[error("invalid environment: {0}")]
    InvalidSpec(String),
    /// This machine does not allow isolation; the text says which step failed and what to do.
    #[error("this machine cannot isolate functions: {0}")]
    Unsupported(String),
    /// The launcher could not make the environment.
    #[error("could not make the environment: {step}: {source}")]
    Launch {
        /// The step that failed, e.g. `mount /var/task`.
        step: String,
        /// The kernel's reason.
        source: io::Error,
    },
    /// The launcher is gone or does not answer; the sandbox must be started again.
    #[error("the launcher process is gone: {0}")]
    LauncherGone(String),
    /// The environment cannot take an invocation: it is not initialised, or has ended.
    #[error("the environment is not ready for an invocation")]
    NotReady,
    /// The environment ended before its runtime took the event; another one may have it.
    #[error("the environment ended before it took the event")]
    NotTaken,
    /// Any other failure of the operating system.
    #[error("{context}: {source}")]
    Io {
        /// What was being done.
        context: &'static str,
        /// The kernel's reason.
        source: io::Error,
    },
}

impl SandboxError {
    /// For `map_err`: wraps an I/O error with what was being done.
    pub(crate) fn io(context: &'static str) -> impl FnOnce(io::Error) -> SandboxError {
        move |source| SandboxError::Io { context, source }
    }
}
