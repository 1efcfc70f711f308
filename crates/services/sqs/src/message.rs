//! A message at rest.

use uuid::Uuid;

use crate::binary::{Input, Output};
use crate::keys::FORMAT;

/// Everything a queue knows of a message but its number, which is in the row's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its id.
    pub id: Uuid,
    /// When it was sent, in milliseconds since 1970: what retention counts from.
    pub sent_at: i64,
    /// `aws:userid` of the sender.
    pub sender: String,
    /// Its group. Messages of standard queues may have one too.
    pub group: Option<String>,
    /// Its deduplication id, in FIFO queues.
    pub deduplication_id: Option<String>,
    /// The trace header that came along.
    pub trace_header: Option<String>,
    /// ARN of the queue it came from as a dead letter.
    pub dead_letter_source: Option<String>,
    /// Whether it may be received now.
    pub state: State,
    /// How often it was received.
    pub receive_count: u32,
    /// When it was received first, in milliseconds since 1970; 0 before that.
    pub first_received: i64,
    /// When it was received last, likewise.
    pub last_received: i64,
    /// Where its payload is.
    pub content: Content,
}

/// Whether a message may be received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It may.
    Ready,
    /// Not before this time, in milliseconds since 1970: it was sent with a delay.
    Delayed {
        /// When it becomes ready.
        until: i64,
    },
    /// Not before this time, in milliseconds since 1970: somebody has received it.
    InFlight {
        /// When it becomes ready again.
        until: i64,
        /// The time is no longer that of its receipt handle (standard queues).
        moved: bool,
    },
}

/// Where a payload is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Here, in stored form.
    Inline(Vec<u8>),
    /// In a row of its own.
    Apart,
}

impl Message {
    /// The stored form.
    pub fn encode(&self) -> Vec<u8> {
        let inline = if let Content::Inline(payload) = &self.content { payload.len() } else { 0 };
        let mut output = Output(Vec::with_capacity(inline + 160));
        output.byte(FORMAT);
        output.0.extend(self.id.as_bytes());
        output.signed(self.sent_at);
        output.bytes(self.sender.as_bytes());
        output.optional(self.group.as_deref());
        output.optional(self.deduplication_id.as_deref());
        output.optional(self.trace_header.as_deref());
        output.optional(self.dead_letter_source.as_deref());
        let (kind, until) = match self.state {
            State::Ready => (0, 0),
            State::Delayed { until } => (1, until),
            State::InFlight { until, moved: false } => (2, until),
            State::InFlight { until, moved: true } => (3, until),
        };
        output.byte(kind);
        output.signed(until);
        output.number(u64::from(self.receive_count));
        output.signed(self.first_received);
        output.signed(self.last_received);
        match &self.content {
            Content::Inline(payload) => {
                output.byte(0);
                output.0.extend(payload);
            }
            Content::Apart => output.byte(1),
        }
        output.0
    }

    /// Reads what [`Message::encode`] wrote.
    pub fn decode(stored: &[u8]) -> Option<Message> {
        let mut input = Input(stored);
        if input.byte()? != FORMAT {
            return None;
        }
        let id = Uuid::from_slice(input.take(16)?).ok()?;
        let (sent_at, sender) = (input.signed()?, input.text()?);
        let (group, deduplication_id) = (input.optional()?, input.optional()?);
        let (trace_header, dead_letter_source) = (input.optional()?, input.optional()?);
        let state = match (input.byte()?, input.signed()?) {
            (0, _) => State::Ready,
            (1, until) => State::Delayed { until },
            (2, until) => State::InFlight { until, moved: false },
            (3, until) => State::InFlight { until, moved: true },
            _ => return None,
        };
        let receive_count = u32::try_from(input.number()?).ok()?;
        let (first_received, last_received) = (input.signed()?, input.signed()?);
        let content = match input.byte()? {
            0 => Content::Inline(input.0.to_vec()),
            1 => Content::Apart,
            _ => return None,
        };
        Some(Message {
            id,
            sent_at,
            sender,
            group,
            deduplication_id,
            trace_header,
            dead_letter_source,
            state,
            receive_count,
            first_received,
            last_received,
            content,
        })
    }

    /// Whether the queue's retention (in seconds) is over for it.
    pub fn is_expired(&self, retention: u32, now: i64) -> bool {
        self.sent_at.saturating_add(i64::from(retention) * 1_000) <= now
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text() -> impl Strategy<Value = Option<String>> {
        proptest::option::of(".{0,12}")
    }

    fn state() -> impl Strategy<Value = State> {
        prop_oneof![
            Just(State::Ready),
            any::<i64>().prop_map(|until| State::Delayed { until }),
            (any::<i64>(), any::<bool>()).prop_map(|(until, moved)| State::InFlight { until, moved }),
        ]
    }

    proptest! {
        #[test]
        fn messages_read_back(
            numbers in any::<(u128, i64, u32, i64, i64)>(),
            texts in (".{0,12}", text(), text(), text(), text()),
            state in state(),
            inline in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..40)),
        ) {
            let (id, sent_at, receive_count, first_received, last_received) = numbers;
            let (sender, group, deduplication_id, trace_header, dead_letter_source) = texts;
            let message = Message {
                id: Uuid::from_u128(id),
                sent_at,
                sender,
                group,
                deduplication_id,
                trace_header,
                dead_letter_source,
                state,
                receive_count,
                first_received,
                last_received,
                content: inline.map_or(Content::Apart, Content::Inline),
            };
            prop_assert_eq!(Message::decode(&message.encode()), Some(message));
        }

        #[test]
        fn rows_of_any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Message::decode(&bytes);
        }
    }
}
