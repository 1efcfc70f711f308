//! Tags, of both families: those of streams alone, and those of any resource.

use std::collections::BTreeMap;

use api::kinesis::{
    AddTagsToStreamInput, ListTagsForResourceInput, ListTagsForResourceOutput, ListTagsForStreamInput,
    ListTagsForStreamOutput, RemoveTagsFromStreamInput, Tag, TagResourceInput, UntagResourceInput,
};
use platform::Ctx;
use wire::Error;

use crate::errors::invalid;
use crate::limits::TAGS_MAX;
use crate::names::StreamName;
use crate::operations::consumers::{self, Resource};
use crate::service::Kinesis;

type Tags = BTreeMap<String, String>;

/// Checks tags that are to be set, and how many there will be.
///
/// # Errors
/// `InvalidArgumentException`.
pub fn check_tags(name: &StreamName, tags: &Tags, number: usize) -> Result<(), Error> {
    let is_allowed =
        |character: char| character.is_alphanumeric() || character.is_whitespace() || "_./=+-%@:".contains(character);
    if tags.iter().any(|(key, value)| !key.chars().chain(value.chars()).all(is_allowed)) {
        return Err(invalid(
            "Some tags contain invalid characters. Valid characters: Unicode letters, digits, white space, _ . / = + - % @ :.",
        ));
    }
    if tags.keys().any(|key| key.starts_with("aws:")) {
        return Err(invalid("Tag keys must not start with 'aws:'."));
    }
    if number > TAGS_MAX {
        return Err(invalid(format!(
            "Failed to add tags to stream {} under account {} because a given stream cannot have more than {TAGS_MAX} \
             tags associated with it.",
            name.name, name.account
        )));
    }
    Ok(())
}

fn add(name: &StreamName, tags: &mut Tags, more: &Tags) -> Result<(), Error> {
    let mut all = tags.clone();
    all.extend(more.clone());
    check_tags(name, more, all.len())?;
    *tags = all;
    Ok(())
}

/// Adds tags to a stream.
///
/// # Errors
/// `ResourceNotFoundException`, `InvalidArgumentException`.
pub async fn add_tags_to_stream(service: &Kinesis, cx: &Ctx, input: AddTagsToStreamInput) -> Result<api::Empty, Error> {
    let (name, arn, id) = (input.stream_name.as_deref(), input.stream_arn.as_deref(), input.stream_id.as_deref());
    let name = StreamName::new(cx, name, arn, id)?;
    let named = name.clone();
    service.change(&name, move |_, stream| Ok(add(&named, &mut stream.tags, &input.tags)?)).await?;
    Ok(api::Empty)
}

/// Removes tags from a stream.
///
/// # Errors
/// `ResourceNotFoundException`.
pub async fn remove_tags_from_stream(
    service: &Kinesis,
    cx: &Ctx,
    input: RemoveTagsFromStreamInput,
) -> Result<api::Empty, Error> {
    let (name, arn, id) = (input.stream_name.as_deref(), input.stream_arn.as_deref(), input.stream_id.as_deref());
    let name = StreamName::new(cx, name, arn, id)?;
    service
        .change(&name, move |_, stream| {
            stream.tags.retain(|key, _| !input.tag_keys.contains(key));
            Ok(())
        })
        .await?;
    Ok(api::Empty)
}

/// Lists the tags of a stream by key.
///
/// # Errors
/// `ResourceNotFoundException`.
pub async fn list_tags_for_stream(
    service: &Kinesis,
    cx: &Ctx,
    input: ListTagsForStreamInput,
) -> Result<ListTagsForStreamOutput, Error> {
    let (name, arn, id) = (input.stream_name.as_deref(), input.stream_arn.as_deref(), input.stream_id.as_deref());
    let name = StreamName::new(cx, name, arn, id)?;
    let stream = service.stream(&name).await?;
    let most = input.limit.map_or(TAGS_MAX, |limit| usize::try_from(limit).unwrap_or(TAGS_MAX));
    let after = input.exclusive_start_tag_key;
    let rest = stream.tags.into_iter().filter(|(key, _)| after.as_ref().is_none_or(|after| key > after));
    let mut tags = described(rest);
    let has_more_tags = tags.len() > most;
    tags.truncate(most);
    Ok(ListTagsForStreamOutput { tags, has_more_tags })
}

fn described(tags: impl IntoIterator<Item = (String, String)>) -> Vec<Tag> {
    tags.into_iter().map(|(key, value)| Tag { key, value: Some(value) }).collect()
}

/// Adds tags to a stream or consumer.
///
/// # Errors
/// `ResourceNotFoundException`, `InvalidArgumentException`.
pub async fn tag_resource(service: &Kinesis, cx: &Ctx, input: TagResourceInput) -> Result<api::Empty, Error> {
    let resource = Resource::new(cx, &input.resource_arn, input.stream_id.as_deref())?;
    let name = resource.stream().clone();
    consumers::change_resource(service, resource, move |fields| Ok(add(&name, fields.tags, &input.tags)?)).await?;
    Ok(api::Empty)
}

/// Removes tags from a stream or consumer.
///
/// # Errors
/// `ResourceNotFoundException`, `InvalidArgumentException`.
pub async fn untag_resource(service: &Kinesis, cx: &Ctx, input: UntagResourceInput) -> Result<api::Empty, Error> {
    let resource = Resource::new(cx, &input.resource_arn, input.stream_id.as_deref())?;
    let untag = move |fields: consumers::Fields<'_>| {
        fields.tags.retain(|key, _| !input.tag_keys.contains(key));
        Ok(())
    };
    consumers::change_resource(service, resource, untag).await?;
    Ok(api::Empty)
}

/// Lists the tags of a stream or consumer.
///
/// # Errors
/// `ResourceNotFoundException`, `InvalidArgumentException`.
pub async fn list_tags_for_resource(
    service: &Kinesis,
    cx: &Ctx,
    input: ListTagsForResourceInput,
) -> Result<ListTagsForResourceOutput, Error> {
    let resource = Resource::new(cx, &input.resource_arn, input.stream_id.as_deref())?;
    let tags = consumers::resource(service, &resource).await?.tags;
    Ok(ListTagsForResourceOutput { tags: Some(described(tags)) })
}
