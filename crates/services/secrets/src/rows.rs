//! Reading and writing rows.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use platform::OrFailure;
use serde::Serialize;
use serde::de::DeserializeOwned;
use store::keys::{Key, KeyReader};
use store::{Abort, Direction, KeyRange, StoreError, Transaction, value};
use wire::Error;

use crate::limits::{SECRETS_MAX, VERSIONS_MAX};
use crate::names::SecretId;
use crate::records::{SecretRecord, ValueRecord, VersionRecord};
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

/// A secret, whatever its state.
pub fn secret(rows: &mut dyn Transaction, id: &SecretId) -> Result<SecretRecord, Abort<Error>> {
    let found: Option<SecretRecord> = read(rows, &keys::secret(&id.region, &id.name))?;
    Ok(meant(found, id)?)
}

/// A secret that may be changed: no replica, and not marked for deletion.
pub fn primary(rows: &mut dyn Transaction, id: &SecretId) -> Result<SecretRecord, Abort<Error>> {
    let record = secret(rows, id)?;
    if record.deletion.is_some() {
        return Err(errors::marked_for_deletion().into());
    }
    if record.is_replica(&id.region) {
        return Err(errors::replica().into());
    }
    Ok(record)
}

/// The secret of that name, if it is the one meant.
pub fn meant(found: Option<SecretRecord>, id: &SecretId) -> Result<SecretRecord, Error> {
    let is_meant = |record: &SecretRecord| id.arn.as_ref().is_none_or(|arn| *arn == record.arn);
    found.filter(is_meant).ok_or_else(errors::secret_not_found)
}

/// Writes a secret, and what its replicas show of it.
pub fn put_secret(rows: &mut dyn Transaction, region: &str, record: &SecretRecord) -> Result<(), Abort<Error>> {
    put(rows, &keys::secret(region, &record.name), record)?;
    for replica in record.replicas.iter().filter(|replica| replica.failure.is_none()) {
        let key = keys::secret(&replica.region, &record.name);
        let Some(copy) = read::<SecretRecord>(rows, &key)? else { continue };
        let copy = SecretRecord {
            arn: copy.arn,
            kms_key_id: copy.kms_key_id,
            accessed_at: copy.accessed_at,
            replicas: Vec::new(),
            ..record.clone()
        };
        put(rows, &key, &copy)?;
    }
    Ok(())
}

/// Notes that a secret comes into being.
pub fn count_up(rows: &mut dyn Transaction, region: &str) -> Result<(), Abort<Error>> {
    let secrets: u64 = read(rows, &keys::count(region))?.unwrap_or_default();
    if secrets >= SECRETS_MAX {
        return Err(errors::limit("You've exceeded the quota of secrets in this Region.").into());
    }
    put(rows, &keys::count(region), &(secrets + 1))
}

/// Removes a secret and everything that is its own.
pub fn remove(rows: &mut dyn Transaction, region: &str, name: &str) -> Result<(), Abort<Error>> {
    rows.delete(&keys::secret(region, name));
    rows.delete_range(keys::versions(region, name).range());
    rows.delete_range(keys::values(region, name).range());
    let secrets: u64 = read(rows, &keys::count(region))?.unwrap_or_default();
    put(rows, &keys::count(region), &secrets.saturating_sub(1))
}

/// The versions of a secret, the oldest first.
pub fn versions(
    rows: &mut dyn Transaction,
    region: &str,
    name: &str,
) -> Result<Vec<(String, VersionRecord)>, Abort<Error>> {
    let found = rows.scan(version_range(region, name), Direction::Forward, VERSIONS_MAX)?;
    Ok(in_order(found)?)
}

/// The rows of a secret's versions.
pub fn version_range(region: &str, name: &str) -> KeyRange {
    keys::versions(region, name).range()
}

/// Versions read from their rows, the oldest first.
pub fn in_order(found: Vec<(Bytes, Bytes)>) -> Result<Vec<(String, VersionRecord)>, Error> {
    let mut versions = Vec::with_capacity(found.len());
    for (key, row) in found {
        versions.push((version_id(&key)?, decode::<VersionRecord>(&row)?));
    }
    versions.sort_by(|one, other| (one.1.created_at, &one.0).cmp(&(other.1.created_at, &other.0)));
    Ok(versions)
}

/// Writes a version with its encrypted value.
pub fn put_version(
    rows: &mut dyn Transaction,
    (region, name, id): (&str, &str, &str),
    version: &VersionRecord,
    envelope: &[u8],
) -> Result<(), Abort<Error>> {
    put(rows, &keys::version(region, name, id), version)?;
    put(rows, &keys::value(region, name, id), &ValueRecord { envelope: STANDARD.encode(envelope) })
}

/// The envelope in a row.
pub fn envelope(row: &[u8]) -> Result<Vec<u8>, Error> {
    let record: ValueRecord = decode(row)?;
    let envelope = STANDARD.decode(record.envelope);
    envelope.map_err(|_| StoreError::Read("an encrypted value cannot be read".into())).or_failure()
}

fn version_id(key: &[u8]) -> Result<String, Error> {
    let mut reader = KeyReader::new(key);
    let id = reader.u8().and_then(|_| reader.text()).and_then(|_| reader.text()).and_then(|_| reader.text());
    id.map_err(|error| StoreError::Read(error.to_string().into())).or_failure()
}
