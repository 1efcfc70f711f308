//! `Publish` and `PublishBatch`.

use std::collections::HashSet;
use std::sync::Arc;

use api::sns::{
    BatchResultErrorEntry, PublishBatchInput, PublishBatchRequestEntry, PublishBatchResponse, PublishBatchResultEntry,
    PublishInput, PublishResponse, errors as modelled,
};
use platform::Ctx;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use store::{Abort, Direction, Transaction};
use wire::Error;
use wire::schema::Fault;

use super::{endpoints, text_messages};
use crate::arn::TopicArn;
use crate::errors::invalid;
use crate::keys;
use crate::limits::{
    BATCH_ENTRIES_MAX, DEDUPLICATION_MILLISECONDS, FIFO_ID_CHARACTERS_MAX, FORGOTTEN_AT_ONCE, MESSAGE_BYTES_MAX,
};
use crate::message::{Content, Message};
use crate::protection;
use crate::rows;
use crate::service::{Sns, here};
use crate::topic::Topic;

/// What a deduplication id stands for.
#[derive(Serialize, Deserialize)]
struct Remembered {
    id: String,
    number: u64,
    until: i64,
}

/// Publishes a message to a topic.
///
/// # Errors
/// `NotFound`, `InvalidParameter`, `ParameterValueInvalid`.
pub async fn publish(service: &Arc<Sns>, cx: &Ctx, input: PublishInput) -> Result<PublishResponse, Error> {
    if input.phone_number.is_some() {
        return text_messages::publish(service, cx, input).await;
    }
    let arn = match (&input.topic_arn, &input.target_arn) {
        (Some(arn), _) => here(cx, "TopicArn", arn)?,
        (None, Some(arn)) if arn.contains(":endpoint/") => {
            return endpoints::publish(service, cx, arn.clone(), input).await;
        }
        (None, Some(arn)) => here(cx, "TargetArn", arn)?,
        (None, None) => return Err(invalid("TopicArn or TargetArn Reason: no value for required parameter")),
    };
    let structure = input.message_structure.as_deref();
    let content = Content::new(input.message, structure, input.subject, input.message_attributes)?;
    let topic = service.topic(&arn).await?;
    let ids = Ids { group: input.message_group_id, deduplication: input.message_deduplication_id };
    let message = message(service, cx, &arn, &topic, content, ids)?;
    let message = protection::protect(cx, &topic, message).await?;
    let mut sent = send(service, &arn, &topic, vec![message]).await?;
    let (id, sequence_number) = sent.remove(0);
    Ok(PublishResponse { message_id: Some(id), sequence_number })
}

/// Publishes several messages, those without a mistake in one transaction, in order.
///
/// # Errors
/// As [`publish`], and those of batches.
pub async fn publish_batch(
    service: &Arc<Sns>,
    cx: &Ctx,
    input: PublishBatchInput,
) -> Result<PublishBatchResponse, Error> {
    let arn = here(cx, "TopicArn", &input.topic_arn)?;
    let entries = input.publish_batch_request_entries;
    check_batch(&entries)?;
    let topic = service.topic(&arn).await?;
    let mut size = 0;
    let (mut ids, mut messages, mut failed) = (Vec::new(), Vec::new(), Vec::new());
    for entry in entries {
        let given = Ids { group: entry.message_group_id, deduplication: entry.message_deduplication_id };
        // What is wrong with the ids of a FIFO topic, with a structure or with attributes fails the batch as a whole.
        check_ids(&arn, &topic, &given)?;
        let structure = entry.message_structure.as_deref();
        match Content::new(entry.message, structure, entry.subject, entry.message_attributes) {
            Ok(content) => {
                size += content.size;
                let message = message(service, cx, &arn, &topic, content, given)?;
                messages.push(protection::protect(cx, &topic, message).await?);
                ids.push(entry.id);
            }
            Err(error) if structure.is_some() || error.is("InvalidParameterValueException") => return Err(error),
            Err(error) => failed.push(BatchResultErrorEntry {
                id: entry.id,
                code: error.definition.code.to_owned(),
                message: error.message.map(std::borrow::Cow::into_owned),
                sender_fault: error.definition.fault == Fault::Client,
            }),
        }
    }
    if size > MESSAGE_BYTES_MAX {
        let text = "The length of all the messages put together is more than the limit.";
        return Err(modelled::batch_request_too_long_exception(text));
    }
    let sent = if messages.is_empty() { Vec::new() } else { send(service, &arn, &topic, messages).await? };
    let entry = |(id, (message_id, sequence_number))| PublishBatchResultEntry {
        id: Some(id),
        message_id: Some(message_id),
        sequence_number,
    };
    let successful = ids.into_iter().zip(sent).map(entry).collect();
    Ok(PublishBatchResponse { successful: Some(successful), failed: Some(failed) })
}

fn check_batch(entries: &[PublishBatchRequestEntry]) -> Result<(), Error> {
    if entries.is_empty() {
        return Err(modelled::empty_batch_request_exception("The batch request doesn't contain any entries."));
    }
    if entries.len() > BATCH_ENTRIES_MAX {
        let text = "The batch request contains more entries than permissible.";
        return Err(modelled::too_many_entries_in_batch_request_exception(text));
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let mut seen = HashSet::new();
    for entry in entries {
        if !(1..=80).contains(&entry.id.len()) || !entry.id.bytes().all(plain) {
            let text = "The Id of a batch entry in a batch request doesn't abide by the specification.";
            return Err(modelled::invalid_batch_entry_id_exception(text));
        }
        if !seen.insert(entry.id.as_str()) {
            let text = "Two or more batch entries in the request have the same Id.";
            return Err(modelled::batch_entry_ids_not_distinct_exception(text));
        }
    }
    Ok(())
}

/// The ids that go with a message.
struct Ids {
    group: Option<String>,
    deduplication: Option<String>,
}

fn check_ids(arn: &TopicArn, topic: &Topic, ids: &Ids) -> Result<(), Error> {
    let sound = |id: &String| {
        (1..=FIFO_ID_CHARACTERS_MAX).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
    };
    if ids.group.as_ref().is_some_and(|id| !sound(id)) {
        return Err(invalid("MessageGroupId"));
    }
    if ids.deduplication.as_ref().is_some_and(|id| !sound(id)) {
        return Err(invalid("MessageDeduplicationId"));
    }
    if !arn.is_fifo() {
        const TEXT: &str = "MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is \
                            not valid for this topic type";
        return if ids.deduplication.is_some() { Err(invalid(TEXT)) } else { Ok(()) };
    }
    if ids.group.is_none() {
        return Err(invalid("The MessageGroupId parameter is required for FIFO topics"));
    }
    if ids.deduplication.is_none() && !topic.content_deduplication {
        const TEXT: &str = "The topic should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly";
        return Err(invalid(TEXT));
    }
    Ok(())
}

fn message(
    service: &Sns,
    cx: &Ctx,
    arn: &TopicArn,
    topic: &Topic,
    content: Content,
    ids: Ids,
) -> Result<Message, Error> {
    check_ids(arn, topic, &ids)?;
    let digest = || Sha256::digest(content.text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    let deduplication_id = arn.is_fifo().then(|| ids.deduplication.unwrap_or_else(digest));
    Ok(Message {
        id: service.platform.ids.uuid(),
        topic: arn.to_string(),
        subject: content.subject,
        text: content.text,
        by_protocol: content.by_protocol,
        attributes: content.attributes,
        published: service.now(),
        number: 0,
        group: ids.group,
        deduplication_id,
        trace_header: cx.trace_header.clone(),
        endpoint: cx.endpoint.clone(),
        signature_version_2: topic.signature_version.as_deref() == Some("2"),
        sealed: None,
    })
}

/// Puts messages where they are handed out from. Answers the id and, in FIFO topics, the sequence number of each.
async fn send(
    service: &Arc<Sns>,
    arn: &TopicArn,
    topic: &Topic,
    messages: Vec<Message>,
) -> Result<Vec<(String, Option<String>)>, Error> {
    let (fifo, per_group, now) = (arn.is_fifo(), topic.deduplication_per_group, service.now());
    let sent = service.transact(keys::deliveries(), move |rows| {
        let mut next: u64 = rows::read(rows, &keys::next())?.unwrap_or_default();
        let mut sent = Vec::with_capacity(messages.len());
        for message in &messages {
            let message = Message { number: next, ..message.clone() };
            if fifo && let Some(known) = deduplicate(rows, &message, per_group, now)? {
                sent.push((known.id, Some(Message::sequence_number(known.number))));
                continue;
            }
            rows::put(rows, &keys::message(next), &message)?;
            sent.push((message.id, fifo.then(|| Message::sequence_number(next))));
            next += 1;
        }
        rows::put(rows, &keys::next(), &next)?;
        Ok(sent)
    });
    sent.await
}

/// The message that was published under the same deduplication id; if there is none, this one is noted.
fn deduplicate(
    rows: &mut dyn Transaction,
    message: &Message,
    per_group: bool,
    now: i64,
) -> Result<Option<Remembered>, Abort<Error>> {
    let id = message.deduplication_id.as_deref().unwrap_or_default();
    let scope = message.group.as_deref().filter(|_| per_group).unwrap_or_default();
    let key = keys::remembered(&message.topic, scope, id);
    if let Some(known) = rows::read::<Remembered>(rows, &key)?.filter(|known| known.until > now) {
        return Ok(Some(known));
    }
    for (mark, _) in rows.scan(keys::forget_before(now), Direction::Forward, FORGOTTEN_AT_ONCE)? {
        let (until, old) = rows::key_part(keys::read_forget(&mark))?;
        rows.delete(&mark);
        // Noted anew meanwhile, it is to be remembered longer.
        let row = rows.get(&old)?.map(|row| rows::decode::<Remembered>(&row)).transpose()?;
        if row.is_some_and(|row| row.until <= until) {
            rows.delete(&old);
        }
    }
    let until = now.saturating_add(DEDUPLICATION_MILLISECONDS);
    rows::put(rows, &key, &Remembered { id: message.id.clone(), number: message.number, until })?;
    rows.put(&keys::forget(until, &key), &[]);
    Ok(None)
}
