//! The launcher's loop: requests in, environments out, ends reported.

use std::collections::{HashMap, VecDeque};
use std::fs;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::cgroup::{Cgroup, Cgroups};
use super::cgroup_mounts;
use super::failure::{NameStep, Step};
use super::interface;
use super::message::{ControlFiles, End, Failure, LauncherConfig, Reply, Request};
use super::namespaces::{self, Rights};
use super::ownership::{self, OwnDirectory};
use super::sockets::{OutsideSockets, Sockets};
use super::spare::{Inheritance, Report, Spare};
use super::stock::Stock;
use super::template::Templates;
use super::volume::Volumes;
use super::{privileges, seccomp, socket, syscall};
use crate::capabilities::{Capabilities, FreezeMethod, TmpKind};
use crate::control::{self, CpuShare};
use crate::limits;

mod keeping;
mod starting;

use starting::Starting;

struct Launcher {
    socket: OwnedFd,
    inheritance: Inheritance,
    rights: Rights,
    templates: Templates,
    volumes: Volumes,
    spares: VecDeque<Spare>,
    stock: Stock,
    /// Our own mount namespace, to come back to.
    mounts: OwnedFd,
    /// How many to keep.
    spares_most: usize,
    /// How many to make now: none after a failure, until a launch has worked.
    spares_wanted: usize,
    starting: Starting,
    /// Environments, by process id, that have been handed over or have failed before.
    running: HashMap<i32, Running>,
    made: u64,
    directory: OwnDirectory,
    /// Those that were made to see whether they can be made. They are kept because closing them takes some 10 ms.
    _tried: Option<OutsideSockets>,
}

/// What the platform gets of a new environment: its controls, its sockets, its output and its first process.
type Prepared = (ControlFiles, Sockets, OwnedFd, OwnedFd);

struct Running {
    /// The host's name for it; `None` when the host never got it.
    id: Option<u64>,
    report: Report,
    cgroup: Cgroup,
}

/// Runs until the platform is gone. The result is the process's exit status.
pub(super) fn run() -> i32 {
    let Ok(socket) = std::io::stdin().as_fd().try_clone_to_owned() else { return 2 };
    // Descriptors the platform did not close on exec are not for us, let alone for a function.
    if syscall::close_all_except(&[socket.as_raw_fd()]).is_err() {
        return 2;
    }
    if let Ok(null) = fs::File::open("/dev/null") {
        // Whatever is started from here on must not hold the socket as its standard input.
        let _ = nix::unistd::dup2_stdin(null);
    }
    let platform_pid = nix::unistd::getppid().as_raw();
    let Ok(Some((config, _))) = socket::receive::<LauncherConfig>(socket.as_fd()) else { return 2 };
    match Launcher::start(socket.as_fd(), config, platform_pid) {
        Ok((mut launcher, hello)) => {
            let served = launcher.send(&Reply::Hello(hello), &[]).and_then(|()| launcher.serve());
            launcher.end();
            i32::from(served.is_err())
        }
        Err(failure) => {
            // The platform tells it to the user; when it is gone there is nobody to tell.
            let _ = socket::send(socket.as_fd(), &Reply::Unsupported(advise(&failure)), &[]);
            1
        }
    }
}

fn advise(failure: &Failure) -> String {
    let advice = match failure.errno {
        libc::EPERM | libc::EACCES | libc::ENOSPC | libc::EUSERS => {
            "; run as root, or allow unprivileged user namespaces (sysctl user.max_user_namespaces, \
             kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns)"
        }
        _ => "",
    };
    format!("{failure}{advice}")
}

impl Launcher {
    fn start(socket: BorrowedFd<'_>, config: LauncherConfig, platform_pid: i32) -> Step<(Launcher, Capabilities)> {
        let name = ownership::new_name(platform_pid).step("choose a name")?;
        let own_directory = own_directory(&config.state_dir, &name)?;
        let directory = own_directory.path().to_owned();
        let cgroups = Cgroups::find(&name, platform_pid, config.cpu_quota);
        let rights = namespaces::enter()?;
        privileges::drop_bounding_set();
        let (volumes, tmp_missing) = Volumes::new(config.state_dir, directory.clone(), rights.privileged);
        let launcher = syscall::pidfd_open(nix::unistd::getpid().as_raw()).step("open a pidfd")?;
        let filter = seccomp::filter().step("build the seccomp filter")?;
        let tried = config.has_outside.then(try_outside).transpose();
        let inheritance = Inheritance {
            cgroups,
            filter,
            endpoint_port: config.endpoint_port,
            has_outside: matches!(tried, Ok(Some(_))),
            privileged: rights.privileged,
            launcher,
        };
        let mut capabilities = capabilities(&inheritance, volumes.kind, tmp_missing);
        if let Err(failure) = &tried {
            capabilities.missing.push(format!("functions cannot reach hosts outside: {failure}; allow packet sockets"));
        }
        let launcher = Launcher {
            socket: socket.try_clone_to_owned().step("keep the socket")?,
            inheritance,
            rights,
            templates: Templates::new(directory, config.authority),
            volumes,
            spares: VecDeque::new(),
            stock: Stock::default(),
            mounts: fs::File::open("/proc/self/ns/mnt").step("open the mount namespace")?.into(),
            spares_most: config.spare_environments,
            spares_wanted: config.spare_environments,
            starting: Starting::default(),
            running: HashMap::new(),
            made: 0,
            directory: own_directory,
            _tried: tried.unwrap_or_default(),
        };
        Ok((launcher, capabilities))
    }

    fn send(&self, reply: &Reply, descriptors: &[i32]) -> Step<()> {
        socket::send(self.socket.as_fd(), reply, descriptors).step("answer the platform")
    }

    /// Takes requests until the platform is gone; makes spare environments when there is nothing else to do.
    fn serve(&mut self) -> Step<()> {
        let mut ends = SigSet::empty();
        ends.add(Signal::SIGCHLD);
        ends.thread_block().step("block SIGCHLD")?;
        let ends =
            SignalFd::with_flags(&ends, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK).step("watch for ends")?;
        loop {
            let timeout = self.patience();
            let mut telling = self.stock.telling();
            telling.extend(self.starting.telling());
            let sources = [self.socket.as_fd(), ends.as_fd()].into_iter().chain(telling.iter().map(|(_, fd)| *fd));
            let mut sources: Vec<_> = sources.map(|source| PollFd::new(source, PollFlags::POLLIN)).collect();
            match poll(&mut sources, timeout) {
                Err(nix::errno::Errno::EINTR) => continue,
                result => result.step("wait for requests")?,
            };
            let heard: Vec<bool> = sources.iter().map(|source| source.any().unwrap_or(true)).collect();
            let told = telling.iter().zip(&heard[2..]).filter(|(_, heard)| **heard).map(|((pid, _), _)| *pid);
            let told: Vec<i32> = told.collect();
            let (request, end) = (heard[0], heard[1]);
            for pid in told.iter() {
                if self.starting.is_of(*pid) { self.go_on(*pid)? } else { self.hear(*pid)? }
            }
            self.give_up_late()?;
            if end {
                while ends.read_signal().step("read a signal")?.is_some() {}
                self.reap()?;
            }
            if request {
                match socket::receive(self.socket.as_fd()).step("read a request")? {
                    Some((Request::Launch { id, spec }, _)) => self.launch(id, *spec)?,
                    Some((Request::Keep(wanted), _)) => self.keep(wanted)?,
                    None => return Ok(()),
                }
            }
            self.begin_waiting()?;
            if !request && !end && told.is_empty() && self.starting.is_quiet() {
                self.make_ahead()?;
            }
        }
    }

    /// How long to wait for something to happen.
    fn patience(&self) -> PollTimeout {
        let idle = self.spares.len() >= self.spares_wanted && self.stock.next().is_none();
        let refill = (!idle).then(|| self.starting.until_quiet());
        let first = refill.into_iter().chain(self.starting.until_late()).min();
        // A millisecond more, lest it ends a moment too early and is begun again at once.
        first.map_or(PollTimeout::NONE, |wait| match wait {
            Duration::ZERO => PollTimeout::ZERO,
            wait => PollTimeout::try_from(wait + Duration::from_millis(1)).unwrap_or(PollTimeout::MAX),
        })
    }

    /// One step towards what is to be there ahead of need.
    fn make_ahead(&mut self) -> Step<()> {
        if self.spares.len() < self.spares_wanted {
            self.add_spare();
            return Ok(());
        }
        match self.stock.next().map(|(key, shape)| (key, shape.clone())) {
            Some((key, shape)) => self.begin_member(key, &shape),
            None => Ok(()),
        }
    }

    fn add_spare(&mut self) {
        match self.begin() {
            Ok(spare) => self.spares.push_back(spare),
            // Trying again at once would fail again; the next launch tries, and reports.
            Err(_) => self.spares_wanted = 0,
        }
    }

    fn begin(&mut self) -> Step<Spare> {
        self.made += 1;
        // Nearly every function has the smallest `/tmp`; one that has not gets its own at its launch.
        let volume = self.volumes.plan(*limits::TMP_MB.start(), self.made).ok();
        Spare::begin(&self.inheritance, self.made, volume.as_ref())
    }

    /// Registers an environment that is the platform's from here on, or one that could not be made so.
    fn hand_over(&mut self, id: u64, spare: Spare, sockets: Step<Sockets>) -> Step<Prepared> {
        let cgroups = &self.inheritance.cgroups;
        let control = ControlFiles {
            pid: spare.pid,
            freeze_method: cgroups.freeze_method(),
            freeze_file: cgroups.freeze_file(&spare.cgroup),
            memory: cgroups.memory_files(&spare.cgroup),
            cpu: cgroups.cpu_files(&spare.cgroup),
        };
        if sockets.is_err() {
            // Its end is waited for like any other's, so that its cgroups are removed.
            let _ = kill(Pid::from_raw(spare.pid), Signal::SIGKILL);
        }
        let named = sockets.is_ok().then_some(id);
        self.running.insert(spare.pid, Running { id: named, report: spare.report, cgroup: spare.cgroup });
        Ok((control, sockets?, spare.output, spare.pidfd))
    }

    /// Reports the environments that have ended and removes what is left of them.
    fn reap(&mut self) -> Step<()> {
        loop {
            let ended = match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::Exited(pid, _) | WaitStatus::Signaled(pid, _, _)) => pid.as_raw(),
                Ok(WaitStatus::StillAlive) | Err(nix::errno::Errno::ECHILD) => return Ok(()),
                Ok(_) | Err(nix::errno::Errno::EINTR) => continue,
                Err(error) => return Err(error).step("wait for environments"),
            };
            if let Some(at) = self.spares.iter().position(|spare| spare.pid == ended) {
                // A spare that cannot live is replaced by the next launch, which then reports why.
                self.spares_wanted = 0;
                if let Some(spare) = self.spares.remove(at) {
                    spare.cgroup.remove();
                }
            } else if let Some(running) = self.running.remove(&ended) {
                self.report_end(ended, running)?;
            } else if self.starting.is_of(ended) {
                self.lose_begun(ended)?;
            } else {
                self.lose_member(ended)?;
            }
        }
    }

    fn report_end(&self, pid: i32, running: Running) -> Step<()> {
        let memory = self.inheritance.cgroups.memory_files(&running.cgroup);
        let end = End {
            cause: running.report.read(),
            oom_kills: memory.as_ref().map_or(0, control::oom_kills),
            peak_bytes: memory.as_ref().and_then(|memory| control::peak_bytes(memory, pid).ok()).unwrap_or(0),
        };
        running.cgroup.remove();
        match running.id {
            Some(id) => self.send(&Reply::Gone { id, end }, &[]),
            None => Ok(()),
        }
    }

    /// Ends every environment and removes everything that is ours.
    fn end(&mut self) {
        let spares = self
            .spares
            .drain(..)
            .chain(self.stock.drain())
            .chain(self.starting.drain())
            .map(|spare| (spare.pid, spare.cgroup));
        let running = self.running.drain().map(|(pid, running)| (pid, running.cgroup));
        let all: Vec<_> = spares.chain(running).collect();
        for (pid, cgroup) in &all {
            if let Some(files) = self.inheritance.cgroups.cpu_files(cgroup) {
                let _ = CpuShare::of_the_dying().apply(&files);
            }
            // One that has ended meanwhile is what was wanted; it keeps its id until it is waited for.
            let _ = kill(Pid::from_raw(*pid), Signal::SIGKILL);
        }
        for (pid, cgroup) in &all {
            cgroup.thaw();
            // Reaped already, or now.
            let _ = waitpid(Pid::from_raw(*pid), None);
            cgroup.remove();
        }
        self.inheritance.cgroups.remove();
        // Mount points below are still busy in our own namespace, which ends with us.
        self.templates.detach_all();
        let _ = fs::remove_dir_all(self.directory.path());
    }
}

/// A directory only we can enter, and none that others have left behind.
fn own_directory(state_dir: &Path, name: &str) -> Step<OwnDirectory> {
    cgroup_mounts::remove_leftover_directories(state_dir);
    let directory = state_dir.join(name);
    OwnDirectory::create(directory.clone()).step(format!("make the directory {}", directory.display()))
}

/// Makes the way outside in our own network namespace, which leads nowhere.
fn try_outside() -> Step<OutsideSockets> {
    interface::up().step("bring loopback up")?;
    OutsideSockets::make()
}

fn capabilities(inheritance: &Inheritance, tmp: TmpKind, tmp_missing: Option<String>) -> Capabilities {
    let cgroups = &inheritance.cgroups;
    let mut capabilities = Capabilities {
        privileged: inheritance.privileged,
        memory_limit: cgroups.limits_memory(),
        cpu_limit: cgroups.limits_cpu(),
        process_limit: cgroups.limits_processes(),
        freeze: cgroups.freeze_method(),
        tmp,
        landlock_abi: syscall::landlock_abi(),
        outside: inheritance.has_outside,
        missing: Vec::new(),
    };
    let delegate = "run as root, or with: systemd-run --user --scope -p Delegate=yes";
    let lacking = [
        (capabilities.privileged, "functions share this user's id outside their namespaces; run as root".to_owned()),
        (
            capabilities.memory_limit,
            format!("memory is limited per process (RLIMIT_DATA) and not as a whole, for lack of a cgroup; {delegate}"),
        ),
        (capabilities.cpu_limit, format!("CPU does not follow the memory size, for lack of a cgroup; {delegate}")),
        (capabilities.process_limit, format!("processes are limited by RLIMIT_NPROC only; {delegate}")),
        (
            capabilities.freeze != FreezeMethod::Signal,
            format!("waiting functions are stopped by SIGSTOP, for lack of a cgroup; {delegate}"),
        ),
        (capabilities.landlock_abi > 0, "Landlock is not there; use a kernel with CONFIG_SECURITY_LANDLOCK".to_owned()),
    ];
    capabilities.missing.extend(lacking.into_iter().filter(|(had, _)| !had).map(|(_, text)| text));
    capabilities.missing.extend(tmp_missing);
    capabilities
}
