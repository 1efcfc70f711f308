//! The keys of the service's rows. All streams of an account in a region share one partition of the store. Everything of
//! a stream hangs on a number that is never used again.
//!
//! | Row | Key | Value |
//! |---|---|---|
//! | stream | 1, name | description |
//! | shard | 2, stream, shard | description |
//! | open shard | 3, stream, first hash key | shard |
//! | head of a shard | 4, stream, shard | next number, last arrival, rate |
//! | record | 5, stream, shard, number | header, short data |
//! | long data | 6, stream, shard, number, part | bytes |
//! | consumer | 7, stream, name | description |
//! | last number | 8 | number |
//! | settings of the account | 9 | settings |

use store::keys::{Key, KeyError, KeyReader};
use store::{KeyRange, Partition};

/// Format number of all rows.
pub const FORMAT: u8 = 1;

const STREAM: u8 = 1;
const SHARD: u8 = 2;
const OPEN: u8 = 3;
const HEAD: u8 = 4;
const RECORD: u8 = 5;
const DATA: u8 = 6;
const CONSUMER: u8 = 7;
const NUMBER: u8 = 8;
const ACCOUNT: u8 = 9;

/// The partition of an account in a region.
pub fn partition(account: &str, region: &str) -> Partition {
    let name = format!("kinesis/{account}/{region}");
    Partition::new(name).unwrap_or_else(|_| Partition::new("kinesis").expect("the name is short and not empty"))
}

/// A stream's row.
pub fn stream(name: &str) -> Key {
    Key::new().u8(STREAM).text(name)
}

/// The rows of all streams, by name.
pub fn streams() -> KeyRange {
    Key::new().u8(STREAM).range()
}

/// A shard's row.
pub fn shard(stream: u64, shard: u32) -> Key {
    Key::new().u8(SHARD).u64(stream).u32(shard)
}

/// The rows of all shards of a stream, oldest first.
pub fn shards(stream: u64) -> KeyRange {
    Key::new().u8(SHARD).u64(stream).range()
}

/// The mark of an open shard that begins with a hash key.
pub fn open(stream: u64, first: u128) -> Key {
    Key::new().u8(OPEN).u64(stream).u128(first)
}

/// The marks of all open shards of a stream, by hash key.
pub fn all_open(stream: u64) -> KeyRange {
    Key::new().u8(OPEN).u64(stream).range()
}

/// The marks of the open shards that begin with a hash key or before it: the last one holds it.
pub fn open_until(stream: u64, hash: u128) -> KeyRange {
    match hash.checked_add(1) {
        Some(next) => all_open(stream).before(&open(stream, next)),
        None => all_open(stream),
    }
}

/// A shard's head.
pub fn head(stream: u64, shard: u32) -> Key {
    Key::new().u8(HEAD).u64(stream).u32(shard)
}

/// A record's row.
pub fn record(stream: u64, shard: u32, number: u64) -> Key {
    Key::new().u8(RECORD).u64(stream).u32(shard).u64(number)
}

/// In front of all records of a shard. Watching it tells of new ones.
pub fn records(stream: u64, shard: u32) -> Key {
    Key::new().u8(RECORD).u64(stream).u32(shard)
}

/// The records of a shard from a number on.
pub fn records_from(stream: u64, shard: u32, number: u64) -> KeyRange {
    let end = records(stream, shard).range().end().map(<[u8]>::to_vec).unwrap_or_default();
    KeyRange::between(record(stream, shard, number), end)
}

/// The records of a shard before a number.
pub fn records_before(stream: u64, shard: u32, number: u64) -> KeyRange {
    KeyRange::between(records(stream, shard), record(stream, shard, number))
}

/// The number of a record in its key.
///
/// # Errors
/// [`KeyError`] if it is another kind of key.
pub fn read_record(key: &[u8]) -> Result<u64, KeyError> {
    let mut reader = KeyReader::new(key);
    reader.u8()?;
    reader.u64()?;
    reader.u32()?;
    reader.u64()
}

/// A part of a record's long data.
pub fn data(stream: u64, shard: u32, number: u64, part: u32) -> Key {
    Key::new().u8(DATA).u64(stream).u32(shard).u64(number).u32(part)
}

/// The long data of a shard's records before a number.
pub fn data_before(stream: u64, shard: u32, number: u64) -> KeyRange {
    let of_shard = Key::new().u8(DATA).u64(stream).u32(shard);
    KeyRange::between(&of_shard, of_shard.clone().u64(number))
}

/// A consumer's row.
pub fn consumer(stream: u64, name: &str) -> Key {
    Key::new().u8(CONSUMER).u64(stream).text(name)
}

/// The rows of all consumers of a stream, by name.
pub fn consumers(stream: u64) -> KeyRange {
    Key::new().u8(CONSUMER).u64(stream).range()
}

/// Everything that hangs on a stream's number.
pub fn rows_of(stream: u64) -> [KeyRange; 6] {
    [RECORD, DATA, HEAD, OPEN, SHARD, CONSUMER].map(|kind| Key::new().u8(kind).u64(stream).range())
}

/// The last number given to a stream.
pub fn last_number() -> Key {
    Key::new().u8(NUMBER)
}

/// The settings of the account.
pub fn account() -> Key {
    Key::new().u8(ACCOUNT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shard_of_a_hash_key_is_the_last_that_begins_before_it() {
        for hash in [0, 1, 5, u128::MAX - 1, u128::MAX] {
            let range = open_until(7, hash);
            assert!(range.contains(&open(7, 0)) && range.contains(&open(7, hash)), "{hash}");
            assert!(hash == u128::MAX || !range.contains(&open(7, hash + 1)), "{hash}");
            assert!(!range.contains(&open(8, 0)), "{hash}");
        }
    }

    #[test]
    fn ranges_of_records_split_a_shard_at_a_number() {
        for (number, before) in [(4, true), (5, false), (6, false)] {
            let key = record(1, 2, number);
            assert_eq!(records_before(1, 2, 5).contains(&key), before);
            assert_eq!(records_from(1, 2, 5).contains(&key), !before);
            assert_eq!(read_record(&key), Ok(number));
        }
        assert!(!records_from(1, 2, 0).contains(&record(1, 3, 0)));
    }
}
