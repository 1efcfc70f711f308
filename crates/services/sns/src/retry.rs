//! Later attempts, dead letters, and requests for confirmation: on durable timers.

use std::sync::Arc;

use platform::{Firing, OrFailure};
use serde::{Deserialize, Serialize};
use serde_json::json;
use wire::{Error, Timestamp};

use crate::arn::TopicArn;
use crate::deliver::{self, Outcome};
use crate::delivery_policy::{DeliveryPolicy, managed_delay};
use crate::keys;
use crate::message::Message;
use crate::service::Sns;
use crate::subscription::Subscription;

/// The kind of timer for another attempt.
const DELIVERY: &str = "sns.delivery";

/// The kind of timer for a request for confirmation.
const CONFIRMATION: &str = "sns.confirmation";

/// A subscriber that does not have a message yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// The subscription's id.
    pub subscription: String,
    /// Attempts so far.
    pub failed: u32,
    /// The endpoint does not exist or does not let us in: another attempt would not help.
    pub hopeless: bool,
}

/// Names the handlers of the service's timers.
pub fn handle_timers(service: &Arc<Sns>) {
    let worker = Arc::clone(service);
    service.platform.timers.on(DELIVERY, move |firing| {
        let service = Arc::clone(&worker);
        async move { try_again(&service, &firing).await }
    });
    let worker = Arc::clone(service);
    service.platform.timers.on(CONFIRMATION, move |firing| {
        let service = Arc::clone(&worker);
        async move { ask(&service, &firing).await }
    });
}

/// Removes a message that was handed out and notes the attempts that are still to be made.
///
/// # Errors
/// A failure of the store.
pub async fn note(service: &Arc<Sns>, message: &Message, failed: Vec<Attempt>) -> Result<(), Error> {
    let mut timers = Vec::new();
    let partition = service.platform.timers.partition(&keys::deliveries()).await.or_failure()?;
    for attempt in failed {
        timers.extend(next_timer(service, &partition, message, attempt).await?);
    }
    let number = message.number;
    let noted = service.transact(keys::deliveries(), move |rows| {
        rows.delete(&keys::message(number));
        for timer in &timers {
            partition.set(rows, timer)?;
        }
        Ok(())
    });
    noted.await
}

/// The timer of the next attempt; none if the message went to the dead letters, or nowhere.
async fn next_timer(
    service: &Arc<Sns>,
    partition: &platform::TimerPartition,
    message: &Message,
    attempt: Attempt,
) -> Result<Option<platform::Timer>, Error> {
    let topic = TopicArn::parse("TopicArn", &message.topic)?;
    let Some(subscription) = service.subscription(&topic, &attempt.subscription).await? else { return Ok(None) };
    let delay = if attempt.hopeless { None } else { delay(service, &topic, &subscription, attempt.failed).await };
    let (delay, buried) = match delay {
        Some(delay) => (delay, false),
        None if deliver::bury(service, &topic, &subscription, message).await => return Ok(None),
        // The queue for dead letters cannot be reached now.
        None => (DEAD_LETTER_RETRY_SECONDS, true),
    };
    let due = service.now().saturating_add(i64::from(delay) * 1_000);
    let id = format!("delivery/{}/{}", message.number, attempt.subscription);
    let attempt = Attempt { hopeless: attempt.hopeless || buried, ..attempt };
    let payload = json!({ "message": message, "attempt": attempt });
    Ok(Some(partition.timer(id, Timestamp::from_milliseconds(due), DELIVERY, payload)))
}

/// Seconds between attempts to reach a queue for dead letters.
const DEAD_LETTER_RETRY_SECONDS: u32 = 20;

async fn delay(service: &Sns, topic: &TopicArn, subscription: &Subscription, failed: u32) -> Option<u32> {
    if !subscription.protocol.starts_with("http") {
        return managed_delay(failed);
    }
    policy_of(service, topic, subscription).await.retry.delay(failed)
}

/// The delivery policy that holds for a subscription: its own, else the topic's, else AWS's.
pub async fn policy_of(service: &Sns, topic: &TopicArn, subscription: &Subscription) -> DeliveryPolicy {
    let parsed = |text: Option<&str>| text.and_then(|text| DeliveryPolicy::parse(text).ok());
    let of_topic = service.topic(topic).await.ok().and_then(|topic| parsed(topic.delivery_policy.as_deref()));
    let overridable = of_topic.as_ref().is_none_or(|policy| !policy.overrides_disabled);
    let own = parsed(subscription.delivery_policy.as_deref()).filter(|_| overridable);
    own.or(of_topic).unwrap_or_default()
}

#[derive(Deserialize)]
struct Payload {
    message: Message,
    attempt: Attempt,
}

/// Makes another attempt.
async fn try_again(service: &Arc<Sns>, firing: &Firing) -> Result<(), Error> {
    let Ok(Payload { message, mut attempt }) = serde_json::from_value(firing.payload.clone()) else {
        tracing::error!(id = firing.id, "an attempt at a delivery cannot be read");
        return Ok(());
    };
    let topic = TopicArn::parse("TopicArn", &message.topic)?;
    let Some(subscription) = service.subscription(&topic, &attempt.subscription).await? else { return Ok(()) };
    if !attempt.hopeless {
        match deliver::deliver(service, &topic, &subscription, &message).await {
            Outcome::Delivered => return Ok(()),
            Outcome::Refused => attempt.hopeless = true,
            Outcome::Unreachable => attempt.failed = attempt.failed.saturating_add(1),
        }
    }
    let partition = service.platform.timers.partition(&keys::deliveries()).await.or_failure()?;
    let Some(timer) = next_timer(service, &partition, &message, attempt).await? else { return Ok(()) };
    let firing = firing.clone();
    let noted = service.transact(keys::deliveries(), move |rows| {
        if firing.complete(rows)? {
            partition.set(rows, &timer)?;
        }
        Ok(())
    });
    noted.await
}

/// Lets an endpoint be asked to confirm its subscription.
///
/// # Errors
/// A failure of the store.
pub async fn ask_soon(service: &Arc<Sns>, topic: &TopicArn, id: &str) -> Result<(), Error> {
    let partition = service.platform.timers.partition(&keys::deliveries()).await.or_failure()?;
    let due = Timestamp::from_milliseconds(service.now());
    let payload = json!({ "topic": topic.to_string(), "subscription": id, "failed": 0 });
    let timer = partition.timer(format!("confirmation/{}", topic.subscription(id)), due, CONFIRMATION, payload);
    let set = service.transact(keys::deliveries(), move |rows| Ok(partition.set(rows, &timer)?));
    set.await
}

/// Asks an endpoint to confirm its subscription, again later if it cannot be reached.
async fn ask(service: &Arc<Sns>, firing: &Firing) -> Result<(), Error> {
    let field = |name: &str| firing.payload.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
    let topic = TopicArn::parse("TopicArn", field("topic"))?;
    let found = service.subscription(&topic, field("subscription")).await?;
    let Some(subscription) = found.filter(|subscription| !subscription.confirmed) else { return Ok(()) };
    if deliver::ask_to_confirm(service, &topic, &subscription).await == Outcome::Delivered {
        return Ok(());
    }
    let failed = firing.payload.get("failed").and_then(serde_json::Value::as_u64).unwrap_or_default() as u32 + 1;
    let Some(delay) = delay(service, &topic, &subscription, failed).await else { return Ok(()) };
    let partition = service.platform.timers.partition(&keys::deliveries()).await.or_failure()?;
    let due = Timestamp::from_milliseconds(service.now().saturating_add(i64::from(delay) * 1_000));
    let payload = json!({ "topic": topic.to_string(), "subscription": subscription.id, "failed": failed });
    let timer = partition.timer(firing.id.clone(), due, CONFIRMATION, payload);
    let firing = firing.clone();
    let noted = service.transact(keys::deliveries(), move |rows| {
        if firing.complete(rows)? {
            partition.set(rows, &timer)?;
        }
        Ok(())
    });
    noted.await
}
