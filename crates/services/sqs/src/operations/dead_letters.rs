//! `ListDeadLetterSourceQueues`, and what makes a queue one for dead letters.

use api::sqs::{ListDeadLetterSourceQueuesRequest, ListDeadLetterSourceQueuesResult};
use platform::Ctx;
use store::{Abort, Transaction};
use wire::Error;

use super::list_queues::Page;
use crate::address::QueueName;
use crate::errors::invalid_value;
use crate::keys;
use crate::queue::Queue;
use crate::redrive::RedrivePolicy;
use crate::service::Sqs;

/// Lists the queues that send their dead letters to a queue.
///
/// # Errors
/// `QueueDoesNotExist`, `InvalidParameterValue`.
pub async fn list_dead_letter_source_queues(
    service: &Sqs,
    cx: &Ctx,
    input: ListDeadLetterSourceQueuesRequest,
) -> Result<ListDeadLetterSourceQueuesResult, Error> {
    let name = QueueName::own_of_url(cx, &input.queue_url)?;
    service.queue(cx, &name).await?;
    let page = Page::new(input.max_results, input.next_token.as_deref())?;
    let key_of = |source: &str| keys::source(&name.name, source);
    let found = page.read(service, cx, keys::sources(&name.name), key_of, keys::read_source).await?;
    let queue_urls = found.names.iter().map(|source| name.sibling(source).url(cx)).collect();
    Ok(ListDeadLetterSourceQueuesResult { queue_urls, next_token: found.next_token })
}

/// Checks that a queue's dead letters may go where its policy says.
///
/// # Errors
/// `InvalidParameterValue` in AWS's words.
pub fn check_target(
    rows: &mut dyn Transaction,
    source: &QueueName,
    policy: &RedrivePolicy,
) -> Result<(), Abort<Error>> {
    let refuse = |reason: &str| invalid_value(&policy.text, "RedrivePolicy", reason);
    let Some(row) = rows.get(&keys::queue(&policy.target))? else {
        return Err(refuse("Dead letter target does not exist.").into());
    };
    let target = Queue::decode(source.sibling(&policy.target), row)?;
    let allowed = target.settings().redrive_allow.as_ref().is_none_or(|policy| policy.allows(source));
    if allowed {
        Ok(())
    } else {
        Err(refuse("The dead-letter queue's redrive allow policy does not allow this source queue.").into())
    }
}
