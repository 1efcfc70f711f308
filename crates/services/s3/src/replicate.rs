//! Copies versions to other buckets, after the write that made them was acknowledged. What is to be copied lies in a timer
//! of its bucket's partition, set in the transaction that made the version, until it was copied or cannot be.

use std::sync::Arc;

use platform::{Call, Ctx, Firing, Need, OrFailure, ServiceRole, TimerPartition, Trust};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{Abort, StoreError, Transaction};
use wire::schema::Fault;
use wire::{Error, Timestamp};

use crate::body_writer::sealed_small;
use crate::bucket::{Bucket, Versioning};
use crate::checksum::{Algorithm, Declared};
use crate::content::Source;
use crate::deliver::{self, PRINCIPAL};
use crate::encryption::{self, Asked};
use crate::envelope::{Encryption, Envelope};
use crate::errors;
use crate::event::{Kind, Occasion};
use crate::operations::copy::{keep_blobs, resealed};
use crate::operations::put::{Row, put_row};
use crate::range::Stretch;
use crate::receive::{Expected, receive};
use crate::replication::{Replication, Rule, status};
use crate::service::S3;
use crate::version::{Content, Part, Piece, Version};
use crate::versions::{self, ID_CHARACTERS};

/// The kind of timer that holds what is to be copied.
pub const KIND: &str = "s3/replicate";

/// What is to be copied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Job {
    bucket: String,
    key: String,
    version: String,
    sequence: u64,
}

/// Notes, in the transaction that makes a version, that it is to be copied.
///
/// # Errors
/// A failure of the store.
pub fn enqueue(
    rows: &mut dyn Transaction,
    timers: &TimerPartition,
    name: &str,
    key: &str,
    version: &Version,
    now: i64,
) -> Result<(), Abort<Error>> {
    let job =
        Job { bucket: name.to_owned(), key: key.to_owned(), version: version.id.clone(), sequence: version.sequence };
    let id = format!("replicate/{}/{key}", version.sequence);
    let payload = serde_json::to_value(job).unwrap_or(Value::Null);
    Ok(timers.set(rows, &timers.timer(id, Timestamp::from_milliseconds(now), KIND, payload))?)
}

/// Checks the role of a configuration. Answers whether it exists: in open mode the root may name one that was never
/// created, and objects are copied as by the root then.
///
/// # Errors
/// `InvalidRequest`.
pub async fn check_role(cx: &Ctx, name: &str, account: &str, role_arn: &str) -> Result<bool, Error> {
    match role(&format!("arn:aws:s3:::{name}"), account, role_arn).check(cx).await? {
        Trust::Given => Ok(true),
        Trust::Unconfined => Ok(false),
        Trust::Refused => Err(errors::request("Invalid Role specified for replication configuration")),
    }
}

fn role<'a>(source_arn: &'a str, account: &'a str, role_arn: &'a str) -> ServiceRole<'a> {
    ServiceRole { service: PRINCIPAL, account, role_arn, source_arn }
}

/// The context of the role that copies.
async fn role_context(service: &Arc<S3>, name: &str, bucket: &Bucket, replication: &Replication) -> Result<Ctx, Error> {
    let arn = format!("arn:aws:s3:::{name}");
    let role = role(&arn, &bucket.owner, &replication.role);
    let session = role.session(&service.platform, replication.has_role, "s3-replication").await?;
    let principal = session
        .ok_or_else(|| api::s3::errors::access_denied(format!("{PRINCIPAL} cannot assume {}", replication.role)))?;
    let cx = deliver::context(service, &bucket.owner, &bucket.region, None);
    Ok(Ctx::new(Call { principal, ..(*cx).clone() }))
}

/// Copies what a timer holds to where it belongs, and notes what became of it.
///
/// # Errors
/// A failure of the stores or of KMS: it is tried again.
pub async fn fire(service: Arc<S3>, firing: Firing) -> Result<(), Error> {
    let Ok(job) = serde_json::from_value::<Job>(firing.payload.clone()) else {
        tracing::error!(id = firing.id, "a replication of an unknown format is dropped");
        return Ok(());
    };
    let Some(bucket) = service.find_bucket(&job.bucket).await? else { return Ok(()) };
    let Ok(Some(version)) = versions::find(&service, &job.bucket, &job.key, Some(&job.version)).await else {
        return Ok(());
    };
    let Some(replication) = bucket.replication.as_ref().filter(|_| version.sequence == job.sequence) else {
        return Ok(());
    };
    let mut is_copied = true;
    for rule in replication.rules_for(&job.key, &version) {
        match copy(&service, (&job, &bucket), replication, rule, &version).await {
            Ok(()) => {}
            Err(error) if error.definition.fault == Fault::Client => {
                tracing::warn!(bucket = job.bucket, rule = rule.id, %error, "an object cannot be replicated");
                is_copied = false;
            }
            Err(error) => return Err(error),
        }
    }
    let occasion = Occasion::quiet(&service, &job.bucket, &bucket).await?;
    let told = (!is_copied && !version.is_marker).then_some((occasion, Kind::ReplicationFailed));
    let state = if is_copied { status::COMPLETED } else { status::FAILED };
    let change = move |version: &mut Version| {
        if !version.is_marker {
            version.replication = Some(state.to_owned());
        }
        Ok(())
    };
    match versions::change(&service, (&job.bucket, &job.key), &version, told, change).await {
        // It was deleted meanwhile.
        Err(error) if error.definition.fault == Fault::Client => Ok(()),
        other => other,
    }
}

async fn copy(
    service: &Arc<S3>,
    (job, source): (&Job, &Bucket),
    replication: &Replication,
    rule: &Rule,
    version: &Version,
) -> Result<(), Error> {
    let name = rule.destination.name();
    let target = service.bucket(name, rule.destination.account.as_deref()).await?;
    if target.versioning != Versioning::Enabled {
        return Err(errors::request("Destination bucket must have versioning enabled."));
    }
    let cx = role_context(service, &job.bucket, source, replication).await?;
    let (from, to) = (format!("arn:aws:s3:::{}/{}", job.bucket, job.key), format!("arn:aws:s3:::{name}/{}", job.key));
    if version.is_marker {
        cx.authorise(Need::new("s3:ReplicateDelete", to)).await?;
    } else {
        cx.authorise(Need::new("s3:GetObjectVersionForReplication", from)).await?;
        cx.authorise(Need::new("s3:ReplicateObject", &to)).await?;
        if !version.tags.is_empty() {
            cx.authorise(Need::new("s3:ReplicateTags", to)).await?;
        }
    }
    let (replica, row) = body_of(service, &cx, job, (name, &target), rule, version).await?;
    let replica = Version {
        replication: Some(status::REPLICA.to_owned()),
        owner: if rule.destination.owner.is_some() { target.owner.clone() } else { version.owner.clone() },
        restore: None,
        ..replica
    };
    let occasion = Occasion::quiet(service, name, &target).await?;
    let (key, id) = (job.key.clone(), version.id.clone());
    let kept = service.on_bucket(name, move |bucket, rows| {
        if let Some(mut there) = versions::by_id(rows, &key, &id)? {
            // Copied before; what may have changed since are its tags.
            there.tags = replica.tags.clone();
            let newest = versions::newest(rows, &key)?;
            return versions::save(rows, &key, &there, newest.is_some_and(|newest| newest.id == there.id));
        }
        put_row(rows, &row, &replica.content)?;
        let kept = versions::add(rows, bucket, &key, replica.clone(), &id)?;
        let kind = if kept.is_marker { Kind::MarkerCreated } else { Kind::Put };
        occasion.tell(rows, bucket, kind, &key, &kept)
    });
    kept.await
}

/// The copy with its body: shared with the original's where it lies in blobs, its keys sealed for the destination.
async fn body_of(
    service: &Arc<S3>,
    cx: &Ctx,
    job: &Job,
    (name, target): (&str, &Bucket),
    rule: &Rule,
    version: &Version,
) -> Result<(Version, Row), Error> {
    let mut replica = version.clone();
    if let Some(class) = &rule.destination.storage_class {
        replica.description.storage_class = Some(class.clone()).filter(|class| class != "STANDARD");
    }
    if version.is_marker || version.content == Content::Empty {
        return Ok((replica, Row::None));
    }
    let source = source_of(service, job, version).await?;
    if let Encryption::Customer(_) = version.encryption {
        return as_it_is(service, source, replica).await;
    }
    let opened = Arc::new(Envelope::of(service, cx, &version.encryption, None).await?);
    let asked = match (&version.encryption, &rule.destination.kms_key) {
        (Encryption::Kms(_), Some(key)) => {
            Asked { algorithm: Some("aws:kms".to_owned()), key: Some(key.clone()), ..Asked::default() }
        }
        _ => Asked::default(),
    };
    let envelope = encryption::chosen(service, cx, target, (name, &job.key), &asked).await?;
    replica.encryption = envelope.encryption.clone();
    let seal = |pieces: &[Piece]| resealed(service, pieces, &opened, &envelope);
    match source {
        Source::Parts(parts) => {
            let shared = parts.iter().map(|part| Ok(seal(&part.pieces)?.map(|pieces| Part { pieces, ..part.clone() })));
            if let Some(parts) = shared.collect::<Result<Option<Vec<Part>>, Error>>()? {
                let pieces: Vec<Piece> = parts.iter().flat_map(|part| part.pieces.clone()).collect();
                keep_blobs(service, &pieces).await?;
                replica.content = Content::Parts(service.platform.ids.hex(ID_CHARACTERS));
                return Ok((replica, Row::Parts(parts)));
            }
        }
        Source::Blob(whole) => {
            if let Some(shared) = seal(&[whole])? {
                keep_blobs(service, &shared).await?;
                replica.body_key = shared.into_iter().next().and_then(|piece| piece.key);
                return Ok((replica, Row::None));
            }
        }
        Source::Bytes(sealed, key) => {
            let bytes = service.open_small(sealed, key.as_ref(), &opened)?;
            let (sealed, key) = sealed_small(service, &envelope, &bytes)?;
            replica.content = Content::Inline(service.platform.ids.hex(ID_CHARACTERS));
            replica.body_key = Some(key);
            return Ok((replica, Row::Body(sealed.into())));
        }
    }
    // Encrypted once more, or once less: written anew.
    let source = source_of(service, job, version).await?;
    let body = service.read(source, Stretch { offset: 0, length: version.size }, &opened).await?;
    let default = version.checksum.as_ref().map_or(Algorithm::Crc64Nvme, |checksum| checksum.algorithm);
    let expected = Expected { md5: None, declared: Declared::default(), default, has_any_length: false };
    let received = receive(service, body, expected, &envelope, true).await?;
    let (content, row, body_key) = received.kept.into_content(service, &job.key);
    Ok((Version { content, body_key, parts: None, ..replica }, row))
}

/// The body of what is copied. If that was deleted meanwhile there is nothing to copy, as the next attempt finds.
async fn source_of(service: &S3, job: &Job, version: &Version) -> Result<Source, Error> {
    let gone = || StoreError::Read("the body of a version that is copied is gone".into());
    service.source(&job.bucket, version).await?.ok_or_else(gone).or_failure()
}

/// The copy of an object under a customer's key: nobody here can open it, and nobody has to, as its key stays sealed.
async fn as_it_is(service: &S3, source: Source, mut replica: Version) -> Result<(Version, Row), Error> {
    keep_blobs(service, &source.pieces().unwrap_or_default()).await?;
    let id = service.platform.ids.hex(ID_CHARACTERS);
    let row = match source {
        Source::Bytes(bytes, _) => {
            replica.content = Content::Inline(id);
            Row::Body(bytes)
        }
        Source::Blob(_) => Row::None,
        Source::Parts(parts) => {
            replica.content = Content::Parts(id);
            Row::Parts(parts)
        }
    };
    Ok((replica, row))
}
