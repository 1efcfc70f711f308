//! Bounds of invocations, with their units and sources.

use std::time::Duration;

/// Largest event of a synchronous invocation, in bytes (Lambda quotas: 6 MB).
pub const PAYLOAD_BYTES_MAX: usize = 6 * 1024 * 1024;

/// Largest event of an asynchronous invocation, in bytes (Lambda quotas: 1 MB).
pub const EVENT_BYTES_MAX: usize = 1024 * 1024;

/// Largest answer of a function, in bytes, as AWS names it in its error.
pub const RESPONSE_BYTES_MAX: usize = PAYLOAD_BYTES_MAX + 100;

/// Longest client context, in bytes of base64 (API reference of Invoke).
pub const CLIENT_CONTEXT_BYTES_MAX: usize = 3_583;

/// Bytes of the log that `LogType=Tail` answers (API reference of Invoke: 4 KB).
pub const TAIL_BYTES_MAX: usize = 4 * 1024;

/// Invocations at once of one account in one region (Lambda quotas: 1,000).
pub const CONCURRENT_INVOCATIONS_MAX: usize = 1_000;

/// New environments of one function within [`SCALING_INTERVAL`] (Lambda developer guide, scaling rate of functions).
pub const SCALING_ENVIRONMENTS: u32 = 1_000;

/// See [`SCALING_ENVIRONMENTS`].
pub const SCALING_INTERVAL: Duration = Duration::from_secs(10);

/// Longest initialisation before it is tried again within the function's own timeout (Lambda developer guide: 10 s).
pub const INIT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long an environment that has answered goes on running before it is frozen. AWS names no figure and freezes as
/// soon as the runtime asks for its next event; within this time the next event finds it awake.
pub const FREEZE_DELAY: Duration = Duration::from_millis(5);

/// Environments of a deployment, for each processor, that work at the same time while the processors are busy, if its
/// invocations are [`BRIEF`]; more invocations wait for one of them. One of each works while the other's answer is on its
/// way.
pub const RUNNING_PER_PROCESSOR: usize = 2;

/// Invocations that take no longer are over before it is worth while to wake another environment.
pub const BRIEF: Duration = Duration::from_millis(2);

/// How long an invocation waits for its turn without anybody's turn having come before it gets an environment of its own.
pub const TURN_PATIENCE: Duration = Duration::from_millis(5);

/// How long an invocation waits for its turn at most.
pub const TURN_TIMEOUT: Duration = Duration::from_millis(50);

/// Idle environments older than this are ended. AWS names no figure; observed are 5 to 15 minutes.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(600);

/// Environments of a kind that are kept ready when none has been needed for a while: one for the next invocation, one for
/// the one that comes before another is made.
pub const AHEAD_AT_REST: usize = 2;

/// Most environments of one kind that are kept ready.
pub const AHEAD_PER_KIND_MAX: usize = 32;

/// Kinds of environments that are kept ready, each the description of a runtime of one memory size.
pub const AHEAD_KINDS_MAX: usize = 32;

/// How long a burst is counted as one, and its size remembered before it is halved.
pub const AHEAD_DEMAND_WINDOW: Duration = Duration::from_secs(30);

/// How often it is looked whether what is kept ready is still what should be.
pub const AHEAD_SETTLING: Duration = Duration::from_millis(500);

/// Memory of the machine below which nothing is kept ready, in KiB.
pub const AHEAD_MEMORY_RESERVE_KIB: u64 = 4 * MACHINE_MEMORY_RESERVE_KIB;

/// Longest initialisation of a provisioned environment (Lambda developer guide, "Lambda execution environment": 15 minutes).
pub const PROVISIONED_INIT_TIMEOUT: Duration = Duration::from_secs(900);

/// Provisioned environments of one version that are initialised at once, so that invocations keep their share of the
/// machine meanwhile.
pub const PROVISIONED_AT_ONCE_MAX: u32 = 4;

/// How long before the end of its credentials a provisioned environment is replaced: an hour more than invocations need,
/// so that none of them has to wait for that.
pub const PROVISIONED_RENEWAL: Duration = Duration::from_secs(2 * 3_600);

/// How long it takes until provisioned environments that the machine could not make are tried again.
pub const PROVISIONED_RETRY_INTERVAL: Duration = Duration::from_secs(5);

/// How often idle environments are looked through.
pub const REAP_INTERVAL: Duration = Duration::from_secs(15);

/// Memory of the machine that new environments leave free, in KiB: below it idle ones are ended first, then invocations
/// are throttled.
pub const MACHINE_MEMORY_RESERVE_KIB: u64 = 256 * 1024;

/// Log lines that wait to be written to CloudWatch Logs, in bytes, of all functions together. Beyond it functions wait
/// in their own `write`, as with any full pipe.
pub const WAITING_LOG_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Log lines that an environment gathers before it hands them on, in bytes; it does so as well when it has been idle for
/// [`FREEZE_DELAY`].
pub const GATHERED_LOG_BYTES_MAX: usize = 16 * 1024;

/// How long log lines are gathered across environments before they are written.
pub const LOG_WRITE_INTERVAL: Duration = Duration::from_millis(20);

/// Most events in one write to CloudWatch Logs (API reference of PutLogEvents).
pub const LOG_WRITE_EVENTS_MAX: usize = 10_000;

/// Most bytes in one write to CloudWatch Logs, 26 more being counted per event (the same reference).
pub const LOG_WRITE_BYTES_MAX: usize = 1_048_576;

/// What CloudWatch Logs counts for an event besides its text, in bytes (the same reference).
pub const LOG_EVENT_OVERHEAD_BYTES: usize = 26;

/// How long a stopping platform waits for the last log lines to be written.
pub const LOG_DRAIN_TIMEOUT: Duration = Duration::from_secs(5);
