//! `PutObject`, and what all operations share that make a version.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::s3::{PutObjectOutput, PutObjectRequest, errors as s3_errors};
use bytes::Bytes;
use platform::Ctx;
use wire::Error;
use wire::error::Scalar;

use super::lifecycle::expiration;
use crate::access::{AskedGrants, Grant};
use crate::bucket::Bucket;
use crate::checksum::{self, Algorithm};
use crate::condition::WriteConditions;
use crate::encryption;
use crate::envelope;
use crate::errors;
use crate::event::{Kind, Occasion};
use crate::guard::found;
use crate::keys;
use crate::limits::{METADATA_BYTES_MAX, OBJECT_TAGS_MAX};
use crate::lock::Protection;
use crate::names::check_key;
use crate::receive::{Expected, receive};
use crate::rows;
use crate::service::{S3, account_of};
use crate::tags::{self, Tags};
use crate::version::{Content, Description, NULL, Part, Version};
use crate::versions::{self, ID_CHARACTERS};

/// Puts an object.
///
/// # Errors
/// `NoSuchBucket`, `KeyTooLongError`, `PreconditionFailed`, those of a body that is not as declared, and
/// `NotImplemented` for what is not built.
pub async fn put_object(service: &Arc<S3>, cx: &Ctx, input: PutObjectRequest) -> Result<PutObjectOutput, Error> {
    let bucket = found::bucket(service, cx, &input.bucket, input.expected_bucket_owner.as_deref()).await?;
    check_key(&input.key)?;
    refuse_unsupported!(input);
    if input.write_offset_bytes.is_some() {
        return Err(errors::unsupported("x-amz-write-offset-bytes"));
    }
    let conditions = WriteConditions { if_match: input.if_match.clone(), if_none_match: input.if_none_match.clone() };
    conditions.check()?;
    let description = describe!(input);
    check_description(&description)?;
    let tags = tags_of(input.tagging.as_deref())?;
    let control = control!(service, cx, input, bucket);
    let mut declared = checksum::declared!(input);
    declared.algorithm = input.checksum_algorithm;
    let expected =
        Expected { md5: input.content_md5, declared, default: Algorithm::Crc64Nvme, has_any_length: cx.origin.is_form };
    let asked = encryption::asked!(input);
    let envelope = encryption::chosen(service, cx, &bucket, (&input.bucket, &input.key), &asked).await?;
    let received = receive(service, input.body, expected, &envelope, false).await?;
    let etag = received.etag(service, &envelope.encryption);
    let (content, row, body_key) = received.kept.into_content(service, &input.key);
    let version = Version {
        sequence: 0,
        id: NULL.to_owned(),
        is_marker: false,
        modified: service.platform.clock.milliseconds(),
        size: received.size,
        etag,
        checksum: Some(received.checksum),
        parts: None,
        owner: control.owner,
        description,
        tags,
        content,
        grants: control.grants,
        protection: control.protection,
        encryption: envelope.encryption,
        body_key,
        restore: None,
        replication: None,
    };
    let occasion = Occasion::of(service, cx, &input.bucket, &bucket).await?;
    let new = New { version, row, conditions, occasion, kind: if cx.origin.is_form { Kind::Post } else { Kind::Put } };
    let version = keep(service, &input.bucket, &input.key, new).await?;
    let expiration = expiration(service, (&input.bucket, &bucket), &input.key, &version).await?;
    let mut output = PutObjectOutput {
        etag: Some(version.quoted_etag()),
        ssekms_encryption_context: asked.context,
        version_id: shown_id(&version),
        expiration,
        ..PutObjectOutput::default()
    };
    envelope::show!(output, &version.encryption);
    if let Some(checksum) = &version.checksum {
        checksum::show!(output, checksum.algorithm, checksum.value);
        output.checksum_type = Some(checksum.scope.name().to_owned());
    }
    Ok(output)
}

/// A version to be added.
pub struct New {
    /// The version; its sequence number and id are set when it is added.
    pub version: Version,
    /// What its content names in the store.
    pub row: Row,
    /// What must hold for it to be added.
    pub conditions: WriteConditions,
    /// The request that adds it.
    pub occasion: Occasion,
    /// How it is told.
    pub kind: Kind,
}

/// What lies in the store beside a version.
pub enum Row {
    /// Nothing.
    None,
    /// Its body.
    Body(Bytes),
    /// Its parts.
    Parts(Vec<Part>),
}

/// The id of a version as answers show it: only where there are versions.
pub fn shown_id(version: &Version) -> Option<String> {
    (version.id != NULL).then(|| version.id.clone())
}

/// Adds a version to an object.
///
/// # Errors
/// `NoSuchBucket`, `PreconditionFailed`.
pub async fn keep(service: &S3, bucket: &str, key: &str, new: New) -> Result<Version, Error> {
    let (key, id) = (key.to_owned(), fresh_id(service));
    service.on_bucket(bucket, move |bucket, rows| add(rows, bucket, &key, &new, &id)).await
}

/// An id for a version.
pub fn fresh_id(service: &S3) -> String {
    service.platform.ids.hex(ID_CHARACTERS)
}

/// As [`keep`], as part of a transaction.
pub fn add(
    rows: &mut dyn store::Transaction,
    bucket: &crate::bucket::Bucket,
    key: &str,
    new: &New,
    id: &str,
) -> Result<Version, store::Abort<Error>> {
    let current: Option<Version> = rows::read(rows, &keys::current(key))?;
    new.conditions.check_write(key, current.as_ref())?;
    put_row(rows, &new.row, &new.version.content)?;
    let version = Version { replication: new.occasion.replication(bucket, key, &new.version), ..new.version.clone() };
    let version = versions::add(rows, bucket, key, version, id)?;
    new.occasion.replicate(rows, bucket, key, &version)?;
    new.occasion.tell(rows, bucket, new.kind, key, &version)?;
    Ok(version)
}

/// Writes what lies in the store beside a version.
///
/// # Errors
/// A failure of the store.
pub fn put_row(rows: &mut dyn store::Transaction, row: &Row, content: &Content) -> Result<(), store::Abort<Error>> {
    match (row, content) {
        (Row::Body(bytes), Content::Inline(id)) => rows.put(&keys::body(id), &[&[keys::FORMAT], &bytes[..]].concat()),
        (Row::Parts(parts), Content::Parts(id)) => rows::put(rows, &keys::parts(id), parts)?,
        _ => {}
    }
    Ok(())
}

/// Refuses metadata and storage classes that S3 does not take.
///
/// # Errors
/// `MetadataTooLarge`, `InvalidStorageClass`.
pub fn check_description(description: &Description) -> Result<(), Error> {
    let size: usize = description.metadata.iter().map(|(name, value)| name.len() + value.len()).sum();
    if size > METADATA_BYTES_MAX {
        return Err(s3_errors::metadata_too_large("Your metadata headers exceed the maximum allowed metadata size")
            .with("Size", Scalar::from(size as i64))
            .with("MaxSizeAllowed", Scalar::from(METADATA_BYTES_MAX as i64)));
    }
    if let Some(redirect) = &description.redirect
        && !["/", "http://", "https://"].iter().any(|start| redirect.starts_with(start))
    {
        let text = "The website redirect location must have a prefix of 'http://' or 'https://' or '/'.";
        return Err(errors::argument(text, "x-amz-website-redirect-location", redirect));
    }
    const CLASSES: [&str; 8] = [
        "REDUCED_REDUNDANCY",
        "STANDARD_IA",
        "ONEZONE_IA",
        "INTELLIGENT_TIERING",
        "GLACIER",
        "DEEP_ARCHIVE",
        "GLACIER_IR",
        "STANDARD",
    ];
    match &description.storage_class {
        Some(class) if !CLASSES.contains(&class.as_str()) => {
            let error = s3_errors::invalid_storage_class("The storage class you specified is not valid");
            Err(error.with("StorageClassRequested", Scalar::from(class.as_str())))
        }
        _ => Ok(()),
    }
}

/// Names of metadata are not told apart by case.
pub fn lower_names(metadata: Option<BTreeMap<String, String>>) -> BTreeMap<String, String> {
    metadata.unwrap_or_default().into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect()
}

/// The tags of a header.
///
/// # Errors
/// As [`tags::of_header`].
pub fn tags_of(header: Option<&str>) -> Result<Tags, Error> {
    header.map_or_else(|| Ok(Tags::new()), |header| tags::of_header(header, OBJECT_TAGS_MAX))
}

/// What a request says about the body it uploads.
macro_rules! describe {
    ($input:expr) => {
        $crate::version::Description {
            cache_control: $input.cache_control.clone(),
            content_disposition: $input.content_disposition.clone(),
            content_encoding: $input.content_encoding.as_deref().and_then(wire::chunked::stored_content_encoding),
            content_language: $input.content_language.clone(),
            content_type: $input.content_type.clone().or_else(|| Some("binary/octet-stream".to_owned())),
            expires: $input.expires.clone(),
            redirect: $input.website_redirect_location.clone(),
            metadata: $crate::operations::put::lower_names($input.metadata.clone()),
            storage_class: $input.storage_class.clone().filter(|class| class != "STANDARD"),
        }
    };
}

/// Refuses what is not built of what a new object may ask for.
macro_rules! refuse_unsupported {
    ($input:expr) => {
        let asked = [];
        if let Some((header, _)) = asked.into_iter().find(|(_, asked)| *asked) {
            return Err($crate::errors::unsupported(header));
        }
    };
}

/// Who owns a new object, who may use it, and what protects it.
pub struct Control {
    /// The account that owns it.
    pub owner: String,
    /// Its grants.
    pub grants: Option<Vec<Grant>>,
    /// What protects it.
    pub protection: Protection,
}

impl Control {
    /// What a request asks for, as far as the bucket takes it.
    ///
    /// # Errors
    /// `AccessControlListNotSupported`, `AccessDenied`, and those of the headers.
    pub async fn of(
        service: &S3,
        cx: &Ctx,
        bucket: (&str, &Bucket),
        asked: AskedGrants,
        protection: Protection,
    ) -> Result<Control, Error> {
        let (name, bucket) = bucket;
        let access = if asked.is_empty() { Default::default() } else { service.access(name).await? };
        let (owner, grants) = asked.of_new_object(&account_of(cx, bucket), bucket, &access)?;
        Ok(Control { owner, grants, protection })
    }

    /// A version under this control.
    pub fn over(self, version: Version) -> Version {
        Version { owner: self.owner, grants: self.grants, protection: self.protection, ..version }
    }
}

/// What a request says about who owns and may use the new object, and what protects it.
macro_rules! control {
    ($service:expr, $cx:expr, $input:expr, $bucket:expr) => {{
        let now = $service.platform.clock.milliseconds();
        let protection = $crate::lock::of_headers(
            $input.object_lock_mode.as_deref(),
            $input.object_lock_retain_until_date,
            $input.object_lock_legal_hold_status.as_deref(),
            $bucket.lock.as_ref(),
            now,
        )?
        .or_default($bucket.lock.as_ref(), now);
        let asked = $crate::access::asked_grants!($input);
        $crate::operations::put::Control::of($service, $cx, (&$input.bucket, &$bucket), asked, protection).await?
    }};
}

pub(crate) use {control, describe, refuse_unsupported};
