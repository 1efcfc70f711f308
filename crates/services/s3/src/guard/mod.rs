//! What permissions the operations need, and what is known of a bucket or an object when that is decided.

mod actions;
mod context;
mod facts;
pub mod found;

use std::any::Any;
use std::sync::Arc;

use api::s3;
use platform::{Ctx, FactsFuture, Guard, Members, Need};
use wire::codec::Structure;

use crate::names::CopySource;
use crate::service::S3;
use crate::tags;

/// The service's part in enforcement.
pub struct BucketGuard(pub Arc<S3>);

const PREFIX: &str = "arn:aws:s3:::";

impl Guard for BucketGuard {
    fn needs(&self, cx: &Ctx, input: &dyn Structure) -> Vec<Need> {
        let members = Members(input);
        if self.is_decided_by_handler(cx) {
            return Vec::new();
        }
        let Some(bucket) = members.text("Bucket") else {
            return vec![Need::new("s3:ListAllMyBuckets", "*")];
        };
        let resource = match members.text("Key") {
            Some(key) => object_arn(&bucket, &key),
            None => bucket_arn(&bucket),
        };
        let actions = actions::of_operation(cx, members);
        let mut needs: Vec<Need> =
            actions.iter().map(|action| context::described(cx, Need::new(action, &resource), members)).collect();
        if let Some(tags) = new_tags(input, members) {
            needs = needs.into_iter().map(|need| context::with_tags(need, &tags)).collect();
        }
        if let Some(Ok(source)) = members.text("CopySource").map(|source| CopySource::parse(&source)) {
            let action = if source.version.is_some() { "s3:GetObjectVersion" } else { "s3:GetObject" };
            let need = context::signed(cx, Need::new(action, object_arn(&source.bucket, &source.key)));
            needs.push(match source.version {
                Some(version) => need.with("s3:VersionId", vec![version]),
                None => need,
            });
        }
        needs
    }

    fn is_decided_by_handler(&self, cx: &Ctx) -> bool {
        cx.operation.name == "DeleteObjects"
    }

    fn facts<'a>(&'a self, cx: &'a Ctx, need: &'a Need) -> FactsFuture<'a> {
        Box::pin(facts::of(&self.0, cx, need))
    }
}

/// The ARN of a bucket.
pub fn bucket_arn(bucket: &str) -> String {
    format!("{PREFIX}{bucket}")
}

/// The ARN of an object.
pub fn object_arn(bucket: &str, key: &str) -> String {
    format!("{PREFIX}{bucket}/{key}")
}

/// The need to list a bucket: whoever lacks it is not told that a key does not exist (API reference, `GetObject`).
pub fn listing(cx: &Ctx, bucket: &str) -> Need {
    context::signed(cx, Need::new("s3:ListBucket", bucket_arn(bucket)))
}

/// The need to delete an object, or one of its versions.
pub fn deletion(cx: &Ctx, bucket: &str, key: &str, version: Option<&str>) -> Need {
    let action = if version.is_some() { "s3:DeleteObjectVersion" } else { "s3:DeleteObject" };
    let need = context::signed(cx, Need::new(action, object_arn(bucket, key)));
    match version {
        Some(version) => need.with("s3:VersionId", vec![version.to_owned()]),
        None => need,
    }
}

/// The need to pass over a retention in governance mode.
pub fn bypass(cx: &Ctx, bucket: &str, key: &str) -> Need {
    context::signed(cx, Need::new("s3:BypassGovernanceRetention", object_arn(bucket, key)))
}

/// The tags that a request gives an object, in its header or in its document.
fn new_tags(input: &dyn Structure, members: Members<'_>) -> Option<tags::Tags> {
    let any: &dyn Any = input;
    if let Some(input) = any.downcast_ref::<s3::PutObjectTaggingRequest>() {
        return Some(input.tagging.tag_set.iter().map(|tag| (tag.key.clone(), tag.value.clone())).collect());
    }
    let header = members.text("Tagging").filter(|tagging| !tagging.is_empty())?;
    Some(tags::of_header(&header, usize::MAX).unwrap_or_default())
}
