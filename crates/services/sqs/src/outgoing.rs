//! A message that somebody wants to send, checked as far as that needs no queue, and what its queue still has to say.

use std::collections::BTreeMap;

use api::sqs::{MessageAttributeValue, MessageSystemAttributeValue};
use platform::Ctx;
use sha2::{Digest, Sha256};
use store::{Abort, Transaction};
use uuid::Uuid;
use wire::Error;

use crate::contents::Contents;
use crate::digest;
use crate::errors::{self, invalid_parameter, invalid_value};
use crate::limits::{DELAY_SECONDS_MAX, FIFO_ID_CHARACTERS_MAX};
use crate::message::{Content, Message, State};
use crate::message_attributes::{self, is_allowed};
use crate::payload::{AttributeValue, Payload};
use crate::protection::{self, Protection};
use crate::queue::Queue;
use crate::remember::{Memory, Sent};

/// What a client hands over.
#[derive(Default)]
pub struct Given {
    /// The body.
    pub body: String,
    /// Seconds.
    pub delay: Option<i32>,
    /// The attributes.
    pub attributes: Option<BTreeMap<String, MessageAttributeValue>>,
    /// The system attributes.
    pub system_attributes: Option<BTreeMap<String, MessageSystemAttributeValue>>,
    /// The deduplication id.
    pub deduplication_id: Option<String>,
    /// The group.
    pub group: Option<String>,
}

/// A message to be sent.
#[derive(Debug)]
pub struct Outgoing {
    /// Its id, unless it turns out to be a duplicate.
    pub id: Uuid,
    /// MD5 of the body.
    pub md5_of_body: String,
    /// MD5 of the attributes, if there are any.
    pub md5_of_attributes: Option<String>,
    /// MD5 of the system attributes, if there are any.
    pub md5_of_system_attributes: Option<String>,
    /// Bytes that count against limits.
    pub size: usize,
    payload: Vec<u8>,
    sender: String,
    delay: Option<i32>,
    group: Option<String>,
    deduplication_id: Option<String>,
    /// SHA-256 of the body, for FIFO queues without a deduplication id.
    body_digest: Option<String>,
    trace_header: Option<String>,
}

/// The text for a FIFO message without a deduplication id.
const NO_DEDUPLICATION: &str =
    "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly";

impl Outgoing {
    /// Checks what was handed over.
    ///
    /// # Errors
    /// `InvalidParameterValue`, `MissingParameter` and `InvalidMessageContents` in AWS's words.
    pub fn new(cx: &Ctx, id: Uuid, fifo: bool, given: Given) -> Result<Outgoing, Error> {
        check_body(&given.body)?;
        if let Some(delay) = given.delay.filter(|delay| !(0..=DELAY_SECONDS_MAX).contains(delay)) {
            let reason = format!("DelaySeconds must be >= 0 and <= {DELAY_SECONDS_MAX}.");
            return Err(invalid_value(delay, "DelaySeconds", reason));
        }
        check_fifo_id("MessageGroupId", given.group.as_deref())?;
        check_fifo_id("MessageDeduplicationId", given.deduplication_id.as_deref())?;
        let attributes = message_attributes::of_message(given.attributes)?;
        let system = message_attributes::of_system(given.system_attributes)?;
        let body_digest = (fifo && given.deduplication_id.is_none())
            .then(|| digest::hexadecimal(&Sha256::digest(given.body.as_bytes())));
        let payload = Payload { body: given.body, attributes };
        Ok(Outgoing {
            id,
            md5_of_body: digest::of_text(&payload.body),
            md5_of_attributes: digest::of_attributes(&payload.attributes),
            md5_of_system_attributes: digest::of_attributes(&system),
            size: payload.size(),
            payload: payload.encode(),
            sender: cx.principal.user_id(),
            delay: given.delay,
            group: given.group,
            deduplication_id: given.deduplication_id,
            body_digest,
            trace_header: match system.map(|header| header.value) {
                Some(AttributeValue::Text(text)) => Some(text),
                Some(AttributeValue::Binary(_)) => None,
                // The request's own header stands in, as X-Ray has it.
                None => cx.trace_header.clone().filter(|header| header.starts_with("Root=")),
            },
        })
    }

    /// Checks what only holds for some queues.
    ///
    /// # Errors
    /// `InvalidParameterValue` and `MissingParameter` in AWS's words.
    pub fn check_for(&self, queue: &Queue) -> Result<(), Error> {
        let most = queue.settings().message_bytes_max;
        if self.size > most as usize {
            return Err(invalid_parameter(format!(
                "One or more parameters are invalid. Reason: Message must be shorter than {most} bytes."
            )));
        }
        const NOT_OF_THIS_TYPE: &str = "The request include parameter that is not valid for this queue type.";
        if !queue.is_fifo() {
            return match &self.deduplication_id {
                Some(id) => Err(invalid_value(id, "MessageDeduplicationId", NOT_OF_THIS_TYPE)),
                None => Ok(()),
            };
        }
        match self.delay {
            Some(delay) if delay != 0 => Err(invalid_value(delay, "DelaySeconds", NOT_OF_THIS_TYPE)),
            _ => Ok(()),
        }
    }

    /// Checks that a FIFO queue gets the ids it needs: the one thing that fails a batch as a whole.
    ///
    /// # Errors
    /// `InvalidParameterValue`; without a group, `without_group`.
    pub fn check_fifo_ids(&self, queue: &Queue, without_group: fn(&str) -> Error) -> Result<(), Error> {
        if !queue.is_fifo() {
            return Ok(());
        }
        if self.group.is_none() {
            return Err(without_group("MessageGroupId"));
        }
        if self.deduplication_id.is_none() && !queue.settings().content_deduplication {
            return Err(invalid_parameter(NO_DEDUPLICATION));
        }
        Ok(())
    }

    /// The payload as it is stored.
    ///
    /// # Errors
    /// Those of KMS.
    pub async fn protected(&self, cx: &Ctx, protection: &Protection) -> Result<Vec<u8>, Error> {
        protection::protect(cx, protection, &self.payload).await
    }

    /// Sends the message with a payload from [`Outgoing::protected`]; a duplicate of a FIFO queue is not sent again. Answers the message's id and, in FIFO queues,
    /// its sequence number.
    ///
    /// # Errors
    /// A failure of the store.
    pub fn send(
        &self,
        rows: &mut dyn Transaction,
        queue: &Queue,
        payload: &[u8],
        now: i64,
    ) -> Result<(Uuid, Option<String>), Abort<Error>> {
        if !queue.is_fifo() {
            let mut contents = Contents::open(rows, queue, now)?;
            contents.add(self.message(queue, now, None), payload.to_vec())?;
            contents.close();
            return Ok((self.id, None));
        }
        let id = self.deduplication_id.as_ref().or(self.body_digest.as_ref()).cloned().unwrap_or_default();
        let per_group = queue.settings().deduplication_per_group;
        let scope = self.group.as_deref().filter(|_| per_group).unwrap_or_default();
        if let Some(sent) = Memory::new(rows, queue.record.number, now).sent(scope, &id)? {
            return Ok((sent.id, Some(sequence_number(sent.sequence))));
        }
        let mut contents = Contents::open(rows, queue, now)?;
        let sequence = contents.add(self.message(queue, now, Some(id.clone())), payload.to_vec())?;
        contents.close();
        let mut memory = Memory::new(rows, queue.record.number, now);
        memory.note_sent(scope, &id, Sent { id: self.id, sequence })?;
        Ok((self.id, Some(sequence_number(sequence))))
    }

    fn message(&self, queue: &Queue, now: i64, deduplication_id: Option<String>) -> Message {
        let own = self.delay.filter(|_| !queue.is_fifo()).map(i64::from);
        let delay = own.unwrap_or_else(|| i64::from(queue.settings().delay_seconds));
        let state = if delay > 0 { State::Delayed { until: now.saturating_add(delay * 1_000) } } else { State::Ready };
        Message {
            id: self.id,
            sent_at: now,
            sender: self.sender.clone(),
            group: self.group.clone(),
            deduplication_id,
            trace_header: self.trace_header.clone(),
            dead_letter_source: None,
            state,
            receive_count: 0,
            first_received: 0,
            last_received: 0,
            content: Content::Apart,
        }
    }
}

/// A message's sequence number as clients see it: 20 digits, growing, not consecutive.
pub fn sequence_number(sequence: u64) -> String {
    const FIRST: u128 = 18_849_496_460_467_696_128;
    const STEP: u128 = 256;
    (FIRST + u128::from(sequence) * STEP).to_string()
}

fn check_body(body: &str) -> Result<(), Error> {
    if body.is_empty() {
        return Err(errors::missing_parameter("MessageBody"));
    }
    if body.chars().all(is_allowed) {
        return Ok(());
    }
    Err(api::sqs::errors::invalid_message_contents(
        "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | \
         #x10000 to #x10FFFF",
    ))
}

/// Checks a group, a deduplication id or an attempt id.
///
/// # Errors
/// `InvalidParameterValue` in AWS's words.
pub fn check_fifo_id(parameter: &str, id: Option<&str>) -> Result<(), Error> {
    let Some(id) = id else { return Ok(()) };
    let valid = (1..=FIFO_ID_CHARACTERS_MAX).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
    if valid {
        return Ok(());
    }
    let reason = format!("{parameter} can only include alphanumeric and punctuation characters. 1 to 128 in length.");
    Err(invalid_value(id, parameter, reason))
}
