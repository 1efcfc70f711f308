//! What arrives at endpoints that do not take messages as they are.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use crate::arn::TopicArn;
use crate::message::{Attribute, Message};
use crate::signing::Signer;
use crate::subscription::Subscription;

/// Beginning of the paths that the service serves itself.
pub const PAGES: &str = "/_traca/sns/";

/// Where a certificate, a confirmation or the end of a subscription is found.
pub struct Links<'a> {
    /// Address of the platform.
    pub endpoint: &'a str,
}

impl Links<'_> {
    /// Address of the certificate.
    pub fn certificate(&self, signer: &Signer) -> String {
        format!("{}{PAGES}{}", self.endpoint, signer.file_name())
    }

    /// Address that ends a subscription.
    pub fn unsubscribe(&self, subscription: &str) -> String {
        format!("{}{PAGES}?Action=Unsubscribe&SubscriptionArn={subscription}", self.endpoint)
    }

    /// Address that confirms a subscription.
    pub fn confirm(&self, topic: &TopicArn, token: &str) -> String {
        let token = utf8_percent_encode(token, NON_ALPHANUMERIC);
        format!("{}{PAGES}?Action=ConfirmSubscription&TopicArn={topic}&Token={token}", self.endpoint)
    }
}

/// The JSON form of a message for a subscription, with AWS's names in AWS's order.
pub fn notification(message: &Message, text: &str, subscription: &str, links: &Links<'_>, signer: &Signer) -> Value {
    let mut fields = Map::new();
    let mut add = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    add("Type", json!("Notification"));
    add("MessageId", json!(message.id));
    if message.deduplication_id.is_some() {
        add("SequenceNumber", json!(Message::sequence_number(message.number)));
    }
    add("TopicArn", json!(message.topic));
    if let Some(subject) = &message.subject {
        add("Subject", json!(subject));
    }
    add("Message", json!(text));
    add("Timestamp", json!(message.timestamp()));
    // Messages of FIFO topics are not signed.
    if message.deduplication_id.is_none() {
        let version_2 = message.signature_version_2;
        add("SignatureVersion", json!(if version_2 { "2" } else { "1" }));
        add("Signature", json!(signer.sign(&to_sign(message, text), version_2)));
        add("SigningCertURL", json!(links.certificate(signer)));
    }
    add("UnsubscribeURL", json!(links.unsubscribe(subscription)));
    if !message.attributes.is_empty() {
        add("MessageAttributes", json!(message.attributes));
    }
    Value::Object(fields)
}

/// What a notification's signature is over.
fn to_sign(message: &Message, text: &str) -> String {
    let mut signed = format!("Message\n{text}\nMessageId\n{}\n", message.id);
    if let Some(subject) = &message.subject {
        signed.push_str(&format!("Subject\n{subject}\n"));
    }
    signed.push_str(&format!("Timestamp\n{}\nTopicArn\n{}\nType\nNotification\n", message.timestamp(), message.topic));
    signed
}

/// The event that a function gets.
pub fn event(message: &Message, text: &str, subscription: &str, links: &Links<'_>, signer: &Signer) -> Value {
    let notification = notification(message, text, subscription, links, signer);
    let field = |name: &str| notification.get(name).cloned().unwrap_or(Value::Null);
    let attributes: Map<String, Value> = message
        .attributes
        .iter()
        .map(|(name, Attribute { data_type, value })| (name.clone(), json!({"Type": data_type, "Value": value})))
        .collect();
    json!({"Records": [{
        "EventSource": "aws:sns",
        "EventVersion": "1.0",
        "EventSubscriptionArn": subscription,
        "Sns": {
            "Type": "Notification",
            "MessageId": message.id,
            "TopicArn": message.topic,
            "Subject": message.subject,
            "Message": text,
            "Timestamp": message.timestamp(),
            "SignatureVersion": field("SignatureVersion"),
            "Signature": field("Signature"),
            "SigningCertUrl": field("SigningCertURL"),
            "UnsubscribeUrl": field("UnsubscribeURL"),
            "MessageAttributes": attributes,
        },
    }]})
}

/// What asks an endpoint to confirm its subscription. `id` is the message's, `timestamp` when it is sent.
pub fn confirmation(
    topic: &TopicArn,
    subscription: &Subscription,
    id: &str,
    timestamp: &str,
    links: &Links<'_>,
    signer: &Signer,
    version_2: bool,
) -> Value {
    let token = subscription.token.as_ref().map(|(token, _)| token.as_str()).unwrap_or_default();
    let text = format!(
        "You have chosen to subscribe to the topic {topic}.\nTo confirm the subscription, visit the SubscribeURL included \
         in this message."
    );
    let url = links.confirm(topic, token);
    let signed = format!(
        "Message\n{text}\nMessageId\n{id}\nSubscribeURL\n{url}\nTimestamp\n{timestamp}\nToken\n{token}\nTopicArn\n{topic}\n\
         Type\nSubscriptionConfirmation\n"
    );
    json!({
        "Type": "SubscriptionConfirmation",
        "MessageId": id,
        "Token": token,
        "TopicArn": topic.to_string(),
        "Message": text,
        "SubscribeURL": url,
        "Timestamp": timestamp,
        "SignatureVersion": if version_2 { "2" } else { "1" },
        "Signature": signer.sign(&signed, version_2),
        "SigningCertURL": links.certificate(signer),
    })
}
