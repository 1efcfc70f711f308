//! Every bound of the blob store, with its unit and the reason for its size.

use std::time::Duration;

/// How long a blob that no row names is kept at least: its row may be about to be written. Far longer than any request
/// takes.
pub const SWEEP_GRACE: Duration = Duration::from_secs(60 * 60);

/// Bytes a writer collects before it hands them to the disk.
pub(crate) const WRITE_BYTES: usize = 256 * 1024;

/// Bytes of one chunk of a streamed blob.
pub(crate) const CHUNK_BYTES: usize = 256 * 1024;

/// Most bytes read into memory in one piece; longer content is streamed. The largest body an API takes in one piece,
/// a function package, has 50 MB.
pub const READ_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Most bytes all blobs of a store in memory may have together.
pub const MEMORY_BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;
