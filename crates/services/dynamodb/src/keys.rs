//! The keys of the service's rows. All tables of an account in a region share one partition of the store, so that one
//! transaction reaches all of them. Everything of a table hangs on numbers that are never used again.
//!
//! | Row | Key | Value |
//! |---|---|---|
//! | table | 1, name | description |
//! | item, or entry of an index | 2, collection, hash of the partition key, key | item |
//! | figures of a table | 3, collection | counts and sizes |
//! | last number | 4 | number |
//! | size of an item collection | 5, collection, partition key | bytes |
//! | stream | 6, stream | description |
//! | state of a stream | 7, stream | open shard, next number |
//! | shard | 8, stream, shard | description |
//! | record of a stream | 9, stream, number | record |
//! | expiry of an item | 10, collection, second, key | nothing |
//! | token of a transaction | 11, token | fingerprint |
//! | expiry of a token | 12, time, token | nothing |
//! | former state of an item | 13, collection, time, number | key, item |
//! | what is to be removed | 14, collection | nothing |
//! | work to be done | 15, number | description |
//! | backup | 16, number | description |
//! | export | 17, number | description |
//! | import | 18, number | description |
//! | queue to a stream of Kinesis | 19, 0, queue | description |
//! | next number of a queue | 19, 1, queue | number |
//! | change in a queue | 19, 2, queue, number | record |

use store::keys::{Key, KeyError, KeyReader};
use store::{KeyRange, Partition};

/// Format number of the rows that are JSON.
pub const FORMAT: u8 = 1;

const TABLE: u8 = 1;
const ITEM: u8 = 2;
const FIGURES: u8 = 3;
const NUMBER: u8 = 4;
const COLLECTION_SIZE: u8 = 5;
const STREAM: u8 = 6;
const STREAM_STATE: u8 = 7;
const SHARD: u8 = 8;
const RECORD: u8 = 9;
const EXPIRY: u8 = 10;
const TOKEN: u8 = 11;
const TOKEN_EXPIRY: u8 = 12;
const FORMER: u8 = 13;
const DOOMED: u8 = 14;
const WORK: u8 = 15;
const BACKUP: u8 = 16;
const EXPORT: u8 = 17;
const IMPORT: u8 = 18;
const QUEUE: u8 = 19;

/// Behind [`QUEUE`]: a description.
const QUEUE_ITSELF: u8 = 0;
/// Behind [`QUEUE`]: a next number.
const QUEUE_NEXT: u8 = 1;
/// Behind [`QUEUE`]: a change.
const QUEUED: u8 = 2;

/// The partition of an account in a region.
pub fn partition(account: &str, region: &str) -> Partition {
    let name = format!("dynamodb/{account}/{region}");
    Partition::new(name).unwrap_or_else(|_| Partition::new("dynamodb").expect("the name is short and not empty"))
}

/// The partition that lists the partitions which background work has to visit.
pub fn directory() -> Partition {
    Partition::new("dynamodb-directory").expect("the name is short and not empty")
}

/// The row of an account in a region in the directory.
pub fn place(account: &str, region: &str) -> Key {
    Key::new().text(account).text(region)
}

/// The account and region of a row of the directory.
///
/// # Errors
/// [`KeyError`] if it is another kind of key.
pub fn read_place(key: &[u8]) -> Result<(String, String), KeyError> {
    let mut reader = KeyReader::new(key);
    Ok((reader.text()?, reader.text()?))
}

/// A table's row.
pub fn table(name: &str) -> Key {
    Key::new().u8(TABLE).text(name)
}

/// The rows of all tables, by name.
pub fn tables() -> KeyRange {
    Key::new().u8(TABLE).range()
}

/// The name in a table's key.
///
/// # Errors
/// [`KeyError`] if it is another kind of key.
pub fn read_table(key: &[u8]) -> Result<String, KeyError> {
    let mut reader = KeyReader::new(key);
    reader.u8()?;
    reader.text()
}

/// In front of everything in a collection: the items of a table, or the entries of an index.
pub fn collection(collection: u32) -> Vec<u8> {
    let mut key = Vec::with_capacity(64);
    key.push(ITEM);
    key.extend_from_slice(&collection.to_be_bytes());
    key
}

/// Bytes in front of an item's own key.
pub const ITEM_PREFIX_BYTES: usize = 5;

/// An item. `key` is what [`crate::table::key`] makes of its key attributes.
pub fn item(collection_number: u32, key: &[u8]) -> Vec<u8> {
    let mut row = collection(collection_number);
    row.extend_from_slice(key);
    row
}

/// Everything in a collection.
pub fn items(collection_number: u32) -> KeyRange {
    KeyRange::prefix(collection(collection_number))
}

/// The part of a collection whose hashes are in one of equal segments.
pub fn segment(collection_number: u32, segment: u32, total: u32) -> KeyRange {
    let bound = |index: u32| (u64::from(index) << 32).div_ceil(u64::from(total.max(1)));
    let at = |hash: u64| {
        let mut key = collection(collection_number);
        key.extend_from_slice(&(hash as u32).to_be_bytes());
        key
    };
    let (from, to) = (bound(segment), bound(segment + 1));
    if to > u64::from(u32::MAX) {
        let end = items(collection_number).end().map(<[u8]>::to_vec).unwrap_or_default();
        return KeyRange::between(at(from), end);
    }
    KeyRange::between(at(from), at(to))
}

/// Counts and sizes of a table and its indexes.
pub fn figures(collection: u32) -> Key {
    Key::new().u8(FIGURES).u32(collection)
}

/// The last number given to anything in the partition.
pub fn last_number() -> Key {
    Key::new().u8(NUMBER)
}

/// The size of all items with one partition key; `hash_key` is its encoded form.
pub fn collection_size(collection: u32, hash_key: &[u8]) -> Key {
    Key::new().u8(COLLECTION_SIZE).u32(collection).bytes(hash_key)
}

/// The sizes of all item collections of a table.
pub fn collection_sizes(collection: u32) -> KeyRange {
    Key::new().u8(COLLECTION_SIZE).u32(collection).range()
}

/// A stream's description.
pub fn stream(stream: u32) -> Key {
    Key::new().u8(STREAM).u32(stream)
}

/// The descriptions of all streams.
pub fn streams() -> KeyRange {
    Key::new().u8(STREAM).range()
}

/// The state of a stream.
pub fn stream_state(stream: u32) -> Key {
    Key::new().u8(STREAM_STATE).u32(stream)
}

/// A shard of a stream.
pub fn shard(stream: u32, shard: u32) -> Key {
    Key::new().u8(SHARD).u32(stream).u32(shard)
}

/// All shards of a stream.
pub fn shards(stream: u32) -> KeyRange {
    Key::new().u8(SHARD).u32(stream).range()
}

/// The number of a shard in its key.
///
/// # Errors
/// [`KeyError`] if it is another kind of key.
pub fn read_shard(key: &[u8]) -> Result<u32, KeyError> {
    let mut reader = KeyReader::new(key);
    reader.u8()?;
    reader.u32()?;
    reader.u32()
}

/// A record of a stream.
pub fn record(stream: u32, number: u64) -> Key {
    Key::new().u8(RECORD).u32(stream).u64(number)
}

/// In front of all records of a stream. Watching it tells of new ones.
pub fn records(stream: u32) -> Key {
    Key::new().u8(RECORD).u32(stream)
}

/// The number of a record in its key.
///
/// # Errors
/// [`KeyError`] if it is another kind of key.
pub fn read_record(key: &[u8]) -> Result<u64, KeyError> {
    let mut reader = KeyReader::new(key);
    reader.u8()?;
    reader.u32()?;
    reader.u64()
}

/// The mark of an item that expires; `key` is the item's own key.
pub fn expiry(collection: u32, second: u64, key: &[u8]) -> Key {
    Key::new().u8(EXPIRY).u32(collection).u64(second).bytes(key)
}

/// The marks of all items of a table that have expired before a second.
pub fn expired(collection: u32, before: u64) -> KeyRange {
    let of_table = Key::new().u8(EXPIRY).u32(collection);
    KeyRange::between(&of_table, of_table.clone().u64(before))
}

/// The marks of all items of a table that expire.
pub fn expiries(collection: u32) -> KeyRange {
    Key::new().u8(EXPIRY).u32(collection).range()
}

/// The second and the item's own key in a mark.
///
/// # Errors
/// [`KeyError`] if it is another kind of key.
pub fn read_expiry(key: &[u8]) -> Result<(u64, Vec<u8>), KeyError> {
    let mut reader = KeyReader::new(key);
    reader.u8()?;
    reader.u32()?;
    Ok((reader.u64()?, reader.bytes()?.into_owned()))
}

/// The token of a transaction. Callers keep theirs apart by their principal.
pub fn token(caller: &str, token: &str) -> Key {
    Key::new().u8(TOKEN).text(caller).text(token)
}

/// The mark of a token's end.
pub fn token_expiry(at: i64, caller: &str, token: &str) -> Key {
    Key::new().u8(TOKEN_EXPIRY).timestamp_millis(at).text(caller).text(token)
}

/// The marks of all tokens that have ended by a time.
pub fn expired_tokens(now: i64) -> KeyRange {
    let all = Key::new().u8(TOKEN_EXPIRY);
    KeyRange::between(&all, all.clone().timestamp_millis(now))
}

/// The caller and the token of a mark.
///
/// # Errors
/// [`KeyError`] if it is another kind of key.
pub fn read_token_expiry(key: &[u8]) -> Result<(String, String), KeyError> {
    let mut reader = KeyReader::new(key);
    reader.u8()?;
    reader.timestamp_millis()?;
    Ok((reader.text()?, reader.text()?))
}

/// What an item was before a change.
pub fn former(collection: u32, at: i64, number: u64) -> Key {
    Key::new().u8(FORMER).u32(collection).timestamp_millis(at).u64(number)
}

/// The time and the number in the key of a former state.
///
/// # Errors
/// [`KeyError`] if it is another kind of key.
pub fn read_former(key: &[u8]) -> Result<(i64, u64), KeyError> {
    let mut reader = KeyReader::new(key);
    reader.u8()?;
    reader.u32()?;
    Ok((reader.timestamp_millis()?, reader.u64()?))
}

/// What items of a table were before changes after a time.
pub fn formers_after(collection: u32, at: i64) -> KeyRange {
    let of_table = Key::new().u8(FORMER).u32(collection);
    let end = of_table.range().end().map(<[u8]>::to_vec).unwrap_or_default();
    KeyRange::between(of_table.timestamp_millis(at.saturating_add(1)), end)
}

/// What items of a table were before changes up to a time.
pub fn formers_until(collection: u32, at: i64) -> KeyRange {
    let of_table = Key::new().u8(FORMER).u32(collection);
    KeyRange::between(&of_table, of_table.clone().timestamp_millis(at))
}

/// All former states of items of a table.
pub fn formers(collection: u32) -> KeyRange {
    Key::new().u8(FORMER).u32(collection).range()
}

/// The mark that everything with this number is to be removed.
pub fn doomed(number: u32) -> Key {
    Key::new().u8(DOOMED).u32(number)
}

/// The marks of all that is to be removed.
pub fn all_doomed() -> KeyRange {
    Key::new().u8(DOOMED).range()
}

/// The number in such a mark.
///
/// # Errors
/// [`KeyError`] if it is another kind of key.
pub fn read_doomed(key: &[u8]) -> Result<u32, KeyError> {
    let mut reader = KeyReader::new(key);
    reader.u8()?;
    reader.u32()
}

/// Everything that hangs on a number: of a table, an index, a stream or a backup.
pub fn rows_of(number: u32) -> [KeyRange; 6] {
    [
        items(number),
        collection_sizes(number),
        expiries(number),
        formers(number),
        records(number).range(),
        shards(number),
    ]
}

/// Work to be done in the background.
pub fn work(number: u32) -> Key {
    Key::new().u8(WORK).u32(number)
}

/// All work to be done.
pub fn all_work() -> KeyRange {
    Key::new().u8(WORK).range()
}

/// A backup's description.
pub fn backup(number: u32) -> Key {
    Key::new().u8(BACKUP).u32(number)
}

/// The descriptions of all backups.
pub fn backups() -> KeyRange {
    Key::new().u8(BACKUP).range()
}

/// An export's description.
pub fn export(number: u32) -> Key {
    Key::new().u8(EXPORT).u32(number)
}

/// The descriptions of all exports.
pub fn exports() -> KeyRange {
    Key::new().u8(EXPORT).range()
}

/// An import's description.
pub fn import(number: u32) -> Key {
    Key::new().u8(IMPORT).u32(number)
}

/// The descriptions of all imports.
pub fn imports() -> KeyRange {
    Key::new().u8(IMPORT).range()
}

/// In front of all rows of queues. Watching it tells of changes to be delivered.
pub fn queue_rows() -> Key {
    Key::new().u8(QUEUE)
}

/// The description of a queue to a stream of Kinesis.
pub fn queue(queue: u32) -> Key {
    Key::new().u8(QUEUE).u8(QUEUE_ITSELF).u32(queue)
}

/// The descriptions of all queues.
pub fn queues() -> KeyRange {
    Key::new().u8(QUEUE).u8(QUEUE_ITSELF).range()
}

/// The number of the next change of a queue.
pub fn queue_next(queue: u32) -> Key {
    Key::new().u8(QUEUE).u8(QUEUE_NEXT).u32(queue)
}

/// A change in a queue.
pub fn queued(queue: u32, number: u64) -> Key {
    Key::new().u8(QUEUE).u8(QUEUED).u32(queue).u64(number)
}

/// All changes in a queue.
pub fn all_queued(queue: u32) -> KeyRange {
    Key::new().u8(QUEUE).u8(QUEUED).u32(queue).range()
}

/// The number of a change in its key.
///
/// # Errors
/// [`KeyError`] if it is another kind of key.
pub fn read_queued(key: &[u8]) -> Result<u64, KeyError> {
    let mut reader = KeyReader::new(key);
    reader.u8()?;
    reader.u8()?;
    reader.u32()?;
    reader.u64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_share_a_collection_without_gaps() {
        for total in [1, 2, 3, 7, 1_000, 1_000_000] {
            let whole = items(9);
            assert_eq!(segment(9, 0, total).start()[..ITEM_PREFIX_BYTES], *whole.start(), "{total}");
            assert_eq!(segment(9, total - 1, total).end(), whole.end(), "{total}");
            for index in [0, total / 2, total.saturating_sub(2)] {
                if index + 1 < total {
                    assert_eq!(segment(9, index, total).end(), Some(segment(9, index + 1, total).start()));
                }
            }
        }
    }

    #[test]
    fn what_was_written_is_read() {
        assert_eq!(read_expiry(&expiry(1, 7, b"k\0")), Ok((7, b"k\0".to_vec())));
        assert_eq!(read_token_expiry(&token_expiry(5, "c", "t")), Ok(("c".into(), "t".into())));
        assert_eq!(read_record(&record(1, 2)), Ok(2));
        assert_eq!(read_shard(&shard(1, 2)), Ok(2));
        assert_eq!(read_queued(&queued(1, 2)), Ok(2));
        assert_eq!(read_doomed(&doomed(3)), Ok(3));
        assert_eq!(read_place(&place("a", "r")), Ok(("a".into(), "r".into())));
        assert!(expired(1, 8).contains(&expiry(1, 7, b"k")) && !expired(1, 7).contains(&expiry(1, 7, b"k")));
        assert!(formers_after(1, 5).contains(&former(1, 6, 1)) && !formers_after(1, 5).contains(&former(1, 5, 9)));
    }
}
