//! What this process and its launcher say to each other: one JSON document per packet, descriptors beside it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::capabilities::{Capabilities, FreezeMethod};
use crate::spec::EnvironmentSpec;

/// How the launcher is to work; handed over as its second argument.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct LauncherConfig {
    pub(crate) state_dir: PathBuf,
    pub(crate) spare_environments: usize,
    pub(crate) endpoint_port: u16,
    pub(crate) cpu_quota: bool,
}

/// To the launcher.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Request {
    Launch { id: u64, spec: EnvironmentSpec },
}

/// From the launcher.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Reply {
    /// First of all, once.
    Hello(Capabilities),
    /// Instead of `Hello`: this machine does not allow it.
    Unsupported(String),
    /// The environment is being made. Four descriptors come with it, in the order of [`LaunchedDescriptors`].
    Launched { id: u64, control: ControlFiles },
    /// The environment could not be begun.
    Refused { id: u64, failure: Failure },
    /// The environment has ended and nothing of it is left.
    Gone { id: u64, end: End },
}

/// Descriptors that come with [`Reply::Launched`], in this order.
pub(crate) const LAUNCHED_DESCRIPTORS: usize = 4;

/// Where the host finds the controls of one environment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ControlFiles {
    /// First process of the environment, as the host numbers it.
    pub(crate) pid: i32,
    pub(crate) freeze_method: FreezeMethod,
    /// The file that freezes, unless the method is [`FreezeMethod::Signal`].
    pub(crate) freeze_file: Option<PathBuf>,
    pub(crate) memory: Option<MemoryFiles>,
    /// Set when the share of initialisation is to be lowered after it.
    pub(crate) cpu: Option<CpuFiles>,
}

/// The CPU cgroup of one environment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CpuFiles {
    pub(crate) directory: PathBuf,
    /// True for cgroup v2, whose files have other names.
    pub(crate) unified: bool,
}

/// The memory cgroup of one environment.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct MemoryFiles {
    pub(crate) directory: PathBuf,
    /// True for cgroup v2, whose files have other names.
    pub(crate) unified: bool,
}

/// A step that failed and the kernel's error number.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Failure {
    pub(crate) step: String,
    pub(crate) errno: i32,
}

/// How an environment ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct End {
    pub(crate) cause: EndCause,
    /// Processes the kernel killed because the memory limit was hit.
    pub(crate) oom_kills: u64,
    pub(crate) peak_bytes: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum EndCause {
    /// The program ended by itself, with this wait status.
    Exited { wait_status: i32 },
    /// The program could not be executed.
    NotExecuted { errno: i32 },
    /// The environment could not be set up.
    SetupFailed { step: String, errno: i32 },
    /// The environment was killed as a whole.
    Killed,
}
