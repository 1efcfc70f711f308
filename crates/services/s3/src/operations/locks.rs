//! Object Lock: of a bucket, and of a version.

use std::sync::Arc;

use api::s3::{
    GetObjectLegalHoldOutput, GetObjectLegalHoldRequest, GetObjectLockConfigurationOutput,
    GetObjectLockConfigurationRequest, GetObjectRetentionOutput, GetObjectRetentionRequest, ObjectLockLegalHold,
    ObjectLockRetention, PutObjectLegalHoldOutput, PutObjectLegalHoldRequest, PutObjectLockConfigurationOutput,
    PutObjectLockConfigurationRequest, PutObjectRetentionOutput, PutObjectRetentionRequest, errors as s3_errors,
};
use platform::Ctx;
use wire::error::Scalar;
use wire::{Error, Timestamp};

use super::get::readable;
use crate::bucket::Versioning;
use crate::errors;
use crate::guard::bypass;
use crate::lock::{self, Held};
use crate::service::S3;
use crate::version::Version;
use crate::versions;

/// Sets how long new versions must stay. A bucket that keeps versions locks objects from then on.
///
/// # Errors
/// `NoSuchBucket`, `MalformedXML`, `InvalidArgument`, `InvalidBucketState`.
pub async fn put_object_lock_configuration(
    service: &Arc<S3>,
    _cx: &Ctx,
    input: PutObjectLockConfigurationRequest,
) -> Result<PutObjectLockConfigurationOutput, Error> {
    service.bucket(&input.bucket, input.expected_bucket_owner.as_deref()).await?;
    let document = input.object_lock_configuration.ok_or_else(errors::empty_body)?;
    let asked = lock::of_document(&document)?;
    service
        .on_bucket(&input.bucket, move |bucket, _| {
            if bucket.versioning != Versioning::Enabled {
                let text = "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration";
                return Err(s3_errors::invalid_bucket_state(text).into());
            }
            bucket.lock = Some(asked);
            Ok(())
        })
        .await?;
    Ok(PutObjectLockConfigurationOutput::default())
}

/// Answers it.
///
/// # Errors
/// `NoSuchBucket`, `ObjectLockConfigurationNotFoundError`.
pub async fn get_object_lock_configuration(
    service: &Arc<S3>,
    _cx: &Ctx,
    input: GetObjectLockConfigurationRequest,
) -> Result<GetObjectLockConfigurationOutput, Error> {
    let bucket = service.bucket(&input.bucket, input.expected_bucket_owner.as_deref()).await?;
    let found = bucket.lock.ok_or_else(|| {
        let text = "Object Lock configuration does not exist for this bucket";
        s3_errors::object_lock_configuration_not_found_error(text).with("BucketName", Scalar::from(input.bucket))
    })?;
    Ok(GetObjectLockConfigurationOutput { object_lock_configuration: Some(lock::shown(&found)) })
}

/// The version that a request means, in a bucket that locks objects.
async fn lockable(
    service: &S3,
    cx: &Ctx,
    bucket: &str,
    key: &str,
    id: Option<&str>,
    owner: Option<&str>,
) -> Result<Version, Error> {
    if service.bucket(bucket, owner).await?.lock.is_none() {
        return Err(lock::no_lock());
    }
    readable(service, cx, bucket, key, id, owner).await
}

fn no_configuration() -> Error {
    s3_errors::no_such_object_lock_configuration("The specified object does not have a ObjectLock configuration")
}

/// Sets until when a version must stay.
///
/// # Errors
/// `NoSuchKey`, `InvalidRequest`, `MalformedXML`, `InvalidArgument`, `AccessDenied` for what may not be shortened.
pub async fn put_object_retention(
    service: &Arc<S3>,
    cx: &Ctx,
    input: PutObjectRetentionRequest,
) -> Result<PutObjectRetentionOutput, Error> {
    let (id, owner) = (input.version_id.as_deref(), input.expected_bucket_owner.as_deref());
    let version = lockable(service, cx, &input.bucket, &input.key, id, owner).await?;
    let now = service.platform.clock.milliseconds();
    let asked = lock::of_retention(input.retention.as_ref(), now)?;
    let may_bypass = match lock::may_become(version.protection.retention, asked, now) {
        Ok(()) => false,
        Err(Held::Governed) if input.bypass_governance_retention == Some(true) => {
            cx.authorise(bypass(cx, &input.bucket, &input.key)).await?;
            true
        }
        Err(_) => return Err(lock::protected()),
    };
    let change = move |version: &mut Version| {
        match lock::may_become(version.protection.retention, asked, now) {
            Ok(()) => {}
            Err(Held::Governed) if may_bypass => {}
            Err(_) => return Err(lock::protected()),
        }
        version.protection.retention = asked;
        Ok(())
    };
    versions::change(service, (&input.bucket, &input.key), &version, None, change).await?;
    Ok(PutObjectRetentionOutput::default())
}

/// Answers until when a version must stay.
///
/// # Errors
/// `NoSuchKey`, `InvalidRequest`, `NoSuchObjectLockConfiguration`.
pub async fn get_object_retention(
    service: &Arc<S3>,
    cx: &Ctx,
    input: GetObjectRetentionRequest,
) -> Result<GetObjectRetentionOutput, Error> {
    let (id, owner) = (input.version_id.as_deref(), input.expected_bucket_owner.as_deref());
    let version = lockable(service, cx, &input.bucket, &input.key, id, owner).await?;
    let retention = version.protection.retention.ok_or_else(no_configuration)?;
    let retention = ObjectLockRetention {
        mode: Some(retention.mode.name().to_owned()),
        retain_until_date: Some(Timestamp::from_milliseconds(retention.until)),
        ..ObjectLockRetention::default()
    };
    Ok(GetObjectRetentionOutput { retention: Some(retention) })
}

/// Sets or takes back that a version must stay.
///
/// # Errors
/// `NoSuchKey`, `InvalidRequest`, `MalformedXML`.
pub async fn put_object_legal_hold(
    service: &Arc<S3>,
    cx: &Ctx,
    input: PutObjectLegalHoldRequest,
) -> Result<PutObjectLegalHoldOutput, Error> {
    let (id, owner) = (input.version_id.as_deref(), input.expected_bucket_owner.as_deref());
    let version = lockable(service, cx, &input.bucket, &input.key, id, owner).await?;
    let is_on = lock::of_legal_hold(input.legal_hold.as_ref())?;
    let change = move |version: &mut Version| {
        version.protection.legal_hold = Some(is_on);
        Ok(())
    };
    versions::change(service, (&input.bucket, &input.key), &version, None, change).await?;
    Ok(PutObjectLegalHoldOutput::default())
}

/// Answers whether a version must stay.
///
/// # Errors
/// `NoSuchKey`, `InvalidRequest`, `NoSuchObjectLockConfiguration`.
pub async fn get_object_legal_hold(
    service: &Arc<S3>,
    cx: &Ctx,
    input: GetObjectLegalHoldRequest,
) -> Result<GetObjectLegalHoldOutput, Error> {
    let (id, owner) = (input.version_id.as_deref(), input.expected_bucket_owner.as_deref());
    let version = lockable(service, cx, &input.bucket, &input.key, id, owner).await?;
    let status = version.protection.shown_hold().ok_or_else(no_configuration)?;
    Ok(GetObjectLegalHoldOutput { legal_hold: Some(ObjectLockLegalHold { status: Some(status) }) })
}
