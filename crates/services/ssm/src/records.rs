//! What is stored.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::parameter_policies::PolicyRecord;

/// A parameter: its latest version and what all versions share. Times are in milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ParameterRecord {
    /// Its name, as it was first written.
    pub name: String,
    /// The oldest version that is kept.
    pub oldest: u64,
    /// The latest version.
    pub latest: VersionRecord,
    /// Labels, each with its version.
    pub labels: BTreeMap<String, u64>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Resource policies.
    pub resource_policies: Vec<ResourcePolicyRecord>,
}

/// A version of a parameter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VersionRecord {
    /// Counted from 1.
    pub number: u64,
    /// `String`, `StringList` or `SecureString`.
    pub kind: String,
    /// Its value.
    pub value: StoredValue,
    /// `text`, or what the value is checked as.
    pub data_type: String,
    /// `Standard` or `Advanced`.
    pub tier: String,
    /// The key of a secure string, as the caller named it.
    pub key_id: Option<String>,
    /// Its description.
    pub description: Option<String>,
    /// The pattern its value had to match.
    pub allowed_pattern: Option<String>,
    /// Its policies.
    pub policies: Vec<PolicyRecord>,
    /// When it was written.
    pub modified_at: i64,
    /// ARN of who wrote it.
    pub modified_by: String,
}

/// A value at rest.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum StoredValue {
    /// As it was given: no secure string.
    Plain(String),
    /// Base64 of what KMS encrypted.
    Encrypted(String),
    /// Base64 of an envelope: what KMS itself does not encrypt, for it is too long.
    Enveloped(String),
}

/// A resource policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourcePolicyRecord {
    /// Its id.
    pub id: String,
    /// Tells its states apart.
    pub hash: String,
    /// The document, as it was given.
    pub document: String,
}

impl ParameterRecord {
    /// The labels of a version, in order.
    pub fn labels_of(&self, version: u64) -> Vec<String> {
        self.labels.iter().filter(|(_, owner)| **owner == version).map(|(label, _)| label.clone()).collect()
    }
}

/// Also what is no secure string may be nobody's business.
impl fmt::Debug for StoredValue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("StoredValue(…)")
    }
}
