//! Bounds of durable executions, with their units and sources.

use std::time::Duration;

/// Most operations of an execution (Lambda quotas: 3,000).
pub const OPERATIONS_MAX: u64 = 3_000;

/// Longest time of an execution that a caller waits for, in seconds (developer guide, "Invoking durable functions").
pub const SYNCHRONOUS_SECONDS_MAX: u32 = 900;

/// Invocations in a row that may fail before the execution does: the first and two more, as of asynchronous events.
pub const FAILURES_MAX: u32 = 3;

/// Wait before an invocation that failed is repeated; each further one is twice as long.
pub const RETRY_FIRST: Duration = Duration::from_secs(1);

/// Bytes of operations that one event carries; further ones are asked for. Leaves room below an event's 6 MB.
pub const EVENT_OPERATIONS_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Bytes of operations of one answer.
pub const PAGE_BYTES_MAX: usize = 4 * 1024 * 1024;
