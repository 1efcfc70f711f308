//! Where the bucket's access logs go.

use std::sync::Arc;

use api::s3::{
    GetBucketLoggingOutput, GetBucketLoggingRequest, LoggingEnabled, PutBucketLoggingRequest, errors as s3_errors,
};
use platform::Ctx;
use wire::Error;
use wire::error::Scalar;

use crate::bucket::Bucket;
use crate::errors;
use crate::keys;
use crate::service::S3;
use crate::settings::{self, ONLY};

/// Sets where the logs go, or that there are none.
///
/// # Errors
/// `NoSuchBucket`, `InvalidTargetBucketForLogging`, `CrossLocationLoggingProhibitted`, `MalformedXML`,
/// `AccessControlListNotSupported` for grants where the target has none.
pub async fn put_bucket_logging(
    service: &Arc<S3>,
    _cx: &Ctx,
    input: PutBucketLoggingRequest,
) -> Result<api::Empty, Error> {
    let bucket = service.bucket(&input.bucket, input.expected_bucket_owner.as_deref()).await?;
    let logging = input.bucket_logging_status.logging_enabled;
    if let Some(logging) = &logging {
        check_target(service, &bucket, logging).await?;
    }
    let (stored, is_logged) = (logging.clone(), logging.is_some());
    service
        .on_bucket(&input.bucket, move |bucket, rows| {
            bucket.is_logged = stored.is_some();
            match &stored {
                Some(logging) => settings::put(rows, ONLY, logging),
                None => {
                    settings::remove::<LoggingEnabled>(rows, ONLY)?;
                }
            }
            Ok(())
        })
        .await?;
    list(service, &input.bucket, is_logged).await?;
    Ok(api::Empty)
}

/// Lists a bucket as one with logs, or not.
///
/// # Errors
/// A failure of the store.
pub async fn list(service: &S3, bucket: &str, is_logged: bool) -> Result<(), Error> {
    let key = keys::logged(bucket);
    let listed = service.transact(keys::logged_index(), move |rows| {
        match is_logged {
            true => rows.put(&key, &[keys::FORMAT]),
            false => rows.delete(&key),
        }
        Ok(())
    });
    listed.await?;
    service.access_log.set(bucket, is_logged);
    Ok(())
}

async fn check_target(service: &S3, bucket: &Bucket, logging: &LoggingEnabled) -> Result<(), Error> {
    let target = &logging.target_bucket;
    let refused = |text: &'static str| {
        Err(s3_errors::invalid_target_bucket_for_logging(text).with("TargetBucket", Scalar::from(target.as_str())))
    };
    let Some(found) = service.find_bucket(target).await? else {
        return refused("The target bucket for logging does not exist");
    };
    if found.owner != bucket.owner {
        return refused("The owner for the bucket to be logged and the target bucket must be the same.");
    }
    if found.region != bucket.region {
        return Err(s3_errors::cross_location_logging_prohibitted("Cross S3 location logging not allowed. ")
            .with("TargetBucketLocation", Scalar::from(found.region)));
    }
    if logging.target_grants.as_ref().is_some_and(|grants| !grants.is_empty()) && !found.takes_grants() {
        return Err(errors::no_grants());
    }
    match &logging.target_object_key_format {
        Some(format) if format.simple_prefix.is_some() == format.partitioned_prefix.is_some() => {
            Err(errors::malformed_xml())
        }
        _ => Ok(()),
    }
}

/// Answers where the logs go; nothing if there are none.
///
/// # Errors
/// `NoSuchBucket`.
pub async fn get_bucket_logging(
    service: &Arc<S3>,
    _cx: &Ctx,
    input: GetBucketLoggingRequest,
) -> Result<GetBucketLoggingOutput, Error> {
    service.bucket(&input.bucket, input.expected_bucket_owner.as_deref()).await?;
    Ok(GetBucketLoggingOutput { logging_enabled: service.setting(&input.bucket, ONLY).await? })
}
