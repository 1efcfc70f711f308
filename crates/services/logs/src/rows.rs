//! Reading and writing rows.

use bytes::Bytes;
use platform::OrFailure;
use serde::Serialize;
use serde::de::DeserializeOwned;
use store::keys::{Key, KeyError};
use store::{Abort, Snapshot, StoreError, Transaction, value};
use wire::Error;

use crate::errors;
use crate::keys;
use crate::names::GroupName;
use crate::records::{Event, GroupRecord, StreamRecord};

/// The value of a row.
pub fn decode<T: DeserializeOwned>(row: &[u8]) -> Result<T, Error> {
    value::decode(keys::FORMAT, row).map_err(StoreError::from).or_failure()
}

/// The event in a row.
pub fn decode_event(row: Bytes) -> Result<Event, Error> {
    Event::decode(row).ok_or_else(|| StoreError::Read("an event cannot be read".into())).or_failure()
}

/// A part of a key.
pub fn key_part<T>(part: Result<T, KeyError>) -> Result<T, Error> {
    part.map_err(|error| StoreError::Read(error.to_string().into())).or_failure()
}

/// Reads a row inside a transaction.
pub fn read<T: DeserializeOwned>(rows: &mut dyn Transaction, key: &Key) -> Result<Option<T>, Abort<Error>> {
    Ok(rows.get(key)?.map(|row| decode(&row)).transpose()?)
}

/// Writes a row.
pub fn put<T: Serialize>(rows: &mut dyn Transaction, key: &Key, value: &T) -> Result<(), Abort<Error>> {
    let row = value::encode(keys::FORMAT, value).map_err(StoreError::from).or_failure()?;
    rows.put(key, &row);
    Ok(())
}

/// A group inside a transaction.
pub fn group(rows: &mut dyn Transaction, name: &GroupName) -> Result<GroupRecord, Abort<Error>> {
    Ok(read(rows, &name.key())?.ok_or_else(errors::group_not_found)?)
}

/// A stream inside a transaction.
pub fn stream(rows: &mut dyn Transaction, group: u64, name: &str) -> Result<StreamRecord, Abort<Error>> {
    Ok(read(rows, &keys::stream(group, name))?.ok_or_else(errors::stream_not_found)?)
}

/// Reads a row of a snapshot.
pub async fn get<T: DeserializeOwned>(snapshot: &Snapshot, key: &Key) -> Result<Option<T>, Error> {
    snapshot.get(key).await.or_failure()?.map(|row| decode(&row)).transpose()
}

/// A group of a snapshot.
pub async fn get_group(snapshot: &Snapshot, name: &GroupName) -> Result<GroupRecord, Error> {
    get(snapshot, &name.key()).await?.ok_or_else(errors::group_not_found)
}

/// A stream of a snapshot.
pub async fn get_stream(snapshot: &Snapshot, group: u64, name: &str) -> Result<StreamRecord, Error> {
    get(snapshot, &keys::stream(group, name)).await?.ok_or_else(errors::stream_not_found)
}
