//! `TagResource`, `UntagResource`, `ListTagsForResource`: for buses and rules.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::events::{
    ListTagsForResourceRequest, ListTagsForResourceResponse, Tag, TagResourceRequest, TagResourceResponse,
    UntagResourceRequest, UntagResourceResponse,
};
use platform::Ctx;
use wire::Error;

use super::buses;
use crate::errors::{invalid, no_rule, too_many, validation};
use crate::keys;
use crate::limits::TAGS_MAX;
use crate::names::{BusId, parse_rule};
use crate::records::Rule;
use crate::rows;
use crate::service::Events;

/// What has tags.
enum Tagged {
    Bus(BusId),
    Rule(BusId, String),
}

fn tagged(arn: &str) -> Result<Tagged, Error> {
    let rule = parse_rule(arn).map(|(bus, name)| Tagged::Rule(bus, name));
    let found = rule.or_else(|| BusId::parse(arn).map(Tagged::Bus));
    found.ok_or_else(|| invalid("ResourceARN", "Provided Arn is not in correct format."))
}

/// Tags by key.
///
/// # Errors
/// `ValidationException`, `LimitExceededException`.
pub fn checked(tags: Vec<Tag>) -> Result<BTreeMap<String, String>, Error> {
    let count = tags.len();
    let tags: BTreeMap<String, String> = tags.into_iter().map(|tag| (tag.key, tag.value)).collect();
    if tags.len() < count {
        return Err(validation("Duplicate tag keys found."));
    }
    if tags.keys().any(|key| key.to_ascii_lowercase().starts_with("aws:")) {
        return Err(validation("Tag keys must not begin with aws:."));
    }
    if tags.len() > TAGS_MAX { Err(too_many()) } else { Ok(tags) }
}

/// Adds tags, or changes their values.
///
/// # Errors
/// `ResourceNotFoundException`, `ValidationException`, `LimitExceededException`.
pub async fn tag_resource(
    service: &Arc<Events>,
    _cx: &Ctx,
    input: TagResourceRequest,
) -> Result<TagResourceResponse, Error> {
    let tags = checked(input.tags)?;
    change(service, &input.resource_arn, move |kept| {
        kept.extend(tags.clone());
        if kept.len() > TAGS_MAX { Err(too_many()) } else { Ok(()) }
    })
    .await?;
    Ok(TagResourceResponse::default())
}

/// Removes tags.
///
/// # Errors
/// `ResourceNotFoundException`, `ValidationException`.
pub async fn untag_resource(
    service: &Arc<Events>,
    _cx: &Ctx,
    input: UntagResourceRequest,
) -> Result<UntagResourceResponse, Error> {
    change(service, &input.resource_arn, move |kept| {
        kept.retain(|key, _| !input.tag_keys.contains(key));
        Ok(())
    })
    .await?;
    Ok(UntagResourceResponse::default())
}

/// Lists tags.
///
/// # Errors
/// `ResourceNotFoundException`, `ValidationException`.
pub async fn list_tags_for_resource(
    service: &Arc<Events>,
    _cx: &Ctx,
    input: ListTagsForResourceRequest,
) -> Result<ListTagsForResourceResponse, Error> {
    let tags = match tagged(&input.resource_arn)? {
        Tagged::Bus(bus) => service.bus(&bus).await?.tags,
        Tagged::Rule(bus, name) => service.rule(&bus, &name).await?.ok_or_else(|| no_rule(&bus, &name))?.tags,
    };
    let tags = tags.into_iter().map(|(key, value)| Tag { key, value, ..Tag::default() }).collect();
    Ok(ListTagsForResourceResponse { tags: Some(tags) })
}

async fn change<F>(service: &Arc<Events>, arn: &str, change: F) -> Result<(), Error>
where
    F: Fn(&mut BTreeMap<String, String>) -> Result<(), Error> + Send + Sync + 'static,
{
    match tagged(arn)? {
        Tagged::Bus(bus) => buses::change(service, &bus, move |bus| change(&mut bus.tags)).await,
        Tagged::Rule(bus, name) => {
            let changed = service.transact(move |rows| {
                let key = keys::rule(&bus, &name);
                let mut rule: Rule = rows::read(rows, &key)?.ok_or_else(|| no_rule(&bus, &name))?;
                change(&mut rule.tags)?;
                rows::put(rows, &key, &rule)
            });
            changed.await
        }
    }
}
