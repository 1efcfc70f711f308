//! Spare environments, from the launcher's side: made ahead of need, assigned to a function once.

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::time::Duration;

use nix::fcntl::OFlag;
use nix::sys::socket::{setsockopt, sockopt};
use nix::sys::time::TimeVal;
use nix::unistd::pipe2;
use serde::{Deserialize, Serialize};

use super::cgroup::{Cgroup, Cgroups};
use super::failure::{NameStep, Step};
use super::message::{Calling, EndCause, Failure, Supervision};
use super::sockets::Sockets;
use super::syscall::{self, Cloned};
use super::volume::VolumePlan;
use super::{first_process, socket};
use crate::spec::ParkedProgram;

/// What every environment gets from the launcher by being a copy of it.
pub(crate) struct Inheritance {
    pub(crate) cgroups: Cgroups,
    pub(crate) filter: Vec<seccompiler::sock_filter>,
    pub(crate) endpoint_port: u16,
    /// Whether environments have a way to hosts outside.
    pub(crate) has_outside: bool,
    pub(crate) privileged: bool,
    /// Readable once the launcher has ended.
    pub(crate) launcher: OwnedFd,
}

/// What a spare environment is told when it is needed.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Assignment {
    pub(crate) program: Program,
    /// The function's code and layers; `None` when they are mounted later.
    pub(crate) code: Option<Code>,
    /// The assembled root, in the launcher's mount namespace.
    pub(crate) template: PathBuf,
    pub(crate) volume: VolumePlan,
    /// User and group id outside.
    pub(crate) uid: u32,
    /// Memory to limit each process to, where no cgroup does it.
    pub(crate) process_memory_mb: Option<u32>,
}

/// The program of an environment.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Program {
    /// It is started at once.
    Known(Calling),
    /// It starts others, and speaks to the platform over the control socket.
    Supervisor(Supervision),
    /// It is told later, over the control socket.
    Awaited,
    /// It is started at once and gets the control socket, over which it is told what it becomes.
    Parked(ParkedProgram),
}

/// Directories of one function.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Code {
    pub(crate) directory: PathBuf,
    pub(crate) layers: Vec<PathBuf>,
}

/// The descriptors of an environment that the launcher passes on or keeps.
pub(crate) struct Spare {
    pub(crate) pid: i32,
    pub(crate) number: u64,
    pub(crate) pidfd: OwnedFd,
    pub(crate) output: OwnedFd,
    pub(crate) report: Report,
    pub(crate) cgroup: Cgroup,
    pub(crate) control: OwnedFd,
}

/// The end of the pipe on which an environment tells how it ended.
pub(crate) struct Report(OwnedFd);

/// The descriptors the environment's first process works with.
pub(crate) struct Descriptors {
    pub(crate) control: OwnedFd,
    pub(crate) output: OwnedFd,
    pub(crate) report: OwnedFd,
}

/// How far a spare environment is, in this order.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Birth {
    /// It waits for an assignment. Its [`Sockets`] come with this.
    Ready,
    /// Its file system is there, if code is to be mounted later. Its mount namespace comes with this.
    Mounted,
    /// Its program waits to be told what it becomes.
    Parked,
    Failed(Failure),
}

/// How long a spare environment may take to become ready: attaching to cgroups takes up to some 30 ms on an idle
/// machine, and far longer on one that is overloaded.
pub(super) const READY_TIMEOUT: Duration = Duration::from_secs(10);

impl Spare {
    /// Starts making an environment, with a `/tmp` that will probably do. It gets ready by itself.
    pub(crate) fn begin(inheritance: &Inheritance, number: u64, volume: Option<&VolumePlan>) -> Step<Spare> {
        let cgroup = inheritance.cgroups.create(&number.to_string())?;
        let begun = begin_in(inheritance, &cgroup, volume);
        match begun {
            Ok((pid, pidfd, control, output, report)) => {
                Ok(Spare { pid, number, pidfd, output, report: Report(report), cgroup, control })
            }
            Err(failure) => {
                cgroup.remove();
                Err(failure)
            }
        }
    }

    /// Waits until the environment is ready and takes its sockets.
    pub(crate) fn sockets(&self) -> Step<Sockets> {
        let received = socket::receive::<Birth>(self.control.as_fd()).step("wait for a new environment")?;
        match received {
            Some((Birth::Ready, descriptors)) => Sockets::from_descriptors(descriptors)
                .ok_or_else(|| Failure { step: "receive a new environment's sockets".into(), errno: libc::EPROTO }),
            Some((Birth::Failed(failure), _)) => Err(failure),
            Some((Birth::Mounted | Birth::Parked, _)) | None => {
                Err(Failure { step: "wait for a new environment".into(), errno: libc::ECHILD })
            }
        }
    }

    /// Tells the environment what to become.
    pub(crate) fn assign(&self, assignment: &Assignment) -> Step<()> {
        socket::send(self.control.as_fd(), assignment, &[]).step("assign an environment")
    }
}

type Begun = (i32, OwnedFd, OwnedFd, OwnedFd, OwnedFd);

fn begin_in(inheritance: &Inheritance, cgroup: &Cgroup, volume: Option<&VolumePlan>) -> Step<Begun> {
    let (control, their_control) = socket::pair().step("make a socket pair")?;
    let timeout = TimeVal::new(READY_TIMEOUT.as_secs() as _, 0);
    setsockopt(&control, sockopt::ReceiveTimeout, &timeout).step("set a timeout")?;
    let (output, their_output) = pipe2(OFlag::O_CLOEXEC).step("make a pipe")?;
    let (report, their_report) = pipe2(OFlag::O_CLOEXEC).step("make a pipe")?;
    let entry = inheritance.cgroups.entry(cgroup)?;
    let flags = libc::CLONE_NEWPID | libc::CLONE_NEWIPC | libc::CLONE_NEWUTS | libc::CLONE_NEWNET;
    // SAFETY: the launcher has one thread, and the child's function never returns.
    match unsafe { syscall::clone_process(flags, entry.as_ref().map(AsFd::as_fd)) }.step("clone a process")? {
        Cloned::Parent { pid, pidfd } => Ok((pid, pidfd, control, output, report)),
        Cloned::Child => {
            let descriptors = Descriptors { control: their_control, output: their_output, report: their_report };
            first_process::live(inheritance, cgroup, volume, &descriptors)
        }
    }
}

impl Report {
    /// What the environment told before it ended. Call it when all its processes have.
    pub(crate) fn read(self) -> EndCause {
        /// The longest report: one step's name and some numbers.
        const REPORT_BYTES_MAX: u64 = 4096;
        let mut text = String::new();
        // An unreadable report is that of an environment killed while writing it.
        let _ = File::from(self.0).take(REPORT_BYTES_MAX).read_to_string(&mut text);
        let first = text.lines().next().unwrap_or_default();
        serde_json::from_str(first).unwrap_or(EndCause::Killed)
    }
}

/// Tells how an environment ended. The first report counts.
pub(crate) fn report(to: BorrowedFd<'_>, cause: &EndCause) {
    let mut line = serde_json::to_vec(cause).unwrap_or_default();
    line.push(b'\n');
    // Without a reader the launcher is gone, and this process about to be.
    let _ = nix::unistd::write(to, &line);
}

impl Descriptors {
    /// The numbers to keep when everything else is closed.
    pub(crate) fn numbers(&self) -> [i32; 3] {
        [self.control.as_raw_fd(), self.output.as_raw_fd(), self.report.as_raw_fd()]
    }
}
