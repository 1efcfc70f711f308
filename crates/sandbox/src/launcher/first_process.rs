//! The first process of an environment, from its birth as a copy of the launcher to the end of the function.
//!
//! It is privileged only while nothing but this file runs in it: it sets the environment up, starts the function's
//! program, gives up everything, and from then on only waits for processes to end. It stays the init of the pid
//! namespace so that the function's program is an ordinary process, which a signal can kill, as on AWS; and when it
//! ends, the kernel ends everything else in the namespace.

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{Gid, Uid, pipe2, setgroups, sethostname, setresgid, setresuid};

use super::cgroup::Cgroup;
use super::failure::{NameStep, Step};
use super::message::EndCause;
use super::sockets::Sockets;
use super::spare::{Assignment, Birth, Descriptors, Inheritance, report};
use super::syscall::{self, Cloned};
use super::template::{HOST_NAME, INSIDE_GID, INSIDE_UID};
use super::volume::{Volume, VolumePlan};
use super::{function_process, mounts, privileges, socket};

/// Lives the life of an environment's first process.
pub(crate) fn live(
    inheritance: &Inheritance,
    cgroup: &Cgroup,
    volume: Option<&VolumePlan>,
    descriptors: &Descriptors,
) -> ! {
    // A panic must not unwind into what this process has copied from the launcher.
    let lived = catch_unwind(AssertUnwindSafe(|| {
        let (assignment, volume) = match be_born(inheritance, cgroup, volume, descriptors) {
            Ok(Some(assigned)) => assigned,
            Ok(None) => syscall::exit_now(0),
            Err(failure) => {
                // When this cannot be told, the launcher sees the end of the socket.
                let _ = socket::send(descriptors.control.as_fd(), &Birth::Failed(failure), &[]);
                syscall::exit_now(1)
            }
        };
        if let Err(failure) = serve(inheritance, descriptors, &assignment, volume) {
            let cause = EndCause::SetupFailed { step: failure.step, errno: failure.errno };
            report(descriptors.report.as_fd(), &cause);
        }
    }));
    syscall::exit_now(i32::from(lived.is_err()))
}

/// Everything that does not depend on the function; then waits to be told which it is. `None`: not needed any more.
fn be_born(
    inheritance: &Inheritance,
    cgroup: &Cgroup,
    volume: Option<&VolumePlan>,
    descriptors: &Descriptors,
) -> Step<Option<(Assignment, Option<Volume>)>> {
    let [control, output, report] = descriptors.numbers();
    let keep = [control, output, report, inheritance.launcher.as_raw_fd()];
    syscall::close_all_except(&keep).step("close the launcher's descriptors")?;
    die_with_launcher(inheritance)?;
    syscall::reset_signals();
    inheritance.cgroups.join(cgroup)?;
    unshare(CloneFlags::CLONE_NEWCGROUP).step("make a cgroup namespace")?;
    // Should it fail, it is tried again, and reported, when it is known to be needed.
    let volume = volume.and_then(|plan| plan.make().ok());
    let sockets = Sockets::make(inheritance.endpoint_port, inheritance.has_outside)?;
    socket::send(descriptors.control.as_fd(), &Birth::Ready, &sockets.numbers()).step("hand the sockets over")?;
    drop(sockets);
    let assigned = socket::receive(descriptors.control.as_fd()).step("wait for an assignment")?;
    Ok(assigned.map(|(assignment, _)| (assignment, volume)))
}

/// Arranges for the kernel to kill this process, and with it the environment, when the launcher ends. Changing the user
/// id undoes it, so it is done again after that.
fn die_with_launcher(inheritance: &Inheritance) -> Step<()> {
    syscall::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as libc::c_ulong).step("tie to the launcher")?;
    let mut launcher = [PollFd::new(inheritance.launcher.as_fd(), PollFlags::POLLIN)];
    if poll(&mut launcher, PollTimeout::ZERO).step("look for the launcher")? > 0 {
        // It ended before the line above.
        syscall::exit_now(1);
    }
    Ok(())
}

/// Becomes the environment of one function and stays until its program has ended.
fn serve(
    inheritance: &Inheritance,
    descriptors: &Descriptors,
    assignment: &Assignment,
    volume: Option<Volume>,
) -> Step<()> {
    let volume = match volume {
        Some(volume) if volume.fits(&assignment.volume) => volume,
        _ => assignment.volume.make()?,
    };
    // The copy is made only now because it must contain the template.
    unshare(CloneFlags::CLONE_NEWNS).step("make a mount namespace")?;
    make_root(assignment, volume, descriptors)?;
    sethostname(HOST_NAME).step("set the host name")?;
    if inheritance.privileged {
        setgroups(&[]).step("leave the groups")?;
    }
    let (wait, go) = pipe2(OFlag::O_CLOEXEC).step("make a pipe")?;
    // SAFETY: this process has one thread, and the child's function never returns.
    let program = match unsafe { syscall::clone_process(libc::CLONE_NEWUSER, None) }.step("clone a process")? {
        Cloned::Parent { pid, .. } => pid,
        Cloned::Child => {
            drop(go);
            function_process::run(inheritance, descriptors, assignment, wait)
        }
    };
    map_ids(program, assignment.uid)?;
    drop(wait);
    give_up(inheritance, assignment)?;
    nix::unistd::write(&go, b"g").step("let the function's program go")?;
    drop(go);
    // Takes longer than all the rest; without any privilege left it may as well run beside the program's start.
    privileges::install_filter(&inheritance.filter)?;
    syscall::close_all_except(&[descriptors.report.as_raw_fd()]).step("close what is not needed any more")?;
    wait_for(program, &descriptors.report)
}

/// Mounts what is the environment's own over the template and makes it the root.
fn make_root(assignment: &Assignment, volume: Volume, descriptors: &Descriptors) -> Step<()> {
    let root = &assignment.template;
    volume.attach(&root.join("tmp"))?;
    mounts::mount_proc(&root.join("proc"))?;
    match &assignment.code {
        Some(code) => {
            mounts::bind_read_only(&code.directory, &root.join("var/task"))?;
            match code.layers.as_slice() {
                [] => {}
                [only] => mounts::bind_read_only(only, &root.join("opt"))?,
                several => mounts::mount_merged(several, &root.join("opt"))?,
            }
        }
        None => {
            // The launcher mounts it later. It could not open this itself once this process must not be looked into.
            let namespace = File::open("/proc/self/ns/mnt").step("open the mount namespace")?;
            socket::send(descriptors.control.as_fd(), &Birth::Mounted, &[namespace.as_raw_fd()])
                .step("hand the mount namespace over")?;
        }
    }
    mounts::pivot_to(root)
}

/// Gives the program's user namespace its one user and one group. Only its parent can.
fn map_ids(program: i32, uid: u32) -> Step<()> {
    let write = |file: &str, inside: u32| {
        std::fs::write(Path::new("/proc").join(program.to_string()).join(file), format!("{inside} {uid} 1"))
            .step(format!("write the program's {file}"))
    };
    write("uid_map", INSIDE_UID)?;
    write("gid_map", INSIDE_GID)
}

fn give_up(inheritance: &Inheritance, assignment: &Assignment) -> Step<()> {
    privileges::set_resource_limits(None)?;
    if inheritance.privileged {
        let (uid, gid) = (Uid::from_raw(assignment.uid), Gid::from_raw(assignment.uid));
        setresgid(gid, gid, gid).step("change the group id")?;
        setresuid(uid, uid, uid).step("change the user id")?;
    }
    // The function may run with the same user id, but must not look into this process, which was once the launcher.
    syscall::prctl(libc::PR_SET_DUMPABLE, 0).step("forbid looking into this process")?;
    die_with_launcher(inheritance)?;
    privileges::drop_capabilities()
}

/// Reaps processes until the function's program has ended, and reports how.
fn wait_for(program: i32, to: &OwnedFd) -> Step<()> {
    loop {
        let mut wait_status = 0;
        // SAFETY: waitpid writes one int through a valid pointer.
        let pid = unsafe { libc::waitpid(-1, &mut wait_status, 0) };
        if pid == program {
            report(to.as_fd(), &EndCause::Exited { wait_status });
            return Ok(());
        }
        if pid < 0 && Errno::last() != Errno::EINTR {
            return Err(Errno::last()).step("wait for the function's program");
        }
    }
}
