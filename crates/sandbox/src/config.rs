//! What a sandbox needs to know about the machine.

use std::path::PathBuf;

use crate::network::Network;

/// How to run a [`crate::Sandbox`].
#[derive(Clone, Debug)]
pub struct SandboxConfig {
    /// Directory for mount points and the images behind `/tmp`. Created when absent; what a crashed process left in it
    /// is removed at the next start.
    pub state_dir: PathBuf,
    /// The program to run as launcher: one whose `main` starts with [`crate::launcher::run_if_requested`].
    pub launcher_program: PathBuf,
    /// Environments kept ready ahead of need, so that a launch finds namespaces and cgroups made
    /// (at most [`crate::limits::SPARE_ENVIRONMENTS_MAX`]).
    pub spare_environments: usize,
    /// Port on 127.0.0.1 inside each environment where connections for the platform's own endpoint are accepted.
    pub endpoint_port: u16,
    /// Whether the CPU share that comes with a memory size is an upper bound, as on AWS (a function of 128 MB gets 7 %
    /// of a processor even when nobody else wants it), or only a weight against other functions.
    pub cpu_quota: bool,
    /// What environments find beyond their own walls.
    pub network: Network,
}

impl SandboxConfig {
    /// The usual settings, with this very program as launcher.
    pub fn new(state_dir: impl Into<PathBuf>) -> Self {
        SandboxConfig {
            state_dir: state_dir.into(),
            launcher_program: PathBuf::from("/proc/self/exe"),
            spare_environments: 4,
            endpoint_port: 4566,
            cpu_quota: true,
            network: Network::default(),
        }
    }
}
