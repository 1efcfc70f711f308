//! Rows inside a transaction.

use platform::OrFailure;
use serde::Serialize;
use serde::de::DeserializeOwned;
use store::keys::Key;
use store::{Abort, StoreError, Transaction, value};
use wire::Error;

use crate::errors;
use crate::function::{CodePackage, FunctionId, FunctionRecord, Usage, Version, VersionRecord};
use crate::keys;

/// Most bytes of packages of an account in a region: 75 GB. AWS Lambda quotas.
pub const CODE_STORAGE_BYTES_MAX: u64 = 75 * 1024 * 1024 * 1024;

/// Reads a row.
pub fn read<T: DeserializeOwned>(rows: &mut dyn Transaction, key: &Key) -> Result<Option<T>, Abort<Error>> {
    rows.get(key)?.map(|row| decode(&row)).transpose()
}

/// The value of a row.
pub fn decode<T: DeserializeOwned>(row: &[u8]) -> Result<T, Abort<Error>> {
    Ok(value::decode(keys::FORMAT, row).map_err(StoreError::from).or_failure()?)
}

/// Writes a row.
pub fn put<T: Serialize>(rows: &mut dyn Transaction, key: &Key, value: &T) -> Result<(), Abort<Error>> {
    let row = value::encode(keys::FORMAT, value).map_err(StoreError::from).or_failure()?;
    rows.put(key, &row);
    Ok(())
}

/// The function's own row.
pub fn function(rows: &mut dyn Transaction, id: &FunctionId) -> Result<FunctionRecord, Abort<Error>> {
    let found = read(rows, &keys::function(id))?;
    Ok(found.ok_or_else(|| errors::function_not_found(id, None))?)
}

/// The row of `$LATEST`.
pub fn latest(rows: &mut dyn Transaction, id: &FunctionId) -> Result<VersionRecord, Abort<Error>> {
    let found = read(rows, &keys::version(id, Version::Latest))?;
    Ok(found.ok_or_else(|| errors::function_not_found(id, None))?)
}

/// Replaces a version's row, which may be absent before or afterwards, and keeps the marks of the packages it needs and
/// the account's usage in step.
pub fn replace_version(
    rows: &mut dyn Transaction,
    id: &FunctionId,
    version: Version,
    before: Option<&VersionRecord>,
    after: Option<&VersionRecord>,
) -> Result<(), Abort<Error>> {
    for digest in before.into_iter().flat_map(VersionRecord::packages).flat_map(CodePackage::blobs) {
        rows.delete(&keys::package(digest, id, version));
    }
    for digest in after.into_iter().flat_map(VersionRecord::packages).flat_map(CodePackage::blobs) {
        rows.put(&keys::package(digest, id, version), &[]);
    }
    match after {
        Some(record) => put(rows, &keys::version(id, version), record)?,
        None => rows.delete(&keys::version(id, version)),
    }
    let size = |record: Option<&VersionRecord>| record.map_or(0, |record| record.described.code.size_bytes);
    change_usage(rows, id, |usage| {
        usage.code_bytes = (usage.code_bytes + size(after)).saturating_sub(size(before));
        if usage.code_bytes > CODE_STORAGE_BYTES_MAX && size(after) > size(before) {
            return Err(errors::code_storage_exceeded());
        }
        Ok(())
    })
}

/// Changes what the function's account uses.
pub fn change_usage(
    rows: &mut dyn Transaction,
    id: &FunctionId,
    change: impl FnOnce(&mut Usage) -> Result<(), Error>,
) -> Result<(), Abort<Error>> {
    let key = keys::usage(&id.account, &id.region);
    let mut usage: Usage = read(rows, &key)?.unwrap_or_default();
    change(&mut usage)?;
    put(rows, &key, &usage)
}

/// Marks a version as being made ready.
pub fn mark_deployment(rows: &mut dyn Transaction, id: &FunctionId, version: Version) {
    rows.put(&keys::deployment(id, version), &[]);
}
