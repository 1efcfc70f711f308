//! How timers lie in the store. Each has two rows in its partition, both under a prefix that no service uses:
//!
//! - `\0timer\0d` + due time + id: the [`Record`], in the order in which timers fall due;
//! - `\0timer\0i` + id: the key of the first row, so that a timer can be found by its id.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use store::KeyRange;

/// Rows in the order in which timers fall due.
pub(super) const DUE_PREFIX: &[u8] = b"\0timer\0d";

/// Rows by id.
const ID_PREFIX: &[u8] = b"\0timer\0i";

/// Format number of the rows' values.
const FORMAT: u8 = 1;

/// Bytes of the due time within a key.
const DUE_BYTES: usize = 8;

/// A timer at rest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    /// Names the handler.
    pub kind: String,
    /// What the handler gets.
    pub payload: serde_json::Value,
    /// Tells two timers apart that were set under the same id for the same time.
    pub nonce: u64,
    /// How often the handler has failed.
    pub failures: u32,
}

impl Record {
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![FORMAT];
        serde_json::to_writer(&mut bytes, self).expect("a record is plain text and numbers");
        bytes
    }

    pub fn decode(bytes: &[u8]) -> Option<Record> {
        let (format, json) = bytes.split_first()?;
        if *format != FORMAT {
            return None;
        }
        serde_json::from_slice(json).ok()
    }
}

/// Key of the row in due order. `due` is in milliseconds since 1970.
pub(super) fn due_key(due: i64, id: &str) -> Bytes {
    // With the sign bit flipped, byte order is the order of signed numbers.
    let ordered = (due as u64) ^ (1 << 63);
    [DUE_PREFIX, &ordered.to_be_bytes(), id.as_bytes()].concat().into()
}

/// Due time and id of a key made by [`due_key`].
pub(super) fn parse_due_key(key: &[u8]) -> Option<(i64, &str)> {
    let (due, id) = key.strip_prefix(DUE_PREFIX)?.split_at_checked(DUE_BYTES)?;
    let ordered = u64::from_be_bytes(due.try_into().ok()?);
    Some(((ordered ^ (1 << 63)) as i64, std::str::from_utf8(id).ok()?))
}

/// Key of the row by id.
pub(super) fn id_key(id: &str) -> Bytes {
    [ID_PREFIX, id.as_bytes()].concat().into()
}

/// All timers of a partition, soonest first.
pub(super) fn due_range() -> KeyRange {
    KeyRange::prefix(DUE_PREFIX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_in_due_order_and_read_back() {
        let times = [i64::MIN, -1, 0, 1, 255, 256, 1_700_000_000_000, i64::MAX];
        let keys: Vec<Bytes> = times.iter().map(|due| due_key(*due, "id")).collect();
        assert!(keys.is_sorted());
        for (due, key) in times.iter().zip(&keys) {
            assert_eq!(parse_due_key(key), Some((*due, "id")));
            assert!(due_range().contains(key) && !due_range().contains(&id_key("id")));
        }
    }

    #[test]
    fn values_of_another_format_are_not_guessed_at() {
        let record =
            Record { kind: "k".to_owned(), payload: serde_json::json!({"a": 1}), nonce: u64::MAX, failures: 3 };
        let mut bytes = record.encode();
        assert_eq!(Record::decode(&bytes), Some(record));
        bytes[0] += 1;
        assert_eq!(Record::decode(&bytes), None);
        assert_eq!(Record::decode(&[]), None);
    }
}
