//! `StartMessageMoveTask`, `CancelMessageMoveTask`, `ListMessageMoveTasks`.

use std::sync::Arc;

use api::sqs::{
    CancelMessageMoveTaskRequest, CancelMessageMoveTaskResult, ListMessageMoveTasksRequest, ListMessageMoveTasksResult,
    ListMessageMoveTasksResultEntry, StartMessageMoveTaskRequest, StartMessageMoveTaskResult, errors as modelled,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use platform::{Ctx, OrFailure};
use serde::{Deserialize, Serialize};
use store::{Abort, Direction, Transaction};
use wire::Error;

use crate::address::QueueName;
use crate::contents::Contents;
use crate::errors::{invalid_parameter, invalid_value};
use crate::keys;
use crate::limits::{MOVE_RATE_MAX, MOVE_TASKS_MAX};
use crate::move_task::{self, Running, Task, status};
use crate::queue::Queue;
use crate::service::Sqs;

/// What a task handle says.
#[derive(Serialize, Deserialize)]
struct Handle {
    #[serde(rename = "taskId")]
    task: String,
    #[serde(rename = "sourceArn")]
    source: String,
}

impl Handle {
    fn encode(&self) -> String {
        STANDARD.encode(serde_json::json!(self).to_string())
    }

    fn decode(handle: &str) -> Result<Handle, Error> {
        let bytes = STANDARD.decode(handle).ok();
        let handle = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        handle.ok_or_else(|| invalid_parameter("Value for parameter TaskHandle is invalid."))
    }
}

/// ARN of the queue whose task a handle names, if it is a handle.
pub fn source_of(handle: &str) -> Option<String> {
    Handle::decode(handle).ok().map(|handle| handle.source)
}

fn not_found(parameter: &str) -> Error {
    modelled::resource_not_found_exception(format!(
        "The resource that you specified for the {parameter} parameter doesn't exist."
    ))
}

/// A queue of the caller's by its ARN.
fn own(cx: &Ctx, parameter: &str, arn: &str) -> Result<QueueName, Error> {
    let name = QueueName::of_arn(arn).ok_or_else(|| not_found(parameter))?;
    let own = name.account == cx.account && name.region == cx.region;
    if own { Ok(name) } else { Err(not_found(parameter)) }
}

/// Starts to move the messages of a dead-letter queue to another queue, or back to where they came from.
///
/// # Errors
/// `ResourceNotFoundException`, `InvalidParameterValue`.
pub async fn start_message_move_task(
    service: &Arc<Sqs>,
    cx: &Ctx,
    input: StartMessageMoveTaskRequest,
) -> Result<StartMessageMoveTaskResult, Error> {
    let source = own(cx, "SourceArn", &input.source_arn)?;
    let destination = input.destination_arn.filter(|arn| !arn.is_empty());
    let destination = destination.map(|arn| own(cx, "DestinationArn", &arn)).transpose()?;
    let rate = input.max_number_of_messages_per_second;
    if let Some(rate) = rate.filter(|rate| !(1..=MOVE_RATE_MAX).contains(rate)) {
        let reason = format!("Must be between 1 and {MOVE_RATE_MAX}, if provided.");
        return Err(invalid_value(rate, "MaxNumberOfMessagesPerSecond", reason));
    }
    let now = service.now();
    let task = Task {
        id: service.id().to_string(),
        source: source.name.clone(),
        destination: destination.map(|destination| destination.name),
        rate,
        moved: 0,
        to_move: 0,
        status: status::RUNNING.to_owned(),
        failure: None,
        started: now,
    };
    let id = task.id.clone();
    let begun = service.on_queue_if_any(&source, move |queue, rows| begin(queue, rows, task.clone(), now));
    begun.await?.ok_or_else(|| not_found("SourceArn"))?;
    let handle = Handle { task: id.clone(), source: input.source_arn };
    move_task::start(service, source, id)?;
    Ok(StartMessageMoveTaskResult { task_handle: Some(handle.encode()) })
}

fn begin(queue: &Queue, rows: &mut dyn Transaction, mut task: Task, now: i64) -> Result<(), Abort<Error>> {
    if rows.scan(keys::sources(&task.source), Direction::Forward, 1)?.is_empty() {
        return Err(invalid_parameter("Source queue must be configured as a Dead Letter Queue.").into());
    }
    if let Some(destination) = &task.destination {
        if *destination == task.source {
            return Err(invalid_parameter("Source queue and destination queue must be different.").into());
        }
        if rows.get(&keys::queue(destination))?.is_none() {
            return Err(not_found("DestinationArn").into());
        }
        if queue.name.sibling(destination).is_fifo() != queue.is_fifo() {
            return Err(invalid_parameter("Source queue and destination queue must be of the same type.").into());
        }
    }
    if move_task::current(rows, queue)?.is_some() {
        const ONE: &str = "There is already a task running. Only one active task is allowed for a source queue arn at a \
                           given time.";
        return Err(invalid_parameter(ONE).into());
    }
    crate::contents::release(queue, rows, now)?;
    task.to_move = Contents::open(rows, queue, now)?.counters().ready;
    let number = queue.record.number;
    let running = Running { id: task.id.clone(), source: task.source.clone(), started: task.started };
    move_task::put(rows, &keys::running(number), &running)?;
    move_task::put(rows, &keys::task(number, task.started, &task.id), &task)?;
    let kept = rows.scan(keys::tasks(number), Direction::Backward, MOVE_TASKS_MAX + 1)?;
    for (old, _) in kept.iter().skip(MOVE_TASKS_MAX) {
        rows.delete(old);
    }
    Ok(())
}

/// Ends a task; what it has moved stays moved.
///
/// # Errors
/// `ResourceNotFoundException`, `InvalidParameterValue`.
pub async fn cancel_message_move_task(
    service: &Arc<Sqs>,
    cx: &Ctx,
    input: CancelMessageMoveTaskRequest,
) -> Result<CancelMessageMoveTaskResult, Error> {
    let handle = Handle::decode(&input.task_handle)?;
    let source = own(cx, "SourceArn", &handle.source)?;
    let cancelled = service.on_queue_if_any(&source, move |queue, rows| {
        let missing = || modelled::resource_not_found_exception("Task does not exist.");
        let task = move_task::current(rows, queue)?.filter(|task| task.id == handle.task).ok_or_else(missing)?;
        let moved = task.moved;
        move_task::end(rows, queue, task, status::CANCELLED, None)?;
        Ok(moved)
    });
    let moved = cancelled.await?.ok_or_else(|| not_found("SourceArn"))?;
    Ok(CancelMessageMoveTaskResult { approximate_number_of_messages_moved: i64::try_from(moved).ok() })
}

/// Lists the latest tasks of a queue, the latest first.
///
/// # Errors
/// `ResourceNotFoundException`, `InvalidParameterValue`.
pub async fn list_message_move_tasks(
    service: &Arc<Sqs>,
    cx: &Ctx,
    input: ListMessageMoveTasksRequest,
) -> Result<ListMessageMoveTasksResult, Error> {
    let source = own(cx, "SourceArn", &input.source_arn)?;
    let limit = input.max_results.unwrap_or(1);
    let limit = usize::try_from(limit).ok().filter(|limit| (1..=MOVE_TASKS_MAX).contains(limit)).ok_or_else(|| {
        invalid_value(limit, "MaxResults", format!("Value for parameter must be between 1 and {MOVE_TASKS_MAX}."))
    })?;
    let queue = service.find(&source).await?.ok_or_else(|| not_found("SourceArn"))?;
    let tasks = keys::tasks(queue.record.number);
    let rows =
        service.store().scan(&keys::partition_of(&source), tasks, Direction::Backward, limit).await.or_failure()?;
    let results =
        rows.iter().map(|(_, row)| Ok(entry(&source, move_task::read(row)?))).collect::<Result<_, Error>>()?;
    Ok(ListMessageMoveTasksResult { results: Some(results) })
}

fn entry(source: &QueueName, task: Task) -> ListMessageMoveTasksResultEntry {
    let running = task.status == status::RUNNING;
    let count = |number: u64| i64::try_from(number).ok();
    ListMessageMoveTasksResultEntry {
        task_handle: running.then(|| Handle { task: task.id, source: source.arn() }.encode()),
        status: Some(task.status),
        source_arn: Some(source.arn()),
        destination_arn: task.destination.map(|destination| source.sibling(&destination).arn()),
        max_number_of_messages_per_second: task.rate,
        approximate_number_of_messages_moved: count(task.moved),
        approximate_number_of_messages_to_move: count(task.to_move),
        failure_reason: task.failure,
        started_timestamp: Some(task.started),
    }
}
