//! The service as a client sees it.

mod attributes;
mod dead_letters;
mod fifo;
mod messages;
mod move_tasks;
mod order;
mod queues;
mod waiting;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use api::sqs::{
    self, CreateQueueRequest, DeleteMessageRequest, GetQueueAttributesRequest, Message, ReceiveMessageRequest,
    SendMessageRequest, SendMessageResult,
};
use platform::testing::{ACCOUNT, REGION, TestPlatform};
use wire::Error;

use crate::Sqs;

/// A platform with this service, called as the root of an account.
pub struct Bench {
    pub platform: TestPlatform,
    pub sqs: Arc<Sqs>,
}

impl Bench {
    pub fn new() -> Bench {
        let mut made = None;
        let platform = TestPlatform::new(|platform| {
            let sqs = Arc::new(Sqs::new(Arc::clone(platform)));
            made = Some(Arc::clone(&sqs));
            vec![sqs.registration()]
        });
        Bench { platform, sqs: made.expect("the platform asks for its services") }
    }

    /// Moves the clock.
    pub fn advance(&self, seconds: u64) {
        self.platform.clock.advance(Duration::from_secs(seconds));
    }

    pub async fn call<O: api::Operation>(&self, input: O::Input) -> Result<O::Output, Error> {
        self.platform.call::<O>(input).await
    }

    /// Calls an operation that is refused, and answers the error's query code and text.
    pub async fn refused<O: api::Operation>(&self, input: O::Input) -> (&'static str, String)
    where
        O::Output: std::fmt::Debug,
    {
        let error = self.call::<O>(input).await.expect_err("refused");
        (crate::errors::code_of(&error), error.message.unwrap_or_default().into_owned())
    }

    /// Makes a queue with attributes.
    pub async fn queue(&self, name: &str, attributes: &[(&str, &str)]) -> String {
        let input = create(name, attributes);
        self.call::<sqs::CreateQueue>(input).await.expect("created").queue_url.expect("a URL")
    }

    pub async fn send(&self, url: &str, body: &str) -> SendMessageResult {
        self.call::<sqs::SendMessage>(message(url, body)).await.expect("sent")
    }

    /// Sends to a group of a FIFO queue; the body is the deduplication id too.
    pub async fn send_to(&self, url: &str, group: &str, body: &str) -> SendMessageResult {
        self.call::<sqs::SendMessage>(grouped(url, group, body)).await.expect("sent")
    }

    pub async fn receive(&self, url: &str, count: i32) -> Vec<Message> {
        self.receive_with(ReceiveMessageRequest { max_number_of_messages: Some(count), ..receive(url) }).await
    }

    pub async fn receive_with(&self, input: ReceiveMessageRequest) -> Vec<Message> {
        self.call::<sqs::ReceiveMessage>(input).await.expect("received").messages.unwrap_or_default()
    }

    /// Receives, and answers the bodies.
    pub async fn bodies(&self, url: &str, count: i32) -> Vec<String> {
        bodies(&self.receive(url, count).await)
    }

    pub async fn delete(&self, url: &str, message: &Message) {
        let input = DeleteMessageRequest {
            queue_url: url.to_owned(),
            receipt_handle: message.receipt_handle.clone().expect("a handle"),
            ..Default::default()
        };
        self.call::<sqs::DeleteMessage>(input).await.expect("deleted");
    }

    pub async fn attributes(&self, url: &str, names: &[&str]) -> BTreeMap<String, String> {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        let input =
            GetQueueAttributesRequest { queue_url: url.to_owned(), attribute_names: Some(names), ..Default::default() };
        self.call::<sqs::GetQueueAttributes>(input).await.expect("there").attributes.unwrap_or_default()
    }

    /// Ready, in flight, delayed.
    pub async fn counts(&self, url: &str) -> [u64; 3] {
        let names = [
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesDelayed",
        ];
        let values = self.attributes(url, &names).await;
        names.map(|name| values[name].parse().expect("a number"))
    }
}

pub fn create(name: &str, attributes: &[(&str, &str)]) -> CreateQueueRequest {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    CreateQueueRequest {
        queue_name: name.to_owned(),
        attributes: Some(attributes.iter().map(owned).collect()),
        ..Default::default()
    }
}

pub fn message(url: &str, body: &str) -> SendMessageRequest {
    SendMessageRequest { queue_url: url.to_owned(), message_body: body.to_owned(), ..Default::default() }
}

pub fn grouped(url: &str, group: &str, body: &str) -> SendMessageRequest {
    SendMessageRequest {
        message_group_id: Some(group.to_owned()),
        message_deduplication_id: Some(body.to_owned()),
        ..message(url, body)
    }
}

pub fn receive(url: &str) -> ReceiveMessageRequest {
    ReceiveMessageRequest { queue_url: url.to_owned(), ..Default::default() }
}

pub fn bodies(messages: &[Message]) -> Vec<String> {
    messages.iter().map(|message| message.body.clone().expect("a body")).collect()
}

pub fn arn(name: &str) -> String {
    format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{name}")
}

pub fn redrive(target: &str, count: u32) -> String {
    format!(r#"{{"deadLetterTargetArn":"{}","maxReceiveCount":{count}}}"#, arn(target))
}
