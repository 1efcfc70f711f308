//! What is stored. Nothing here holds a value in the clear.

use api::secretsmanager::enums::status_type;
use api::secretsmanager::{ReplicationStatusType, Tag};
use serde::{Deserialize, Serialize};
use wire::Timestamp;

use crate::rotation::RotationRecord;
use crate::stages::Labels;

/// A secret. Times are in milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SecretRecord {
    /// With its suffix.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// Its description; never empty.
    pub description: Option<String>,
    /// The key as the caller named it; `None` for AWS's own.
    pub kms_key_id: Option<String>,
    /// When it was made.
    pub created_at: i64,
    /// When it was last changed in any way.
    pub changed_at: i64,
    /// The midnight before its value was last read.
    pub accessed_at: Option<i64>,
    /// Whether and when it goes.
    pub deletion: Option<Deletion>,
    /// `None` if it never had any.
    pub tags: Option<Vec<(String, String)>>,
    /// Its staging labels.
    pub labels: Labels,
    /// Its resource policy, as it was given.
    pub policy: Option<String>,
    /// How it is rotated; `None` if it never was set up.
    pub rotation: Option<RotationRecord>,
    /// Where the primary is; `None` if there are no replicas.
    pub primary_region: Option<String>,
    /// The replicas of a primary.
    pub replicas: Vec<ReplicaRecord>,
}

/// A deletion that can still be taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deletion {
    /// When it was asked for.
    pub asked_at: i64,
    /// When the secret goes.
    pub due_at: i64,
}

/// A replica, as its primary knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplicaRecord {
    /// Where it is.
    pub region: String,
    /// The key there; `None` for AWS's own.
    pub kms_key_id: Option<String>,
    /// Why it is not in step; `None` if it is.
    pub failure: Option<String>,
}

/// A version of a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionRecord {
    /// When it was made.
    pub created_at: i64,
    /// The key its value is encrypted under; `None` for AWS's own.
    pub kms_key_id: Option<String>,
    /// The midnight before its value was last read.
    pub accessed_at: Option<i64>,
    /// A version that a rotation is about to fill has none yet.
    pub has_value: bool,
}

/// An encrypted value: base64 of the envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValueRecord {
    /// See [`platform::envelope`].
    pub envelope: String,
}

/// One of the places where a secret's values are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The region.
    pub region: String,
    /// The secret's ARN there.
    pub arn: String,
    /// The key there; `None` for AWS's own.
    pub kms_key_id: Option<String>,
}

impl SecretRecord {
    /// Whether this is a replica of a secret in another region.
    pub fn is_replica(&self, region: &str) -> bool {
        self.primary_region.as_deref().is_some_and(|primary| primary != region)
    }

    /// Where its values are kept: here, then with every replica that is in step.
    pub fn places(&self, region: &str) -> Vec<Place> {
        let own = Place { region: region.to_owned(), arn: self.arn.clone(), kms_key_id: self.kms_key_id.clone() };
        let replicas = self.replicas.iter().filter(|replica| replica.failure.is_none());
        std::iter::once(own).chain(replicas.map(|replica| replica.place(&self.arn))).collect()
    }

    /// The replicas as answers tell them; `None` without any.
    pub fn replication_status(&self) -> Option<Vec<ReplicationStatusType>> {
        let statuses: Vec<_> = self.replicas.iter().map(ReplicaRecord::status).collect();
        (!statuses.is_empty()).then_some(statuses)
    }

    /// The tags as answers tell them.
    pub fn tag_list(&self) -> Option<Vec<Tag>> {
        let tag = |(key, value): &(String, String)| Tag { key: Some(key.clone()), value: Some(value.clone()) };
        self.tags.as_ref().map(|tags| tags.iter().map(tag).collect())
    }
}

impl ReplicaRecord {
    /// Where a replica of the secret with this ARN is.
    pub fn place(&self, primary_arn: &str) -> Place {
        Place {
            region: self.region.clone(),
            arn: crate::names::replica_arn(primary_arn, &self.region),
            kms_key_id: self.kms_key_id.clone(),
        }
    }

    fn status(&self) -> ReplicationStatusType {
        let status = if self.failure.is_none() { status_type::IN_SYNC } else { status_type::FAILED };
        ReplicationStatusType {
            region: Some(self.region.clone()),
            kms_key_id: self.kms_key_id.clone(),
            status: Some(status.to_owned()),
            status_message: self.failure.clone(),
            last_accessed_date: None,
        }
    }
}

/// A time as answers tell it.
pub fn time(milliseconds: i64) -> Timestamp {
    Timestamp::from_milliseconds(milliseconds)
}

/// The midnight before a time: AWS tells when a secret was last read to the day only.
pub fn day_of(milliseconds: i64) -> i64 {
    milliseconds - milliseconds.rem_euclid(crate::limits::DAY_MS)
}
