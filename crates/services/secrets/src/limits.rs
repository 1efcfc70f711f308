//! Every bound of the service, with its unit and its source. Lengths that the API's model knows are checked before.

use std::time::Duration;

/// Most secrets of an account in a region, replicas among them. Quotas of Secrets Manager.
pub const SECRETS_MAX: u64 = 500_000;

/// Most bytes of a value. Quotas of Secrets Manager.
pub const VALUE_BYTES_MAX: usize = 65_536;

/// Most tags of a secret. API reference of TagResource.
pub const TAGS_MAX: usize = 50;

/// Most staging labels of one version. Quotas of Secrets Manager.
pub const LABELS_OF_A_VERSION_MAX: usize = 20;

/// Versions that a secret keeps; beyond it the oldest ones without labels go. Quotas of Secrets Manager: about 100.
pub const VERSIONS_KEPT: usize = 100;

/// How long a version without labels is kept at least. API reference of PutSecretValue.
pub const VERSION_KEPT_MS: i64 = 24 * 3_600 * 1_000;

/// Most versions of a secret, those among them that are too young to go. Ours: AWS names no number.
pub const VERSIONS_MAX: usize = 1_000;

/// Most replicas of a secret: more than AWS has regions.
pub const REPLICAS_MAX: usize = 50;

/// Days that a deleted secret can be restored: least, most, and unless the caller says otherwise. API reference of
/// DeleteSecret.
pub const RECOVERY_DAYS: std::ops::RangeInclusive<i64> = 7..=30;
/// See [`RECOVERY_DAYS`].
pub const RECOVERY_DAYS_DEFAULT: i64 = 30;

/// Milliseconds of a day.
pub const DAY_MS: i64 = 86_400_000;

/// Most secrets or versions on a page, and how many there are unless the caller says. API reference of ListSecrets.
pub const PAGE_MAX: usize = 100;

/// Most values that one BatchGetSecretValue answers. API reference.
pub const BATCH_MAX: usize = 20;

/// Characters of a random password unless the caller says. API reference of GetRandomPassword.
pub const PASSWORD_LENGTH_DEFAULT: usize = 32;

/// Rows read at a time while all secrets of a region are looked through: about 1 MiB.
pub const SCANNED_ROWS: usize = 1_000;

/// How often a change is prepared anew because the secret changed meanwhile. Ours.
pub const CHANGE_ATTEMPTS_MAX: usize = 8;

/// Runs of a rotation that fails, until its next window. Ours: AWS says "multiple times".
pub const ROTATION_ATTEMPTS_MAX: u32 = 5;

/// Pause after a rotation's first failed run; each further one is twice as long. Ours.
pub const ROTATION_PAUSE: Duration = Duration::from_secs(30);
