//! The keys of the service's rows. All schedules of an account in a region share one partition of the store with their
//! timers.
//!
//! | Row | Key | Value |
//! |---|---|---|
//! | group | 1, name | description |
//! | schedule | 2, group, name | description |

use store::keys::Key;
use store::{KeyRange, Partition};

/// Format number of all rows.
pub const FORMAT: u8 = 1;

const GROUP: u8 = 1;
const SCHEDULE: u8 = 2;

/// The partition of an account in a region.
pub fn partition(account: &str, region: &str) -> Partition {
    let name = format!("scheduler/{account}/{region}");
    Partition::new(name).unwrap_or_else(|_| Partition::new("scheduler").expect("the name is short and not empty"))
}

/// A group's row.
pub fn group(name: &str) -> Key {
    Key::new().u8(GROUP).text(name)
}

/// The rows of all groups whose names begin so, by name.
pub fn groups(prefix: &str) -> KeyRange {
    Key::new().u8(GROUP).range_of_segments_starting(prefix.as_bytes())
}

/// A schedule's row.
pub fn schedule(group: &str, name: &str) -> Key {
    Key::new().u8(SCHEDULE).text(group).text(name)
}

/// The rows of the schedules of a group whose names begin so, by name.
pub fn schedules_of(group: &str, prefix: &str) -> KeyRange {
    Key::new().u8(SCHEDULE).text(group).range_of_segments_starting(prefix.as_bytes())
}

/// The rows of all schedules, by group and name.
pub fn schedules() -> KeyRange {
    Key::new().u8(SCHEDULE).range()
}
