//! Every bound of the service, with its unit and its source: the quotas in the SQS developer guide unless said otherwise.

use std::time::Duration;

/// Longest message with its attributes, in bytes, and the default of `MaximumMessageSize`.
pub const MESSAGE_BYTES_MAX: u32 = 1_048_576;

/// Smallest value of `MaximumMessageSize`, in bytes.
pub const MESSAGE_BYTES_MIN: u32 = 1_024;

/// Most bytes that the messages of one batch may have together.
pub const BATCH_BYTES_MAX: usize = 1_048_576;

/// Most entries of a batch.
pub const BATCH_ENTRIES_MAX: usize = 10;

/// Longest id of a batch's entry, in characters.
pub const BATCH_ID_CHARACTERS_MAX: usize = 80;

/// Most messages that one call receives.
pub const RECEIVED_MAX: i32 = 10;

/// Longest visibility timeout, in seconds: 12 hours.
pub const VISIBILITY_SECONDS_MAX: i32 = 43_200;

/// Longest delay of a message, in seconds.
pub const DELAY_SECONDS_MAX: i32 = 900;

/// Longest wait of a receiving call, in seconds.
pub const WAIT_SECONDS_MAX: i32 = 20;

/// Shortest retention, in seconds.
pub const RETENTION_SECONDS_MIN: u32 = 60;

/// Longest retention, in seconds: 14 days.
pub const RETENTION_SECONDS_MAX: u32 = 1_209_600;

/// Shortest time for which a data key is used again, in seconds.
pub const KMS_REUSE_SECONDS_MIN: u32 = 60;

/// Longest time for which a data key is used again, in seconds.
pub const KMS_REUSE_SECONDS_MAX: u32 = 86_400;

/// Time for which a data key is used again unless set, in seconds.
pub const KMS_REUSE_SECONDS_DEFAULT: u32 = 300;

/// Most messages in flight in one queue.
pub const IN_FLIGHT_MAX: u64 = 120_000;

/// Most attributes of a message.
pub const MESSAGE_ATTRIBUTES_MAX: usize = 10;

/// Longest name of a message's attribute, in characters.
pub const ATTRIBUTE_NAME_CHARACTERS_MAX: usize = 256;

/// Longest message group id, deduplication id and attempt id, in characters.
pub const FIFO_ID_CHARACTERS_MAX: usize = 128;

/// For how long an id of a FIFO queue is remembered, in milliseconds: 5 minutes.
pub const DEDUPLICATION_MILLISECONDS: i64 = 300_000;

/// Longest name of a queue, in characters.
pub const NAME_CHARACTERS_MAX: usize = 80;

/// How long a deleted queue's name cannot be used, and the shortest time between two purges, in milliseconds.
pub const QUIET_MILLISECONDS: i64 = 60_000;

/// Largest `maxReceiveCount`.
pub const RECEIVE_COUNT_MAX: u64 = 1_000;

/// Most queues named in a `RedriveAllowPolicy`.
pub const REDRIVE_SOURCES_MAX: usize = 10;

/// Most tags of a queue.
pub const TAGS_MAX: usize = 50;

/// Longest key of a tag, in characters.
pub const TAG_KEY_CHARACTERS_MAX: usize = 128;

/// Longest value of a tag, in characters.
pub const TAG_VALUE_CHARACTERS_MAX: usize = 256;

/// Most actions in one statement of `AddPermission`.
pub const PERMISSION_ACTIONS_MAX: usize = 7;

/// Most statements of a queue's policy.
pub const POLICY_STATEMENTS_MAX: usize = 20;

/// Longest policy of a queue, in bytes.
pub const POLICY_BYTES_MAX: usize = 8_192;

/// Most queues on a page of a list.
pub const PAGE_MAX: i32 = 1_000;

/// Most move tasks listed, and kept, per source queue.
pub const MOVE_TASKS_MAX: usize = 10;

/// Highest rate of a move task, in messages per second.
pub const MOVE_RATE_MAX: i32 = 500;

/// Messages that a move task without a rate moves in one transaction.
pub const MOVED_AT_ONCE: usize = 100;

/// Longest receipt handle, in characters.
pub const RECEIPT_CHARACTERS_MAX: usize = 1_024;

/// Payloads up to so many bytes lie in the row that moves from state to state; longer ones have a row of their own, so
/// that receiving a large message does not write it again. Two pages of the database hold such a row.
pub const INLINE_BYTES_MAX: usize = 4_096;

/// Messages that one transaction makes visible again when their time has come. More are left to the next transaction,
/// so that none holds up the writer for long.
pub const RELEASED_AT_ONCE: usize = 200;

/// Transactions that one call spends on making messages visible before it counts them: all that can be in flight, twice.
pub const RELEASE_ROUNDS_MAX: usize = 1_200;

/// Rounds in which one call looks past messages that go elsewhere: expired ones and dead letters.
pub const TAKE_ROUNDS_MAX: usize = 10;

/// Rows of remembered ids that one call removes when their time is over: more than it adds, so that they stay bounded.
pub const FORGOTTEN_AT_ONCE: usize = 25;

/// Most calls waiting for messages at once. Each holds a few KiB.
pub const WAITING_MAX: usize = 20_000;

/// Queues whose records are kept ready in memory; a few KiB each.
pub const CACHED_QUEUES_MAX: usize = 4_096;

/// How often expired messages, remembered ids and what is left of deleted queues are removed.
pub const SWEEP_INTERVAL: Duration = Duration::from_secs(60);

/// Rows that a sweep reads at a time.
pub const SWEEP_PAGE: usize = 200;
