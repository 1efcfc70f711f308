//! What a bucket copies to others: its replication configuration at rest, and what of it holds for an object.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::envelope::Encryption;
use crate::version::Version;

/// The replication configuration of a bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replication {
    /// ARN of the role that does it.
    pub role: String,
    /// Whether the role exists: in open mode the root may name one that was never created.
    pub has_role: bool,
    /// Its rules.
    pub rules: Vec<Rule>,
}

/// What is copied where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Its id.
    pub id: String,
    /// Of two rules with one destination, the one with the higher priority counts.
    pub priority: Option<i32>,
    /// Whether it is in force.
    pub is_enabled: bool,
    /// Which objects it is for.
    pub filter: Filter,
    /// Where copies go.
    pub destination: Destination,
    /// What the rule says of delete markers: `Enabled`, `Disabled`.
    pub delete_markers: Option<String>,
    /// What it says of objects under keys of KMS.
    pub kms_objects: Option<String>,
    /// What it says of changes made to copies.
    pub replica_modifications: Option<String>,
    /// What it says of objects that were there before it.
    pub existing_objects: Option<String>,
}

/// Which objects a rule is for. The forms are told apart so that they are answered as they were given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Filter {
    /// All, or in the older form of rules those with a prefix.
    Old(Option<String>),
    /// All objects, in the newer form.
    All,
    /// Those with a prefix.
    Prefix(String),
    /// Those with a tag.
    Tag(String, String),
    /// Those with a prefix and tags.
    And(Option<String>, BTreeMap<String, String>),
}

/// Where copies go, and what becomes of them there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destination {
    /// ARN of the bucket.
    pub bucket: String,
    /// The account that owns it.
    pub account: Option<String>,
    /// The storage class of the copies, if it is another one.
    pub storage_class: Option<String>,
    /// Who is to own the copies (`Destination`), if not the owner of the original.
    pub owner: Option<String>,
    /// The key of KMS for the copies of objects under such keys.
    pub kms_key: Option<String>,
    /// Status and minutes of the replication's time control.
    pub time: Option<(String, Option<i32>)>,
    /// Status and minutes of its metrics.
    pub metrics: Option<(String, Option<i32>)>,
}

impl Destination {
    /// The bucket's name.
    pub fn name(&self) -> &str {
        self.bucket.rsplit(':').next().unwrap_or_default()
    }
}

/// The state of an object with regard to replication, as `x-amz-replication-status` has it.
pub mod status {
    /// It is to be copied.
    pub const PENDING: &str = "PENDING";
    /// It was copied.
    pub const COMPLETED: &str = "COMPLETED";
    /// It could not be copied.
    pub const FAILED: &str = "FAILED";
    /// It is a copy.
    pub const REPLICA: &str = "REPLICA";
}

impl Replication {
    /// The rules by which a version is copied: one for each destination.
    pub fn rules_for(&self, key: &str, version: &Version) -> Vec<&Rule> {
        let mut chosen: BTreeMap<&str, &Rule> = BTreeMap::new();
        for rule in self.rules.iter().filter(|rule| rule.is_for(key, version)) {
            let other = chosen.get(rule.destination.bucket.as_str());
            if other.is_none_or(|other| other.priority < rule.priority) {
                chosen.insert(&rule.destination.bucket, rule);
            }
        }
        chosen.into_values().collect()
    }
}

impl Rule {
    fn is_for(&self, key: &str, version: &Version) -> bool {
        let has_all =
            |tags: &BTreeMap<String, String>| tags.iter().all(|(key, value)| version.tags.get(key) == Some(value));
        let is_chosen = match &self.filter {
            Filter::All | Filter::Old(None) => true,
            Filter::Old(Some(prefix)) | Filter::Prefix(prefix) => key.starts_with(prefix),
            Filter::Tag(name, value) => version.tags.get(name) == Some(value),
            Filter::And(prefix, tags) => key.starts_with(prefix.as_deref().unwrap_or_default()) && has_all(tags),
        };
        let takes_markers = match &self.delete_markers {
            // Rules of the older form copy markers, too.
            None => matches!(self.filter, Filter::Old(_)),
            Some(said) => said == "Enabled",
        };
        let takes_kms = self.kms_objects.as_deref() == Some("Enabled");
        self.is_enabled
            && is_chosen
            && (!version.is_marker || takes_markers)
            && (!matches!(version.encryption, Encryption::Kms(_)) || takes_kms)
    }
}
