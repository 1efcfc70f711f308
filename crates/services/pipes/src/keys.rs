//! The keys of the service's rows. They share one partition of the store with the timers.
//!
//! | Row | Key | Value |
//! |---|---|---|
//! | pipe | 1, account, region, name | description |
//! | place in a stream | 2, id of the pipe, shard | how far it was read |

use store::keys::Key;
use store::{KeyRange, Partition};

/// Format number of all rows.
pub const FORMAT: u8 = 1;

const PIPE: u8 = 1;
const PLACE: u8 = 2;

/// The partition of all rows.
pub fn partition() -> Partition {
    Partition::new("pipes").expect("the name is short and not empty")
}

/// A pipe's row.
pub fn pipe(account: &str, region: &str, name: &str) -> Key {
    Key::new().u8(PIPE).text(account).text(region).text(name)
}

/// The rows of the pipes of an account in a region whose names begin so, by name.
pub fn pipes_of(account: &str, region: &str, prefix: &str) -> KeyRange {
    Key::new().u8(PIPE).text(account).text(region).range_of_segments_starting(prefix.as_bytes())
}

/// The rows of all pipes.
pub fn pipes() -> KeyRange {
    Key::new().u8(PIPE).range()
}

/// How far a pipe has read a shard.
pub fn place(pipe: &str, shard: &str) -> Key {
    Key::new().u8(PLACE).text(pipe).text(shard)
}

/// How far a pipe has read all shards.
pub fn places(pipe: &str) -> KeyRange {
    Key::new().u8(PLACE).text(pipe).range()
}
