//! The launcher: a single-threaded process that makes environments.
//!
//! Namespaces, mounts and user ids belong to threads or processes as a whole, so none of this can be done from a
//! program with threads. The launcher is the same program started again with [`LAUNCHER_ARGUMENT`]; it takes requests
//! from one socket and ends, with everything it has started, when that socket closes.

mod cgroup;
mod cgroup_mounts;
mod failure;
mod fence;
mod first_process;
mod function_process;
mod interface;
pub(crate) mod message;
mod mounts;
mod namespaces;
mod ownership;
mod privileges;
mod seccomp;
mod service;
pub(crate) mod socket;
pub(crate) mod sockets;
mod spare;
mod stock;
mod supervisor;
pub(crate) mod syscall;
mod template;
mod trust;
mod volume;

/// First argument of a program that is to run as the launcher.
pub const LAUNCHER_ARGUMENT: &str = "sandbox-launcher";

/// Runs the launcher and never returns, when this process was started as one. Call it first in `main`, before any
/// thread is started.
pub fn run_if_requested() {
    if std::env::args().nth(1).is_some_and(|argument| argument == LAUNCHER_ARGUMENT) {
        std::process::exit(service::run());
    }
}
