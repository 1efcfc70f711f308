//! The launcher: a single-threaded process that makes environments.

pub(crate) mod message;
pub(crate) mod socket;

/// First argument of a program that is to run as the launcher.
pub const LAUNCHER_ARGUMENT: &str = "sandbox-launcher";

/// Runs the launcher and never returns, when this process was started as one.
pub fn run_if_requested() {}
