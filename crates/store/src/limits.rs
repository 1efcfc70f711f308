//! Every bound of the store, with its unit and the reason for its size.

use std::time::Duration;

/// Longest partition name, in bytes: an account, a region, a service and one resource name fit.
pub const PARTITION_BYTES_MAX: usize = 512;

/// Longest key inside a partition, in bytes. The longest key of the modelled services is a DynamoDB partition key
/// (2,048) plus sort key (1,024), each of which at most doubles when escaped, and a name in front.
pub const KEY_BYTES_MAX: usize = 8 * 1024;

/// Longest value, in bytes. The largest single items are messages and events of 1 MiB, whose JSON form with base64
/// bodies stays well under this; anything larger belongs into a blob.
pub const VALUE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Most single puts and deletes in one transaction; a range delete counts as one.
pub const TRANSACTION_WRITES_MAX: usize = 10_000;

/// Most bytes of keys and values written by one transaction: a DynamoDB transaction carries 4 MB of items.
pub const TRANSACTION_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Most stored rows one range delete may remove, because the writer serves nobody else meanwhile (about 0.1 s).
/// [`crate::Store::delete_range`] removes more in several transactions.
pub const DELETE_RANGE_ROWS_MAX: usize = 50_000;

/// Rows that [`crate::Store::delete_range`] removes in one transaction: about 20 ms of the writer's time.
pub(crate) const DELETE_CHUNK_ROWS: usize = 10_000;

/// Most rows one scan may ask for.
pub const SCAN_ROWS_MAX: usize = 10_000;

/// Most bytes of keys and values one scan may return; beyond it the scan is refused rather than cut short.
pub const SCAN_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Scans of at most this many rows are answered on the calling task; longer ones move to a blocking thread.
pub(crate) const SCAN_INLINE_ROWS_MAX: usize = 256;

/// Most transactions waiting for the writer of one store.
pub const QUEUE_DEPTH_MAX: usize = 4096;

/// How long a caller waits for a place in the writer's queue, or for a read connection, before it is told that the
/// store is overloaded.
pub const QUEUE_WAIT_MAX: Duration = Duration::from_secs(5);

/// Most transactions in one commit: past this, a larger batch no longer makes commits cheaper, only later.
pub const BATCH_TRANSACTIONS_MAX: usize = 256;

/// A batch that has written this many bytes is committed without waiting for more transactions.
pub const BATCH_BYTES_MAX: usize = 8 * 1024 * 1024;

/// How long a snapshot may be read. A reader that stays keeps the write-ahead log from being reused.
pub const SNAPSHOT_AGE_MAX: Duration = Duration::from_secs(5);

/// Most read connections of one SQLite store, and so most snapshots alive at once.
pub const READ_CONNECTIONS_MAX: usize = 16;
