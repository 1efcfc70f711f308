//! The keys of the service's rows. All lie in one partition, so that a schedule's event, an event's attempts and an
//! archive's counts change in one transaction with what they follow from.

use store::keys::{Key, KeyError, KeyReader};
use store::{KeyRange, Partition};

use crate::names::BusId;

/// Format number of all rows.
pub const FORMAT: u8 = 1;

const NEXT: u8 = 1;
const EVENT: u8 = 2;
const BUS: u8 = 3;
const RULE: u8 = 4;
const RULES: u8 = 5;
const ARCHIVE: u8 = 6;
const ARCHIVED: u8 = 7;
const REPLAY: u8 = 8;
const CONNECTION: u8 = 9;
const API_DESTINATION: u8 = 10;

/// The partition.
pub fn partition() -> Partition {
    Partition::new("events").expect("the name is short and not empty")
}

/// The number of the next event.
pub fn next() -> Key {
    Key::new().u8(NEXT)
}

/// An event that not all targets have yet.
pub fn event(number: u64) -> Key {
    Key::new().u8(EVENT).u64(number)
}

/// All such events.
pub fn events() -> Key {
    Key::new().u8(EVENT)
}

/// A bus's record.
pub fn bus(bus: &BusId) -> Key {
    buses(&bus.account, &bus.region).text(&bus.name)
}

/// What the keys of all buses of an account in a region begin with.
pub fn buses(account: &str, region: &str) -> Key {
    Key::new().u8(BUS).text(account).text(region)
}

/// A rule's record.
pub fn rule(bus: &BusId, name: &str) -> Key {
    rules(bus).text(name)
}

/// What the keys of all rules of a bus begin with.
pub fn rules(bus: &BusId) -> Key {
    Key::new().u8(RULE).text(&bus.account).text(&bus.region).text(&bus.name)
}

/// How many rules a bus has, and a number that changes with every change of them and of its archives.
pub fn rules_state(bus: &BusId) -> Key {
    Key::new().u8(RULES).text(&bus.account).text(&bus.region).text(&bus.name)
}

/// An archive's record.
pub fn archive(account: &str, region: &str, name: &str) -> Key {
    archives(account, region).text(name)
}

/// What the keys of all archives of an account in a region begin with.
pub fn archives(account: &str, region: &str) -> Key {
    Key::new().u8(ARCHIVE).text(account).text(region)
}

/// What the keys of all archives begin with.
pub fn all_archives() -> Key {
    Key::new().u8(ARCHIVE)
}

/// An archived event, by the archive's id, the event's time in milliseconds and its number.
pub fn archived(archive: &str, time: i64, number: u64) -> Key {
    archived_all(archive).timestamp_millis(time).u64(number)
}

/// What the keys of all events of an archive begin with.
pub fn archived_all(archive: &str) -> Key {
    Key::new().u8(ARCHIVED).text(archive)
}

/// The events of an archive from one time to another, the second excluded, in milliseconds.
pub fn archived_between(archive: &str, start: i64, end: i64) -> KeyRange {
    KeyRange::between(archived_all(archive).timestamp_millis(start), archived_all(archive).timestamp_millis(end))
}

/// The time in the key of an archived event.
///
/// # Errors
/// [`KeyError`] if it is another kind of key.
pub fn read_archived(key: &[u8]) -> Result<i64, KeyError> {
    let mut reader = KeyReader::new(key);
    reader.u8()?;
    reader.text()?;
    reader.timestamp_millis()
}

/// A replay's record.
pub fn replay(account: &str, region: &str, name: &str) -> Key {
    replays(account, region).text(name)
}

/// What the keys of all replays of an account in a region begin with.
pub fn replays(account: &str, region: &str) -> Key {
    Key::new().u8(REPLAY).text(account).text(region)
}

/// A connection's record.
pub fn connection(account: &str, region: &str, name: &str) -> Key {
    connections(account, region).text(name)
}

/// What the keys of all connections of an account in a region begin with.
pub fn connections(account: &str, region: &str) -> Key {
    Key::new().u8(CONNECTION).text(account).text(region)
}

/// An API destination's record.
pub fn api_destination(account: &str, region: &str, name: &str) -> Key {
    api_destinations(account, region).text(name)
}

/// What the keys of all API destinations of an account in a region begin with.
pub fn api_destinations(account: &str, region: &str) -> Key {
    Key::new().u8(API_DESTINATION).text(account).text(region)
}
