//! `CopyObject` and `UploadPartCopy`. A body that lies in blobs is shared, not written again.

use std::sync::Arc;

use api::s3::{
    CopyObjectOutput, CopyObjectRequest, CopyObjectResult, CopyPartResult, UploadPartCopyOutput, UploadPartCopyRequest,
};
use platform::Ctx;
use wire::Error;

use super::get::readable_whole;
use super::lifecycle::expiration;
use super::put::{New, Row, check_description, control, describe, keep, refuse_unsupported, shown_id, tags_of};
use super::restore::check_readable;
use super::uploads::{part_number, upload_envelope};
use crate::checksum::{self, Algorithm, Declared};
use crate::condition::{Conditions, WriteConditions};
use crate::content::{Source, cut};
use crate::customer_key::{customer_key, source_key};
use crate::encryption;
use crate::envelope::{self, Encryption, Envelope};
use crate::errors;
use crate::event::{Kind, Occasion};
use crate::limits::PUT_BYTES_MAX;
use crate::names::{CopySource, check_key};
use crate::range::{Stretch, requested};
use crate::receive::{Expected, blob_error, etag_of, receive};
use crate::service::S3;
use crate::version::{Part, Piece, Version, whole_seconds};

/// The conditions on a source.
macro_rules! source_conditions {
    ($input:expr) => {
        Conditions {
            if_match: $input.copy_source_if_match.clone(),
            if_none_match: $input.copy_source_if_none_match.clone(),
            if_modified_since: $input.copy_source_if_modified_since,
            if_unmodified_since: $input.copy_source_if_unmodified_since,
        }
    };
}

/// Copies an object.
///
/// # Errors
/// `NoSuchKey`, `NoSuchBucket`, `InvalidRequest`, `PreconditionFailed`, `NotImplemented`.
pub async fn copy_object(service: &Arc<S3>, cx: &Ctx, input: CopyObjectRequest) -> Result<CopyObjectOutput, Error> {
    let bucket = service.bucket(&input.bucket, input.expected_bucket_owner.as_deref()).await?;
    check_key(&input.key)?;
    refuse_unsupported!(input);
    let source_customer = source_key!(input)?;
    let from = CopySource::parse(&input.copy_source)?;
    let owner = input.expected_source_bucket_owner.as_deref();
    let (_, source, body) =
        readable_whole(service, cx, &from.bucket, &from.key, from.version.as_deref(), owner).await?;
    source_conditions!(input).check_source(&source, service.platform.clock.milliseconds())?;
    check_readable(&source, "Operation is not valid for the source object's storage class")?;
    let conditions = WriteConditions { if_match: input.if_match.clone(), if_none_match: input.if_none_match.clone() };
    conditions.check()?;
    let asked = encryption::asked!(input);
    let changes = asked.algorithm.is_some() || asked.customer.is_some() || bucket.encryption.is_some();
    // What has another encryption than S3's own gets that one.
    let changes = changes || !matches!(source.encryption, Encryption::S3);
    let copy = described(service, &input, &from, &source, changes)?;
    let opened = Arc::new(Envelope::of(service, cx, &source.encryption, source_customer.as_ref()).await?);
    let envelope = encryption::chosen(service, cx, &bucket, (&input.bucket, &input.key), &asked).await?;
    let (version, row) = own_body(service, &input, (&source, body), (&opened, &envelope), copy).await?;
    let control = control!(service, cx, input, bucket);
    let version = Version { restore: None, replication: None, ..control.over(version) };
    let occasion = Occasion::of(service, cx, &input.bucket, &bucket).await?;
    let new = New { version, row, conditions, occasion, kind: Kind::Copy };
    let version = keep(service, &input.bucket, &input.key, new).await?;
    let mut result = CopyObjectResult {
        etag: Some(version.quoted_etag()),
        last_modified: Some(version.modified_at()),
        ..CopyObjectResult::default()
    };
    if let Some(checksum) = &version.checksum {
        checksum::show!(result, checksum.algorithm, checksum.value);
        result.checksum_type = Some(checksum.scope.name().to_owned());
    }
    let mut output = CopyObjectOutput {
        expiration: expiration(service, (&input.bucket, &bucket), &input.key, &version).await?,
        copy_object_result: Some(result),
        copy_source_version_id: shown_id(&source),
        version_id: shown_id(&version),
        ssekms_encryption_context: asked.context,
        ..CopyObjectOutput::default()
    };
    envelope::show!(output, &version.encryption);
    Ok(output)
}

/// Whether a directive asks for what the request says, rather than what the source has.
fn replaces(directive: Option<&str>, header: &str) -> Result<bool, Error> {
    match directive {
        None | Some("COPY") => Ok(false),
        Some("REPLACE") => Ok(true),
        Some(other) => Err(errors::argument(format!("Unknown {header} directive."), header, other)),
    }
}

/// The copy, but for its body. `changes` says whether its encryption may be another one.
fn described(
    service: &S3,
    input: &CopyObjectRequest,
    from: &CopySource,
    source: &Version,
    changes: bool,
) -> Result<Version, Error> {
    let with_metadata = replaces(input.metadata_directive.as_deref(), "x-amz-metadata-directive")?;
    let with_tags = replaces(input.tagging_directive.as_deref(), "x-amz-tagging-directive")?;
    let asked = describe!(input);
    check_description(&asked)?;
    let changes = changes || with_metadata || input.storage_class.is_some() || asked.redirect.is_some();
    let changes = changes || input.checksum_algorithm.is_some();
    if from.bucket == input.bucket && from.key == input.key && from.version.is_none() && !changes {
        let text = "This copy request is illegal because it is trying to copy an object to itself without changing the \
                    object's metadata, storage class, website redirect location or encryption attributes.";
        return Err(errors::request(text));
    }
    if source.size > PUT_BYTES_MAX {
        let text = "The specified copy source is larger than the maximum allowable size for a copy source: 5368709120";
        return Err(errors::request(text));
    }
    let mut version = source.clone();
    if with_metadata {
        version.description = asked;
    } else {
        version.description.storage_class = asked.storage_class;
        version.description.redirect = asked.redirect;
    }
    if with_tags {
        version.tags = tags_of(input.tagging.as_deref())?;
    }
    version.modified = service.platform.clock.milliseconds();
    Ok(version)
}

/// Gives a copy its body. A copy is a single upload: it has an entity tag and a checksum over its bytes.
async fn own_body(
    service: &Arc<S3>,
    input: &CopyObjectRequest,
    (source, body): (&Version, Source),
    (opened, envelope): (&Arc<Envelope>, &Envelope),
    mut version: Version,
) -> Result<(Version, Row), Error> {
    version.encryption = envelope.encryption.clone();
    let algorithm = match &input.checksum_algorithm {
        Some(name) => Algorithm::parse(name)?,
        None => source.checksum.as_ref().map_or(Algorithm::Crc64Nvme, |checksum| checksum.algorithm),
    };
    let is_known = source.parts.is_none() && source.checksum.as_ref().is_some_and(|sum| sum.algorithm == algorithm);
    let shows_its_own = source.encryption.shows_md5() || !envelope.encryption.shows_md5();
    if is_known
        && shows_its_own
        && let Source::Blob(whole) = &body
        && let Some(shared) = resealed(service, std::slice::from_ref(whole), opened, envelope)?
    {
        keep_blobs(service, &shared).await?;
        version.etag = etag_of(service, &envelope.encryption, &source.etag);
        version.body_key = shared.into_iter().next().and_then(|piece| piece.key);
        return Ok((version, Row::None));
    }
    let whole = Stretch { offset: 0, length: source.size };
    let body = service.read(body, whole, opened).await?;
    let expected = Expected { md5: None, declared: Declared::default(), default: algorithm, has_any_length: false };
    let received = receive(service, body, expected, envelope, false).await?;
    version.etag = received.etag(service, &envelope.encryption);
    (version.checksum, version.parts) = (Some(received.checksum), None);
    let (content, row, body_key) = received.kept.into_content(service, &input.key);
    (version.content, version.body_key) = (content, body_key);
    Ok((version, row))
}

/// Pieces whose keys are sealed anew; `None` if their bodies have to be written anew, too.
///
/// # Errors
/// `InternalError`.
pub fn resealed(service: &S3, pieces: &[Piece], from: &Envelope, to: &Envelope) -> Result<Option<Vec<Piece>>, Error> {
    if from.encryption.layers() != to.encryption.layers() {
        return Ok(None);
    }
    let pieces = pieces.iter().map(|piece| {
        let Some(key) = &piece.key else { return Ok(None) };
        let key = to.seal(service, &from.open(service, key)?);
        Ok(Some(Piece { key: Some(key), ..piece.clone() }))
    });
    pieces.collect()
}

/// Makes sure that blobs stay until a row names them.
///
/// # Errors
/// `NoSuchKey` if one is gone.
pub async fn keep_blobs(service: &S3, pieces: &[Piece]) -> Result<(), Error> {
    for piece in pieces {
        if !service.platform.blobs.keep(&piece.digest).await.map_err(blob_error)? {
            // The source was deleted, and swept, after it was found.
            return Err(api::s3::errors::no_such_key("The specified key does not exist."));
        }
    }
    Ok(())
}

/// Copies an object, or a part of one, as a part of an upload.
///
/// # Errors
/// `NoSuchUpload`, `NoSuchKey`, `InvalidArgument`, `InvalidRequest`, `PreconditionFailed`.
pub async fn upload_part_copy(
    service: &Arc<S3>,
    cx: &Ctx,
    input: UploadPartCopyRequest,
) -> Result<UploadPartCopyOutput, Error> {
    service.bucket(&input.bucket, input.expected_bucket_owner.as_deref()).await?;
    let number = part_number(input.part_number)?;
    let (customer, source_customer) = (customer_key!(input)?, source_key!(input)?);
    let upload = service.upload(&input.bucket, &input.key, &input.upload_id).await?;
    let envelope = upload_envelope(service, cx, &upload, customer.as_ref()).await?;
    let from = CopySource::parse(&input.copy_source)?;
    let owner = input.expected_source_bucket_owner.as_deref();
    let (_, source, body) =
        readable_whole(service, cx, &from.bucket, &from.key, from.version.as_deref(), owner).await?;
    source_conditions!(input).check_source(&source, service.platform.clock.milliseconds())?;
    check_readable(&source, "Operation is not valid for the source object's storage class")?;
    let stretch = stretch_of(input.copy_source_range.as_deref(), source.size)?;
    let algorithm = upload.checksum.map_or(Algorithm::Crc64Nvme, |(algorithm, _)| algorithm);
    let opened = Arc::new(Envelope::of(service, cx, &source.encryption, source_customer.as_ref()).await?);
    let pieces = body.pieces().map(|pieces| cut(&pieces, stretch));
    let body = service.read(body, stretch, &opened).await?;
    let shared = pieces.map(|pieces| resealed(service, &pieces, &opened, &envelope)).transpose()?.flatten();
    let (md5, checksum, pieces) = match shared {
        Some(pieces) => {
            keep_blobs(service, &pieces).await?;
            let (md5, checksum) = crate::receive::digests(body, algorithm).await?;
            (md5, checksum, pieces)
        }
        None => {
            let expected =
                Expected { md5: None, declared: Declared::default(), default: algorithm, has_any_length: false };
            let received = receive(service, body, expected, &envelope, true).await?;
            let pieces = received.kept.pieces(received.size);
            (received.md5, received.checksum.value, pieces)
        }
    };
    let modified = service.platform.clock.milliseconds();
    let etag = etag_of(service, &upload.encryption, &md5);
    let mut result = CopyPartResult {
        etag: Some(format!("\"{etag}\"")),
        last_modified: Some(whole_seconds(modified)),
        ..CopyPartResult::default()
    };
    if upload.checksum.is_some() {
        checksum::show!(result, algorithm, checksum);
    }
    let part = Part { number, etag, size: stretch.length, checksum: Some(checksum), modified, pieces };
    service.keep_part(&input.bucket, &input.key, &input.upload_id, part).await?;
    let mut output = UploadPartCopyOutput {
        copy_source_version_id: shown_id(&source),
        copy_part_result: Some(result),
        ..UploadPartCopyOutput::default()
    };
    envelope::show!(output, &upload.encryption);
    Ok(output)
}

/// The part of a source that is copied: a range must have both ends, inside the source.
fn stretch_of(range: Option<&str>, size: u64) -> Result<Stretch, Error> {
    let Some(range) = range else { return Ok(Stretch { offset: 0, length: size }) };
    let refused = |text: String| Err(errors::argument(text, "x-amz-copy-source-range", range));
    let ends = range.strip_prefix("bytes=").and_then(|ends| ends.split_once('-'));
    let ends = ends.and_then(|(first, last)| Some((first.parse::<u64>().ok()?, last.parse::<u64>().ok()?)));
    match ends {
        Some((first, last)) if first <= last && last < size => {
            Ok(requested(range, size)?.unwrap_or(Stretch { offset: 0, length: size }))
        }
        Some((first, last)) if first <= last => {
            refused(format!("Range specified is not valid for source object of size: {size}"))
        }
        _ => refused(
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the \
             zero-based offsets of the first and last bytes to copy"
                .to_owned(),
        ),
    }
}
