//! Brings log lines to CloudWatch Logs, behind the answers, in order.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use api::Operation;
use api::logs::{self, CreateLogGroupRequest, CreateLogStreamRequest, InputLogEvent, PutLogEventsRequest};
use platform::{Platform, Principal};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use wire::Error;

use super::limits::{
    LOG_DRAIN_TIMEOUT, LOG_EVENT_OVERHEAD_BYTES, LOG_WRITE_BYTES_MAX, LOG_WRITE_EVENTS_MAX, LOG_WRITE_INTERVAL,
    WAITING_LOG_BYTES_MAX,
};

/// Batches that may wait, whatever their size. Each is at least one semaphore unit.
const WAITING_BATCHES_MAX: usize = 4_096;

/// Bytes that one unit of the semaphore stands for.
const UNIT_BYTES: usize = 1_024;

/// A log stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// As whom lines are written: the session of the function's role. Without the role's permission the function runs
    /// all the same, and nothing is logged.
    pub principal: Principal,
    /// 12 digits.
    pub account: String,
    /// For example `eu-west-1`.
    pub region: String,
    /// The log group.
    pub group: String,
    /// The log stream.
    pub stream: String,
    /// [`Shipper::generation`] at its beginning.
    pub generation: u64,
}

impl Hash for Target {
    /// Streams have random names, which tell them apart.
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.stream.hash(state);
    }
}

/// Takes lines; a background task writes them.
#[derive(Clone)]
pub struct Shipper {
    sender: mpsc::Sender<Message>,
    room: Arc<Semaphore>,
    validity: Arc<Validity>,
}

/// A place among the waiting lines.
pub struct Place<'shipper> {
    permit: mpsc::Permit<'shipper, Message>,
    room: OwnedSemaphorePermit,
}

impl Place<'_> {
    /// Hands lines over.
    pub fn ship(self, target: &Arc<Target>, events: Vec<InputLogEvent>) {
        self.permit.send(Message::Batch { target: Arc::clone(target), events, _room: self.room });
    }
}

/// Which lines are still to be written.
#[derive(Default)]
struct Validity {
    /// Lines of streams of other generations are dropped.
    generation: AtomicU64,
    /// Held while a write is under way.
    writing: Mutex<()>,
}

enum Message {
    Batch { target: Arc<Target>, events: Vec<InputLogEvent>, _room: OwnedSemaphorePermit },
    Flush(oneshot::Sender<()>),
}

impl Shipper {
    /// Starts the writer.
    pub fn start(platform: &Arc<Platform>) -> Shipper {
        let (sender, receiver) = mpsc::channel(WAITING_BATCHES_MAX);
        let room = Arc::new(Semaphore::new(WAITING_LOG_BYTES_MAX / UNIT_BYTES));
        let validity = Arc::<Validity>::default();
        tokio::spawn(write_all(Arc::clone(platform), receiver, Arc::clone(&validity)));
        Shipper { sender, room, validity }
    }

    /// What streams that begin now belong to.
    pub fn generation(&self) -> u64 {
        self.validity.generation.load(Ordering::Acquire)
    }

    /// Drops all lines, waiting ones and future ones, of the streams that have begun. The last write has ended when this
    /// returns.
    pub async fn forget(&self) {
        self.validity.generation.fetch_add(1, Ordering::AcqRel);
        drop(self.validity.writing.lock().await);
    }

    /// A place for lines of that many bytes; waits while too much is waiting already. `None` at the process's end.
    pub async fn place(&self, bytes: usize) -> Option<Place<'_>> {
        let units = bytes.div_ceil(UNIT_BYTES).clamp(1, WAITING_LOG_BYTES_MAX / UNIT_BYTES) as u32;
        let room = Arc::clone(&self.room).acquire_many_owned(units).await.ok()?;
        Some(Place { permit: self.sender.reserve().await.ok()?, room })
    }

    /// Waits until everything handed over before is written, for at most [`LOG_DRAIN_TIMEOUT`].
    pub async fn flush(&self) {
        let flushed = async {
            let (sender, receiver) = oneshot::channel();
            if self.sender.send(Message::Flush(sender)).await.is_ok() {
                // An error means that the writer is gone, and with it everything that waited.
                let _ = receiver.await;
            }
        };
        if tokio::time::timeout(LOG_DRAIN_TIMEOUT, flushed).await.is_err() {
            tracing::warn!("log lines were still being written when the platform stopped");
        }
    }
}

/// Lines of one gathering, by stream.
#[derive(Default)]
struct Gathered {
    events: HashMap<Arc<Target>, Vec<InputLogEvent>>,
    room: Vec<OwnedSemaphorePermit>,
    flushes: Vec<oneshot::Sender<()>>,
}

impl Gathered {
    fn add(&mut self, message: Message) {
        match message {
            Message::Batch { target, events, _room } => {
                self.events.entry(target).or_default().extend(events);
                self.room.push(_room);
            }
            Message::Flush(done) => self.flushes.push(done),
        }
    }
}

async fn write_all(platform: Arc<Platform>, mut receiver: mpsc::Receiver<Message>, validity: Arc<Validity>) {
    while let Some(first) = receiver.recv().await {
        let mut gathered = Gathered::default();
        gathered.add(first);
        if gathered.flushes.is_empty() {
            tokio::time::sleep(LOG_WRITE_INTERVAL).await;
        }
        while gathered.room.len() < WAITING_BATCHES_MAX {
            let Ok(message) = receiver.try_recv() else { break };
            gathered.add(message);
        }
        for (target, events) in gathered.events {
            for part in parts(events) {
                let _writing = validity.writing.lock().await;
                if target.generation == validity.generation.load(Ordering::Acquire) {
                    write(&platform, &target, part).await;
                }
            }
        }
        for done in gathered.flushes {
            // Whoever waited may have given up.
            let _ = done.send(());
        }
    }
}

/// Cuts lines into writes that CloudWatch Logs accepts, in chronological order.
fn parts(mut events: Vec<InputLogEvent>) -> Vec<Vec<InputLogEvent>> {
    events.sort_by_key(|event| event.timestamp);
    let mut parts: Vec<Vec<InputLogEvent>> = Vec::new();
    let mut bytes = 0;
    for event in events {
        let size = event.message.len() + LOG_EVENT_OVERHEAD_BYTES;
        let full = |part: &Vec<InputLogEvent>| part.len() == LOG_WRITE_EVENTS_MAX || bytes + size > LOG_WRITE_BYTES_MAX;
        if parts.last().is_none_or(full) {
            parts.push(Vec::new());
            bytes = 0;
        }
        bytes += size;
        if let Some(part) = parts.last_mut() {
            part.push(event);
        }
    }
    parts
}

/// Writes to a stream, which is made on first use, as AWS does. A role that may make the stream but not the group writes
/// to a group that is there already.
async fn write(platform: &Arc<Platform>, target: &Target, events: Vec<InputLogEvent>) {
    let outcome = match put(platform, target, events.clone()).await {
        Err(error) if error.is("ResourceNotFoundException") => match create(platform, target).await {
            Ok(()) => put(platform, target, events).await,
            Err(error) => Err(error),
        },
        outcome => outcome,
    };
    match outcome {
        Ok(()) => {}
        // As on AWS: whoever wonders finds the denial among the last ones.
        Err(error) if error.is("AccessDeniedException") => {
            tracing::debug!(group = target.group, "a function's role may not write its log");
        }
        Err(error) => tracing::warn!(group = target.group, %error, "log lines of a function could not be written"),
    }
}

async fn put(platform: &Arc<Platform>, target: &Target, log_events: Vec<InputLogEvent>) -> Result<(), Error> {
    let input = PutLogEventsRequest {
        log_group_name: target.group.clone(),
        log_stream_name: target.stream.clone(),
        log_events,
        ..Default::default()
    };
    call::<logs::PutLogEvents>(platform, target, input).await.map(|_| ())
}

async fn create(platform: &Arc<Platform>, target: &Target) -> Result<(), Error> {
    let group = CreateLogGroupRequest { log_group_name: target.group.clone(), ..Default::default() };
    let group = existing(call::<logs::CreateLogGroup>(platform, target, group).await);
    let stream = CreateLogStreamRequest {
        log_group_name: target.group.clone(),
        log_stream_name: target.stream.clone(),
        ..Default::default()
    };
    match existing(call::<logs::CreateLogStream>(platform, target, stream).await) {
        Err(error) if error.is("ResourceNotFoundException") => group.and(Err(error)),
        outcome => outcome,
    }
}

async fn call<O: Operation>(platform: &Arc<Platform>, target: &Target, input: O::Input) -> Result<O::Output, Error> {
    platform.call_as::<O>(target.principal.clone(), &target.account, &target.region, input).await
}

/// That something exists already is what was wanted.
fn existing<T>(outcome: Result<T, Error>) -> Result<(), Error> {
    match outcome {
        Err(error) if !error.is("ResourceAlreadyExistsException") => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(timestamp: i64, bytes: usize) -> InputLogEvent {
        InputLogEvent { timestamp, message: "x".repeat(bytes), ..Default::default() }
    }

    #[test]
    fn writes_stay_within_the_limits_of_cloudwatch_logs_and_in_order() {
        let mut events: Vec<_> = (0..LOG_WRITE_EVENTS_MAX as i64 + 1).map(|at| event(at, 1)).collect();
        events.swap(3, 7);
        let parts = parts(events);
        assert_eq!(parts.iter().map(Vec::len).collect::<Vec<_>>(), [LOG_WRITE_EVENTS_MAX, 1]);
        assert!(parts[0].is_sorted_by_key(|event| event.timestamp));
    }

    #[test]
    fn large_lines_are_spread_over_several_writes() {
        let large = LOG_WRITE_BYTES_MAX / 2;
        let parts = parts(vec![event(1, large), event(2, large), event(3, large)]);
        assert_eq!(parts.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1, 1]);
    }
}
