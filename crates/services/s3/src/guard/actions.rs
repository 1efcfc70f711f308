//! The actions of an operation (Service Authorization Reference, "Actions defined by Amazon S3").

use platform::{Ctx, Members};

/// What an operation needs on the bucket or object that it names. The catalogue says it for nearly all; here are those
/// where it depends on the request.
pub fn of_operation(cx: &Ctx, members: Members<'_>) -> Vec<&'static str> {
    let is_versioned = members.has("VersionId");
    let mut actions = match (cx.operation.name, is_versioned) {
        ("DeleteObject", false) => vec!["s3:DeleteObject"],
        ("DeleteObject", true) => vec!["s3:DeleteObjectVersion"],
        ("DeleteObjectTagging", false) => vec!["s3:DeleteObjectTagging"],
        ("DeleteObjectTagging", true) => vec!["s3:DeleteObjectVersionTagging"],
        ("GetObject" | "HeadObject", false) => vec!["s3:GetObject"],
        ("GetObject" | "HeadObject", true) => vec!["s3:GetObjectVersion"],
        ("GetObjectAcl", false) => vec!["s3:GetObjectAcl"],
        ("GetObjectAcl", true) => vec!["s3:GetObjectVersionAcl"],
        ("GetObjectAttributes", false) => vec!["s3:GetObject", "s3:GetObjectAttributes"],
        ("GetObjectAttributes", true) => vec!["s3:GetObjectVersion", "s3:GetObjectVersionAttributes"],
        ("GetObjectTagging", false) => vec!["s3:GetObjectTagging"],
        ("GetObjectTagging", true) => vec!["s3:GetObjectVersionTagging"],
        ("PutObjectAcl", false) => vec!["s3:PutObjectAcl"],
        ("PutObjectAcl", true) => vec!["s3:PutObjectVersionAcl"],
        ("PutObjectTagging", false) => vec!["s3:PutObjectTagging"],
        ("PutObjectTagging", true) => vec!["s3:PutObjectVersionTagging"],
        _ => cx.operation.actions.to_vec(),
    };
    actions.extend(by_content(cx.operation.name, members));
    actions
}

const GRANTS: [&str; 6] = ["ACL", "GrantFullControl", "GrantRead", "GrantReadACP", "GrantWrite", "GrantWriteACP"];

/// Further actions, for what the request asks for along with a new bucket or object.
fn by_content(operation: &str, members: Members<'_>) -> Vec<&'static str> {
    let has_grants = || GRANTS.iter().any(|member| members.has(member));
    let is_locked = || members.text("ObjectLockEnabledForBucket").as_deref() == Some("true");
    let mut actions = Vec::new();
    match operation {
        "CreateBucket" => {
            if has_grants() {
                actions.push("s3:PutBucketAcl");
            }
            if members.has("ObjectOwnership") {
                actions.push("s3:PutBucketOwnershipControls");
            }
            if is_locked() {
                actions.extend(["s3:PutBucketObjectLockConfiguration", "s3:PutBucketVersioning"]);
            }
        }
        "PutObject" | "CopyObject" | "CreateMultipartUpload" => {
            if has_grants() {
                actions.push("s3:PutObjectAcl");
            }
            if members.text("Tagging").is_some_and(|tagging| !tagging.is_empty()) {
                actions.push("s3:PutObjectTagging");
            }
            if members.has("ObjectLockMode") || members.has("ObjectLockRetainUntilDate") {
                actions.push("s3:PutObjectRetention");
            }
            if members.has("ObjectLockLegalHoldStatus") {
                actions.push("s3:PutObjectLegalHold");
            }
        }
        _ => {}
    }
    actions
}
