//! The bucket's rules for pages of other origins.

use std::sync::Arc;

use api::s3::{
    CORSConfiguration, DeleteBucketCorsRequest, GetBucketCorsOutput, GetBucketCorsRequest, PutBucketCorsRequest,
    errors as s3_errors,
};
use platform::Ctx;
use wire::Error;
use wire::error::Scalar;

use crate::cors;
use crate::service::S3;
use crate::settings::ONLY;

/// Sets the rules.
///
/// # Errors
/// `NoSuchBucket`, `MalformedXML`, `InvalidRequest`.
pub async fn put_bucket_cors(service: &Arc<S3>, _cx: &Ctx, input: PutBucketCorsRequest) -> Result<api::Empty, Error> {
    service.bucket(&input.bucket, input.expected_bucket_owner.as_deref()).await?;
    cors::check(&input.cors_configuration)?;
    service.put_setting(&input.bucket, input.cors_configuration).await?;
    Ok(api::Empty)
}

/// Answers the rules.
///
/// # Errors
/// `NoSuchBucket`, `NoSuchCORSConfiguration`.
pub async fn get_bucket_cors(
    service: &Arc<S3>,
    _cx: &Ctx,
    input: GetBucketCorsRequest,
) -> Result<GetBucketCorsOutput, Error> {
    service.bucket(&input.bucket, input.expected_bucket_owner.as_deref()).await?;
    let found: Option<CORSConfiguration> = service.setting(&input.bucket, ONLY).await?;
    let found = found.ok_or_else(|| {
        let error = s3_errors::no_such_cors_configuration("The CORS configuration does not exist");
        error.with("BucketName", Scalar::from(input.bucket))
    })?;
    Ok(GetBucketCorsOutput { cors_rules: Some(found.cors_rules) })
}

/// Takes the rules away.
///
/// # Errors
/// `NoSuchBucket`.
pub async fn delete_bucket_cors(
    service: &Arc<S3>,
    _cx: &Ctx,
    input: DeleteBucketCorsRequest,
) -> Result<api::Empty, Error> {
    service.bucket(&input.bucket, input.expected_bucket_owner.as_deref()).await?;
    service.remove_setting::<CORSConfiguration>(&input.bucket).await?;
    Ok(api::Empty)
}
