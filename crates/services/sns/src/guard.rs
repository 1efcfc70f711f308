//! What permissions the operations need, and what is known of a topic when that is decided.

use std::any::Any;
use std::sync::Arc;

use api::sns;
use platform::{Ctx, Facts, FactsFuture, Guard, Need};
use wire::codec::Structure;

use crate::arn::{TopicArn, parse_subscription};
use crate::service::Sns;

/// The service's part in enforcement.
pub struct TopicGuard(pub Arc<Sns>);

impl Guard for TopicGuard {
    fn needs(&self, cx: &Ctx, input: &dyn Structure) -> Vec<Need> {
        let input: &dyn Any = input;
        let needs = Need::of_operation(cx, &resource(cx, input));
        let add = |change: &dyn Fn(Need) -> Need| needs.iter().cloned().map(change).collect();
        if let Some(input) = input.downcast_ref::<sns::SubscribeInput>() {
            let endpoint = || vec![input.endpoint.clone().unwrap_or_default()];
            return add(&|need| {
                need.with("sns:Protocol", vec![input.protocol.clone()]).with("sns:Endpoint", endpoint())
            });
        }
        let tags = match input.downcast_ref::<sns::CreateTopicInput>() {
            Some(input) => input.tags.as_ref(),
            None => input.downcast_ref::<sns::TagResourceRequest>().map(|input| &input.tags),
        };
        if let Some(tags) = tags {
            return add(&|need| need.with_request_tags(tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str()))));
        }
        if let Some(input) = input.downcast_ref::<sns::UntagResourceRequest>() {
            return add(&|need| need.with("aws:TagKeys", input.tag_keys.clone()));
        }
        needs
    }

    fn facts<'a>(&'a self, _cx: &'a Ctx, need: &'a Need) -> FactsFuture<'a> {
        Box::pin(async move {
            let Ok(arn) = TopicArn::parse("TopicArn", &need.resource) else { return Ok(Facts::default()) };
            // Only a topic that does not exist has no facts; a failure of the store decides nothing.
            let topic = match self.0.topic(&arn).await {
                Ok(topic) => topic,
                Err(error) if error.is("NotFoundException") => return Ok(Facts::default()),
                Err(error) => return Err(error),
            };
            let policy = topic.policy.unwrap_or_else(|| crate::topic::default_policy(&arn));
            let tags = topic.tags.into_iter().collect();
            // The policy of every topic that sets none asks for `AWS:SourceOwner`, its own account's.
            Ok(Facts { policy: Some(Arc::from(policy)), tags, ..Facts::default() })
        })
    }
}

macro_rules! resource_of {
    ($input:ident, $field:ident: $($request:ident),* $(,)?) => {
        $(if let Some(input) = $input.downcast_ref::<sns::$request>() {
            return input.$field.clone();
        })*
    };
}

/// ARN of the topic, application or device that an input names; `*` if it names none.
fn resource(cx: &Ctx, input: &dyn Any) -> String {
    if let Some(input) = input.downcast_ref::<sns::CreateTopicInput>() {
        return cx.arn("sns", &input.name);
    }
    if let Some(input) = input.downcast_ref::<sns::PublishInput>() {
        return input.topic_arn.clone().or_else(|| input.target_arn.clone()).unwrap_or_else(|| "*".to_owned());
    }
    resource_of!(
        input,
        topic_arn: AddPermissionInput,
        ConfirmSubscriptionInput,
        DeleteTopicInput,
        GetTopicAttributesInput,
        ListSubscriptionsByTopicInput,
        PublishBatchInput,
        RemovePermissionInput,
        SetTopicAttributesInput,
        SubscribeInput,
    );
    resource_of!(
        input,
        platform_application_arn: CreatePlatformEndpointInput,
        DeletePlatformApplicationInput,
        GetPlatformApplicationAttributesInput,
        ListEndpointsByPlatformApplicationInput,
        SetPlatformApplicationAttributesInput,
    );
    resource_of!(
        input,
        endpoint_arn: DeleteEndpointInput,
        GetEndpointAttributesInput,
        SetEndpointAttributesInput,
    );
    resource_of!(
        input,
        resource_arn: GetDataProtectionPolicyInput,
        PutDataProtectionPolicyInput,
        ListTagsForResourceRequest,
        TagResourceRequest,
        UntagResourceRequest,
    );
    let of_subscription =
        |arn: &str| parse_subscription(arn).map_or_else(|_| "*".to_owned(), |(topic, _)| topic.to_string());
    if let Some(input) = input.downcast_ref::<sns::GetSubscriptionAttributesInput>() {
        return of_subscription(&input.subscription_arn);
    }
    if let Some(input) = input.downcast_ref::<sns::SetSubscriptionAttributesInput>() {
        return of_subscription(&input.subscription_arn);
    }
    if let Some(input) = input.downcast_ref::<sns::UnsubscribeInput>() {
        return of_subscription(&input.subscription_arn);
    }
    "*".to_owned()
}
