//! What permissions the operations need, and what is known of a bucket or an object when that is decided.

use std::any::Any;
use std::sync::Arc;

use api::s3;
use platform::{Ctx, Facts, FactsFuture, Guard, Members, Need};
use wire::codec::Structure;

use crate::names::CopySource;
use crate::service::S3;
use crate::tags;
use crate::versions;

/// The service's part in enforcement.
pub struct BucketGuard(pub Arc<S3>);

const PREFIX: &str = "arn:aws:s3:::";

impl Guard for BucketGuard {
    fn needs(&self, cx: &Ctx, input: &dyn Structure) -> Vec<Need> {
        let members = Members(input);
        let Some(bucket) = members.text("Bucket") else {
            return vec![Need::new("s3:ListAllMyBuckets", "*")];
        };
        let any: &dyn Any = input;
        if let Some(input) = any.downcast_ref::<s3::DeleteObjectsRequest>() {
            return batch_needs(cx, input);
        }
        let version = members.text("VersionId");
        let resource = match members.text("Key") {
            Some(key) => format!("{PREFIX}{bucket}/{key}"),
            None => format!("{PREFIX}{bucket}"),
        };
        let actions = actions(cx.operation.name, version.is_some());
        let mut needs: Vec<Need> =
            actions.iter().map(|action| described(cx, Need::new(action, &resource), members)).collect();
        if let Some(tagging) = members.text("Tagging").filter(|tagging| !tagging.is_empty()) {
            needs.push(described(cx, Need::new("s3:PutObjectTagging", &resource), members));
            let tags = tags::of_header(&tagging, usize::MAX).unwrap_or_default();
            needs = needs.into_iter().map(|need| with_tags(need, &tags)).collect();
        }
        if let Some(input) = any.downcast_ref::<s3::PutObjectTaggingRequest>() {
            let pairs = input.tagging.tag_set.iter().map(|tag| (tag.key.clone(), tag.value.clone()));
            let tags = pairs.collect();
            needs = needs.into_iter().map(|need| with_tags(need, &tags)).collect();
        }
        if let Some(Ok(source)) = members.text("CopySource").map(|source| CopySource::parse(&source)) {
            let action = if source.version.is_some() { "s3:GetObjectVersion" } else { "s3:GetObject" };
            let need = Need::new(action, format!("{PREFIX}{}/{}", source.bucket, source.key));
            let need = signed(cx, need);
            needs.push(match source.version {
                Some(version) => need.with("s3:VersionId", vec![version]),
                None => need,
            });
        }
        needs
    }

    fn facts<'a>(&'a self, _cx: &'a Ctx, need: &'a Need) -> FactsFuture<'a> {
        Box::pin(async move {
            let Some(path) = need.resource.strip_prefix(PREFIX) else { return Ok(Facts::default()) };
            let (name, key) = path.split_once('/').map_or((path, None), |(name, key)| (name, Some(key)));
            let Some(bucket) = self.0.find_bucket(name).await? else {
                return Ok(Facts::default());
            };
            let mut context = vec![("s3:ResourceAccount".to_owned(), vec![bucket.owner.clone()])];
            if let Some(key) = key {
                let id = need.context.iter().find(|(name, _)| name == "s3:VersionId");
                let id = id.and_then(|(_, values)| values.first()).map(String::as_str);
                // Whether the version exists is for the operation to say.
                if let Ok(Some(version)) = versions::find(&self.0, name, key, id).await {
                    let tags = version.tags.iter();
                    context
                        .extend(tags.map(|(key, value)| (format!("s3:ExistingObjectTag/{key}"), vec![value.clone()])));
                }
            }
            Ok(Facts { owner: Some(bucket.owner), context, ..Facts::default() })
        })
    }
}

/// The actions of an operation (Service Authorization Reference, "Actions defined by Amazon S3").
fn actions(operation: &str, is_versioned: bool) -> &'static [&'static str] {
    match (operation, is_versioned) {
        ("AbortMultipartUpload", _) => &["s3:AbortMultipartUpload"],
        ("CompleteMultipartUpload" | "CopyObject" | "CreateMultipartUpload" | "PutObject", _) => &["s3:PutObject"],
        ("UploadPart" | "UploadPartCopy", _) => &["s3:PutObject"],
        ("CreateBucket", _) => &["s3:CreateBucket"],
        ("DeleteBucket", _) => &["s3:DeleteBucket"],
        ("DeleteBucketTagging" | "PutBucketTagging", _) => &["s3:PutBucketTagging"],
        ("DeleteObject", false) => &["s3:DeleteObject"],
        ("DeleteObject", true) => &["s3:DeleteObjectVersion"],
        ("DeleteObjectTagging", false) => &["s3:DeleteObjectTagging"],
        ("DeleteObjectTagging", true) => &["s3:DeleteObjectVersionTagging"],
        ("GetBucketLocation", _) => &["s3:GetBucketLocation"],
        ("GetBucketTagging", _) => &["s3:GetBucketTagging"],
        ("GetBucketVersioning", _) => &["s3:GetBucketVersioning"],
        ("GetObject" | "HeadObject", false) => &["s3:GetObject"],
        ("GetObject" | "HeadObject", true) => &["s3:GetObjectVersion"],
        ("GetObjectAttributes", false) => &["s3:GetObject", "s3:GetObjectAttributes"],
        ("GetObjectAttributes", true) => &["s3:GetObjectVersion", "s3:GetObjectVersionAttributes"],
        ("GetObjectTagging", false) => &["s3:GetObjectTagging"],
        ("GetObjectTagging", true) => &["s3:GetObjectVersionTagging"],
        ("HeadBucket" | "ListObjects" | "ListObjectsV2", _) => &["s3:ListBucket"],
        ("ListMultipartUploads", _) => &["s3:ListBucketMultipartUploads"],
        ("ListObjectVersions", _) => &["s3:ListBucketVersions"],
        ("ListParts", _) => &["s3:ListMultipartUploadParts"],
        ("PutBucketVersioning", _) => &["s3:PutBucketVersioning"],
        ("PutObjectTagging", false) => &["s3:PutObjectTagging"],
        ("PutObjectTagging", true) => &["s3:PutObjectVersionTagging"],
        _ => &[],
    }
}

/// Condition keys, and the members of an input that they show.
const KEYS: [(&str, &str); 13] = [
    ("s3:prefix", "Prefix"),
    ("s3:delimiter", "Delimiter"),
    ("s3:max-keys", "MaxKeys"),
    ("s3:VersionId", "VersionId"),
    ("s3:x-amz-acl", "ACL"),
    ("s3:x-amz-storage-class", "StorageClass"),
    ("s3:x-amz-server-side-encryption", "ServerSideEncryption"),
    ("s3:x-amz-server-side-encryption-aws-kms-key-id", "SSEKMSKeyId"),
    ("s3:x-amz-server-side-encryption-customer-algorithm", "SSECustomerAlgorithm"),
    ("s3:x-amz-copy-source", "CopySource"),
    ("s3:x-amz-metadata-directive", "MetadataDirective"),
    ("s3:x-amz-website-redirect-location", "WebsiteRedirectLocation"),
    ("s3:x-amz-object-ownership", "ObjectOwnership"),
];

/// A need with all condition keys that the request has.
fn described(cx: &Ctx, need: Need, members: Members<'_>) -> Need {
    let mut need = signed(cx, need);
    for (key, member) in KEYS {
        if let Some(value) = members.text(member) {
            need = need.with(key, vec![value]);
        }
    }
    let header = |name: &str| members.text(name).is_some().then_some("true".to_owned());
    for (key, value) in [("s3:if-match", header("IfMatch")), ("s3:if-none-match", header("IfNoneMatch"))] {
        if let Some(value) = value {
            need = need.with(key, vec![value]);
        }
    }
    if let Some(constraint) = members.text_at(&["CreateBucketConfiguration", "LocationConstraint"]) {
        need = need.with("s3:locationconstraint", vec![constraint]);
    }
    need
}

/// A need with the condition keys about the request's signature.
fn signed(cx: &Ctx, need: Need) -> Need {
    let Some(signature) = &cx.origin.signature else { return need };
    let how = if signature.is_presigned { "REST-QUERY-STRING" } else { "REST-HEADER" };
    let mut need =
        need.with("s3:authType", vec![how.to_owned()]).with("s3:signatureversion", vec![signature.version.to_owned()]);
    if let Some(signed_at) = signature.signed_at {
        let age = cx.platform.clock.milliseconds() - signed_at * 1000;
        need = need.with("s3:signatureAge", vec![age.to_string()]);
    }
    match &signature.content_hash {
        Some(hash) => need.with("s3:x-amz-content-sha256", vec![hash.clone()]),
        None => need,
    }
}

fn with_tags(mut need: Need, tags: &tags::Tags) -> Need {
    for (key, value) in tags {
        need = need.with(format!("s3:RequestObjectTag/{key}"), vec![value.clone()]);
    }
    need.with("s3:RequestObjectTagKeys", tags.keys().cloned().collect())
}

/// A need for each key. A batch is done whole or not at all: whoever may not delete one of the keys deletes none.
fn batch_needs(cx: &Ctx, input: &s3::DeleteObjectsRequest) -> Vec<Need> {
    let needs = input.delete.objects.iter().map(|object| {
        let action = if object.version_id.is_some() { "s3:DeleteObjectVersion" } else { "s3:DeleteObject" };
        let need = signed(cx, Need::new(action, format!("{PREFIX}{}/{}", input.bucket, object.key)));
        match &object.version_id {
            Some(version) => need.with("s3:VersionId", vec![version.clone()]),
            None => need,
        }
    });
    let needs: Vec<Need> = needs.collect();
    if needs.is_empty() { vec![Need::new("s3:DeleteObject", format!("{PREFIX}{}/*", input.bucket))] } else { needs }
}
