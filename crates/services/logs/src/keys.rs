//! The keys of the service's rows. Events and streams hang on numbers, which are never used again, so that a group that
//! is made anew has nothing of the one before.

use std::fmt;

use store::KeyRange;
use store::keys::{Key, KeyError, KeyReader};

/// Format number of all rows.
pub const FORMAT: u8 = 1;

/// Name of the partition that holds all rows.
pub const PARTITION: &str = "logs";

const GROUP: u8 = 1;
const STREAM: u8 = 2;
const STREAM_NAME: u8 = 3;
const STREAM_TIME: u8 = 4;
const EVENT: u8 = 5;
const STREAM_EVENT: u8 = 6;
const USAGE: u8 = 7;
const TOTAL: u8 = 8;
const DOOMED: u8 = 9;
const REGION: u8 = 10;

/// An event's place: time first, then the order in which the group's events arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The event's own time, in milliseconds since 1970.
    pub timestamp: i64,
    /// Counts the events of a group, from 1.
    pub sequence: u64,
}

impl Position {
    /// Before every event of that millisecond and after all earlier ones.
    pub const fn start_of(timestamp: i64) -> Position {
        Position { timestamp, sequence: 0 }
    }

    /// The next possible place.
    pub fn next(self) -> Position {
        match self.sequence.checked_add(1) {
            Some(sequence) => Position { sequence, ..self },
            None => Position::start_of(self.timestamp.saturating_add(1)),
        }
    }

    /// Reads what [`fmt::Display`] writes.
    pub fn parse(digits: &str) -> Option<Position> {
        if digits.len() != POSITION_DIGITS || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        let number: u128 = digits.parse().ok()?;
        let timestamp = i64::try_from(number >> 64).ok()?;
        Some(Position { timestamp, sequence: number as u64 })
    }
}

/// Digits of AWS's event ids and of the positions in its tokens.
const POSITION_DIGITS: usize = 56;

impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let timestamp = u128::from(self.timestamp.max(0).unsigned_abs());
        let number = timestamp << 64 | u128::from(self.sequence);
        write!(formatter, "{number:0width$}", width = POSITION_DIGITS)
    }
}

/// A group's row.
pub fn group(account: &str, region: &str, name: &str) -> Key {
    groups(account, region).text(name)
}

/// In front of the rows of all groups of an account in a region.
pub fn groups(account: &str, region: &str) -> Key {
    Key::new().u8(GROUP).text(account).text(region)
}

/// The rows of all groups.
pub fn all_groups() -> KeyRange {
    Key::new().u8(GROUP).range()
}

/// The name in a group's key.
///
/// # Errors
/// [`KeyError`] if it is another kind of key.
pub fn read_group_name(key: &[u8]) -> Result<String, KeyError> {
    let mut reader = KeyReader::new(key);
    reader.u8()?;
    reader.text()?;
    reader.text()?;
    reader.text()
}

/// How many groups an account has in a region.
pub fn region(account: &str, region: &str) -> Key {
    Key::new().u8(REGION).text(account).text(region)
}

/// A stream's row.
pub fn stream(group: u64, name: &str) -> Key {
    streams(group).text(name)
}

/// In front of the rows of all streams of a group, by name.
pub fn streams(group: u64) -> Key {
    Key::new().u8(STREAM).u64(group)
}

/// The name in a stream's key.
///
/// # Errors
/// [`KeyError`] if it is another kind of key.
pub fn read_stream_name(key: &[u8]) -> Result<String, KeyError> {
    let mut reader = KeyReader::new(key);
    reader.u8()?;
    reader.u64()?;
    reader.text()
}

/// The row that tells a stream's name by its number. An event whose stream has none is being removed.
pub fn stream_name(group: u64, stream: u64) -> Key {
    Key::new().u8(STREAM_NAME).u64(group).u64(stream)
}

/// The mark of a stream in the order of last events.
pub fn stream_time(group: u64, last_event: i64, name: &str) -> Key {
    stream_times(group).timestamp_millis(last_event).text(name)
}

/// In front of the marks of all streams of a group, by the time of their last event.
pub fn stream_times(group: u64) -> Key {
    Key::new().u8(STREAM_TIME).u64(group)
}

/// The time and name in a mark.
///
/// # Errors
/// [`KeyError`] if it is another kind of key.
pub fn read_stream_time(key: &[u8]) -> Result<(i64, String), KeyError> {
    let mut reader = KeyReader::new(key);
    reader.u8()?;
    reader.u64()?;
    Ok((reader.timestamp_millis()?, reader.text()?))
}

/// An event.
pub fn event(group: u64, position: Position) -> Key {
    events(group).timestamp_millis(position.timestamp).u64(position.sequence)
}

/// In front of the events of a group. Watching it tells of new ones.
pub fn events(group: u64) -> Key {
    Key::new().u8(EVENT).u64(group)
}

/// The events of a group from one place to before another.
pub fn event_range(group: u64, from: Position, to: Position) -> KeyRange {
    KeyRange::between(event(group, from), event(group, to))
}

/// The place in an event's key.
///
/// # Errors
/// [`KeyError`] if it is another kind of key.
pub fn read_event(key: &[u8]) -> Result<Position, KeyError> {
    let mut reader = KeyReader::new(key);
    reader.u8()?;
    reader.u64()?;
    Ok(Position { timestamp: reader.timestamp_millis()?, sequence: reader.u64()? })
}

/// An event in its stream's order. The row holds the size of the message.
pub fn stream_event(group: u64, stream: u64, position: Position) -> Key {
    stream_events(group, stream).timestamp_millis(position.timestamp).u64(position.sequence)
}

/// In front of a stream's order of events.
pub fn stream_events(group: u64, stream: u64) -> Key {
    Key::new().u8(STREAM_EVENT).u64(group).u64(stream)
}

/// A stream's order of events from one place to before another.
pub fn stream_event_range(group: u64, stream: u64, from: Position, to: Position) -> KeyRange {
    KeyRange::between(stream_event(group, stream, from), stream_event(group, stream, to))
}

/// The place in the key of an event in its stream's order.
///
/// # Errors
/// [`KeyError`] if it is another kind of key.
pub fn read_stream_event(key: &[u8]) -> Result<Position, KeyError> {
    let mut reader = KeyReader::new(key);
    reader.u8()?;
    reader.u64()?;
    reader.u64()?;
    Ok(Position { timestamp: reader.timestamp_millis()?, sequence: reader.u64()? })
}

/// What a group holds.
pub fn usage(group: u64) -> Key {
    Key::new().u8(USAGE).u64(group)
}

/// What the whole platform holds, and the last number given to a group or stream.
pub fn total() -> Key {
    Key::new().u8(TOTAL)
}

/// The mark that a stream's events are to be removed; stream 0 stands for the whole group.
pub fn doomed(group: u64, stream: u64) -> Key {
    Key::new().u8(DOOMED).u64(group).u64(stream)
}

/// The marks of all that is to be removed.
pub fn all_doomed() -> KeyRange {
    Key::new().u8(DOOMED).range()
}

/// The group and stream of a mark.
///
/// # Errors
/// [`KeyError`] if it is another kind of key.
pub fn read_doomed(key: &[u8]) -> Result<(u64, u64), KeyError> {
    let mut reader = KeyReader::new(key);
    reader.u8()?;
    Ok((reader.u64()?, reader.u64()?))
}

/// All rows that hang on a group's number, but for its usage and its marks.
pub fn rows_of_group(group: u64) -> [KeyRange; 5] {
    [
        events(group).range(),
        Key::new().u8(STREAM_EVENT).u64(group).range(),
        streams(group).range(),
        Key::new().u8(STREAM_NAME).u64(group).range(),
        stream_times(group).range(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_ordered_alike_as_values_texts_and_keys() {
        let positions = [(0, 0), (0, 1), (5, 0), (5, u64::MAX), (6, 3), (i64::MAX, 1)];
        let positions = positions.map(|(timestamp, sequence)| Position { timestamp, sequence });
        assert!(positions.is_sorted());
        assert!(positions.map(|position| position.to_string()).is_sorted());
        assert!(positions.map(|position| event(7, position)).is_sorted());
        for position in positions {
            assert_eq!(Position::parse(&position.to_string()), Some(position));
            assert_eq!(read_event(&event(7, position)), Ok(position));
            assert_eq!(read_stream_event(&stream_event(7, 8, position)), Ok(position));
        }
    }

    #[test]
    fn texts_that_are_no_position_are_refused() {
        let too_large = "9".repeat(POSITION_DIGITS);
        for text in ["", "1", &too_large, &"x".repeat(POSITION_DIGITS), &format!("+{}", "0".repeat(55))] {
            assert_eq!(Position::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_stream_whose_name_begins_anothers_has_its_own_rows() {
        assert!(streams(1).range().contains(&stream(1, "a")));
        assert!(!streams(1).range().contains(&stream(2, "a")));
        assert_eq!(read_stream_name(&stream(1, "a/b")), Ok("a/b".to_owned()));
        assert_eq!(read_stream_time(&stream_time(1, 12, "a")), Ok((12, "a".to_owned())));
        assert_eq!(read_doomed(&doomed(3, 4)), Ok((3, 4)));
        assert_eq!(read_group_name(&group("1", "r", "g")), Ok("g".to_owned()));
    }
}
