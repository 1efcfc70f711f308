//! The beginning of an execution, and its end as whoever waits for it sees it.

use std::sync::Arc;

use api::lambda::errors::durable_execution_already_started_exception;
use platform::OrFailure;
use store::Transaction;
use wire::Error;

use super::record::{Execution, ExecutionId, HistoryEvent, Status};
use super::{drive, keys, rows};
use crate::function::FunctionVersion;
use crate::functions::rows::read;
use crate::invoke::{Outcome, Request};
use crate::{Lambda, errors};

/// What begins an execution.
#[derive(Debug, Clone)]
pub struct Start {
    /// Its name; one is made up if there is none.
    pub name: Option<String>,
    /// The version that runs it.
    pub version: Arc<FunctionVersion>,
    /// ARN it was invoked under.
    pub invoked_arn: String,
    /// What it is begun with: JSON.
    pub input: String,
    /// The trace header.
    pub trace: Option<String>,
}

/// Begins an execution: it is in the store when this returns. One of the same name that was begun with the same input is
/// answered instead.
///
/// # Errors
/// `DurableExecutionAlreadyStartedException` if one of the same name was begun with something else.
pub async fn start(lambda: &Arc<Lambda>, start: Start) -> Result<Execution, Error> {
    let executions = &lambda.executions;
    let timers = executions.platform.timers.partition(&executions.partition).await.or_failure()?;
    let settings = start.version.configuration.durable.clone().ok_or_else(not_durable)?;
    let now = lambda.platform.clock.milliseconds();
    let execution = Execution {
        id: ExecutionId { function: start.version.function.clone(), id: lambda.platform.ids.uuid() },
        name: start.name.unwrap_or_else(|| lambda.platform.ids.uuid()),
        version: start.version.version.to_string(),
        invoked_arn: start.invoked_arn,
        input: start.input,
        trace: start.trace,
        status: Status::Running,
        result: None,
        error: None,
        started_at: now,
        ended_at: None,
        timeout_seconds: settings.timeout_seconds,
        retention_days: settings.retention_days,
        token: 0,
        client_token: None,
        is_ready: true,
        updated: Vec::new(),
        failures: 0,
        operations: 0,
        events: 0,
    };
    let new = execution.clone();
    let closure = move |rows: &mut dyn Transaction| {
        let by_name = keys::name(&new.id.function, &new.name);
        if let Some(id) = read::<String>(rows, &by_name)? {
            let id = ExecutionId { id, ..new.id.clone() };
            let found = rows::execution(rows, &id)?;
            if found.input != new.input || found.version != new.version {
                return Err(already_started(&found).into());
            }
            return Ok((found, false));
        }
        let mut execution = new.clone();
        rows::put_row(rows, &by_name, &execution.id.id)?;
        rows::set_timeout(rows, &timers, &execution)?;
        let event = HistoryEvent {
            kind: "ExecutionStarted".to_owned(),
            at: now,
            id: Some(execution.id.id.clone()),
            name: Some(execution.name.clone()),
            payload: Some(execution.input.clone()),
            seconds: Some(execution.timeout_seconds),
            ..HistoryEvent::default()
        };
        rows::tell(rows, &mut execution, event)?;
        rows::make_ready(rows, &mut execution)?;
        rows::put_execution(rows, &execution)?;
        Ok((execution, true))
    };
    let (execution, is_new) = executions.transact(closure).await?;
    if is_new {
        drive::wake(lambda, execution.id.clone())?;
    }
    Ok(execution)
}

fn not_durable() -> Error {
    errors::invalid_parameter("The function has no DurableConfig.")
}

/// Invokes a version on behalf of a source of events: once, or as an execution whose end is waited for if it is durable.
///
/// # Errors
/// As [`crate::invoke::Invoker::run`] and [`start`].
pub async fn invoke_version(
    lambda: &Arc<Lambda>,
    version: Arc<FunctionVersion>,
    request: Request,
) -> Result<Outcome, Error> {
    if version.configuration.durable.is_none() {
        return lambda.invoker.run(&lambda.packages, version, request).await;
    }
    let begun = start(
        lambda,
        Start {
            name: Some(request.request_id),
            version,
            invoked_arn: request.invoked_arn,
            input: String::from_utf8_lossy(&request.payload).into_owned(),
            trace: request.trace_id,
        },
    );
    let execution = result_of(lambda, &begun.await?.id).await?;
    let (payload, failed) = execution.answer();
    Ok(Outcome { payload, failed, tail: None })
}

fn already_started(execution: &Execution) -> Error {
    let text = format!("A durable execution with the name {} has already been started.", execution.name);
    durable_execution_already_started_exception(text).with("Type", "User".into())
}

/// Waits for an execution's end.
///
/// # Errors
/// When the store cannot be read, or the execution is gone.
pub async fn result_of(lambda: &Arc<Lambda>, id: &ExecutionId) -> Result<Execution, Error> {
    let executions = &lambda.executions;
    let mut changes = executions.platform.store.watch(&executions.partition, &keys::execution(id));
    loop {
        let execution = executions.execution(id).await?.ok_or_else(rows::absent)?;
        if execution.has_ended() {
            return Ok(execution);
        }
        changes.changed().await.or_failure()?;
    }
}
