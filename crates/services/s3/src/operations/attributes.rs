//! `GetObjectAttributes`.

use std::sync::Arc;

use api::s3::{
    Checksum as ShownChecksum, GetObjectAttributesOutput, GetObjectAttributesParts, GetObjectAttributesRequest,
    ObjectPart,
};
use platform::Ctx;
use wire::Error;

use super::get::{readable, readable_whole};
use super::put::shown_id;
use crate::checksum::{self, Scope};
use crate::content::Source;
use crate::customer_key::customer_key;
use crate::envelope::check_customer_key;
use crate::errors::argument;
use crate::limits::PAGE_MAX;
use crate::listing::page_size;
use crate::service::S3;
use crate::version::Version;

const ATTRIBUTES: [&str; 5] = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"];

/// Answers those of an object's attributes that are asked for.
///
/// # Errors
/// `NoSuchKey`, `NoSuchVersion`, `MethodNotAllowed`, `InvalidArgument`, `InvalidRequest`.
pub async fn get_object_attributes(
    service: &Arc<S3>,
    cx: &Ctx,
    input: GetObjectAttributesRequest,
) -> Result<GetObjectAttributesOutput, Error> {
    let customer = customer_key!(input)?;
    let asked = |name: &str| input.object_attributes.iter().any(|attribute| attribute == name);
    let (id, owner) = (input.version_id.as_deref(), input.expected_bucket_owner.as_deref());
    let (version, source) = if asked("ObjectParts") {
        let (_, version, source) = readable_whole(service, cx, &input.bucket, &input.key, id, owner).await?;
        (version, Some(source))
    } else {
        (readable(service, cx, &input.bucket, &input.key, id, owner).await?, None)
    };
    let unknown = input.object_attributes.iter().find(|attribute| !ATTRIBUTES.contains(&attribute.as_str()));
    if let Some(value) = unknown.map(String::as_str).or(input.object_attributes.is_empty().then_some("")) {
        return Err(argument("Invalid attribute name specified.", "x-amz-object-attributes", value));
    }
    check_customer_key(service, &version.encryption, customer.as_ref())?;
    let object_parts = source.map(|source| parts(&input, &version, &source)).transpose()?.flatten();
    Ok(GetObjectAttributesOutput {
        last_modified: Some(version.modified_at()),
        version_id: shown_id(&version),
        etag: asked("ETag").then(|| version.etag.clone()),
        checksum: version.checksum.as_ref().filter(|_| asked("Checksum")).map(|checksum| {
            let mut shown =
                ShownChecksum { checksum_type: Some(checksum.scope.name().to_owned()), ..Default::default() };
            // Without the number of parts.
            let value = checksum.value.split('-').next().unwrap_or_default().to_owned();
            checksum::show!(shown, checksum.algorithm, value);
            shown
        }),
        object_parts,
        storage_class: asked("StorageClass").then(|| version.storage_class()),
        object_size: asked("ObjectSize").then_some(version.size as i64),
        ..GetObjectAttributesOutput::default()
    })
}

/// The parts of an object that was uploaded in parts: each with its checksum where the object's is taken over those, else
/// only how many there are.
fn parts(
    input: &GetObjectAttributesRequest,
    version: &Version,
    source: &Source,
) -> Result<Option<GetObjectAttributesParts>, Error> {
    let (Some(count), Source::Parts(all)) = (version.parts, source) else { return Ok(None) };
    let total_parts_count = Some(count as i32);
    let Some(checksum) = version.checksum.as_ref().filter(|checksum| checksum.scope == Scope::Composite) else {
        return Ok(Some(GetObjectAttributesParts { total_parts_count, ..Default::default() }));
    };
    let max = page_size(Some(input.max_parts.unwrap_or(PAGE_MAX)), "max-parts")?;
    let marker = input.part_number_marker.unwrap_or_default();
    let behind = all.iter().filter(|part| i64::from(part.number) > i64::from(marker));
    let left = behind.clone().count();
    let shown = behind.take(max as usize).map(|part| {
        let mut shown =
            ObjectPart { part_number: Some(part.number as i32), size: Some(part.size as i64), ..ObjectPart::default() };
        if let Some(value) = &part.checksum {
            checksum::show!(shown, checksum.algorithm, value);
        }
        shown
    });
    let shown: Vec<ObjectPart> = shown.collect();
    Ok(Some(GetObjectAttributesParts {
        total_parts_count,
        part_number_marker: Some(marker),
        next_part_number_marker: Some(shown.last().and_then(|part| part.part_number).unwrap_or_default()),
        max_parts: Some(max),
        is_truncated: Some(left > shown.len()),
        parts: Some(shown).filter(|shown| !shown.is_empty()),
    }))
}
