//! The system calls for which no library has a safe function, each wrapped once.

use std::ffi::{CStr, CString, c_void};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

/// `CLONE_INTO_CGROUP`, which does not fit the type the flags have in libc.
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

/// Turns a raw result into the kernel's error or the value.
fn check(result: libc::c_long) -> io::Result<libc::c_long> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// Which side of a [`clone_process`] this is.
pub(crate) enum Cloned {
    Parent { pid: i32, pidfd: OwnedFd },
    Child,
}

/// Copies this process with new namespaces, into a v2 cgroup when one is given.
///
/// # Safety
/// The calling process must have one thread only: the child is a copy of it in which locks held by others would stay
/// locked for ever. The child must not return into code that closes descriptors it shares with the parent.
pub(crate) unsafe fn clone_process(flags: libc::c_int, cgroup: Option<BorrowedFd<'_>>) -> io::Result<Cloned> {
    let mut pidfd: RawFd = -1;
    // SAFETY: clone_args is plain data for which all zeroes is the documented empty value.
    let mut arguments: libc::clone_args = unsafe { std::mem::zeroed() };
    arguments.flags = flags as u64 | libc::CLONE_PIDFD as u64;
    arguments.pidfd = std::ptr::from_mut(&mut pidfd) as u64;
    arguments.exit_signal = libc::SIGCHLD as u64;
    if let Some(cgroup) = cgroup {
        arguments.flags |= CLONE_INTO_CGROUP;
        arguments.cgroup = cgroup.as_raw_fd() as u64;
    }
    // SAFETY: the arguments are valid for the call and describe a plain fork (no shared memory, no new stack).
    let pid = check(unsafe { libc::syscall(libc::SYS_clone3, &mut arguments, size_of::<libc::clone_args>()) })?;
    if pid == 0 {
        return Ok(Cloned::Child);
    }
    // SAFETY: the kernel has just stored a descriptor there that nobody else owns.
    Ok(Cloned::Parent { pid: pid as i32, pidfd: unsafe { OwnedFd::from_raw_fd(pidfd) } })
}

/// A descriptor that becomes readable when the process ends.
pub(crate) fn pidfd_open(pid: i32) -> io::Result<OwnedFd> {
    // SAFETY: takes two integers; the returned descriptor is new and ours.
    unsafe { Ok(OwnedFd::from_raw_fd(check(libc::syscall(libc::SYS_pidfd_open, pid, 0))? as RawFd)) }
}

/// A detached copy of the mounts at a path, with everything mounted below it.
pub(crate) fn copy_tree(path: &CStr) -> io::Result<OwnedFd> {
    let flags = libc::OPEN_TREE_CLONE | libc::OPEN_TREE_CLOEXEC | libc::AT_RECURSIVE as u32;
    // SAFETY: the path is a valid C string; the returned descriptor is new and ours.
    unsafe {
        let fd = check(libc::syscall(libc::SYS_open_tree, libc::AT_FDCWD, path.as_ptr(), flags))?;
        Ok(OwnedFd::from_raw_fd(fd as RawFd))
    }
}

/// Sets attributes (`MOUNT_ATTR_*`) on a mount and everything below it.
pub(crate) fn set_mount_attributes(tree: BorrowedFd<'_>, attributes: u64) -> io::Result<()> {
    let flags = libc::AT_EMPTY_PATH | libc::AT_RECURSIVE;
    let value = libc::mount_attr { attr_set: attributes, attr_clr: 0, propagation: 0, userns_fd: 0 };
    // SAFETY: an open descriptor, an empty C string and a structure of the size given, all valid for the call.
    check(unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            tree.as_raw_fd(),
            c"".as_ptr(),
            flags,
            &value,
            size_of::<libc::mount_attr>(),
        )
    })?;
    Ok(())
}

/// A new file system as a detached mount. Options are pairs of a name and a value, or a name alone.
pub(crate) fn new_mount(kind: &CStr, options: &[(&CStr, Option<&CStr>)], attributes: u64) -> io::Result<OwnedFd> {
    const FSOPEN_CLOEXEC: libc::c_uint = 1;
    const FSMOUNT_CLOEXEC: libc::c_uint = 1;
    const FSCONFIG_SET_FLAG: libc::c_uint = 0;
    const FSCONFIG_SET_STRING: libc::c_uint = 1;
    const FSCONFIG_CMD_CREATE: libc::c_uint = 6;
    // SAFETY: the kind is a valid C string; the returned descriptor is new and ours.
    let context = unsafe {
        let fd = check(libc::syscall(libc::SYS_fsopen, kind.as_ptr(), FSOPEN_CLOEXEC))?;
        OwnedFd::from_raw_fd(fd as RawFd)
    };
    let configure = |command: libc::c_uint, name: *const libc::c_char, value: *const libc::c_char| {
        // SAFETY: name and value are null or point to C strings that outlive the call.
        check(unsafe { libc::syscall(libc::SYS_fsconfig, context.as_raw_fd(), command, name, value, 0) })
    };
    for (name, value) in options {
        match value {
            Some(value) => configure(FSCONFIG_SET_STRING, name.as_ptr(), value.as_ptr())?,
            None => configure(FSCONFIG_SET_FLAG, name.as_ptr(), std::ptr::null())?,
        };
    }
    configure(FSCONFIG_CMD_CREATE, std::ptr::null(), std::ptr::null())?;
    // SAFETY: takes a descriptor and two numbers; the returned descriptor is new and ours.
    unsafe {
        let fd = check(libc::syscall(libc::SYS_fsmount, context.as_raw_fd(), FSMOUNT_CLOEXEC, attributes))?;
        Ok(OwnedFd::from_raw_fd(fd as RawFd))
    }
}

/// Attaches a detached mount at a path.
pub(crate) fn move_mount(tree: BorrowedFd<'_>, target: &CStr) -> io::Result<()> {
    // SAFETY: an open descriptor and valid C strings.
    check(unsafe {
        libc::syscall(
            libc::SYS_move_mount,
            tree.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_FDCWD,
            target.as_ptr(),
            libc::MOVE_MOUNT_F_EMPTY_PATH,
        )
    })?;
    Ok(())
}

/// Closes every descriptor from 3 up, except those given.
pub(crate) fn close_all_except(keep: &[RawFd]) -> io::Result<()> {
    let mut keep: Vec<u32> = keep.iter().filter_map(|fd| u32::try_from(*fd).ok()).filter(|fd| *fd >= 3).collect();
    keep.sort_unstable();
    let mut first = 3_u32;
    for fd in keep.into_iter().chain([u32::MAX]) {
        if first < fd {
            // SAFETY: closes descriptors of this process; the callers keep none of the closed ones.
            check(unsafe { libc::syscall(libc::SYS_close_range, first, fd - 1, 0) })?;
        }
        first = fd.saturating_add(1);
    }
    Ok(())
}

/// `prctl` with integer arguments.
pub(crate) fn prctl(option: libc::c_int, argument: libc::c_ulong) -> io::Result<()> {
    // SAFETY: the options used here take integers only.
    check(libc::c_long::from(unsafe { libc::prctl(option, argument, 0, 0, 0) }))?;
    Ok(())
}

/// Empties the permitted, effective and inheritable capability sets of this thread.
pub(crate) fn drop_capabilities() -> io::Result<()> {
    /// `_LINUX_CAPABILITY_VERSION_3`: two 32-bit words per set.
    const VERSION_3: u32 = 0x2008_0522;
    let header = [VERSION_3, 0];
    let data = [0_u32; 6];
    // SAFETY: the header and data have the layout of version 3 and live through the call.
    check(unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), data.as_ptr()) })?;
    Ok(())
}

/// Limits the data of a process (`RLIMIT_DATA`), in bytes.
pub(crate) fn limit_data(pid: i32, bytes: u64) -> io::Result<()> {
    let limit = libc::rlimit { rlim_cur: bytes, rlim_max: bytes };
    // SAFETY: reads one structure, which lives through the call, and writes nothing back.
    check(libc::c_long::from(unsafe { libc::prlimit(pid, libc::RLIMIT_DATA, &limit, std::ptr::null_mut()) }))?;
    Ok(())
}

/// Installs a seccomp filter for this thread. `no_new_privs` must be set.
pub(crate) fn install_filter(program: &[seccompiler::sock_filter]) -> io::Result<()> {
    let length = u16::try_from(program.len()).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    let program = libc::sock_fprog { len: length, filter: program.as_ptr() as *mut libc::sock_filter };
    // SAFETY: seccompiler's instructions have the kernel's layout (four fields, repr C); the kernel only reads them.
    check(unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0, &program) })?;
    Ok(())
}

/// Configures a free loop device over an image and returns it open. It frees itself when its last user is gone.
pub(crate) fn attach_loop(image: BorrowedFd<'_>) -> io::Result<(std::fs::File, u32)> {
    const LOOP_CTL_GET_FREE: libc::c_ulong = 0x4C82;
    const LOOP_CONFIGURE: libc::c_ulong = 0x4C0A;
    const LO_FLAGS_AUTOCLEAR: u32 = 4;
    /// Another process may take the free device first; each attempt means one did.
    const ATTEMPTS_MAX: usize = 64;
    /// `struct loop_config`: descriptor, block size, `loop_info64` (232 bytes, flags at byte 52), eight reserved words.
    #[repr(C)]
    struct LoopConfig {
        fd: u32,
        block_size: u32,
        info_head: [u32; 13],
        flags: u32,
        info_tail: [u8; 176],
        reserved: [u64; 8],
    }
    const _: () = assert!(size_of::<LoopConfig>() == 8 + 232 + 64);
    let control = std::fs::File::open("/dev/loop-control")?;
    let config = LoopConfig {
        fd: image.as_raw_fd() as u32,
        block_size: 4096,
        info_head: [0; 13],
        flags: LO_FLAGS_AUTOCLEAR,
        info_tail: [0; 176],
        reserved: [0; 8],
    };
    for _ in 0..ATTEMPTS_MAX {
        // SAFETY: LOOP_CTL_GET_FREE takes no argument.
        let number = check(libc::c_long::from(unsafe { libc::ioctl(control.as_raw_fd(), LOOP_CTL_GET_FREE as _) }))?;
        let device = std::fs::File::options().read(true).write(true).open(format!("/dev/loop{number}"))?;
        // SAFETY: LOOP_CONFIGURE reads a loop_config of exactly this layout.
        let result = unsafe { libc::ioctl(device.as_raw_fd(), LOOP_CONFIGURE as _, &config) };
        match check(libc::c_long::from(result)) {
            Ok(_) => return Ok((device, number as u32)),
            Err(error) if error.raw_os_error() == Some(libc::EBUSY) => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::from_raw_os_error(libc::EBUSY))
}

/// Replaces this process by another program. Returns only when that fails.
pub(crate) fn execute(arguments: &[CString], environment: &[CString]) -> io::Error {
    let pointers = |strings: &[CString]| -> Vec<*const libc::c_char> {
        strings.iter().map(|string| string.as_ptr()).chain([std::ptr::null()]).collect()
    };
    let (arguments, environment) = (pointers(arguments), pointers(environment));
    // SAFETY: both arrays end in a null pointer and point to C strings that outlive the call.
    unsafe { libc::execve(arguments[0], arguments.as_ptr(), environment.as_ptr()) };
    io::Error::last_os_error()
}

/// Ends this process at once, without running anything registered for its end: a copied process shares those with the
/// one it was copied from.
pub(crate) fn exit_now(code: libc::c_int) -> ! {
    // SAFETY: never returns and touches no memory.
    unsafe { libc::_exit(code) }
}

/// Highest version of Landlock the kernel offers; 0 when it has none.
pub(crate) fn landlock_abi() -> u32 {
    const LANDLOCK_CREATE_RULESET_VERSION: u32 = 1;
    // SAFETY: with this flag the call reads no memory and returns a number.
    let abi = unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            std::ptr::null::<c_void>(),
            0_usize,
            LANDLOCK_CREATE_RULESET_VERSION,
        )
    };
    u32::try_from(abi).unwrap_or(0)
}

/// Restores every signal's default action and an empty mask, as a program expects to find them.
pub(crate) fn reset_signals() {
    for signal in 1..=64 {
        // SAFETY: SIG_DFL is valid for every signal; those that cannot be changed fail without effect.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
    // SAFETY: sigset_t is plain data filled by sigemptyset before it is read.
    unsafe {
        let mut empty: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut empty);
        libc::sigprocmask(libc::SIG_SETMASK, &empty, std::ptr::null_mut());
    }
}

/// Copies the written parts of one open file into another, leaving holes as holes.
pub(crate) fn copy_sparse(from: &std::fs::File, to: &std::fs::File, length: u64) -> io::Result<()> {
    to.set_len(length)?;
    let mut offset: libc::off_t = 0;
    loop {
        // SAFETY: plain calls on an open descriptor.
        let start = unsafe { libc::lseek(from.as_raw_fd(), offset, libc::SEEK_DATA) };
        if start < 0 {
            let error = io::Error::last_os_error();
            // No more data behind this offset.
            return if error.raw_os_error() == Some(libc::ENXIO) { Ok(()) } else { Err(error) };
        }
        // SAFETY: as above; a file with data at `start` has a hole, at the latest at its end.
        let end = unsafe { libc::lseek(from.as_raw_fd(), start, libc::SEEK_HOLE) };
        check(end)?;
        let (mut source, mut target) = (start, start);
        while source < end {
            let count = (end - source) as usize;
            // SAFETY: both offsets are valid for the call; the kernel advances them.
            let copied =
                unsafe { libc::copy_file_range(from.as_raw_fd(), &mut source, to.as_raw_fd(), &mut target, count, 0) };
            if check(copied as libc::c_long)? == 0 {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
            }
        }
        offset = end;
    }
}
