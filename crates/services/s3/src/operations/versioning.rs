//! `PutBucketVersioning` and `GetBucketVersioning`.

use std::sync::Arc;

use api::s3::{GetBucketVersioningOutput, GetBucketVersioningRequest, PutBucketVersioningRequest, errors as s3_errors};
use platform::Ctx;
use wire::Error;

use crate::bucket::Versioning;
use crate::errors;
use crate::service::S3;

/// Enables or suspends versioning.
///
/// # Errors
/// `NoSuchBucket`, `IllegalVersioningConfigurationException`, `AccessDenied` and `NotImplemented` for the deletion with a second factor.
pub async fn put_bucket_versioning(
    service: &Arc<S3>,
    _cx: &Ctx,
    input: PutBucketVersioningRequest,
) -> Result<api::Empty, Error> {
    service.bucket(&input.bucket, input.expected_bucket_owner.as_deref()).await?;
    let says_no_mfa = match input.versioning_configuration.mfa_delete.as_deref() {
        None => false,
        Some("Disabled") => true,
        // The change itself needs a code of a device, and the account root has no devices here.
        Some("Enabled") if input.mfa.is_none() => {
            return Err(s3_errors::access_denied("Mfa Authentication must be used for this request"));
        }
        Some("Enabled") => return Err(errors::unsupported("x-amz-mfa")),
        Some(_) => return Err(errors::malformed_xml()),
    };
    let versioning = match input.versioning_configuration.status.as_deref() {
        Some("Enabled") => Versioning::Enabled,
        Some("Suspended") => Versioning::Suspended,
        Some(_) => return Err(errors::malformed_xml()),
        None => {
            let text = "The Versioning element must be specified";
            return Err(s3_errors::illegal_versioning_configuration_exception(text));
        }
    };
    service
        .on_bucket(&input.bucket, move |bucket, _| {
            if bucket.lock.is_some() && versioning != Versioning::Enabled {
                let text =
                    "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.";
                return Err(s3_errors::invalid_bucket_state(text).into());
            }
            bucket.versioning = versioning;
            bucket.says_no_mfa |= says_no_mfa;
            Ok(())
        })
        .await?;
    Ok(api::Empty)
}

/// Answers whether versions are kept; nothing if they never were.
///
/// # Errors
/// `NoSuchBucket`.
pub async fn get_bucket_versioning(
    service: &Arc<S3>,
    _cx: &Ctx,
    input: GetBucketVersioningRequest,
) -> Result<GetBucketVersioningOutput, Error> {
    let bucket = service.bucket(&input.bucket, input.expected_bucket_owner.as_deref()).await?;
    let status = match bucket.versioning {
        Versioning::Never => None,
        Versioning::Enabled => Some("Enabled".to_owned()),
        Versioning::Suspended => Some("Suspended".to_owned()),
    };
    let mfa_delete = bucket.says_no_mfa.then(|| "Disabled".to_owned());
    Ok(GetBucketVersioningOutput { status, mfa_delete })
}
