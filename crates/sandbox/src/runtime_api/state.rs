//! What the runtime has been given and has answered: the state machine behind the Runtime API.
//!
//! The states and their names are those of AWS's own runtime interface, which shows them in its error messages.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::sync::{Notify, mpsc, oneshot};

use super::answer::Refusal;
use super::extensions::{Event, Registry, words};
use crate::extension::{ExtensionEvents, ExtensionFailure, FunctionDescription, Host, ShutdownReason};
use crate::launcher::message::Process;
use crate::outcome::{Invocation, InvokeOutcome, ReportedError, StreamPiece};

/// What the runtime did that somebody waits for.
#[derive(Debug)]
pub(crate) enum RuntimeReply {
    /// It asked for its first event.
    Ready,
    /// It reported that initialisation failed.
    InitError(ReportedError),
    /// It answered the current invocation.
    Outcome(InvokeOutcome),
    /// It, or an extension beside it, has ended.
    Broken(Broken),
}

/// Why an environment with a supervisor cannot go on.
#[derive(Clone, Debug)]
pub(crate) enum Broken {
    /// The runtime has ended, with this wait status.
    Runtime { wait_status: i32 },
    /// The runtime could not be executed.
    NotExecuted { errno: i32 },
    /// An extension has failed.
    Extension(ExtensionFailure),
}

/// Where the runtime is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Started, has not asked for an event yet.
    Started,
    /// Reported an initialisation error; only its end can follow.
    InitError,
    /// Has an event, or will get it as soon as it asks.
    Invoked,
    /// Is sending its answer.
    Responding,
    /// Has answered, or has asked for an event when there was none.
    Idle,
}

impl Phase {
    /// The state's name in AWS's error messages.
    fn name(self) -> &'static str {
        match self {
            Phase::Started => "Started",
            Phase::InitError => "InitError",
            Phase::Invoked => "Ready",
            Phase::Responding => "InvocationResponse",
            Phase::Idle => "RuntimeResponseSentState",
        }
    }
}

struct State {
    phase: Phase,
    /// The current invocation, kept after its answer so that a late answer is told apart from an unknown one.
    current: Option<Arc<Invocation>>,
    /// The runtime has got the current invocation.
    taken: bool,
    reply: Option<oneshot::Sender<RuntimeReply>>,
    /// Requests for an event that are waiting now.
    waiting: usize,
    extensions: Registry,
    /// The runtime and every extension have asked for their first event.
    initialised: bool,
    /// The environment is being ended, and so processes end.
    ending: bool,
    runtime_ended: bool,
    broken: Option<Broken>,
}

/// Shared by the server, which speaks to the runtime, and the environment, which speaks to the platform.
pub(crate) struct RuntimeApi {
    state: Mutex<State>,
    /// An invocation has become available.
    available: Notify,
    /// The runtime or an extension has begun to wait for an event, or something has ended.
    idle: Notify,
    /// What extensions are told when they register.
    introduction: OnceLock<Introduction>,
}

/// The function, and the platform, as extensions meet them.
pub(crate) struct Introduction {
    pub(crate) function: FunctionDescription,
    pub(crate) host: Arc<dyn Host>,
}

impl RuntimeApi {
    /// A runtime that has just been started. The receiver gets the end of its initialisation.
    /// `extensions` are the names of those that are processes of their own.
    pub(crate) fn new(extensions: &[String]) -> (Arc<RuntimeApi>, oneshot::Receiver<RuntimeReply>) {
        let (reply, receiver) = oneshot::channel();
        let state = State {
            phase: Phase::Started,
            current: None,
            taken: false,
            reply: Some(reply),
            waiting: 0,
            extensions: Registry::expecting(extensions),
            initialised: false,
            ending: false,
            runtime_ended: false,
            broken: None,
        };
        let (state, introduction) = (Mutex::new(state), OnceLock::new());
        (Arc::new(RuntimeApi { state, available: Notify::new(), idle: Notify::new(), introduction }), receiver)
    }

    /// Makes the function known to its extensions. Once.
    pub(crate) fn introduce(&self, introduction: Introduction) {
        // Made known again, it stays what it was.
        let _ = self.introduction.set(introduction);
    }

    pub(super) fn introduction(&self) -> Option<&Introduction> {
        self.introduction.get()
    }

    /// Looks at, or changes, what is known of the extensions.
    pub(crate) fn extensions<T>(&self, look: impl FnOnce(&mut Registry) -> T) -> T {
        look(&mut self.lock().extensions)
    }

    /// Waits until something holds of the extensions.
    pub(crate) async fn until_extensions(&self, mut holds: impl FnMut(&Registry) -> bool) {
        loop {
            let idle = self.idle.notified();
            if holds(&self.lock().extensions) {
                return;
            }
            idle.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that can panic runs under this lock; a poisoned one is still consistent.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the runtime an event. `None` when it is not able to take one.
    pub(crate) fn begin_invocation(&self, invocation: Invocation) -> Option<oneshot::Receiver<RuntimeReply>> {
        let mut state = self.lock();
        if state.phase != Phase::Idle || state.broken.is_some() || !state.extensions.are_idle() {
            return None;
        }
        let (reply, receiver) = oneshot::channel();
        state.phase = Phase::Invoked;
        let invocation = Arc::new(invocation);
        state.extensions.announce(&invocation);
        state.current = Some(invocation);
        state.taken = false;
        state.reply = Some(reply);
        drop(state);
        self.available.notify_waiters();
        Some(receiver)
    }

    /// Whether the runtime has got the current invocation.
    pub(crate) fn was_taken(&self) -> bool {
        self.lock().taken
    }

    /// Waits until the runtime waits for an event, and the extensions do.
    pub(crate) async fn until_idle(&self) {
        loop {
            let idle = self.idle.notified();
            {
                let state = self.lock();
                if state.waiting > 0 && state.extensions.are_idle() {
                    return;
                }
            }
            idle.await;
        }
    }

    /// Waits until the environment cannot go on.
    pub(crate) async fn until_broken(&self) -> Broken {
        loop {
            let idle = self.idle.notified();
            if let Some(broken) = self.lock().broken.clone() {
                return broken;
            }
            idle.await;
        }
    }

    /// From now on processes end because they were asked to.
    pub(crate) fn begin_ending(&self) {
        self.lock().ending = true;
    }

    /// Tells external extensions that the environment ends. Answers those that do not want to know.
    pub(crate) fn announce_end(&self, reason: ShutdownReason, deadline_ms: i64) -> Vec<String> {
        let others = self.lock().extensions.announce_end(reason, deadline_ms);
        self.available.notify_waiters();
        others
    }

    /// Whether the runtime has ended.
    pub(crate) fn runtime_has_ended(&self) -> bool {
        self.lock().runtime_ended
    }

    /// Waits until the runtime has ended.
    pub(crate) async fn until_runtime_ended(&self) {
        loop {
            let idle = self.idle.notified();
            if self.runtime_has_ended() {
                return;
            }
            idle.await;
        }
    }

    /// The platform's time, in milliseconds since 1970; 0 before it was introduced.
    pub(crate) fn now_ms(&self) -> i64 {
        self.introduction.get().map_or(0, |introduction| introduction.host.now_ms())
    }

    /// A process that a supervisor has started has ended, or could not be started (`Err`, with the kernel's reason).
    pub(crate) fn process_ended(&self, process: &Process, how: Result<i32, i32>) {
        let mut state = self.lock();
        let reported = state.extensions.reported();
        let broken = match (process, how) {
            (Process::Extension(name), Ok(status)) => {
                Broken::Extension(state.extensions.ended(name, words::extension_end(status)))
            }
            (Process::Extension(name), Err(errno)) => {
                let (error_type, reason) = words::launch_error(name, errno);
                Broken::Extension(state.extensions.not_launched(name, error_type, reason))
            }
            (Process::Runtime, how) => {
                state.runtime_ended = true;
                match (how, reported) {
                    (Ok(status), Some(error_type)) => Broken::Extension(ExtensionFailure {
                        error_type: error_type.to_owned(),
                        reason: words::runtime_end(status),
                    }),
                    (Ok(wait_status), None) => Broken::Runtime { wait_status },
                    (Err(errno), _) => Broken::NotExecuted { errno },
                }
            }
        };
        if !state.ending {
            state.broken.get_or_insert_with(|| broken.clone());
            state.answer(RuntimeReply::Broken(broken));
        }
        drop(state);
        self.idle.notify_waiters();
    }

    /// `POST /extension/register`.
    pub(super) fn register(&self, name: &str, events: ExtensionEvents, id: String) -> Result<(), Refusal> {
        let registered = self.lock().extensions.register(name, events, id);
        self.idle.notify_waiters();
        registered
    }

    /// `GET /extension/event/next`: waits for an event.
    pub(super) async fn extension_next(&self, id: &str) -> Result<Event, Refusal> {
        {
            let mut state = self.lock();
            state.extensions.begin_waiting(id)?;
            state.settle();
        }
        self.idle.notify_waiters();
        let _waiting = ExtensionWaiting { api: self, id };
        loop {
            let available = self.available.notified();
            if let Some(event) = self.lock().extensions.take_event(id) {
                return Ok(event);
            }
            available.await;
        }
    }

    /// `GET /runtime/invocation/next`: waits for an event. Asking again before answering gives the same event again.
    pub(super) async fn next(&self) -> Result<Arc<Invocation>, Refusal> {
        self.begin_waiting()?;
        let _waiting = Waiting { api: self };
        loop {
            let available = self.available.notified();
            {
                let mut state = self.lock();
                if let (Phase::Invoked, Some(current)) = (state.phase, state.current.clone()) {
                    state.taken = true;
                    return Ok(current);
                }
            }
            available.await;
        }
    }

    fn begin_waiting(&self) -> Result<(), Refusal> {
        let mut state = self.lock();
        match state.phase {
            Phase::InitError | Phase::Responding => return Err(Refusal::transition(state.phase.name(), "Ready")),
            Phase::Started => {
                state.phase = Phase::Idle;
                // As on AWS, whoever has not registered by now is late.
                state.extensions.close();
                state.settle();
            }
            Phase::Invoked | Phase::Idle => {}
        }
        state.waiting += 1;
        drop(state);
        self.idle.notify_waiters();
        Ok(())
    }

    /// `POST /runtime/init/error`.
    pub(super) fn init_error(&self, error: ReportedError) -> Result<(), Refusal> {
        let mut state = self.lock();
        if state.phase != Phase::Started {
            return Err(Refusal::transition(state.phase.name(), "InitError"));
        }
        state.phase = Phase::InitError;
        state.answer(RuntimeReply::InitError(error));
        Ok(())
    }

    /// The runtime begins to answer an invocation; nothing else is accepted until the answer is complete or broken off.
    pub(super) fn begin_answer(&self, request_id: &str, target: &'static str) -> Result<Answering<'_>, Refusal> {
        let mut state = self.lock();
        if state.current.as_ref().is_none_or(|current| current.request_id != request_id) {
            return Err(Refusal::InvalidRequestId);
        }
        if state.phase != Phase::Invoked {
            return Err(Refusal::transition(state.phase.name(), target));
        }
        state.phase = Phase::Responding;
        Ok(Answering { api: self, complete: false })
    }
}

impl State {
    /// Tells that the initialisation is done, if it has just become so.
    fn settle(&mut self) {
        if !self.initialised
            && self.phase != Phase::Started
            && self.phase != Phase::InitError
            && self.extensions.all_ready()
        {
            self.initialised = true;
            self.answer(RuntimeReply::Ready);
        }
    }

    fn answer(&mut self, reply: RuntimeReply) {
        if let Some(sender) = self.reply.take() {
            // Whoever waited may have given up, and then kills the environment.
            let _ = sender.send(reply);
        }
    }
}

/// One answer on its way in. Dropped before it is complete (the connection broke), the invocation is open again.
pub(super) struct Answering<'api> {
    api: &'api RuntimeApi,
    complete: bool,
}

impl Answering<'_> {
    /// Who takes the answer piece by piece.
    pub(super) fn stream(&self) -> Option<mpsc::Sender<StreamPiece>> {
        self.api.lock().current.as_ref().and_then(|current| current.stream.clone())
    }

    pub(super) fn complete(mut self, outcome: InvokeOutcome) {
        self.complete = true;
        let mut state = self.api.lock();
        state.phase = Phase::Idle;
        state.answer(RuntimeReply::Outcome(outcome));
    }
}

impl Drop for Answering<'_> {
    fn drop(&mut self) {
        if !self.complete {
            self.api.lock().phase = Phase::Invoked;
        }
    }
}

/// Counts a waiting request for an event, also when its connection is dropped.
struct Waiting<'api> {
    api: &'api RuntimeApi,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.api.lock().waiting -= 1;
    }
}

/// Marks an extension as not waiting any more, also when its connection is dropped.
struct ExtensionWaiting<'api> {
    api: &'api RuntimeApi,
    id: &'api str,
}

impl Drop for ExtensionWaiting<'_> {
    fn drop(&mut self) {
        self.api.lock().extensions.end_waiting(self.id);
    }
}
