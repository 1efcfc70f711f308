//! Invokes the function of an execution as long as there is something new for it.

use std::sync::Arc;
use std::time::Duration;

use platform::OrFailure;
use store::Transaction;
use wire::Error;

use super::envelope::{self, Answer};
use super::limits::{FAILURES_MAX, RETRY_FIRST};
use super::record::{Execution, ExecutionId, Failure, HistoryEvent, Status};
use super::rows::{self, End};
use super::{keys, spawn};
use crate::function::FunctionVersion;
use crate::invoke::Request;
use crate::{Lambda, functions};

/// What follows from an invocation.
enum Next {
    /// There is something new.
    Again,
    /// It failed, or there was no room.
    Later(Duration),
    /// It waits, or has ended.
    Rest,
}

/// Drives an execution, unless that is being done: then once more.
///
/// # Errors
/// When the platform stops; the next start does it then.
pub fn wake(lambda: &Arc<Lambda>, id: ExecutionId) -> Result<(), Error> {
    {
        let mut driven = lambda.executions.driven.lock();
        if let Some(again) = driven.get_mut(&id) {
            *again = true;
            return Ok(());
        }
        driven.insert(id.clone(), false);
    }
    let (service, execution) = (Arc::clone(lambda), id.clone());
    let started = spawn(lambda, "lambda durable execution", async move { drive(&service, &execution).await });
    if started.is_err() {
        lambda.executions.driven.lock().remove(&id);
    }
    started
}

async fn drive(lambda: &Arc<Lambda>, id: &ExecutionId) {
    let stopping = lambda.platform.background.stopping().clone();
    loop {
        let next = invoke_once(lambda, id).await.unwrap_or_else(|error| {
            tracing::warn!(%error, execution = id.id, "an execution could not be driven");
            Next::Later(RETRY_FIRST)
        });
        match next {
            Next::Again => continue,
            Next::Later(wait) => {
                if stopping.run_until_cancelled(lambda.platform.clock.sleep(wait)).await.is_none() {
                    break;
                }
                continue;
            }
            Next::Rest => {}
        }
        let mut driven = lambda.executions.driven.lock();
        match driven.get_mut(id) {
            Some(again) if *again => *again = false,
            _ => {
                driven.remove(id);
                return;
            }
        }
    }
    lambda.executions.driven.lock().remove(id);
}

/// Invokes the function once, if the execution is ready.
async fn invoke_once(lambda: &Arc<Lambda>, id: &ExecutionId) -> Result<Next, Error> {
    let Some((execution, updated)) = begin(lambda, id).await? else { return Ok(Next::Rest) };
    let operations = lambda.executions.operations(id).await?;
    let version = match functions::resolve(lambda, &id.function, Some(&execution.version)).await {
        Ok(version) => version,
        Err(error) => {
            let text = error.message.as_deref().unwrap_or_default();
            let failure = Failure::new(error.definition.name, text);
            return fail(lambda, id, failure).await;
        }
    };
    let event = envelope::event(&execution, &operations, &updated);
    let request_id = lambda.platform.ids.uuid();
    let request = Request {
        request_id: request_id.clone(),
        payload: event.into(),
        invoked_arn: execution.invoked_arn.clone(),
        client_context: None,
        trace_id: execution.trace.clone(),
        tail: false,
    };
    let began_at = lambda.platform.clock.milliseconds();
    let outcome = match lambda.invoker.run(&lambda.packages, Arc::clone(&version), request).await {
        Ok(outcome) => outcome,
        Err(error) if error.is("RecursiveInvocationException") => {
            let text = error.message.as_deref().unwrap_or_default();
            return fail(lambda, id, Failure::new(error.definition.name, text)).await;
        }
        Err(error) => {
            tracing::debug!(%error, execution = id.id, "an execution waits for room");
            return Ok(Next::Later(RETRY_FIRST));
        }
    };
    let answer = if outcome.failed { None } else { Some(envelope::answer(&outcome.payload)) };
    let document = serde_json::from_slice(&outcome.payload).unwrap_or_default();
    let ran = Ran { request_id, began_at, failure: outcome.failed.then(|| envelope::failure(&document)) };
    finish(lambda, id, &version, ran, answer).await
}

/// An invocation that has ended.
struct Ran {
    request_id: String,
    began_at: i64,
    /// The error of a function that has given no answer.
    failure: Option<Failure>,
}

/// Takes a ready execution for an invocation: its next checkpoint has a new token, so that an older invocation can make
/// none. Answers it with the operations that have changed.
async fn begin(lambda: &Arc<Lambda>, id: &ExecutionId) -> Result<Option<(Execution, Vec<String>)>, Error> {
    let id = id.clone();
    let closure = move |rows: &mut dyn Transaction| {
        let row = rows.get(&keys::execution(&id))?;
        let is_active = rows.get(&keys::active(&id))?.is_some();
        if row.is_none() || !is_active {
            return Ok(None);
        }
        let mut execution = rows::execution(rows, &id)?;
        if execution.has_ended() {
            return Ok(None);
        }
        execution.token += 1;
        execution.client_token = None;
        execution.is_ready = false;
        let updated = std::mem::take(&mut execution.updated);
        rows::put_execution(rows, &execution)?;
        Ok(Some((execution, updated)))
    };
    lambda.executions.transact(closure).await
}

/// Writes what came of an invocation.
async fn finish(
    lambda: &Arc<Lambda>,
    id: &ExecutionId,
    version: &FunctionVersion,
    ran: Ran,
    answer: Option<Answer>,
) -> Result<Next, Error> {
    let executions = &lambda.executions;
    let timers = executions.platform.timers.partition(&executions.partition).await.or_failure()?;
    let waits = executions
        .operations(id)
        .await?
        .iter()
        .any(|operation| !operation.has_ended() && waits(&operation.kind, &operation.status));
    let now = lambda.platform.clock.milliseconds();
    tracing::debug!(function = version.arn(), execution = id.id, "an invocation of an execution has ended");
    let id = id.clone();
    let closure = move |rows: &mut dyn Transaction| {
        let mut execution = rows::execution(rows, &id)?;
        let told = HistoryEvent {
            kind: "InvocationCompleted".to_owned(),
            at: now,
            began_at: Some(ran.began_at),
            text: Some(ran.request_id.clone()),
            error: ran.failure.clone(),
            ..HistoryEvent::default()
        };
        rows::tell(rows, &mut execution, told)?;
        if execution.has_ended() {
            rows::put_execution(rows, &execution)?;
            return Ok(Next::Rest);
        }
        let end = |status, result, error| End { status, result, error, at: now };
        let end = match &answer {
            Some(Answer::Succeeded(result)) => end(Status::Succeeded, result.clone(), None),
            Some(Answer::Failed(failure)) => end(Status::Failed, None, Some(failure.clone())),
            Some(Answer::Pending) if execution.is_ready => {
                execution.failures = 0;
                rows::put_execution(rows, &execution)?;
                return Ok(Next::Again);
            }
            Some(Answer::Pending) if waits => {
                execution.failures = 0;
                rows.delete(&keys::active(&id));
                rows::put_execution(rows, &execution)?;
                return Ok(Next::Rest);
            }
            Some(Answer::Pending) => {
                let text = "Cannot return PENDING status with no pending operations.";
                end(Status::Failed, None, Some(Failure::new("InvalidParameterValueException", text)))
            }
            Some(Answer::Senseless) => {
                let text = "Invalid Status in invocation output.";
                end(Status::Failed, None, Some(Failure::new("InvalidParameterValueException", text)))
            }
            None => {
                execution.failures += 1;
                if execution.failures < FAILURES_MAX {
                    rows::put_execution(rows, &execution)?;
                    return Ok(Next::Later(RETRY_FIRST * 2_u32.pow(execution.failures - 1)));
                }
                end(Status::Failed, None, ran.failure.clone())
            }
        };
        rows::end(rows, &timers, &mut execution, &end)?;
        Ok(Next::Rest)
    };
    executions.transact(closure).await
}

/// Whether an operation that has not ended is one that something from outside goes on with.
fn waits(kind: &str, status: &str) -> bool {
    matches!(kind, "WAIT" | "CALLBACK" | "CHAINED_INVOKE") || (kind == "STEP" && matches!(status, "PENDING" | "READY"))
}

/// Ends an execution that cannot go on.
async fn fail(lambda: &Arc<Lambda>, id: &ExecutionId, failure: Failure) -> Result<Next, Error> {
    let executions = &lambda.executions;
    let timers = executions.platform.timers.partition(&executions.partition).await.or_failure()?;
    let (id, now) = (id.clone(), lambda.platform.clock.milliseconds());
    let closure = move |rows: &mut dyn Transaction| {
        let mut execution = rows::execution(rows, &id)?;
        let end = End { status: Status::Failed, result: None, error: Some(failure.clone()), at: now };
        if !execution.has_ended() {
            rows::end(rows, &timers, &mut execution, &end)?;
        }
        Ok(Next::Rest)
    };
    executions.transact(closure).await
}
