//! One running environment, from the platform's side.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use tokio::sync::{oneshot, watch};

use crate::control::Control;
use crate::error::SandboxError;
use crate::extension::{ExtensionStatus, FunctionDescription, Host, ShutdownReason};
use crate::launcher::message::{End, EndCause, Process};
use crate::limits;
use crate::link::Launched;
use crate::network::{self, Listeners, Served, Shared};
use crate::outcome::{InitOutcome, InitReport, Invocation, InvokeOutcome, InvokeReport, MemoryUsage};
use crate::output::{Output, OutputSink};
use crate::runtime_api::{Broken, Introduction, RuntimeApi, RuntimeReply, Server};
use crate::spec::EnvironmentSpec;
use crate::supervisor::Supervisor;

/// How long [`Environment::freeze`] waits for a runtime that has answered to ask for its next event.
pub const FREEZE_GRACE: Duration = Duration::from_millis(100);

/// An execution environment. One initialisation, then invocations one after another; dropping it kills every process
/// in it.
pub struct Environment {
    control: Control,
    api: Arc<RuntimeApi>,
    server: Server,
    /// The end of the initialisation, until somebody has waited for it.
    init_reply: Option<oneshot::Receiver<RuntimeReply>>,
    end: watch::Receiver<Option<End>>,
    output: Output,
    /// Starts extensions and the runtime, if there are extensions.
    supervisor: Option<Supervisor>,
    listeners: Option<Listeners>,
    _network: Served,
    entrypoint: String,
    memory_mb: u32,
    launched_at: Instant,
    ready: bool,
    made_ahead: bool,
}

/// What ended a wait for the runtime.
enum Awaited {
    Reply(RuntimeReply),
    Broken(Broken),
    Ended(End),
    TimedOut,
}

impl Environment {
    /// What is needed of the specification of an environment that is being made, to be given to [`Environment::new`].
    pub(crate) fn traits(spec: &EnvironmentSpec) -> Traits {
        let extensions = spec.extensions.as_ref().map(|extensions| extensions.names.clone()).unwrap_or_default();
        Traits { entrypoint: spec.command.first().cloned().unwrap_or_default(), memory_mb: spec.memory_mb, extensions }
    }

    pub(crate) async fn new(
        traits: Traits,
        launched: Launched,
        network: &Arc<Shared>,
    ) -> Result<Environment, SandboxError> {
        let Traits { entrypoint, memory_mb, extensions } = traits;
        let control = Control::open(launched.control, launched.pidfd).map_err(SandboxError::io("open its controls"))?;
        let (supervisor, extension_output) = match launched.supervisor {
            Some(socket) => {
                let met = Supervisor::meet(socket).await.map_err(SandboxError::io("speak to the supervisor"))?;
                (Some(met.0), met.1)
            }
            None => (None, None),
        };
        let output = Output::new(launched.output, extension_output);
        let output = output.map_err(SandboxError::io("read the function's output"))?;
        let (listener, listeners, served) = network::serve(network, launched.sockets)?;
        let (api, init_reply) = RuntimeApi::new(&extensions);
        let server = Server::new(listener, Arc::clone(&api));
        Ok(Environment {
            control,
            api,
            server,
            init_reply: Some(init_reply),
            end: launched.end,
            output,
            supervisor,
            listeners: Some(listeners),
            _network: served,
            entrypoint,
            memory_mb,
            launched_at: Instant::now(),
            ready: false,
            made_ahead: launched.parked,
        })
    }

    /// Waits until the runtime asks for its first event, fails, ends, or `timeout` (counted from now) has passed, in
    /// which case the environment is killed. What the function prints meanwhile goes to `sink`.
    ///
    /// # Errors
    /// [`SandboxError::Launch`] when the environment could not be set up, [`SandboxError::NotReady`] when called twice.
    pub async fn init(&mut self, timeout: Duration, sink: &mut impl OutputSink) -> Result<InitReport, SandboxError> {
        let reply = self.init_reply.take().ok_or(SandboxError::NotReady)?;
        let outcome = match self.until(reply, timeout, sink).await {
            Awaited::Reply(RuntimeReply::Ready) => {
                self.ready = true;
                self.control.end_init_boost(self.memory_mb).map_err(SandboxError::io("set the CPU share"))?;
                InitOutcome::Ready
            }
            Awaited::Reply(RuntimeReply::InitError(error)) => InitOutcome::Failed(error),
            // Answers need an invocation, and there is none before the runtime is ready.
            Awaited::Reply(RuntimeReply::Outcome(_)) => return Err(SandboxError::NotReady),
            Awaited::Broken(broken) | Awaited::Reply(RuntimeReply::Broken(broken)) => self.init_broken(broken),
            Awaited::TimedOut => InitOutcome::TimedOut,
            Awaited::Ended(end) => self.init_end(end)?,
        };
        Ok(InitReport { outcome, duration: self.launched_at.elapsed() })
    }

    fn init_broken(&self, broken: Broken) -> InitOutcome {
        match broken {
            Broken::NotExecuted { errno } => InitOutcome::InvalidEntrypoint { path: self.entrypoint.clone(), errno },
            Broken::Extension(failure) => InitOutcome::ExtensionFailed(failure),
            Broken::Runtime { wait_status } => match self.process_end(wait_status) {
                Some(status) => InitOutcome::Exited(status),
                None => InitOutcome::OutOfMemory,
            },
        }
    }

    fn invoke_broken(&self, broken: Broken) -> InvokeOutcome {
        match broken {
            Broken::Extension(failure) => InvokeOutcome::ExtensionFailed(failure),
            // A runtime that was never executed has no events.
            Broken::NotExecuted { .. } => InvokeOutcome::Exited(ExitStatus::from_raw(0)),
            Broken::Runtime { wait_status } => match self.process_end(wait_status) {
                Some(status) => InvokeOutcome::Exited(status),
                None => InvokeOutcome::OutOfMemory,
            },
        }
    }

    /// How a process of an environment that has not ended did; `None` when it was killed for exceeding the memory limit.
    fn process_end(&self, wait_status: i32) -> Option<ExitStatus> {
        let oom_kills = self.control.oom_kills();
        end_status(&End { cause: EndCause::Exited { wait_status }, oom_kills, peak_bytes: 0 })
    }

    fn init_end(&self, end: End) -> Result<InitOutcome, SandboxError> {
        Ok(match end.cause {
            EndCause::SetupFailed { step, errno } => {
                return Err(SandboxError::Launch { step, source: io::Error::from_raw_os_error(errno) });
            }
            EndCause::NotExecuted { errno } => InitOutcome::InvalidEntrypoint { path: self.entrypoint.clone(), errno },
            EndCause::Exited { .. } | EndCause::Killed => match end_status(&end) {
                Some(status) => InitOutcome::Exited(status),
                None => InitOutcome::OutOfMemory,
            },
        })
    }

    /// Hands one event to the function and waits for its answer, its end, or the event's timeout, after which the
    /// environment is killed. A frozen environment is thawed first. When the returned future is dropped before it is
    /// done, the environment is killed, as its function would go on with an event nobody waits for.
    ///
    /// What the function prints meanwhile goes to `sink`; what it printed last may still be in the pipe when this
    /// returns, see [`Environment::drain`].
    ///
    /// # Errors
    /// [`SandboxError::NotReady`] before a successful [`Environment::init`]; [`SandboxError::NotTaken`] when the function
    /// has ended since. One that ends with the event is not an error but [`InvokeOutcome::Exited`].
    pub async fn invoke(
        &mut self,
        invocation: Invocation,
        sink: &mut impl OutputSink,
    ) -> Result<InvokeReport, SandboxError> {
        if !self.ready {
            return Err(SandboxError::NotReady);
        }
        let started = Instant::now();
        let timeout = invocation.timeout;
        let thawed = self.control.thaw();
        let ended = self.end.borrow().clone();
        let outcome = match (ended, thawed) {
            (Some(_), _) | (None, Err(_)) => return Err(SandboxError::NotTaken),
            (None, Ok(())) => {
                let reply = self.api.begin_invocation(invocation).ok_or(SandboxError::NotReady)?;
                match self.until(reply, timeout, sink).await {
                    Awaited::Reply(RuntimeReply::Outcome(outcome)) => outcome,
                    // Neither can follow a successful initialisation.
                    Awaited::Reply(RuntimeReply::Ready | RuntimeReply::InitError(_)) => {
                        return Err(SandboxError::NotReady);
                    }
                    Awaited::Broken(broken) | Awaited::Reply(RuntimeReply::Broken(broken)) => {
                        self.invoke_broken(broken)
                    }
                    Awaited::TimedOut => InvokeOutcome::TimedOut,
                    Awaited::Ended(_) if !self.api.was_taken() => return Err(SandboxError::NotTaken),
                    Awaited::Ended(end) => invoke_end(&end),
                }
            }
        };
        Ok(InvokeReport { outcome, duration: started.elapsed() })
    }

    /// Waits for the runtime's reply. Kills the environment at the timeout, and when this future is dropped.
    async fn until(
        &mut self,
        reply: oneshot::Receiver<RuntimeReply>,
        timeout: Duration,
        sink: &mut impl OutputSink,
    ) -> Awaited {
        let has_extensions = self.has_extensions();
        let mut guard = KillUnlessDone { control: &mut self.control, done: false };
        let mut end = self.end.clone();
        let awaited = tokio::select! {
            biased;
            reply = reply => match reply {
                Ok(reply) => Awaited::Reply(reply),
                // The other half lives as long as `self.api`; this is unreachable and harmless.
                Err(_) => Awaited::TimedOut,
            },
            end = ended(&mut end) => Awaited::Ended(end),
            () = tokio::time::sleep(timeout) => Awaited::TimedOut,
            never = self.server.drive() => match never {},
            never = supervise(&mut self.supervisor, &self.api) => match never {},
            never = self.output.pump(sink) => match never {},
        };
        // Extensions are told of the end before it comes, see `retire`.
        guard.done = has_extensions || !matches!(awaited, Awaited::TimedOut);
        drop(guard);
        self.server.rest();
        awaited
    }

    /// Makes the function known to the extensions that register. To be called before [`Environment::init`].
    pub fn introduce(&self, function: FunctionDescription, host: Arc<dyn Host>) {
        self.api.introduce(Introduction { function, host });
    }

    /// Whether there are extensions, which may go on after the function has answered.
    pub fn has_extensions(&self) -> bool {
        self.api.extensions(|registry| !registry.is_empty())
    }

    /// What is to be said of each extension.
    pub fn extensions(&self) -> Vec<ExtensionStatus> {
        self.api.extensions(|registry| registry.statuses())
    }

    /// Waits, after an invocation was answered, until the runtime and the extensions ask for the next event, or `timeout`
    /// has passed. Answers how the invocation failed after all, if it did; the environment is of no use then.
    pub async fn finish(&mut self, timeout: Duration, sink: &mut impl OutputSink) -> Option<InvokeOutcome> {
        let mut end = self.end.clone();
        let failed = tokio::select! {
            biased;
            broken = self.api.until_broken() => Awaited::Broken(broken),
            () = self.api.until_idle() => return None,
            end = ended(&mut end) => Awaited::Ended(end),
            () = tokio::time::sleep(timeout) => Awaited::TimedOut,
            never = self.server.drive() => match never {},
            never = supervise(&mut self.supervisor, &self.api) => match never {},
            never = self.output.pump(sink) => match never {},
        };
        match failed {
            Awaited::Broken(broken) => Some(self.invoke_broken(broken)),
            Awaited::Ended(end) => Some(invoke_end(&end)),
            Awaited::TimedOut | Awaited::Reply(_) => Some(InvokeOutcome::TimedOut),
        }
    }

    /// Tells extensions that the environment ends, and the runtime by SIGTERM, and waits until they have ended, no longer
    /// than AWS does. Without extensions it does nothing. [`Environment::shutdown`] ends what is left.
    pub async fn retire(&mut self, reason: ShutdownReason, sink: &mut impl OutputSink) {
        if !self.has_extensions() || self.has_ended() || self.control.thaw().is_err() {
            return;
        }
        self.api.begin_ending();
        let mut end = self.end.clone();
        tokio::select! {
            biased;
            () = shutdown_phases(&self.api, &mut self.supervisor, &self.control, reason) => {}
            _ = ended(&mut end) => {}
            never = self.server.drive() => match never {},
            never = self.output.pump(sink) => match never {},
        }
        self.output.drain(sink);
    }

    /// Hands on what the function has printed by now, an unfinished line included. After [`Environment::invoke`] that
    /// is the rest of what belongs to the invocation.
    pub fn drain(&mut self, sink: &mut impl OutputSink) {
        self.output.drain(sink);
    }

    /// The listeners behind the platform's endpoint and names inside the environment. Can be taken once.
    pub fn take_listeners(&mut self) -> Option<Listeners> {
        self.listeners.take()
    }

    /// Stops every process until the next [`Environment::thaw`] or [`Environment::invoke`]. Waits shortly (at most
    /// [`FREEZE_GRACE`]) for a runtime that has answered to ask for its next event, so that its housekeeping is done.
    ///
    /// # Errors
    /// [`SandboxError::Io`] when the environment has ended.
    pub async fn freeze(&mut self) -> Result<(), SandboxError> {
        // A runtime that takes longer is stopped where it is, which it cannot notice.
        tokio::select! {
            biased;
            () = self.api.until_idle() => {}
            () = tokio::time::sleep(FREEZE_GRACE) => {}
            never = self.server.drive() => match never {},
            never = supervise(&mut self.supervisor, &self.api) => match never {},
        }
        self.server.rest();
        self.control.freeze().map_err(SandboxError::io("freeze the environment"))
    }

    /// Lets a frozen environment run.
    ///
    /// # Errors
    /// [`SandboxError::Io`] when the environment has ended.
    pub fn thaw(&mut self) -> Result<(), SandboxError> {
        self.control.thaw().map_err(SandboxError::io("thaw the environment"))
    }

    /// Peak memory since launch; also after the end.
    ///
    /// # Errors
    /// [`SandboxError::Io`] when it cannot be read.
    pub fn usage(&self) -> Result<MemoryUsage, SandboxError> {
        if let Some(end) = &*self.end.borrow() {
            return Ok(MemoryUsage { peak_bytes: end.peak_bytes });
        }
        let peak_bytes = self.control.peak_bytes().map_err(SandboxError::io("read the memory usage"))?;
        Ok(MemoryUsage { peak_bytes })
    }

    /// Whether it was made ahead of need.
    pub fn was_made_ahead(&self) -> bool {
        self.made_ahead
    }

    /// True once the environment has ended, for whatever reason.
    pub fn has_ended(&self) -> bool {
        self.end.borrow().is_some()
    }

    /// Kills every process and waits until all of them, their mounts and their cgroups are gone. The last that was
    /// printed goes to `sink`.
    ///
    /// # Errors
    /// [`SandboxError::LauncherGone`] when that takes longer than [`limits::SHUTDOWN_TIMEOUT`].
    pub async fn shutdown(mut self, sink: &mut impl OutputSink) -> Result<(), SandboxError> {
        self.control.kill();
        let gone = until_gone(&mut self.end).await;
        self.output.drain(sink);
        gone.map(|_| ())
    }
}

/// What a new environment has to know of what was asked for.
pub(crate) struct Traits {
    entrypoint: String,
    memory_mb: u32,
    /// Names of its external extensions.
    extensions: Vec<String>,
}

async fn supervise(supervisor: &mut Option<Supervisor>, api: &RuntimeApi) -> std::convert::Infallible {
    match supervisor {
        Some(supervisor) => supervisor.drive(api).await,
        None => std::future::pending().await,
    }
}

/// The runtime has a part of the time, and the extensions the rest.
async fn shutdown_phases(
    api: &RuntimeApi,
    supervisor: &mut Option<Supervisor>,
    control: &Control,
    reason: ShutdownReason,
) {
    let Some(supervisor) = supervisor else {
        // The environment ends with its program, which whoever polls this sees.
        control.terminate_program();
        return tokio::time::sleep(limits::SHUTDOWN_WITH_INTERNAL).await;
    };
    let limit = limits::SHUTDOWN_WITH_EXTERNAL;
    let (start, deadline_ms) = (tokio::time::Instant::now(), api.now_ms() + limit.as_millis() as i64);
    if supervisor.has_started_runtime() && !api.runtime_has_ended() {
        supervisor.signal(Process::Runtime, Signal::SIGTERM);
        let share = limit * limits::SHUTDOWN_RUNTIME_PERCENT / 100;
        tokio::select! {
            () = api.until_runtime_ended() => {}
            never = supervisor.drive(api) => match never {},
            () = tokio::time::sleep_until(start + share) => {}
        }
        if !api.runtime_has_ended() {
            supervisor.signal(Process::Runtime, Signal::SIGKILL);
        }
    }
    for other in api.announce_end(reason, deadline_ms) {
        supervisor.signal(Process::Extension(other), Signal::SIGKILL);
    }
    tokio::select! {
        () = api.until_extensions(|registry| registry.alive().is_empty()) => {}
        never = supervisor.drive(api) => match never {},
        () = tokio::time::sleep_until(start + limit) => {}
    }
}

struct KillUnlessDone<'control> {
    control: &'control mut Control,
    done: bool,
}

impl Drop for KillUnlessDone<'_> {
    fn drop(&mut self) {
        if !self.done {
            self.control.kill();
        }
    }
}

async fn until_gone(end: &mut watch::Receiver<Option<End>>) -> Result<End, SandboxError> {
    tokio::time::timeout(limits::SHUTDOWN_TIMEOUT, ended(end))
        .await
        .map_err(|_| SandboxError::LauncherGone("an environment did not end in time".into()))
}

/// Resolves when the environment has ended. The sender lives in the link, which answers for every environment before
/// it lets go of it.
async fn ended(end: &mut watch::Receiver<Option<End>>) -> End {
    match end.wait_for(Option::is_some).await {
        Ok(end) => end.clone().unwrap_or_else(killed),
        Err(_) => killed(),
    }
}

fn killed() -> End {
    End { cause: EndCause::Killed, oom_kills: 0, peak_bytes: 0 }
}

/// How the runtime process ended; `None` when it was killed for exceeding the memory limit.
fn end_status(end: &End) -> Option<ExitStatus> {
    let status = match end.cause {
        EndCause::Exited { wait_status } => ExitStatus::from_raw(wait_status),
        _ => ExitStatus::from_raw(libc::SIGKILL),
    };
    let out_of_memory = end.oom_kills > 0 && status.signal() == Some(libc::SIGKILL);
    (!out_of_memory).then_some(status)
}

fn invoke_end(end: &End) -> InvokeOutcome {
    match end_status(end) {
        Some(status) => InvokeOutcome::Exited(status),
        None => InvokeOutcome::OutOfMemory,
    }
}
