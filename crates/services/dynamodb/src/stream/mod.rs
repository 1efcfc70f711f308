//! Streams: records of what happens to items, written in the transaction that changes them.
//!
//! A stream's records are numbered one after the other, so that the order of changes of any item, and of all items, is
//! the order of their records. At any time one shard takes records; when it is old or full its child takes over.

pub mod iterator;
pub mod operations;
pub mod record;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use store::{Abort, Transaction};
use wire::Error;

use crate::encryption::{Encryption, Unlocked};
use crate::item::write::Origin;
use crate::limits::{SHARD_OPEN_MS, SHARD_RECORDS_MAX};
use crate::table::describe::describe_key;
use crate::table::record::{StreamSettings, View};
use crate::table::{KeySchema, Table};
use crate::value::Item;
use crate::{keys, rows};

/// A stream. It outlives its table, for a day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stream {
    /// The number on which its rows hang.
    pub number: u32,
    /// Name of the table.
    pub table: String,
    /// ARN of the table.
    pub table_arn: String,
    /// The time at the end of its ARN.
    pub label: String,
    /// What its records show.
    pub view: View,
    /// The table's key.
    pub key: KeySchema,
    /// When it was made, in milliseconds since 1970.
    pub created_at: i64,
    /// When it took its last record, in milliseconds since 1970; `None` while it takes some.
    pub closed_at: Option<i64>,
    /// How its records are encrypted: as its table is.
    #[serde(default)]
    pub encryption: Option<Encryption>,
    /// The cipher of its records, in memory alone.
    #[serde(skip)]
    pub unlocked: Unlocked,
}

impl Stream {
    /// ARN of the stream.
    pub fn arn(&self) -> String {
        format!("{}/stream/{}", self.table_arn, self.label)
    }

    /// The key in the API's form.
    pub fn key_schema(&self) -> Vec<api::dynamodbstreams::KeySchemaElement> {
        let convert = |element: api::dynamodb::KeySchemaElement| api::dynamodbstreams::KeySchemaElement {
            attribute_name: element.attribute_name,
            key_type: element.key_type,
        };
        describe_key(&self.key).into_iter().map(convert).collect()
    }
}

/// The part of a stream that changes with every record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct State {
    /// The number of the next record, from 1.
    next: u64,
    /// The shard that takes it.
    shard: u32,
    /// When that shard was opened, in milliseconds since 1970.
    opened_at: i64,
    /// The number of the first record it took or will take.
    first: u64,
}

/// Bytes of a state's row.
const STATE_BYTES: usize = 28;

impl State {
    fn of_row(row: &[u8]) -> Option<State> {
        let row: &[u8; STATE_BYTES] = row.try_into().ok()?;
        let number = |range: std::ops::Range<usize>| {
            row[range].iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte))
        };
        Some(State {
            next: number(0..8),
            shard: number(8..12) as u32,
            opened_at: number(12..20) as i64,
            first: number(20..28),
        })
    }

    fn row(&self) -> Vec<u8> {
        let mut row = self.next.to_be_bytes().to_vec();
        row.extend(self.shard.to_be_bytes());
        row.extend(self.opened_at.to_be_bytes());
        row.extend(self.first.to_be_bytes());
        row
    }
}

/// A shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// Its id.
    pub id: String,
    /// The id of the shard before it.
    pub parent: Option<String>,
    /// The number of its first record.
    pub first: u64,
    /// The number of its last record, once it takes no more; less than the first if it took none.
    pub last: Option<u64>,
    /// When it was closed, in milliseconds since 1970.
    pub closed_at: Option<i64>,
}

impl Shard {
    /// A shard that takes records from a number on.
    fn open(stream: u32, shard: u32, now: i64, parent: Option<String>, first: u64) -> Shard {
        let id = format!("shardId-{now:020}-{:08x}", stream.wrapping_mul(0x9E37_79B9) ^ shard);
        Shard { id, parent, first, last: None, closed_at: None }
    }
}

/// Opens a stream of a table.
pub fn open(
    rows: &mut dyn Transaction,
    table: &Table,
    settings: &StreamSettings,
    now: i64,
) -> Result<(), Abort<Error>> {
    let stream = Stream {
        number: settings.number,
        table: table.name.clone(),
        table_arn: table.arn(),
        label: settings.label.clone(),
        view: settings.view,
        key: table.key.clone(),
        created_at: now,
        closed_at: None,
        encryption: table.encryption.clone(),
        unlocked: Unlocked::default(),
    };
    rows::put(rows, &keys::stream(settings.number), &stream)?;
    rows::put(rows, &keys::shard(settings.number, 1), &Shard::open(settings.number, 1, now, None, 1))?;
    rows.put(&keys::stream_state(settings.number), &State { next: 1, shard: 1, opened_at: now, first: 1 }.row());
    Ok(())
}

/// Has a stream's records encrypted as its table now is.
pub fn set_encryption(
    rows: &mut dyn Transaction,
    number: u32,
    encryption: Option<&Encryption>,
) -> Result<(), Abort<Error>> {
    let Some(mut stream) = rows::read::<Stream>(rows, &keys::stream(number))? else { return Ok(()) };
    stream.encryption = encryption.cloned();
    rows::put(rows, &keys::stream(number), &stream)
}

/// Closes a stream: its records can be read for another day.
pub fn close(rows: &mut dyn Transaction, number: u32, now: i64) -> Result<(), Abort<Error>> {
    let Some(mut stream) = rows::read::<Stream>(rows, &keys::stream(number))? else { return Ok(()) };
    stream.closed_at = Some(now);
    rows::put(rows, &keys::stream(number), &stream)?;
    let Some(state) = rows.get(&keys::stream_state(number))?.and_then(|row| State::of_row(&row)) else {
        return Ok(());
    };
    close_shard(rows, number, &state, now)?;
    Ok(())
}

fn close_shard(
    rows: &mut dyn Transaction,
    number: u32,
    state: &State,
    now: i64,
) -> Result<Option<Shard>, Abort<Error>> {
    let key = keys::shard(number, state.shard);
    let Some(mut shard) = rows::read::<Shard>(rows, &key)? else { return Ok(None) };
    shard.last = Some(state.next - 1);
    shard.closed_at = Some(now);
    rows::put(rows, &key, &shard)?;
    Ok(Some(shard))
}

/// A change of an item.
#[derive(Debug, Clone, Copy)]
pub struct Change<'a> {
    /// The item before.
    pub old: Option<&'a Item>,
    /// The item afterwards.
    pub new: Option<&'a Item>,
    /// Who changed it.
    pub origin: Origin,
    /// When, in milliseconds since 1970.
    pub now: i64,
}

/// Adds the record of a change.
pub fn append(
    rows: &mut dyn Transaction,
    table: &Table,
    settings: &StreamSettings,
    change: Change<'_>,
) -> Result<(), Abort<Error>> {
    let state_key = keys::stream_state(settings.number);
    let row = rows.get(&state_key)?;
    let Some(mut state) = row.and_then(|row| State::of_row(&row)) else {
        return Err(crate::errors::damaged("stream").into());
    };
    let old = change.now - state.opened_at >= SHARD_OPEN_MS;
    let full = state.next - state.first >= SHARD_RECORDS_MAX;
    if (old || full) && state.next > state.first {
        let parent = close_shard(rows, settings.number, &state, change.now)?.map(|shard| shard.id);
        state = State { next: state.next, shard: state.shard + 1, opened_at: change.now, first: state.next };
        let shard = Shard::open(settings.number, state.shard, change.now, parent, state.next);
        rows::put(rows, &keys::shard(settings.number, state.shard), &shard)?;
    }
    let place = keys::record(settings.number, state.next);
    rows.put(&place, &record::encode(table, settings.view, change, &place)?);
    state.next += 1;
    rows.put(&state_key, &state.row());
    Ok(())
}
