//! `ListObjects`, `ListObjectsV2`, `ListObjectVersions`.

use std::sync::Arc;

use api::s3::{
    CommonPrefix, DeleteMarkerEntry, ListObjectVersionsOutput, ListObjectVersionsRequest, ListObjectsOutput,
    ListObjectsRequest, ListObjectsV2Output, ListObjectsV2Request, Object, ObjectVersion, Owner,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use platform::Ctx;
use store::KeyRange;
use wire::Error;

use super::restore;
use crate::bucket::canonical_id;
use crate::errors::argument;
use crate::keys;
use crate::listing::{Page, Query, page_size, rolled_up};
use crate::names::{is_encoded, listed};
use crate::service::S3;
use crate::version::Version;

/// Lists objects, with markers.
///
/// # Errors
/// `NoSuchBucket`, `InvalidArgument`.
pub async fn list_objects(service: &Arc<S3>, _cx: &Ctx, input: ListObjectsRequest) -> Result<ListObjectsOutput, Error> {
    let bucket = service.bucket(&input.bucket, input.expected_bucket_owner.as_deref()).await?;
    let encoded = is_encoded(input.encoding_type.as_deref())?;
    let with_restore = shows_restore(input.optional_object_attributes.as_deref())?;
    let max = page_size(input.max_keys, "maxKeys")?;
    let (prefix, marker) = (input.prefix.unwrap_or_default(), input.marker.unwrap_or_default());
    let delimiter = input.delimiter.filter(|delimiter| !delimiter.is_empty());
    let page = objects(service, &input.bucket, &prefix, delimiter.as_deref(), &marker, max).await?;
    let shown = |text: &str| listed(text, encoded);
    Ok(ListObjectsOutput {
        is_truncated: Some(page.next.is_some()),
        marker: Some(shown(&marker)),
        next_marker: page.next.as_deref().filter(|_| delimiter.is_some()).map(shown),
        contents: contents(&page, Style { encoded, with_owner: true, with_restore }),
        name: Some(input.bucket),
        prefix: Some(shown(&prefix)),
        delimiter: delimiter.as_deref().map(shown),
        max_keys: Some(max),
        common_prefixes: common_prefixes(&page.prefixes, encoded),
        encoding_type: input.encoding_type,
        bucket_region: Some(bucket.region),
        ..ListObjectsOutput::default()
    })
}

/// Lists objects, with continuation tokens.
///
/// # Errors
/// `NoSuchBucket`, `InvalidArgument`.
pub async fn list_objects_v2(
    service: &Arc<S3>,
    _cx: &Ctx,
    input: ListObjectsV2Request,
) -> Result<ListObjectsV2Output, Error> {
    let bucket = service.bucket(&input.bucket, input.expected_bucket_owner.as_deref()).await?;
    let encoded = is_encoded(input.encoding_type.as_deref())?;
    let with_restore = shows_restore(input.optional_object_attributes.as_deref())?;
    let max = page_size(input.max_keys, "maxKeys")?;
    let prefix = input.prefix.unwrap_or_default();
    let delimiter = input.delimiter.filter(|delimiter| !delimiter.is_empty());
    let marker = match &input.continuation_token {
        Some(token) => {
            let text = STANDARD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            let refused = || argument("The continuation token provided is incorrect", "continuation-token", token);
            text.filter(|text| !text.is_empty()).ok_or_else(refused)?
        }
        None => input.start_after.clone().unwrap_or_default(),
    };
    let page = objects(service, &input.bucket, &prefix, delimiter.as_deref(), &marker, max).await?;
    let shown = |text: &str| listed(text, encoded);
    Ok(ListObjectsV2Output {
        is_truncated: Some(page.next.is_some()),
        contents: contents(&page, Style { encoded, with_owner: input.fetch_owner == Some(true), with_restore }),
        name: Some(input.bucket),
        prefix: Some(shown(&prefix)),
        delimiter: delimiter.as_deref().map(shown),
        max_keys: Some(max),
        common_prefixes: common_prefixes(&page.prefixes, encoded),
        encoding_type: input.encoding_type,
        key_count: Some((page.rows.len() + page.prefixes.len()) as i32),
        next_continuation_token: page.next.map(|next| STANDARD.encode(next)),
        // A token goes before a key to begin after, which then is not told of either.
        start_after: input.start_after.as_deref().filter(|_| input.continuation_token.is_none()).map(shown),
        continuation_token: input.continuation_token,
        bucket_region: Some(bucket.region),
        ..ListObjectsV2Output::default()
    })
}

async fn objects(
    service: &S3,
    bucket: &str,
    prefix: &str,
    delimiter: Option<&str>,
    marker: &str,
    max: i32,
) -> Result<Page<Version>, Error> {
    let query = Query { bucket, prefix, delimiter, marker, max: max as usize };
    let from = after(keys::currents(prefix), marker, |marker| keys::current(marker).to_vec());
    service.page(&query, from, keys::currents).await
}

/// The part of a range behind a marker, if there is one.
fn after(range: KeyRange, marker: &str, key: impl Fn(&str) -> Vec<u8>) -> KeyRange {
    if marker.is_empty() { range } else { range.after(&key(marker)) }
}

/// How entries are shown.
#[derive(Clone, Copy)]
struct Style {
    /// Whether keys are written for addresses.
    encoded: bool,
    /// Whether owners are named.
    with_owner: bool,
    /// Whether it is told what is restored of archived objects.
    with_restore: bool,
}

/// Reads `x-amz-optional-object-attributes`.
fn shows_restore(attributes: Option<&[String]>) -> Result<bool, Error> {
    let name = "x-amz-optional-object-attributes";
    match attributes.unwrap_or_default().iter().find(|attribute| *attribute != "RestoreStatus") {
        Some(other) => Err(argument("Invalid attribute name specified.", name, other)),
        None => Ok(attributes.is_some_and(|attributes| !attributes.is_empty())),
    }
}

fn contents(page: &Page<Version>, style: Style) -> Option<Vec<Object>> {
    let each = page.rows.iter().map(|(key, version)| Object {
        key: Some(listed(key, style.encoded)),
        last_modified: Some(version.modified_at()),
        etag: Some(version.quoted_etag()),
        checksum_algorithm: version.checksum.as_ref().map(|checksum| vec![checksum.algorithm.name().to_owned()]),
        checksum_type: version.checksum.as_ref().map(|checksum| checksum.scope.name().to_owned()),
        size: Some(version.size as i64),
        storage_class: Some(version.storage_class()),
        owner: style.with_owner.then(|| owner(version)),
        restore_status: restore::status(version).filter(|_| style.with_restore),
    });
    Some(each.collect::<Vec<_>>()).filter(|contents| !contents.is_empty())
}

fn owner(version: &Version) -> Owner {
    Owner { id: Some(canonical_id(&version.owner)), ..Owner::default() }
}

/// Prefixes as answers show them.
pub fn common_prefixes(prefixes: &[String], encoded: bool) -> Option<Vec<CommonPrefix>> {
    let each = prefixes.iter().map(|prefix| CommonPrefix { prefix: Some(listed(prefix, encoded)) });
    Some(each.collect::<Vec<_>>()).filter(|prefixes| !prefixes.is_empty())
}

/// Lists all versions of objects, the newest of each key first.
///
/// # Errors
/// `NoSuchBucket`, `InvalidArgument`.
pub async fn list_object_versions(
    service: &Arc<S3>,
    _cx: &Ctx,
    input: ListObjectVersionsRequest,
) -> Result<ListObjectVersionsOutput, Error> {
    service.bucket(&input.bucket, input.expected_bucket_owner.as_deref()).await?;
    let encoded = is_encoded(input.encoding_type.as_deref())?;
    let with_restore = shows_restore(input.optional_object_attributes.as_deref())?;
    let max = page_size(input.max_keys, "maxKeys")?;
    let prefix = input.prefix.unwrap_or_default();
    let delimiter = input.delimiter.filter(|delimiter| !delimiter.is_empty());
    let key_marker = input.key_marker.unwrap_or_default();
    if key_marker.is_empty() && input.version_id_marker.is_some() {
        let text = "A version-id marker cannot be specified without a key marker.";
        return Err(argument(text, "version-id-marker", input.version_id_marker.as_deref().unwrap_or_default()));
    }
    let (from, is_within) =
        versions_from(service, &input.bucket, &prefix, &key_marker, input.version_id_marker.as_deref()).await?;
    // Within a key that the marker names, more versions may follow: only whole groups are passed over.
    let passed = if rolled_up_marker(&key_marker, &prefix, delimiter.as_deref()) { key_marker.as_str() } else { "" };
    let query = Query {
        bucket: &input.bucket,
        prefix: &prefix,
        delimiter: delimiter.as_deref(),
        marker: passed,
        max: max as usize,
    };
    let page: Page<Version> = service.page(&query, from, keys::versions).await?;
    let (mut versions, mut markers) = (Vec::new(), Vec::new());
    let style = Style { encoded, with_owner: true, with_restore };
    let mut last_key = if is_within { key_marker.clone() } else { String::new() };
    for (key, version) in &page.rows {
        let is_latest = *key != last_key;
        last_key.clone_from(key);
        entry(key, version, is_latest, style, (&mut versions, &mut markers));
    }
    let shown = |text: &str| listed(text, encoded);
    let next_version = page.rows.last().filter(|(key, _)| Some(key) == page.next.as_ref());
    Ok(ListObjectVersionsOutput {
        is_truncated: Some(page.next.is_some()),
        next_version_id_marker: next_version.map(|(_, version)| version.id.clone()),
        next_key_marker: page.next.as_deref().map(shown),
        key_marker: Some(shown(&key_marker)),
        version_id_marker: Some(input.version_id_marker.unwrap_or_default()),
        versions: Some(versions).filter(|versions| !versions.is_empty()),
        delete_markers: Some(markers).filter(|markers| !markers.is_empty()),
        name: Some(input.bucket),
        prefix: Some(shown(&prefix)),
        delimiter: delimiter.as_deref().map(shown),
        max_keys: Some(max),
        common_prefixes: common_prefixes(&page.prefixes, encoded),
        encoding_type: input.encoding_type,
        ..ListObjectVersionsOutput::default()
    })
}

fn rolled_up_marker(marker: &str, prefix: &str, delimiter: Option<&str>) -> bool {
    marker.starts_with(prefix) && rolled_up(marker, prefix, delimiter).is_some()
}

/// The versions behind the markers, and whether they begin within the marker's key.
async fn versions_from(
    service: &S3,
    bucket: &str,
    prefix: &str,
    key_marker: &str,
    id: Option<&str>,
) -> Result<(KeyRange, bool), Error> {
    let range = keys::versions(prefix);
    if key_marker.is_empty() {
        return Ok((range, false));
    }
    let Some(id) = id.filter(|id| !id.is_empty()) else {
        // Behind the last version of the marker's key: sequence numbers count down.
        return Ok((range.after(&keys::version(key_marker, 0)), false));
    };
    match crate::versions::find(service, bucket, key_marker, Some(id)).await {
        Ok(Some(version)) => Ok((range.after(&keys::version(key_marker, version.sequence)), true)),
        // It was deleted since it was listed, as by whoever empties a bucket page by page: the key's others come again.
        Ok(None) => Ok((range.after(&keys::version(key_marker, u64::MAX)), false)),
        Err(error) if error.is("NoSuchVersion") => Ok((range.after(&keys::version(key_marker, u64::MAX)), false)),
        Err(error) => Err(error),
    }
}

fn entry(
    key: &str,
    version: &Version,
    is_latest: bool,
    style: Style,
    (versions, markers): (&mut Vec<ObjectVersion>, &mut Vec<DeleteMarkerEntry>),
) {
    if version.is_marker {
        return markers.push(DeleteMarkerEntry {
            owner: Some(owner(version)),
            key: Some(listed(key, style.encoded)),
            version_id: Some(version.id.clone()),
            is_latest: Some(is_latest),
            last_modified: Some(version.modified_at()),
        });
    }
    versions.push(ObjectVersion {
        etag: Some(version.quoted_etag()),
        checksum_algorithm: version.checksum.as_ref().map(|checksum| vec![checksum.algorithm.name().to_owned()]),
        checksum_type: version.checksum.as_ref().map(|checksum| checksum.scope.name().to_owned()),
        size: Some(version.size as i64),
        storage_class: Some(version.storage_class()),
        key: Some(listed(key, style.encoded)),
        version_id: Some(version.id.clone()),
        is_latest: Some(is_latest),
        last_modified: Some(version.modified_at()),
        owner: Some(owner(version)),
        restore_status: restore::status(version).filter(|_| style.with_restore),
    });
}
