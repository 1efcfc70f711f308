//! The system calls a function may not make.
//!
//! A deny-list: an allow-list would have to follow every runtime and kernel, and would take five times as long to
//! install. Namespaces, the lack of capabilities and Landlock already refuse most of these; the filter takes the kernel
//! code behind them out of reach altogether.

use std::collections::BTreeMap;
use std::io;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, sock_filter,
};

/// Escaping: changing what is mounted, where the root is, or which namespaces one is in.
const NAMESPACES_AND_MOUNTS: &[i64] = &[
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
];

/// Reaching into other processes. Children of one function are its own affair on AWS too, but its init is not.
const OTHER_PROCESSES: &[i64] = &[
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    libc::SYS_process_madvise,
];

/// Parts of the kernel that are large, rarely needed, and have had most of the privilege escalations.
const ATTACK_SURFACE: &[i64] = &[
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    libc::SYS_fanotify_init,
    libc::SYS_personality,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
];

/// Opening files by a number instead of a path goes around every path-based fence.
const FILE_HANDLES: &[i64] = &[libc::SYS_open_by_handle_at, libc::SYS_name_to_handle_at];

/// The machine itself: modules, kernels, clock, swap, accounting, terminals, kernel log.
const MACHINE: &[i64] = &[
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_vhangup,
    libc::SYS_syslog,
];

/// Calls of one processor family only: ports, and segments of 16-bit programs.
#[cfg(target_arch = "x86_64")]
const PROCESSOR: &[i64] = &[libc::SYS_iopl, libc::SYS_ioperm, libc::SYS_modify_ldt];
#[cfg(not(target_arch = "x86_64"))]
const PROCESSOR: &[i64] = &[];

/// `clone` may make processes and threads but not namespaces.
const CLONE_NAMESPACES: [libc::c_int; 7] = [
    libc::CLONE_NEWNS,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWCGROUP,
];

/// The address families programs need; every other one is a rarely used kernel module.
const SOCKET_FAMILIES: [libc::c_int; 4] = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];

/// Builds the filter. Refused calls fail with `EPERM`, or with `ENOSYS` where programs have an older call to fall back to.
pub(crate) fn filter() -> io::Result<BpfProgram> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        [NAMESPACES_AND_MOUNTS, OTHER_PROCESSES, ATTACK_SURFACE, FILE_HANDLES, MACHINE, PROCESSOR]
            .into_iter()
            .flatten()
            .map(|call| (*call, Vec::new()))
            .collect();
    rules.insert(libc::SYS_clone, clone_rules().map_err(io::Error::other)?);
    rules.insert(libc::SYS_socket, vec![socket_rule().map_err(io::Error::other)?]);
    let architecture = TargetArch::try_from(std::env::consts::ARCH).map_err(io::Error::other)?;
    let refused = SeccompAction::Errno(libc::EPERM as u32);
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refused, architecture).map_err(io::Error::other)?;
    let mut program = prologue();
    program.extend(BpfProgram::try_from(filter).map_err(io::Error::other)?);
    Ok(program)
}

fn clone_rules() -> Result<Vec<SeccompRule>, seccompiler::BackendError> {
    CLONE_NAMESPACES
        .into_iter()
        .map(|flag| {
            let flag = flag as u32 as u64;
            let set = SeccompCondition::new(0, SeccompCmpArgLen::Qword, SeccompCmpOp::MaskedEq(flag), flag)?;
            SeccompRule::new(vec![set])
        })
        .collect()
}

fn socket_rule() -> Result<SeccompRule, seccompiler::BackendError> {
    let others = SOCKET_FAMILIES
        .into_iter()
        .map(|family| SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, family as u64))
        .collect::<Result<Vec<_>, _>>()?;
    SeccompRule::new(others)
}

/// What comes before the list: calls that answer `ENOSYS`.
///
/// - `clone3` keeps its flags in memory, where a filter cannot look; the C libraries fall back to `clone`.
/// - The x32 calls of x86-64 are the same calls under other numbers, which would go around the list.
fn prologue() -> BpfProgram {
    /// Bit that marks an x32 call.
    const X32_CALLS: u32 = 0x4000_0000;
    /// Offset of the call's number in `struct seccomp_data`.
    const NUMBER: u32 = 0;
    const LOAD_WORD: u32 = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
    const IF_EQUAL: u32 = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
    const IF_AT_LEAST: u32 = libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K;
    const RETURN: u32 = libc::BPF_RET | libc::BPF_K;
    let instruction = |code: u32, k: u32, jt: u8, jf: u8| sock_filter { code: code as u16, jt, jf, k };
    let not_implemented = libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32;
    vec![
        instruction(LOAD_WORD, NUMBER, 0, 0),
        instruction(IF_EQUAL, libc::SYS_clone3 as u32, 1, 0),
        instruction(IF_AT_LEAST, X32_CALLS, 0, 1),
        instruction(RETURN, not_implemented, 0, 0),
    ]
}
