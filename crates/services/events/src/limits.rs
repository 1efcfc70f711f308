//! Every bound of the service, with its unit and its source: the quotas in the EventBridge user guide unless said otherwise.

use std::time::Duration;

/// Largest sum of the entries of one `PutEvents`, in bytes.
pub const ENTRIES_BYTES_MAX: usize = 1_048_576;

/// Most targets of a rule.
pub const TARGETS_MAX: usize = 5;

/// Most rules of a bus. AWS's own limit is 300 and can be raised; this is how many are matched in good time.
pub const RULES_MAX: u64 = 10_000;

/// Most buses of an account in a region, without the default bus.
pub const BUSES_MAX: usize = 100;

/// Longest policy of a bus, in bytes.
pub const POLICY_BYTES_MAX: usize = 10_240;

/// Most tags of a resource.
pub const TAGS_MAX: usize = 50;

/// Names on a page of a list (API reference, `Limit`).
pub const PAGE: usize = 100;

/// Rows looked at for one page of a list that is filtered: what follows is left to the next page.
pub const ROWS_PER_PAGE: usize = 1_000;

/// Most attempts behind the first one (API reference, `RetryPolicy`).
pub const RETRIES_MAX: u32 = 185;

/// Age at which an event is given up, in seconds (API reference, `RetryPolicy`).
pub const EVENT_AGE_SECONDS_MAX: u32 = 86_400;

/// Longest pause between two attempts, in seconds: all attempts together then take the longest age of an event.
pub const RETRY_SECONDS_MAX: u64 = 480;

/// Pause before another attempt at a queue for dead letters that cannot be reached, in seconds.
pub const DEAD_LETTER_RETRY_SECONDS: u64 = 20;

/// Most buses that an event passes from one to the next; rules that send in a circle end here. A bound of our own.
pub const HOPS_MAX: u32 = 8;

/// Most events being handed out at once: each holds up to 1 MiB.
pub const EVENTS_AT_ONCE: usize = 64;

/// Events read from the store at a time.
pub const EVENTS_PAGE: usize = 64;

/// Most calls of targets at once for one event.
pub const TARGETS_AT_ONCE: usize = 16;

/// Buses whose rules are kept in compiled form.
pub const BUSES_COMPILED: usize = 64;

/// Rows read at a time while a bus is compiled.
pub const RULES_READ: usize = 1_000;

/// Pause after the store failed.
pub const STORE_RETRY: Duration = Duration::from_secs(1);

/// Events that a replay puts on its bus in one transaction.
pub const REPLAYED_AT_ONCE: usize = 10;

/// Archived events that are removed together when their time is over.
pub const EXPIRED_AT_ONCE: usize = 64;

/// Most connections of an account in a region.
pub const CONNECTIONS_MAX: usize = 3_000;

/// Most API destinations of an account in a region.
pub const API_DESTINATIONS_MAX: usize = 3_000;

/// Calls a second of an API destination that names no limit (API reference, `CreateApiDestination`).
pub const INVOCATIONS_PER_SECOND: i32 = 300;

/// Longest time that an API destination or an authorisation endpoint may take (user guide, "API destinations").
pub const DESTINATION_TIME: Duration = Duration::from_secs(5);

/// Longest answer of an API destination that is read, in bytes; nothing of it is used.
pub const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Longest answer of an authorisation endpoint, in bytes: a token with a lot of claims is a few thousand.
pub const TOKEN_BYTES_MAX: usize = 64 * 1024;

/// How long before its end a token is no longer used, in milliseconds: longer than a call takes.
pub const TOKEN_MARGIN_MS: i64 = 10_000;

/// Life of a token whose end is not told, in milliseconds.
pub const TOKEN_MS_DEFAULT: i64 = 3_600_000;

/// Connections whose tokens are kept in memory; others ask again.
pub const TOKENS_KEPT: usize = 1_024;

/// Attempts to get the first token of a connection.
pub const AUTHORIZATIONS_MAX: u32 = 3;

/// API destinations whose last calls are remembered for their limits.
pub const DESTINATIONS_PACED: usize = 1_024;

/// Longest wait for an API destination's next free place that keeps an event at hand; a longer one is on a timer.
pub const PACE_WAIT_MAX: Duration = Duration::from_secs(1);

/// How often archives are looked through for events whose time is over. Retention counts in days.
pub const SWEEP_INTERVAL: Duration = Duration::from_secs(3_600);

/// Most replays of an account in a region that are not over.
pub const REPLAYS_MAX: usize = 10;
