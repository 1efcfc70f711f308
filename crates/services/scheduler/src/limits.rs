//! Every bound of the service, with its unit and its source: the quotas of EventBridge Scheduler's user guide unless said
//! otherwise.

/// Groups of an account in a region.
pub const GROUPS_MAX: usize = 500;

/// Tags of a group.
pub const TAGS_MAX: usize = 50;

/// Bytes of a target's input.
pub const INPUT_BYTES_MAX: usize = 262_144;

/// Schedules or groups on a page unless the caller asks for another number (API reference).
pub const PAGE: usize = 100;

/// Rows looked at for one page of a list that is filtered: what follows is left to the next page.
pub const ROWS_PER_PAGE: usize = 1_000;

/// Most attempts behind the first one, and how many are made unless the schedule says so (API reference, RetryPolicy).
pub const RETRIES_MAX: i32 = 185;

/// Age at which a call is given up unless the schedule says so, in seconds (API reference, RetryPolicy).
pub const AGE_SECONDS_MAX: i32 = 86_400;

/// Longest pause between two attempts, in seconds: all attempts together then take the longest age of a call.
pub const RETRY_SECONDS_MAX: u64 = 480;

/// Pause before another attempt at a queue for dead letters that cannot be reached, in seconds.
pub const DEAD_LETTER_RETRY_SECONDS: i64 = 20;

/// How long ago the start of a schedule may be, in milliseconds (API reference, CreateSchedule).
pub const START_PAST_MS: i64 = 300_000;

/// Schedules of a group that is deleted which go in one transaction: each has a handful of rows.
pub const DELETED_AT_ONCE: usize = 500;

/// Bytes of an error's text in a dead letter: its attributes and the input share 1 MiB.
pub const ERROR_BYTES_MAX: usize = 1_024;
