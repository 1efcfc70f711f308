//! Messages of a queue. Those that the target has, and those that the filter keeps out, are deleted; all others come again.

use std::sync::Arc;

use api::sqs::{
    DeleteMessageBatch, DeleteMessageBatchRequest, DeleteMessageBatchRequestEntry, Message, ReceiveMessage,
    ReceiveMessageRequest,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use platform::Principal;
use serde_json::{Map, Value, json};
use wire::Error;

use crate::errors::validation;
use crate::events::{passes, patterns};
use crate::limits::{BATCH_BYTES_MAX, MESSAGES_DEFAULT, RECEIVED_AT_ONCE, WAIT_SECONDS};
use crate::names::arn_parts;
use crate::record::Pipe;
use crate::running::principal;
use crate::service::Pipes;
use crate::target;

/// A queue, and as whom it is read.
struct Queue<'a> {
    service: &'a Arc<Pipes>,
    principal: Principal,
    account: &'a str,
    region: &'a str,
    url: String,
}

/// Takes a batch of messages and hands it on.
///
/// # Errors
/// What holds the pipe up.
pub async fn round(service: &Arc<Pipes>, pipe: &Pipe) -> Result<(), Error> {
    let (_, region, account, name) = arn_parts(&pipe.source).ok_or_else(|| validation("no ARN"))?;
    let url = format!("{}/{account}/{name}", service.platform.config.endpoint);
    let queue = Queue { service, principal: principal(service, pipe).await?, account, region, url };
    let messages = queue.batch(pipe).await?;
    let patterns = patterns(pipe);
    let (mut events, mut ids, mut receipts, mut done) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for message in messages {
        let receipt = message.receipt_handle.clone().unwrap_or_default();
        let id = message.message_id.clone().unwrap_or_default();
        let event = event(pipe, region, message);
        if passes(&patterns, &event) {
            events.push(event);
            ids.push(id);
            receipts.push(receipt);
        } else {
            done.push(receipt);
        }
    }
    let outcome = match events.is_empty() {
        true => target::Outcome::default(),
        false => target::deliver(service, pipe, &queue.principal, &events, &ids).await,
    };
    let delivered = receipts.into_iter().enumerate().filter(|(index, _)| !outcome.failed.contains(index));
    done.extend(delivered.map(|(_, receipt)| receipt));
    queue.delete(&done).await?;
    outcome.error.map_or(Ok(()), Err)
}

impl Queue<'_> {
    /// Messages until there are enough of them, or the window is over.
    async fn batch(&self, pipe: &Pipe) -> Result<Vec<Message>, Error> {
        let parameters = pipe.source_parameters().sqs_queue_parameters.unwrap_or_default();
        let most =
            parameters.batch_size.map_or(MESSAGES_DEFAULT, |size| usize::try_from(size).unwrap_or(MESSAGES_DEFAULT));
        let window = i64::from(parameters.maximum_batching_window_in_seconds.unwrap_or_default()) * 1_000;
        let mut messages = self.receive(most, WAIT_SECONDS).await?;
        let until = self.service.now().saturating_add(window);
        let bytes =
            |messages: &[Message]| messages.iter().map(|one| one.body.as_ref().map_or(0, String::len)).sum::<usize>();
        while !messages.is_empty() && messages.len() < most {
            let left = until.saturating_sub(self.service.now());
            let size: usize = bytes(&messages);
            if left <= 0 || size >= BATCH_BYTES_MAX {
                break;
            }
            let seconds = i32::try_from(left / 1_000).unwrap_or(WAIT_SECONDS).clamp(1, WAIT_SECONDS);
            messages.extend(self.receive(most - messages.len(), seconds).await?);
        }
        Ok(messages)
    }

    async fn receive(&self, most: usize, seconds: i32) -> Result<Vec<Message>, Error> {
        let all = || Some(vec!["All".to_owned()]);
        let input = ReceiveMessageRequest {
            queue_url: self.url.clone(),
            max_number_of_messages: Some(i32::try_from(most).unwrap_or(RECEIVED_AT_ONCE).min(RECEIVED_AT_ONCE)),
            wait_time_seconds: Some(seconds),
            message_attribute_names: all(),
            message_system_attribute_names: all(),
            ..Default::default()
        };
        let call =
            self.service.platform.call_as::<ReceiveMessage>(self.principal.clone(), self.account, self.region, input);
        Ok(call.await?.messages.unwrap_or_default())
    }

    async fn delete(&self, receipts: &[String]) -> Result<(), Error> {
        for some in receipts.chunks(RECEIVED_AT_ONCE as usize) {
            let entry = |(index, receipt): (usize, &String)| DeleteMessageBatchRequestEntry {
                id: index.to_string(),
                receipt_handle: receipt.clone(),
                ..Default::default()
            };
            let entries = some.iter().enumerate().map(entry).collect();
            let input = DeleteMessageBatchRequest { queue_url: self.url.clone(), entries, ..Default::default() };
            let principal = self.principal.clone();
            let platform = &self.service.platform;
            platform.call_as::<DeleteMessageBatch>(principal, self.account, self.region, input).await?;
        }
        Ok(())
    }
}

/// A message as pipes see it (user guide, "Amazon SQS as a source").
fn event(pipe: &Pipe, region: &str, message: Message) -> Value {
    let attribute = |value: api::sqs::MessageAttributeValue| {
        let mut members = Map::new();
        members.extend(value.string_value.map(|text| ("stringValue".to_owned(), json!(text))));
        members.extend(value.binary_value.map(|bytes| ("binaryValue".to_owned(), json!(BASE64.encode(bytes)))));
        members.insert("stringListValues".to_owned(), json!([]));
        members.insert("binaryListValues".to_owned(), json!([]));
        members.insert("dataType".to_owned(), json!(value.data_type));
        Value::Object(members)
    };
    let attributes: Map<String, Value> =
        message.message_attributes.into_iter().flatten().map(|(name, value)| (name, attribute(value))).collect();
    let mut event = json!({
        "messageId": message.message_id,
        "receiptHandle": message.receipt_handle,
        "body": message.body,
        "attributes": message.attributes.unwrap_or_default(),
        "messageAttributes": attributes,
        "md5OfBody": message.md5_of_body,
        "eventSource": "aws:sqs",
        "eventSourceARN": pipe.source,
        "awsRegion": region,
    });
    if let Some(md5) = message.md5_of_message_attributes {
        event["md5OfMessageAttributes"] = json!(md5);
    }
    event
}
