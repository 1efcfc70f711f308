//! The grants of buckets and objects.

use std::sync::Arc;

use api::s3::{
    GetBucketAclOutput, GetBucketAclRequest, GetObjectAclOutput, GetObjectAclRequest, Owner, PutBucketAclRequest,
    PutObjectAclOutput, PutObjectAclRequest, errors as s3_errors,
};
use platform::Ctx;
use wire::Error;

use super::get::readable;
use crate::access::{self, Access, AskedGrants, Grant};
use crate::bucket::{Bucket, canonical_id};
use crate::errors;
use crate::event::{Kind, Occasion};
use crate::guard::{bucket_arn, object_arn};
use crate::service::S3;
use crate::version::Version;
use crate::versions;

/// An owner as answers show it.
pub fn owner(account: &str) -> Owner {
    Owner { id: Some(canonical_id(account)), ..Owner::default() }
}

/// Answers the bucket's grants.
///
/// # Errors
/// `NoSuchBucket`.
pub async fn get_bucket_acl(
    service: &Arc<S3>,
    _cx: &Ctx,
    input: GetBucketAclRequest,
) -> Result<GetBucketAclOutput, Error> {
    let bucket = service.bucket(&input.bucket, input.expected_bucket_owner.as_deref()).await?;
    let grants = service.access(&input.bucket).await?.bucket_grants(&bucket);
    Ok(GetBucketAclOutput { owner: Some(owner(&bucket.owner)), grants: Some(access::listed(&grants)) })
}

/// Answers an object's grants.
///
/// # Errors
/// `NoSuchKey`, `NoSuchVersion`, `MethodNotAllowed`.
pub async fn get_object_acl(
    service: &Arc<S3>,
    cx: &Ctx,
    input: GetObjectAclRequest,
) -> Result<GetObjectAclOutput, Error> {
    let (id, expected) = (input.version_id.as_deref(), input.expected_bucket_owner.as_deref());
    let version = readable(service, cx, &input.bucket, &input.key, id, expected).await?;
    let bucket = service.bucket(&input.bucket, None).await?;
    let (account, grants) = match bucket.takes_grants() {
        true => (&version.owner, version.grants()),
        false => (&bucket.owner, vec![Grant::full_control(&bucket.owner)]),
    };
    Ok(GetObjectAclOutput { owner: Some(owner(account)), grants: Some(access::listed(&grants)), request_charged: None })
}

/// The grants that a request asks for, in its headers or its document.
fn asked(
    headers: &AskedGrants,
    document: Option<&api::s3::AccessControlPolicy>,
    owner: &str,
    bucket: &Bucket,
) -> Result<Vec<Grant>, Error> {
    match (headers.grants(owner, &bucket.owner)?, document) {
        (Some(_), Some(_)) => Err(s3_errors::unexpected_content("This request does not support content")),
        (Some(grants), None) => Ok(grants),
        (None, Some(document)) => access::of_document(document, owner),
        (None, None) => {
            let text = "Your request was missing a required header";
            Err(s3_errors::missing_security_header(text).with("MissingHeaderName", "x-amz-acl".into()))
        }
    }
}

fn check_blocked(cx: &Ctx, access: &Access, grants: &[Grant], action: &str, resource: &str) -> Result<(), Error> {
    if !access.block().refuses(grants) {
        return Ok(());
    }
    let text = format!(
        "User: {} is not authorized to perform: {action} on resource: \"{resource}\" because public access control lists \
         (ACLs) are blocked by the BlockPublicAcls block public access setting.",
        cx.principal.arn()
    );
    Err(s3_errors::access_denied(text))
}

/// Gives the bucket grants.
///
/// # Errors
/// `NoSuchBucket`, `AccessControlListNotSupported`, `MalformedACLError`, `InvalidArgument`, `AccessDenied` for public
/// ones that are blocked.
pub async fn put_bucket_acl(service: &Arc<S3>, cx: &Ctx, input: PutBucketAclRequest) -> Result<api::Empty, Error> {
    let bucket = service.bucket(&input.bucket, input.expected_bucket_owner.as_deref()).await?;
    let headers = access::asked_grants!(input, grant_write);
    access::check_canned(headers.canned.as_deref())?;
    if !bucket.takes_grants() {
        return Err(errors::no_grants());
    }
    let grants = asked(&headers, input.access_control_policy.as_ref(), &bucket.owner, &bucket)?;
    let state = service.access(&input.bucket).await?;
    check_blocked(cx, &state, &grants, "s3:PutBucketAcl", &bucket_arn(&input.bucket))?;
    service.change_access(&input.bucket, move |access| access.grants = Some(grants.clone())).await?;
    Ok(api::Empty)
}

/// Gives an object grants.
///
/// # Errors
/// As [`put_bucket_acl`], and `NoSuchKey`, `NoSuchVersion`.
pub async fn put_object_acl(
    service: &Arc<S3>,
    cx: &Ctx,
    input: PutObjectAclRequest,
) -> Result<PutObjectAclOutput, Error> {
    let (id, expected) = (input.version_id.as_deref(), input.expected_bucket_owner.as_deref());
    let bucket = service.bucket(&input.bucket, expected).await?;
    let headers = access::asked_grants!(input, grant_write);
    access::check_canned(headers.canned.as_deref())?;
    let version = readable(service, cx, &input.bucket, &input.key, id, expected).await?;
    if !bucket.takes_grants() {
        return Err(errors::no_grants());
    }
    let grants = asked(&headers, input.access_control_policy.as_ref(), &version.owner, &bucket)?;
    let state = service.access(&input.bucket).await?;
    check_blocked(cx, &state, &grants, "s3:PutObjectAcl", &object_arn(&input.bucket, &input.key))?;
    let change = move |version: &mut Version| {
        version.grants = Some(grants.clone());
        Ok(())
    };
    let occasion = Occasion::of(service, cx, &input.bucket, &bucket).await?;
    let told = Some((occasion, Kind::AclPut));
    versions::change(service, (&input.bucket, &input.key), &version, told, change).await?;
    Ok(PutObjectAclOutput::default())
}
