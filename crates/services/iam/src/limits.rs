//! Every bound of the service, with its unit and its source: "IAM and AWS STS quotas" of the IAM user guide and, where
//! it says the same, the answer of `GetAccountSummary` for an account nobody has asked more for.

use std::time::Duration;

/// Most users of an account.
pub const USERS_MAX: u32 = 5_000;

/// Most groups of an account.
pub const GROUPS_MAX: u32 = 300;

/// Most roles of an account; service-linked roles are not counted.
pub const ROLES_MAX: u32 = 1_000;

/// Most customer managed policies of an account.
pub const POLICIES_MAX: u32 = 1_500;

/// Most instance profiles of an account.
pub const INSTANCE_PROFILES_MAX: u32 = 1_000;

/// Most OIDC providers of an account.
pub const OIDC_PROVIDERS_MAX: u32 = 100;

/// Most SAML providers of an account.
pub const SAML_PROVIDERS_MAX: u32 = 100;

/// Most virtual MFA devices of an account: one for each user and the root. AWS names the quota of users for it.
pub const MFA_DEVICES_MAX: u32 = USERS_MAX + 1;

/// Most versions of one managed policy.
pub const POLICY_VERSIONS_MAX: usize = 5;

/// Most versions of all managed policies of an account.
pub const POLICY_VERSIONS_IN_USE_MAX: u32 = 10_000;

/// Largest managed policy, in characters that are not white space.
pub const MANAGED_POLICY_CHARACTERS_MAX: usize = 6_144;

/// Largest trust policy, in characters that are not white space.
pub const TRUST_POLICY_CHARACTERS_MAX: usize = 2_048;

/// Largest sum of a user's inline policies, in characters that are not white space.
pub const USER_POLICY_CHARACTERS_MAX: usize = 2_048;

/// Largest sum of a group's inline policies, in characters that are not white space.
pub const GROUP_POLICY_CHARACTERS_MAX: usize = 5_120;

/// Largest sum of a role's inline policies, in characters that are not white space.
pub const ROLE_POLICY_CHARACTERS_MAX: usize = 10_240;

/// Most managed policies attached to one user, group or role.
pub const ATTACHED_POLICIES_MAX: usize = 10;

/// Most groups a user is in.
pub const GROUPS_PER_USER_MAX: usize = 10;

/// Most access keys of a user, or of the root.
pub const ACCESS_KEYS_MAX: usize = 2;

/// Most MFA devices of a user, or of the root.
pub const MFA_DEVICES_PER_USER_MAX: usize = 8;

/// Most roles in an instance profile.
pub const ROLES_PER_INSTANCE_PROFILE_MAX: usize = 1;

/// Most tags of a resource.
pub const TAGS_MAX: usize = 50;

/// Most client ids of an OIDC provider.
pub const CLIENT_IDS_MAX: usize = 100;

/// Most thumbprints of an OIDC provider.
pub const THUMBPRINTS_MAX: usize = 5;

/// Most private keys of a SAML provider.
pub const SAML_PRIVATE_KEYS_MAX: usize = 2;

/// Largest metadata document of a SAML provider, in bytes: what the model allows in characters, and what fits into one
/// transaction of the store.
pub const SAML_METADATA_BYTES_MAX: usize = 10_000_000;

/// Bytes of a metadata document kept in one row: the store takes 4 MiB, in JSON at most twice as long as the text.
pub const SAML_CHUNK_BYTES: usize = 1_000_000;

/// Items on a page if the caller names no number. API reference of every list operation: 100.
pub const PAGE_ITEMS_DEFAULT: usize = 100;

/// Rows read by one scan of a listing. The largest rows are roles with a trust policy padded with white space to 131,072
/// characters, of which one scan of the store may return 64 MiB.
pub const SCANNED_ROWS: usize = 128;

/// Life of a role's sessions if its creator names none, in seconds. API reference of CreateRole.
pub const SESSION_SECONDS_DEFAULT: i32 = 3_600;

/// How long a credential report is handed out. User guide, "Get credential reports": every four hours.
pub const REPORT_LIFE_SECONDS: i64 = 4 * 60 * 60;

/// Compiled policies kept in memory, of about 10 KiB each.
pub const COMPILED_POLICIES_MAX: usize = 2_048;

/// Users and roles whose permissions are kept in memory.
pub const CACHED_IDENTITIES_MAX: usize = 4_096;

/// Access keys kept in memory.
pub const CACHED_KEYS_MAX: usize = 4_096;

/// Uses of keys and roles kept in memory until they are written; past it, the oldest are forgotten.
pub const PENDING_USES_MAX: usize = 4_096;

/// How often uses of keys and roles are written. AWS's figures lag behind by minutes to hours.
pub const USES_WRITTEN_EVERY: Duration = Duration::from_secs(60);

/// Uses written in one transaction.
pub const USES_PER_TRANSACTION: usize = 512;

/// Rounds of PBKDF2-HMAC-SHA256 over a password. OWASP's password storage cheat sheet.
pub const PASSWORD_ROUNDS: u32 = 600_000;

/// Earlier passwords that are remembered, so that they are not used again: the most a password policy can ask for.
pub const PASSWORDS_REMEMBERED_MAX: usize = 24;
