//! Reading and writing rows.

use platform::OrFailure;
use serde::Serialize;
use serde::de::DeserializeOwned;
use store::keys::{Key, KeyError};
use store::{Abort, Direction, KeyRange, Snapshot, StoreError, Transaction, value};
use wire::Error;

use crate::errors;
use crate::keys;
use crate::limits::GENERATIONS_MAX;
use crate::names::KeyName;
use crate::records::{KeyRecord, MaterialRecord, MultiRegionRecord};

/// The value of a row.
pub fn decode<T: DeserializeOwned>(row: &[u8]) -> Result<T, Error> {
    value::decode(keys::FORMAT, row).map_err(StoreError::from).or_failure()
}

/// A part of a key.
pub fn key_part<T>(part: Result<T, KeyError>) -> Result<T, Error> {
    part.map_err(|error| StoreError::Read(error.to_string().into())).or_failure()
}

/// Reads a row inside a transaction.
pub fn read<T: DeserializeOwned>(rows: &mut dyn Transaction, key: &Key) -> Result<Option<T>, Abort<Error>> {
    Ok(rows.get(key)?.map(|row| decode(&row)).transpose()?)
}

/// Reads all rows of a range inside a transaction; those above `limit` are left out.
pub fn read_all<T: DeserializeOwned>(
    rows: &mut dyn Transaction,
    range: KeyRange,
    limit: usize,
) -> Result<Vec<T>, Abort<Error>> {
    let found = rows.scan(range, Direction::Forward, limit)?;
    Ok(found.iter().map(|(_, row)| decode(row)).collect::<Result<_, Error>>()?)
}

/// Writes a row.
pub fn put<T: Serialize>(rows: &mut dyn Transaction, key: &Key, value: &T) -> Result<(), Abort<Error>> {
    let row = value::encode(keys::FORMAT, value).map_err(StoreError::from).or_failure()?;
    rows.put(key, &row);
    Ok(())
}

/// Reads a row of a snapshot.
pub async fn get<T: DeserializeOwned>(snapshot: &Snapshot, key: &Key) -> Result<Option<T>, Error> {
    snapshot.get(key).await.or_failure()?.map(|row| decode(&row)).transpose()
}

/// A key inside a transaction.
///
/// # Errors
/// `NotFoundException`.
pub fn key(rows: &mut dyn Transaction, name: &KeyName) -> Result<KeyRecord, Abort<Error>> {
    let record = read(rows, &keys::key(&name.region, &name.id))?;
    Ok(record.ok_or_else(|| errors::key_not_found(&name.arn()))?)
}

/// Writes a key.
pub fn put_key(rows: &mut dyn Transaction, record: &KeyRecord) -> Result<(), Abort<Error>> {
    put(rows, &keys::key(&record.region, &record.id), record)
}

/// All generations of a key's material, oldest first, with their numbers.
pub fn materials(rows: &mut dyn Transaction, record: &KeyRecord) -> Result<Vec<(u32, MaterialRecord)>, Abort<Error>> {
    let found = read_all(rows, keys::materials_of(&record.region, &record.id), GENERATIONS_MAX)?;
    Ok((0..).zip(found).collect())
}

/// Where a multi-Region key is.
pub fn regions(rows: &mut dyn Transaction, record: &KeyRecord) -> Result<Option<MultiRegionRecord>, Abort<Error>> {
    if !record.is_multi_region {
        return Ok(None);
    }
    read(rows, &keys::multi_region(&record.id))
}
