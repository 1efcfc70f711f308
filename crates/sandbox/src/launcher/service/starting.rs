//! Environments that are needed now and are not there: several are made at the same time, since most of it is waiting
//! for the kernel, and requests are taken meanwhile.

use std::collections::VecDeque;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::{Duration, Instant};

use super::super::failure::Step;
use super::super::message::{Calling, Failure, Reply, Supervision};
use super::super::spare::{Assignment, Code, Program, READY_TIMEOUT, Spare};
use super::{Launcher, Prepared};
use crate::spec::EnvironmentSpec;

/// Environments made at the same time. More would not be ready sooner, and each has a process that waits.
const STARTING_MAX: usize = 16;

/// How long nothing is made ahead of need after a start: what was started has the machine to itself.
const REFILL_DELAY: Duration = Duration::from_millis(25);

/// How long nothing is made ahead of need at most, when one start follows the other.
const REFILL_DELAY_MAX: Duration = Duration::from_millis(500);

/// What is needed now.
#[derive(Default)]
pub(super) struct Starting {
    /// Not begun; the platform asks for no more than [`crate::limits::LAUNCHES_MAX`] at a time.
    waiting: VecDeque<(u64, EnvironmentSpec)>,
    begun: Vec<Begun>,
    /// When the last start was asked for, and the first one of those that have held the stock back.
    last: Option<(Instant, Instant)>,
}

/// How an environment came to be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Made {
    /// Ahead of need.
    Ahead,
    /// When it was needed.
    Now,
    /// The same, with a supervisor that the platform speaks to.
    Supervised,
}

/// An environment that is not ready yet for the function that needs it.
struct Begun {
    id: u64,
    spec: EnvironmentSpec,
    spare: Spare,
    since: Instant,
}

impl Starting {
    /// Those that have something to tell, by process id.
    pub(super) fn telling(&self) -> impl Iterator<Item = (i32, BorrowedFd<'_>)> {
        self.begun.iter().map(|begun| (begun.spare.pid, begun.spare.control.as_fd()))
    }

    pub(super) fn is_of(&self, pid: i32) -> bool {
        self.begun.iter().any(|begun| begun.spare.pid == pid)
    }

    pub(super) fn drain(&mut self) -> impl Iterator<Item = Spare> + use<> {
        self.waiting.clear();
        std::mem::take(&mut self.begun).into_iter().map(|begun| begun.spare)
    }

    /// Whether the machine may be used for what nobody waits for.
    pub(super) fn is_quiet(&self) -> bool {
        self.until_quiet().is_zero()
    }

    pub(super) fn until_quiet(&self) -> Duration {
        let Some((last, first)) = self.last else { return Duration::ZERO };
        let end = (last + REFILL_DELAY).min(first + REFILL_DELAY_MAX);
        end.saturating_duration_since(Instant::now())
    }

    /// How long the oldest one may still take.
    pub(super) fn until_late(&self) -> Option<Duration> {
        let oldest = self.begun.iter().map(|begun| begun.since).min()?;
        Some((oldest + READY_TIMEOUT).saturating_duration_since(Instant::now()))
    }

    fn note(&mut self) {
        let now = Instant::now();
        let first = match self.last {
            Some((_, first)) if !self.is_quiet() => first,
            _ => now,
        };
        self.last = Some((now, first));
    }
}

impl Launcher {
    /// Starts what is asked for, at once if one was made ahead of need.
    pub(super) fn launch(&mut self, id: u64, spec: EnvironmentSpec) -> Step<()> {
        self.starting.note();
        let Some((member, key, left)) = self.take_member(&spec) else {
            self.starting.waiting.push_back((id, spec));
            return Ok(());
        };
        let called = self.call_up(id, spec, member);
        self.answer(id, called, Made::Ahead)?;
        self.send(&Reply::Stock { key, ready: left, made_us: None }, &[])
    }

    fn answer(&mut self, id: u64, prepared: Step<Prepared>, made: Made) -> Step<()> {
        match prepared {
            Ok(Prepared { control, sockets, output, pidfd, program }) => {
                self.spares_wanted = self.spares_most;
                let (parked, supervised) = (made == Made::Ahead, made == Made::Supervised);
                let first = [output.as_raw_fd(), pidfd.as_raw_fd()];
                let last = supervised.then(|| program.as_raw_fd());
                let descriptors: Vec<_> = first.into_iter().chain(sockets.numbers()).chain(last).collect();
                self.send(&Reply::Launched { id, control, parked, supervised }, &descriptors)
            }
            Err(failure) => self.send(&Reply::Refused { id, failure }, &[]),
        }
    }

    /// Begins as many of those that wait as may be made at the same time.
    pub(super) fn begin_waiting(&mut self) -> Step<()> {
        while self.starting.begun.len() < STARTING_MAX
            && let Some((id, spec)) = self.starting.waiting.pop_front()
        {
            let spare = self.spares.pop_front().map_or_else(|| self.begin(), Ok);
            match spare {
                Ok(spare) => self.starting.begun.push(Begun { id, spec, spare, since: Instant::now() }),
                Err(failure) => self.send(&Reply::Refused { id, failure }, &[])?,
            }
        }
        Ok(())
    }

    /// One that was begun is ready, or has failed.
    pub(super) fn go_on(&mut self, pid: i32) -> Step<()> {
        let Some(at) = self.starting.begun.iter().position(|begun| begun.spare.pid == pid) else { return Ok(()) };
        let Begun { id, spec, spare, .. } = self.starting.begun.swap_remove(at);
        let made = if spec.extensions.is_some() { Made::Supervised } else { Made::Now };
        let sockets = spare.sockets().and_then(|sockets| self.assign(spec, &spare).map(|()| sockets));
        let prepared = self.hand_over(id, spare, sockets);
        self.answer(id, prepared, made)
    }

    /// One that was begun has ended before it was ready, and has been waited for.
    pub(super) fn lose_begun(&mut self, pid: i32) -> Step<()> {
        let Some(at) = self.starting.begun.iter().position(|begun| begun.spare.pid == pid) else { return Ok(()) };
        let Begun { id, spare, .. } = self.starting.begun.swap_remove(at);
        let ended = || Failure { step: "wait for a new environment".into(), errno: libc::ECHILD };
        let failure = spare.sockets().err().unwrap_or_else(ended);
        spare.cgroup.remove();
        self.send(&Reply::Refused { id, failure }, &[])
    }

    fn assign(&mut self, spec: EnvironmentSpec, spare: &Spare) -> Step<()> {
        let template = self.templates.get(&spec.root)?;
        let volume = self.volumes.plan(spec.tmp_mb, spare.number)?;
        let cgroups = &self.inheritance.cgroups;
        let process_memory_mb = (!cgroups.limits_memory()).then_some(spec.memory_mb);
        cgroups.limit(&spare.cgroup, spec.memory_mb)?;
        let runtime = Calling { command: spec.command, env: spec.env, working_directory: spec.working_directory };
        let program = match spec.extensions {
            Some(extensions) => Program::Supervisor(Supervision { runtime, extensions }),
            None => Program::Known(runtime),
        };
        let code = Some(Code { directory: spec.code_dir, layers: spec.layer_dirs });
        let uid = self.rights.uid(spare.number);
        spare.assign(&Assignment { program, code, template, volume, uid, process_memory_mb })
    }

    /// Gives those up that have not become ready in time.
    pub(super) fn give_up_late(&mut self) -> Step<()> {
        if self.starting.until_late() != Some(Duration::ZERO) {
            return Ok(());
        }
        let is_late = |begun: &mut Begun| begun.since.elapsed() >= READY_TIMEOUT;
        let late: Vec<Begun> = self.starting.begun.extract_if(.., is_late).collect();
        for Begun { id, spare, .. } in late {
            let failure = Failure { step: "wait for a new environment".into(), errno: libc::ETIMEDOUT };
            let given_up = self.hand_over(id, spare, Err(failure));
            self.answer(id, given_up, Made::Now)?;
        }
        Ok(())
    }
}
