//! Every bound of the service, with its unit and its source: the quotas of EventBridge's user guide unless said otherwise.

use std::time::Duration;

/// Pipes of an account in a region.
pub const PIPES_MAX: usize = 1_000;

/// Pipes that are run: all of all accounts. A bound of our own, well below that of background tasks.
pub const RUNNING_MAX: usize = 2_000;

/// Tags of a pipe.
pub const TAGS_MAX: usize = 50;

/// Pipes on a page unless the caller asks for another number (API reference, ListPipes).
pub const PAGE: usize = 100;

/// Rows looked at for one page of a list that is filtered: what follows is left to the next page.
pub const ROWS_PER_PAGE: usize = 1_000;

/// Rows read in one go where all pipes are looked at.
pub const ROWS_READ: usize = 500;

/// Messages that one call receives (SQS).
pub const RECEIVED_AT_ONCE: i32 = 10;

/// How long a queue is waited on, in seconds (SQS, long polling).
pub const WAIT_SECONDS: i32 = 20;

/// Messages of a batch, and records of a batch, unless the pipe says so (API reference).
pub const MESSAGES_DEFAULT: usize = 10;
/// See [`MESSAGES_DEFAULT`].
pub const RECORDS_DEFAULT: usize = 100;

/// Bytes of a batch as a function takes it: 6 MB, as for Lambda's own event sources.
pub const BATCH_BYTES_MAX: usize = 6 * 1_024 * 1_024;

/// Between two looks at a stream without records: as often as Lambda's own event sources look.
pub const STREAM_PAUSE: Duration = Duration::from_secs(1);

/// Pause after a first failure; doubled with each further one.
pub const RETRY_FIRST: Duration = Duration::from_secs(1);

/// Longest pause between two attempts.
pub const RETRY_MAX: Duration = Duration::from_secs(30);

/// Shards of a stream that are read: more than any stream has.
pub const SHARDS_MAX: usize = 10_000;
