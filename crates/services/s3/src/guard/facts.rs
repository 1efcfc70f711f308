//! What is known of a bucket or an object: who owns it, what its policy and its lists of grants say, its tags.

use api::s3::errors as s3_errors;
use platform::{Ctx, Facts, Need, Principal};
use wire::Error;

use super::PREFIX;
use super::context::REQUEST_PAYER;
use super::found::{Found, FoundObject};
use crate::access::{self, Access};
use crate::bucket::Bucket;
use crate::errors;
use crate::service::S3;
use crate::version::Version;
use crate::versions;

/// What the bucket's policy can withhold from the root of the account that owns it only if that was confirmed (API
/// reference, `PutBucketPolicy`): otherwise a policy could lock everybody out by mistake.
const ROOT_KEEPS: [&str; 3] = ["s3:DeleteBucketPolicy", "s3:GetBucketPolicy", "s3:PutBucketPolicy"];

/// The facts of a need's resource.
///
/// # Errors
/// `NoSuchBucket`: whether a bucket exists is no secret.
pub async fn of(service: &S3, cx: &Ctx, need: &Need) -> Result<Facts, Error> {
    let Some(path) = need.resource.strip_prefix(PREFIX).filter(|_| cx.operation.name != "CreateBucket") else {
        return Ok(Facts::default());
    };
    let (name, key) = path.split_once('/').map_or((path, None), |(name, key)| (name, Some(key)));
    let bucket = service.find_bucket(name).await?.ok_or_else(|| errors::no_bucket(name))?;
    if bucket.requester_pays && !pays(cx, need, &bucket) {
        return Err(s3_errors::access_denied("Access Denied"));
    }
    let access = service.access(name).await?;
    let object = match key.filter(|_| is_of_existing_object(need.action)) {
        Some(key) => {
            let id = need.context.iter().find(|(name, _)| name == "s3:VersionId");
            let id = id.and_then(|(_, values)| values.first()).cloned();
            // Whether the version exists is for the operation to say.
            let version = versions::find(service, name, key, id.as_deref()).await.ok().flatten();
            version.map(|version| FoundObject { key: key.to_owned(), id, version })
        }
        None => None,
    };
    let facts = facts(cx, need, &bucket, &access, object.as_ref().map(|object| &object.version));
    cx.keep(Found { name: name.to_owned(), bucket, object });
    Ok(facts)
}

/// Whether what is decided about an action depends on the object that is there: on its tags, or on its owner's grants
/// (Service Authorization Reference, actions with `s3:ExistingObjectTag`).
fn is_of_existing_object(action: &str) -> bool {
    access::is_of_object_owner(action)
        || matches!(
            action,
            "s3:DeleteObjectTagging"
                | "s3:DeleteObjectVersionTagging"
                | "s3:PutObjectTagging"
                | "s3:PutObjectVersionTagging"
        )
}

/// Whether the caller may be charged for its request, or has nothing to pay: the bucket's account never has, and nobody
/// can be charged without credentials (S3 User Guide, "Using Requester Pays buckets").
fn pays(cx: &Ctx, need: &Need, bucket: &Bucket) -> bool {
    let is_own = cx.principal.account() == Some(&bucket.owner) || matches!(cx.principal, Principal::Service { .. });
    let consents = || {
        let given = need.context.iter().find(|(key, _)| key == REQUEST_PAYER);
        given.is_some_and(|(_, values)| values.iter().any(|value| value == "requester"))
    };
    is_own || cx.principal.account().is_some() && consents()
}

fn facts(cx: &Ctx, need: &Need, bucket: &Bucket, access: &Access, version: Option<&Version>) -> Facts {
    let mut context = vec![("s3:ResourceAccount".to_owned(), vec![bucket.owner.clone()])];
    let tags = version.iter().flat_map(|version| &version.tags);
    context.extend(tags.map(|(key, value)| (format!("s3:ExistingObjectTag/{key}"), vec![value.clone()])));
    let mut tags = Vec::new();
    if bucket.has_abac {
        context.extend(bucket.tags.iter().map(|(key, value)| (format!("s3:BucketTag/{key}"), vec![value.clone()])));
        tags = bucket.tags.clone().into_iter().collect();
    }
    let is_new = matches!(cx.operation.name, "PutObject" | "CopyObject" | "CreateMultipartUpload");
    let foreign_owner = version
        .filter(|_| bucket.takes_grants() && !is_new && access::is_of_object_owner(need.action))
        .map(|version| &version.owner)
        .filter(|owner| **owner != bucket.owner);
    let owner = foreign_owner.unwrap_or(&bucket.owner).clone();
    let granted = bucket.takes_grants() && access.grants_to(&cx.principal, need.action, bucket, version, &owner);
    let is_root = cx.principal.acts_as_root() && cx.principal.account() == Some(&bucket.owner);
    let policy = match &access.policy {
        Some(policy) if is_root && !policy.binds_root && ROOT_KEEPS.contains(&need.action) => None,
        Some(policy) if foreign_owner.is_some() => policy.denials(&cx.principal),
        Some(policy) if access.is_restricted(&cx.principal, bucket) => policy.denials(&cx.principal),
        Some(policy) => Some(policy.whole(&cx.principal)),
        None => None,
    };
    Facts { owner: Some(owner), policy, tags, context, granted, ..Facts::default() }
}
