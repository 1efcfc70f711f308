//! `TagQueue`, `UntagQueue`, `ListQueueTags`.

use std::collections::BTreeMap;

use api::sqs::{ListQueueTagsRequest, ListQueueTagsResult, TagQueueRequest, UntagQueueRequest};
use platform::Ctx;
use wire::Error;

use crate::address::QueueName;
use crate::errors::{invalid_parameter, invalid_value};
use crate::keys;
use crate::limits::{TAG_KEY_CHARACTERS_MAX, TAG_VALUE_CHARACTERS_MAX, TAGS_MAX};
use crate::queue::Record;
use crate::service::Sqs;

/// Adds tags to a queue, or changes their values.
///
/// # Errors
/// `QueueDoesNotExist`, `InvalidParameterValue`.
pub async fn tag_queue(service: &Sqs, cx: &Ctx, input: TagQueueRequest) -> Result<api::Empty, Error> {
    let name = QueueName::own_of_url(cx, &input.queue_url)?;
    check(&name.name, &input.tags)?;
    change(service, cx, &name, move |queue, tags| {
        tags.extend(input.tags.clone());
        check(queue, tags)
    })
    .await
}

/// Removes tags from a queue; those it does not have are no error.
///
/// # Errors
/// `QueueDoesNotExist`.
pub async fn untag_queue(service: &Sqs, cx: &Ctx, input: UntagQueueRequest) -> Result<api::Empty, Error> {
    let name = QueueName::own_of_url(cx, &input.queue_url)?;
    change(service, cx, &name, move |_, tags| {
        tags.retain(|key, _| !input.tag_keys.contains(key));
        Ok(())
    })
    .await
}

/// Lists the tags of a queue.
///
/// # Errors
/// `QueueDoesNotExist`.
pub async fn list_queue_tags(
    service: &Sqs,
    cx: &Ctx,
    input: ListQueueTagsRequest,
) -> Result<ListQueueTagsResult, Error> {
    let name = QueueName::own_of_url(cx, &input.queue_url)?;
    let queue = service.queue(cx, &name).await?;
    let tags = Some(queue.record.tags.clone()).filter(|tags| !tags.is_empty());
    Ok(ListQueueTagsResult { tags })
}

/// Checks the tags of a queue.
///
/// # Errors
/// `InvalidParameterValue`.
pub fn check(queue: &str, tags: &BTreeMap<String, String>) -> Result<(), Error> {
    if tags.len() > TAGS_MAX {
        return Err(invalid_parameter(format!("Too many tags added for queue {queue}.")));
    }
    for (key, value) in tags {
        if !(1..=TAG_KEY_CHARACTERS_MAX).contains(&key.chars().count()) || key.to_ascii_lowercase().starts_with("aws:")
        {
            const REASON: &str = "Must be 1 to 128 characters long and must not begin with aws:.";
            return Err(invalid_value(key, "Tag.Key", REASON));
        }
        if value.chars().count() > TAG_VALUE_CHARACTERS_MAX {
            return Err(invalid_value(value, "Tag.Value", "Must be at most 256 characters long."));
        }
    }
    Ok(())
}

async fn change<F>(service: &Sqs, cx: &Ctx, name: &QueueName, change: F) -> Result<api::Empty, Error>
where
    F: Fn(&str, &mut BTreeMap<String, String>) -> Result<(), Error> + Send + Sync + 'static,
{
    let changed = service.on_queue(cx, name, move |queue, rows| {
        let mut tags = queue.record.tags.clone();
        change(&queue.name.name, &mut tags)?;
        let record = Record { tags, ..queue.record.clone() };
        rows.put(&keys::queue(&queue.name.name), &record.encode()?);
        Ok(())
    });
    changed.await?;
    Ok(api::Empty)
}
