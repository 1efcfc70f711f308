//! Tags of log groups, under the old operations' names and under the new ones.

use std::collections::BTreeMap;

use api::Empty;
use api::logs::errors::too_many_tags_exception;
use api::logs::{
    ListTagsForResourceRequest, ListTagsForResourceResponse, ListTagsLogGroupRequest, ListTagsLogGroupResponse,
    TagLogGroupRequest, TagResourceRequest, UntagLogGroupRequest, UntagResourceRequest,
};
use platform::Ctx;
use wire::Error;

use crate::limits::TAGS_MAX;
use crate::names::GroupName;
use crate::rows;
use crate::service::Logs;

/// Lists the tags of a group named by its ARN.
pub async fn list_tags_for_resource(
    logs: &Logs,
    cx: &Ctx,
    input: ListTagsForResourceRequest,
) -> Result<ListTagsForResourceResponse, Error> {
    let tags = list(logs, &GroupName::tagged(cx, &input.resource_arn)?).await?;
    Ok(ListTagsForResourceResponse { tags: Some(tags) })
}

/// Lists the tags of a group named by its plain name.
pub async fn list_tags_log_group(
    logs: &Logs,
    cx: &Ctx,
    input: ListTagsLogGroupRequest,
) -> Result<ListTagsLogGroupResponse, Error> {
    let tags = list(logs, &GroupName::new(cx, &input.log_group_name)).await?;
    Ok(ListTagsLogGroupResponse { tags: Some(tags) })
}

/// Tags a group named by its ARN.
pub async fn tag_resource(logs: &Logs, cx: &Ctx, input: TagResourceRequest) -> Result<Empty, Error> {
    add(logs, GroupName::tagged(cx, &input.resource_arn)?, input.tags).await
}

/// Tags a group named by its plain name.
pub async fn tag_log_group(logs: &Logs, cx: &Ctx, input: TagLogGroupRequest) -> Result<Empty, Error> {
    add(logs, GroupName::new(cx, &input.log_group_name), input.tags).await
}

/// Removes tags of a group named by its ARN.
pub async fn untag_resource(logs: &Logs, cx: &Ctx, input: UntagResourceRequest) -> Result<Empty, Error> {
    remove(logs, GroupName::tagged(cx, &input.resource_arn)?, input.tag_keys).await
}

/// Removes tags of a group named by its plain name.
pub async fn untag_log_group(logs: &Logs, cx: &Ctx, input: UntagLogGroupRequest) -> Result<Empty, Error> {
    remove(logs, GroupName::new(cx, &input.log_group_name), input.tags).await
}

async fn list(logs: &Logs, name: &GroupName) -> Result<BTreeMap<String, String>, Error> {
    let snapshot = logs.snapshot().await?;
    Ok(rows::get_group(&snapshot, name).await?.tags)
}

async fn add(logs: &Logs, name: GroupName, tags: BTreeMap<String, String>) -> Result<Empty, Error> {
    logs.transact(move |rows| {
        let mut group = rows::group(rows, &name)?;
        group.tags.extend(tags.clone());
        if group.tags.len() > TAGS_MAX {
            return Err(too_many_tags_exception("The resource can have no more than 50 tags.").into());
        }
        rows::put(rows, &name.key(), &group)
    })
    .await?;
    Ok(Empty {})
}

async fn remove(logs: &Logs, name: GroupName, keys: Vec<String>) -> Result<Empty, Error> {
    logs.transact(move |rows| {
        let mut group = rows::group(rows, &name)?;
        group.tags.retain(|key, _| !keys.contains(key));
        rows::put(rows, &name.key(), &group)
    })
    .await?;
    Ok(Empty {})
}
