//! `CreateBucket`, `DeleteBucket`, `HeadBucket`, `GetBucketLocation`, `ListBuckets`.

use std::sync::Arc;

use api::s3::{
    Bucket as ListedBucket, CreateBucketOutput, CreateBucketRequest, DeleteBucketRequest, GetBucketLocationOutput,
    GetBucketLocationRequest, HeadBucketOutput, HeadBucketRequest, ListBucketsOutput, ListBucketsRequest, Owner,
    Tagging, errors as s3_errors,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use platform::{Ctx, OrFailure};
use store::Direction;
use wire::Error;
use wire::error::Scalar;

use super::policy::OWNERSHIPS;
use crate::access::{Access, PublicAccessBlock, asked_grants, check_canned};
use crate::bucket::{Bucket, Versioning, canonical_id};
use crate::errors;
use crate::keys;
use crate::limits::{BUCKET_TAGS_MAX, BUCKETS_MAX};
use crate::lock::BucketLock;
use crate::names::is_bucket_name;
use crate::notification::Notifications;
use crate::rows;
use crate::service::S3;
use crate::tags;
use crate::version::whole_seconds;

/// The region whose buckets have no location constraint.
const CLASSIC: &str = "us-east-1";

/// Makes a bucket.
///
/// # Errors
/// `InvalidBucketName`, `BucketAlreadyExists`, `BucketAlreadyOwnedByYou`, `TooManyBuckets`, `InvalidLocationConstraint`,
/// `IllegalLocationConstraintException`.
pub async fn create_bucket(
    service: &Arc<S3>,
    cx: &Ctx,
    input: CreateBucketRequest,
) -> Result<CreateBucketOutput, Error> {
    let name = input.bucket.clone();
    if !is_bucket_name(&name) {
        let error = s3_errors::invalid_bucket_name("The specified bucket is not valid.");
        return Err(error.with("BucketName", Scalar::from(name)));
    }
    check_asked(&input)?;
    let grants = asked_grants!(input, grant_write).grants(&cx.account, &cx.account)?;
    let configuration = input.create_bucket_configuration.unwrap_or_default();
    let region = region_of(cx, configuration.location_constraint.as_deref())?;
    check_namespace(cx, input.bucket_namespace.as_deref(), &name, &region)?;
    let ownership = input.object_ownership.unwrap_or_else(|| OWNERSHIPS[0].to_owned());
    let is_locked = input.object_lock_enabled_for_bucket == Some(true);
    let access = Access { block: Some(PublicAccessBlock::ALL), grants, ..Access::default() };
    let tagging = Tagging { tag_set: configuration.tags.unwrap_or_default(), ..Tagging::default() };
    let bucket = Bucket {
        id: service.platform.ids.hex(16),
        owner: cx.account.clone(),
        region,
        created: service.platform.clock.milliseconds(),
        versioning: if is_locked { Versioning::Enabled } else { Versioning::Never },
        lock: is_locked.then(BucketLock::default),
        has_abac: false,
        says_no_mfa: false,
        requester_pays: false,
        is_accelerated: None,
        lifecycle_keeps_small: None,
        is_logged: false,
        ownership: Some(ownership),
        encryption: None,
        notifications: Notifications::default(),
        replication: None,
        tags: tags::of_document(tagging, BUCKET_TAGS_MAX)?,
    };
    let arn = format!("arn:aws:s3:::{name}");
    let output = CreateBucketOutput { location: Some(format!("/{name}")), bucket_arn: Some(arn) };
    if let Some(existing) = service.find_bucket(&name).await? {
        return exists(cx, &name, &existing).map(|()| output);
    }
    let (index, id) = (keys::indexed(&bucket.owner, &name), bucket.id.clone());
    let own = keys::indexed_starting(&bucket.owner, "");
    // The index may name a bucket that does not exist, but never misses one that does.
    let listed = service.transact(keys::index(), move |rows| {
        if rows.scan(own.clone(), Direction::Forward, BUCKETS_MAX)?.len() >= BUCKETS_MAX {
            let text = "You have attempted to create more buckets than allowed";
            return Err(s3_errors::too_many_buckets(text).into());
        }
        rows::put(rows, &index, &id)
    });
    listed.await?;
    let made = service.transact(keys::bucket_partition(&name), move |rows| {
        let existing: Option<Bucket> = rows::read(rows, &keys::bucket())?;
        if existing.is_none() {
            rows::put(rows, &keys::bucket(), &bucket)?;
            rows::put(rows, &keys::access(), &access)?;
        }
        Ok(existing)
    });
    if let Some(existing) = made.await? {
        exists(cx, &name, &existing)?;
    }
    Ok(output)
}

/// What is told about a bucket that exists: in the oldest region, its owner may make it again.
fn exists(cx: &Ctx, name: &str, existing: &Bucket) -> Result<(), Error> {
    if existing.owner != cx.account {
        let text = "The requested bucket name is not available. The bucket namespace is shared by all users of the system. \
                    Please select a different name and try again.";
        return Err(s3_errors::bucket_already_exists(text).with("BucketName", Scalar::from(name)));
    }
    if existing.region == CLASSIC && cx.region == CLASSIC {
        return Ok(());
    }
    let text = "Your previous request to create the named bucket succeeded and you already own it.";
    Err(s3_errors::bucket_already_owned_by_you(text).with("BucketName", Scalar::from(name)))
}

/// The names of an account's own namespace end with the account and the region (S3 User Guide, "Namespaces for general
/// purpose buckets").
fn check_namespace(cx: &Ctx, namespace: Option<&str>, name: &str, region: &str) -> Result<(), Error> {
    let suffix = format!("-{}-{region}-an", cx.account);
    match namespace {
        None | Some("global") => Ok(()),
        Some("account-regional") if name.ends_with(&suffix) => Ok(()),
        Some("account-regional") => Err(errors::foreign_namespace(&suffix)),
        Some(_) => Err(errors::unsupported("x-amz-bucket-namespace")),
    }
}

/// Grants for others need an ownership that knows them.
fn check_asked(input: &CreateBucketRequest) -> Result<(), Error> {
    check_canned(input.acl.as_deref())?;
    let asked = asked_grants!(input, grant_write);
    let is_private = asked.headers.is_empty() && input.acl.as_deref().is_none_or(|acl| acl == "private");
    let is_enforced = input.object_ownership.as_deref().is_none_or(|ownership| ownership == OWNERSHIPS[0]);
    if is_enforced && !is_private {
        let text = "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting";
        return Err(s3_errors::invalid_bucket_acl_with_object_ownership(text));
    }
    match input.object_ownership.as_deref() {
        Some(other) if !OWNERSHIPS.contains(&other) => {
            let text = format!("Invalid x-amz-object-ownership header: {other}");
            Err(errors::argument_without_value(text, "x-amz-object-ownership"))
        }
        _ => Ok(()),
    }
}

/// The region that a new bucket gets.
fn region_of(cx: &Ctx, constraint: Option<&str>) -> Result<String, Error> {
    let region = match constraint.filter(|constraint| !constraint.is_empty()) {
        None if cx.region == CLASSIC => CLASSIC,
        None => return Err(errors::illegal_location("unspecified")),
        Some(CLASSIC) if cx.region == CLASSIC => {
            let error = s3_errors::invalid_location_constraint("The specified location-constraint is not valid");
            return Err(error.with("LocationConstraint", Scalar::from(CLASSIC)));
        }
        Some("EU") => "eu-west-1",
        Some(constraint) => constraint,
    };
    let is_region = region.len() <= 32 && region.split('-').count() >= 3;
    if !is_region {
        let error = s3_errors::invalid_location_constraint("The specified location-constraint is not valid");
        return Err(error.with("LocationConstraint", Scalar::from(region)));
    }
    if cx.region != CLASSIC && cx.region != region {
        return Err(errors::illegal_location(region));
    }
    Ok(region.to_owned())
}

/// Deletes a bucket without objects.
///
/// # Errors
/// `NoSuchBucket`, `BucketNotEmpty`.
pub async fn delete_bucket(service: &Arc<S3>, _cx: &Ctx, input: DeleteBucketRequest) -> Result<api::Empty, Error> {
    let name = input.bucket.clone();
    let bucket = service.bucket(&name, input.expected_bucket_owner.as_deref()).await?;
    let id = bucket.id.clone();
    let (owned, partition) = (name.clone(), keys::bucket_partition(&name));
    let deleted = service.transact(partition, move |rows| {
        let found: Bucket = rows::read(rows, &keys::bucket())?.ok_or_else(|| errors::no_bucket(&owned))?;
        if found.id != id {
            return Err(errors::no_bucket(&owned).into());
        }
        if !rows.scan(keys::versions(""), Direction::Forward, 1)?.is_empty() {
            let versioned = "The bucket you tried to delete is not empty. You must delete all versions in the bucket.";
            let plain = "The bucket you tried to delete is not empty";
            let text = if found.versioning == Versioning::Never { plain } else { versioned };
            return Err(s3_errors::bucket_not_empty(text).with("BucketName", Scalar::from(owned.as_str())).into());
        }
        // Uploads that nobody completed go with the bucket.
        rows.delete_range(keys::uploads(""));
        rows.delete_range(keys::all_uploaded_parts());
        rows.delete_range(keys::all_settings());
        rows.delete(&keys::access());
        rows.delete(&keys::bucket());
        Ok(())
    });
    deleted.await?;
    if bucket.is_logged {
        super::logging::list(service, &name, false).await?;
    }
    let index = keys::indexed(&bucket.owner, &name);
    let unlisted = service.transact(keys::index(), move |rows| {
        // A bucket of the same name may have been made meanwhile.
        if rows::read::<String>(rows, &index)?.as_ref() == Some(&bucket.id) {
            rows.delete(&index);
        }
        Ok(())
    });
    unlisted.await?;
    Ok(api::Empty)
}

/// Tells whether a bucket exists.
///
/// # Errors
/// `NoSuchBucket`.
pub async fn head_bucket(service: &Arc<S3>, _cx: &Ctx, input: HeadBucketRequest) -> Result<HeadBucketOutput, Error> {
    let bucket = service.bucket(&input.bucket, input.expected_bucket_owner.as_deref()).await?;
    Ok(HeadBucketOutput {
        bucket_arn: Some(format!("arn:aws:s3:::{}", input.bucket)),
        bucket_region: Some(bucket.region),
        access_point_alias: Some(false),
        ..HeadBucketOutput::default()
    })
}

/// Answers where a bucket is; nothing for the oldest region.
///
/// # Errors
/// `NoSuchBucket`.
pub async fn get_bucket_location(
    service: &Arc<S3>,
    _cx: &Ctx,
    input: GetBucketLocationRequest,
) -> Result<GetBucketLocationOutput, Error> {
    let bucket = service.bucket(&input.bucket, input.expected_bucket_owner.as_deref()).await?;
    Ok(GetBucketLocationOutput { location_constraint: Some(bucket.region).filter(|region| region != CLASSIC) })
}

/// Lists the buckets of the caller's account.
///
/// # Errors
/// `InvalidArgument`.
pub async fn list_buckets(service: &Arc<S3>, cx: &Ctx, input: ListBucketsRequest) -> Result<ListBucketsOutput, Error> {
    let prefix = input.prefix.clone().unwrap_or_default();
    let max = match input.max_buckets {
        None => BUCKETS_MAX,
        Some(max) => usize::try_from(max).ok().filter(|max| (1..=BUCKETS_MAX).contains(max)).ok_or_else(|| {
            let text = "Argument max-buckets must be an integer between 1 and 10000";
            errors::argument(text, "max-buckets", &max.to_string())
        })?,
    };
    let mut range = keys::indexed_starting(&cx.account, &prefix);
    if let Some(token) = &input.continuation_token {
        let after = STANDARD.decode(token).ok().and_then(|after| String::from_utf8(after).ok());
        let refused = || errors::argument("The continuation token provided is incorrect", "continuation-token", token);
        range = range.after(&keys::indexed(&cx.account, &after.ok_or_else(refused)?));
    }
    let found =
        service.platform.store.scan(&keys::index(), range, Direction::Forward, BUCKETS_MAX).await.or_failure()?;
    let (mut buckets, mut token) = (Vec::new(), None);
    for (key, _) in &found {
        let (_, name) = rows::key_part(keys::read_indexed(key))?;
        let Some(bucket) = service.find_bucket(&name).await?.filter(|bucket| bucket.owner == cx.account) else {
            continue;
        };
        if input.bucket_region.as_ref().is_some_and(|region| *region != bucket.region) {
            continue;
        }
        if buckets.len() == max {
            token = buckets.last().and_then(|last: &ListedBucket| Some(STANDARD.encode(last.name.as_ref()?)));
            break;
        }
        buckets.push(ListedBucket {
            bucket_arn: Some(format!("arn:aws:s3:::{name}")),
            name: Some(name),
            creation_date: Some(whole_seconds(bucket.created)),
            bucket_region: (input.max_buckets.is_some() || input.bucket_region.is_some()).then_some(bucket.region),
        });
    }
    let owner = Owner { id: Some(canonical_id(&cx.account)), ..Owner::default() };
    Ok(ListBucketsOutput {
        buckets: Some(buckets),
        owner: Some(owner),
        continuation_token: token,
        prefix: input.prefix,
    })
}
