//! Handing one message to one endpoint.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::lambda::{self, InvocationRequest};
use api::sqs::{self, MessageAttributeValue, MessageSystemAttributeValue, SendMessageRequest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method};
use outbound::{FetchError, Outgoing};
use platform::Principal;
use serde::{Deserialize, Serialize};
use store::Partition;
use store::keys::Key;
use wire::Error;
use wire::schema::Fault;

use crate::arn::TopicArn;
use crate::envelope::{self, Links};
use crate::keys::{self, Purpose};
use crate::limits::{HTTP_TIME, OUTBOX_MAX};
use crate::message::Message;
use crate::operations::endpoints;
use crate::protection;
use crate::push;
use crate::retry;
use crate::rows;
use crate::service::{Sns, partition};
use crate::subscription::Subscription;

/// The service's name as a principal.
const PRINCIPAL: &str = "sns.amazonaws.com";

/// Longest answer of an HTTP endpoint that is read, in bytes; nothing of it is used.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// The protocol of messages to devices, in subscriptions and in the outbox.
pub const PUSH: &str = "application";

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The endpoint has the message.
    Delivered,
    /// The endpoint does not exist or does not let us in: another attempt would not help.
    Refused,
    /// Another attempt may help.
    Unreachable,
}

impl Outcome {
    fn of<T>(result: Result<T, Error>) -> Outcome {
        match result {
            Ok(_) => Outcome::Delivered,
            Err(error) if error.definition.fault == Fault::Client && error.definition.status != 429 => {
                tracing::info!(%error, "an endpoint refuses a message");
                Outcome::Refused
            }
            Err(_) => Outcome::Unreachable,
        }
    }
}

/// A mail or short message in the outbox.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// `email`, `email-json`, `sms` or `application`.
    pub protocol: String,
    /// Address, number, or ARN of a device.
    pub to: String,
    /// The topic; empty for a short message that was sent to a number without one.
    pub topic: String,
    /// Who a short message says it is from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<String>,
    /// `Promotional` or `Transactional`, of short messages to numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The subject of a mail.
    pub subject: Option<String>,
    /// The text.
    pub body: String,
    /// When it was sent, as AWS writes times.
    pub sent: String,
}

/// Hands a message to a subscriber.
pub async fn deliver(service: &Arc<Sns>, topic: &TopicArn, subscription: &Subscription, message: &Message) -> Outcome {
    let Ok(message) = &protection::open(service, message) else { return Outcome::Unreachable };
    match subscription.protocol.as_str() {
        "sqs" => to_queue(service, topic, subscription, message, &subscription.endpoint).await,
        "lambda" => to_function(service, topic, subscription, message).await,
        "http" | "https" => to_host(service, topic, subscription, message).await,
        PUSH => to_device(service, topic, subscription, message).await,
        _ => to_outbox(service, topic, subscription, message).await,
    }
}

/// Puts a message that cannot be delivered into its queue for dead letters. Answers whether that is settled.
pub async fn bury(service: &Arc<Sns>, topic: &TopicArn, subscription: &Subscription, message: &Message) -> bool {
    let Some(queue) = subscription.dead_letter_queue() else {
        tracing::info!(message = message.id, subscription = subscription.id, "a message cannot be delivered");
        return true;
    };
    let Ok(message) = &protection::open(service, message) else { return false };
    to_queue(service, topic, subscription, message, &queue).await != Outcome::Unreachable
}

async fn to_queue(
    service: &Arc<Sns>,
    topic: &TopicArn,
    subscription: &Subscription,
    message: &Message,
    queue: &str,
) -> Outcome {
    let parts: Vec<&str> = queue.split(':').collect();
    let [_, _, _, region, account, name] = parts.as_slice() else { return Outcome::Refused };
    let text = message.text_for("sqs");
    let (body, attributes) = if subscription.raw {
        (text.to_owned(), message.attributes.iter().map(|(name, attribute)| (name.clone(), raw(attribute))).collect())
    } else {
        match notification(service, topic, subscription, message, text).await {
            Ok(body) => (body, BTreeMap::new()),
            Err(_) => return Outcome::Unreachable,
        }
    };
    let header = |header: &String| {
        let value = MessageSystemAttributeValue {
            data_type: "String".to_owned(),
            string_value: Some(header.clone()),
            ..Default::default()
        };
        BTreeMap::from([("AWSTraceHeader".to_owned(), value)])
    };
    let fifo = name.ends_with(".fifo");
    let input = SendMessageRequest {
        queue_url: format!("{}/{account}/{name}", service.platform.config.endpoint),
        message_body: body,
        message_attributes: Some(attributes).filter(|attributes: &BTreeMap<_, _>| !attributes.is_empty()),
        message_system_attributes: message.trace_header.as_ref().map(header),
        message_deduplication_id: message.deduplication_id.clone().filter(|_| fifo),
        // A standard queue gets no group from a FIFO topic.
        message_group_id: message.group.clone().filter(|_| fifo || !topic.is_fifo()),
        ..Default::default()
    };
    let principal = principal(topic);
    Outcome::of(service.platform.call_as::<sqs::SendMessage>(principal, &topic.account, region, input).await)
}

/// An attribute as queues take it.
fn raw(attribute: &crate::message::Attribute) -> MessageAttributeValue {
    let binary = attribute.is_binary().then(|| STANDARD.decode(&attribute.value).unwrap_or_default().into());
    MessageAttributeValue {
        data_type: attribute.data_type.clone(),
        string_value: (!attribute.is_binary()).then(|| attribute.value.clone()),
        binary_value: binary,
        ..Default::default()
    }
}

async fn to_function(service: &Arc<Sns>, topic: &TopicArn, subscription: &Subscription, message: &Message) -> Outcome {
    let Ok(signer) = service.signer().await else { return Outcome::Unreachable };
    let links = Links { endpoint: &message.endpoint };
    let arn = topic.subscription(&subscription.id);
    let event = envelope::event(message, message.text_for("lambda"), &arn, &links, &signer);
    let region = subscription.endpoint.split(':').nth(3).unwrap_or(&topic.region);
    let input = InvocationRequest {
        function_name: subscription.endpoint.clone(),
        invocation_type: Some("Event".to_owned()),
        payload: Some(Bytes::from(event.to_string())),
        ..Default::default()
    };
    let (principal, trace) = (principal(topic), message.trace_header.clone());
    Outcome::of(service.platform.call_traced::<lambda::Invoke>(principal, &topic.account, region, trace, input).await)
}

async fn to_host(service: &Arc<Sns>, topic: &TopicArn, subscription: &Subscription, message: &Message) -> Outcome {
    let text = message.text_for(&subscription.protocol);
    let body = if subscription.raw {
        text.to_owned()
    } else {
        match notification(service, topic, subscription, message, text).await {
            Ok(body) => body,
            Err(_) => return Outcome::Unreachable,
        }
    };
    let content_type = retry::policy_of(service, topic, subscription).await.content_type;
    let mut headers = headers(topic, "Notification", &message.id, &content_type);
    let arn = topic.subscription(&subscription.id);
    add(&mut headers, "x-amz-sns-subscription-arn", &arn);
    if subscription.raw {
        add(&mut headers, "x-amz-sns-rawdelivery", "true");
    }
    post(service, &subscription.endpoint, headers, body).await
}

async fn post(service: &Sns, url: &str, headers: Vec<(HeaderName, HeaderValue)>, body: String) -> Outcome {
    let bounds = outbound::Bounds { time: HTTP_TIME, body_bytes: ANSWER_BYTES_MAX };
    let request = Outgoing { method: Method::POST, url: url.to_owned(), headers, body: Bytes::from(body) };
    let sent = outbound::send(&service.platform.config.egress, request, bounds).await;
    match sent.map(|answer| answer.status) {
        Ok(200..=299) => Outcome::Delivered,
        // AWS takes these answers as final.
        Ok(status @ (400..=428 | 430..=499)) if status != 408 => Outcome::Refused,
        Err(FetchError::Forbidden | FetchError::Url) => Outcome::Refused,
        Ok(_) | Err(_) => Outcome::Unreachable,
    }
}

fn headers(topic: &TopicArn, kind: &str, id: &str, content_type: &str) -> Vec<(HeaderName, HeaderValue)> {
    let mut headers = Vec::new();
    add(&mut headers, "x-amz-sns-message-type", kind);
    add(&mut headers, "x-amz-sns-message-id", id);
    add(&mut headers, "x-amz-sns-topic-arn", &topic.to_string());
    add(&mut headers, "content-type", content_type);
    add(&mut headers, "user-agent", "Amazon Simple Notification Service Agent");
    headers
}

fn add(headers: &mut Vec<(HeaderName, HeaderValue)>, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.push((HeaderName::from_static(name), value));
    }
}

async fn to_device(service: &Arc<Sns>, topic: &TopicArn, subscription: &Subscription, message: &Message) -> Outcome {
    let local = subscription.endpoint.rsplit(':').next().unwrap_or_default();
    let Some((application, id)) = push::read_endpoint(local) else { return Outcome::Refused };
    match endpoints::find(service, &partition(topic), &application, &id).await {
        Ok(Some(device)) if device.is_enabled() => {
            let text = message.text_for(&application.platform);
            record(service, topic, subscription, message, text.to_owned()).await
        }
        Ok(_) => Outcome::Refused,
        Err(_) => Outcome::Unreachable,
    }
}

async fn to_outbox(service: &Arc<Sns>, topic: &TopicArn, subscription: &Subscription, message: &Message) -> Outcome {
    let text = message.text_for(&subscription.protocol);
    let body = if subscription.protocol == "email-json" {
        match notification(service, topic, subscription, message, text).await {
            Ok(body) => body,
            Err(_) => return Outcome::Unreachable,
        }
    } else {
        text.to_owned()
    };
    record(service, topic, subscription, message, body).await
}

/// Records what a subscriber gets.
async fn record(
    service: &Arc<Sns>,
    topic: &TopicArn,
    subscription: &Subscription,
    message: &Message,
    body: String,
) -> Outcome {
    let sent = Sent {
        protocol: subscription.protocol.clone(),
        to: subscription.endpoint.clone(),
        topic: topic.to_string(),
        subject: message.subject.clone().filter(|_| subscription.protocol.starts_with("email")),
        body,
        sent: message.timestamp(),
        ..Sent::default()
    };
    let key = keys::outbox(message.number, Purpose::Notification, &subscription.id);
    Outcome::of(keep(service, partition(topic), key, sent).await)
}

/// Keeps a mail or short message in the outbox of a partition; of very many, the latest.
///
/// # Errors
/// A failure of the store.
pub async fn keep(service: &Arc<Sns>, partition: Partition, key: Key, sent: Sent) -> Result<(), Error> {
    let kept = service.transact(partition, move |rows| {
        rows::put(rows, &key, &sent)?;
        let all = rows.scan(keys::all_outbox(), store::Direction::Backward, OUTBOX_MAX + 1)?;
        for (old, _) in all.iter().skip(OUTBOX_MAX) {
            rows.delete(old);
        }
        Ok(())
    });
    kept.await
}

async fn notification(
    service: &Arc<Sns>,
    topic: &TopicArn,
    subscription: &Subscription,
    message: &Message,
    text: &str,
) -> Result<String, Error> {
    let signer = service.signer().await?;
    let links = Links { endpoint: &message.endpoint };
    let arn = topic.subscription(&subscription.id);
    Ok(envelope::notification(message, text, &arn, &links, &signer).to_string())
}

fn principal(topic: &TopicArn) -> Principal {
    Principal::Service { name: PRINCIPAL, account: topic.account.clone(), source_arn: Some(topic.to_string()) }
}

/// Asks an endpoint to confirm its subscription.
pub async fn ask_to_confirm(service: &Arc<Sns>, topic: &TopicArn, subscription: &Subscription) -> Outcome {
    let (Ok(signer), Ok(settings)) = (service.signer().await, service.topic(topic).await) else {
        return Outcome::Unreachable;
    };
    let links = Links { endpoint: &subscription.reached_at };
    let id = service.platform.ids.uuid();
    let mut timestamp = String::new();
    service.platform.clock.now().write_iso8601_milliseconds(&mut timestamp);
    let version_2 = settings.signature_version.as_deref() == Some("2");
    let request = envelope::confirmation(topic, subscription, &id, &timestamp, &links, &signer, version_2);
    if subscription.protocol.starts_with("http") {
        let headers = headers(topic, "SubscriptionConfirmation", &id, "text/plain; charset=UTF-8");
        return post(service, &subscription.endpoint, headers, request.to_string()).await;
    }
    let text = request["Message"].as_str().unwrap_or_default();
    let body = if subscription.protocol == "email-json" {
        request.to_string()
    } else {
        format!("{text}\n\n{}", request["SubscribeURL"].as_str().unwrap_or_default())
    };
    let sent = Sent {
        protocol: subscription.protocol.clone(),
        to: subscription.endpoint.clone(),
        topic: topic.to_string(),
        subject: Some("AWS Notification - Subscription Confirmation".to_owned()),
        body,
        sent: timestamp,
        ..Sent::default()
    };
    let key = keys::outbox(subscription.since, Purpose::Confirmation, &subscription.id);
    Outcome::of(keep(service, partition(topic), key, sent).await)
}
