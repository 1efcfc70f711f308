//! Move tasks: bringing dead letters back, in the background, across restarts.

use std::sync::Arc;
use std::time::Duration;

use api::sqs::errors as modelled;
use platform::OrFailure;
use serde::{Deserialize, Serialize};
use store::{Abort, Direction, StoreError, Transaction, value};
use uuid::Uuid;
use wire::Error;
use wire::schema::Fault;

use crate::address::QueueName;
use crate::contents::{Contents, Take, release};
use crate::errors;
use crate::keys::{self, FORMAT};
use crate::limits::{MOVED_AT_ONCE, SWEEP_PAGE};
use crate::message::{Content, Message, State};
use crate::queue::Queue;
use crate::service::Sqs;

/// Pause after the store failed.
const RETRY: Duration = Duration::from_secs(1);

/// Failed steps in a row before a task is left to the next start of the platform.
const RETRIES_MAX: usize = 60;

/// How a task stands, as clients see it.
pub mod status {
    /// It is moving messages.
    pub const RUNNING: &str = "RUNNING";
    /// It has moved all it found.
    pub const COMPLETED: &str = "COMPLETED";
    /// A client has ended it.
    pub const CANCELLED: &str = "CANCELLED";
    /// It met something it could not do.
    pub const FAILED: &str = "FAILED";
}

/// A task at rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Its id.
    pub id: String,
    /// Name of the queue it takes messages from.
    pub source: String,
    /// Name of the queue it gives them to; without one, each goes back to where it came from.
    pub destination: Option<String>,
    /// Messages per second, if limited.
    pub rate: Option<i32>,
    /// Messages moved so far.
    pub moved: u64,
    /// Messages there were when it began.
    pub to_move: u64,
    /// One of [`status`].
    pub status: String,
    /// Why it failed.
    pub failure: Option<String>,
    /// When it began, in milliseconds since 1970.
    pub started: i64,
}

/// Which task of a source runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    /// The task's id.
    pub id: String,
    /// Name of the source.
    pub source: String,
    /// When it began.
    pub started: i64,
}

/// Reads a row.
///
/// # Errors
/// A failure of the store.
pub fn read<T: serde::de::DeserializeOwned>(row: &[u8]) -> Result<T, Error> {
    value::decode(FORMAT, row).map_err(StoreError::from).or_failure()
}

/// Writes a row.
///
/// # Errors
/// A failure of the store.
pub fn put<T: Serialize>(rows: &mut dyn Transaction, key: &[u8], value: &T) -> Result<(), Error> {
    let row = value::encode(FORMAT, value).map_err(StoreError::from).or_failure()?;
    rows.put(key, &row);
    Ok(())
}

/// The task that runs on a queue, if one does.
///
/// # Errors
/// A failure of the store.
pub fn current(rows: &mut dyn Transaction, queue: &Queue) -> Result<Option<Task>, Abort<Error>> {
    let Some(row) = rows.get(&keys::running(queue.record.number))? else { return Ok(None) };
    let running: Running = read(&row)?;
    let row = rows.get(&keys::task(queue.record.number, running.started, &running.id))?;
    Ok(row.map(|row| read(&row)).transpose()?)
}

/// Ends the task that runs on a queue.
///
/// # Errors
/// A failure of the store.
pub fn end(
    rows: &mut dyn Transaction,
    queue: &Queue,
    mut task: Task,
    how: &str,
    failure: Option<String>,
) -> Result<(), Abort<Error>> {
    task.status = how.to_owned();
    task.failure = failure;
    rows.delete(&keys::running(queue.record.number));
    put(rows, &keys::task(queue.record.number, task.started, &task.id), &task)?;
    Ok(())
}

/// Takes up the tasks that an earlier run of the platform left behind.
///
/// # Errors
/// A failure of the store.
pub async fn resume(service: &Arc<Sqs>) -> Result<(), Error> {
    let listed = crate::sweep::partitions(service).await?;
    for (account, region) in listed {
        let partition = keys::partition(&account, &region);
        let mut range = keys::all_running();
        // Every round goes on behind the last row of the one before.
        loop {
            let rows = service.store().scan(&partition, range.clone(), Direction::Forward, SWEEP_PAGE).await;
            let rows = rows.or_failure()?;
            for (_, row) in &rows {
                let running: Running = read(row)?;
                let name = QueueName { account: account.clone(), region: region.clone(), name: running.source.clone() };
                start(service, name, running.id)?;
            }
            match rows.last() {
                Some((last, _)) if rows.len() == SWEEP_PAGE => range = range.after(last),
                _ => break,
            }
        }
    }
    Ok(())
}

/// Starts to work on a task that is in the store.
///
/// # Errors
/// `ServiceUnavailable` when the platform has too much to do in the background.
pub fn start(service: &Arc<Sqs>, source: QueueName, id: String) -> Result<(), Error> {
    let worker = Arc::clone(service);
    let stopping = service.platform.background.stopping().clone();
    let work = async move {
        stopping.run_until_cancelled(run(&worker, &source, &id)).await;
    };
    service.platform.background.spawn("sqs move task", work).or_failure()
}

async fn run(service: &Sqs, source: &QueueName, id: &str) {
    let mut failures = 0;
    // Ends with the task, or after too many failures in a row.
    while failures < RETRIES_MAX {
        match step(service, source, id).await {
            Ok(None) => return,
            Ok(Some(pause)) => {
                failures = 0;
                service.platform.clock.sleep(pause).await;
            }
            Err(error) if error.definition.fault == Fault::Client => {
                let reason = error.message.unwrap_or_default().into_owned();
                if fail(service, source, id, reason).await.is_ok() {
                    return;
                }
                failures += 1;
            }
            Err(error) => {
                tracing::warn!(%error, "a move task waits for the store");
                failures += 1;
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}

/// Moves some messages. Answers how long to wait before the next step; `None` when the task is over.
async fn step(service: &Sqs, source: &QueueName, id: &str) -> Result<Option<Duration>, Error> {
    let ids: Vec<Uuid> =
        (0..MOVED_AT_ONCE.max(crate::limits::MOVE_RATE_MAX.unsigned_abs() as usize)).map(|_| service.id()).collect();
    let (id, now) = (id.to_owned(), service.now());
    let stepped = service.on_queue_if_any(source, move |queue, rows| {
        let Some(mut task) = current(rows, queue)?.filter(|task| task.id == id) else { return Ok(None) };
        release(queue, rows, now)?;
        let left = usize::try_from(task.to_move.saturating_sub(task.moved)).unwrap_or(usize::MAX);
        let rate = task.rate.map(|rate| rate.unsigned_abs() as usize);
        let count = rate.unwrap_or(MOVED_AT_ONCE).min(left);
        let drawn = draw(queue, rows, count, now)?;
        let moved = drawn.len();
        deliver(queue, rows, &task, drawn, &ids, now)?;
        task.moved += moved as u64;
        if moved == 0 || task.moved >= task.to_move {
            end(rows, queue, task, status::COMPLETED, None)?;
            return Ok(None);
        }
        put(rows, &keys::task(queue.record.number, task.started, &task.id), &task)?;
        Ok(Some(if rate.is_some() { Duration::from_secs(1) } else { Duration::ZERO }))
    });
    Ok(stepped.await?.flatten())
}

/// Removes messages that can be received.
fn draw(
    queue: &Queue,
    rows: &mut dyn Transaction,
    count: usize,
    now: i64,
) -> Result<Vec<(Message, Vec<u8>)>, Abort<Error>> {
    let mut contents = Contents::open(rows, queue, now)?;
    let everything = Take { count, until: now, receive_count_max: Some(0), dead_max: count };
    let taken = contents.take(&everything)?;
    contents.close();
    Ok(taken.dead)
}

/// Adds messages, as new ones, to the queues they go to.
fn deliver(
    source: &Queue,
    rows: &mut dyn Transaction,
    task: &Task,
    messages: Vec<(Message, Vec<u8>)>,
    ids: &[Uuid],
    now: i64,
) -> Result<(), Abort<Error>> {
    for ((message, payload), id) in messages.into_iter().zip(ids) {
        let origin = message.dead_letter_source.as_deref().and_then(QueueName::of_arn).map(|origin| origin.name);
        let name = task.destination.clone().or(origin);
        // The words are the reasons that clients read.
        let name = name.ok_or_else(|| errors::invalid_parameter("CouldNotDetermineMessageSource"))?;
        let row = rows.get(&keys::queue(&name))?;
        let row = row.ok_or_else(|| modelled::queue_does_not_exist("AWS.SimpleQueueService.NonExistentQueue"))?;
        let target = Queue::decode(source.name.sibling(&name), row)?;
        let mut contents = Contents::open(rows, &target, now)?;
        let message = Message {
            id: *id,
            sent_at: now,
            dead_letter_source: None,
            state: State::Ready,
            receive_count: 0,
            first_received: 0,
            last_received: 0,
            content: Content::Apart,
            ..message
        };
        contents.add(message, payload)?;
        contents.close();
    }
    Ok(())
}

async fn fail(service: &Sqs, source: &QueueName, id: &str, reason: String) -> Result<(), Error> {
    let id = id.to_owned();
    let failed = service.on_queue_if_any(source, move |queue, rows| {
        if let Some(task) = current(rows, queue)?.filter(|task| task.id == id) {
            end(rows, queue, task, status::FAILED, Some(reason.clone()))?;
        }
        Ok(())
    });
    failed.await.map(|_| ())
}
