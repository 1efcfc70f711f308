//! The process that starts an environment's extensions and then its runtime, and tells the platform how each ends.
//!
//! It is what the function's program would be in an environment without extensions: every privilege is given up before
//! it starts, and what it starts is behind the same walls. It is a copy of the launcher that executes nothing itself, so
//! nobody may look into it.

use std::convert::Infallible;
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::{ForkResult, Pid, chdir, dup2_stderr, dup2_stdout, fork, pipe2, setsid};

use super::failure::{NameStep, Step};
use super::function_process::{Execution, NOT_EXECUTED, execution};
use super::message::{Notice, Order, Process, Supervision};
use super::{socket, syscall};
use crate::spec::EXTENSIONS_DIRECTORY;

/// A process that was started and has not ended.
struct Running {
    process: Process,
    pid: Pid,
    pidfd: OwnedFd,
}

/// What the supervisor works with.
struct Supervisor<'a> {
    plan: &'a Supervision,
    platform: BorrowedFd<'a>,
    /// Where extensions print.
    output: OwnedFd,
    running: Vec<Running>,
}

/// Starts what is to be started and serves the platform until it is gone.
pub(crate) fn run(plan: &Supervision, platform: BorrowedFd<'_>) -> Step<Infallible> {
    syscall::prctl(libc::PR_SET_DUMPABLE, 0).step("forbid looking into this process")?;
    let (reading, output) = pipe2(OFlag::O_CLOEXEC).step("make a pipe for extensions")?;
    socket::send(platform, &Notice::Supervising, &[reading.as_raw_fd()]).step("tell that extensions are started")?;
    drop(reading);
    let mut supervisor = Supervisor { plan, platform, output, running: Vec::new() };
    for name in &plan.extensions.names {
        let path = Path::new(EXTENSIONS_DIRECTORY).join(name).to_string_lossy().into_owned();
        let program = execution(&[path], &plan.extensions.env)?;
        if !supervisor.start(Process::Extension(name.clone()), "/", &program)? {
            break;
        }
    }
    loop {
        supervisor.serve()?;
    }
}

impl Supervisor<'_> {
    /// Starts a program. Answers false if it could not be executed, which the platform is told.
    fn start(&mut self, process: Process, directory: &str, program: &Execution) -> Step<bool> {
        let (failure, their_failure) = pipe2(OFlag::O_CLOEXEC).step("make a pipe")?;
        // SAFETY: this process has one thread, and the child only executes a program or ends.
        let pid = match unsafe { fork() }.step("start a process")? {
            ForkResult::Parent { child } => child,
            ForkResult::Child => self.become_program(&process, directory, program, &their_failure),
        };
        drop(their_failure);
        let mut errno = Vec::new();
        // The pipe closes itself when the program is executed.
        File::from(failure).read_to_end(&mut errno).step("wait for a program")?;
        if let Ok(errno) = <[u8; 4]>::try_from(errno) {
            let _ = nix::sys::wait::waitpid(pid, None);
            self.tell(&Notice::NotExecuted { process, errno: i32::from_le_bytes(errno) })?;
            return Ok(false);
        }
        let pidfd = syscall::pidfd_open(pid.as_raw()).step("watch a process")?;
        self.running.push(Running { process, pid, pidfd });
        Ok(true)
    }

    /// In the child: everything but the three standard descriptors closes itself.
    fn become_program(&self, process: &Process, directory: &str, program: &Execution, failure: &OwnedFd) -> ! {
        let prepared = || -> Result<(), Errno> {
            setsid()?;
            chdir(directory)?;
            if *process != Process::Runtime {
                dup2_stdout(&self.output)?;
                dup2_stderr(&self.output)?;
            }
            Ok(())
        };
        let errno = match prepared() {
            Ok(()) => syscall::execute(&program.0, &program.1).raw_os_error().unwrap_or(libc::ENOEXEC),
            Err(errno) => errno as i32,
        };
        let _ = nix::unistd::write(failure, &errno.to_le_bytes());
        syscall::exit_now(NOT_EXECUTED)
    }

    /// Waits for an order or the end of a process, and does what is to be done.
    fn serve(&mut self) -> Step<()> {
        let mut watched = vec![PollFd::new(self.platform, PollFlags::POLLIN)];
        watched.extend(self.running.iter().map(|running| PollFd::new(running.pidfd.as_fd(), PollFlags::POLLIN)));
        match poll(&mut watched, PollTimeout::NONE) {
            Ok(_) => {}
            Err(Errno::EINTR) => return Ok(()),
            Err(error) => return Err(error).step("wait for processes"),
        }
        let is_ready = |watched: &PollFd<'_>| watched.any().unwrap_or(true);
        let ordered = watched.first().is_some_and(is_ready);
        let ended = watched.iter().skip(1).position(is_ready);
        if let Some(at) = ended {
            let running = self.running.swap_remove(at);
            return self.tell(&Notice::Ended { process: running.process, wait_status: wait_status(running.pid) });
        }
        if ordered {
            return self.obey();
        }
        Ok(())
    }

    fn obey(&mut self) -> Step<()> {
        let Some((order, _)) = socket::receive(self.platform).step("take an order")? else {
            // The platform is gone, and this environment with it.
            syscall::exit_now(0);
        };
        match order {
            Order::StartRuntime => {
                let runtime = &self.plan.runtime;
                let program = execution(&runtime.command, &runtime.env)?;
                self.start(Process::Runtime, &runtime.working_directory, &program)?;
            }
            Order::Signal { process, signal } => {
                let running = self.running.iter().find(|running| running.process == process);
                if let (Some(running), Ok(signal)) = (running, Signal::try_from(signal)) {
                    // It leads a group of its own. One that has just ended is told of by its end.
                    let _ = killpg(running.pid, signal);
                }
            }
        }
        Ok(())
    }

    fn tell(&self, notice: &Notice) -> Step<()> {
        socket::send(self.platform, notice, &[]).step("tell the platform")
    }
}

fn wait_status(pid: Pid) -> i32 {
    let mut status = 0;
    // SAFETY: waitpid writes one int through a valid pointer.
    unsafe { libc::waitpid(pid.as_raw(), &mut status, 0) };
    status
}
