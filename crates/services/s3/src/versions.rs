//! The versions of an object, inside a transaction: the newest, one by its id, a new one, one less.

use platform::OrFailure;
use store::{Abort, Direction, Transaction};
use wire::Error;

use crate::bucket::{Bucket, Versioning};
use crate::event::{Kind, Occasion};
use crate::keys;
use crate::rows;
use crate::version::{Content, NULL, Version};

type Done<T> = Result<T, Abort<Error>>;

/// The newest version, which may be a delete marker.
pub fn newest(rows: &mut dyn Transaction, key: &str) -> Done<Option<Version>> {
    let found = rows.scan(keys::versions_of(key), Direction::Forward, 1)?;
    Ok(found.first().map(|(_, row)| rows::decode(row)).transpose()?)
}

/// The version with an id.
pub fn by_id(rows: &mut dyn Transaction, key: &str, id: &str) -> Done<Option<Version>> {
    match rows::read::<u64>(rows, &keys::version_id(key, id))? {
        Some(sequence) => rows::read(rows, &keys::version(key, sequence)),
        None => Ok(None),
    }
}

/// Adds a version, which takes the place of the `null` one unless the bucket keeps versions. Its sequence number and id
/// are set here; `fresh_id` is the id that it gets if the bucket keeps versions.
pub fn add(
    rows: &mut dyn Transaction,
    bucket: &Bucket,
    key: &str,
    mut version: Version,
    fresh_id: &str,
) -> Done<Version> {
    let before = newest(rows, key)?;
    version.sequence = sequence_after(version.modified, before.as_ref());
    let is_versioned = bucket.versioning == Versioning::Enabled;
    version.id = if is_versioned { fresh_id.to_owned() } else { NULL.to_owned() };
    if !is_versioned && let Some(replaced) = by_id(rows, key, NULL)? {
        forget(rows, key, &replaced);
    }
    rows::put(rows, &keys::version_id(key, &version.id), &version.sequence)?;
    save(rows, key, &version, true)?;
    Ok(version)
}

/// The sequence number of what happens to a key at a time, in milliseconds since 1970, after a version of it was made.
pub fn sequence_after(time: i64, before: Option<&Version>) -> u64 {
    let by_time = u64::try_from(time).unwrap_or_default() << SEQUENCE_SHIFT;
    before.map_or(by_time, |before| by_time.max(before.sequence + 1))
}

/// Sequence numbers are milliseconds since 1970 and 16 bits to count within one.
const SEQUENCE_SHIFT: u32 = 16;

/// Writes a version back.
pub fn save(rows: &mut dyn Transaction, key: &str, version: &Version, is_newest: bool) -> Done<()> {
    rows::put(rows, &keys::version(key, version.sequence), version)?;
    if !is_newest {
        return Ok(());
    }
    if version.is_marker {
        rows.delete(&keys::current(key));
        return Ok(());
    }
    rows::put(rows, &keys::current(key), version)
}

/// Removes a version for good; the one before it is then the newest.
pub fn remove(rows: &mut dyn Transaction, key: &str, version: &Version) -> Done<()> {
    forget(rows, key, version);
    match newest(rows, key)? {
        Some(next) if !next.is_marker => rows::put(rows, &keys::current(key), &next),
        _ => {
            rows.delete(&keys::current(key));
            Ok(())
        }
    }
}

fn forget(rows: &mut dyn Transaction, key: &str, version: &Version) {
    rows.delete(&keys::version(key, version.sequence));
    rows.delete(&keys::version_id(key, &version.id));
    match &version.content {
        Content::Inline(id) => rows.delete(&keys::body(id)),
        Content::Parts(id) => rows.delete(&keys::parts(id)),
        Content::Empty | Content::Blob(_) => {}
    }
}

/// The version that a request means: the one named, or the newest, if there is any.
///
/// # Errors
/// `NoSuchVersion`, or for an id that can be none, `InvalidArgument`.
pub async fn find(service: &crate::S3, bucket: &str, key: &str, id: Option<&str>) -> Result<Option<Version>, Error> {
    let partition = keys::bucket_partition(bucket);
    let store = &service.platform.store;
    let Some(id) = id else {
        if let Some(row) = store.get(&partition, &keys::current(key)).await.or_failure()? {
            return rows::decode(&row).map(Some);
        }
        let found = store.scan(&partition, keys::versions_of(key), Direction::Forward, 1).await.or_failure()?;
        return found.first().map(|(_, row)| rows::decode(row)).transpose();
    };
    check_id(id)?;
    let missing = || crate::errors::no_version(key, id);
    let row = store.get(&partition, &keys::version_id(key, id)).await.or_failure()?.ok_or_else(missing)?;
    let sequence = rows::decode(&row)?;
    let row = store.get(&partition, &keys::version(key, sequence)).await.or_failure()?.ok_or_else(missing)?;
    rows::decode(&row).map(Some)
}

/// Changes what is said of a version that was found before, if it is still there.
///
/// # Errors
/// `NoSuchBucket`, `NoSuchKey`, and those of the change.
pub async fn change<F>(
    service: &crate::S3,
    (bucket, key): (&str, &str),
    version: &Version,
    told: Option<(Occasion, Kind)>,
    change: F,
) -> Result<(), Error>
where
    F: Fn(&mut Version) -> Result<(), Error> + Send + Sync + 'static,
{
    let (key, id, sequence) = (key.to_owned(), version.id.clone(), version.sequence);
    let changed = service.on_bucket(bucket, move |bucket, rows| {
        let found = by_id(rows, &key, &id)?.filter(|found| found.sequence == sequence);
        let mut version = found.ok_or_else(|| crate::errors::no_key(&key))?;
        change(&mut version)?;
        let newest = newest(rows, &key)?;
        save(rows, &key, &version, newest.is_some_and(|newest| newest.sequence == sequence))?;
        match &told {
            Some((occasion, kind)) => occasion.changed(rows, bucket, *kind, &key, &version),
            None => Ok(()),
        }
    });
    changed.await
}

/// Refuses ids that no version can have.
///
/// # Errors
/// `InvalidArgument`.
pub fn check_id(id: &str) -> Result<(), Error> {
    let is_own = id.len() == ID_CHARACTERS && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if id == NULL || is_own {
        return Ok(());
    }
    let text = if id.is_empty() { "Version id cannot be the empty string" } else { "Invalid version id specified" };
    Err(crate::errors::argument(text, "versionId", id))
}

/// Characters of the id of a version, as AWS has them.
pub const ID_CHARACTERS: usize = 32;
