//! What is stored.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::spec::{KeySpec, KeyUsage};

/// A key, without its material.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRecord {
    /// UUID, or `mrk-` and 32 hexadecimal digits.
    pub id: String,
    /// Whose it is: 12 digits.
    pub account: String,
    /// Where it is.
    pub region: String,
    /// When it was made, in milliseconds since 1970.
    pub created_at: i64,
    /// The user's words.
    pub description: String,
    /// What it consists of.
    pub spec: KeySpec,
    /// What it is for.
    pub usage: KeyUsage,
    /// Where its material comes from.
    pub origin: Origin,
    /// Who manages it.
    pub manager: Manager,
    /// Whether it can be used.
    pub state: KeyState,
    /// Its key policy, as it is shown.
    pub policy: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Whether it is a multi-Region key; where it is says [`MultiRegionRecord`].
    pub is_multi_region: bool,
    /// The public key of a pair: DER of `SubjectPublicKeyInfo` in base 64.
    pub public_key: Option<String>,
    /// The material in use; `None` until some is imported.
    pub current: Option<CurrentMaterial>,
    /// The number of the next generation of material.
    pub next_generation: u32,
    /// Automatic rotation; `None` when it is off.
    pub rotation: Option<Rotation>,
    /// Rotations on demand so far.
    pub on_demand_rotations: u32,
    /// Grants on it now.
    pub grants: u64,
}

impl KeyRecord {
    /// Its ARN.
    pub fn arn(&self) -> String {
        format!("arn:aws:kms:{}:{}:key/{}", self.region, self.account, self.id)
    }

    /// Whether it is a symmetric key: only those have numbered generations of material that clients see.
    pub fn is_symmetric(&self) -> bool {
        self.spec == KeySpec::Symmetric
    }

    /// The id of the material in use, where clients see it.
    pub fn shown_material_id(&self) -> Option<String> {
        self.current.as_ref().filter(|_| self.is_symmetric()).map(|current| current.id.clone())
    }
}

/// The material in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CurrentMaterial {
    /// Its number.
    pub generation: u32,
    /// Its id: 64 hexadecimal digits.
    pub id: String,
    /// When it expires, in milliseconds since 1970; only imported material does.
    pub expires_at: Option<i64>,
}

/// Where key material comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// Made here.
    #[serde(rename = "AWS_KMS")]
    AwsKms,
    /// Imported.
    #[serde(rename = "EXTERNAL")]
    External,
}

/// Who manages a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Manager {
    /// A service, on the account's behalf.
    #[serde(rename = "AWS")]
    Aws,
    /// The account.
    #[serde(rename = "CUSTOMER")]
    Customer,
}

/// Whether a key can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyState {
    /// It can.
    Enabled,
    /// It cannot, until it is enabled.
    Disabled,
    /// It cannot, until material is imported.
    PendingImport,
    /// It is going to be deleted.
    PendingDeletion {
        /// When, in milliseconds since 1970.
        at: i64,
    },
    /// A primary key that is going to be deleted once its replicas are.
    PendingReplicaDeletion {
        /// How long after them, in days.
        window_days: i32,
    },
}

/// Automatic rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rotation {
    /// Days between two.
    pub period_days: i32,
    /// When the next one is due, in milliseconds since 1970.
    pub next_at: i64,
}

/// One generation of a key's material.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaterialRecord {
    /// 64 hexadecimal digits. That of imported material follows from it, so that only the same can be imported again.
    pub id: String,
    /// The secret bytes, sealed under the installation's key, in base 64; `None` when imported material has expired or
    /// was deleted.
    pub sealed: Option<String>,
    /// Where it stands among the generations.
    pub stage: Stage,
    /// How it came into use; `None` for a key's first.
    pub rotated: Option<Rotated>,
    /// Of imported material: when it expires, in milliseconds since 1970.
    pub expires_at: Option<i64>,
    /// Of imported material: the user's words.
    pub description: Option<String>,
}

/// Where a generation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// Imported, and in use after the next rotation.
    PendingRotation,
    /// Encrypts and decrypts.
    Current,
    /// Only decrypts.
    Former,
}

/// How a generation came into use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rotated {
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// Whether somebody asked for it.
    pub on_demand: bool,
}

/// Where a multi-Region key is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MultiRegionRecord {
    /// The region of the primary key.
    pub primary: String,
    /// The regions of the replicas.
    pub replicas: BTreeSet<String>,
}

impl MultiRegionRecord {
    /// All regions, the primary's first.
    pub fn regions(&self) -> impl Iterator<Item = &String> {
        std::iter::once(&self.primary).chain(&self.replicas)
    }
}

/// An alias.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AliasRecord {
    /// `alias/…`.
    pub name: String,
    /// The id of its key.
    pub key: String,
    /// When it was made, in milliseconds since 1970.
    pub created_at: i64,
    /// When it was last turned to another key, in milliseconds since 1970.
    pub updated_at: i64,
}

/// A grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantRecord {
    /// 64 hexadecimal digits.
    pub id: String,
    /// The key's id.
    pub key: String,
    /// What the user calls it.
    pub name: Option<String>,
    /// When it was made, in milliseconds since 1970.
    pub created_at: i64,
    /// ARN of who may use the key.
    pub grantee: Option<String>,
    /// The service that may use it (`s3.amazonaws.com`).
    pub grantee_service: Option<String>,
    /// ARN of who may retire the grant.
    pub retirer: Option<String>,
    /// The service that may retire it.
    pub retirer_service: Option<String>,
    /// The account that made it: 12 digits.
    pub issuer: String,
    /// What is granted, as the API spells it.
    pub operations: BTreeSet<String>,
    /// When it holds.
    pub constraints: Constraints,
}

/// When a grant holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Constraints {
    /// The encryption context has at least these pairs.
    pub subset: Option<BTreeMap<String, String>>,
    /// The encryption context has exactly these pairs.
    pub equals: Option<BTreeMap<String, String>>,
    /// ARN of the resource for which a service acts.
    pub source_arn: Option<String>,
}

/// How many customer keys a region holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// Keys.
    pub keys: u64,
}
