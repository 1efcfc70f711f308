//! Calls of other functions that executions wait for. They are made again after a restart.

use std::sync::Arc;

use api::lambda::{InvocationRequest, Invoke};
use platform::OrFailure;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use store::Transaction;
use wire::Error;

use super::record::{ExecutionId, Failure, HistoryEvent};
use super::{drive, keys, rows, spawn};
use crate::{Lambda, functions, role};

/// A call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chained {
    /// The execution that waits for it.
    pub execution: ExecutionId,
    /// The operation that it ends.
    pub operation: String,
    /// The function, as the caller names it.
    pub function: String,
    /// What it gets: JSON.
    pub payload: String,
    /// The trace header to hand on.
    pub trace: Option<String>,
}

/// Makes a call in the background.
///
/// # Errors
/// When the platform stops; the next start does it then.
pub fn follow(lambda: &Arc<Lambda>, call: Chained) -> Result<(), Error> {
    let service = Arc::clone(lambda);
    spawn(lambda, "lambda durable call", async move {
        if let Err(error) = run(&service, &call).await {
            tracing::error!(%error, execution = call.execution.id, "the end of a call could not be written");
        }
    })
}

async fn run(lambda: &Arc<Lambda>, call: &Chained) -> Result<(), Error> {
    let ended = match invoke(lambda, call).await {
        Ok(ended) => ended,
        Err(error) => Err(Failure::new(error.definition.name, error.message.as_deref().unwrap_or_default())),
    };
    let now = lambda.platform.clock.milliseconds();
    let target = call.clone();
    let closure = move |rows: &mut dyn Transaction| {
        rows.delete(&keys::chained(&target.execution, &target.operation));
        let found = rows::operation(rows, &target.execution, &target.operation)?;
        let Some(operation) = found else { return Ok(false) };
        let mut execution = rows::execution(rows, &target.execution)?;
        let event = HistoryEvent { at: now, ..HistoryEvent::default() };
        let (status, event) = match &ended {
            Ok(result) => {
                let kind = "ChainedInvokeSucceeded".to_owned();
                ("SUCCEEDED", HistoryEvent { kind, payload: Some(result.clone()), ..event })
            }
            Err(failure) => {
                let kind = "ChainedInvokeFailed".to_owned();
                ("FAILED", HistoryEvent { kind, error: Some(failure.clone()), ..event })
            }
        };
        rows::end_operation(rows, &mut execution, operation, status, event)
    };
    let has_changed =
        lambda.executions.platform.store.transact(&lambda.executions.partition, closure).await.or_failure()?;
    if has_changed { drive::wake(lambda, call.execution.clone()) } else { Ok(()) }
}

/// Calls the function with the rights of the one that waits.
async fn invoke(lambda: &Arc<Lambda>, call: &Chained) -> Result<Result<String, Failure>, Error> {
    let function = &call.execution.function;
    let execution = lambda.executions.execution(&call.execution).await?.ok_or_else(rows::absent)?;
    let version = functions::resolve(lambda, function, Some(&execution.version)).await?;
    let role = role::session(&lambda.platform, &version).await?;
    let target = crate::names::qualified_target(function, &call.function);
    let is_durable = match target {
        Some((target, qualifier)) => functions::resolve(lambda, &target, qualifier.as_deref())
            .await
            .is_ok_and(|version| version.configuration.durable.is_some()),
        None => false,
    };
    let digest = Sha256::digest(format!("{}/{}", execution.arn(), call.operation).as_bytes());
    let name: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let input = InvocationRequest {
        function_name: call.function.clone(),
        payload: Some(call.payload.clone().into()),
        durable_execution_name: is_durable.then_some(name),
        ..InvocationRequest::default()
    };
    let (account, region) = (&function.account, &function.region);
    let call = lambda.platform.call_traced::<Invoke>(role, account, region, call.trace.clone(), input);
    let answer = call.await?;
    let payload = String::from_utf8_lossy(&answer.payload.unwrap_or_default()).into_owned();
    if answer.function_error.is_none() {
        return Ok(Ok(payload));
    }
    let document: Value = serde_json::from_str(&payload).unwrap_or_default();
    let text = |name: &str| document.get(name).and_then(Value::as_str).map(str::to_owned);
    Ok(Err(Failure { message: text("errorMessage"), kind: text("errorType"), ..Failure::default() }))
}
