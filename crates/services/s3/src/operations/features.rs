//! Who pays for requests, transfer acceleration, and policies that go by the bucket's tags.

use std::sync::Arc;

use api::s3::{
    AbacStatus, GetBucketAbacOutput, GetBucketAbacRequest, GetBucketAccelerateConfigurationOutput,
    GetBucketAccelerateConfigurationRequest, GetBucketRequestPaymentOutput, GetBucketRequestPaymentRequest,
    PutBucketAbacRequest, PutBucketAccelerateConfigurationRequest, PutBucketRequestPaymentRequest,
};
use platform::Ctx;
use wire::Error;

use crate::errors;
use crate::service::S3;

/// Sets who pays for requests.
///
/// # Errors
/// `NoSuchBucket`, `MalformedXML`.
pub async fn put_bucket_request_payment(
    service: &Arc<S3>,
    _cx: &Ctx,
    input: PutBucketRequestPaymentRequest,
) -> Result<api::Empty, Error> {
    service.bucket(&input.bucket, input.expected_bucket_owner.as_deref()).await?;
    let requester_pays = match input.request_payment_configuration.payer.as_str() {
        "BucketOwner" => false,
        "Requester" => true,
        _ => return Err(errors::malformed_xml()),
    };
    service
        .on_bucket(&input.bucket, move |bucket, _| {
            bucket.requester_pays = requester_pays;
            Ok(())
        })
        .await?;
    Ok(api::Empty)
}

/// Answers who pays for requests.
///
/// # Errors
/// `NoSuchBucket`.
pub async fn get_bucket_request_payment(
    service: &Arc<S3>,
    _cx: &Ctx,
    input: GetBucketRequestPaymentRequest,
) -> Result<GetBucketRequestPaymentOutput, Error> {
    let bucket = service.bucket(&input.bucket, input.expected_bucket_owner.as_deref()).await?;
    let payer = if bucket.requester_pays { "Requester" } else { "BucketOwner" };
    Ok(GetBucketRequestPaymentOutput { payer: Some(payer.to_owned()) })
}

/// Turns transfer acceleration on or off. There is nothing to be faster than on one machine: the bucket answers under its
/// accelerated name as under its own.
///
/// # Errors
/// `NoSuchBucket`, `MalformedXML`, `InvalidRequest` for a bucket with a period in its name.
pub async fn put_bucket_accelerate_configuration(
    service: &Arc<S3>,
    _cx: &Ctx,
    input: PutBucketAccelerateConfigurationRequest,
) -> Result<api::Empty, Error> {
    service.bucket(&input.bucket, input.expected_bucket_owner.as_deref()).await?;
    if input.bucket.contains('.') {
        let text = "S3 Transfer Acceleration is not supported for buckets with periods (.) in their names";
        return Err(errors::request(text));
    }
    let status = input.accelerate_configuration.status.filter(|status| status == "Enabled" || status == "Suspended");
    let is_accelerated = status.ok_or_else(errors::malformed_xml)? == "Enabled";
    service
        .on_bucket(&input.bucket, move |bucket, _| {
            // What never was cannot be suspended.
            if is_accelerated || bucket.is_accelerated.is_some() {
                bucket.is_accelerated = Some(is_accelerated);
            }
            Ok(())
        })
        .await?;
    Ok(api::Empty)
}

/// Answers whether the bucket is accelerated; nothing if it never was.
///
/// # Errors
/// `NoSuchBucket`.
pub async fn get_bucket_accelerate_configuration(
    service: &Arc<S3>,
    _cx: &Ctx,
    input: GetBucketAccelerateConfigurationRequest,
) -> Result<GetBucketAccelerateConfigurationOutput, Error> {
    let bucket = service.bucket(&input.bucket, input.expected_bucket_owner.as_deref()).await?;
    let status = bucket.is_accelerated.map(|is_on| if is_on { "Enabled" } else { "Suspended" }.to_owned());
    Ok(GetBucketAccelerateConfigurationOutput { status, ..GetBucketAccelerateConfigurationOutput::default() })
}

/// Sets whether policies may go by the bucket's tags.
///
/// # Errors
/// `NoSuchBucket`, `MalformedXML`.
pub async fn put_bucket_abac(service: &Arc<S3>, _cx: &Ctx, input: PutBucketAbacRequest) -> Result<api::Empty, Error> {
    service.bucket(&input.bucket, input.expected_bucket_owner.as_deref()).await?;
    let has_abac = match input.abac_status.status.as_deref() {
        Some("Enabled") => true,
        Some("Disabled") => false,
        _ => return Err(errors::malformed_xml()),
    };
    service
        .on_bucket(&input.bucket, move |bucket, _| {
            bucket.has_abac = has_abac;
            Ok(())
        })
        .await?;
    Ok(api::Empty)
}

/// Answers whether policies may go by the bucket's tags.
///
/// # Errors
/// `NoSuchBucket`.
pub async fn get_bucket_abac(
    service: &Arc<S3>,
    _cx: &Ctx,
    input: GetBucketAbacRequest,
) -> Result<GetBucketAbacOutput, Error> {
    let bucket = service.bucket(&input.bucket, input.expected_bucket_owner.as_deref()).await?;
    let status = if bucket.has_abac { "Enabled" } else { "Disabled" };
    Ok(GetBucketAbacOutput { abac_status: Some(AbacStatus { status: Some(status.to_owned()) }) })
}
