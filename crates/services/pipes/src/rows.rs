//! Reading and writing rows.

use platform::OrFailure;
use serde::Serialize;
use serde::de::DeserializeOwned;
use store::keys::Key;
use store::{Abort, StoreError, Transaction, value};
use wire::Error;

use crate::keys::FORMAT;

/// The value of a row.
///
/// # Errors
/// `InternalFailure`.
pub fn decode<T: DeserializeOwned>(row: &[u8]) -> Result<T, Error> {
    value::decode(FORMAT, row).map_err(StoreError::from).or_failure()
}

/// Reads a row inside a transaction.
///
/// # Errors
/// A failure of the store.
pub fn read<T: DeserializeOwned>(rows: &mut dyn Transaction, key: &Key) -> Result<Option<T>, Abort<Error>> {
    Ok(rows.get(key)?.map(|row| decode(&row)).transpose()?)
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
