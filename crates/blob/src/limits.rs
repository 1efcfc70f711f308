//! Every bound of the blob store, with its unit and the reason for its size.

use std::time::Duration;

/// How long a blob that no row names is kept at least: its row may be about to be written. Far longer than any request
/// takes.
pub const SWEEP_GRACE: Duration = Duration::from_secs(60 * 60);

/// Bytes a writer collects before it hands them to the disk.
pub(crate) const WRITE_BYTES: usize = 256 * 1024;

/// Bytes after which the disk is told to begin with what was written, while more is coming: what is left for the end is
/// a fraction of a second's work.
pub(crate) const SYNC_BYTES: u64 = 16 * 1024 * 1024;

/// Most bytes of a blob that wait for the disk; its writer waits with them then.
pub(crate) const UNSYNCED_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Bytes of one chunk of a streamed blob.
pub(crate) const CHUNK_BYTES: usize = 256 * 1024;

/// Most bytes read into memory in one piece; longer content is streamed. The largest body an API takes in one piece,
/// a function package, has 50 MB.
pub const READ_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Bytes of a blob that are sent to a server at a time: the largest body that is kept in memory for it. S3 takes no smaller
/// parts than 5 MiB, and 10,000 of these are more than the largest blob.
pub(crate) const PART_BYTES: usize = 8 * 1024 * 1024;

/// Most parts that are in memory at a time, of all blobs on their way to a server.
pub(crate) const TRANSFERS_MAX: usize = 4;

/// Most bytes of a server's answer that is no content of a blob: a page of a listing has about 400 KB.
pub(crate) const ANSWER_BYTES_MAX: usize = 2 * 1024 * 1024;

/// How long a server may take for one request.
pub(crate) const REQUEST_TIME: Duration = Duration::from_secs(60);

/// How often a request is sent to a server that cannot be reached, or that fails.
pub(crate) const ATTEMPTS_MAX: u32 = 4;

/// Pause before a request is sent a second time; it doubles with each.
pub(crate) const RETRY_DELAY: Duration = Duration::from_millis(100);

/// Most blobs that are noted as wanted again within the grace period: about 5 MB. Beyond it nothing is swept for as long.
pub(crate) const KEPT_MAX: usize = 100_000;

/// Most bytes all blobs of a store in memory may have together.
pub const MEMORY_BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;
