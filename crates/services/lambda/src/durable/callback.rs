//! What others do to executions: they call back, stop them, or delete them.

use std::sync::Arc;

use platform::OrFailure;
use store::Transaction;
use wire::Error;

use super::record::{ExecutionId, Failure, HistoryEvent, Status};
use super::rows::{self, End};
use super::timers::timer_id;
use super::{drive, keys};
use crate::functions::rows::read;
use crate::{Lambda, errors};

/// What a callback says.
#[derive(Debug, Clone)]
pub enum Callback {
    /// It is done.
    Succeeded(String),
    /// It has failed.
    Failed(Failure),
    /// It is being worked on.
    Heartbeat,
}

/// Takes a callback.
///
/// # Errors
/// `ResourceNotFoundException` if nothing waits for it, `CallbackTimeoutException` if it comes too late.
pub async fn send_callback(lambda: &Arc<Lambda>, callback: &str, said: Callback) -> Result<(), Error> {
    let executions = &lambda.executions;
    let timers = executions.platform.timers.partition(&executions.partition).await.or_failure()?;
    let (key, now) = (keys::callback(callback), lambda.platform.clock.milliseconds());
    let closure = move |rows: &mut dyn Transaction| {
        let found: Option<(ExecutionId, String)> = read(rows, &key)?;
        let (id, operation) = found.ok_or_else(|| errors::not_found("Callback not found."))?;
        let mut execution = rows::execution(rows, &id)?;
        let operation = rows::operation(rows, &id, &operation)?.ok_or_else(rows::absent)?;
        if execution.has_ended() || operation.has_ended() {
            let text = "The callback has already been completed or timed out.";
            return Err(api::lambda::errors::callback_timeout_exception(text).with("Type", "User".into()).into());
        }
        let event = HistoryEvent { at: now, ..HistoryEvent::default() };
        let (status, event) = match &said {
            Callback::Heartbeat => {
                if operation.heartbeat_seconds > 0 {
                    let due = now + i64::from(operation.heartbeat_seconds) * 1_000;
                    rows::set_timer(rows, &timers, &id, (&operation.id, "heartbeat"), due)?;
                }
                return Ok(None);
            }
            Callback::Succeeded(result) => {
                let kind = "CallbackSucceeded".to_owned();
                ("SUCCEEDED", HistoryEvent { kind, payload: Some(result.clone()), ..event })
            }
            Callback::Failed(failure) => {
                let kind = "CallbackFailed".to_owned();
                ("FAILED", HistoryEvent { kind, error: Some(failure.clone()), ..event })
            }
        };
        rows::end_operation(rows, &mut execution, operation, status, event)?;
        Ok(Some(id))
    };
    match executions.transact(closure).await? {
        Some(id) => drive::wake(lambda, id),
        None => Ok(()),
    }
}

/// Stops an execution. Answers when it ended, in milliseconds since 1970: one that has ended stays as it is.
///
/// # Errors
/// `ResourceNotFoundException`.
pub async fn stop(lambda: &Arc<Lambda>, id: ExecutionId, failure: Option<Failure>) -> Result<i64, Error> {
    let executions = &lambda.executions;
    let timers = executions.platform.timers.partition(&executions.partition).await.or_failure()?;
    let now = lambda.platform.clock.milliseconds();
    let closure = move |rows: &mut dyn Transaction| {
        let mut execution = rows::execution(rows, &id)?;
        if let Some(ended_at) = execution.ended_at {
            return Ok(ended_at);
        }
        let end = End { status: Status::Stopped, result: None, error: failure.clone(), at: now };
        rows::end(rows, &timers, &mut execution, &end)?;
        Ok(now)
    };
    executions.transact(closure).await
}

/// Removes an execution that has ended, before its time. Answers when, in milliseconds since 1970.
///
/// # Errors
/// `ResourceNotFoundException`, `ResourceConflictException` for one that has not ended.
pub async fn delete(lambda: &Arc<Lambda>, id: ExecutionId) -> Result<i64, Error> {
    let executions = &lambda.executions;
    let timers = executions.platform.timers.partition(&executions.partition).await.or_failure()?;
    let callbacks = executions.callbacks(&id).await?;
    let closure = move |rows: &mut dyn Transaction| {
        let execution = rows::execution(rows, &id)?;
        if !execution.has_ended() {
            let text = format!("Durable execution {} cannot be deleted in status RUNNING.", execution.arn());
            return Err(errors::conflict(text).into());
        }
        timers.cancel(rows, &timer_id(&id, "", "retention"))?;
        rows::delete(rows, &execution, &callbacks)
    };
    executions.transact(closure).await?;
    Ok(lambda.platform.clock.milliseconds())
}
