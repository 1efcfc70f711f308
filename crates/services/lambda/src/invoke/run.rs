//! One invocation from a resolved version to its outcome.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use platform::OrFailure;
use sandbox::limits::STREAM_BYTES_MAX;
use sandbox::{InitOutcome, InitReport, Invocation, InvokeOutcome, SandboxError, ShutdownReason, StreamPiece};
use store::{StoreError, value};
use tokio::sync::mpsc::Sender;
use tokio::sync::oneshot;
use wire::Error;

use super::failure::{self, Failure};
use super::gate::Place;
use super::instance::{End, Instance};
use super::journal::Journal;
use super::launch::{InitializationType, LaunchError, launch_failure};
use super::limits::{FREEZE_DELAY, INIT_TIMEOUT, RESPONSE_BYTES_MAX, TURN_PATIENCE, TURN_TIMEOUT};
use super::lineage::Segment;
use super::lines::{Phase, Report};
use super::pools::{Acquired, Cooling};
use super::unstoppable::Unstoppable;
use super::{Invoker, extensions, gate, lineage, machine};
use crate::function::{FunctionId, FunctionRecord, FunctionVersion};
use crate::keys;
use crate::package::Packages;
use crate::role;

/// What is to be run.
pub struct Request {
    /// Id of the request, which the function sees.
    pub request_id: String,
    /// The event.
    pub payload: Bytes,
    /// The ARN it was invoked under.
    pub invoked_arn: String,
    /// The client context: JSON.
    pub client_context: Option<String>,
    /// The trace header to hand on.
    pub trace_id: Option<String>,
    /// Whether the end of the log is wanted.
    pub tail: bool,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The function's answer, or an error document.
    pub payload: Bytes,
    /// Whether the payload is an error document.
    pub failed: bool,
    /// The end of the log, if it was asked for.
    pub tail: Option<Vec<u8>>,
}

/// An initialised environment, or the last thing to be said about one that could not be.
enum Started {
    Ready { instance: Box<Instance>, init: Option<Duration> },
    Failed(Box<FailedStart>),
}

/// An initialisation that failed twice.
pub(super) struct FailedStart {
    /// Its log is still open; its processes are gone.
    journal: Option<Journal>,
    document: Bytes,
    failure: Failure,
    duration: Duration,
    used_bytes: u64,
}

impl FailedStart {
    /// Writes the rest of its log, when nobody will be told of it.
    pub(super) async fn write(self) {
        if let Some(mut journal) = self.journal {
            journal.flush().await;
        }
    }
}

impl Invoker {
    /// Runs a function once. The run goes on when the caller goes away, as on AWS.
    ///
    /// # Errors
    /// `TooManyRequestsException` if the account or the machine has no room, `RecursiveInvocationException` if the
    /// function was invoked in a loop.
    pub async fn run(
        self: &Arc<Invoker>,
        packages: &Arc<Packages>,
        version: Arc<FunctionVersion>,
        request: Request,
    ) -> Result<Outcome, Error> {
        self.run_into(packages, version, request, None).await
    }

    /// As [`Invoker::run`], with a streamed answer handed on piece by piece.
    ///
    /// # Errors
    /// As [`Invoker::run`].
    pub async fn run_into(
        self: &Arc<Invoker>,
        packages: &Arc<Packages>,
        version: Arc<FunctionVersion>,
        mut request: Request,
        stream: Option<Sender<StreamPiece>>,
    ) -> Result<Outcome, Error> {
        let (now, ids) = (self.platform.clock.now().seconds, &self.platform.ids);
        let is_traced = version.configuration.is_traced;
        let trace = lineage::extend(request.trace_id.as_deref(), &version.function, is_traced, now, ids);
        if trace.hops >= lineage::HOPS_MAX && !self.allows_loops(&version.function).await? {
            self.metrics.loop_ended();
            return Err(failure::recursive());
        }
        request.trace_id = Some(trace.header);
        let place = self.gate.enter(&version.function, version.version).inspect_err(|_| self.metrics.throttled())?;
        let (invoker, packages) = (Arc::clone(self), Arc::clone(packages));
        let work = async move { invoker.run_to_answer(&packages, version, request, stream, place).await };
        Unstoppable::new(work, &self.running).await
    }

    /// Whether the function's owner lets it be invoked in a loop.
    async fn allows_loops(&self, function: &FunctionId) -> Result<bool, Error> {
        let partition = keys::partition().or_failure()?;
        let row = self.platform.store.get(&partition, &keys::function(function)).await.or_failure()?;
        let Some(row) = row else { return Ok(false) };
        let record: FunctionRecord = value::decode(keys::FORMAT, &row).map_err(StoreError::from).or_failure()?;
        Ok(record.allows_loops)
    }

    async fn run_to_answer(
        self: &Arc<Invoker>,
        packages: &Packages,
        version: Arc<FunctionVersion>,
        request: Request,
        stream: Option<Sender<StreamPiece>>,
        place: Place,
    ) -> Result<Outcome, Error> {
        let mut place = Some(place);
        let outcome = loop {
            match self.environment(packages, &version, &request).await? {
                Started::Ready { instance, init } => {
                    if let Some(outcome) =
                        self.use_instance(*instance, init, &request, stream.clone(), &mut place).await?
                    {
                        break outcome;
                    }
                }
                Started::Failed(failed) => break self.report_failed_start(*failed, &version, &request),
            }
        };
        drop(place);
        Ok(outcome)
    }

    /// A warm environment, or a new one.
    async fn environment(
        &self,
        packages: &Packages,
        version: &Arc<FunctionVersion>,
        request: &Request,
    ) -> Result<Started, Error> {
        let mut in_turn = true;
        loop {
            let instance = match self.pools.acquire(version, in_turn, self.platform.clock.monotonic()) {
                Acquired::Warm(instance) => *instance,
                Acquired::Turn(turn) => match self.turn(version, turn).await {
                    Some(instance) => instance,
                    None => {
                        in_turn = false;
                        continue;
                    }
                },
                Acquired::Soon(soon) => match soon.await {
                    Ok(instance) => instance,
                    // It did not come back: look again.
                    Err(_) => continue,
                },
                Acquired::None => return self.start(packages, version, request).await,
            };
            let (identity, end) = (&instance.identity, instance.credentials_end);
            let is_current = role::is_current(&self.platform, version, identity, end).await;
            if instance.environment.has_ended() || !matches!(is_current, Ok(true)) {
                self.pools.lose(version);
                self.end(instance);
                is_current?;
                continue;
            }
            return Ok(Started::Ready { instance: Box::new(instance), init: None });
        }
    }

    /// Waits for an invocation's turn, as long as turns come and the processors are busy.
    async fn turn(&self, version: &FunctionVersion, mut turn: oneshot::Receiver<Instance>) -> Option<Instance> {
        let clock = &self.platform.clock;
        let began = clock.monotonic();
        let mut now = began;
        while now - began < TURN_TIMEOUT {
            let since = now;
            if let Ok(came) = tokio::time::timeout(TURN_PATIENCE, &mut turn).await {
                return came.ok();
            }
            now = clock.monotonic();
            if !self.pools.is_moving(version, since, now) {
                break;
            }
        }
        // It may have come just now.
        turn.close();
        turn.try_recv().ok()
    }

    /// Starts and initialises an environment: within [`INIT_TIMEOUT`] first, and if that fails once more within the
    /// function's own timeout.
    async fn start(
        &self,
        packages: &Packages,
        version: &Arc<FunctionVersion>,
        request: &Request,
    ) -> Result<Started, Error> {
        let has_room = machine::has_room() || {
            self.end_idle();
            machine::has_room()
        };
        if !has_room || !self.scaling.start(&version.function, self.platform.clock.monotonic()) {
            self.metrics.throttled();
            return Err(gate::throttled());
        }
        let plan = match self.launcher.plan(version, packages).await {
            Ok(plan) => plan,
            Err(LaunchError::Key(error)) => return Err(error),
            Err(error) => return Ok(Started::Failed(Box::new(not_started(&error, request)))),
        };
        let identity = role::session(&self.platform, version).await?;
        let target = self.launcher.target(version, identity);
        let timeout = Duration::from_secs(u64::from(version.configuration.timeout_seconds));
        for (phase, limit) in [(Phase::Init, INIT_TIMEOUT), (Phase::Invoke, timeout)] {
            let mut instance = match self.launcher.launch(&plan, &target, phase, InitializationType::OnDemand).await {
                Ok(instance) => instance,
                Err(error) => return Ok(Started::Failed(Box::new(not_started(&error, request)))),
            };
            self.metrics.launched(plan.kind(), instance.environment.was_made_ahead());
            let report = match instance.environment.init(limit, &mut instance.journal).await {
                Ok(report) => report,
                Err(error) => {
                    self.end(instance);
                    return Ok(Started::Failed(Box::new(not_started(&error.into(), request))));
                }
            };
            instance.tell_extensions();
            if matches!(report.outcome, InitOutcome::Ready) {
                self.metrics.started(report.duration);
                self.pools.add(version);
                return Ok(Started::Ready { instance: Box::new(instance), init: Some(report.duration) });
            }
            let failed = self.failed_start(instance, report, phase, limit, &request.request_id).await;
            if phase == Phase::Invoke {
                return Ok(Started::Failed(Box::new(failed)));
            }
            failed.write().await;
        }
        unreachable!("the second phase answers in either case")
    }

    /// Ends an environment that could not be initialised, and writes down why.
    pub(super) async fn failed_start(
        &self,
        mut instance: Instance,
        report: InitReport,
        phase: Phase,
        limit: Duration,
        request_id: &str,
    ) -> FailedStart {
        instance.reason = match report.outcome {
            InitOutcome::TimedOut => ShutdownReason::Timeout,
            _ => ShutdownReason::Failure,
        };
        let used_bytes = instance.used_bytes();
        let mut journal = instance.end_open().await;
        let (failure, document) = init_failure(&report.outcome, limit, request_id);
        let line = journal.lines.init_report(self.platform.clock.now(), phase, report.duration, &failure);
        if let Some(line) = line {
            journal.add(line);
        }
        FailedStart { journal: Some(journal), document, failure, duration: report.duration, used_bytes }
    }

    fn report_failed_start(
        self: &Arc<Invoker>,
        failed: FailedStart,
        version: &FunctionVersion,
        request: &Request,
    ) -> Outcome {
        let report = Report {
            duration: failed.duration,
            init: None,
            memory_mb: version.configuration.memory_mb,
            used_mb: used_mb(failed.used_bytes, version),
            failure: Some(failed.failure),
            segment: None,
        };
        self.metrics.invoked(report.duration, true);
        let mut tail = Vec::new();
        if let Some(mut journal) = failed.journal {
            let now = self.platform.clock.now();
            journal.begin(&request.request_id, now);
            tail = journal.finish(&request.request_id, now, &report);
            self.running.spawn(async move { journal.flush().await });
        }
        Outcome { payload: failed.document, failed: true, tail: request.tail.then_some(tail) }
    }

    /// Hands the event to an environment and takes the environment back. `None` if it ended before it took the event,
    /// which another one may have then.
    async fn use_instance(
        self: &Arc<Invoker>,
        mut instance: Instance,
        init: Option<Duration>,
        request: &Request,
        stream: Option<Sender<StreamPiece>>,
        place: &mut Option<Place>,
    ) -> Result<Option<Outcome>, Error> {
        let version = Arc::clone(&instance.version);
        let timeout = Duration::from_secs(u64::from(version.configuration.timeout_seconds));
        let limit = if stream.is_some() { STREAM_BYTES_MAX as usize } else { RESPONSE_BYTES_MAX };
        let now = self.platform.clock.now();
        instance.settle();
        instance.journal.flush_if_due().await;
        instance.journal.begin(&request.request_id, now);
        let invocation = Invocation {
            request_id: request.request_id.clone(),
            payload: request.payload.clone(),
            timeout,
            deadline_ms: now.milliseconds() + timeout.as_millis() as i64,
            invoked_function_arn: request.invoked_arn.clone(),
            trace_id: request.trace_id.clone(),
            client_context: request.client_context.clone(),
            cognito_identity: None,
            stream,
        };
        let report = match instance.environment.invoke(invocation, &mut instance.journal).await {
            Ok(report) => report,
            Err(error) => {
                self.pools.lose(&version);
                self.end(instance);
                if matches!(error, SandboxError::NotTaken) {
                    return Ok(None);
                }
                tracing::error!(%error, function = version.arn(), "an environment could not take an event");
                return Err(Error::bare(&wire::error::common::INTERNAL_FAILURE));
            }
        };
        let reason = extensions::reason(&report.outcome);
        let Verdict { payload, failed, failure, usable } =
            Verdict::of(report.outcome, timeout, limit, &request.request_id);
        self.metrics.invoked(report.duration, failed);
        let (request_id, at) = (request.request_id.clone(), self.platform.clock.now());
        let header = request.trace_id.as_deref().filter(|_| version.configuration.is_traced);
        let segment = header.and_then(Segment::of);
        let end = End { request_id, at, duration: report.duration, init, failure, segment };
        if !usable {
            instance.reason = reason;
        } else if instance.environment.has_extensions() {
            let finishing = Arc::clone(self).finish(instance, end, timeout, place.take());
            let tail = if request.tail {
                Some(finishing.await)
            } else {
                self.running.spawn(finishing);
                None
            };
            return Ok(Some(Outcome { payload, failed, tail }));
        }
        instance.unwritten = Some(end);
        let tail = request.tail.then(|| instance.settle());
        self.take_back(instance, usable);
        Ok(Some(Outcome { payload, failed, tail }))
    }

    /// Keeps an environment that has answered for the next event, or ends it. Its log and its freezing wait until it
    /// has been idle for a moment, so that neither is on the way of an answer or of the next event.
    pub(super) fn take_back(&self, mut instance: Instance, usable: bool) {
        if !usable || instance.release() {
            self.pools.lose(&instance.version);
            self.end(instance);
        } else if let Some(unwanted) = self.pools.give_back(instance, self.platform.clock.monotonic()) {
            self.end(unwanted);
        }
    }

    /// Freezes environments that have been idle for [`FREEZE_DELAY`], until the platform stops.
    pub(super) async fn cool_down(&self) {
        let stopping = self.platform.background.stopping();
        loop {
            tokio::select! {
                () = stopping.cancelled() => return,
                () = self.pools.until_hot() => {}
            }
            tokio::time::sleep(FREEZE_DELAY).await;
            let deadline = self.platform.clock.monotonic().saturating_sub(FREEZE_DELAY);
            let cooling = self.pools.cool(deadline);
            join_all(cooling.into_iter().map(|cooling| self.freeze(cooling))).await;
        }
    }

    async fn freeze(&self, mut cooling: Cooling) {
        let instance = &mut cooling.instance;
        instance.settle();
        instance.journal.flush().await;
        if instance.environment.freeze().await.is_err() {
            self.pools.lose_cooling(&instance.version);
            self.end(cooling.instance);
            return;
        }
        // What it printed between its answer and now.
        instance.environment.drain(&mut instance.journal);
        instance.journal.flush().await;
        if let Some(unwanted) = self.pools.cooled(cooling) {
            self.end(unwanted);
        }
    }
}

impl Instance {
    /// Peak memory so far, in bytes.
    fn used_bytes(&self) -> u64 {
        self.environment.usage().map(|usage| usage.peak_bytes).unwrap_or_default()
    }

    /// Writes the last lines of the invocation that has ended, behind what it printed, unless they are written. Answers
    /// the end of its log.
    pub(super) fn settle(&mut self) -> Vec<u8> {
        let Some(end) = self.unwritten.take() else { return Vec::new() };
        self.environment.drain(&mut self.journal);
        let report = Report {
            duration: end.duration,
            init: end.init,
            memory_mb: self.version.configuration.memory_mb,
            used_mb: used_mb(self.used_bytes(), &self.version),
            failure: end.failure,
            segment: end.segment,
        };
        self.journal.finish(&end.request_id, end.at, &report)
    }

    /// Ends its processes, and waits until they are gone. Its log is still open.
    async fn end_open(mut self) -> Journal {
        self.settle();
        let Instance { mut environment, mut journal, endpoint, slot, packages, reason, .. } = self;
        environment.retire(reason, &mut journal).await;
        if let Err(error) = environment.shutdown(&mut journal).await {
            tracing::warn!(%error, "an environment could not be ended");
        }
        drop((endpoint, slot, packages));
        journal
    }

    /// Ends its processes, and waits until they are gone and its log is handed on.
    pub(super) async fn end(self) {
        let mut journal = self.end_open().await;
        journal.flush().await;
    }
}

/// What an outcome means for the caller and for the environment.
pub(super) struct Verdict {
    payload: Bytes,
    failed: bool,
    /// Set if the platform, not the function, words the error.
    pub(super) failure: Option<Failure>,
    /// The environment can take another event.
    usable: bool,
}

impl Verdict {
    pub(super) fn of(outcome: InvokeOutcome, timeout: Duration, limit: usize, request_id: &str) -> Verdict {
        let broken = |failure: Failure| Verdict {
            payload: failure.document(request_id),
            failed: true,
            failure: Some(failure),
            usable: false,
        };
        match outcome {
            InvokeOutcome::Response { payload, .. } => Verdict { payload, failed: false, failure: None, usable: true },
            InvokeOutcome::FunctionError(error) => {
                Verdict { payload: error.payload, failed: true, failure: None, usable: true }
            }
            InvokeOutcome::ResponseTooLarge { .. } => {
                Verdict { payload: failure::response_too_large(limit), failed: true, failure: None, usable: true }
            }
            InvokeOutcome::TimedOut => broken(Failure::timed_out(timeout)),
            InvokeOutcome::Exited(status) => broken(Failure::exited(status)),
            InvokeOutcome::OutOfMemory => broken(Failure::out_of_memory()),
            InvokeOutcome::ExtensionFailed(failed) => broken(Failure::extension(failed)),
        }
    }
}

/// The failure of an initialisation, and the document its caller gets: the runtime's own, if it gave one.
fn init_failure(outcome: &InitOutcome, limit: Duration, request_id: &str) -> (Failure, Bytes) {
    let failure = match outcome {
        InitOutcome::Failed(error) => {
            let failure = Failure {
                error_type: error.error_type.clone().unwrap_or_else(|| "Runtime.Unknown".to_owned()),
                reason: String::new(),
                kind: failure::FailureKind::Reported,
            };
            return (failure, error.payload.clone());
        }
        InitOutcome::InvalidEntrypoint { path, errno } => Failure::invalid_entrypoint(path, *errno),
        InitOutcome::Exited(status) => Failure::exited(*status),
        InitOutcome::OutOfMemory => Failure::out_of_memory(),
        InitOutcome::ExtensionFailed(failed) => Failure::extension(failed.clone()),
        InitOutcome::TimedOut | InitOutcome::Ready => Failure::timed_out(limit),
    };
    let document = failure.document(request_id);
    (failure, document)
}

fn not_started(error: &LaunchError, request: &Request) -> FailedStart {
    tracing::error!(%error, "an environment could not be started");
    let failure = launch_failure(error);
    let document = failure.document(&request.request_id);
    FailedStart { journal: None, document, failure, duration: Duration::ZERO, used_bytes: 0 }
}

/// Megabytes in use, rounded up and never more than the function has, as AWS shows them.
fn used_mb(bytes: u64, version: &FunctionVersion) -> u64 {
    bytes.div_ceil(1024 * 1024).min(u64::from(version.configuration.memory_mb))
}
