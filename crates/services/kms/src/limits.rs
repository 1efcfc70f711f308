//! Every bound of the service. Where AWS has one, it is AWS's, from "Quotas" and the API reference of KMS.

use std::time::Duration;

/// One day in milliseconds.
pub const DAY_MS: i64 = 86_400_000;

/// Customer keys of an account in a region.
pub const KEYS_MAX: u64 = 100_000;

/// Aliases of one key.
pub const ALIASES_PER_KEY_MAX: usize = 50;

/// Grants of one key.
pub const GRANTS_PER_KEY_MAX: u64 = 50_000;

/// Grants of one grantee on one key that a decision looks at; AWS has no such bound, but a decision must have one.
pub const GRANTS_PER_GRANTEE_MAX: usize = 1_000;

/// Tags of one key.
pub const TAGS_MAX: usize = 50;

/// On-demand rotations in the life of one key.
pub const ON_DEMAND_ROTATIONS_MAX: u32 = 25;

/// Generations of key material that are looked at when a key is listed, copied or deleted; automatic rotation every 90
/// days takes 2,400 years to get there.
pub const GENERATIONS_MAX: usize = 10_000;

/// Days between automatic rotations unless said otherwise.
pub const ROTATION_DAYS_DEFAULT: i32 = 365;

/// Days until a key is deleted unless said otherwise.
pub const DELETION_DAYS_DEFAULT: i32 = 30;

/// How long parameters for an import are valid.
pub const IMPORT_PARAMETERS_LIFETIME_MS: i64 = DAY_MS;

/// How far in the future imported key material may expire.
pub const EXPIRY_MS_MAX: i64 = 365 * DAY_MS;

/// Bytes of an encryption context, keys and values together. AWS's limit on the whole request header of context.
pub const ENCRYPTION_CONTEXT_BYTES_MAX: usize = 8_192;

/// Unwrapped keys held in memory; an RSA key of 4,096 bits, the largest, takes about 8 KiB.
pub const UNWRAPPED_KEYS_MAX: usize = 4_096;

/// Pairs of RSA keys being made at once: each takes a core for up to a second.
pub const PAIRS_IN_THE_MAKING_MAX: usize = 2;

/// How long a call waits for its turn to make a pair of keys.
pub const PAIR_WAIT_MAX: Duration = Duration::from_secs(30);

/// Entries of a page unless said otherwise.
pub const PAGE_DEFAULT: usize = 50;

/// Entries of a page at most, for the lists that say no other number.
pub const PAGE_MAX: usize = 100;

/// Entries of a page of keys or rotations unless said otherwise.
pub const LONG_PAGE_DEFAULT: usize = 100;

/// Entries of a page of keys or rotations at most.
pub const LONG_PAGE_MAX: usize = 1_000;
