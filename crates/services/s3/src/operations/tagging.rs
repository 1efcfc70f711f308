//! Tags of objects and buckets.

use std::sync::Arc;

use api::s3::{
    DeleteBucketTaggingRequest, DeleteObjectTaggingOutput, DeleteObjectTaggingRequest, GetBucketTaggingOutput,
    GetBucketTaggingRequest, GetObjectTaggingOutput, GetObjectTaggingRequest, PutBucketTaggingRequest,
    PutObjectTaggingOutput, PutObjectTaggingRequest, errors as s3_errors,
};
use platform::Ctx;
use wire::Error;
use wire::error::Scalar;

use super::get::readable;
use super::put::shown_id;
use crate::event::{Kind, Occasion};
use crate::limits::{BUCKET_TAGS_MAX, OBJECT_TAGS_MAX};
use crate::service::S3;
use crate::tags::{self, Tags};
use crate::version::Version;
use crate::versions;

/// Gives a bucket tags in place of those it has.
///
/// # Errors
/// `NoSuchBucket`, `InvalidTag`.
pub async fn put_bucket_tagging(
    service: &Arc<S3>,
    _cx: &Ctx,
    input: PutBucketTaggingRequest,
) -> Result<api::Empty, Error> {
    service.bucket(&input.bucket, input.expected_bucket_owner.as_deref()).await?;
    let tags = tags::of_document(input.tagging, BUCKET_TAGS_MAX)?;
    set_bucket_tags(service, &input.bucket, tags).await
}

/// Takes a bucket's tags away.
///
/// # Errors
/// `NoSuchBucket`.
pub async fn delete_bucket_tagging(
    service: &Arc<S3>,
    _cx: &Ctx,
    input: DeleteBucketTaggingRequest,
) -> Result<api::Empty, Error> {
    service.bucket(&input.bucket, input.expected_bucket_owner.as_deref()).await?;
    set_bucket_tags(service, &input.bucket, Tags::new()).await
}

async fn set_bucket_tags(service: &S3, bucket: &str, tags: Tags) -> Result<api::Empty, Error> {
    let set = service.on_bucket(bucket, move |bucket, _| {
        bucket.tags = tags.clone();
        Ok(())
    });
    set.await?;
    Ok(api::Empty)
}

/// Answers a bucket's tags.
///
/// # Errors
/// `NoSuchBucket`, `NoSuchTagSet`.
pub async fn get_bucket_tagging(
    service: &Arc<S3>,
    _cx: &Ctx,
    input: GetBucketTaggingRequest,
) -> Result<GetBucketTaggingOutput, Error> {
    let bucket = service.bucket(&input.bucket, input.expected_bucket_owner.as_deref()).await?;
    if bucket.tags.is_empty() {
        let error = s3_errors::no_such_tag_set("The TagSet does not exist");
        return Err(error.with("BucketName", Scalar::from(input.bucket)));
    }
    Ok(GetBucketTaggingOutput { tag_set: tags::listed(&bucket.tags) })
}

/// Gives an object tags in place of those it has.
///
/// # Errors
/// `NoSuchKey`, `InvalidTag`.
pub async fn put_object_tagging(
    service: &Arc<S3>,
    cx: &Ctx,
    input: PutObjectTaggingRequest,
) -> Result<PutObjectTaggingOutput, Error> {
    let (id, owner) = (input.version_id.as_deref(), input.expected_bucket_owner.as_deref());
    let version = readable(service, cx, &input.bucket, &input.key, id, owner).await?;
    let tags = tags::of_document(input.tagging, OBJECT_TAGS_MAX)?;
    set_tags(service, cx, (&input.bucket, &input.key), &version, tags, Kind::TagsPut).await?;
    Ok(PutObjectTaggingOutput { version_id: shown_id(&version) })
}

/// Takes an object's tags away.
///
/// # Errors
/// `NoSuchKey`.
pub async fn delete_object_tagging(
    service: &Arc<S3>,
    cx: &Ctx,
    input: DeleteObjectTaggingRequest,
) -> Result<DeleteObjectTaggingOutput, Error> {
    let (id, owner) = (input.version_id.as_deref(), input.expected_bucket_owner.as_deref());
    let version = readable(service, cx, &input.bucket, &input.key, id, owner).await?;
    set_tags(service, cx, (&input.bucket, &input.key), &version, Tags::new(), Kind::TagsDelete).await?;
    Ok(DeleteObjectTaggingOutput { version_id: shown_id(&version) })
}

async fn set_tags(
    service: &S3,
    cx: &Ctx,
    (bucket, key): (&str, &str),
    version: &Version,
    tags: Tags,
    kind: Kind,
) -> Result<(), Error> {
    let found = service.bucket(bucket, None).await?;
    let occasion = Occasion::of(service, cx, bucket, &found).await?;
    let change = move |version: &mut Version| {
        version.tags = tags.clone();
        Ok(())
    };
    versions::change(service, (bucket, key), version, Some((occasion, kind)), change).await
}

/// Answers an object's tags.
///
/// # Errors
/// `NoSuchKey`.
pub async fn get_object_tagging(
    service: &Arc<S3>,
    cx: &Ctx,
    input: GetObjectTaggingRequest,
) -> Result<GetObjectTaggingOutput, Error> {
    let (id, owner) = (input.version_id.as_deref(), input.expected_bucket_owner.as_deref());
    let version = readable(service, cx, &input.bucket, &input.key, id, owner).await?;
    Ok(GetObjectTaggingOutput { version_id: shown_id(&version), tag_set: tags::listed(&version.tags) })
}
