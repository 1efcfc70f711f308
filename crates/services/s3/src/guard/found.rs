//! What deciding about a call has read of a bucket and an object, so that the operation need not read it again.

use platform::Ctx;
use wire::Error;

use crate::bucket::Bucket;
use crate::service::S3;
use crate::version::Version;
use crate::versions;

/// A bucket, and the object that was looked for in it.
pub struct Found {
    pub(super) name: String,
    pub(super) bucket: Bucket,
    pub(super) object: Option<FoundObject>,
}

/// A version of an object that is there.
pub struct FoundObject {
    pub(super) key: String,
    /// The version id it was asked for by; `None` for the current one.
    pub(super) id: Option<String>,
    pub(super) version: Version,
}

impl FoundObject {
    fn is(&self, key: &str, id: Option<&str>) -> bool {
        self.key == key && self.id.as_deref() == id
    }
}

/// The bucket that was found for this call, or else the one that is there now.
///
/// # Errors
/// As [`S3::bucket`].
pub async fn bucket(service: &S3, cx: &Ctx, name: &str, owner: Option<&str>) -> Result<Bucket, Error> {
    match of_bucket(cx, name) {
        Some(found) => found.bucket.check_owner(owner).map(|()| found.bucket),
        None => service.bucket(name, owner).await,
    }
}

/// The bucket and the version that were found for this call, or else those that are there now.
///
/// # Errors
/// As [`S3::bucket`] and [`versions::find`].
pub async fn object(
    service: &S3,
    cx: &Ctx,
    name: &str,
    (key, id): (&str, Option<&str>),
    owner: Option<&str>,
) -> Result<(Bucket, Option<Version>), Error> {
    let Some(Found { bucket, object, .. }) = of_bucket(cx, name) else {
        let bucket = service.bucket(name, owner).await?;
        return Ok((bucket, versions::find(service, name, key, id).await?));
    };
    bucket.check_owner(owner)?;
    match object.filter(|object| object.is(key, id)) {
        Some(object) => Ok((bucket, Some(object.version))),
        None => Ok((bucket, versions::find(service, name, key, id).await?)),
    }
}

fn of_bucket(cx: &Ctx, name: &str) -> Option<Found> {
    cx.take_kept::<Found>().filter(|found| found.name == name)
}
