//! What the rows hold.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::names;
use crate::tags::Tags;

/// Users, groups and roles: what policies are put on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// A user.
    User = 1,
    /// A group.
    Group = 2,
    /// A role.
    Role = 3,
}

impl Kind {
    /// As ARNs and most texts say it.
    pub fn word(self) -> &'static str {
        match self {
            Kind::User => "user",
            Kind::Group => "group",
            Kind::Role => "role",
        }
    }

    /// As it begins a sentence.
    pub fn title(self) -> &'static str {
        match self {
            Kind::User => "User",
            Kind::Group => "Group",
            Kind::Role => "Role",
        }
    }

    /// What its unique ids begin with. User guide, "IAM identifiers".
    pub fn id_prefix(self) -> &'static str {
        match self {
            Kind::User => "AIDA",
            Kind::Group => "AGPA",
            Kind::Role => "AROA",
        }
    }

    /// The parameter that holds its name.
    pub fn name_parameter(self) -> &'static str {
        match self {
            Kind::User => "userName",
            Kind::Group => "groupName",
            Kind::Role => "roleName",
        }
    }
}

/// A user, group or role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity<P> {
    /// As it was given.
    pub name: String,
    /// `/`, or `/…/`.
    pub path: String,
    /// Unique id, never given twice.
    pub id: String,
    /// Seconds since 1970.
    pub created: i64,
    /// Inline policies and how long they are, in characters that are not white space.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub inline: BTreeMap<String, usize>,
    /// ARNs of managed policies.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub attached: BTreeSet<String>,
    /// ARN of the permissions boundary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boundary: Option<String>,
    /// Tags; groups have none.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
    /// What only this kind has.
    pub part: P,
}

impl<P: Part> Identity<P> {
    /// Its ARN.
    pub fn arn(&self, account: &str) -> String {
        names::arn(account, P::KIND.word(), &self.path, &self.name)
    }
}

/// What only one kind of identity has.
pub trait Part: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {
    /// Which kind.
    const KIND: Kind;
}

/// A user.
pub type User = Identity<UserPart>;

/// A group.
pub type Group = Identity<GroupPart>;

/// A role.
pub type Role = Identity<RolePart>;

/// What only users have.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserPart {
    /// Unique ids of the groups it is in.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub groups: BTreeSet<String>,
    /// Ids of its access keys, in the order in which they were made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub access_keys: Vec<String>,
    /// Its password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<Login>,
    /// Serial numbers of its MFA devices.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub mfa_devices: BTreeSet<String>,
}

/// What only groups have: their members are rows of their own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupPart {}

/// What only roles have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RolePart {
    /// The trust policy as it was given.
    pub trust: String,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Longest life of its sessions.
    pub session_seconds_max: i32,
    /// The service that made it for itself, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linked_service: Option<String>,
}

impl Part for UserPart {
    const KIND: Kind = Kind::User;
}

impl Part for GroupPart {
    const KIND: Kind = Kind::Group;
}

impl Part for RolePart {
    const KIND: Kind = Kind::Role;
}

/// A user's password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    /// When the login profile was made, in seconds since 1970.
    pub created: i64,
    /// When the password was last set, in seconds since 1970.
    pub changed: i64,
    /// Whether the user has to set another one first.
    pub reset_required: bool,
    /// The password, then earlier ones, latest first.
    pub hashes: Vec<PasswordHash>,
}

/// What is left of a password: PBKDF2-HMAC-SHA256.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordHash {
    /// Rounds.
    pub rounds: u32,
    /// Base 64.
    pub salt: String,
    /// Base 64.
    pub hash: String,
}

/// Who an access key belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyOwner {
    /// The account's root.
    Root,
    /// The user of that unique id.
    User(String),
}

/// A long-term access key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessKey {
    /// 12 digits.
    pub account: String,
    /// Whose it is.
    pub owner: KeyOwner,
    /// Whether it may be used.
    pub active: bool,
    /// Seconds since 1970.
    pub created: i64,
    /// The secret, sealed under the installation's key; base 64.
    pub sealed_secret: String,
}

/// When something was last used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Use {
    /// Seconds since 1970.
    pub at: i64,
    /// The service, as it signs: `s3`.
    pub service: String,
    /// The region.
    pub region: String,
}

/// A customer managed policy; its documents are rows of their own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManagedPolicy {
    /// As it was given.
    pub name: String,
    /// `/`, or `/…/`.
    pub path: String,
    /// `ANPA…`
    pub id: String,
    /// Seconds since 1970.
    pub created: i64,
    /// When a version was last made, removed or made the default, in seconds since 1970.
    pub updated: i64,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The version in force.
    pub default_version: u32,
    /// Versions there are, and when they were made, in seconds since 1970.
    pub versions: BTreeMap<u32, i64>,
    /// Number of the next version: none is given twice.
    pub next_version: u32,
    /// Tags.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
}

impl ManagedPolicy {
    /// Its ARN.
    pub fn arn(&self, account: &str) -> String {
        names::arn(account, "policy", &self.path, &self.name)
    }
}

/// How a managed policy is used in an account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyUse {
    /// Users, groups and roles it is attached to.
    pub attachments: u32,
    /// Users and roles it bounds.
    pub boundaries: u32,
}

/// An instance profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceProfile {
    /// As it was given.
    pub name: String,
    /// `/`, or `/…/`.
    pub path: String,
    /// `AIPA…`
    pub id: String,
    /// Seconds since 1970.
    pub created: i64,
    /// Names of its roles.
    pub roles: Vec<String>,
    /// Tags.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
}

/// A virtual MFA device.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MfaDevice {
    /// Its ARN.
    pub serial_number: String,
    /// The seed of its codes, sealed under the installation's key; base 64.
    pub sealed_seed: String,
    /// Who uses it, and since when (seconds since 1970).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<(KeyOwner, i64)>,
    /// Number of the last time step whose code was taken: none is taken twice.
    pub last_step: u64,
    /// Tags.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
}

/// An OIDC provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OidcProvider {
    /// Host and path, without the scheme.
    pub url: String,
    /// Audiences.
    pub client_ids: Vec<String>,
    /// Thumbprints of certificates, 40 hexadecimal digits each.
    pub thumbprints: Vec<String>,
    /// Seconds since 1970.
    pub created: i64,
    /// Tags.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
}

/// A SAML provider; its metadata document is in rows of its own.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SamlProvider {
    /// As it was given.
    pub name: String,
    /// Unique id.
    pub id: String,
    /// Seconds since 1970.
    pub created: i64,
    /// When the metadata end, in seconds since 1970.
    pub valid_until: i64,
    /// `Required` or `Allowed`.
    pub encryption_mode: String,
    /// Keys that decrypt assertions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub private_keys: Vec<SamlPrivateKey>,
    /// Tags.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub tags: Tags,
}

/// A key that decrypts assertions.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SamlPrivateKey {
    /// Its id.
    pub id: String,
    /// When it was given, in seconds since 1970.
    pub created: i64,
    /// The key in PEM, sealed under the installation's key; base 64.
    pub sealed_key: String,
}

/// The account as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// When the first row was written, in seconds since 1970.
    pub created: i64,
    /// Its alias.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// Ids of the root's access keys.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub root_access_keys: Vec<String>,
    /// Serial numbers of the root's MFA devices.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub root_mfa_devices: BTreeSet<String>,
    /// Version of the tokens that the global endpoint of STS hands out: 1 or 2.
    pub token_version: i32,
    /// How many of everything.
    #[serde(default)]
    pub counts: Counts,
}

/// How many of everything an account has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Users.
    pub users: u32,
    /// Groups.
    pub groups: u32,
    /// Roles that users made.
    pub roles: u32,
    /// Roles that services made for themselves.
    pub linked_roles: u32,
    /// Customer managed policies.
    pub policies: u32,
    /// Their versions.
    pub policy_versions: u32,
    /// Instance profiles.
    pub instance_profiles: u32,
    /// Virtual MFA devices.
    pub mfa_devices: u32,
    /// MFA devices in use.
    pub mfa_devices_in_use: u32,
    /// OIDC providers.
    pub oidc_providers: u32,
    /// SAML providers.
    pub saml_providers: u32,
}

/// An account's password policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordPolicy {
    /// Characters.
    pub length_min: i32,
    /// At least one of ``! @ # $ % ^ & * ( ) _ + - = [ ] { } | '``.
    pub symbols: bool,
    /// At least one digit.
    pub numbers: bool,
    /// At least one upper-case letter.
    pub uppercase: bool,
    /// At least one lower-case letter.
    pub lowercase: bool,
    /// Whether users may set their own.
    pub users_may_change: bool,
    /// Days after which a password has to be set anew.
    pub age_days_max: Option<i32>,
    /// Number of earlier passwords that may not be used again.
    pub reuse_prevented: Option<i32>,
    /// Whether an expired password can be set anew by an administrator alone.
    pub hard_expiry: Option<bool>,
}

/// A credential report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Seconds since 1970.
    pub generated: i64,
}

/// How the deletion of a service-linked role went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deletion {
    /// As it was handed out.
    pub task_id: String,
}
