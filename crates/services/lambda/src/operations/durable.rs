//! Durable executions: what functions, their callers and their operators ask about them.

use std::sync::Arc;

use api::lambda::{
    CheckpointDurableExecutionRequest, CheckpointDurableExecutionResponse, CheckpointUpdatedExecutionState,
    DeleteDurableExecutionRequest, DeleteDurableExecutionResponse, GetDurableExecutionHistoryRequest,
    GetDurableExecutionHistoryResponse, GetDurableExecutionRequest, GetDurableExecutionResponse,
    GetDurableExecutionStateRequest, GetDurableExecutionStateResponse, ListDurableExecutionsByFunctionRequest,
    ListDurableExecutionsByFunctionResponse, SendDurableExecutionCallbackFailureRequest,
    SendDurableExecutionCallbackFailureResponse, SendDurableExecutionCallbackHeartbeatRequest,
    SendDurableExecutionCallbackHeartbeatResponse, SendDurableExecutionCallbackSuccessRequest,
    SendDurableExecutionCallbackSuccessResponse, StopDurableExecutionRequest, StopDurableExecutionResponse,
};
use platform::Ctx;
use wire::{Error, Timestamp};

use super::marker;
use crate::durable::{self, Callback, Checkpoint, Execution, ExecutionId, Operation};
use crate::{Lambda, errors, names};

/// Items on a page unless set, and at most (the model: 1,000).
const PAGE_MAX: usize = 1_000;

/// Writes a checkpoint of a running execution.
pub async fn checkpoint_durable_execution(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: CheckpointDurableExecutionRequest,
) -> Result<CheckpointDurableExecutionResponse, Error> {
    let id = find(lambda, cx, &input.durable_execution_arn).await?.id;
    let token = read_token(&id, &input.checkpoint_token)?;
    let updates = input.updates.unwrap_or_default();
    let checkpoint = Checkpoint { id: id.clone(), token, client_token: input.client_token, updates };
    let checkpointed = durable::checkpoint(lambda, checkpoint).await?;
    let operations = checkpointed.operations.iter().map(durable::describe_operation).collect();
    Ok(CheckpointDurableExecutionResponse {
        checkpoint_token: checkpointed.token.map(|token| durable::token_text(&id.id, token)),
        new_execution_state: CheckpointUpdatedExecutionState { operations: Some(operations), next_marker: None },
    })
}

/// An execution.
pub async fn get_durable_execution(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: GetDurableExecutionRequest,
) -> Result<GetDurableExecutionResponse, Error> {
    let execution = find(lambda, cx, &input.durable_execution_arn).await?;
    Ok(durable::describe_whole(&execution, input.include_execution_data.unwrap_or(true)))
}

/// The operations of a running execution, for its function.
pub async fn get_durable_execution_state(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: GetDurableExecutionStateRequest,
) -> Result<GetDurableExecutionStateResponse, Error> {
    let execution = find(lambda, cx, &input.durable_execution_arn).await?;
    if read_token(&execution.id, &input.checkpoint_token)? != execution.token {
        return Err(invalid_token());
    }
    let start: u64 = match input.marker.as_deref() {
        None | Some("") => 0,
        Some(marker) => marker.parse().map_err(|_| errors::invalid_parameter("The Marker provided is invalid."))?,
    };
    let operations = lambda.executions.operations(&execution.id).await?;
    let rest: Vec<&Operation> = operations.iter().filter(|operation| operation.number >= start).collect();
    let (mut count, mut bytes) = (0, 0);
    for operation in rest.iter().take(page(input.max_items)) {
        bytes += operation.result.as_ref().map_or(0, String::len);
        if bytes > durable::PAGE_BYTES_MAX && count > 0 {
            break;
        }
        count += 1;
    }
    Ok(GetDurableExecutionStateResponse {
        operations: rest.iter().take(count).map(|operation| durable::describe_operation(operation)).collect(),
        next_marker: rest.get(count).map(|operation| operation.number.to_string()),
    })
}

/// What happened in an execution.
pub async fn get_durable_execution_history(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: GetDurableExecutionHistoryRequest,
) -> Result<GetDurableExecutionHistoryResponse, Error> {
    let execution = find(lambda, cx, &input.durable_execution_arn).await?;
    let has_data = input.include_execution_data.unwrap_or(true);
    let mut events = lambda.executions.history(&execution.id).await?;
    if input.reverse_order == Some(true) {
        events.reverse();
    }
    if let Some(marker) = input.marker.as_deref().filter(|marker| !marker.is_empty()) {
        let last = marker::read_name(marker)?;
        let place = events.iter().position(|event| event.number.to_string() == last);
        events.drain(..place.map_or(events.len(), |place| place + 1));
    }
    let limit = page(input.max_items);
    let next_marker = (events.len() > limit).then(|| marker::write_name(&events[limit - 1].number.to_string()));
    events.truncate(limit);
    let events = events.iter().map(|event| durable::describe_event(event, has_data)).collect();
    Ok(GetDurableExecutionHistoryResponse { events, next_marker })
}

/// The executions of a function, the newest first.
pub async fn list_durable_executions_by_function(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: ListDurableExecutionsByFunctionRequest,
) -> Result<ListDurableExecutionsByFunctionResponse, Error> {
    let target = names::target(cx, &input.function_name, input.qualifier.as_deref())?;
    if lambda.functions.function(&target.function).await?.is_none() {
        return Err(errors::function_not_found(&target.function, None));
    }
    let milliseconds = |time: Option<Timestamp>| time.map(Timestamp::milliseconds);
    let (after, before) = (milliseconds(input.started_after), milliseconds(input.started_before));
    let is_wanted = |execution: &Execution| {
        let statuses = input.statuses.as_deref().unwrap_or_default();
        target.qualifier.as_ref().is_none_or(|version| *version == execution.version)
            && input.durable_execution_name.as_ref().is_none_or(|name| *name == execution.name)
            && (statuses.is_empty() || statuses.iter().any(|status| status == execution.status.name()))
            && after.is_none_or(|after| execution.started_at >= after)
            && before.is_none_or(|before| execution.started_at <= before)
    };
    let mut found = lambda.executions.of_function(&target.function).await?;
    found.retain(is_wanted);
    found.sort_by(|one, other| (other.started_at, &other.id.id).cmp(&(one.started_at, &one.id.id)));
    if input.reverse_order == Some(true) {
        found.reverse();
    }
    if let Some(marker) = input.marker.as_deref().filter(|marker| !marker.is_empty()) {
        let last = marker::read_name(marker)?;
        let place = found.iter().position(|execution| execution.id.id == last);
        found.drain(..place.map_or(found.len(), |place| place + 1));
    }
    let limit = page(input.max_items);
    let next_marker = (found.len() > limit).then(|| marker::write_name(&found[limit - 1].id.id));
    found.truncate(limit);
    let durable_executions = Some(found.iter().map(durable::describe_summary).collect());
    Ok(ListDurableExecutionsByFunctionResponse { durable_executions, next_marker })
}

/// Stops an execution.
pub async fn stop_durable_execution(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: StopDurableExecutionRequest,
) -> Result<StopDurableExecutionResponse, Error> {
    let id = find(lambda, cx, &input.durable_execution_arn).await?.id;
    let at = durable::stop(lambda, id, input.error.map(Into::into)).await?;
    Ok(StopDurableExecutionResponse { stop_timestamp: Timestamp::from_milliseconds(at) })
}

/// Deletes an execution that has ended, with all that is kept of it.
pub async fn delete_durable_execution(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: DeleteDurableExecutionRequest,
) -> Result<DeleteDurableExecutionResponse, Error> {
    let id = find(lambda, cx, &input.durable_execution_arn).await?.id;
    let at = durable::delete(lambda, id).await?;
    Ok(DeleteDurableExecutionResponse { deletion_request_timestamp: Timestamp::from_milliseconds(at) })
}

/// A callback: what was waited for is done.
pub async fn send_durable_execution_callback_success(
    lambda: &Arc<Lambda>,
    _: &Ctx,
    input: SendDurableExecutionCallbackSuccessRequest,
) -> Result<SendDurableExecutionCallbackSuccessResponse, Error> {
    let result = String::from_utf8(input.result.unwrap_or_default().into());
    let result = result.map_err(|_| errors::invalid_parameter("Result must be UTF-8."))?;
    durable::send_callback(lambda, &input.callback_id, Callback::Succeeded(result)).await?;
    Ok(SendDurableExecutionCallbackSuccessResponse::default())
}

/// A callback: what was waited for has failed.
pub async fn send_durable_execution_callback_failure(
    lambda: &Arc<Lambda>,
    _: &Ctx,
    input: SendDurableExecutionCallbackFailureRequest,
) -> Result<SendDurableExecutionCallbackFailureResponse, Error> {
    let failure = input.error.map(Into::into).unwrap_or_default();
    durable::send_callback(lambda, &input.callback_id, Callback::Failed(failure)).await?;
    Ok(SendDurableExecutionCallbackFailureResponse::default())
}

/// A callback: what is waited for is being worked on.
pub async fn send_durable_execution_callback_heartbeat(
    lambda: &Arc<Lambda>,
    _: &Ctx,
    input: SendDurableExecutionCallbackHeartbeatRequest,
) -> Result<SendDurableExecutionCallbackHeartbeatResponse, Error> {
    durable::send_callback(lambda, &input.callback_id, Callback::Heartbeat).await?;
    Ok(SendDurableExecutionCallbackHeartbeatResponse::default())
}

async fn find(lambda: &Lambda, cx: &Ctx, arn: &str) -> Result<Execution, Error> {
    let absent = || errors::not_found(format!("Durable execution not found: {arn}"));
    let id = ExecutionId::of_arn(arn).ok_or_else(absent)?;
    if id.function.account != cx.account || id.function.region != cx.region {
        return Err(absent());
    }
    let execution = lambda.executions.execution(&id).await?;
    execution.filter(|execution| execution.arn() == arn).ok_or_else(absent)
}

fn read_token(id: &ExecutionId, token: &str) -> Result<u64, Error> {
    durable::read_token(&id.id, token).ok_or_else(invalid_token)
}

fn invalid_token() -> Error {
    errors::invalid_parameter("Invalid checkpoint token")
}

fn page(max_items: Option<i32>) -> usize {
    max_items.filter(|max| *max > 0).map_or(PAGE_MAX, |max| max.unsigned_abs() as usize).min(PAGE_MAX)
}
