//! `TagResource`, `UntagResource`, `ListTagsForResource`.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::sns::{
    ListTagsForResourceRequest, ListTagsForResourceResponse, Tag, TagResourceRequest, TagResourceResponse,
    UntagResourceRequest, UntagResourceResponse, errors as modelled,
};
use platform::Ctx;
use wire::Error;

use crate::arn::TopicArn;
use crate::errors::invalid;
use crate::limits::TAGS_MAX;
use crate::service::{Sns, here};

/// Adds tags to a topic, or changes their values.
///
/// # Errors
/// `ResourceNotFound`, `InvalidParameter`, `TagLimitExceeded`.
pub async fn tag_resource(
    service: &Arc<Sns>,
    cx: &Ctx,
    input: TagResourceRequest,
) -> Result<TagResourceResponse, Error> {
    let tags = checked(input.tags)?;
    change(service, &here(cx, "ResourceArn", &input.resource_arn)?, move |kept| {
        kept.extend(tags.clone());
        if kept.len() > TAGS_MAX { Err(too_many()) } else { Ok(()) }
    })
    .await?;
    Ok(TagResourceResponse::default())
}

/// Removes tags from a topic.
///
/// # Errors
/// `ResourceNotFound`, `InvalidParameter`.
pub async fn untag_resource(
    service: &Arc<Sns>,
    cx: &Ctx,
    input: UntagResourceRequest,
) -> Result<UntagResourceResponse, Error> {
    change(service, &here(cx, "ResourceArn", &input.resource_arn)?, move |kept| {
        kept.retain(|key, _| !input.tag_keys.contains(key));
        Ok(())
    })
    .await?;
    Ok(UntagResourceResponse::default())
}

/// Lists the tags of a topic.
///
/// # Errors
/// `ResourceNotFound`, `InvalidParameter`.
pub async fn list_tags_for_resource(
    service: &Arc<Sns>,
    cx: &Ctx,
    input: ListTagsForResourceRequest,
) -> Result<ListTagsForResourceResponse, Error> {
    let arn = here(cx, "ResourceArn", &input.resource_arn)?;
    let topic = service.topic(&arn).await.map_err(missing)?;
    let tags = topic.tags.into_iter().map(|(key, value)| Tag { key, value, ..Tag::default() }).collect();
    Ok(ListTagsForResourceResponse { tags: Some(tags) })
}

/// Tags by key.
///
/// # Errors
/// `InvalidParameter`, `TagLimitExceeded`.
pub fn checked(tags: Vec<Tag>) -> Result<BTreeMap<String, String>, Error> {
    let count = tags.len();
    let tags: BTreeMap<String, String> = tags.into_iter().map(|tag| (tag.key, tag.value)).collect();
    if tags.len() < count {
        return Err(invalid("Duplicated keys are not allowed."));
    }
    if tags.len() > TAGS_MAX {
        return Err(too_many());
    }
    if tags.keys().any(|key| key.is_empty() || key.to_ascii_lowercase().starts_with("aws:")) {
        return Err(invalid("Tag key Reason: must not be empty or begin with aws:"));
    }
    Ok(tags)
}

fn too_many() -> Error {
    modelled::tag_limit_exceeded_exception("Could not complete request: tag quota of per resource exceeded")
}

async fn change<F>(service: &Sns, arn: &TopicArn, change: F) -> Result<(), Error>
where
    F: Fn(&mut BTreeMap<String, String>) -> Result<(), Error> + Send + Sync + 'static,
{
    service.on_topic(arn, move |topic, _| Ok(change(&mut topic.tags)?)).await.map_err(missing)
}

/// These operations have a code of their own for topics that do not exist.
fn missing(error: Error) -> Error {
    if error.is("NotFoundException") {
        return modelled::resource_not_found_exception("Resource does not exist");
    }
    error
}
