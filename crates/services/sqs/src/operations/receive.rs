//! `ReceiveMessage`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use api::sqs::{Message as ClientMessage, ReceiveMessageRequest, ReceiveMessageResult, errors as modelled};
use platform::Ctx;
use store::{Abort, Transaction};
use wire::Error;

use crate::address::QueueName;
use crate::contents::{Contents, Found, Held, Take};
use crate::digest;
use crate::errors::{self, invalid_value};
use crate::keys;
use crate::limits::{IN_FLIGHT_MAX, RECEIVED_MAX, VISIBILITY_SECONDS_MAX, WAIT_SECONDS_MAX};
use crate::message::{Content, Message, State};
use crate::message_attributes::{Wanted, to_client};
use crate::outgoing::{check_fifo_id, sequence_number};
use crate::payload::Payload;
use crate::poll;
use crate::protection;
use crate::queue::Queue;
use crate::receipt::Receipt;
use crate::remember::Memory;
use crate::service::Sqs;

/// Dead letters that one call moves at most before it is left to the next one.
const DEAD_AT_ONCE: usize = 100;

/// Receives messages, and waits for them if asked to.
///
/// # Errors
/// `QueueDoesNotExist`, `InvalidParameterValue`, `InvalidAttributeName`, `OverLimit`.
pub async fn receive_message(
    service: &Sqs,
    cx: &Ctx,
    input: ReceiveMessageRequest,
) -> Result<ReceiveMessageResult, Error> {
    let name = QueueName::of_url(cx, &input.queue_url)?;
    let request = Arc::new(Request::new(input)?);
    // Where the call before found messages, this one takes without looking first; looking spares the writer of the store
    // the calls that find nothing.
    if request.attempt.is_none()
        && service.is_flowing(&name)
        && let Some(found) = attempt(service, cx, &name, &request).await?
    {
        return Ok(answer(&request, found));
    }
    let queue = service.queue(cx, &name).await?;
    if !queue.is_fifo()
        && let Some(attempt) = &request.attempt
    {
        const NOT_OF_THIS_TYPE: &str = "The request include parameter that is not valid for this queue type.";
        return Err(invalid_value(attempt, "ReceiveRequestAttemptId", NOT_OF_THIS_TYPE));
    }
    let wait = request.wait.unwrap_or(queue.settings().wait_seconds);
    let due = poll::next_at(service, &queue).await?.is_some_and(|next| next <= service.now());
    if due || request.attempt.is_some() {
        let found = attempt(service, cx, &name, &request).await?;
        if let Some(found) = found {
            return Ok(answer(&request, found));
        }
    }
    if wait == 0 {
        return Ok(ReceiveMessageResult::default());
    }
    let deadline = service.platform.clock.monotonic() + Duration::from_secs(u64::from(wait));
    let found = poll::wait(service, cx, &name, deadline, || attempt(service, cx, &name, &request)).await?;
    Ok(found.map(|found| answer(&request, found)).unwrap_or_default())
}

/// What a call asks for, checked.
struct Request {
    count: usize,
    visibility: Option<i32>,
    wait: Option<u32>,
    attempt: Option<String>,
    system: SystemAttributes,
    attributes: Wanted,
}

impl Request {
    fn new(input: ReceiveMessageRequest) -> Result<Request, Error> {
        let count = input.max_number_of_messages.unwrap_or(1);
        if !(1..=RECEIVED_MAX).contains(&count) {
            let reason = format!("Must be between 1 and {RECEIVED_MAX}, if provided.");
            return Err(invalid_value(count, "MaxNumberOfMessages", reason));
        }
        let within = |value: Option<i32>, parameter: &str, most: i32| match value {
            Some(value) if !(0..=most).contains(&value) => {
                Err(invalid_value(value, parameter, format!("Must be >= 0 and <= {most}, if provided.")))
            }
            value => Ok(value),
        };
        let wait = within(input.wait_time_seconds, "WaitTimeSeconds", WAIT_SECONDS_MAX)?;
        let visibility = within(input.visibility_timeout, "VisibilityTimeout", VISIBILITY_SECONDS_MAX)?;
        check_fifo_id("ReceiveRequestAttemptId", input.receive_request_attempt_id.as_deref())?;
        let names = input.attribute_names.into_iter().chain(input.message_system_attribute_names).flatten();
        Ok(Request {
            count: count.unsigned_abs() as usize,
            visibility,
            wait: wait.map(i32::unsigned_abs),
            attempt: input.receive_request_attempt_id,
            system: SystemAttributes::new(names)?,
            attributes: Wanted::new(input.message_attribute_names),
        })
    }
}

/// A received message with everything that is told of it.
struct Received<P> {
    held: Held,
    payload: P,
    receipt: Receipt,
}

/// Received messages with their payloads as they are stored.
type Stored = Vec<Received<Vec<u8>>>;

/// Tries once. `None` if there is nothing to receive.
async fn attempt(
    service: &Sqs,
    cx: &Ctx,
    name: &QueueName,
    request: &Arc<Request>,
) -> Result<Option<Vec<Received<Payload>>>, Error> {
    let (request, now) = (Arc::clone(request), service.now());
    let found = service.on_queue(cx, name, move |queue, rows| receive(queue, rows, &request, now)).await?;
    service.note_flow(name, !found.is_empty());
    let mut received = Vec::new();
    for Received { held, payload, receipt } in found {
        received.push(Received { held, payload: protection::open(cx, &payload).await?, receipt });
    }
    Ok(Some(received).filter(|received| !received.is_empty()))
}

fn receive(queue: &Queue, rows: &mut dyn Transaction, request: &Request, now: i64) -> Result<Stored, Abort<Error>> {
    let seconds = request.visibility.map_or(i64::from(queue.settings().visibility_seconds), i64::from);
    let until = now.saturating_add(seconds * 1_000);
    if let Some(attempt) = &request.attempt
        && let Some(again) = receive_again(queue, rows, attempt, until, now)?
    {
        return Ok(again);
    }
    let target = dead_letter_queue(queue, rows)?;
    let receive_count_max = queue.settings().redrive.as_ref().filter(|_| target.is_some());
    let receive_count_max = receive_count_max.map(|redrive| redrive.receive_count_max);
    let mut contents = Contents::open(rows, queue, now)?;
    contents.release_due()?;
    let room = IN_FLIGHT_MAX.saturating_sub(contents.counters().in_flight);
    if room == 0 {
        contents.close();
        // Only calls that do not wait are told, and FIFO queues never tell.
        let waits = request.wait.unwrap_or(queue.settings().wait_seconds) > 0;
        return match waits || queue.is_fifo() {
            true => Ok(Vec::new()),
            false => Err(modelled::over_limit("The maximum number of in flight messages is reached.").into()),
        };
    }
    let count = request.count.min(usize::try_from(room).unwrap_or(usize::MAX));
    let taken = contents.take(&Take { count, until, receive_count_max, dead_max: DEAD_AT_ONCE })?;
    let mut received = Vec::with_capacity(taken.received.len());
    for held in taken.received {
        let payload = contents.payload(&held)?;
        let receipt = receipt(queue, &held, until);
        received.push(Received { held, payload, receipt });
    }
    contents.close();
    if let Some(target) = target.filter(|_| !taken.dead.is_empty()) {
        bury(queue, &target, rows, taken.dead, now)?;
    }
    if let Some(attempt) = request.attempt.as_ref().filter(|_| !received.is_empty()) {
        let receipts: Vec<Receipt> = received.iter().map(|received| received.receipt.clone()).collect();
        Memory::new(rows, queue.record.number, now).note_received(attempt, &receipts)?;
    }
    Ok(received)
}

/// What the call with this attempt id got before, if all of it is still as it was then. It becomes invisible for as long
/// again.
fn receive_again(
    queue: &Queue,
    rows: &mut dyn Transaction,
    attempt: &str,
    until: i64,
    now: i64,
) -> Result<Option<Stored>, Abort<Error>> {
    let Some(receipts) = Memory::new(rows, queue.record.number, now).received(attempt)? else { return Ok(None) };
    let mut contents = Contents::open(rows, queue, now)?;
    let mut found = Vec::with_capacity(receipts.len());
    for receipt in receipts {
        let Found::Current(held) = contents.find(&receipt)? else { return Ok(None) };
        let is_unchanged = matches!(held.message.state, State::InFlight { until, .. } if until > now);
        if !is_unchanged {
            return Ok(None);
        }
        let payload = contents.payload(&held)?;
        found.push(Received { held: *held, payload, receipt });
    }
    for received in &found {
        contents.hide(received.held.clone(), until)?;
    }
    contents.close();
    Ok(Some(found))
}

/// The queue for dead letters, if there is one that takes them.
fn dead_letter_queue(queue: &Queue, rows: &mut dyn Transaction) -> Result<Option<Queue>, Abort<Error>> {
    let Some(redrive) = &queue.settings().redrive else { return Ok(None) };
    let Some(row) = rows.get(&keys::queue(&redrive.target))? else { return Ok(None) };
    let target = Queue::decode(queue.name.sibling(&redrive.target), row)?;
    let allowed = target.settings().redrive_allow.as_ref().is_none_or(|policy| policy.allows(&queue.name));
    Ok(Some(target).filter(|_| allowed))
}

/// Adds dead letters to their queue. Retention counts on in standard queues and anew in FIFO queues.
fn bury(
    source: &Queue,
    target: &Queue,
    rows: &mut dyn Transaction,
    dead: Vec<(Message, Vec<u8>)>,
    now: i64,
) -> Result<(), Abort<Error>> {
    let mut contents = Contents::open(rows, target, now)?;
    for (message, payload) in dead {
        let sent_at = if target.is_fifo() { now } else { message.sent_at };
        let dead_letter_source = Some(source.name.arn());
        let state = State::Ready;
        let message = Message { sent_at, dead_letter_source, state, content: Content::Apart, ..message };
        contents.add(message, payload)?;
    }
    contents.close();
    Ok(())
}

fn receipt(queue: &Queue, held: &Held, until: i64) -> Receipt {
    Receipt {
        queue: queue.record.number,
        sequence: held.sequence,
        until,
        receive_count: held.message.receive_count,
        id: held.message.id,
        group: held.message.group.clone().filter(|_| queue.is_fifo()),
    }
}

fn answer(request: &Request, received: Vec<Received<Payload>>) -> ReceiveMessageResult {
    let message = |received: Received<Payload>| {
        let Received { held, payload, receipt } = received;
        let system = request.system.select(&held, receipt.group.is_some());
        let chosen = request.attributes.select(payload.attributes);
        let md5_of_message_attributes = digest::of_attributes(&chosen);
        let attributes: BTreeMap<_, _> = chosen.into_iter().map(to_client).collect();
        ClientMessage {
            message_id: Some(held.message.id.to_string()),
            receipt_handle: Some(receipt.encode()),
            md5_of_body: Some(digest::of_text(&payload.body)),
            body: Some(payload.body),
            attributes: Some(system).filter(|system| !system.is_empty()),
            md5_of_message_attributes,
            message_attributes: Some(attributes).filter(|attributes| !attributes.is_empty()),
        }
    };
    ReceiveMessageResult { messages: Some(received.into_iter().map(message).collect()) }
}

/// The system attributes that a receiver wants.
struct SystemAttributes {
    all: bool,
    names: Vec<String>,
}

/// All there are.
const NAMES: [&str; 9] = [
    "SenderId",
    "SentTimestamp",
    "ApproximateReceiveCount",
    "ApproximateFirstReceiveTimestamp",
    "SequenceNumber",
    "MessageDeduplicationId",
    "MessageGroupId",
    "AWSTraceHeader",
    "DeadLetterQueueSourceArn",
];

impl SystemAttributes {
    fn new(names: impl Iterator<Item = String>) -> Result<SystemAttributes, Error> {
        let mut wanted = SystemAttributes { all: false, names: Vec::new() };
        for name in names {
            if name == "All" {
                wanted.all = true;
            } else if NAMES.contains(&name.as_str()) {
                wanted.names.push(name);
            } else {
                return Err(errors::unknown_attribute(&name));
            }
        }
        Ok(wanted)
    }

    /// The wanted ones of a message, as clients read them.
    fn select(&self, held: &Held, fifo: bool) -> BTreeMap<String, String> {
        if !self.all && self.names.is_empty() {
            return BTreeMap::new();
        }
        let message = &held.message;
        let values = [
            Some(message.sender.clone()),
            Some(message.sent_at.to_string()),
            Some(message.receive_count.to_string()),
            Some(message.first_received.to_string()),
            fifo.then(|| sequence_number(held.sequence)),
            message.deduplication_id.clone(),
            message.group.clone(),
            message.trace_header.clone(),
            message.dead_letter_source.clone(),
        ];
        let wanted = |name: &str| self.all || self.names.iter().any(|wanted| wanted == name);
        let pairs = NAMES.into_iter().zip(values).filter(|(name, _)| wanted(name));
        pairs.filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }
}
