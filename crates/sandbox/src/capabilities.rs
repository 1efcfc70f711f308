//! What this machine gives, found once by the launcher at its start.

use serde::{Deserialize, Serialize};

/// The isolation that environments of this sandbox have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    /// True when running with the right to give every environment its own user id; false as an ordinary user.
    pub privileged: bool,
    /// Memory is limited and measured by a cgroup. Otherwise `RLIMIT_DATA` stands in for the limit, per process.
    pub memory_limit: bool,
    /// The CPU share follows the memory size. Otherwise CPU is shared evenly by the scheduler.
    pub cpu_limit: bool,
    /// Processes are limited by a cgroup. `RLIMIT_NPROC` applies in any case.
    pub process_limit: bool,
    /// How a waiting environment is stopped.
    pub freeze: FreezeMethod,
    /// What `/tmp` is made of.
    pub tmp: TmpKind,
    /// Landlock version the kernel offers; 0 when it has none.
    pub landlock_abi: u32,
    /// Environments can have a way to hosts outside.
    pub outside: bool,
    /// Everything that is weaker than it should be, one sentence each, with what to do about it.
    pub missing: Vec<String>,
}

/// How a waiting environment is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FreezeMethod {
    /// `cgroup.freeze` of cgroup v2.
    CgroupV2,
    /// The freezer controller of cgroup v1.
    CgroupV1,
    /// `SIGSTOP` to every process of the environment.
    Signal,
}

/// What an environment's `/tmp` is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TmpKind {
    /// A file system of exactly the configured size in a sparse file on disk: a full `/tmp` is "no space left", and its
    /// pages are reclaimable cache, so they never count as the function's memory.
    Disk,
    /// tmpfs of the configured size. Its pages are memory, charged to whatever limit the environment has.
    Memory,
}
