//! What is stored.

use std::collections::BTreeMap;

use api::logs::enums::log_group_class;
use bytes::{Buf, BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};

use crate::limits::{DAY_MS, DELIVERY_RETENTION_DAYS, EVENT_HELD_OVERHEAD_BYTES, EVENT_OVERHEAD_BYTES};

/// A log group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupRecord {
    /// Its number.
    pub id: u64,
    /// When it was made, in milliseconds since 1970.
    pub created_at: i64,
    /// One of AWS's classes.
    pub class: String,
    /// How long it keeps its events; `None` for ever.
    pub retention_days: Option<i32>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

impl GroupRecord {
    /// The time before which events have expired, in milliseconds since 1970.
    pub fn expired_before(&self, now: i64) -> i64 {
        let delivery = self.class == log_group_class::DELIVERY;
        let days = if delivery { Some(DELIVERY_RETENTION_DAYS) } else { self.retention_days };
        days.map_or(0, |days| now.saturating_sub(i64::from(days) * DAY_MS).max(0))
    }
}

/// A log stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamRecord {
    /// Its number.
    pub id: u64,
    /// When it was made, in milliseconds since 1970.
    pub created_at: i64,
    /// Time of its earliest event, in milliseconds since 1970.
    pub first_event: Option<i64>,
    /// Time of its latest event, in milliseconds since 1970.
    pub last_event: Option<i64>,
    /// When it was last written to, in milliseconds since 1970.
    pub last_ingestion: Option<i64>,
    /// How often it was written to.
    pub writes: u64,
}

impl StreamRecord {
    /// Where it stands in the order of last events: streams without events come first.
    pub fn order_time(&self) -> i64 {
        self.last_event.unwrap_or(0)
    }

    /// AWS's token of the next write, which nobody needs any more. `None` before the first write.
    pub fn sequence_token(&self) -> Option<String> {
        (self.writes > 0).then(|| format!("49{:018}{:036}", self.id, self.writes))
    }
}

/// What a group holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Number of its events.
    pub events: u64,
    /// Size of its events, as AWS counts it.
    pub bytes: u64,
    /// Number of its streams.
    pub streams: u64,
    /// The number of the last event; numbers are never used again.
    pub last_sequence: u64,
}

/// What the whole platform holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Total {
    /// Number of events.
    pub events: u64,
    /// Size of the events, as AWS counts it.
    pub bytes: u64,
    /// Number of streams.
    pub streams: u64,
    /// The last number given to a group or stream; numbers are never used again.
    pub last_id: u64,
}

impl Total {
    /// About how many bytes of the store the events take.
    pub fn held(&self) -> u64 {
        self.bytes.saturating_add(self.events.saturating_mul(EVENT_HELD_OVERHEAD_BYTES))
    }
}

/// The size of an event, as AWS counts it.
pub fn event_size(message_bytes: usize) -> usize {
    message_bytes + EVENT_OVERHEAD_BYTES
}

/// An event. It is the one row that is no JSON: it is written for every line of every function, and escapes would make
/// some messages six times as long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Number of its stream.
    pub stream: u64,
    /// When it arrived, in milliseconds since 1970.
    pub ingestion: i64,
    /// UTF-8.
    message: Bytes,
}

/// First byte of an event's row.
const EVENT_FORMAT: u8 = 1;
/// Bytes in front of the message.
const EVENT_HEAD_BYTES: usize = 17;

impl Event {
    /// The row: format, stream, ingestion time, message.
    pub fn encode(stream: u64, ingestion: i64, message: &str) -> Bytes {
        let mut row = BytesMut::with_capacity(EVENT_HEAD_BYTES + message.len());
        row.put_u8(EVENT_FORMAT);
        row.put_u64(stream);
        row.put_i64(ingestion);
        row.put_slice(message.as_bytes());
        row.freeze()
    }

    /// Reads a row; `None` if it is damaged or of another format.
    pub fn decode(mut row: Bytes) -> Option<Event> {
        if row.len() < EVENT_HEAD_BYTES || row.get_u8() != EVENT_FORMAT {
            return None;
        }
        let (stream, ingestion) = (row.get_u64(), row.get_i64());
        std::str::from_utf8(&row).ok()?;
        Some(Event { stream, ingestion, message: row })
    }

    /// The message.
    pub fn message(&self) -> &str {
        std::str::from_utf8(&self.message).unwrap_or_default()
    }

    /// Its size, as AWS counts it.
    pub fn size(&self) -> usize {
        event_size(self.message.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_read_back_and_damage_is_noticed() {
        let row = Event::encode(3, 17, "größe\0");
        let event = Event::decode(row.clone()).expect("readable");
        assert_eq!((event.stream, event.ingestion, event.message()), (3, 17, "größe\0"));
        assert_eq!(event.size(), 8 + 26);
        assert_eq!(Event::decode(row.slice(..EVENT_HEAD_BYTES - 1)), None);
        assert_eq!(Event::decode(row.slice(..EVENT_HEAD_BYTES + 3)), None, "half a character");
        assert_eq!(Event::decode(Bytes::from_static(&[2; 40])), None, "another format");
    }
}
