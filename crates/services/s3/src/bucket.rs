//! A bucket at rest.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use wire::Error;

use crate::encryption::DefaultEncryption;
use crate::lock::BucketLock;
use crate::notification::Notifications;
use crate::replication::Replication;

/// A bucket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bucket {
    /// Tells it from other buckets that had the name before.
    pub id: String,
    /// Account that owns it.
    pub owner: String,
    /// Its region.
    pub region: String,
    /// When it was made, in milliseconds since 1970.
    pub created: i64,
    /// Whether it keeps versions.
    pub versioning: Versioning,
    /// Who owns objects: `BucketOwnerEnforced`, `BucketOwnerPreferred` or `ObjectWriter`; `None` once it was deleted.
    pub ownership: Option<String>,
    /// What it does with objects whose request says nothing about encryption; `None` is S3's own default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption: Option<DefaultEncryption>,
    /// Whom it tells of what happens to its objects.
    #[serde(default)]
    pub notifications: Notifications,
    /// What it copies to other buckets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replication: Option<Replication>,
    /// Its tags.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Whether it locks objects; once it does it always does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock: Option<BucketLock>,
    /// Whether policies may go by its tags.
    #[serde(default)]
    pub has_abac: bool,
    /// Whether somebody ever said that deletions need no second factor.
    #[serde(default)]
    pub says_no_mfa: bool,
    /// Whether requests are paid for by whoever makes them.
    #[serde(default)]
    pub requester_pays: bool,
    /// Whether transfers are accelerated; `None` if they never were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_accelerated: Option<bool>,
    /// Whether its lifecycle rules leave small objects in their class; `None` if it has no rules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifecycle_keeps_small: Option<bool>,
    /// Whether requests are logged.
    #[serde(default)]
    pub is_logged: bool,
}

impl Bucket {
    /// Whether there are grants besides the owner's.
    pub fn takes_grants(&self) -> bool {
        self.ownership.as_deref() != Some("BucketOwnerEnforced")
    }

    /// Whether it belongs to the account that the caller expects.
    ///
    /// # Errors
    /// `AccessDenied`.
    pub fn check_owner(&self, expected: Option<&str>) -> Result<(), Error> {
        match expected {
            Some(expected) if expected != self.owner => Err(api::s3::errors::access_denied("Access Denied")),
            _ => Ok(()),
        }
    }
}

/// Whether a bucket keeps versions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Versioning {
    /// It never did.
    #[default]
    Never,
    /// It does.
    Enabled,
    /// It did.
    Suspended,
}

/// The id by which S3 knows an account: 64 hexadecimal digits.
pub fn canonical_id(account: &str) -> String {
    blob::Digest::of(format!("canonical user of {account}").as_bytes()).to_string()
}
