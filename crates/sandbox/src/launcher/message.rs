//! What this process and its launcher say to each other: one JSON document per packet, descriptors beside it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::sockets::SOCKETS_MAX;
use crate::capabilities::{Capabilities, FreezeMethod};
use crate::spec::{EnvironmentSpec, Extensions, Shape};

/// How the launcher is to work; handed over as its second argument.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct LauncherConfig {
    pub(crate) state_dir: PathBuf,
    pub(crate) spare_environments: usize,
    pub(crate) endpoint_port: u16,
    pub(crate) has_outside: bool,
    /// The certificate that environments trust besides those of the machine, in PEM.
    pub(crate) authority: Option<String>,
    pub(crate) cpu_quota: bool,
}

/// To the launcher.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Request {
    Launch {
        id: u64,
        spec: Box<EnvironmentSpec>,
    },
    /// Keep this many environments ready, of these shapes and no others.
    Keep(Vec<Keep>),
}

/// How many environments of one shape to keep ready.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Keep {
    /// The platform's number for the shape.
    pub(crate) key: u64,
    pub(crate) shape: Shape,
    pub(crate) count: usize,
}

/// From the launcher.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Reply {
    /// First of all, once.
    Hello(Capabilities),
    /// Instead of `Hello`: this machine does not allow it.
    Unsupported(String),
    /// The environment is being made. With it come its output, its first process, its sockets, and the socket to its
    /// supervisor if it has one.
    Launched { id: u64, control: ControlFiles, parked: bool, supervised: bool },
    /// The environment could not be begun.
    Refused { id: u64, failure: Failure },
    /// The environment has ended and nothing of it is left.
    Gone { id: u64, end: End },
    /// How many environments of a shape are ready now, and how long the one took that has just become so.
    Stock { key: u64, ready: usize, made_us: Option<u64> },
    /// An environment of this shape could not be made ready; no more are made until they are asked for again.
    Spoilt { key: u64, reason: String },
}

/// Descriptors that come with a message at most, those of [`Reply::Launched`].
pub(crate) const DESCRIPTORS_MAX: usize = 3 + SOCKETS_MAX;

/// What a program that was started, or is to be started, ahead of need becomes.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Calling {
    pub(crate) command: Vec<String>,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) working_directory: String,
}

/// What a supervisor starts: extensions at once, the runtime when it is told to.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Supervision {
    pub(crate) runtime: Calling,
    pub(crate) extensions: Extensions,
}

/// One of the processes that a supervisor has started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Process {
    Runtime,
    /// By its file name.
    Extension(String),
}

/// From a supervisor to the platform.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Notice {
    /// It runs. The reading end of what extensions print comes with this.
    Supervising,
    /// A program could not be executed.
    NotExecuted { process: Process, errno: i32 },
    /// A process has ended, with this wait status.
    Ended { process: Process, wait_status: i32 },
}

/// From the platform to a supervisor.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Order {
    /// Extensions have registered: start the runtime.
    StartRuntime,
    /// Send a signal to a process and to those it has started.
    Signal { process: Process, signal: i32 },
}

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
