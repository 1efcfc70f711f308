//! Failures of a command: one line that says what is wrong and what to do, and an exit code a script can tell apart.

use std::fmt;
use std::process::ExitCode;

/// Why a command failed. Codes follow `sysexits.h` where it has a fitting one.
#[derive(Debug)]
pub struct Failure {
    code: u8,
    text: String,
}

impl Failure {
    /// Something that has no code of its own.
    pub const GENERAL: u8 = 1;
    /// A part this needs is not there: a port in use, a machine that cannot isolate (`EX_UNAVAILABLE`).
    pub const UNAVAILABLE: u8 = 69;
    /// The data directory cannot be made or used (`EX_CANTCREAT`).
    pub const DATA_DIRECTORY: u8 = 73;
    /// Another process holds the data directory: try again later (`EX_TEMPFAIL`).
    pub const LOCKED: u8 = 75;
    /// No permission (`EX_NOPERM`).
    pub const PERMISSION: u8 = 77;
    /// The settings contradict each other or are unsafe (`EX_CONFIG`).
    pub const CONFIGURATION: u8 = 78;

    /// A failure with an exit code.
    pub fn new(code: u8, text: impl Into<String>) -> Failure {
        Failure { code, text: text.into() }
    }

    /// The exit code.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Failure {
        Failure::new(Failure::GENERAL, error.to_string())
    }
}
