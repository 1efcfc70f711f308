//! The service as a client sees it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use api::sns::{
    self, CreateTopicInput, MessageAttributeValue, PublishBatchInput, PublishBatchRequestEntry, PublishInput,
    SetSubscriptionAttributesInput, SubscribeInput,
};
use api::sqs::{self, CreateQueueRequest, ReceiveMessageRequest};
use platform::testing::{ACCOUNT, REGION, TestPlatform};
use wire::Error;

use crate::Sns;

/// Longest real time a test waits for something that must happen.
const PATIENCE: Duration = Duration::from_secs(60);

/// A platform with this service and queues, called as the root of an account.
struct Bench {
    platform: TestPlatform,
}

impl Bench {
    async fn new() -> Bench {
        let services = |platform: &Arc<platform::Platform>| {
            vec![Arc::new(Sns::new(Arc::clone(platform))).registration(), service_sqs::registration(platform)]
        };
        let bench = Bench { platform: TestPlatform::new(services) };
        bench.platform.platform.start().await.expect("started");
        bench
    }

    async fn call<O: api::Operation>(&self, input: O::Input) -> Result<O::Output, Error> {
        self.platform.call::<O>(input).await
    }

    /// Calls an operation that is refused, and answers the error's code and text.
    async fn refused<O: api::Operation>(&self, input: O::Input) -> (&'static str, String)
    where
        O::Output: std::fmt::Debug,
    {
        let error = self.call::<O>(input).await.expect_err("refused");
        (error.definition.code, error.message.unwrap_or_default().into_owned())
    }

    async fn topic(&self, name: &str, attributes: &[(&str, &str)]) -> String {
        let input = CreateTopicInput { name: name.to_owned(), attributes: Some(map(attributes)), ..Default::default() };
        self.call::<sns::CreateTopic>(input).await.expect("created").topic_arn.expect("an ARN")
    }

    /// A queue that every topic may send to, and its URL.
    async fn queue(&self, name: &str) -> String {
        let policy = r#"{"Statement":[{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"*"}]}"#;
        let mut attributes = map(&[("Policy", policy)]);
        if name.ends_with(".fifo") {
            attributes.insert("FifoQueue".to_owned(), "true".to_owned());
        }
        let input =
            CreateQueueRequest { queue_name: name.to_owned(), attributes: Some(attributes), ..Default::default() };
        self.call::<sqs::CreateQueue>(input).await.expect("created").queue_url.expect("a URL")
    }

    async fn subscribe(&self, topic: &str, queue: &str, attributes: &[(&str, &str)]) -> String {
        let input = subscription(topic, queue, attributes);
        self.call::<sns::Subscribe>(input).await.expect("subscribed").subscription_arn.expect("an ARN")
    }

    async fn publish(&self, topic: &str, text: &str) {
        self.call::<sns::Publish>(message(topic, text)).await.expect("published");
    }

    /// So many bodies from a queue, deleted.
    async fn bodies(&self, url: &str, count: usize) -> Vec<String> {
        let mut bodies = Vec::new();
        let all = async {
            while bodies.len() < count {
                let input = ReceiveMessageRequest {
                    queue_url: url.to_owned(),
                    max_number_of_messages: Some(10),
                    ..Default::default()
                };
                let received = self.call::<sqs::ReceiveMessage>(input).await.expect("received").messages;
                for message in received.unwrap_or_default() {
                    let input = sqs::DeleteMessageRequest {
                        queue_url: url.to_owned(),
                        receipt_handle: message.receipt_handle.expect("a handle"),
                        ..Default::default()
                    };
                    self.call::<sqs::DeleteMessage>(input).await.expect("deleted");
                    bodies.push(message.body.expect("a body"));
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, all).await.expect("delivered");
        bodies
    }
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn subscription(topic: &str, queue: &str, attributes: &[(&str, &str)]) -> SubscribeInput {
    SubscribeInput {
        topic_arn: topic.to_owned(),
        protocol: "sqs".to_owned(),
        endpoint: Some(format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}")),
        attributes: Some(map(attributes)),
        ..Default::default()
    }
}

fn message(topic: &str, text: &str) -> PublishInput {
    PublishInput { topic_arn: Some(topic.to_owned()), message: text.to_owned(), ..Default::default() }
}

const RAW: (&str, &str) = ("RawMessageDelivery", "true");

#[tokio::test]
async fn subscribers_get_what_is_published_from_when_they_subscribed() {
    let bench = Bench::new().await;
    let topic = bench.topic("news", &[]).await;
    let url = bench.queue("inbox").await;
    bench.publish(&topic, "too early").await;
    let arn = bench.subscribe(&topic, "inbox", &[RAW]).await;
    assert_eq!(bench.subscribe(&topic, "inbox", &[RAW]).await, arn, "once is enough");
    bench.publish(&topic, "hello").await;
    assert_eq!(bench.bodies(&url, 1).await, ["hello"]);
    let other =
        bench.refused::<sns::Subscribe>(subscription(&topic, "inbox", &[("RawMessageDelivery", "false")])).await;
    assert!(other.1.ends_with("Subscription already exists with different attributes"));
    let end = sns::UnsubscribeInput { subscription_arn: arn, ..Default::default() };
    bench.call::<sns::Unsubscribe>(end.clone()).await.unwrap();
    bench.call::<sns::Unsubscribe>(end).await.unwrap();
    let attributes = sns::GetTopicAttributesInput { topic_arn: topic, ..Default::default() };
    let attributes = bench.call::<sns::GetTopicAttributes>(attributes).await.unwrap().attributes.unwrap();
    assert_eq!(
        (attributes["SubscriptionsConfirmed"].as_str(), attributes["SubscriptionsDeleted"].as_str()),
        ("0", "1")
    );
}

#[tokio::test]
async fn filters_look_at_attributes_or_at_the_body() {
    let bench = Bench::new().await;
    let topic = bench.topic("news", &[]).await;
    let (by_attributes, by_body) = (bench.queue("a").await, bench.queue("b").await);
    bench.subscribe(&topic, "a", &[RAW, ("FilterPolicy", r#"{"n":[{"numeric":[">",5]}],"tags":["x"]}"#)]).await;
    let body = [RAW, ("FilterPolicy", r#"{"a":{"b":["c"]}}"#), ("FilterPolicyScope", "MessageBody")];
    bench.subscribe(&topic, "b", &body).await;
    let attribute = |data_type: &str, value: &str| MessageAttributeValue {
        data_type: data_type.to_owned(),
        string_value: Some(value.to_owned()),
        ..Default::default()
    };
    for (text, number) in [(r#"{"a":{"b":"c"}}"#, "5"), (r#"{"a":{"b":"d"}}"#, "6")] {
        let attributes = BTreeMap::from([
            ("n".to_owned(), attribute("Number", number)),
            ("tags".to_owned(), attribute("String.Array", r#"["w","x"]"#)),
        ]);
        let input = PublishInput { message_attributes: Some(attributes), ..message(&topic, text) };
        bench.call::<sns::Publish>(input).await.unwrap();
    }
    assert_eq!(bench.bodies(&by_attributes, 1).await, [r#"{"a":{"b":"d"}}"#]);
    assert_eq!(bench.bodies(&by_body, 1).await, [r#"{"a":{"b":"c"}}"#]);
}

#[tokio::test]
async fn filter_policies_are_refused_in_awss_words() {
    let bench = Bench::new().await;
    let topic = bench.topic("news", &[]).await;
    bench.queue("inbox").await;
    let many: Vec<String> = (0..151).map(|number| format!("\"{number}\"")).collect();
    let many = format!(r#"{{"a":[{}]}}"#, many.join(","));
    for (policy, text) in [
        (
            r#"{"a":{"b":["c"]}}"#,
            "Invalid parameter: Filter policy scope MessageAttributes does not support nested filter policy",
        ),
        (many.as_str(), "Invalid parameter: Attributes Reason: FilterPolicy: Filter policy is too complex"),
        (
            r#"{"a":["1"],"b":["1"],"c":["1"],"d":["1"],"e":["1"],"f":["1"]}"#,
            "Invalid parameter: Attributes Reason: FilterPolicy: Filter policy can not have more than 5 keys",
        ),
        (
            "{invalidjson}",
            "Invalid parameter: Attributes Reason: FilterPolicy: failed to parse JSON. Unexpected character ('i' (code 105)): was expecting double-quote to start field name\n at [Source: (String)\"{invalidjson}\"; line: 1, column: 3]",
        ),
    ] {
        let refused = bench.refused::<sns::Subscribe>(subscription(&topic, "inbox", &[("FilterPolicy", policy)])).await;
        assert_eq!(refused, ("InvalidParameter", text.to_owned()));
    }
    let arn = bench.subscribe(&topic, "inbox", &[]).await;
    let input = SetSubscriptionAttributesInput {
        subscription_arn: arn,
        attribute_name: "FilterPolicyScope".to_owned(),
        attribute_value: Some("RandomValue".to_owned()),
        ..Default::default()
    };
    let text = "Invalid parameter: FilterPolicyScope: Invalid value [RandomValue]. Please use either MessageBody or MessageAttributes";
    assert_eq!(bench.refused::<sns::SetSubscriptionAttributes>(input).await.1, text);
}

#[tokio::test]
async fn fifo_topics_deduplicate_and_keep_order() {
    let bench = Bench::new().await;
    let topic = bench.topic("news.fifo", &[("FifoTopic", "true"), ("ContentBasedDeduplication", "true")]).await;
    let url = bench.queue("inbox.fifo").await;
    bench.subscribe(&topic, "inbox.fifo", &[RAW]).await;
    let grouped = |text: &str| PublishInput { message_group_id: Some("g".to_owned()), ..message(&topic, text) };
    let first = bench.call::<sns::Publish>(grouped("0")).await.unwrap();
    let again = bench.call::<sns::Publish>(grouped("0")).await.unwrap();
    assert_eq!(first.message_id, again.message_id);
    for number in 1..30 {
        bench.call::<sns::Publish>(grouped(&number.to_string())).await.unwrap();
    }
    let expected: Vec<String> = (0..30).map(|number| number.to_string()).collect();
    assert_eq!(bench.bodies(&url, 30).await, expected);
    let text = "Invalid parameter: The MessageGroupId parameter is required for FIFO topics";
    assert_eq!(bench.refused::<sns::Publish>(message(&topic, "x")).await, ("InvalidParameter", text.to_owned()));
}

#[tokio::test]
async fn what_is_refused_lies_with_the_dead_letters_and_what_comes_later_arrives() {
    let bench = Bench::new().await;
    let topic = bench.topic("news", &[]).await;
    let dead = bench.queue("dead").await;
    let redrive = format!(r#"{{"deadLetterTargetArn":"arn:aws:sqs:{REGION}:{ACCOUNT}:dead"}}"#);
    bench.subscribe(&topic, "inbox", &[RAW, ("RedrivePolicy", &redrive)]).await;
    bench.publish(&topic, "nobody there").await;
    assert_eq!(bench.bodies(&dead, 1).await, ["nobody there"]);
    let url = bench.queue("inbox").await;
    bench.publish(&topic, "somebody there").await;
    assert_eq!(bench.bodies(&url, 1).await, ["somebody there"]);
}

#[tokio::test]
async fn batches_are_checked_as_a_whole_and_entry_by_entry() {
    let bench = Bench::new().await;
    let topic = bench.topic("news", &[]).await;
    let entry = |id: &str, text: &str| PublishBatchRequestEntry {
        id: id.to_owned(),
        message: text.to_owned(),
        ..Default::default()
    };
    let batch = |entries| PublishBatchInput {
        topic_arn: topic.clone(),
        publish_batch_request_entries: entries,
        ..Default::default()
    };
    let sent = bench.call::<sns::PublishBatch>(batch(vec![entry("a", "x"), entry("b", "")])).await.unwrap();
    assert_eq!(sent.successful.unwrap()[0].id.as_deref(), Some("a"));
    assert_eq!(sent.failed.unwrap()[0].code, "InvalidParameter");
    let nothing = MessageAttributeValue { data_type: "String".to_owned(), ..Default::default() };
    let empty = PublishBatchRequestEntry {
        message_attributes: Some(BTreeMap::from([("a".to_owned(), nothing)])),
        ..entry("b", "y")
    };
    let refused = bench.refused::<sns::PublishBatch>(batch(vec![entry("a", "x"), empty])).await;
    let text =
        "The message attribute 'a' must contain non-empty message attribute value for message attribute type 'String'.";
    assert_eq!(refused, ("ParameterValueInvalid", text.to_owned()));
    for (entries, code) in [
        (vec![], "EmptyBatchRequest"),
        ((0..11).map(|number| entry(&number.to_string(), "x")).collect(), "TooManyEntriesInBatchRequest"),
        (vec![entry("a", "x"), entry("a", "y")], "BatchEntryIdsNotDistinct"),
        (vec![entry("a:b", "x")], "InvalidBatchEntryId"),
    ] {
        assert_eq!(bench.refused::<sns::PublishBatch>(batch(entries)).await.0, code);
    }
}

#[tokio::test]
async fn a_tokens_subscription_is_confirmed_once_its_token_comes_back() {
    let bench = Bench::new().await;
    let topic = bench.topic("news", &[]).await;
    let input = SubscribeInput {
        protocol: "email".to_owned(),
        endpoint: Some("somebody@example.com".to_owned()),
        return_subscription_arn: Some(true),
        ..subscription(&topic, "", &[])
    };
    let arn = bench.call::<sns::Subscribe>(input).await.unwrap().subscription_arn.unwrap();
    for (token, text) in [("short", "Invalid token"), (&"0".repeat(288), "Invalid parameter: Token")] {
        let input =
            sns::ConfirmSubscriptionInput { topic_arn: topic.clone(), token: token.to_owned(), ..Default::default() };
        assert_eq!(bench.refused::<sns::ConfirmSubscription>(input).await, ("InvalidParameter", text.to_owned()));
    }
    let input = sns::GetSubscriptionAttributesInput { subscription_arn: arn, ..Default::default() };
    let attributes = bench.call::<sns::GetSubscriptionAttributes>(input).await.unwrap().attributes.unwrap();
    assert_eq!(attributes["PendingConfirmation"], "true");
}

#[tokio::test]
async fn attributes_that_would_have_no_effect_are_refused() {
    let bench = Bench::new().await;
    let input = CreateTopicInput {
        name: "news".to_owned(),
        attributes: Some(map(&[("TracingConfig", "Active")])),
        ..Default::default()
    };
    assert!(bench.refused::<sns::CreateTopic>(input).await.1.contains("TracingConfig"));
    let topic = bench.topic("news", &[]).await;
    let input = SubscribeInput { protocol: "firehose".to_owned(), ..subscription(&topic, "", &[]) };
    assert!(bench.refused::<sns::Subscribe>(input).await.1.contains("firehose"));
}
