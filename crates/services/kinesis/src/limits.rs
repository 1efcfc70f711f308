//! Every bound of the service, with its unit and its source. "Quotas" is the page of that name in the developer guide.

use std::time::Duration;

/// Open shards of an account in a region (Quotas, the smallest default there has been): all of them can be closed and
/// opened in one transaction, each with a handful of rows of its 10,000.
pub const SHARDS_MAX: usize = 500;

/// Streams in on-demand mode of an account in a region (Quotas).
pub const ON_DEMAND_STREAMS_MAX: usize = 50;

/// Streams of an account in a region of which any account has a listing: those with shards of their own and those in
/// on-demand mode, some closed.
pub const STREAMS_MAX: usize = SHARDS_MAX + ON_DEMAND_STREAMS_MAX;

/// Shards of a new stream in on-demand mode (developer guide, "Choose the right mode").
pub const ON_DEMAND_SHARDS: u32 = 4;

/// Most open shards of a stream in on-demand mode: 200 MiB a second (Quotas).
pub const ON_DEMAND_SHARDS_MAX: u32 = 200;

/// How long a shard of a stream in on-demand mode is there before it is split, in milliseconds: traffic that more than
/// doubles within 15 minutes is throttled (developer guide, "Choose the right mode").
pub const SCALING_PAUSE_MS: i64 = 900_000;

/// Shards that a listing reads at most, closed ones included: more than any account can open within its retention.
pub const SHARDS_LISTED_MAX: usize = 10_000;

/// Calls of UpdateShardCount in 24 hours (API reference).
pub const SHARD_COUNT_UPDATES_PER_DAY: usize = 10;

/// Changes of a stream's mode in 24 hours (API reference, UpdateStreamMode).
pub const MODE_UPDATES_PER_DAY: usize = 2;

/// Consumers of a stream (Quotas).
pub const CONSUMERS_MAX: usize = 20;

/// Tags of a stream or consumer (API reference).
pub const TAGS_MAX: usize = 50;

/// Bytes of a resource policy (IAM's limit for those of services).
pub const POLICY_BYTES_MAX: usize = 20 * 1_024;

/// Shortest and initial retention, in hours (API reference).
pub const RETENTION_HOURS_MIN: i32 = 24;

/// Longest retention, in hours: 365 days (API reference).
pub const RETENTION_HOURS_MAX: i32 = 8_760;

/// Bytes that a shard takes per second (Quotas).
pub const WRITE_BYTES_PER_SECOND: u64 = 1_048_576;

/// Records that a shard takes per second (Quotas).
pub const WRITE_RECORDS_PER_SECOND: u64 = 1_000;

/// Bytes that are read from a shard per second (Quotas).
pub const READ_BYTES_PER_SECOND: u64 = 2 * 1_048_576;

/// Calls of GetRecords per second and shard (Quotas).
pub const READS_PER_SECOND: u64 = 5;

/// Shards whose rate of reading is remembered. Beyond it, those that have not been read for a second are forgotten, and
/// then all.
pub const READ_RATES_MAX: usize = 16_384;

/// Bytes of data, partition keys included, that one call of GetRecords answers (API reference).
pub const GET_BYTES_MAX: usize = 10 * 1_048_576;

/// Bytes of data, partition keys included, of one event of an enhanced consumer: what it may get in a second.
pub const EVENT_BYTES_MAX: usize = READ_BYTES_PER_SECOND as usize;

/// Records that one call of GetRecords answers (API reference).
pub const GET_RECORDS_MAX: usize = 10_000;

/// Bytes of data, partition keys included, that one call of PutRecords takes (API reference).
pub const PUT_BYTES_MAX: usize = 10 * 1_048_576;

/// Size of a record's data unless the stream sets another, in KiB (API reference, UpdateMaxRecordSize).
pub const RECORD_KIB_DEFAULT: i32 = 1_024;

/// Bytes of data that lie in the record's own row. Longer ones lie beside it, so that pages of rows stay small.
pub const INLINE_BYTES_MAX: usize = 4_096;

/// Bytes of data in one row beside the record's own.
pub const CHUNK_BYTES: usize = 1_048_576;

/// Rows of records read in one go: at most 5 MB of inline data and partition keys.
pub const PAGE_ROWS: usize = 1_000;

/// How long an iterator is good for, in milliseconds (API reference, GetShardIterator).
pub const ITERATOR_MS: i64 = 300_000;

/// How long a token of a listing is good for, in milliseconds (API reference, ListShards).
pub const TOKEN_MS: i64 = 300_000;

/// How long a subscription lasts (API reference, SubscribeToShard).
pub const SUBSCRIPTION: Duration = Duration::from_secs(300);

/// How long a subscription cannot be taken over, in milliseconds (API reference, SubscribeToShard).
pub const SUBSCRIPTION_EXCLUSIVE_MS: i64 = 5_000;

/// A subscription without records says so this often.
pub const SUBSCRIPTION_SILENCE: Duration = Duration::from_secs(5);

/// Events waiting for a subscriber that is slow to read.
pub const EVENTS_WAITING_MAX: usize = 1;

/// How often records past their retention are removed, in milliseconds. Readers never see them.
pub const TRIM_INTERVAL_MS: i64 = 3_600_000;

/// Milliseconds of an hour.
pub const HOUR_MS: i64 = 3_600_000;

/// Milliseconds of a day.
pub const DAY_MS: i64 = 24 * HOUR_MS;
