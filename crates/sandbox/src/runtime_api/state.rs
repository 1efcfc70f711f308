//! What the runtime has been given and has answered: the state machine behind the Runtime API.
//!
//! The states and their names are those of AWS's own runtime interface, which shows them in its error messages.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, mpsc, oneshot};

use super::answer::Refusal;
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
}

/// Shared by the server, which speaks to the runtime, and the environment, which speaks to the platform.
pub(crate) struct RuntimeApi {
    state: Mutex<State>,
    /// An invocation has become available.
    available: Notify,
    /// The runtime has begun to wait for an event.
    idle: Notify,
}

impl RuntimeApi {
    /// A runtime that has just been started. The receiver gets the end of its initialisation.
    pub(crate) fn new() -> (Arc<RuntimeApi>, oneshot::Receiver<RuntimeReply>) {
        let (reply, receiver) = oneshot::channel();
        let state = State { phase: Phase::Started, current: None, taken: false, reply: Some(reply), waiting: 0 };
        let api = RuntimeApi { state: Mutex::new(state), available: Notify::new(), idle: Notify::new() };
        (Arc::new(api), receiver)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that can panic runs under this lock; a poisoned one is still consistent.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the runtime an event. `None` when it is not able to take one.
    pub(crate) fn begin_invocation(&self, invocation: Invocation) -> Option<oneshot::Receiver<RuntimeReply>> {
        let mut state = self.lock();
        if state.phase != Phase::Idle {
            return None;
        }
        let (reply, receiver) = oneshot::channel();
        state.phase = Phase::Invoked;
        state.current = Some(Arc::new(invocation));
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

    /// Waits until the runtime waits for an event.
    pub(crate) async fn until_idle(&self) {
        loop {
            let idle = self.idle.notified();
            if self.lock().waiting > 0 {
                return;
            }
            idle.await;
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
                state.answer(RuntimeReply::Ready);
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
