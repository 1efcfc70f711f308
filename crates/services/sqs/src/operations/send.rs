//! `SendMessage` and `SendMessageBatch`.

use std::sync::Arc;

use api::sqs::{
    SendMessageBatchRequest, SendMessageBatchRequestEntry, SendMessageBatchResult, SendMessageBatchResultEntry,
    SendMessageRequest, SendMessageResult, errors as modelled,
};
use platform::Ctx;
use store::{Abort, Transaction};
use uuid::Uuid;
use wire::Error;

use super::batch;
use crate::address::QueueName;
use crate::errors;
use crate::limits::BATCH_BYTES_MAX;
use crate::outgoing::{Given, Outgoing};
use crate::protection::Protection;
use crate::queue::Queue;
use crate::service::Sqs;

/// Sends a message.
///
/// # Errors
/// `QueueDoesNotExist`, `InvalidAddress`, `InvalidMessageContents`, `InvalidParameterValue`, `MissingParameter`.
pub async fn send_message(service: &Sqs, cx: &Ctx, input: SendMessageRequest) -> Result<SendMessageResult, Error> {
    let name = QueueName::of_url(cx, &input.queue_url)?;
    let given = Given {
        body: input.message_body,
        delay: input.delay_seconds,
        attributes: input.message_attributes,
        system_attributes: input.message_system_attributes,
        deduplication_id: input.message_deduplication_id,
        group: input.message_group_id,
    };
    let outgoing = Arc::new(Outgoing::new(cx, service.id(), name.is_fifo(), given)?);
    let mut protection = service.likely_protection(&name);
    for _ in 0..PROTECTION_CHANGES_MAX {
        match try_send(service, cx, &name, &outgoing, protection).await? {
            Ok((id, sequence_number)) => return Ok(answer(&outgoing, id, sequence_number)),
            Err(found) => protection = found,
        }
    }
    Err(restless(cx, &name))
}

/// What a try to send comes to: what is answered, or how the queue keeps payloads instead.
type Tried<R> = Result<R, Protection>;

/// Sends with a payload that is kept as the queue was seen to keep them.
async fn try_send(
    service: &Sqs,
    cx: &Ctx,
    name: &QueueName,
    outgoing: &Arc<Outgoing>,
    protection: Protection,
) -> Result<Tried<(Uuid, Option<String>)>, Error> {
    let payload = outgoing.protected(cx, &protection).await?;
    let (message, now) = (Arc::clone(outgoing), service.now());
    let sent = service.on_queue(cx, name, move |queue, rows| {
        message.check_fifo_ids(queue, errors::missing_parameter)?;
        message.check_for(queue)?;
        match Protection::of(queue.settings()) {
            found if found != protection => Ok(Err(found)),
            _ => message.send(rows, queue, &payload, now).map(Ok),
        }
    });
    sent.await
}

fn answer(outgoing: &Outgoing, id: Uuid, sequence_number: Option<String>) -> SendMessageResult {
    SendMessageResult {
        md5_of_message_body: Some(outgoing.md5_of_body.clone()),
        md5_of_message_attributes: outgoing.md5_of_attributes.clone(),
        md5_of_message_system_attributes: outgoing.md5_of_system_attributes.clone(),
        message_id: Some(id.to_string()),
        sequence_number,
    }
}

/// Somebody changes the queue faster than anything can be sent to it.
fn restless(cx: &Ctx, name: &QueueName) -> Error {
    modelled::request_throttled(format!("The settings of the queue {} change too often.", name.url(cx)))
}

/// How often a queue may change how it keeps payloads while one call sends to it.
const PROTECTION_CHANGES_MAX: usize = 4;

/// An entry of a batch, as far as it has come.
struct Entry {
    id: String,
    message: Result<Outgoing, Error>,
}

/// Sends several messages. Those with a mistake of their own fail alone; the others are sent in one transaction, in order.
///
/// # Errors
/// As [`send_message`], and those of [`batch::check`], `BatchRequestTooLong`.
pub async fn send_message_batch(
    service: &Sqs,
    cx: &Ctx,
    input: SendMessageBatchRequest,
) -> Result<SendMessageBatchResult, Error> {
    let name = QueueName::of_url(cx, &input.queue_url)?;
    batch::check("SendMessageBatchRequestEntry", input.entries.iter().map(|entry| entry.id.as_str()))?;
    let entries: Vec<Entry> = input.entries.into_iter().map(|entry| prepare(service, cx, &name, entry)).collect();
    let total: usize = entries.iter().filter_map(|entry| entry.message.as_ref().ok()).map(|message| message.size).sum();
    if total > BATCH_BYTES_MAX {
        let text =
            format!("Batch requests cannot be longer than {BATCH_BYTES_MAX} bytes. You have sent {total} bytes.");
        return Err(modelled::batch_request_too_long(text));
    }
    let entries = Arc::new(entries);
    let mut protection = service.likely_protection(&name);
    for _ in 0..PROTECTION_CHANGES_MAX {
        match try_send_entries(service, cx, &name, &entries, protection).await? {
            Ok(result) => return Ok(result),
            Err(found) => protection = found,
        }
    }
    Err(restless(cx, &name))
}

async fn try_send_entries(
    service: &Sqs,
    cx: &Ctx,
    name: &QueueName,
    entries: &Arc<Vec<Entry>>,
    protection: Protection,
) -> Result<Tried<SendMessageBatchResult>, Error> {
    let mut payloads = Vec::with_capacity(entries.len());
    for entry in entries.iter() {
        payloads.push(match &entry.message {
            Ok(message) => message.protected(cx, &protection).await?,
            Err(_) => Vec::new(),
        });
    }
    let (entries, now) = (Arc::clone(entries), service.now());
    let sent = service.on_queue(cx, name, move |queue, rows| {
        for message in entries.iter().filter_map(|entry| entry.message.as_ref().ok()) {
            message.check_fifo_ids(queue, |name| {
                errors::invalid_parameter(format!("The request must contain the parameter {name}."))
            })?;
        }
        match Protection::of(queue.settings()) {
            found if found != protection => Ok(Err(found)),
            _ => send_entries(queue, rows, &entries, &payloads, now).map(Ok),
        }
    });
    sent.await
}

fn send_entries(
    queue: &Queue,
    rows: &mut dyn Transaction,
    entries: &[Entry],
    payloads: &[Vec<u8>],
    now: i64,
) -> Result<SendMessageBatchResult, Abort<Error>> {
    let mut result = SendMessageBatchResult::default();
    for (entry, payload) in entries.iter().zip(payloads) {
        let checked = entry.message.as_ref().map_err(Clone::clone);
        match checked.and_then(|message| message.check_for(queue).map(|()| message)) {
            Ok(message) => {
                let (id, sequence_number) = message.send(rows, queue, payload, now)?;
                result.successful.push(SendMessageBatchResultEntry {
                    id: entry.id.clone(),
                    message_id: id.to_string(),
                    md5_of_message_body: message.md5_of_body.clone(),
                    md5_of_message_attributes: message.md5_of_attributes.clone(),
                    md5_of_message_system_attributes: message.md5_of_system_attributes.clone(),
                    sequence_number,
                });
            }
            Err(error) => result.failed.push(batch::failed(&entry.id, &error)),
        }
    }
    Ok(result)
}

fn prepare(service: &Sqs, cx: &Ctx, name: &QueueName, entry: SendMessageBatchRequestEntry) -> Entry {
    let given = Given {
        body: entry.message_body,
        delay: entry.delay_seconds,
        attributes: entry.message_attributes,
        system_attributes: entry.message_system_attributes,
        deduplication_id: entry.message_deduplication_id,
        group: entry.message_group_id,
    };
    Entry { id: entry.id, message: Outgoing::new(cx, service.id(), name.is_fifo(), given) }
}
