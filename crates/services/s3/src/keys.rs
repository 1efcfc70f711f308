//! The keys of the service's rows. Each bucket has a partition of its own; the index of all buckets has another.

use store::keys::{Key, KeyError, KeyReader};
use store::{KeyRange, Partition};

/// Format number of all rows.
pub const FORMAT: u8 = 1;

const BUCKET: u8 = 1;
const CURRENT: u8 = 2;
const VERSION: u8 = 3;
const VERSION_ID: u8 = 4;
const BODY: u8 = 5;
const PARTS: u8 = 6;
const UPLOAD: u8 = 7;
const PART: u8 = 8;
const ACCESS: u8 = 9;
const SETTING: u8 = 10;

/// The partition that lists all buckets.
pub fn index() -> Partition {
    Partition::new("s3").expect("the name is short and not empty")
}

/// A bucket in the index.
pub fn indexed(account: &str, bucket: &str) -> Key {
    Key::new().text(account).text(bucket)
}

/// An account's buckets in the index whose names begin with `prefix`.
pub fn indexed_starting(account: &str, prefix: &str) -> KeyRange {
    Key::new().text(account).range_of_segments_starting(prefix.as_bytes())
}

/// Account and name of a bucket in the index.
///
/// # Errors
/// [`KeyError`] if it is another kind of key.
pub fn read_indexed(key: &[u8]) -> Result<(String, String), KeyError> {
    let mut reader = KeyReader::new(key);
    Ok((reader.text()?, reader.text()?))
}

/// The partition of a bucket. Names are checked before: at most 63 characters.
pub fn bucket_partition(bucket: &str) -> Partition {
    Partition::new(format!("s3/{bucket}")).expect("names of buckets are short")
}

/// The bucket's own record.
pub fn bucket() -> Key {
    Key::new().u8(BUCKET)
}

/// What decides about the bucket's access.
pub fn access() -> Key {
    Key::new().u8(ACCESS)
}

/// All configurations.
pub fn all_settings() -> KeyRange {
    Key::new().u8(SETTING).range()
}

/// The current version of an object, unless that is a delete marker.
pub fn current(key: &str) -> Key {
    Key::new().u8(CURRENT).text(key)
}

/// The objects whose keys begin with `prefix`.
pub fn currents(prefix: &str) -> KeyRange {
    Key::new().u8(CURRENT).range_of_segments_starting(prefix.as_bytes())
}

/// A version; newer ones of a key come first.
pub fn version(key: &str, sequence: u64) -> Key {
    Key::new().u8(VERSION).text(key).u64(u64::MAX - sequence)
}

/// All versions of a key.
pub fn versions_of(key: &str) -> KeyRange {
    Key::new().u8(VERSION).text(key).range()
}

/// All versions of the keys that begin with `prefix`.
pub fn versions(prefix: &str) -> KeyRange {
    Key::new().u8(VERSION).range_of_segments_starting(prefix.as_bytes())
}

/// The object's key in the key of its row: [`current`], [`version`] or [`upload`].
///
/// # Errors
/// [`KeyError`] if it is another kind of key.
pub fn read_object(key: &[u8]) -> Result<String, KeyError> {
    let mut reader = KeyReader::new(key);
    reader.u8()?;
    reader.text()
}

/// The sequence number of the version with an id.
pub fn version_id(key: &str, id: &str) -> Key {
    Key::new().u8(VERSION_ID).text(key).text(id)
}

/// A body in the store.
pub fn body(id: &str) -> Key {
    Key::new().u8(BODY).text(id)
}

/// The parts of an object that was uploaded in parts.
pub fn parts(id: &str) -> Key {
    Key::new().u8(PARTS).text(id)
}

/// All such lists.
pub fn all_parts() -> KeyRange {
    Key::new().u8(PARTS).range()
}

/// An upload under way. Those of a key come in the order in which they began.
pub fn upload(key: &str, id: &str) -> Key {
    Key::new().u8(UPLOAD).text(key).text(id)
}

/// The uploads of keys that begin with `prefix`.
pub fn uploads(prefix: &str) -> KeyRange {
    Key::new().u8(UPLOAD).range_of_segments_starting(prefix.as_bytes())
}

/// A part of an upload.
pub fn part(upload: &str, number: u32) -> Key {
    Key::new().u8(PART).text(upload).u32(number)
}

/// All parts of an upload.
pub fn parts_of(upload: &str) -> KeyRange {
    Key::new().u8(PART).text(upload).range()
}

/// All parts of all uploads.
pub fn all_uploaded_parts() -> KeyRange {
    Key::new().u8(PART).range()
}

/// A configuration of the bucket, of a kind of which there may be several with ids of their own.
pub fn setting(kind: &str, id: &str) -> Key {
    Key::new().u8(SETTING).text(kind).text(id)
}

/// All configurations of a kind.
pub fn settings(kind: &str) -> KeyRange {
    Key::new().u8(SETTING).text(kind).range()
}

/// The partition that lists the buckets with access logs.
pub fn logged_index() -> Partition {
    Partition::new("s3-logged").expect("the name is short and not empty")
}

/// A bucket in that list.
pub fn logged(bucket: &str) -> Key {
    Key::new().text(bucket)
}

/// The name of a bucket in that list.
///
/// # Errors
/// [`KeyError`] if it is another kind of key.
pub fn read_logged(key: &[u8]) -> Result<String, KeyError> {
    KeyReader::new(key).text()
}
