//! Who may use a bucket and its objects: its policy, its list of grants, and what is blocked of what they make public.

mod canned;
mod grant;
mod policy_document;
mod public;
mod vocabulary;

use std::sync::Arc;

use platform::{OrFailure, Principal};
use serde::{Deserialize, Serialize};
use wire::Error;

use crate::bucket::Bucket;
use crate::keys;
use crate::rows;
use crate::service::S3;
use crate::version::Version;

pub(crate) use canned::asked_grants;
pub use canned::{AskedGrants, check_canned};
pub use grant::{Grant, LOG_DELIVERY, Permission, listed, of_document};
pub use policy_document::BucketPolicy;
pub use vocabulary::matches;

/// What decides about a bucket's access besides its ownership, in a row of its own.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Access {
    /// The bucket's policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<BucketPolicy>,
    /// What is blocked of public access; `None` once it was deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block: Option<PublicAccessBlock>,
    /// The bucket's grants; `None` if its owner has full control and nobody else any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grants: Option<Vec<Grant>>,
}

/// The four switches against public access.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicAccessBlock {
    /// Grants that make something public are refused.
    pub block_public_acls: bool,
    /// Such grants that are there have no effect.
    pub ignore_public_acls: bool,
    /// Policies that make something public are refused.
    pub block_public_policy: bool,
    /// Under such a policy only the own account and services are let in.
    pub restrict_public_buckets: bool,
}

impl PublicAccessBlock {
    /// What new buckets have (since April 2023).
    pub const ALL: PublicAccessBlock = PublicAccessBlock {
        block_public_acls: true,
        ignore_public_acls: true,
        block_public_policy: true,
        restrict_public_buckets: true,
    };
}

/// Whether an action on an object is for the object's owner to allow, where that is not the bucket's.
pub fn is_of_object_owner(action: &str) -> bool {
    matches!(
        action,
        "s3:GetObject"
            | "s3:GetObjectAcl"
            | "s3:GetObjectAttributes"
            | "s3:GetObjectTagging"
            | "s3:GetObjectVersion"
            | "s3:GetObjectVersionAcl"
            | "s3:GetObjectVersionAttributes"
            | "s3:GetObjectVersionTagging"
            | "s3:PutObjectAcl"
            | "s3:PutObjectVersionAcl"
    )
}

impl Access {
    /// What is blocked.
    pub fn block(&self) -> PublicAccessBlock {
        self.block.unwrap_or_default()
    }

    /// Whether the policy is public and has therefore no effect for this caller.
    pub fn is_restricted(&self, caller: &Principal, bucket: &Bucket) -> bool {
        let is_public = self.policy.as_ref().is_some_and(|policy| policy.is_public);
        let is_own = caller.account() == Some(&bucket.owner) || matches!(caller, Principal::Service { .. });
        is_public && self.block().restrict_public_buckets && !is_own
    }

    /// Whether the grants of the bucket, or of the object, give the caller what the action needs. Grants to an account do
    /// not reach its users, who need their own policies; grants to everybody do.
    pub fn grants_to(
        &self,
        caller: &Principal,
        action: &str,
        bucket: &Bucket,
        version: Option<&Version>,
        owner: &str,
    ) -> bool {
        let Some((permission, of_object)) = grant::permission_for(action) else { return false };
        let ignores_public = self.block().ignore_public_acls;
        let grants = match (of_object, version) {
            (true, Some(version)) => version.grants(),
            (true, None) => return false,
            (false, _) => self.bucket_grants(bucket),
        };
        grants.iter().any(|grant| grant.permission.includes(permission) && grant.reaches(caller, owner, ignores_public))
    }

    /// The bucket's grants.
    pub fn bucket_grants(&self, bucket: &Bucket) -> Vec<Grant> {
        self.grants.clone().unwrap_or_else(|| vec![Grant::full_control(&bucket.owner)])
    }
}

impl BucketPolicy {
    /// What of the policy still holds where it may not allow anything: a policy of its denials.
    pub fn denials(&self, caller: &Principal) -> Option<Arc<str>> {
        self.only_denials.as_deref().map(|text| policy_document::resolved(text, caller.account()))
    }

    /// The policy as it stands for a caller.
    pub fn whole(&self, caller: &Principal) -> Arc<str> {
        policy_document::resolved(&self.text, caller.account())
    }
}

impl S3 {
    /// What decides about a bucket's access.
    ///
    /// # Errors
    /// A failure of the store.
    pub(crate) async fn access(&self, bucket: &str) -> Result<Access, Error> {
        let row = self.platform.store.get(&keys::bucket_partition(bucket), &keys::access()).await.or_failure()?;
        row.map_or_else(|| Ok(Access::default()), |row| rows::decode(&row))
    }

    /// Changes it.
    ///
    /// # Errors
    /// `NoSuchBucket`.
    pub(crate) async fn change_access<F>(&self, bucket: &str, change: F) -> Result<(), Error>
    where
        F: Fn(&mut Access) + Send + Sync + 'static,
    {
        self.on_bucket(bucket, move |_, rows| {
            let mut access: Access = rows::read(rows, &keys::access())?.unwrap_or_default();
            change(&mut access);
            rows::put(rows, &keys::access(), &access)
        })
        .await
    }
}
