//! Tags of parameters.

use std::collections::BTreeMap;

use api::ssm::enums::resource_type_for_tagging;
use api::ssm::{
    AddTagsToResourceRequest, AddTagsToResourceResult, ListTagsForResourceRequest, ListTagsForResourceResult,
    RemoveTagsFromResourceRequest, RemoveTagsFromResourceResult, Tag, errors as modelled,
};
use platform::Ctx;
use wire::Error;

use crate::limits::TAGS_MAX;
use crate::names::Reference;
use crate::records::ParameterRecord;
use crate::service::ParameterStore;
use crate::{errors, rows};

/// Keys that begin so belong to AWS, in any case.
const RESERVED_PREFIX: &str = "aws:";

/// Adds tags, or gives them other values.
pub async fn add_tags_to_resource(
    service: &ParameterStore,
    cx: &Ctx,
    input: AddTagsToResourceRequest,
) -> Result<AddTagsToResourceResult, Error> {
    let reference = parameter(cx, &input.resource_type, &input.resource_id)?;
    change(service, reference, move |record| {
        record.tags = added(&record.tags, &input.tags)?;
        Ok(())
    })
    .await?;
    Ok(AddTagsToResourceResult {})
}

/// Takes tags away; those that there are not are passed over.
pub async fn remove_tags_from_resource(
    service: &ParameterStore,
    cx: &Ctx,
    input: RemoveTagsFromResourceRequest,
) -> Result<RemoveTagsFromResourceResult, Error> {
    let reference = parameter(cx, &input.resource_type, &input.resource_id)?;
    change(service, reference, move |record| {
        record.tags.retain(|key, _| !input.tag_keys.contains(key));
        Ok(())
    })
    .await?;
    Ok(RemoveTagsFromResourceResult {})
}

/// The tags of a parameter.
pub async fn list_tags_for_resource(
    service: &ParameterStore,
    cx: &Ctx,
    input: ListTagsForResourceRequest,
) -> Result<ListTagsForResourceResult, Error> {
    let reference = parameter(cx, &input.resource_type, &input.resource_id)?;
    let record = service.find(&reference).await?.ok_or_else(errors::resource_id)?;
    let tags = record.tags.into_iter().map(|(key, value)| Tag { key, value, ..Default::default() });
    Ok(ListTagsForResourceResult { tag_list: Some(tags.collect()) })
}

/// The tags with others added.
///
/// # Errors
/// `ValidationException`, `TooManyTagsError`.
pub fn added(tags: &BTreeMap<String, String>, others: &[Tag]) -> Result<BTreeMap<String, String>, Error> {
    let mut tags = tags.clone();
    for Tag { key, value, .. } in others {
        if key.get(..RESERVED_PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(RESERVED_PREFIX)) {
            return Err(errors::validation("Tag keys can't start with the prefix aws:."));
        }
        tags.insert(key.clone(), value.clone());
    }
    if tags.len() > TAGS_MAX {
        return Err(modelled::too_many_tags_error(
            "The Targets parameter includes too many tags. Remove one or more tags and try the command again.",
        ));
    }
    Ok(tags)
}

/// Parameters are the only resources there are.
fn parameter(cx: &Ctx, kind: &str, id: &str) -> Result<Reference, Error> {
    if kind != resource_type_for_tagging::PARAMETER {
        return Err(errors::resource_id());
    }
    Reference::parse(cx, id).ok().filter(|reference| reference.selector.is_none()).ok_or_else(errors::resource_id)
}

async fn change(
    service: &ParameterStore,
    reference: Reference,
    change: impl Fn(&mut ParameterRecord) -> Result<(), Error> + Send + Sync + 'static,
) -> Result<(), Error> {
    let account = reference.account.clone();
    service
        .transact(&account, move |transaction| {
            let mut record = rows::find(transaction, &reference)?.ok_or_else(errors::resource_id)?;
            change(&mut record)?;
            rows::put_parameter(transaction, &reference.region, &record)
        })
        .await
}
