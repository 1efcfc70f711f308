//! What executions wait for comes: waits end, steps are due again, callbacks and executions time out, old ones go.

use std::sync::Arc;

use platform::{Firing, OrFailure};
use store::Transaction;
use wire::Error;

use super::drive;
use super::record::{ExecutionId, Failure, HistoryEvent, Status};
use super::rows::{self, End};
use crate::Lambda;

/// The kinds of timers.
pub const OPERATION: &str = "lambda.durable.operation";
/// Of an execution's longest time.
pub const EXECUTION: &str = "lambda.durable.execution";
/// Of the time for which an execution is kept.
pub const RETENTION: &str = "lambda.durable.retention";

/// The id of a timer.
pub fn timer_id(execution: &ExecutionId, operation: &str, aspect: &str) -> String {
    format!("{}/{}/{operation}/{aspect}", execution.function.arn(), execution.id)
}

/// Names the handlers of the timers of executions.
pub fn handle_timers(lambda: &Arc<Lambda>) {
    let timers = &lambda.platform.timers;
    let service = Arc::clone(lambda);
    timers.on(OPERATION, move |firing| {
        let lambda = Arc::clone(&service);
        async move { operation(&lambda, firing).await }
    });
    let service = Arc::clone(lambda);
    timers.on(EXECUTION, move |firing| {
        let lambda = Arc::clone(&service);
        async move { time_out(&lambda, firing).await }
    });
    let service = Arc::clone(lambda);
    timers.on(RETENTION, move |firing| {
        let lambda = Arc::clone(&service);
        async move { forget(&lambda, firing).await }
    });
}

#[derive(serde::Deserialize)]
struct Due {
    execution: ExecutionId,
    operation: String,
    aspect: String,
}

async fn operation(lambda: &Arc<Lambda>, firing: Firing) -> Result<(), Error> {
    let due: Due = rows::damaged(serde_json::from_value(firing.payload.clone()))?;
    let now = lambda.platform.clock.milliseconds();
    let id = due.execution.clone();
    let closure = move |rows: &mut dyn Transaction| {
        if !firing.complete(rows)? {
            return Ok(false);
        }
        let Some(found) = rows::operation(rows, &due.execution, &due.operation)? else { return Ok(false) };
        let mut execution = rows::execution(rows, &due.execution)?;
        let event = |kind: &str| HistoryEvent { kind: kind.to_owned(), at: now, ..HistoryEvent::default() };
        match (found.kind.as_str(), found.status.as_str()) {
            ("WAIT", "STARTED") => {
                let event = HistoryEvent { seconds: Some(found.wait_seconds), ..event("WaitSucceeded") };
                rows::end_operation(rows, &mut execution, found, "SUCCEEDED", event)
            }
            ("STEP", "PENDING") if !execution.has_ended() => {
                let mut step = found;
                "READY".clone_into(&mut step.status);
                rows::put_operation(rows, &mut execution, &step)?;
                rows::make_ready(rows, &mut execution)?;
                rows::put_execution(rows, &execution)?;
                Ok(true)
            }
            ("CALLBACK", "STARTED") => {
                let is_heartbeat = due.aspect == "heartbeat";
                let kind = if is_heartbeat { "Callback.Heartbeat" } else { "Callback.Timeout" };
                let text = if is_heartbeat { "Callback heartbeat timed out" } else { "Callback timed out" };
                let event = HistoryEvent { error: Some(Failure::new(kind, text)), ..event("CallbackTimedOut") };
                rows::end_operation(rows, &mut execution, found, "TIMED_OUT", event)
            }
            _ => Ok(false),
        }
    };
    if lambda.executions.transact(closure).await? { drive::wake(lambda, id) } else { Ok(()) }
}

async fn time_out(lambda: &Arc<Lambda>, firing: Firing) -> Result<(), Error> {
    let id: ExecutionId = rows::damaged(serde_json::from_value(firing.payload.clone()))?;
    let executions = &lambda.executions;
    let timers = executions.platform.timers.partition(&executions.partition).await.or_failure()?;
    let now = lambda.platform.clock.milliseconds();
    let closure = move |rows: &mut dyn Transaction| {
        if !firing.complete(rows)? {
            return Ok(());
        }
        let mut execution = rows::execution(rows, &id)?;
        if execution.has_ended() {
            return Ok(());
        }
        let error = Failure::new("ExecutionTimedOut", "Execution timed out");
        rows::end(
            rows,
            &timers,
            &mut execution,
            &End { status: Status::TimedOut, result: None, error: Some(error), at: now },
        )
    };
    executions.transact(closure).await
}

async fn forget(lambda: &Arc<Lambda>, firing: Firing) -> Result<(), Error> {
    let id: ExecutionId = rows::damaged(serde_json::from_value(firing.payload.clone()))?;
    let callbacks = lambda.executions.callbacks(&id).await?;
    let closure = move |rows: &mut dyn Transaction| {
        if !firing.complete(rows)? {
            return Ok(());
        }
        let execution = rows::execution(rows, &id)?;
        rows::delete(rows, &execution, &callbacks)
    };
    lambda.executions.transact(closure).await
}
