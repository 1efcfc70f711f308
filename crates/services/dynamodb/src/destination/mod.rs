//! Streams of Kinesis that are told of what happens to a table's items (Developer Guide, "Using Kinesis Data Streams to
//! capture changes to DynamoDB").
//!
//! A change is put into a queue in the transaction that makes it, and taken out once the stream has it: each is told at
//! least once, and those of one item in their order.

pub mod deliver;
pub mod operations;
pub mod record;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use store::{Abort, Transaction};
use wire::Error;

use crate::encryption::{Encryption, Protected, Unlocked};
use crate::stream::Change;
use crate::table::Table;
use crate::table::record::View;
use crate::{errors, keys, rows};

/// A stream that a table tells of its changes, or once did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destination {
    /// ARN of the stream.
    pub stream_arn: String,
    /// The number on which its queue hangs.
    pub number: u32,
    /// How it stands.
    pub status: Status,
    /// Why it could not be enabled.
    pub failure: Option<String>,
    /// How exactly records tell the time, if that was asked for.
    pub precision: Option<Precision>,
}

/// How a destination stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// It was asked for, and is being looked at.
    Enabling,
    /// Changes go there.
    Active,
    /// Changes go there, and how is being changed.
    Updating,
    /// Changes went there, and the last of them are on their way.
    Disabling,
    /// Changes went there.
    Disabled,
    /// The stream cannot be used.
    EnableFailed,
}

impl Status {
    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Status::Enabling => "ENABLING",
            Status::Active => "ACTIVE",
            Status::Updating => "UPDATING",
            Status::Disabling => "DISABLING",
            Status::Disabled => "DISABLED",
            Status::EnableFailed => "ENABLE_FAILED",
        }
    }

    /// Whether nothing more will happen to it by itself, and nothing goes there.
    pub fn is_over(self) -> bool {
        matches!(self, Status::Disabled | Status::EnableFailed)
    }
}

/// How exactly records tell the time of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Precision {
    /// In milliseconds.
    Millisecond,
    /// In microseconds.
    Microsecond,
}

impl Precision {
    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Precision::Millisecond => "MILLISECOND",
            Precision::Microsecond => "MICROSECOND",
        }
    }

    /// The precision of that name.
    pub fn named(name: &str) -> Option<Precision> {
        [Precision::Millisecond, Precision::Microsecond].into_iter().find(|precision| precision.name() == name)
    }
}

impl Destination {
    /// Whether changes are put into its queue.
    pub fn takes_changes(&self) -> bool {
        matches!(self.status, Status::Active | Status::Updating)
    }
}

/// Changes on their way to a stream. It outlives its table until they are there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Queue {
    /// The number on which its rows hang.
    pub number: u32,
    /// Name of the table.
    pub table: String,
    /// ARN of the table.
    pub table_arn: String,
    /// ARN of the stream.
    pub stream_arn: String,
    /// What keeps the stream from being enabled: known when that is asked for, told afterwards.
    pub refusal: Option<String>,
    /// How exactly records tell the time.
    pub precision: Precision,
    /// How its records are encrypted: as its table is.
    pub encryption: Option<Encryption>,
    /// Whether it takes no more: it is removed when it is empty.
    pub closed: bool,
    /// The cipher of its records, in memory alone.
    #[serde(skip)]
    pub unlocked: Unlocked,
}

impl Protected for Queue {
    fn encryption(&self) -> Option<&Encryption> {
        self.encryption.as_ref()
    }

    fn unlocked(&self) -> &Unlocked {
        &self.unlocked
    }
}

/// Puts a change into the queues of a table's destinations.
///
/// # Errors
/// When the table's key has not been unlocked.
pub fn tell(rows: &mut dyn Transaction, table: &Table, change: Change<'_>) -> Result<(), Abort<Error>> {
    for destination in table.destinations.iter().filter(|destination| destination.takes_changes()) {
        let next_key = keys::queue_next(destination.number);
        let next = match rows.get(&next_key)? {
            Some(row) => u64::from_be_bytes(row.as_ref().try_into().map_err(|_| errors::damaged("queue"))?),
            None => 1,
        };
        let place = keys::queued(destination.number, next);
        rows.put(&place, &crate::stream::record::encode(table, View::Both, change, &place)?);
        rows.put(&next_key, &(next + 1).to_be_bytes());
    }
    Ok(())
}

/// Has the queue of a destination emptied and removed.
pub fn close(rows: &mut dyn Transaction, number: u32) -> Result<(), Abort<Error>> {
    let Some(queue) = rows::read::<Queue>(rows, &keys::queue(number))? else { return Ok(()) };
    rows::put(rows, &keys::queue(number), &Queue { closed: true, ..queue })
}

/// Has the records of a table's queues encrypted as the table now is.
pub fn set_encryption(rows: &mut dyn Transaction, table: &Table) -> Result<(), Abort<Error>> {
    for destination in &table.destinations {
        if let Some(queue) = rows::read::<Queue>(rows, &keys::queue(destination.number))? {
            let encryption = table.encryption.clone();
            rows::put(rows, &keys::queue(destination.number), &Queue { encryption, ..queue })?;
        }
    }
    Ok(())
}
