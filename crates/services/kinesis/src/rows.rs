//! Reading and writing rows.

use platform::OrFailure;
use serde::Serialize;
use serde::de::DeserializeOwned;
use store::keys::{Key, KeyError};
use store::{Abort, Direction, KeyRange, Snapshot, StoreError, Transaction, value};
use wire::Error;

use crate::errors;
use crate::keys::{self, FORMAT};
use crate::limits::{SHARDS_LISTED_MAX, STREAMS_MAX};
use crate::names::StreamName;
use crate::shard::{Head, Shard};
use crate::stream::Stream;

/// The value of a row.
///
/// # Errors
/// `InternalFailure`.
pub fn decode<T: DeserializeOwned>(row: &[u8]) -> Result<T, Error> {
    value::decode(FORMAT, row).map_err(StoreError::from).or_failure()
}

/// A part of a key.
///
/// # Errors
/// `InternalFailure`.
pub fn key_part<T>(part: Result<T, KeyError>) -> Result<T, Error> {
    part.map_err(|error| StoreError::Read(error.to_string().into())).or_failure()
}

/// A row that is not what was written.
pub fn damaged(what: &'static str) -> Error {
    Err::<(), _>(StoreError::Read(what.into())).or_failure().expect_err("it is an error")
}

/// Reads a row inside a transaction.
///
/// # Errors
/// A failure of the store.
pub fn read<T: DeserializeOwned>(rows: &mut dyn Transaction, key: &Key) -> Result<Option<T>, Abort<Error>> {
    Ok(rows.get(key)?.map(|row| decode(&row)).transpose()?)
}

/// Reads the rows of a range inside a transaction.
///
/// # Errors
/// A failure of the store.
pub fn read_all<T: DeserializeOwned>(
    rows: &mut dyn Transaction,
    range: KeyRange,
    most: usize,
) -> Result<Vec<T>, Abort<Error>> {
    let found = rows.scan(range, Direction::Forward, most)?;
    Ok(found.iter().map(|(_, row)| decode(row)).collect::<Result<_, _>>()?)
}

/// Writes a row.
///
/// # Errors
/// A failure of the store.
pub fn put<T: Serialize>(rows: &mut dyn Transaction, key: &Key, value: &T) -> Result<(), Abort<Error>> {
    let row = value::encode(FORMAT, value).map_err(StoreError::from).or_failure()?;
    rows.put(key, &row);
    Ok(())
}

/// A stream inside a transaction.
///
/// # Errors
/// `ResourceNotFoundException`.
pub fn stream(rows: &mut dyn Transaction, name: &StreamName) -> Result<Stream, Abort<Error>> {
    let found = read::<Stream>(rows, &keys::stream(&name.name))?;
    Ok(found.ok_or_else(|| errors::no_stream(name))?)
}

/// All streams of the partition inside a transaction.
///
/// # Errors
/// A failure of the store.
pub fn streams(rows: &mut dyn Transaction) -> Result<Vec<Stream>, Abort<Error>> {
    read_all(rows, keys::streams(), STREAMS_MAX)
}

/// A shard's head inside a transaction.
///
/// # Errors
/// A failure of the store.
pub fn head(rows: &mut dyn Transaction, stream: u64, shard: u32) -> Result<Head, Abort<Error>> {
    let row = rows.get(&keys::head(stream, shard))?;
    Ok(row.map_or_else(|| Ok(Head::default()), |row| Head::decode(&row))?)
}

/// A stream of a snapshot.
///
/// # Errors
/// `ResourceNotFoundException`.
pub async fn stream_of(snapshot: &Snapshot, name: &StreamName) -> Result<Stream, Error> {
    let row = snapshot.get(&keys::stream(&name.name)).await.or_failure()?;
    decode(&row.ok_or_else(|| errors::no_stream(name))?)
}

/// All shards of a stream of a snapshot, oldest first.
///
/// # Errors
/// A failure of the store.
pub async fn shards_of(snapshot: &Snapshot, stream: u64) -> Result<Vec<Shard>, Error> {
    let found = snapshot.scan(keys::shards(stream), Direction::Forward, SHARDS_LISTED_MAX).await.or_failure()?;
    found.iter().map(|(_, row)| decode(row)).collect()
}

/// A shard of a snapshot.
///
/// # Errors
/// A failure of the store.
pub async fn shard_of(snapshot: &Snapshot, stream: u64, shard: u32) -> Result<Option<Shard>, Error> {
    let row = snapshot.get(&keys::shard(stream, shard)).await.or_failure()?;
    row.map(|row| decode(&row)).transpose()
}

/// A shard's head in a snapshot.
///
/// # Errors
/// A failure of the store.
pub async fn head_of(snapshot: &Snapshot, stream: u64, shard: u32) -> Result<Head, Error> {
    let row = snapshot.get(&keys::head(stream, shard)).await.or_failure()?;
    row.map_or_else(|| Ok(Head::default()), |row| Head::decode(&row))
}
