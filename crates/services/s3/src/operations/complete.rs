//! `CompleteMultipartUpload`.

use std::sync::Arc;

use api::s3::{CompleteMultipartUploadOutput, CompleteMultipartUploadRequest, CompletedPart, errors as s3_errors};
use md5::{Digest as _, Md5};
use platform::{Ctx, OrFailure};
use store::Direction;
use wire::Error;
use wire::error::Scalar;

use super::lifecycle::expiration;
use super::put::{New, Row, add, fresh_id, shown_id};
use crate::bucket::Bucket;
use crate::checksum::{self, Algorithm, Checksum, Scope};
use crate::condition::WriteConditions;
use crate::envelope::Encryption;
use crate::errors;
use crate::event::{Kind, Occasion};
use crate::keys;
use crate::limits::{OBJECT_BYTES_MAX, PART_BYTES_MIN, PART_NUMBER_MAX};
use crate::receive::hex;
use crate::rows;
use crate::service::S3;
use crate::version::{Content, NULL, Part, Upload, Version};
use crate::versions;

/// Makes an object of the parts that the client names.
///
/// # Errors
/// `NoSuchUpload`, `InvalidPart`, `InvalidPartOrder`, `EntityTooSmall`, `BadDigest`, `PreconditionFailed`.
pub async fn complete_multipart_upload(
    service: &Arc<S3>,
    cx: &Ctx,
    input: CompleteMultipartUploadRequest,
) -> Result<CompleteMultipartUploadOutput, Error> {
    let bucket = service.bucket(&input.bucket, input.expected_bucket_owner.as_deref()).await?;
    let occasion = Occasion::of(service, cx, &input.bucket, &bucket).await?;
    let conditions = WriteConditions { if_match: input.if_match.clone(), if_none_match: input.if_none_match.clone() };
    conditions.check()?;
    let named = input.multipart_upload.as_ref().and_then(|list| list.parts.clone()).unwrap_or_default();
    if named.is_empty() || named.len() > PART_NUMBER_MAX as usize {
        return Err(errors::malformed_xml());
    }
    let upload = match service.upload(&input.bucket, &input.key, &input.upload_id).await {
        Ok(upload) => upload,
        Err(error) => {
            let version = completed(service, &input).await?.ok_or(error)?;
            return answer(service, cx, &bucket, input, version).await;
        }
    };
    let parts = named_parts(service, &input.bucket, &input.upload_id, &named, &upload).await?;
    let size: u64 = parts.iter().map(|part| part.size).sum();
    check_size(&input, size)?;
    let checksum = checksum_of(&upload, &parts);
    check_declared(&input, &upload, checksum.as_ref())?;
    let version = Version {
        sequence: 0,
        id: NULL.to_owned(),
        is_marker: false,
        modified: service.platform.clock.milliseconds(),
        size,
        etag: etag_of(&parts),
        checksum,
        parts: Some(parts.len() as u32),
        owner: upload.owner,
        description: upload.description,
        tags: upload.tags,
        content: Content::Parts(input.upload_id.clone()),
        grants: upload.grants.clone(),
        protection: upload.protection,
        encryption: upload.encryption,
        body_key: None,
        restore: None,
        replication: None,
    };
    let new = New { version, row: Row::Parts(parts), conditions, occasion, kind: Kind::Complete };
    let (key, upload_id, id) = (input.key.clone(), input.upload_id.clone(), fresh_id(service));
    let adding = service.on_bucket(&input.bucket, move |bucket, rows| {
        let upload = keys::upload(&key, &upload_id);
        if rows.get(&upload)?.is_none() {
            return Err(errors::no_upload(&upload_id).into());
        }
        rows.delete(&upload);
        rows.delete_range(keys::parts_of(&upload_id));
        add(rows, bucket, &key, &new, &id)
    });
    let version = adding.await?;
    answer(service, cx, &bucket, input, version).await
}

/// What an upload became that was completed before: whoever missed the answer may ask again, whatever the conditions were.
async fn completed(service: &S3, input: &CompleteMultipartUploadRequest) -> Result<Option<Version>, Error> {
    let current = versions::find(service, &input.bucket, &input.key, None).await?;
    Ok(current.filter(|version| version.content == Content::Parts(input.upload_id.clone())))
}

async fn answer(
    service: &S3,
    cx: &Ctx,
    bucket: &Bucket,
    input: CompleteMultipartUploadRequest,
    version: Version,
) -> Result<CompleteMultipartUploadOutput, Error> {
    let mut output = CompleteMultipartUploadOutput {
        expiration: expiration(service, (&input.bucket, bucket), &input.key, &version).await?,
        location: Some(format!("{}/{}/{}", cx.endpoint, input.bucket, input.key)),
        bucket: Some(input.bucket),
        key: Some(input.key),
        etag: Some(version.quoted_etag()),
        server_side_encryption: version.encryption.name().map(str::to_owned),
        version_id: shown_id(&version),
        ..CompleteMultipartUploadOutput::default()
    };
    if let Encryption::Kms(kms) = &version.encryption {
        (output.ssekms_key_id, output.bucket_key_enabled) = (Some(kms.key.clone()), kms.is_bucket_key.then_some(true));
    }
    if let Some(checksum) = &version.checksum {
        checksum::show!(output, checksum.algorithm, checksum.value);
        output.checksum_type = Some(checksum.scope.name().to_owned());
    }
    Ok(output)
}

/// The parts that the client names, as they were uploaded.
async fn named_parts(
    service: &S3,
    bucket: &str,
    id: &str,
    named: &[CompletedPart],
    upload: &Upload,
) -> Result<Vec<Part>, Error> {
    let numbers: Vec<i32> = named.iter().map(|part| part.part_number.unwrap_or_default()).collect();
    if numbers.windows(2).any(|pair| pair[0] >= pair[1]) {
        let text = "The list of parts was not in ascending order. Parts must be ordered by part number.";
        return Err(s3_errors::invalid_part_order(text).with("UploadId", Scalar::from(id)));
    }
    let (partition, range) = (keys::bucket_partition(bucket), keys::parts_of(id));
    let most = PART_NUMBER_MAX as usize;
    let found = service.platform.store.scan(&partition, range, Direction::Forward, most).await.or_failure()?;
    let uploaded = found.iter().map(|(_, row)| rows::decode(row)).collect::<Result<Vec<Part>, Error>>()?;
    let mut parts = Vec::with_capacity(named.len());
    for (name, number) in named.iter().zip(numbers) {
        let etag = name.etag.as_deref().unwrap_or_default().trim_matches('"');
        let is_it = |part: &&Part| i64::from(part.number) == i64::from(number) && part.etag == etag;
        let part = uploaded.iter().find(is_it);
        let declared = checksum::declared!(name);
        let is_same = |part: &&Part| {
            declared.values.iter().all(|(algorithm, value)| {
                upload.checksum.is_none_or(|(own, _)| own == *algorithm) && part.checksum.as_ref() == Some(value)
                    || upload.checksum.is_none()
            })
        };
        match part.filter(is_same) {
            Some(part) => parts.push(part.clone()),
            None => {
                let text = "One or more of the specified parts could not be found.  The part may not have been uploaded, \
                            or the specified entity tag may not match the part's entity tag.";
                return Err(s3_errors::invalid_part(text)
                    .with("UploadId", Scalar::from(id))
                    .with("PartNumber", Scalar::from(i64::from(number)))
                    .with("ETag", Scalar::from(etag)));
            }
        }
    }
    for part in &parts[..parts.len() - 1] {
        if part.size < PART_BYTES_MIN {
            return Err(s3_errors::entity_too_small("Your proposed upload is smaller than the minimum allowed size")
                .with("ProposedSize", Scalar::from(part.size as i64))
                .with("MinSizeAllowed", Scalar::from(PART_BYTES_MIN as i64))
                .with("PartNumber", Scalar::from(i64::from(part.number)))
                .with("ETag", Scalar::from(part.etag.as_str())));
        }
    }
    Ok(parts)
}

fn check_size(input: &CompleteMultipartUploadRequest, size: u64) -> Result<(), Error> {
    if size > OBJECT_BYTES_MAX {
        return Err(s3_errors::entity_too_large("Your proposed upload exceeds the maximum allowed size")
            .with("ProposedSize", Scalar::from(size as i64))
            .with("MaxSizeAllowed", Scalar::from(OBJECT_BYTES_MAX as i64)));
    }
    match input.mpu_object_size {
        Some(expected) if u64::try_from(expected) != Ok(size) => {
            let text = format!(
                "The provided 'x-amz-mp-object-size' header value {expected} does not match what was computed: {size}"
            );
            Err(errors::request(text))
        }
        _ => Ok(()),
    }
}

/// The MD5 of the parts' MD5s, and how many there are.
fn etag_of(parts: &[Part]) -> String {
    let mut hash = Md5::new();
    for part in parts {
        let digits = part.etag.as_bytes().chunks_exact(2);
        let digit = |byte: u8| char::from(byte).to_digit(16).unwrap_or_default() as u8;
        hash.update(digits.map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect::<Vec<u8>>());
    }
    format!("{}-{}", hex(&hash.finalize()), parts.len())
}

/// The checksum of the object; an upload without an algorithm has S3's own over its bytes.
fn checksum_of(upload: &Upload, parts: &[Part]) -> Option<Checksum> {
    let (algorithm, scope) = upload.checksum.unwrap_or((Algorithm::Crc64Nvme, Scope::Full));
    let sums: Option<Vec<(String, u64)>> = parts.iter().map(|part| Some((part.checksum.clone()?, part.size))).collect();
    let sums = sums?;
    let value = match scope {
        Scope::Full => algorithm.combine(&sums)?,
        Scope::Composite => algorithm.composite(&sums)?,
    };
    Some(Checksum { algorithm, value, scope })
}

fn check_declared(
    input: &CompleteMultipartUploadRequest,
    upload: &Upload,
    checksum: Option<&Checksum>,
) -> Result<(), Error> {
    if let (Some(asked), Some((_, scope))) = (input.checksum_type.as_deref(), upload.checksum)
        && asked != scope.name()
    {
        let text = format!(
            "The upload was created using the {} checksum mode. The complete request must use the same checksum mode.",
            scope.name()
        );
        return Err(errors::request(text));
    }
    let declared = checksum::declared!(input);
    if let Some(header) = declared.foreign {
        return Err(errors::unsupported(header));
    }
    for (algorithm, value) in &declared.values {
        let is_same = checksum.is_some_and(|checksum| {
            // The number of parts may be left out.
            let own = checksum.value.split('-').next().unwrap_or_default();
            checksum.algorithm == *algorithm && (checksum.value == *value || own == value)
        });
        if !is_same {
            return Err(errors::checksum_mismatch(algorithm.name()));
        }
    }
    Ok(())
}
