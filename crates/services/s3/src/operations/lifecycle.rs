//! The bucket's lifecycle rules.

use std::sync::Arc;

use api::s3::{
    BucketLifecycleConfiguration, DeleteBucketLifecycleRequest, GetBucketLifecycleConfigurationOutput,
    GetBucketLifecycleConfigurationRequest, PutBucketLifecycleConfigurationOutput,
    PutBucketLifecycleConfigurationRequest, errors as s3_errors,
};
use platform::{Ctx, OrFailure};
use wire::error::Scalar;
use wire::schema::TimestampFormat;
use wire::{Error, Timestamp};

use crate::bucket::Bucket;
use crate::errors;
use crate::keys;
use crate::lifecycle::{self, ALL_CLASSES, BY_CLASS, Progress, TIMER};
use crate::service::S3;
use crate::settings::{self, ONLY};
use crate::version::Version;

/// Characters of the id that a rule without one gets.
const RULE_ID_CHARACTERS: usize = 48;

/// Sets the rules, and has them acted on.
///
/// # Errors
/// `NoSuchBucket`, `MalformedXML`, `InvalidArgument`, `InvalidRequest`.
pub async fn put_bucket_lifecycle_configuration(
    service: &Arc<S3>,
    _cx: &Ctx,
    input: PutBucketLifecycleConfigurationRequest,
) -> Result<PutBucketLifecycleConfigurationOutput, Error> {
    let bucket = service.bucket(&input.bucket, input.expected_bucket_owner.as_deref()).await?;
    let mut rules = input.lifecycle_configuration.ok_or_else(errors::malformed_xml)?;
    lifecycle::check(&rules)?;
    for rule in &mut rules.rules {
        if rule.id.as_deref().is_none_or(str::is_empty) {
            rule.id = Some(service.platform.ids.hex(RULE_ID_CHARACTERS));
        }
    }
    let size = input.transition_default_minimum_object_size.unwrap_or_else(|| ALL_CLASSES.to_owned());
    let keeps_small = match size.as_str() {
        ALL_CLASSES => true,
        BY_CLASS => false,
        other => {
            let name = "x-amz-transition-default-minimum-object-size";
            return Err(errors::argument(format!("Invalid value for {name}"), name, other));
        }
    };
    let timers = service.platform.timers.partition(&keys::bucket_partition(&input.bucket)).await.or_failure()?;
    let now = Timestamp::from_milliseconds(service.platform.clock.milliseconds());
    let timer = Progress::new(&input.bucket, &bucket.id).timer(&timers, now);
    service
        .on_bucket(&input.bucket, move |bucket, rows| {
            bucket.lifecycle_keeps_small = Some(keeps_small);
            settings::put(rows, ONLY, &rules);
            timers.set(rows, &timer)?;
            Ok(())
        })
        .await?;
    Ok(PutBucketLifecycleConfigurationOutput { transition_default_minimum_object_size: Some(size) })
}

/// Answers the rules.
///
/// # Errors
/// `NoSuchBucket`, `NoSuchLifecycleConfiguration`.
pub async fn get_bucket_lifecycle_configuration(
    service: &Arc<S3>,
    _cx: &Ctx,
    input: GetBucketLifecycleConfigurationRequest,
) -> Result<GetBucketLifecycleConfigurationOutput, Error> {
    let bucket = service.bucket(&input.bucket, input.expected_bucket_owner.as_deref()).await?;
    let found: Option<BucketLifecycleConfiguration> = service.setting(&input.bucket, ONLY).await?;
    let found = found.ok_or_else(|| {
        let error = s3_errors::no_such_lifecycle_configuration("The lifecycle configuration does not exist");
        error.with("BucketName", Scalar::from(input.bucket))
    })?;
    let size = if bucket.lifecycle_keeps_small == Some(false) { BY_CLASS } else { ALL_CLASSES };
    Ok(GetBucketLifecycleConfigurationOutput {
        rules: Some(found.rules),
        transition_default_minimum_object_size: Some(size.to_owned()),
    })
}

/// Takes the rules away.
///
/// # Errors
/// `NoSuchBucket`.
pub async fn delete_bucket_lifecycle(
    service: &Arc<S3>,
    _cx: &Ctx,
    input: DeleteBucketLifecycleRequest,
) -> Result<api::Empty, Error> {
    service.bucket(&input.bucket, input.expected_bucket_owner.as_deref()).await?;
    let timers = service.platform.timers.partition(&keys::bucket_partition(&input.bucket)).await.or_failure()?;
    service
        .on_bucket(&input.bucket, move |bucket, rows| {
            bucket.lifecycle_keeps_small = None;
            timers.cancel(rows, TIMER)?;
            settings::remove::<BucketLifecycleConfiguration>(rows, ONLY).map(|_| ())
        })
        .await?;
    Ok(api::Empty)
}

/// `x-amz-expiration` of a version that is the current one, if a rule will let it expire.
///
/// # Errors
/// A failure of the store.
pub async fn expiration(
    service: &S3,
    (name, bucket): (&str, &Bucket),
    key: &str,
    version: &Version,
) -> Result<Option<String>, Error> {
    let Some(rules) = service.lifecycle(name, bucket).await? else { return Ok(None) };
    Ok(rules.expiry(key, version).map(|(at, rule)| {
        let mut date = String::new();
        Timestamp::from_milliseconds(at).write(TimestampFormat::Rfc822, &mut date);
        format!("expiry-date=\"{date}\", rule-id=\"{}\"", crate::names::listed(rule, true))
    }))
}

/// When an upload is abandoned, and by which rule.
///
/// # Errors
/// A failure of the store.
pub async fn abandonment(
    service: &S3,
    (name, bucket): (&str, &Bucket),
    key: &str,
    initiated: i64,
) -> Result<(Option<Timestamp>, Option<String>), Error> {
    let Some(rules) = service.lifecycle(name, bucket).await? else { return Ok((None, None)) };
    let found = rules.abandonment(key, initiated);
    Ok((found.map(|(at, _)| Timestamp::from_milliseconds(at)), found.map(|(_, rule)| crate::names::listed(rule, true))))
}
