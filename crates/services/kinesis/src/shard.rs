//! What is kept of a shard: its place in the ring, and its head, which changes with every record.

use api::kinesis as model;
use serde::{Deserialize, Serialize};
use wire::Error;

use crate::hash::HashKey;
use crate::names::shard_id;
use crate::rate::Bucket;
use crate::rows::damaged;
use crate::sequence::{POSITION_MAX, SequenceNumber};

/// A shard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shard {
    /// Its number within the stream.
    pub number: u32,
    /// The first hash key it takes.
    pub first: HashKey,
    /// The last hash key it takes.
    pub last: HashKey,
    /// The shard it was split or merged from.
    pub parent: Option<u32>,
    /// The other shard it was merged from.
    pub adjacent_parent: Option<u32>,
    /// When it was opened as its sequence numbers say, in seconds since 1970.
    pub opened: i64,
    /// When it was opened, in milliseconds since 1970.
    pub opened_at: i64,
    /// When it took its last record, in milliseconds since 1970; `None` while it takes some.
    pub closed_at: Option<i64>,
}

impl Shard {
    /// Whether it takes records.
    pub fn is_open(&self) -> bool {
        self.closed_at.is_none()
    }

    /// Whether a hash key is its.
    pub fn holds(&self, key: HashKey) -> bool {
        self.first <= key && key <= self.last
    }

    /// Its id.
    pub fn id(&self) -> String {
        shard_id(self.number)
    }

    /// The sequence number of a position; `arrived_at` is in milliseconds since 1970.
    pub fn sequence(&self, position: u64, arrived_at: i64) -> SequenceNumber {
        let arrived = arrived_at.div_euclid(1_000);
        SequenceNumber { opened: self.opened, shard: self.number, position, arrived }
    }

    /// The hash keys in the API's form.
    pub fn hash_key_range(&self) -> model::HashKeyRange {
        model::HashKeyRange { starting_hash_key: self.first.to_string(), ending_hash_key: self.last.to_string() }
    }

    /// The API's form.
    pub fn describe(&self) -> model::Shard {
        let ending = self.closed_at.map(|closed_at| self.sequence(POSITION_MAX, closed_at).text());
        model::Shard {
            shard_id: self.id(),
            parent_shard_id: self.parent.map(shard_id),
            adjacent_parent_shard_id: self.adjacent_parent.map(shard_id),
            hash_key_range: self.hash_key_range(),
            sequence_number_range: model::SequenceNumberRange {
                starting_sequence_number: self.sequence(0, self.opened * 1_000).text(),
                ending_sequence_number: ending,
            },
        }
    }
}

/// The shards that came from a shard, in the API's form.
pub fn children(shards: &[Shard], parent: u32) -> Vec<model::ChildShard> {
    let is_child = |shard: &&Shard| shard.parent == Some(parent) || shard.adjacent_parent == Some(parent);
    let describe = |shard: &Shard| model::ChildShard {
        shard_id: shard.id(),
        parent_shards: [shard.parent, shard.adjacent_parent].into_iter().flatten().map(shard_id).collect(),
        hash_key_range: shard.hash_key_range(),
    };
    shards.iter().filter(is_child).map(describe).collect()
}

/// The part of a shard that changes with every record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The position of the next record. The first is 1: 0 is the shard's own beginning.
    pub next: u64,
    /// When the last record came, in milliseconds since 1970: times never go back within a shard.
    pub last_arrival: i64,
    /// The bytes it took lately.
    pub bytes: Bucket,
    /// The records it took lately.
    pub records: Bucket,
}

impl Default for Head {
    fn default() -> Head {
        Head { next: 1, last_arrival: 0, bytes: Bucket::default(), records: Bucket::default() }
    }
}

/// Numbers of a head's row.
const FIELDS: usize = 6;

/// First byte of a head's row.
const FORMAT: u8 = 1;

impl Head {
    /// The row.
    pub fn encode(&self) -> Vec<u8> {
        let fields = [
            self.next,
            self.last_arrival as u64,
            self.bytes.level,
            self.bytes.at as u64,
            self.records.level,
            self.records.at as u64,
        ];
        let mut row = Vec::with_capacity(1 + 8 * FIELDS);
        row.push(FORMAT);
        fields.iter().for_each(|field| row.extend_from_slice(&field.to_be_bytes()));
        row
    }

    /// Reads a row.
    ///
    /// # Errors
    /// `InternalFailure`.
    pub fn decode(row: &[u8]) -> Result<Head, Error> {
        let fields = row.strip_prefix(&[FORMAT]).filter(|fields| fields.len() == 8 * FIELDS);
        let fields = fields.ok_or_else(|| damaged("a shard's head cannot be read"))?;
        let number = |index: usize| {
            fields[8 * index..8 * (index + 1)].iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte))
        };
        Ok(Head {
            next: number(0),
            last_arrival: number(1) as i64,
            bytes: Bucket { level: number(2), at: number(3) as i64 },
            records: Bucket { level: number(4), at: number(5) as i64 },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_as_it_was_written() {
        let head = Head {
            next: u64::MAX,
            last_arrival: -5,
            bytes: Bucket { level: 3, at: 4 },
            records: Bucket { level: 5, at: i64::MIN },
        };
        assert_eq!(Head::decode(&head.encode()).unwrap(), head);
        assert!(Head::decode(&head.encode()[1..]).is_err());
        assert!(Head::decode(&[]).is_err());
    }
}
