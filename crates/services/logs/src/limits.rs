//! Every bound of the service, with its unit and its source.

use std::time::Duration;

/// Most events in one `PutLogEvents` call. API reference of PutLogEvents; the model says so too.
pub const WRITE_EVENTS_MAX: usize = 10_000;

/// Largest sum of the sizes of one call's events, in bytes. API reference of PutLogEvents.
pub const WRITE_BYTES_MAX: usize = 1_048_576;

/// Largest size of one event, in bytes. API reference of PutLogEvents: 1 MB.
pub const EVENT_BYTES_MAX: usize = 1_048_576;

/// What an event counts besides its message, in bytes. API reference of PutLogEvents.
pub const EVENT_OVERHEAD_BYTES: usize = 26;

/// Oldest event that is accepted: 14 days, in milliseconds. API reference of PutLogEvents.
pub const EVENT_AGE_MAX_MS: i64 = 14 * DAY_MS;

/// Newest event that is accepted: 2 hours ahead, in milliseconds. API reference of PutLogEvents.
pub const EVENT_AHEAD_MAX_MS: i64 = 2 * 60 * 60 * 1_000;

/// Longest span of one call's events: 24 hours, in milliseconds. API reference of PutLogEvents.
pub const WRITE_SPAN_MAX_MS: i64 = DAY_MS;

/// One day in milliseconds.
pub const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// Most events in one answer of `GetLogEvents` and `FilterLogEvents`. Their API reference.
pub const PAGE_EVENTS_MAX: usize = 10_000;

/// Most bytes of events in one answer of `GetLogEvents` and `FilterLogEvents`: 1 MB. Their API reference.
pub const PAGE_BYTES_MAX: usize = 1_048_576;

/// Most events that one call of `FilterLogEvents` looks at before it answers with what it has found so far and a token
/// for the rest, as AWS does. A page takes tens of milliseconds then.
pub const EXAMINED_EVENTS_MAX: usize = 10_000;

/// As [`EXAMINED_EVENTS_MAX`], in bytes of messages.
pub const EXAMINED_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Most items in one answer of `DescribeLogGroups` and `DescribeLogStreams`, and their default. Their API reference.
pub const DESCRIBE_ITEMS_MAX: usize = 50;

/// Most groups that one call of `DescribeLogGroups` looks at before it answers with what it has found so far and a token
/// for the rest.
pub const EXAMINED_GROUPS_MAX: usize = 1_000;

/// Most log groups of an account in a region. CloudWatch Logs quotas.
pub const GROUPS_MAX: u64 = 1_000_000;

/// Most log streams of the whole platform. AWS has no such limit; here their rows have to fit on one machine: about
/// half a GB.
pub const STREAMS_MAX: u64 = 1_000_000;

/// Most tags of a log group. API reference of TagResource.
pub const TAGS_MAX: usize = 50;

/// Values that `PutRetentionPolicy` takes, in days. API reference of PutRetentionPolicy.
pub const RETENTION_DAYS: [i32; 22] =
    [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

/// How long groups of the class `DELIVERY` keep their events, in days. API reference of CreateLogGroup.
pub const DELIVERY_RETENTION_DAYS: i32 = 1;

/// Most streams that a search follows one by one; beyond that it reads the whole group and skips what is not wanted.
/// API reference of FilterLogEvents: the longest list of names.
pub const FOLLOWED_STREAMS_MAX: usize = 100;

/// Bytes that the events of the whole platform may hold, on disk: what a developer's machine can spare.
pub const HELD_BYTES_MAX: u64 = 8 * 1024 * 1024 * 1024;

/// Bytes that the events of the whole platform may hold in memory mode.
pub const HELD_BYTES_MAX_IN_MEMORY: u64 = 512 * 1024 * 1024;

/// What an event holds besides its message, in bytes: its keys, its index row, and the pages around them.
pub const EVENT_HELD_OVERHEAD_BYTES: u64 = 128;

/// Events written in one transaction: each takes two of its 10,000 writes, and other writers get their turn soon.
pub const TRANSACTION_EVENTS_MAX: usize = 2_000;

/// Events removed in one transaction, at two writes each.
pub const REMOVED_ROWS_MAX: usize = 2_000;

/// Events read by one scan: they are 1 MiB each at most, and a scan may return 64 MiB.
pub const SCANNED_EVENTS_MAX: usize = 48;

/// Rows without messages read by one scan.
pub const SCANNED_ROWS_MAX: usize = 256;

/// Wait between sweeps. What has expired is hidden at once, whenever it is removed.
pub const SWEEP_INTERVAL: Duration = Duration::from_secs(600);
