//! `SendMessage` and `SendMessageBatch`.

use std::sync::Arc;

use api::sqs::{
    SendMessageBatchRequest, SendMessageBatchRequestEntry, SendMessageBatchResult, SendMessageBatchResultEntry,
    SendMessageRequest, SendMessageResult, errors as modelled,
};
use platform::Ctx;
use wire::Error;

use super::batch;
use crate::address::QueueName;
use crate::errors;
use crate::limits::BATCH_BYTES_MAX;
use crate::outgoing::{Given, Outgoing};
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
    let (message, now) = (Arc::clone(&outgoing), service.now());
    let sent = service.on_queue(cx, &name, move |queue, rows| {
        message.check_fifo_ids(queue, errors::missing_parameter)?;
        message.check_for(queue)?;
        message.send(rows, queue, now)
    });
    let (id, sequence_number) = sent.await?;
    Ok(SendMessageResult {
        md5_of_message_body: Some(outgoing.md5_of_body.clone()),
        md5_of_message_attributes: outgoing.md5_of_attributes.clone(),
        md5_of_message_system_attributes: outgoing.md5_of_system_attributes.clone(),
        message_id: Some(id.to_string()),
        sequence_number,
    })
}

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
    let now = service.now();
    let sent = service.on_queue(cx, &name, move |queue, rows| {
        let ready = entries.iter().filter_map(|entry| entry.message.as_ref().ok());
        for message in ready {
            message.check_fifo_ids(queue, |name| {
                errors::invalid_parameter(format!("The request must contain the parameter {name}."))
            })?;
        }
        let mut result = SendMessageBatchResult::default();
        for entry in &entries {
            let checked = entry.message.as_ref().map_err(Clone::clone);
            match checked.and_then(|message| message.check_for(queue).map(|()| message)) {
                Ok(message) => {
                    let (id, sequence_number) = message.send(rows, queue, now)?;
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
    });
    sent.await
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
