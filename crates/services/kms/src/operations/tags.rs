//! Tags.

use std::collections::{BTreeMap, BTreeSet};

use api::Empty;
use api::kms::errors::tag_exception;
use api::kms::{ListResourceTagsRequest, ListResourceTagsResponse, Tag, TagResourceRequest, UntagResourceRequest};
use platform::Ctx;
use wire::Error;

use crate::limits::{PAGE_DEFAULT, TAGS_MAX};
use crate::operations::own_key;
use crate::operations::state::change;
use crate::paging::{self, Page};
use crate::resolve::{require_customers, require_kept};
use crate::service::Kms;

/// Tags by their keys.
pub type TagSet = BTreeMap<String, String>;

/// Adds tags to a key, and overwrites those that are there.
pub async fn tag_resource(kms: &Kms, cx: &Ctx, input: TagResourceRequest) -> Result<Empty, Error> {
    let name = own_key(cx, &input.key_id)?;
    change(kms, cx, name, move |cx, record| {
        require_customers(cx, record)?;
        require_kept(record)?;
        record.tags = merge(record.tags.clone(), &input.tags)?;
        Ok(())
    })
    .await
}

/// Removes tags; those that are not there are no error.
pub async fn untag_resource(kms: &Kms, cx: &Ctx, input: UntagResourceRequest) -> Result<Empty, Error> {
    let name = own_key(cx, &input.key_id)?;
    if input.tag_keys.iter().any(|key| is_reserved(key)) {
        return Err(reserved());
    }
    change(kms, cx, name, move |cx, record| {
        require_customers(cx, record)?;
        require_kept(record)?;
        record.tags.retain(|key, _| !input.tag_keys.contains(key));
        Ok(())
    })
    .await
}

/// Lists a key's tags.
pub async fn list_resource_tags(
    kms: &Kms,
    cx: &Ctx,
    input: ListResourceTagsRequest,
) -> Result<ListResourceTagsResponse, Error> {
    let record = kms.find(&own_key(cx, &input.key_id)?).await?;
    let limit = paging::limit(input.limit, PAGE_DEFAULT, TAGS_MAX)?;
    let last = paging::read_marker(input.marker.as_deref())?;
    let rest = record.tags.into_iter().filter(|(key, _)| last.as_ref().is_none_or(|last| key > last));
    let page = Page::of(rest.collect(), limit, |(key, _): &(String, String)| key.clone());
    let page = page.map(|(key, value)| Tag { tag_key: key, tag_value: value, ..Tag::default() });
    Ok(ListResourceTagsResponse {
        truncated: page.truncated(),
        tags: Some(page.entries),
        next_marker: page.next_marker,
    })
}

/// Tags with others added.
///
/// # Errors
/// `TagException`.
pub fn merge(mut tags: TagSet, added: &[Tag]) -> Result<TagSet, Error> {
    let mut seen = BTreeSet::new();
    for tag in added {
        if is_reserved(&tag.tag_key) {
            return Err(reserved());
        }
        if !seen.insert(&tag.tag_key) {
            return Err(tag_exception("Duplicate tag keys"));
        }
        tags.insert(tag.tag_key.clone(), tag.tag_value.clone());
    }
    if tags.len() > TAGS_MAX { Err(tag_exception("Too many tags")) } else { Ok(tags) }
}

fn is_reserved(key: &str) -> bool {
    key.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("aws:"))
}

fn reserved() -> Error {
    tag_exception("Tags beginning with aws: are reserved")
}
