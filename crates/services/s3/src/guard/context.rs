//! The condition keys that a request has (Service Authorization Reference, "Condition keys for Amazon S3").

use platform::{Ctx, Members, Need};
use wire::Timestamp;

use crate::tags::Tags;

/// Condition keys, and the members of an input that they show.
const KEYS: [(&str, &str); 22] = [
    ("s3:prefix", "Prefix"),
    ("s3:delimiter", "Delimiter"),
    ("s3:max-keys", "MaxKeys"),
    ("s3:VersionId", "VersionId"),
    ("s3:x-amz-acl", "ACL"),
    ("s3:x-amz-grant-full-control", "GrantFullControl"),
    ("s3:x-amz-grant-read", "GrantRead"),
    ("s3:x-amz-grant-read-acp", "GrantReadACP"),
    ("s3:x-amz-grant-write", "GrantWrite"),
    ("s3:x-amz-grant-write-acp", "GrantWriteACP"),
    ("s3:x-amz-storage-class", "StorageClass"),
    ("s3:x-amz-server-side-encryption", "ServerSideEncryption"),
    ("s3:x-amz-server-side-encryption-aws-kms-key-id", "SSEKMSKeyId"),
    ("s3:x-amz-server-side-encryption-customer-algorithm", "SSECustomerAlgorithm"),
    ("s3:x-amz-copy-source", "CopySource"),
    ("s3:x-amz-metadata-directive", "MetadataDirective"),
    ("s3:x-amz-website-redirect-location", "WebsiteRedirectLocation"),
    ("s3:x-amz-object-ownership", "ObjectOwnership"),
    ("s3:object-lock-mode", "ObjectLockMode"),
    ("s3:object-lock-legal-hold", "ObjectLockLegalHoldStatus"),
    ("s3:object-lock-retain-until-date", "ObjectLockRetainUntilDate"),
    ("s3:inventory-configuration-id", "Id"),
];

/// A day, in seconds.
const DAY: i64 = 86_400;

/// A need with all condition keys that the request has.
pub fn described(cx: &Ctx, need: Need, members: Members<'_>) -> Need {
    let mut need = signed(cx, need);
    for (key, member) in KEYS {
        if let Some(value) = members.text(member) {
            need = need.with(key, vec![value]);
        }
    }
    for (key, member) in [("s3:if-match", "IfMatch"), ("s3:if-none-match", "IfNoneMatch")] {
        if members.has(member) {
            need = need.with(key, vec!["true".to_owned()]);
        }
    }
    if let Some(constraint) = members.text_at(&["CreateBucketConfiguration", "LocationConstraint"]) {
        need = need.with("s3:locationconstraint", vec![constraint]);
    }
    if matches!(cx.operation.name, "PutObject" | "CopyObject" | "CompleteMultipartUpload") {
        need = need.with("s3:ObjectCreationOperation", vec!["true".to_owned()]);
    }
    if let Some(payer) = members.text("RequestPayer") {
        need = need.with(REQUEST_PAYER, vec![payer]);
    }
    retained(cx, need, members)
}

/// The header by which a caller consents to pay. No policy asks for it, the bucket itself does.
pub const REQUEST_PAYER: &str = "s3:x-amz-request-payer";

/// The keys of `PutObjectRetention` and `PutObjectLegalHold`, whose members lie in the document, and how long an object
/// would be retained, in whole days.
fn retained(cx: &Ctx, mut need: Need, members: Members<'_>) -> Need {
    let in_document = [
        ("s3:object-lock-mode", ["Retention", "Mode"]),
        ("s3:object-lock-retain-until-date", ["Retention", "RetainUntilDate"]),
        ("s3:object-lock-legal-hold", ["LegalHold", "Status"]),
    ];
    for (key, path) in in_document {
        if let Some(value) = members.text_at(&path) {
            need = need.with(key, vec![value]);
        }
    }
    let until = need.context.iter().find(|(key, _)| key == "s3:object-lock-retain-until-date");
    let until = until.and_then(|(_, values)| Timestamp::parse(values.first()?));
    match until {
        Some(until) => {
            let days = (until.seconds - cx.platform.clock.now().seconds).div_euclid(DAY);
            need.with("s3:object-lock-remaining-retention-days", vec![days.to_string()])
        }
        None => need,
    }
}

/// A need with the condition keys about the request's signature.
pub fn signed(cx: &Ctx, need: Need) -> Need {
    let Some(signature) = &cx.origin.signature else { return need };
    let how = signature.kind(cx.origin.is_form);
    let mut need =
        need.with("s3:authType", vec![how.to_owned()]).with("s3:signatureversion", vec![signature.version.to_owned()]);
    if let Some(signed_at) = signature.signed_at {
        let age = cx.platform.clock.machine().milliseconds() - signed_at * 1000;
        need = need.with("s3:signatureAge", vec![age.to_string()]);
    }
    match &signature.content_hash {
        Some(hash) => need.with("s3:x-amz-content-sha256", vec![hash.clone()]),
        None => need,
    }
}

/// A need with the keys about the tags that an object is to get.
pub fn with_tags(mut need: Need, tags: &Tags) -> Need {
    for (key, value) in tags {
        need = need.with(format!("s3:RequestObjectTag/{key}"), vec![value.clone()]);
    }
    need.with("s3:RequestObjectTagKeys", tags.keys().cloned().collect())
}
