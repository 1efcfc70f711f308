//! `RestoreObject`: readable copies of archived objects, and their end.

use std::sync::Arc;

use api::s3::{RestoreObjectOutput, RestoreObjectRequest, RestoreRequest, RestoreStatus, errors as s3_errors};
use platform::{Ctx, Firing, OrFailure};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use wire::error::Scalar;
use wire::schema::TimestampFormat;
use wire::{Error, Timestamp};

use super::get::readable;
use crate::errors;
use crate::event::{Kind, Occasion};
use crate::keys;
use crate::limits::{DAY_MILLISECONDS, RESTORE_TIME};
use crate::service::S3;
use crate::version::{Restore, Version};
use crate::versions;

/// The kind of timer that ends a restoration, or a restored copy.
pub const KIND: &str = "s3/restore";

/// What a timer is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Due {
    bucket: String,
    key: String,
    version: String,
    sequence: u64,
}

impl Due {
    fn id(&self) -> String {
        format!("restore/{}/{}", self.sequence, self.key)
    }
}

/// Refuses to read an archived object that is not restored.
///
/// # Errors
/// `InvalidObjectState`.
pub fn check_readable(version: &Version, message: &'static str) -> Result<(), Error> {
    if !is_archived(version) || version.restored_until().is_some() {
        return Ok(());
    }
    Err(s3_errors::invalid_object_state(message).with("StorageClass", Scalar::from(version.storage_class())))
}

fn is_archived(version: &Version) -> bool {
    matches!(version.description.storage_class.as_deref(), Some("GLACIER" | "DEEP_ARCHIVE"))
}

/// `x-amz-restore`.
pub fn header(version: &Version) -> Option<String> {
    let restore = version.restore.as_ref()?;
    Some(match restore.until {
        None => "ongoing-request=\"true\"".to_owned(),
        Some(until) => {
            let mut date = String::new();
            Timestamp::from_milliseconds(until).write(TimestampFormat::Rfc822, &mut date);
            format!("ongoing-request=\"false\", expiry-date=\"{date}\"")
        }
    })
}

/// `RestoreStatus` of a listing.
pub fn status(version: &Version) -> Option<RestoreStatus> {
    let restore = version.restore.as_ref()?;
    Some(RestoreStatus {
        is_restore_in_progress: Some(restore.until.is_none()),
        restore_expiry_date: restore.until.map(Timestamp::from_milliseconds),
    })
}

/// Begins to restore an object, or sets how long a restored copy stays.
///
/// # Errors
/// `NoSuchKey`, `InvalidObjectState`, `RestoreAlreadyInProgress`, `MalformedXML`.
pub async fn restore_object(
    service: &Arc<S3>,
    cx: &Ctx,
    input: RestoreObjectRequest,
) -> Result<RestoreObjectOutput, Error> {
    let bucket = service.bucket(&input.bucket, input.expected_bucket_owner.as_deref()).await?;
    let (id, owner) = (input.version_id.as_deref(), input.expected_bucket_owner.as_deref());
    let version = readable(service, cx, &input.bucket, &input.key, id, owner).await?;
    if !is_archived(&version) {
        let text = "Restore is not allowed for the object's current storage class";
        return Err(s3_errors::invalid_object_state(text).with("StorageClass", Scalar::from(version.storage_class())));
    }
    let days = days_of(input.restore_request.as_ref(), &version)?;
    let timers = service.platform.timers.partition(&keys::bucket_partition(&input.bucket)).await.or_failure()?;
    let occasion = Occasion::of(service, cx, &input.bucket, &bucket).await?;
    let (now, key) = (service.platform.clock.milliseconds(), input.key);
    let due = Due { bucket: input.bucket.clone(), key, version: version.id, sequence: version.sequence };
    let asked = service.on_bucket(&input.bucket, move |bucket, rows| {
        let found = versions::by_id(rows, &due.key, &due.version)?.filter(|found| found.sequence == due.sequence);
        let mut version = found.ok_or_else(|| errors::no_key(&due.key))?;
        let was = version.restore.take();
        let (restore, at, is_new) = match &was {
            Some(Restore { until: None, .. }) => {
                let text = "Object restore is already in progress";
                return Err(s3_errors::restore_already_in_progress(text).into());
            }
            Some(Restore { until: Some(_), .. }) => {
                let until = expiry(now, days);
                (Restore { until: Some(until), days }, until, false)
            }
            None => (Restore { until: None, days }, now + RESTORE_TIME.as_millis() as i64, true),
        };
        version.restore = Some(restore);
        let newest = versions::newest(rows, &due.key)?;
        let is_newest = newest.is_some_and(|newest| newest.sequence == version.sequence);
        versions::save(rows, &due.key, &version, is_newest)?;
        let payload = serde_json::to_value(&due).unwrap_or(Value::Null);
        timers.set(rows, &timers.timer(due.id(), Timestamp::from_milliseconds(at), KIND, payload))?;
        if is_new {
            occasion.tell(rows, bucket, Kind::RestorePost, &due.key, &version)?;
        }
        Ok(is_new)
    });
    let status = if asked.await? { 202 } else { 200 };
    Ok(RestoreObjectOutput { status_code: Some(status), ..RestoreObjectOutput::default() })
}

/// The number of days that a request asks for.
fn days_of(request: Option<&RestoreRequest>, version: &Version) -> Result<i32, Error> {
    let request = request.ok_or_else(errors::malformed_xml)?;
    if request.r#type.is_some() || request.select_parameters.is_some() || request.output_location.is_some() {
        return Err(errors::unsupported("SelectParameters"));
    }
    let tier = request.glacier_job_parameters.as_ref().map(|parameters| parameters.tier.as_str());
    match tier.or(request.tier.as_deref()) {
        None | Some("Standard" | "Bulk") => {}
        Some("Expedited") if version.description.storage_class.as_deref() == Some("GLACIER") => {}
        Some("Expedited") => {
            let text = "Retrieval option is not supported by this storage class";
            return Err(s3_errors::invalid_argument(text));
        }
        Some(_) => return Err(errors::malformed_xml()),
    }
    request.days.filter(|days| *days > 0).ok_or_else(errors::malformed_xml)
}

/// When a copy that is restored now ends: at the midnight after its days (S3 API Reference, "RestoreObject").
fn expiry(now: i64, days: i32) -> i64 {
    (now.div_euclid(DAY_MILLISECONDS) + 1 + i64::from(days)) * DAY_MILLISECONDS
}

/// Ends a restoration, or a restored copy.
///
/// # Errors
/// A failure of the store.
pub async fn fire(service: Arc<S3>, firing: Firing) -> Result<(), Error> {
    let Ok(due) = serde_json::from_value::<Due>(firing.payload.clone()) else {
        tracing::error!(id = firing.id, "a restoration of an unknown format is dropped");
        return Ok(());
    };
    let Some(bucket) = service.find_bucket(&due.bucket).await? else { return Ok(()) };
    let timers = service.platform.timers.partition(&firing.partition).await.or_failure()?;
    let occasion = Occasion::quiet(&service, &due.bucket, &bucket).await?;
    let (now, name) = (service.platform.clock.milliseconds(), due.bucket.clone());
    let ended = service.on_bucket(&name, move |bucket, rows| {
        if !firing.complete(rows)? {
            return Ok(());
        }
        let found = versions::by_id(rows, &due.key, &due.version)?.filter(|found| found.sequence == due.sequence);
        let Some(mut version) = found else { return Ok(()) };
        let kind = match version.restore.take() {
            Some(Restore { until: None, days }) => {
                let until = expiry(now, days);
                version.restore = Some(Restore { until: Some(until), days });
                let timer = timers.timer(due.id(), Timestamp::from_milliseconds(until), KIND, firing.payload.clone());
                timers.set(rows, &timer)?;
                Kind::RestoreCompleted
            }
            Some(Restore { until: Some(_), .. }) => Kind::RestoreDelete,
            None => return Ok(()),
        };
        let newest = versions::newest(rows, &due.key)?;
        let is_newest = newest.is_some_and(|newest| newest.sequence == version.sequence);
        versions::save(rows, &due.key, &version, is_newest)?;
        occasion.tell(rows, bucket, kind, &due.key, &version)
    });
    ended.await
}
