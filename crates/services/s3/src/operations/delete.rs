//! `DeleteObject` and `DeleteObjects`.

use std::sync::Arc;

use api::s3::{
    DeleteObjectOutput, DeleteObjectRequest, DeleteObjectsOutput, DeleteObjectsRequest, DeletedObject,
    Error as FailedDelete, ObjectIdentifier,
};
use platform::Ctx;
use store::{Abort, Transaction};
use wire::{Error, Timestamp};

use super::put::{fresh_id, shown_id};
use crate::bucket::{Bucket, Versioning};
use crate::condition;
use crate::errors;
use crate::event::{Kind, Occasion};
use crate::guard::{bypass, deletion, found};
use crate::keys;
use crate::limits::PAGE_MAX;
use crate::lock::{self, Held};
use crate::names::check_key;
use crate::rows;
use crate::service::{S3, account_of};
use crate::version::{NULL, Version};
use crate::versions;

/// What must be so for an object to be deleted.
#[derive(Debug, Clone, Default)]
struct Conditions {
    etag: Option<String>,
    modified: Option<Timestamp>,
    size: Option<i64>,
}

impl Conditions {
    fn check(&self, key: &str, current: Option<&Version>) -> Result<(), Error> {
        let Some(current) = current.filter(|current| !current.is_marker) else {
            // Without an entity tag that is asked for, that there is nothing to delete is no failure.
            return self.etag.as_ref().map_or(Ok(()), |_| Err(errors::no_key(key)));
        };
        if self.etag.as_deref().is_some_and(|list| !condition::names(list, &current.etag)) {
            return Err(errors::precondition("If-Match"));
        }
        if self.modified.is_some_and(|time| time.seconds != current.modified_at().seconds) {
            return Err(errors::precondition("x-amz-if-match-last-modified-time"));
        }
        if self.size.is_some_and(|size| u64::try_from(size) != Ok(current.size)) {
            return Err(errors::precondition("x-amz-if-match-size"));
        }
        Ok(())
    }
}

/// One deletion.
#[derive(Clone)]
struct Deletion {
    key: String,
    version: Option<String>,
    conditions: Conditions,
    /// Id of the delete marker, if there will be one.
    marker_id: String,
    owner: String,
    now: i64,
    /// Whether a retention in governance mode is passed over.
    may_bypass: bool,
    occasion: Occasion,
}

impl Deletion {
    /// Tells that a version is gone; that comes after all that was told of it.
    fn tell_gone(&self, rows: &mut dyn Transaction, bucket: &Bucket, version: &Version) -> Result<(), Abort<Error>> {
        let gone = Version { sequence: versions::sequence_after(self.now, Some(version)), ..version.clone() };
        self.occasion.tell(rows, bucket, Kind::Delete, &self.key, &gone)
    }
}

/// What became of it.
enum Deleted {
    /// A version is gone for good; it may have been a marker.
    Gone { is_marker: bool },
    /// A marker was put over the object.
    Marked(Box<Version>),
}

fn delete(rows: &mut dyn Transaction, bucket: &Bucket, asked: &Deletion) -> Result<Deleted, Abort<Error>> {
    if let Some(id) = &asked.version {
        let found = versions::by_id(rows, &asked.key, id)?;
        asked.conditions.check(&asked.key, found.as_ref())?;
        if let Some(version) = &found {
            match version.protection.holds(asked.now) {
                Some(Held::Governed) if asked.may_bypass => {}
                Some(_) => return Err(lock::protected().into()),
                None => {}
            }
            versions::remove(rows, &asked.key, version)?;
            asked.tell_gone(rows, bucket, version)?;
        }
        return Ok(Deleted::Gone { is_marker: found.is_some_and(|version| version.is_marker) });
    }
    let current: Option<Version> = rows::read(rows, &keys::current(&asked.key))?;
    asked.conditions.check(&asked.key, current.as_ref())?;
    if bucket.versioning == Versioning::Never {
        if let Some(version) = versions::by_id(rows, &asked.key, NULL)? {
            versions::remove(rows, &asked.key, &version)?;
            asked.tell_gone(rows, bucket, &version)?;
        }
        return Ok(Deleted::Gone { is_marker: false });
    }
    let marker = Version::marker(&asked.owner, asked.now);
    let marker = versions::add(rows, bucket, &asked.key, marker, &asked.marker_id)?;
    asked.occasion.replicate(rows, bucket, &asked.key, &marker)?;
    asked.occasion.tell(rows, bucket, Kind::MarkerCreated, &asked.key, &marker)?;
    Ok(Deleted::Marked(Box::new(marker)))
}

/// Deletes an object, or one of its versions. What does not exist is deleted, too.
///
/// # Errors
/// `NoSuchBucket`, `PreconditionFailed`, `InvalidArgument`.
pub async fn delete_object(
    service: &Arc<S3>,
    cx: &Ctx,
    input: DeleteObjectRequest,
) -> Result<DeleteObjectOutput, Error> {
    let bucket = found::bucket(service, cx, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
    check_key(&input.key)?;
    if let Some(id) = &input.version_id {
        versions::check_id(id)?;
    }
    check_bypass(&bucket, input.bypass_governance_retention)?;
    let version = input.version_id.as_deref();
    let may_bypass =
        bypasses(service, cx, &input.bucket, &input.key, version, input.bypass_governance_retention).await?;
    let conditions =
        Conditions { etag: input.if_match, modified: input.if_match_last_modified_time, size: input.if_match_size };
    let asked = Deletion {
        key: input.key,
        version: input.version_id.clone(),
        conditions,
        marker_id: fresh_id(service),
        owner: account_of(cx, &bucket),
        now: service.platform.clock.milliseconds(),
        may_bypass,
        occasion: Occasion::of(service, cx, &input.bucket, &bucket).await?,
    };
    let deleted = service.on_bucket(&input.bucket, move |bucket, rows| delete(rows, bucket, &asked)).await?;
    Ok(match deleted {
        Deleted::Gone { is_marker } => DeleteObjectOutput {
            delete_marker: is_marker.then_some(true),
            version_id: input.version_id,
            ..DeleteObjectOutput::default()
        },
        Deleted::Marked(marker) => DeleteObjectOutput {
            delete_marker: Some(true),
            version_id: Some(shown_id(&marker).unwrap_or_else(|| NULL.to_owned())),
            ..DeleteObjectOutput::default()
        },
    })
}

/// That a retention is to be passed over can be said only where there may be one.
fn check_bypass(bucket: &Bucket, asked: Option<bool>) -> Result<(), Error> {
    if asked.is_none() || bucket.lock.is_some() {
        return Ok(());
    }
    let text = "x-amz-bypass-governance-retention is only applicable to Object Lock enabled buckets.";
    Err(errors::argument_without_value(text, "x-amz-bypass-governance-retention"))
}

/// Whether a retention is passed over: asked for, needed, and allowed.
async fn bypasses(
    service: &S3,
    cx: &Ctx,
    bucket: &str,
    key: &str,
    version: Option<&str>,
    asked: Option<bool>,
) -> Result<bool, Error> {
    let (Some(id), Some(true)) = (version, asked) else { return Ok(false) };
    let found = match versions::find(service, bucket, key, Some(id)).await {
        Err(error) if error.is("NoSuchVersion") => None,
        found => found?,
    };
    let now = service.platform.clock.milliseconds();
    if found.and_then(|version| version.protection.holds(now)) != Some(Held::Governed) {
        return Ok(false);
    }
    cx.authorise(bypass(cx, bucket, key)).await?;
    Ok(true)
}

/// Deletes objects, each on its own.
///
/// # Errors
/// `NoSuchBucket`, `MalformedXML`.
pub async fn delete_objects(
    service: &Arc<S3>,
    cx: &Ctx,
    input: DeleteObjectsRequest,
) -> Result<DeleteObjectsOutput, Error> {
    let bucket = service.bucket(&input.bucket, input.expected_bucket_owner.as_deref()).await?;
    if input.delete.objects.is_empty() || input.delete.objects.len() > PAGE_MAX as usize {
        return Err(errors::malformed_xml());
    }
    let occasion = Occasion::of(service, cx, &input.bucket, &bucket).await?;
    let is_quiet = input.delete.quiet == Some(true);
    let (mut deleted, mut failed) = (Vec::new(), Vec::new());
    check_bypass(&bucket, input.bypass_governance_retention)?;
    for object in input.delete.objects {
        let (key, version) = (object.key.clone(), object.version_id.clone());
        let done = delete_one(service, cx, &bucket, (&occasion, input.bypass_governance_retention), object).await;
        match done {
            Ok(done) => deleted.push(shown(key, version, done)),
            Err(error) => failed.push(FailedDelete {
                key: Some(key),
                version_id: version,
                code: Some(error.definition.code.to_owned()),
                message: error.message.map(|message| message.into_owned()),
            }),
        }
    }
    let deleted = Some(deleted).filter(|deleted| !is_quiet && !deleted.is_empty());
    Ok(DeleteObjectsOutput { deleted, errors: Some(failed).filter(|failed| !failed.is_empty()), ..Default::default() })
}

/// Deletes one object of several.
async fn delete_one(
    service: &S3,
    cx: &Ctx,
    bucket: &Bucket,
    (occasion, bypass): (&Occasion, Option<bool>),
    object: ObjectIdentifier,
) -> Result<Deleted, Error> {
    let name = occasion.bucket();
    check_key(&object.key)?;
    let version = object.version_id.as_deref();
    version.map_or(Ok(()), versions::check_id)?;
    cx.authorise(deletion(cx, name, &object.key, version)).await?;
    let may_bypass = bypasses(service, cx, name, &object.key, version, bypass).await?;
    let asked = Deletion {
        key: object.key,
        version: object.version_id,
        conditions: Conditions { etag: object.etag, modified: object.last_modified_time, size: object.size },
        marker_id: fresh_id(service),
        owner: account_of(cx, bucket),
        now: service.platform.clock.milliseconds(),
        may_bypass,
        occasion: occasion.clone(),
    };
    service.on_bucket(name, move |bucket, rows| delete(rows, bucket, &asked)).await
}

fn shown(key: String, version: Option<String>, done: Deleted) -> DeletedObject {
    let mut shown = DeletedObject { key: Some(key), version_id: version.clone(), ..DeletedObject::default() };
    match done {
        Deleted::Gone { is_marker: false } => {}
        Deleted::Gone { is_marker: true } => {
            shown.delete_marker = Some(true);
            shown.delete_marker_version_id = version;
        }
        Deleted::Marked(marker) => {
            shown.delete_marker = Some(true);
            shown.delete_marker_version_id = Some(marker.id);
        }
    }
    shown
}
