//! The keys of the service's rows. All queues of an account in a region share a partition, so that a dead letter changes
//! queues in one transaction. Messages hang on the number of their queue's *contents*, which a purge replaces: the old
//! contents are then removed behind the answer, however many messages there are.

use store::keys::{Key, KeyError, KeyReader};
use store::{KeyRange, Partition};

use crate::address::QueueName;

/// Format number of all rows.
pub const FORMAT: u8 = 1;

/// Name of the partition in which the partitions of accounts and regions are listed.
const DIRECTORY: &str = "sqs";

const QUEUE: u8 = 1;
const NEXT_NUMBER: u8 = 2;
const DELETED: u8 = 3;
const SOURCE: u8 = 4;
const DOOMED: u8 = 5;
const STATE: u8 = 6;
const CONTENTS: u8 = 7;
const RUNNING: u8 = 8;

const COUNTERS: u8 = 1;
const REMEMBERED: u8 = 2;
const FORGET: u8 = 3;
const TASK: u8 = 4;

const READY: u8 = 1;
const WAITING: u8 = 2;
const MOVED: u8 = 3;
const PAYLOAD: u8 = 4;
const GROUPED: u8 = 5;
const GROUP: u8 = 6;

/// The partition that lists all others.
pub fn directory() -> Partition {
    Partition::new(DIRECTORY).expect("the name is short and not empty")
}

/// A row of the directory.
pub fn listed(account: &str, region: &str) -> Key {
    Key::new().text(account).text(region)
}

/// Account and region of a row of the directory.
///
/// # Errors
/// [`KeyError`] if it is another kind of key.
pub fn read_listed(key: &[u8]) -> Result<(String, String), KeyError> {
    let mut reader = KeyReader::new(key);
    Ok((reader.text()?, reader.text()?))
}

/// The partition of an account in a region.
pub fn partition(account: &str, region: &str) -> Partition {
    Partition::new(format!("{DIRECTORY}/{account}/{region}")).expect("accounts and regions are short")
}

/// The partition of a queue.
pub fn partition_of(queue: &QueueName) -> Partition {
    partition(&queue.account, &queue.region)
}

/// A queue's record.
pub fn queue(name: &str) -> Key {
    Key::new().u8(QUEUE).text(name)
}

/// The records of all queues, in the order of their names.
pub fn queues() -> KeyRange {
    Key::new().u8(QUEUE).range()
}

/// The records of the queues whose names begin with a text.
pub fn queues_starting(prefix: &str) -> KeyRange {
    Key::new().u8(QUEUE).range_of_segments_starting(prefix.as_bytes())
}

/// The queue's name in the key of its record.
///
/// # Errors
/// [`KeyError`] if it is another kind of key.
pub fn read_queue(key: &[u8]) -> Result<String, KeyError> {
    let mut reader = KeyReader::new(key);
    reader.u8()?;
    reader.text()
}

/// The next number for a queue or its contents.
pub fn next_number() -> Key {
    Key::new().u8(NEXT_NUMBER)
}

/// When a queue of that name was deleted.
pub fn deleted(name: &str) -> Key {
    Key::new().u8(DELETED).text(name)
}

/// The names of all queues that were deleted lately.
pub fn all_deleted() -> KeyRange {
    Key::new().u8(DELETED).range()
}

/// That `source` sends its dead letters to `target`.
pub fn source(target: &str, source: &str) -> Key {
    Key::new().u8(SOURCE).text(target).text(source)
}

/// The queues that send their dead letters to `target`.
pub fn sources(target: &str) -> KeyRange {
    Key::new().u8(SOURCE).text(target).range()
}

/// The source's name in a key made by [`source`].
///
/// # Errors
/// [`KeyError`] if it is another kind of key.
pub fn read_source(key: &[u8]) -> Result<String, KeyError> {
    let mut reader = KeyReader::new(key);
    reader.u8()?;
    reader.text()?;
    reader.text()
}

/// A mark that the rows under a number of a queue or of contents are to be removed.
pub fn doomed(number: u64) -> Key {
    Key::new().u8(DOOMED).u64(number)
}

/// All such marks.
pub fn all_doomed() -> KeyRange {
    Key::new().u8(DOOMED).range()
}

/// The number in a key made by [`doomed`].
///
/// # Errors
/// [`KeyError`] if it is another kind of key.
pub fn read_doomed(key: &[u8]) -> Result<u64, KeyError> {
    let mut reader = KeyReader::new(key);
    reader.u8()?;
    reader.u64()
}

/// Everything under a number: what it is the number of, its other rows are none.
pub fn rows_of(number: u64) -> [KeyRange; 2] {
    [Key::new().u8(STATE).u64(number).range(), Key::new().u8(CONTENTS).u64(number).range()]
}

/// How many messages a queue has, by state.
pub fn counters(queue: u64) -> Key {
    Key::new().u8(STATE).u64(queue).u8(COUNTERS)
}

/// What an id of a FIFO queue stood for: a message's deduplication id within its scope, or a receiving call.
pub fn remembered(queue: u64, kind: u8, scope: &str, id: &str) -> Key {
    Key::new().u8(STATE).u64(queue).u8(REMEMBERED).u8(kind).text(scope).text(id)
}

/// When an id may be forgotten; the value is the key made by [`remembered`].
pub fn forget(queue: u64, at: i64, key: &[u8]) -> Key {
    Key::new().u8(STATE).u64(queue).u8(FORGET).timestamp_millis(at).bytes(key)
}

/// The ids that may be forgotten before a time.
pub fn forget_before(queue: u64, time: i64) -> KeyRange {
    let all = Key::new().u8(STATE).u64(queue).u8(FORGET);
    KeyRange::between(&all, all.clone().timestamp_millis(time))
}

/// A move task of a source queue; later ones come later.
pub fn task(queue: u64, started: i64, id: &str) -> Key {
    Key::new().u8(STATE).u64(queue).u8(TASK).timestamp_millis(started).text(id)
}

/// All move tasks of a source queue.
pub fn tasks(queue: u64) -> KeyRange {
    Key::new().u8(STATE).u64(queue).u8(TASK).range()
}

/// That a move task of a source queue runs; the value is the queue's name.
pub fn running(queue: u64) -> Key {
    Key::new().u8(RUNNING).u64(queue)
}

/// All running move tasks.
pub fn all_running() -> KeyRange {
    Key::new().u8(RUNNING).range()
}

/// The number in the key of a message that may be received (standard queues), or of the first message of a group from
/// which may be received (FIFO queues).
pub fn ready(contents: u64, sequence: u64) -> Key {
    all_ready(contents).u64(sequence)
}

/// In front of all keys made by [`ready`].
pub fn all_ready(contents: u64) -> Key {
    Key::new().u8(CONTENTS).u64(contents).u8(READY)
}

/// The sequence number in a key made by [`ready`].
///
/// # Errors
/// [`KeyError`] if it is another kind of key.
pub fn read_ready(key: &[u8]) -> Result<u64, KeyError> {
    let mut reader = KeyReader::new(key);
    reader.u8()?;
    reader.u64()?;
    reader.u8()?;
    reader.u64()
}

/// A message that may not be received before a time: itself (standard queues) or its group (FIFO queues).
pub fn waiting(contents: u64, until: i64, sequence: u64) -> Key {
    all_waiting(contents).timestamp_millis(until).u64(sequence)
}

/// In front of all keys made by [`waiting`].
pub fn all_waiting(contents: u64) -> Key {
    Key::new().u8(CONTENTS).u64(contents).u8(WAITING)
}

/// The messages whose time has come.
pub fn waiting_until(contents: u64, now: i64) -> KeyRange {
    let all = all_waiting(contents);
    KeyRange::between(&all, all.clone().timestamp_millis(now.saturating_add(1)))
}

/// Time and sequence number in a key made by [`waiting`].
///
/// # Errors
/// [`KeyError`] if it is another kind of key.
pub fn read_waiting(key: &[u8]) -> Result<(i64, u64), KeyError> {
    let mut reader = KeyReader::new(key);
    reader.u8()?;
    reader.u64()?;
    reader.u8()?;
    Ok((reader.timestamp_millis()?, reader.u64()?))
}

/// Until when a message waits whose receipt handle says otherwise (standard queues).
pub fn moved(contents: u64, sequence: u64) -> Key {
    Key::new().u8(CONTENTS).u64(contents).u8(MOVED).u64(sequence)
}

/// A payload too long for its message's row.
pub fn payload(contents: u64, sequence: u64) -> Key {
    Key::new().u8(CONTENTS).u64(contents).u8(PAYLOAD).u64(sequence)
}

/// A message of a group (FIFO queues).
pub fn grouped(contents: u64, group: &str, sequence: u64) -> Key {
    Key::new().u8(CONTENTS).u64(contents).u8(GROUPED).text(group).u64(sequence)
}

/// All messages of a group.
pub fn all_grouped(contents: u64, group: &str) -> KeyRange {
    Key::new().u8(CONTENTS).u64(contents).u8(GROUPED).text(group).range()
}

/// The sequence number in a key made by [`grouped`].
///
/// # Errors
/// [`KeyError`] if it is another kind of key.
pub fn read_grouped(key: &[u8]) -> Result<u64, KeyError> {
    let mut reader = KeyReader::new(key);
    reader.u8()?;
    reader.u64()?;
    reader.u8()?;
    reader.text()?;
    reader.u64()
}

/// What is known of a group.
pub fn group(contents: u64, group: &str) -> Key {
    Key::new().u8(CONTENTS).u64(contents).u8(GROUP).text(group)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_read_back() {
        assert_eq!(read_queue(&queue("jobs")), Ok("jobs".to_owned()));
        assert_eq!(read_source(&source("dead", "jobs")), Ok("jobs".to_owned()));
        assert_eq!(read_ready(&ready(7, 9)), Ok(9));
        assert_eq!(read_waiting(&waiting(7, -5, 9)), Ok((-5, 9)));
        assert_eq!(read_grouped(&grouped(7, "g\0", 9)), Ok(9));
        assert_eq!(read_doomed(&doomed(7)), Ok(7));
        assert_eq!(read_listed(&listed("1", "r")), Ok(("1".to_owned(), "r".to_owned())));
    }

    #[test]
    fn what_is_due_is_all_up_to_now_and_nothing_later() {
        let range = waiting_until(7, 100);
        assert!(range.contains(&waiting(7, 100, u64::MAX)) && range.contains(&waiting(7, i64::MIN, 0)));
        assert!(!range.contains(&waiting(7, 101, 0)) && !range.contains(&waiting(8, 1, 0)));
        assert!(!range.contains(&ready(7, 1)));
    }

    #[test]
    fn everything_of_a_number_is_in_its_ranges() {
        let inside = |key: &Key| rows_of(7).iter().any(|range| range.contains(key));
        for key in [counters(7), remembered(7, 1, "", "a"), task(7, 1, "t"), ready(7, 1), payload(7, 1), group(7, "g")]
        {
            assert!(inside(&key));
        }
        assert!(!inside(&counters(8)) && !inside(&ready(6, 1)) && !inside(&queue("7")));
    }
}
