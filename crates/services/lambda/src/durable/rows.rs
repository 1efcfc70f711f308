//! Rows of executions inside a transaction.

use platform::{OrFailure, TimerPartition};
use serde::Serialize;
use serde_json::json;
use store::{Abort, Transaction};
use wire::{Error, Timestamp};

use super::keys;
use super::record::{Execution, ExecutionId, Failure, HistoryEvent, Operation, Status};
use super::timers::{EXECUTION, OPERATION, RETENTION, timer_id};
use crate::errors;
use crate::functions::rows::{put, read};

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

/// An execution that has to be there.
pub fn execution(rows: &mut dyn Transaction, id: &ExecutionId) -> Result<Execution, Abort<Error>> {
    Ok(read(rows, &keys::execution(id))?.ok_or_else(absent)?)
}

/// What is said about an execution that is not there.
pub fn absent() -> Error {
    errors::not_found("Durable execution not found.")
}

/// Writes an execution.
pub fn put_execution(rows: &mut dyn Transaction, execution: &Execution) -> Result<(), Abort<Error>> {
    put(rows, &keys::execution(&execution.id), execution)
}

/// An operation of an execution.
pub fn operation(
    rows: &mut dyn Transaction,
    id: &ExecutionId,
    operation: &str,
) -> Result<Option<Operation>, Abort<Error>> {
    read(rows, &keys::operation(id, operation))
}

/// Writes an operation, and notes that it has changed.
pub fn put_operation(
    rows: &mut dyn Transaction,
    execution: &mut Execution,
    operation: &Operation,
) -> Result<(), Abort<Error>> {
    if !execution.updated.contains(&operation.id) {
        execution.updated.push(operation.id.clone());
    }
    put(rows, &keys::operation(&execution.id, &operation.id), operation)
}

/// Adds an event to the history.
pub fn tell(rows: &mut dyn Transaction, execution: &mut Execution, event: HistoryEvent) -> Result<(), Abort<Error>> {
    execution.events += 1;
    let event = HistoryEvent { number: execution.events, ..event };
    put(rows, &keys::event(&execution.id, event.number), &event)
}

/// Marks an execution as one that is to be invoked.
pub fn make_ready(rows: &mut dyn Transaction, execution: &mut Execution) -> Result<(), Abort<Error>> {
    execution.is_ready = true;
    put(rows, &keys::active(&execution.id), &execution.id)
}

/// Sets a timer of an operation.
pub fn set_timer(
    rows: &mut dyn Transaction,
    timers: &TimerPartition,
    execution: &ExecutionId,
    (operation, aspect): (&str, &str),
    due: i64,
) -> Result<(), Abort<Error>> {
    let payload = json!({ "execution": execution, "operation": operation, "aspect": aspect });
    let id = timer_id(execution, operation, aspect);
    let timer = timers.timer(id, Timestamp::from_milliseconds(due), OPERATION, payload);
    Ok(timers.set(rows, &timer)?)
}

/// Sets the timer of an execution's longest time.
pub fn set_timeout(
    rows: &mut dyn Transaction,
    timers: &TimerPartition,
    execution: &Execution,
) -> Result<(), Abort<Error>> {
    let due = execution.started_at + i64::from(execution.timeout_seconds) * 1_000;
    let id = timer_id(&execution.id, "", "timeout");
    let timer = timers.timer(id, Timestamp::from_milliseconds(due), EXECUTION, json!(execution.id));
    Ok(timers.set(rows, &timer)?)
}

/// How an execution ends.
#[derive(Debug, Clone)]
pub struct End {
    /// Where it stands then.
    pub status: Status,
    /// What it has answered.
    pub result: Option<String>,
    /// Why it has failed.
    pub error: Option<Failure>,
    /// Milliseconds since 1970.
    pub at: i64,
}

/// Ends an execution: what it waits for matters no more.
pub fn end(
    rows: &mut dyn Transaction,
    timers: &TimerPartition,
    execution: &mut Execution,
    end: &End,
) -> Result<(), Abort<Error>> {
    execution.status = end.status;
    execution.result.clone_from(&end.result);
    execution.error.clone_from(&end.error);
    execution.ended_at = Some(end.at);
    execution.is_ready = false;
    rows.delete(&keys::active(&execution.id));
    rows.delete_range(keys::chained_of(&execution.id));
    timers.cancel(rows, &timer_id(&execution.id, "", "timeout"))?;
    let kind = match end.status {
        Status::Succeeded => "ExecutionSucceeded",
        Status::TimedOut => "ExecutionTimedOut",
        Status::Stopped => "ExecutionStopped",
        Status::Failed | Status::Running => "ExecutionFailed",
    };
    let event = HistoryEvent {
        kind: kind.to_owned(),
        at: end.at,
        payload: end.result.clone(),
        error: end.error.clone(),
        ..HistoryEvent::default()
    };
    tell(rows, execution, event)?;
    let due = end.at + i64::from(execution.retention_days) * DAY_MS;
    let id = timer_id(&execution.id, "", "retention");
    let timer = timers.timer(id, Timestamp::from_milliseconds(due), RETENTION, json!(execution.id));
    timers.set(rows, &timer)?;
    put_execution(rows, execution)
}

/// Removes all that is kept of an execution which has ended, and the names of its callbacks.
pub fn delete(rows: &mut dyn Transaction, execution: &Execution, callbacks: &[String]) -> Result<(), Abort<Error>> {
    let id = &execution.id;
    callbacks.iter().for_each(|callback| rows.delete(&keys::callback(callback)));
    rows.delete_range(keys::operations(id));
    rows.delete_range(keys::events(id));
    rows.delete(&keys::execution(id));
    rows.delete(&keys::name(&id.function, &execution.name));
    Ok(())
}

/// Ends an operation from outside the function, and makes its execution ready. `false` if it has ended already.
pub fn end_operation(
    rows: &mut dyn Transaction,
    execution: &mut Execution,
    mut operation: Operation,
    status: &str,
    event: HistoryEvent,
) -> Result<bool, Abort<Error>> {
    if execution.has_ended() || operation.has_ended() {
        return Ok(false);
    }
    status.clone_into(&mut operation.status);
    operation.ended_at = Some(event.at);
    operation.due_at = operation.due_at.filter(|_| operation.kind == "WAIT");
    operation.result.clone_from(&event.payload);
    operation.error.clone_from(&event.error);
    put_operation(rows, execution, &operation)?;
    let event = super::history::about(&operation, event);
    tell(rows, execution, event)?;
    make_ready(rows, execution)?;
    put_execution(rows, execution)?;
    Ok(true)
}

/// Writes any row.
pub fn put_row<T: Serialize>(rows: &mut dyn Transaction, key: &store::keys::Key, row: &T) -> Result<(), Abort<Error>> {
    put(rows, key, row)
}

/// A malformed value of the store, as a failure of the platform.
pub fn damaged<T>(found: Result<T, serde_json::Error>) -> Result<T, Error> {
    found.map_err(|error| store::StoreError::Read(error.to_string().into())).or_failure()
}
