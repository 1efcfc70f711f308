//! `CreateTopic`, `DeleteTopic`, `ListTopics`, `GetTopicAttributes`, `SetTopicAttributes`.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::sns::{
    CreateTopicInput, CreateTopicResponse, DeleteTopicInput, GetTopicAttributesInput, GetTopicAttributesResponse,
    ListTopicsInput, ListTopicsResponse, SetTopicAttributesInput, Topic as ListedTopic,
};
use platform::{Ctx, OrFailure};
use wire::Error;

use super::{data_protection, page, tags};
use crate::arn::{FIFO_SUFFIX, TopicArn, is_name};
use crate::errors::invalid;
use crate::keys;
use crate::limits::NAME_CHARACTERS_MAX;
use crate::rows;
use crate::service::{Sns, here, partition};
use crate::topic::Topic;

/// Makes a topic, or answers the one that exists if it is set to the same.
///
/// # Errors
/// `InvalidParameter`.
pub async fn create_topic(service: &Arc<Sns>, cx: &Ctx, input: CreateTopicInput) -> Result<CreateTopicResponse, Error> {
    let attributes = input.attributes.unwrap_or_default();
    check_name(&input.name, &attributes)?;
    let arn = TopicArn { region: cx.region.clone(), account: cx.account.clone(), name: input.name };
    let mut topic = Topic::default();
    for (name, value) in &attributes {
        topic.set(&arn, name, value, "Attributes Reason: ")?;
    }
    topic.tags = tags::checked(input.tags.unwrap_or_default())?;
    if let Some(policy) = input.data_protection_policy {
        data_protection::check(&policy)?;
        topic.data_protection = Some(policy);
    }
    let (key, text) = (keys::topic(&arn.name), arn.to_string());
    let made = service.transact(partition(&arn), move |rows| {
        let Some(existing) = rows::read::<Topic>(rows, &key)? else {
            return rows::put(rows, &key, &topic);
        };
        if topic.tags.iter().any(|(key, value)| existing.tags.get(key) != Some(value)) {
            return Err(invalid("Tags Reason: Topic already exists with different tags").into());
        }
        let mut same = existing.clone();
        for (name, value) in &attributes {
            same.set(&arn, name, value, "Attributes Reason: ")?;
        }
        if same != existing {
            return Err(invalid("Attributes Reason: Topic already exists with different attributes").into());
        }
        Ok(())
    });
    made.await?;
    Ok(CreateTopicResponse { topic_arn: Some(text) })
}

fn check_name(name: &str, attributes: &BTreeMap<String, String>) -> Result<(), Error> {
    let fifo = attributes.get("FifoTopic").is_some_and(|value| value == "true");
    let sound = match (name.strip_suffix(FIFO_SUFFIX), fifo) {
        (Some(stem), true) => is_name(stem) && name.len() <= NAME_CHARACTERS_MAX,
        (None, true) => {
            const TEXT: &str = "Fifo Topic names must end with .fifo and must be made up of only uppercase and lowercase \
                                ASCII letters, numbers, underscores, and hyphens, and must be between 1 and 256 characters long.";
            return Err(invalid(TEXT));
        }
        (stem, false) => stem.is_none() && is_name(name),
    };
    if sound { Ok(()) } else { Err(invalid("Topic Name")) }
}

/// Deletes a topic with its subscriptions. One that does not exist is no error.
///
/// # Errors
/// `InvalidParameter`.
pub async fn delete_topic(service: &Arc<Sns>, cx: &Ctx, input: DeleteTopicInput) -> Result<api::Empty, Error> {
    let arn = here(cx, "TopicArn", &input.topic_arn)?;
    let (partition, name) = (partition(&arn), arn.name.clone());
    let deleted = service.transact(partition.clone(), move |rows| {
        rows.delete(&keys::topic(&name));
        Ok(())
    });
    deleted.await?;
    for range in [keys::subscriptions(&arn.name), keys::endpoints(&arn.name), keys::tokens(&arn.name)] {
        service.store().delete_range(&partition, range).await.or_failure()?;
    }
    Ok(api::Empty)
}

/// Lists the topics of the caller's account and region.
///
/// # Errors
/// `InvalidParameter`.
pub async fn list_topics(service: &Arc<Sns>, cx: &Ctx, input: ListTopicsInput) -> Result<ListTopicsResponse, Error> {
    let partition = keys::partition(&cx.account, &cx.region);
    let (found, next_token) = page::read(service, &partition, keys::topics(), input.next_token.as_deref()).await?;
    let topics = found.iter().map(|(key, _)| {
        let name = rows::key_part(keys::read_topic(key))?;
        Ok(ListedTopic { topic_arn: Some(cx.arn("sns", &name)) })
    });
    let topics = topics.collect::<Result<_, Error>>()?;
    Ok(ListTopicsResponse { topics: Some(topics), next_token })
}

/// Answers the attributes of a topic.
///
/// # Errors
/// `NotFound`, `InvalidParameter`.
pub async fn get_topic_attributes(
    service: &Arc<Sns>,
    cx: &Ctx,
    input: GetTopicAttributesInput,
) -> Result<GetTopicAttributesResponse, Error> {
    let arn = here(cx, "TopicArn", &input.topic_arn)?;
    let topic = service.topic(&arn).await?;
    Ok(GetTopicAttributesResponse { attributes: Some(topic.attributes(&arn)) })
}

/// Sets an attribute of a topic.
///
/// # Errors
/// `NotFound`, `InvalidParameter`.
pub async fn set_topic_attributes(
    service: &Arc<Sns>,
    cx: &Ctx,
    input: SetTopicAttributesInput,
) -> Result<api::Empty, Error> {
    let arn = here(cx, "TopicArn", &input.topic_arn)?;
    let value = input.attribute_value.unwrap_or_default();
    let owned = arn.clone();
    service.on_topic(&arn, move |topic, _| Ok(topic.set(&owned, &input.attribute_name, &value, "")?)).await?;
    Ok(api::Empty)
}
