//! The service as a client sees it, with queues as targets.

mod delivery;
mod rules;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use api::events::{
    self, PutEventsRequest, PutEventsRequestEntry, PutEventsResponse, PutRuleRequest, PutTargetsRequest, Target,
};
use api::sqs::{self, CreateQueueRequest, DeleteMessageRequest, Message, ReceiveMessageRequest};
use blob::BlobStore;
use platform::testing::{ACCOUNT, REGION, TestPlatform};
use platform::{Platform, Registration};
use serde_json::Value;
use store::Store;
use wire::Error;

/// Longest real time a test waits for something that must happen.
const PATIENCE: Duration = Duration::from_secs(60);

/// A platform with this service and queues, called as the root of an account.
struct Bench {
    platform: TestPlatform,
}

fn services(platform: &Arc<Platform>) -> Vec<Registration> {
    vec![crate::registration(platform), service_sqs::registration(platform)]
}

impl Bench {
    async fn new() -> Bench {
        Bench::over(Store::memory()).await
    }

    async fn over(store: Store) -> Bench {
        let platform = TestPlatform::over(store, BlobStore::memory(), services);
        platform.platform.start().await.expect("started");
        Bench { platform }
    }

    async fn call<O: api::Operation>(&self, input: O::Input) -> Result<O::Output, Error> {
        self.platform.call::<O>(input).await
    }

    /// Calls an operation that is refused, and answers the error as text.
    async fn refused<O: api::Operation>(&self, input: O::Input) -> String
    where
        O::Output: std::fmt::Debug,
    {
        self.call::<O>(input).await.expect_err("refused").to_string()
    }

    /// A queue that rules may send to.
    async fn queue(&self, name: &str) -> Queue {
        let policy = r#"{"Statement":[{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"*"}]}"#;
        let attributes = BTreeMap::from([("Policy".to_owned(), policy.to_owned())]);
        let input =
            CreateQueueRequest { queue_name: name.to_owned(), attributes: Some(attributes), ..Default::default() };
        let url = self.call::<sqs::CreateQueue>(input).await.expect("created").queue_url.expect("a URL");
        Queue { url, arn: format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{name}") }
    }

    async fn rule(&self, name: &str, pattern: &str) {
        let input =
            PutRuleRequest { name: name.to_owned(), event_pattern: Some(pattern.to_owned()), ..Default::default() };
        self.call::<events::PutRule>(input).await.expect("made");
    }

    async fn target(&self, rule: &str, target: Target) {
        let input = PutTargetsRequest { rule: rule.to_owned(), targets: vec![target], ..Default::default() };
        let answer = self.call::<events::PutTargets>(input).await.expect("put");
        assert_eq!(answer.failed_entry_count, Some(0));
    }

    async fn put(&self, entries: Vec<PutEventsRequestEntry>) -> PutEventsResponse {
        self.call::<events::PutEvents>(PutEventsRequest { entries, ..Default::default() }).await.expect("put")
    }

    /// So many messages from a queue, deleted.
    async fn messages(&self, queue: &Queue, count: usize) -> Vec<Message> {
        let mut messages = Vec::new();
        let all = async {
            while messages.len() < count {
                let input = ReceiveMessageRequest {
                    queue_url: queue.url.clone(),
                    max_number_of_messages: Some(10),
                    message_attribute_names: Some(vec!["All".to_owned()]),
                    ..Default::default()
                };
                let answer = self.call::<sqs::ReceiveMessage>(input).await.expect("received");
                for message in answer.messages.unwrap_or_default() {
                    let input = DeleteMessageRequest {
                        queue_url: queue.url.clone(),
                        receipt_handle: message.receipt_handle.clone().expect("a handle"),
                        ..Default::default()
                    };
                    self.call::<sqs::DeleteMessage>(input).await.expect("deleted");
                    messages.push(message);
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, all).await.expect("in time");
        messages
    }

    /// So many events from a queue.
    async fn events(&self, queue: &Queue, count: usize) -> Vec<Value> {
        let messages = self.messages(queue, count).await;
        let body = |message: Message| serde_json::from_str(&message.body.unwrap_or_default()).unwrap_or_default();
        messages.into_iter().map(body).collect()
    }
}

struct Queue {
    url: String,
    arn: String,
}

fn to(queue: &Queue) -> Target {
    Target { id: "one".to_owned(), arn: queue.arn.clone(), ..Default::default() }
}

fn entry(source: &str, detail: &str) -> PutEventsRequestEntry {
    PutEventsRequestEntry {
        source: Some(source.to_owned()),
        detail_type: Some("made".to_owned()),
        detail: Some(detail.to_owned()),
        ..Default::default()
    }
}
