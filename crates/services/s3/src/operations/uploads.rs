//! Uploads in parts, up to their completion.

use std::sync::Arc;

use api::s3::{
    AbortMultipartUploadOutput, AbortMultipartUploadRequest, CreateMultipartUploadOutput, CreateMultipartUploadRequest,
    Initiator, ListMultipartUploadsOutput, ListMultipartUploadsRequest, ListPartsOutput, ListPartsRequest,
    MultipartUpload, Owner, Part as ListedPart, UploadPartOutput, UploadPartRequest,
};
use platform::{Ctx, OrFailure};
use store::Direction;
use wire::Error;

use super::lifecycle::abandonment;
use super::list::common_prefixes;
use super::put::{check_description, control, describe, refuse_unsupported, tags_of};
use crate::bucket::canonical_id;
use crate::checksum::{self, Algorithm, Scope};
use crate::customer_key::{CustomerKey, customer_key};
use crate::encryption;
use crate::envelope::{self, Encryption, Envelope, check_customer_key};
use crate::errors;
use crate::keys;
use crate::limits::{PAGE_MAX, PART_NUMBER_MAX};
use crate::listing::{Page, Query, page_size, rolled_up};
use crate::names::{check_key, is_encoded, listed};
use crate::receive::{Expected, receive};
use crate::rows;
use crate::service::S3;
use crate::version::{Part, Upload, whole_seconds};

/// Random characters of the id of an upload, after twelve that tell when it began.
const ID_CHARACTERS: usize = 64;

/// Begins an upload.
///
/// # Errors
/// `NoSuchBucket`, `KeyTooLongError`, and `NotImplemented` for what is not built.
pub async fn create_multipart_upload(
    service: &Arc<S3>,
    cx: &Ctx,
    input: CreateMultipartUploadRequest,
) -> Result<CreateMultipartUploadOutput, Error> {
    let bucket = service.bucket(&input.bucket, input.expected_bucket_owner.as_deref()).await?;
    check_key(&input.key)?;
    refuse_unsupported!(input);
    let description = describe!(input);
    check_description(&description)?;
    let checksum = checksum_of(input.checksum_algorithm.as_deref(), input.checksum_type.as_deref())?;
    let asked = encryption::asked!(input);
    let envelope = encryption::chosen(service, cx, &bucket, (&input.bucket, &input.key), &asked).await?;
    let initiated = service.platform.clock.milliseconds();
    let id = format!("{initiated:012x}{}", service.platform.ids.hex(ID_CHARACTERS));
    let control = control!(service, cx, input, bucket);
    let upload = Upload {
        id: id.clone(),
        initiated,
        owner: control.owner,
        grants: control.grants,
        protection: control.protection,
        initiator: cx.principal.arn(),
        description,
        tags: tags_of(input.tagging.as_deref())?,
        encryption: envelope.encryption.clone(),
        checksum,
    };
    let row = keys::upload(&input.key, &id);
    service.on_bucket(&input.bucket, move |_, rows| rows::put(rows, &row, &upload)).await?;
    let (abort_date, abort_rule_id) = abandonment(service, (&input.bucket, &bucket), &input.key, initiated).await?;
    let mut output = CreateMultipartUploadOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(id),
        abort_date,
        abort_rule_id,
        ssekms_encryption_context: asked.context,
        checksum_algorithm: checksum.map(|(algorithm, _)| algorithm.name().to_owned()),
        checksum_type: checksum.map(|(_, scope)| scope.name().to_owned()),
        ..CreateMultipartUploadOutput::default()
    };
    envelope::show!(output, &envelope.encryption);
    Ok(output)
}

/// The algorithm of an upload, and what its checksum is taken over.
fn checksum_of(algorithm: Option<&str>, scope: Option<&str>) -> Result<Option<(Algorithm, Scope)>, Error> {
    let Some(algorithm) = algorithm.map(Algorithm::parse).transpose()? else {
        return match scope {
            None => Ok(None),
            Some(_) => Err(errors::request(
                "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.",
            )),
        };
    };
    let refused = |scope: &str| {
        let name = algorithm.name().to_lowercase();
        errors::request(format!("The {scope} checksum type cannot be used with the {name} checksum algorithm."))
    };
    let scope = match scope {
        None if algorithm == Algorithm::Crc64Nvme => Scope::Full,
        None => Scope::Composite,
        Some("FULL_OBJECT") if algorithm.is_combinable() => Scope::Full,
        Some("COMPOSITE") if algorithm != Algorithm::Crc64Nvme => Scope::Composite,
        Some(scope @ ("FULL_OBJECT" | "COMPOSITE")) => return Err(refused(scope)),
        Some(_) => return Err(errors::request("Value for x-amz-checksum-type header is invalid.")),
    };
    Ok(Some((algorithm, scope)))
}

impl S3 {
    /// An upload under way.
    ///
    /// # Errors
    /// `NoSuchUpload`.
    pub(crate) async fn upload(&self, bucket: &str, key: &str, id: &str) -> Result<Upload, Error> {
        let row =
            self.platform.store.get(&keys::bucket_partition(bucket), &keys::upload(key, id)).await.or_failure()?;
        rows::decode(&row.ok_or_else(|| errors::no_upload(id))?)
    }

    /// Adds a part to an upload, in the place of one with its number.
    ///
    /// # Errors
    /// `NoSuchUpload`, if it was completed or aborted meanwhile.
    pub(crate) async fn keep_part(&self, bucket: &str, key: &str, id: &str, part: Part) -> Result<(), Error> {
        let (upload, row, id) = (keys::upload(key, id), keys::part(id, part.number), id.to_owned());
        let kept = self.on_bucket(bucket, move |_, rows| {
            if rows.get(&upload)?.is_none() {
                return Err(errors::no_upload(&id).into());
            }
            rows::put(rows, &row, &part)
        });
        kept.await
    }
}

/// Reads the number of a part.
///
/// # Errors
/// `InvalidArgument`.
pub fn part_number(number: i32) -> Result<u32, Error> {
    if (1..=PART_NUMBER_MAX).contains(&number) {
        return Ok(number as u32);
    }
    let text = "Part number must be an integer between 1 and 10000, inclusive";
    Err(errors::argument(text, "partNumber", &number.to_string()))
}

/// The encryption of an upload, for a part of it.
///
/// # Errors
/// `InvalidRequest` if the part's headers are not the upload's, and what KMS says.
pub async fn upload_envelope(
    service: &S3,
    cx: &Ctx,
    upload: &Upload,
    key: Option<&CustomerKey>,
) -> Result<Envelope, Error> {
    match (&upload.encryption, key) {
        (Encryption::Customer(_), None) => {
            return Err(errors::request(
                "The multipart upload initiate requested encryption. Subsequent part requests must include the \
                 appropriate encryption parameters.",
            ));
        }
        (Encryption::Customer(_), Some(_)) if check_customer_key(service, &upload.encryption, key).is_err() => {
            let text = "The provided encryption parameters did not match the ones used originally.";
            return Err(errors::request(text));
        }
        (Encryption::S3 | Encryption::Kms(_), Some(_)) => {
            return Err(errors::request(
                "The multipart upload initiate did not request encryption. Please resend the request without sending \
                 encryption parameters.",
            ));
        }
        _ => {}
    }
    Envelope::of(service, cx, &upload.encryption, key).await
}

/// Uploads a part.
///
/// # Errors
/// `NoSuchUpload`, and those of a body that is not as declared.
pub async fn upload_part(service: &Arc<S3>, cx: &Ctx, input: UploadPartRequest) -> Result<UploadPartOutput, Error> {
    service.bucket(&input.bucket, input.expected_bucket_owner.as_deref()).await?;
    let number = part_number(input.part_number)?;
    let customer = customer_key!(input)?;
    let upload = service.upload(&input.bucket, &input.key, &input.upload_id).await?;
    let envelope = upload_envelope(service, cx, &upload, customer.as_ref()).await?;
    let default = upload.checksum.map_or(Algorithm::Crc64Nvme, |(algorithm, _)| algorithm);
    let mut declared = checksum::declared!(input);
    declared.algorithm = input.checksum_algorithm;
    let received = receive(
        service,
        input.body,
        Expected { md5: input.content_md5, declared, default, has_any_length: false },
        &envelope,
        true,
    )
    .await?;
    let algorithm = received.checksum.algorithm;
    if upload.checksum.is_some() && algorithm != default {
        let text = "Checksum Type mismatch occurred, expected checksum Type: ";
        let (expected, actual) = (default.name().to_lowercase(), algorithm.name().to_lowercase());
        return Err(errors::request(format!("{text}{expected}, actual checksum Type: {actual}")));
    }
    let part = Part {
        number,
        etag: received.etag(service, &upload.encryption),
        size: received.size,
        // A part of an upload without an algorithm has the one that its object will have.
        checksum: (algorithm == default).then(|| received.checksum.value.clone()),
        modified: service.platform.clock.milliseconds(),
        pieces: received.kept.pieces(received.size),
    };
    let mut output = UploadPartOutput { etag: Some(format!("\"{}\"", part.etag)), ..UploadPartOutput::default() };
    service.keep_part(&input.bucket, &input.key, &input.upload_id, part).await?;
    envelope::show!(output, &upload.encryption);
    checksum::show!(output, algorithm, received.checksum.value);
    Ok(output)
}

/// Ends an upload without an object.
///
/// # Errors
/// `NoSuchUpload`.
pub async fn abort_multipart_upload(
    service: &Arc<S3>,
    _cx: &Ctx,
    input: AbortMultipartUploadRequest,
) -> Result<AbortMultipartUploadOutput, Error> {
    service.bucket(&input.bucket, input.expected_bucket_owner.as_deref()).await?;
    let (row, id, initiated) =
        (keys::upload(&input.key, &input.upload_id), input.upload_id, input.if_match_initiated_time);
    let aborted = service.on_bucket(&input.bucket, move |_, rows| {
        let upload: Upload = rows::read(rows, &row)?.ok_or_else(|| errors::no_upload(&id))?;
        if initiated.is_some_and(|time| time.seconds != whole_seconds(upload.initiated).seconds) {
            return Err(errors::precondition("x-amz-if-match-initiated-time").into());
        }
        rows.delete(&row);
        rows.delete_range(keys::parts_of(&id));
        Ok(())
    });
    aborted.await?;
    Ok(AbortMultipartUploadOutput::default())
}

/// Lists the parts of an upload.
///
/// # Errors
/// `NoSuchUpload`, `InvalidArgument`.
pub async fn list_parts(service: &Arc<S3>, _cx: &Ctx, input: ListPartsRequest) -> Result<ListPartsOutput, Error> {
    let bucket = service.bucket(&input.bucket, input.expected_bucket_owner.as_deref()).await?;
    let upload = service.upload(&input.bucket, &input.key, &input.upload_id).await?;
    let (abort_date, abort_rule_id) =
        abandonment(service, (&input.bucket, &bucket), &input.key, upload.initiated).await?;
    let max = page_size(input.max_parts, "max-parts")?;
    let marker = input.part_number_marker.unwrap_or_default();
    let after = u32::try_from(marker).map_err(|_| {
        let text = "Argument part-number-marker must be an integer between 0 and 2147483647";
        errors::argument(text, "part-number-marker", &marker.to_string())
    })?;
    let range = keys::parts_of(&input.upload_id).after(&keys::part(&input.upload_id, after));
    let partition = keys::bucket_partition(&input.bucket);
    let found =
        service.platform.store.scan(&partition, range, Direction::Forward, max as usize + 1).await.or_failure()?;
    let is_truncated = max > 0 && found.len() > max as usize;
    let algorithm = upload.checksum.map(|(algorithm, _)| algorithm);
    let parts = found.iter().take(max as usize).map(|(_, row)| Ok(shown(&rows::decode(row)?, algorithm)));
    let parts = parts.collect::<Result<Vec<ListedPart>, Error>>()?;
    let owner = Some(canonical_id(&upload.owner));
    Ok(ListPartsOutput {
        abort_date,
        abort_rule_id,
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(input.upload_id),
        part_number_marker: Some(marker),
        next_part_number_marker: Some(parts.last().and_then(|part| part.part_number).unwrap_or(0)),
        max_parts: Some(max),
        is_truncated: Some(is_truncated),
        parts: Some(parts).filter(|parts| !parts.is_empty()),
        initiator: Some(Initiator { id: Some(upload.initiator), ..Initiator::default() }),
        owner: Some(Owner { id: owner, ..Owner::default() }),
        storage_class: Some(upload.description.storage_class.unwrap_or_else(|| "STANDARD".to_owned())),
        checksum_algorithm: algorithm.map(|algorithm| algorithm.name().to_owned()),
        checksum_type: upload.checksum.map(|(_, scope)| scope.name().to_owned()),
        ..ListPartsOutput::default()
    })
}

fn shown(part: &Part, algorithm: Option<Algorithm>) -> ListedPart {
    let mut shown = ListedPart {
        part_number: Some(part.number as i32),
        last_modified: Some(whole_seconds(part.modified)),
        etag: Some(format!("\"{}\"", part.etag)),
        size: Some(part.size as i64),
        ..ListedPart::default()
    };
    if let (Some(algorithm), Some(value)) = (algorithm, &part.checksum) {
        checksum::show!(shown, algorithm, value);
    }
    shown
}

/// Lists the uploads under way.
///
/// # Errors
/// `NoSuchBucket`, `InvalidArgument`.
pub async fn list_multipart_uploads(
    service: &Arc<S3>,
    _cx: &Ctx,
    input: ListMultipartUploadsRequest,
) -> Result<ListMultipartUploadsOutput, Error> {
    service.bucket(&input.bucket, input.expected_bucket_owner.as_deref()).await?;
    let encoded = is_encoded(input.encoding_type.as_deref())?;
    let max = page_size(input.max_uploads.map(|max| if max == 0 { PAGE_MAX } else { max }), "max-uploads")?;
    let prefix = input.prefix.unwrap_or_default();
    let key_marker = input.key_marker.unwrap_or_default();
    let id_marker = input.upload_id_marker.filter(|_| !key_marker.is_empty()).unwrap_or_default();
    let delimiter = input.delimiter.filter(|delimiter| !delimiter.is_empty());
    let mut from = keys::uploads(&prefix);
    if !key_marker.is_empty() {
        // No id begins with this character, so that all uploads of the marker's key come before it.
        let id = if id_marker.is_empty() { "~" } else { &id_marker };
        from = from.after(&keys::upload(&key_marker, id));
    }
    let is_group = key_marker.starts_with(&prefix) && rolled_up(&key_marker, &prefix, delimiter.as_deref()).is_some();
    let marker = if is_group { key_marker.as_str() } else { "" };
    let query =
        Query { bucket: &input.bucket, prefix: &prefix, delimiter: delimiter.as_deref(), marker, max: max as usize };
    let page: Page<Upload> = service.page(&query, from, keys::uploads).await?;
    let last = page.rows.last().filter(|(key, _)| Some(key) == page.next.as_ref());
    let shown = |text: &str| listed(text, encoded);
    let uploads = page.rows.iter().map(|(key, upload)| MultipartUpload {
        upload_id: Some(upload.id.clone()),
        key: Some(shown(key)),
        initiated: Some(whole_seconds(upload.initiated)),
        storage_class: Some(upload.description.storage_class.clone().unwrap_or_else(|| "STANDARD".to_owned())),
        owner: Some(Owner { id: Some(canonical_id(&upload.owner)), ..Owner::default() }),
        initiator: Some(Initiator { id: Some(upload.initiator.clone()), ..Initiator::default() }),
        checksum_algorithm: upload.checksum.map(|(algorithm, _)| algorithm.name().to_owned()),
        checksum_type: upload.checksum.map(|(_, scope)| scope.name().to_owned()),
        ..MultipartUpload::default()
    });
    Ok(ListMultipartUploadsOutput {
        uploads: Some(uploads.collect::<Vec<_>>()).filter(|uploads| !uploads.is_empty()),
        key_marker: Some(shown(&key_marker)),
        upload_id_marker: Some(id_marker),
        next_upload_id_marker: last.map(|(_, upload)| upload.id.clone()),
        next_key_marker: page.next.as_deref().map(shown),
        bucket: Some(input.bucket),
        prefix: Some(shown(&prefix)),
        delimiter: delimiter.as_deref().map(shown),
        max_uploads: Some(max),
        is_truncated: Some(page.next.is_some()),
        common_prefixes: common_prefixes(&page.prefixes, encoded),
        encoding_type: input.encoding_type,
        ..ListMultipartUploadsOutput::default()
    })
}
