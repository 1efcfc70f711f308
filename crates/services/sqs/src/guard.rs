//! What permissions the operations need, and what is known of a queue when that is decided.

use std::any::Any;
use std::sync::Arc;

use api::sqs;
use platform::{Ctx, Facts, FactsFuture, Guard, Need};
use wire::codec::Structure;

use crate::address::QueueName;
use crate::service::Sqs;

/// The service's part in enforcement.
pub struct QueueGuard(pub Arc<Sqs>);

impl Guard for QueueGuard {
    fn needs(&self, cx: &Ctx, input: &dyn Structure) -> Vec<Need> {
        let input: &dyn Any = input;
        if let Some(input) = input.downcast_ref::<sqs::StartMessageMoveTaskRequest>() {
            return move_needs(input);
        }
        let mut needs = Need::of_operation(cx, &resource(cx, input));
        let tags = match input.downcast_ref::<sqs::CreateQueueRequest>() {
            Some(input) => input.tags.as_ref(),
            None => input.downcast_ref::<sqs::TagQueueRequest>().map(|input| &input.tags),
        };
        if let Some(tags) = tags {
            let pairs = || tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
            needs = needs.into_iter().map(|need| need.with_request_tags(pairs())).collect();
        }
        if let Some(input) = input.downcast_ref::<sqs::UntagQueueRequest>() {
            let keys = || input.tag_keys.clone();
            needs = needs.into_iter().map(|need| need.with("aws:TagKeys", keys())).collect();
        }
        needs
    }

    fn facts<'a>(&'a self, _cx: &'a Ctx, need: &'a Need) -> FactsFuture<'a> {
        Box::pin(async move {
            let Some(name) = QueueName::of_arn(&need.resource) else { return Ok(Facts::default()) };
            let Some(queue) = self.0.find(&name).await? else { return Ok(Facts::default()) };
            Ok(Facts {
                policy: queue.settings().policy.as_deref().map(Arc::from),
                tags: queue.record.tags.iter().map(|(key, value)| (key.clone(), value.clone())).collect(),
                ..Facts::default()
            })
        })
    }
}

/// ARN of the queue that an input names; `*` if it names none.
fn resource(cx: &Ctx, input: &dyn Any) -> String {
    if let Some(input) = input.downcast_ref::<sqs::CreateQueueRequest>() {
        return QueueName::own(cx, &input.queue_name).arn();
    }
    if let Some(input) = input.downcast_ref::<sqs::GetQueueUrlRequest>() {
        let own = QueueName::own(cx, &input.queue_name);
        let account = input.queue_owner_aws_account_id.clone().filter(|account| !account.is_empty());
        return QueueName { account: account.unwrap_or_else(|| own.account.clone()), ..own }.arn();
    }
    if let Some(input) = input.downcast_ref::<sqs::ListMessageMoveTasksRequest>() {
        return input.source_arn.clone();
    }
    if let Some(input) = input.downcast_ref::<sqs::CancelMessageMoveTaskRequest>() {
        return crate::operations::move_tasks::source_of(&input.task_handle).unwrap_or_else(|| "*".to_owned());
    }
    let url = queue_url(input).and_then(|url| QueueName::of_url(cx, url).ok());
    url.map_or_else(|| "*".to_owned(), |name| name.arn())
}

macro_rules! queue_url_of {
    ($input:ident, $($request:ident),* $(,)?) => {
        $(if let Some(input) = $input.downcast_ref::<sqs::$request>() {
            return Some(&input.queue_url);
        })*
    };
}

fn queue_url(input: &dyn Any) -> Option<&str> {
    queue_url_of!(
        input,
        SendMessageRequest,
        ReceiveMessageRequest,
        DeleteMessageRequest,
        SendMessageBatchRequest,
        DeleteMessageBatchRequest,
        ChangeMessageVisibilityRequest,
        ChangeMessageVisibilityBatchRequest,
        GetQueueAttributesRequest,
        SetQueueAttributesRequest,
        PurgeQueueRequest,
        DeleteQueueRequest,
        AddPermissionRequest,
        RemovePermissionRequest,
        ListDeadLetterSourceQueuesRequest,
        ListQueueTagsRequest,
        TagQueueRequest,
        UntagQueueRequest,
    );
    None
}

/// A move task receives and deletes on one side and sends on the other.
fn move_needs(input: &sqs::StartMessageMoveTaskRequest) -> Vec<Need> {
    let actions = ["sqs:StartMessageMoveTask", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"];
    let mut needs: Vec<Need> = actions.iter().map(|action| Need::new(action, input.source_arn.clone())).collect();
    let destination = input.destination_arn.clone().filter(|arn| !arn.is_empty());
    needs.extend(destination.map(|arn| Need::new("sqs:SendMessage", arn)));
    needs
}
