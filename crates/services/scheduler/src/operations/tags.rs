//! Tags of groups.

use api::scheduler::{
    ListTagsForResourceInput, ListTagsForResourceOutput, Tag, TagResourceInput, TagResourceOutput, UntagResourceInput,
    UntagResourceOutput,
};
use platform::Ctx;
use wire::Error;

use crate::errors::no_group;
use crate::keys;
use crate::names::{Place, group_of_arn};
use crate::operations::groups::{check_tags, read};
use crate::records::Group;
use crate::rows;
use crate::service::Scheduler;

/// The group of an ARN in the caller's account.
fn named(cx: &Ctx, arn: &str) -> Result<(Place, String), Error> {
    group_of_arn(arn).filter(|(place, _)| *place == Place::of(cx)).ok_or_else(|| no_group(arn))
}

async fn change<F>(service: &Scheduler, (place, name): (Place, String), closure: F) -> Result<(), Error>
where
    F: Fn(&mut Group) -> Result<(), Error> + Send + Sync + 'static,
{
    let now = service.now();
    service
        .transact(&place, move |transaction| {
            let mut group = read(transaction, &name, now)?;
            closure(&mut group)?;
            rows::put(transaction, &keys::group(&name), &group)
        })
        .await
}

/// Adds tags to a group.
///
/// # Errors
/// `ResourceNotFoundException`, `ServiceQuotaExceededException`.
pub async fn tag_resource(service: &Scheduler, cx: &Ctx, input: TagResourceInput) -> Result<TagResourceOutput, Error> {
    let named = named(cx, &input.resource_arn)?;
    change(service, named, move |group| {
        group.tags.extend(input.tags.iter().map(|tag| (tag.key.clone(), tag.value.clone())));
        check_tags(&group.tags)
    })
    .await?;
    Ok(TagResourceOutput {})
}

/// Removes tags from a group.
///
/// # Errors
/// `ResourceNotFoundException`.
pub async fn untag_resource(
    service: &Scheduler,
    cx: &Ctx,
    input: UntagResourceInput,
) -> Result<UntagResourceOutput, Error> {
    let named = named(cx, &input.resource_arn)?;
    change(service, named, move |group| {
        group.tags.retain(|key, _| !input.tag_keys.contains(key));
        Ok(())
    })
    .await?;
    Ok(UntagResourceOutput {})
}

/// Lists the tags of a group.
///
/// # Errors
/// `ResourceNotFoundException`.
pub async fn list_tags_for_resource(
    service: &Scheduler,
    cx: &Ctx,
    input: ListTagsForResourceInput,
) -> Result<ListTagsForResourceOutput, Error> {
    let ((place, name), now) = (named(cx, &input.resource_arn)?, service.now());
    let group = service.transact(&place, move |transaction| read(transaction, &name, now)).await?;
    let tags = group.tags.into_iter().map(|(key, value)| Tag { key, value, ..Default::default() }).collect();
    Ok(ListTagsForResourceOutput { tags: Some(tags) })
}
