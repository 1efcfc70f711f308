//! Reading and writing rows.

use platform::OrFailure;
use serde::Serialize;
use serde::de::DeserializeOwned;
use store::keys::Key;
use store::{Abort, StoreError, Transaction, value};
use wire::Error;

use crate::names::Reference;
use crate::records::ParameterRecord;
use crate::{errors, keys};

/// The value of a row.
pub fn decode<T: DeserializeOwned>(row: &[u8]) -> Result<T, Error> {
    value::decode(keys::FORMAT, row).map_err(StoreError::from).or_failure()
}

/// Reads a row.
pub fn read<T: DeserializeOwned>(rows: &mut dyn Transaction, key: &Key) -> Result<Option<T>, Abort<Error>> {
    Ok(rows.get(key)?.map(|row| decode(&row)).transpose()?)
}

/// Writes a row.
pub fn put<T: Serialize>(rows: &mut dyn Transaction, key: &Key, value: &T) -> Result<(), Abort<Error>> {
    let row = value::encode(keys::FORMAT, value).map_err(StoreError::from).or_failure()?;
    rows.put(key, &row);
    Ok(())
}

/// The parameter that is meant, whichever of its versions.
pub fn find(rows: &mut dyn Transaction, reference: &Reference) -> Result<Option<ParameterRecord>, Abort<Error>> {
    for name in reference.names() {
        if let Some(record) = read(rows, &keys::parameter(&reference.region, name))? {
            return Ok(Some(record));
        }
    }
    Ok(None)
}

/// As [`find`], of a parameter that has to be there.
pub fn parameter(rows: &mut dyn Transaction, reference: &Reference) -> Result<ParameterRecord, Abort<Error>> {
    Ok(find(rows, reference)?.ok_or_else(errors::parameter_not_found)?)
}

/// Writes a parameter.
pub fn put_parameter(rows: &mut dyn Transaction, region: &str, record: &ParameterRecord) -> Result<(), Abort<Error>> {
    put(rows, &keys::parameter(region, &record.name), record)
}

/// Removes a parameter with all its versions.
pub fn remove(rows: &mut dyn Transaction, region: &str, record: &ParameterRecord) -> Result<(), Abort<Error>> {
    rows.delete(&keys::parameter(region, &record.name));
    rows.delete_range(keys::versions(region, &record.name).range());
    count(rows, region, &record.latest.tier, -1)?;
    Ok(())
}

/// Adds to the number of parameters of a tier, and answers it.
pub fn count(rows: &mut dyn Transaction, region: &str, tier: &str, change: i64) -> Result<u64, Abort<Error>> {
    let key = keys::count(region, tier);
    let before: u64 = read(rows, &key)?.unwrap_or_default();
    let after = before.saturating_add_signed(change);
    if change != 0 {
        put(rows, &key, &after)?;
    }
    Ok(after)
}
