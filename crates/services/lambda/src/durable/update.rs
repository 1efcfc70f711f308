//! A checkpoint: what a function says about its operations, checked and written.

use std::sync::Arc;

use api::lambda::OperationUpdate;
use platform::{OrFailure, TimerPartition};
use store::{Abort, Transaction};
use wire::Error;

use super::chained::{self, Chained};
use super::limits::OPERATIONS_MAX;
use super::record::{Execution, ExecutionId, HistoryEvent, Operation, Status};
use super::rows::{self, End};
use super::{drive, history, keys};
use crate::{Lambda, errors};

/// What a checkpoint changes.
#[derive(Debug, Clone)]
pub struct Checkpoint {
    /// The execution.
    pub id: ExecutionId,
    /// The token it came with.
    pub token: u64,
    /// The client's own token, by which a repetition is told.
    pub client_token: Option<String>,
    /// The changes, in order.
    pub updates: Vec<OperationUpdate>,
}

/// What follows from it.
pub struct Checkpointed {
    /// The token of the next one; `None` once the execution has ended.
    pub token: Option<u64>,
    /// The operations that have changed.
    pub operations: Vec<Operation>,
}

/// Writes a checkpoint.
///
/// # Errors
/// `InvalidParameterValueException` for a token that is not the current one, and for changes that do not fit what is
/// there; then nothing is changed.
pub async fn checkpoint(lambda: &Arc<Lambda>, checkpoint: Checkpoint) -> Result<Checkpointed, Error> {
    let executions = &lambda.executions;
    let timers = executions.platform.timers.partition(&executions.partition).await.or_failure()?;
    let now = lambda.platform.clock.milliseconds();
    let callbacks: Vec<String> = checkpoint.updates.iter().map(|_| lambda.platform.ids.hex(64)).collect();
    let id = checkpoint.id.clone();
    let closure = move |rows: &mut dyn Transaction| {
        let execution = rows::execution(rows, &checkpoint.id)?;
        let is_repeated = checkpoint.client_token.is_some()
            && execution.client_token == checkpoint.client_token
            && execution.token == checkpoint.token + 1;
        if execution.has_ended() || (execution.token != checkpoint.token && !is_repeated) {
            return Err(errors::invalid_parameter("Invalid checkpoint token").into());
        }
        let mut change = Change { execution, timers: &timers, now, changed: Vec::new(), calls: Vec::new() };
        if !is_repeated {
            change.execution.token += 1;
            change.execution.client_token.clone_from(&checkpoint.client_token);
            for (update, callback) in checkpoint.updates.iter().zip(&callbacks) {
                change.apply(rows, update, callback)?;
            }
            rows::put_execution(rows, &change.execution)?;
        }
        let mut operations = Vec::new();
        for id in &change.changed {
            operations.extend(rows::operation(rows, &change.execution.id, id)?);
        }
        let token = (!change.execution.has_ended()).then_some(change.execution.token);
        Ok((token, operations, change.calls))
    };
    let (token, operations, calls) = executions.transact(closure).await?;
    for call in calls {
        chained::follow(lambda, call)?;
    }
    if token.is_none() {
        drive::wake(lambda, id)?;
    }
    Ok(Checkpointed { token, operations })
}

/// A checkpoint that is being written.
struct Change<'a> {
    execution: Execution,
    timers: &'a TimerPartition,
    now: i64,
    /// The operations that have changed, by id.
    changed: Vec<String>,
    /// Functions to be called.
    calls: Vec<Chained>,
}

impl Change<'_> {
    fn apply(
        &mut self,
        rows: &mut dyn Transaction,
        update: &OperationUpdate,
        callback: &str,
    ) -> Result<(), Abort<Error>> {
        if update.r#type == "EXECUTION" {
            return self.end_execution(rows, update);
        }
        let found = rows::operation(rows, &self.execution.id, &update.id)?;
        let operation = match (found, update.action.as_str()) {
            (None, "START") => self.begin(rows, update, callback)?,
            (Some(operation), "START") if operation.status == "READY" => self.begin_again(rows, operation)?,
            (None, "SUCCEED" | "FAIL" | "RETRY") if matches!(update.r#type.as_str(), "STEP" | "CONTEXT") => {
                let operation = self.begin(rows, update, callback)?;
                self.advance(rows, operation, update)?
            }
            (Some(operation), "SUCCEED" | "FAIL" | "RETRY" | "CANCEL") if !operation.has_ended() => {
                self.advance(rows, operation, update)?
            }
            _ => return Err(misfit(update).into()),
        };
        if !self.changed.contains(&operation.id) {
            self.changed.push(operation.id.clone());
        }
        // The function itself has made this change: it is no news to it.
        let known = self.execution.updated.clone();
        rows::put_operation(rows, &mut self.execution, &operation)?;
        self.execution.updated = known;
        Ok(())
    }

    fn end_execution(&mut self, rows: &mut dyn Transaction, update: &OperationUpdate) -> Result<(), Abort<Error>> {
        let status = match update.action.as_str() {
            "SUCCEED" => Status::Succeeded,
            "FAIL" => Status::Failed,
            _ => return Err(misfit(update).into()),
        };
        let error = update.error.clone().map(Into::into);
        let end = End { status, result: update.payload.clone(), error, at: self.now };
        rows::end(rows, self.timers, &mut self.execution, &end)
    }

    fn tell(
        &mut self,
        rows: &mut dyn Transaction,
        operation: &Operation,
        event: HistoryEvent,
    ) -> Result<(), Abort<Error>> {
        rows::tell(rows, &mut self.execution, history::about(operation, event))
    }

    /// A new operation, begun.
    fn begin(
        &mut self,
        rows: &mut dyn Transaction,
        update: &OperationUpdate,
        callback: &str,
    ) -> Result<Operation, Abort<Error>> {
        if self.execution.operations >= OPERATIONS_MAX {
            let text = format!("The execution has more than {OPERATIONS_MAX} operations.");
            return Err(errors::invalid_parameter(text).into());
        }
        self.execution.operations += 1;
        let mut operation = Operation {
            number: self.execution.operations,
            id: update.id.clone(),
            parent: update.parent_id.clone(),
            name: update.name.clone(),
            kind: update.r#type.clone(),
            sub_kind: update.sub_type.clone(),
            status: "STARTED".to_owned(),
            started_at: self.now,
            ..Operation::default()
        };
        let kind = format!("{}Started", history::prefix(&operation.kind));
        let mut event = HistoryEvent { kind, at: self.now, ..HistoryEvent::default() };
        let id = self.execution.id.clone();
        match update.r#type.as_str() {
            "WAIT" => {
                let seconds = update.wait_options.as_ref().and_then(|options| options.wait_seconds).unwrap_or(1);
                let due = self.now + i64::from(seconds) * 1_000;
                operation.wait_seconds = seconds.unsigned_abs();
                operation.due_at = Some(due);
                (event.seconds, event.due_at) = (Some(operation.wait_seconds), Some(due));
                rows::set_timer(rows, self.timers, &id, (&operation.id, "due"), due)?;
            }
            "CALLBACK" => self.begin_callback(rows, update, callback, &mut operation, &mut event)?,
            "CHAINED_INVOKE" => {
                let options = update.chained_invoke_options.clone().ok_or_else(|| misfit(update))?;
                event.text = Some(options.function_name.clone());
                event.payload.clone_from(&update.payload);
                let call = Chained {
                    execution: id.clone(),
                    operation: operation.id.clone(),
                    function: options.function_name,
                    payload: update.payload.clone().unwrap_or_default(),
                    trace: options.x_amzn_trace_id.or_else(|| self.execution.trace.clone()),
                };
                rows::put_row(rows, &keys::chained(&id, &operation.id), &call)?;
                self.calls.push(call);
            }
            "STEP" | "CONTEXT" => {}
            _ => return Err(misfit(update).into()),
        }
        self.tell(rows, &operation, event)?;
        Ok(operation)
    }

    fn begin_callback(
        &mut self,
        rows: &mut dyn Transaction,
        update: &OperationUpdate,
        callback: &str,
        operation: &mut Operation,
        event: &mut HistoryEvent,
    ) -> Result<(), Abort<Error>> {
        let options = update.callback_options.clone().unwrap_or_default();
        let positive = |seconds: Option<i32>| seconds.filter(|seconds| *seconds > 0);
        let (timeout, heartbeat) = (positive(options.timeout_seconds), positive(options.heartbeat_timeout_seconds));
        operation.callback = Some(callback.to_owned());
        operation.heartbeat_seconds = heartbeat.unwrap_or(0).unsigned_abs();
        event.text = Some(callback.to_owned());
        event.seconds = timeout.map(i32::unsigned_abs);
        event.heartbeat_seconds = heartbeat.map(i32::unsigned_abs);
        let id = self.execution.id.clone();
        rows::put_row(rows, &keys::callback(callback), &(id.clone(), operation.id.clone()))?;
        for (seconds, aspect) in [(timeout, "timeout"), (heartbeat, "heartbeat")] {
            if let Some(seconds) = seconds {
                let due = self.now + i64::from(seconds) * 1_000;
                rows::set_timer(rows, self.timers, &id, (&operation.id, aspect), due)?;
            }
        }
        Ok(())
    }

    /// The next attempt of a step.
    fn begin_again(&mut self, rows: &mut dyn Transaction, mut operation: Operation) -> Result<Operation, Abort<Error>> {
        "STARTED".clone_into(&mut operation.status);
        operation.due_at = None;
        let event = HistoryEvent { kind: "StepStarted".to_owned(), at: self.now, ..HistoryEvent::default() };
        self.tell(rows, &operation, event)?;
        Ok(operation)
    }

    /// An operation that comes to its end, or to its next attempt.
    fn advance(
        &mut self,
        rows: &mut dyn Transaction,
        mut operation: Operation,
        update: &OperationUpdate,
    ) -> Result<Operation, Abort<Error>> {
        let error = update.error.clone().map(Into::into);
        let prefix = history::prefix(&operation.kind);
        let mut event = HistoryEvent { at: self.now, error: error.clone(), ..HistoryEvent::default() };
        let is_step = operation.kind == "STEP";
        if is_step {
            event.attempt = Some(operation.attempt + 1);
        }
        match (update.action.as_str(), operation.kind.as_str()) {
            ("SUCCEED", "STEP" | "CONTEXT") => {
                event.kind = format!("{prefix}Succeeded");
                event.payload.clone_from(&update.payload);
                "SUCCEEDED".clone_into(&mut operation.status);
                operation.result.clone_from(&update.payload);
                operation.error = None;
                operation.replays_children =
                    update.context_options.as_ref().and_then(|options| options.replay_children);
            }
            ("FAIL", "STEP" | "CONTEXT") => {
                event.kind = format!("{prefix}Failed");
                "FAILED".clone_into(&mut operation.status);
                operation.error = error;
            }
            ("RETRY", "STEP") => {
                let delay = update.step_options.as_ref().and_then(|options| options.next_attempt_delay_seconds);
                let delay = delay.unwrap_or(1);
                let due = self.now + i64::from(delay) * 1_000;
                event.kind = if error.is_some() { "StepFailed" } else { "StepSucceeded" }.to_owned();
                event.payload.clone_from(&update.payload);
                event.seconds = Some(delay.unsigned_abs());
                "PENDING".clone_into(&mut operation.status);
                operation.attempt += 1;
                operation.due_at = Some(due);
                operation.error = error;
                operation.result.clone_from(&update.payload);
                let id = self.execution.id.clone();
                rows::set_timer(rows, self.timers, &id, (&operation.id, "due"), due)?;
            }
            ("CANCEL", "WAIT") => {
                event.kind = "WaitCancelled".to_owned();
                "CANCELLED".clone_into(&mut operation.status);
            }
            _ => return Err(misfit(update).into()),
        }
        if operation.status != "PENDING" {
            operation.ended_at = Some(self.now);
            operation.due_at = None;
        }
        self.tell(rows, &operation, event)?;
        Ok(operation)
    }
}

fn misfit(update: &OperationUpdate) -> Error {
    errors::invalid_parameter(format!(
        "Invalid {} action {} for operation {}.",
        update.r#type, update.action, update.id
    ))
}
