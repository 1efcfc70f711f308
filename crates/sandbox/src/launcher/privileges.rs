//! Giving up every privilege, for good.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use super::failure::{NameStep, Step};
use super::syscall;
use crate::limits;

/// Numbers of capabilities tried; the kernel has 41 and refuses those it does not know.
const CAPABILITIES_MAX: libc::c_ulong = 64;

/// Address space beyond the memory size that is allowed per process when no cgroup limits memory, in MB: thread stacks
/// and reservations that are counted but never touched.
const UNTOUCHED_MB: u64 = 512;

/// The limits AWS gives its processes. `memory_mb` is set only where no cgroup limits memory.
pub(crate) fn set_resource_limits(memory_mb: Option<u32>) -> Step<()> {
    let bounded = [
        (Resource::RLIMIT_NOFILE, limits::FILES_MAX),
        (Resource::RLIMIT_NPROC, u64::from(limits::PROCESSES_MAX)),
        (Resource::RLIMIT_CORE, 0),
        // Message queues are kernel memory that no other limit counts.
        (Resource::RLIMIT_MSGQUEUE, 0),
        (Resource::RLIMIT_MEMLOCK, 64 * 1024),
    ];
    let memory = memory_mb.map(|mb| (Resource::RLIMIT_DATA, data_bytes(mb)));
    for (resource, limit) in bounded.into_iter().chain(memory) {
        let (_, hard) = getrlimit(resource).step("read a resource limit")?;
        let limit = limit.min(hard);
        setrlimit(resource, limit, limit).step(format!("limit {resource:?}"))?;
    }
    Ok(())
}

/// Limit of the data of each process, in bytes, where no cgroup limits memory.
pub(crate) fn data_bytes(memory_mb: u32) -> u64 {
    (u64::from(memory_mb) + UNTOUCHED_MB) * 1024 * 1024
}

/// Takes the capability bounding set away, so that no program can ever bring a capability back. Processes started from
/// this one have it taken away too, until they enter a new user namespace.
pub(crate) fn drop_bounding_set() {
    for capability in 0..CAPABILITIES_MAX {
        // Fails for numbers the kernel does not have.
        let _ = syscall::prctl(libc::PR_CAPBSET_DROP, capability);
    }
}

/// Empties the capability sets and forbids gaining privileges by `execve`.
pub(crate) fn drop_capabilities() -> Step<()> {
    syscall::drop_capabilities().step("drop the capabilities")?;
    syscall::prctl(libc::PR_SET_NO_NEW_PRIVS, 1).step("set no_new_privs")
}

/// Puts the filter of system calls in place, for this process and those it starts.
pub(crate) fn install_filter(filter: &[seccompiler::sock_filter]) -> Step<()> {
    syscall::install_filter(filter).step("install the seccomp filter")
}
