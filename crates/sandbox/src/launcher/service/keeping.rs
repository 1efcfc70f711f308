//! Environments made ahead of need: making them, handing them out, letting them go.

use std::os::fd::AsFd;

use nix::sched::{CloneFlags, setns};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::super::failure::{NameStep, Step};
use super::super::message::{Calling, Failure, Keep, Reply};
use super::super::spare::{Assignment, Program, Spare};
use super::super::stock::{Progress, Ready};
use super::super::{mounts, socket, syscall};
use super::{Launcher, Prepared, Running};
use crate::control::CpuShare;
use crate::limits;
use crate::spec::{EnvironmentSpec, HeadStart, Shape};

impl Launcher {
    /// Keeps what the platform wants from now on.
    pub(super) fn keep(&mut self, wanted: Vec<Keep>) -> Step<()> {
        for spare in self.stock.keep(wanted) {
            self.let_go(spare);
        }
        Ok(())
    }

    /// Begins to make one of a shape. That it cannot be done is told to the platform, and is no failure of the launcher.
    pub(super) fn begin_member(&mut self, key: u64, shape: &Shape) -> Step<()> {
        match self.assign_member(shape) {
            Ok(spare) => {
                self.stock.add(key, spare);
                Ok(())
            }
            Err(failure) => self.spoil(key, &failure),
        }
    }

    fn assign_member(&mut self, shape: &Shape) -> Step<Spare> {
        let program = match &shape.head_start {
            HeadStart::None => {
                return Err(Failure { step: "make ahead what depends on nothing".into(), errno: libc::EINVAL });
            }
            HeadStart::FileSystem => Program::Awaited,
            HeadStart::Program(program) => Program::Parked(program.clone()),
        };
        let template = self.templates.get(&shape.root)?;
        let spare = match self.spares.pop_front() {
            Some(spare) => spare,
            None => self.begin()?,
        };
        let uid = self.rights.uid(spare.number);
        let assigned = self.volumes.plan(*limits::TMP_MB.start(), spare.number).and_then(|volume| {
            if let Some(files) = self.inheritance.cgroups.cpu_files(&spare.cgroup) {
                CpuShare::in_the_background().apply(&files).step("set the CPU share")?;
            }
            spare.assign(&Assignment { program, code: None, template, volume, uid, process_memory_mb: None })
        });
        match assigned {
            Ok(()) => Ok(spare),
            Err(failure) => {
                self.let_go(spare);
                Err(failure)
            }
        }
    }

    /// Hears what an environment that is being made has to tell.
    pub(super) fn hear(&mut self, pid: i32) -> Step<()> {
        match self.stock.hear(pid) {
            Ok(Progress::Under) => Ok(()),
            Ok(Progress::Ready { key, ready, took }) => {
                let made_us = u64::try_from(took.as_micros()).ok();
                self.send(&Reply::Stock { key, ready, made_us }, &[])
            }
            Err(failure) => match self.stock.remove(pid) {
                Some((spare, key, _)) => {
                    self.let_go(spare);
                    self.spoil(key, &failure)
                }
                None => Ok(()),
            },
        }
    }

    /// One that was made ahead has ended by itself, ready or not.
    pub(super) fn lose_member(&mut self, pid: i32) -> Step<()> {
        let Some((spare, key, ready)) = self.stock.remove(pid) else { return Ok(()) };
        spare.cgroup.remove();
        self.stock.spoil(key);
        self.send(&Reply::Stock { key, ready, made_us: None }, &[])?;
        self.send(&Reply::Spoilt { key, reason: "its program has ended".into() }, &[])
    }

    fn spoil(&mut self, key: u64, failure: &Failure) -> Step<()> {
        self.stock.spoil(key);
        self.send(&Reply::Spoilt { key, reason: failure.to_string() }, &[])
    }

    /// Ends an environment that nobody needs. What is left of it is removed when it has ended.
    fn let_go(&mut self, spare: Spare) {
        let _ = kill(Pid::from_raw(spare.pid), Signal::SIGKILL);
        self.running.insert(spare.pid, Running { id: None, report: spare.report, cgroup: spare.cgroup });
    }

    /// One that is ready and can become this environment.
    pub(super) fn take_member(&mut self, spec: &EnvironmentSpec) -> Option<(Ready, u64, usize)> {
        // Others are made for it alone: the file system of a larger `/tmp`, several layers merged, a supervisor.
        let ordinary =
            spec.tmp_mb == *limits::TMP_MB.start() && spec.layer_dirs.len() <= 1 && spec.extensions.is_none();
        if !ordinary || spec.head_start == HeadStart::None {
            return None;
        }
        self.stock.take(&spec.shape())
    }

    /// Makes a ready environment that of a function.
    pub(super) fn call_up(&mut self, id: u64, spec: EnvironmentSpec, member: Ready) -> Step<Prepared> {
        let Ready { spare, sockets, mounts } = member;
        let called = self.limit_member(&spare, spec.memory_mb).and_then(|()| {
            self.mount_code(&spec, mounts.as_fd())?;
            let calling = Calling { command: spec.command, env: spec.env, working_directory: spec.working_directory };
            socket::send(spare.control.as_fd(), &calling, &[]).step("tell a program what it becomes")
        });
        self.hand_over(id, spare, called.map(|()| sockets))
    }

    fn limit_member(&self, spare: &Spare, memory_mb: u32) -> Step<()> {
        let cgroups = &self.inheritance.cgroups;
        if !cgroups.limits_memory() {
            let tasks = format!("/proc/{pid}/task/{pid}/children", pid = spare.pid);
            let children = std::fs::read_to_string(tasks).step("find the program")?;
            for program in children.split_whitespace().filter_map(|pid| pid.parse().ok()) {
                syscall::limit_data(program, super::privileges::data_bytes(memory_mb)).step("limit the memory")?;
            }
        }
        cgroups.limit(&spare.cgroup, memory_mb)
    }

    /// Shows a function's code, and its layer, in the mount namespace of an environment.
    fn mount_code(&self, spec: &EnvironmentSpec, namespace: std::os::fd::BorrowedFd<'_>) -> Step<()> {
        let code = mounts::detached_read_only(&spec.code_dir)?;
        let layer = spec.layer_dirs.first().map(|directory| mounts::detached_read_only(directory)).transpose()?;
        setns(namespace, CloneFlags::CLONE_NEWNS).step("enter an environment's mount namespace")?;
        let attached =
            syscall::move_mount(code.as_fd(), c"/var/task").step("mount the code").and_then(|()| match layer {
                Some(layer) => syscall::move_mount(layer.as_fd(), c"/opt").step("mount the layer"),
                None => Ok(()),
            });
        // Nothing else can be done in a foreign namespace: if the way back fails, so must the launcher.
        if let Err(error) = setns(self.mounts.as_fd(), CloneFlags::CLONE_NEWNS) {
            std::process::exit(error as i32);
        }
        attached
    }
}
