//! Every bound of the service, with its unit and its source: the quotas in the SNS developer guide unless said otherwise.

use std::time::Duration;

/// Longest message with its attributes, in bytes.
pub const MESSAGE_BYTES_MAX: usize = 262_144;

/// Longest short message to a number, in characters.
pub const TEXT_MESSAGE_CHARACTERS_MAX: usize = 1_600;

/// Longest name of a sender of short messages, in characters.
pub const SENDER_CHARACTERS_MAX: usize = 11;

/// Longest subject, in characters.
pub const SUBJECT_CHARACTERS_MAX: usize = 100;

/// Most entries of a batch.
pub const BATCH_ENTRIES_MAX: usize = 10;

/// Longest name of a topic, in characters.
pub const NAME_CHARACTERS_MAX: usize = 256;

/// Longest display name, in characters.
pub const DISPLAY_NAME_CHARACTERS_MAX: usize = 100;

/// Names on a page of a list.
pub const PAGE: usize = 100;

/// Most tags of a topic.
pub const TAGS_MAX: usize = 50;

/// Most combinations of values of a filter policy.
pub const FILTER_COMBINATIONS_MAX: u64 = 150;

/// Most keys of a filter policy.
pub const FILTER_KEYS_MAX: usize = 5;

/// Longest filter policy, in bytes.
pub const FILTER_BYTES_MAX: usize = 262_144;

/// Longest group and deduplication id, in characters.
pub const FIFO_ID_CHARACTERS_MAX: usize = 128;

/// For how long a deduplication id is remembered, in milliseconds: 5 minutes.
pub const DEDUPLICATION_MILLISECONDS: i64 = 300_000;

/// Rows of remembered ids that one call removes when their time is over.
pub const FORGOTTEN_AT_ONCE: usize = 25;

/// How long a token confirms a subscription, in milliseconds: two days.
pub const TOKEN_MILLISECONDS: i64 = 172_800_000;

/// Messages being handed to their subscribers at once. Each may hold its 256 KiB.
pub const MESSAGES_AT_ONCE: usize = 128;

/// Messages read from the store at a time.
pub const MESSAGES_PAGE: usize = 32;

/// Subscriptions read at a time.
pub const SUBSCRIPTIONS_PAGE: usize = 100;

/// Subscribers to which one message is handed at once.
pub const SUBSCRIBERS_AT_ONCE: usize = 16;

/// How long an HTTP endpoint may take to answer.
pub const HTTP_TIME: Duration = Duration::from_secs(15);

/// Mails and short messages kept in the outbox of an account in a region; older ones go first. Our own bound.
pub const OUTBOX_MAX: usize = 1_000;

/// Most bytes of the data that an application keeps with a device.
pub const USER_DATA_BYTES_MAX: usize = 2_048;

/// Rows of devices that one transaction removes with their application. Our own bound.
pub const DEVICES_AT_ONCE: usize = 500;

/// Longest policy of a topic, in bytes.
pub const POLICY_BYTES_MAX: usize = 30_720;

/// Longest data protection policy, in bytes.
pub const DATA_PROTECTION_BYTES_MAX: usize = 30_720;
