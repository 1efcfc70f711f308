//! `GetObject` and `HeadObject`.

use std::sync::Arc;

use api::s3::{GetObjectOutput, GetObjectRequest, HeadObjectOutput, HeadObjectRequest, errors as s3_errors};
use platform::{Ctx, Principal};
use wire::error::Scalar;
use wire::schema::TimestampFormat;
use wire::{Error, Timestamp};

use super::lifecycle::expiration;
use super::put::shown_id;
use super::restore;
use crate::bucket::Bucket;
use crate::checksum::{self, Checksum, Scope};
use crate::condition::Conditions;
use crate::content::Source;
use crate::customer_key::customer_key;
use crate::envelope::{self, Envelope, check_customer_key};
use crate::errors;
use crate::guard::{found, listing};
use crate::range::{Stretch, requested};
use crate::service::S3;
use crate::version::{Part, Version};

/// What is read of an object.
struct Reading {
    version: Version,
    /// Its body, if that was asked for.
    source: Option<Source>,
    /// The part of it, if not all.
    stretch: Option<Stretch>,
    /// Number of parts, if a part was asked for by its number.
    parts_count: Option<i32>,
    /// The checksum of what is read, if it is known.
    checksum: Option<Checksum>,
    /// When a lifecycle rule lets it expire, and which one.
    expiration: Option<String>,
}

/// Finds what a request reads.
macro_rules! reading {
    ($service:expr, $cx:expr, $input:expr, $with_body:expr) => {{
        if ($input.range.is_some() || $input.version_id.is_some() || $input.part_number.is_some())
            && $input.key.is_empty()
        {
            return Err(errors::no_key(&$input.key));
        }
        let changes = [
            $input.response_cache_control.is_some(),
            $input.response_content_disposition.is_some(),
            $input.response_content_encoding.is_some(),
            $input.response_content_language.is_some(),
            $input.response_content_type.is_some(),
            $input.response_expires.is_some(),
        ];
        if $cx.principal == Principal::Anonymous && changes.contains(&true) {
            return Err(errors::request(
                "Request specific response headers cannot be used for anonymous GET requests.",
            ));
        }
        let asked = Asked {
            bucket: &$input.bucket,
            key: &$input.key,
            version: $input.version_id.as_deref(),
            owner: $input.expected_bucket_owner.as_deref(),
            range: $input.range.as_deref(),
            part: $input.part_number,
            conditions: Conditions {
                if_match: $input.if_match.clone(),
                if_none_match: $input.if_none_match.clone(),
                if_modified_since: $input.if_modified_since,
                if_unmodified_since: $input.if_unmodified_since,
            },
            with_body: $with_body || $input.part_number.is_some(),
            with_checksum: $input.checksum_mode.as_deref().is_some_and(|mode| mode.eq_ignore_ascii_case("ENABLED")),
        };
        find($service, $cx, &asked).await?
    }};
}

/// Fills what both operations answer.
macro_rules! answer {
    ($output:expr, $reading:expr, $input:expr) => {{
        let (version, description) = (&$reading.version, &$reading.version.description);
        let length = $reading.stretch.map_or(version.size, |stretch| stretch.length);
        $output.accept_ranges = Some("bytes".to_owned());
        $output.last_modified = Some(version.modified_at());
        $output.content_length = Some(length as i64);
        $output.etag = Some(version.quoted_etag());
        $output.version_id = shown_id(version);
        let changed = |change: &Option<String>, own: &Option<String>| change.clone().or_else(|| own.clone());
        $output.cache_control = changed(&$input.response_cache_control, &description.cache_control);
        $output.content_disposition = changed(&$input.response_content_disposition, &description.content_disposition);
        $output.content_encoding = changed(&$input.response_content_encoding, &description.content_encoding);
        $output.content_language = changed(&$input.response_content_language, &description.content_language);
        $output.content_type = changed(&$input.response_content_type, &description.content_type);
        $output.expires = changed(&$input.response_expires.map(http_date), &description.expires);
        $output.content_range = $reading.stretch.map(|stretch| stretch.content_range(version.size));
        $output.website_redirect_location = description.redirect.clone();
        envelope::show!($output, &version.encryption);
        $output.metadata = Some(description.metadata.clone()).filter(|metadata| !metadata.is_empty());
        $output.storage_class = description.storage_class.clone();
        $output.restore = restore::header(version);
        $output.replication_status = version.replication.clone();
        $output.parts_count = $reading.parts_count;
        if let Some(retention) = version.protection.retention {
            $output.object_lock_mode = Some(retention.mode.name().to_owned());
            $output.object_lock_retain_until_date = Some(Timestamp::from_milliseconds(retention.until));
        }
        $output.expiration = $reading.expiration.clone();
        $output.object_lock_legal_hold_status = version.protection.shown_hold();
        $output.tag_count = Some(version.tags.len() as i32).filter(|count| *count > 0);
        if let Some(checksum) = &$reading.checksum {
            checksum::show!($output, checksum.algorithm, checksum.value);
            $output.checksum_type = Some(checksum.scope.name().to_owned());
        }
    }};
}

/// Answers an object.
///
/// # Errors
/// `NoSuchKey`, `NoSuchVersion`, `MethodNotAllowed`, `InvalidRange`, `PreconditionFailed`, `NotModified`.
pub async fn get_object(service: &Arc<S3>, cx: &Ctx, input: GetObjectRequest) -> Result<GetObjectOutput, Error> {
    let customer = customer_key!(input)?;
    let reading = reading!(service, cx, input, true);
    let mut output = GetObjectOutput::default();
    answer!(output, reading, input);
    let text = "The operation is not valid for the object's storage class";
    restore::check_readable(&reading.version, text)?;
    let envelope = Envelope::of(service, cx, &reading.version.encryption, customer.as_ref()).await?;
    let whole = Stretch { offset: 0, length: reading.version.size };
    if let Some(source) = reading.source {
        output.body = service.read(source, reading.stretch.unwrap_or(whole), &Arc::new(envelope)).await?;
    }
    Ok(output)
}

/// Answers all but an object's body.
///
/// # Errors
/// As [`get_object`].
pub async fn head_object(service: &Arc<S3>, cx: &Ctx, input: HeadObjectRequest) -> Result<HeadObjectOutput, Error> {
    let customer = customer_key!(input)?;
    let reading = reading!(service, cx, input, false);
    check_customer_key(service, &reading.version.encryption, customer.as_ref())?;
    let mut output = HeadObjectOutput::default();
    answer!(output, reading, input);
    Ok(output)
}

fn http_date(time: Timestamp) -> String {
    let mut text = String::new();
    time.write(TimestampFormat::Rfc822, &mut text);
    text
}

/// What a request asks to read.
struct Asked<'a> {
    bucket: &'a str,
    key: &'a str,
    version: Option<&'a str>,
    owner: Option<&'a str>,
    range: Option<&'a str>,
    part: Option<i32>,
    conditions: Conditions,
    with_body: bool,
    with_checksum: bool,
}

async fn find(service: &S3, cx: &Ctx, asked: &Asked<'_>) -> Result<Reading, Error> {
    let Asked { bucket, key, version, owner, .. } = *asked;
    let (bucket, version, source) = if asked.with_body {
        let (bucket, version, source) = readable_whole(service, cx, bucket, key, version, owner).await?;
        (bucket, version, Some(source))
    } else {
        let (bucket, version) = readable_in(service, cx, bucket, key, version, owner).await?;
        (bucket, version, None)
    };
    asked.conditions.check_read(&version, service.platform.clock.milliseconds())?;
    let expiration = match asked.version {
        None => expiration(service, (asked.bucket, &bucket), asked.key, &version).await?,
        Some(_) => None,
    };
    let own = version.checksum.clone().filter(|_| asked.with_checksum);
    if let Some(number) = asked.part {
        if asked.range.is_some() {
            return Err(errors::request("Cannot specify both Range header and partNumber query parameter"));
        }
        let (stretch, part) = part(&version, source.as_ref(), number)?;
        let checksum = match part {
            // A part's own checksum stands for it.
            Some(part) => {
                own.and_then(|own| Some(Checksum { value: part.checksum.clone()?, scope: Scope::Composite, ..own }))
            }
            None => own,
        };
        let parts_count = version.parts.map(|count| count as i32);
        let stretch = Some(stretch).filter(|stretch| stretch.length > 0);
        return Ok(Reading { version, source, stretch, parts_count, checksum, expiration });
    }
    let stretch = asked.range.map(|range| requested(range, version.size)).transpose()?.flatten();
    let checksum = own.filter(|_| stretch.is_none());
    Ok(Reading { version, source, stretch, parts_count: None, checksum, expiration })
}

/// How often a version is looked for that was replaced before its body was found. The body is looked for at once, so that
/// a second time is rare and this many do not happen.
const LOOKS_MAX: usize = 16;

/// As [`readable`], with its bucket and its body.
///
/// # Errors
/// As [`readable`], and `SlowDown`.
pub async fn readable_whole(
    service: &S3,
    cx: &Ctx,
    bucket: &str,
    key: &str,
    id: Option<&str>,
    owner: Option<&str>,
) -> Result<(Bucket, Version, Source), Error> {
    for _ in 0..LOOKS_MAX {
        let (record, version) = readable_in(service, cx, bucket, key, id, owner).await?;
        if let Some(source) = service.source(bucket, &version).await? {
            return Ok((record, version, source));
        }
    }
    Err(s3_errors::slow_down("Please reduce your request rate."))
}

/// The version that a request reads. That there is none is told to those who may list the bucket.
///
/// # Errors
/// `NoSuchBucket`, `NoSuchKey`, `NoSuchVersion`, `AccessDenied`, and `MethodNotAllowed` for a delete marker that is named.
pub async fn readable(
    service: &S3,
    cx: &Ctx,
    bucket: &str,
    key: &str,
    id: Option<&str>,
    owner: Option<&str>,
) -> Result<Version, Error> {
    readable_in(service, cx, bucket, key, id, owner).await.map(|(_, version)| version)
}

async fn readable_in(
    service: &S3,
    cx: &Ctx,
    bucket: &str,
    key: &str,
    id: Option<&str>,
    owner: Option<&str>,
) -> Result<(Bucket, Version), Error> {
    let (record, version) = found::object(service, cx, bucket, (key, id), owner).await?;
    let Some(version) = version else {
        cx.authorise(listing(cx, bucket)).await?;
        return Err(errors::no_key(key));
    };
    if !version.is_marker {
        return Ok((record, version));
    }
    if id.is_none() {
        cx.authorise(listing(cx, bucket)).await?;
        return Err(errors::no_key(key)
            .with_header("x-amz-delete-marker", "true")
            .with_header("x-amz-version-id", version.id));
    }
    Err(s3_errors::method_not_allowed("The specified method is not allowed against this resource.")
        .with("Method", Scalar::from(cx.operation.http.method))
        .with("ResourceType", Scalar::from("DeleteMarker"))
        .with_header("allow", "DELETE")
        .with_header("last-modified", http_date(version.modified_at()))
        .with_header("x-amz-delete-marker", "true")
        .with_header("x-amz-version-id", version.id))
}

/// Where a part of an object lies; all of an object that was not uploaded in parts is its first.
fn part<'s>(version: &Version, source: Option<&'s Source>, number: i32) -> Result<(Stretch, Option<&'s Part>), Error> {
    if !(1..=crate::limits::PART_NUMBER_MAX).contains(&number) {
        let text = "Part number must be an integer between 1 and 10000, inclusive";
        return Err(errors::argument(text, "partNumber", &number.to_string()));
    }
    let count = version.parts.unwrap_or(1);
    let Some(Source::Parts(parts)) = source else {
        if number == 1 {
            return Ok((Stretch { offset: 0, length: version.size }, None));
        }
        return Err(no_part(number, count));
    };
    let index = number as usize - 1;
    let part = parts.get(index).ok_or_else(|| no_part(number, count))?;
    let offset = parts[..index].iter().map(|part| part.size).sum();
    Ok((Stretch { offset, length: part.size }, Some(part)))
}

fn no_part(number: i32, count: u32) -> Error {
    s3_errors::invalid_part_number("The requested partnumber is not satisfiable")
        .with("PartNumberRequested", Scalar::from(i64::from(number)))
        .with("ActualPartCount", Scalar::from(i64::from(count)))
}
