//! Where records of finished events go: queues, topics, functions, event buses and buckets.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::Operation;
use api::events::{self, PutEventsRequest, PutEventsRequestEntry};
use api::lambda::{self, InvocationRequest};
use api::s3::{self, PutObjectRequest};
use api::sns::{self, PublishInput};
use api::sqs::{self, SendMessageRequest};
use platform::{Platform, Principal};
use wire::error::common;
use wire::schema::{OperationDef, ServiceDef};
use wire::{Body, Error, Timestamp};

/// A destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    kind: Kind,
    arn: String,
    region: String,
    account: String,
    name: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Queue,
    Topic,
    Function,
    Bus,
    Bucket,
}

/// A call that a function's role has to be allowed.
#[derive(Debug, Clone)]
pub struct Way {
    /// Whose call it is.
    pub service: &'static ServiceDef,
    /// The call.
    pub operation: &'static OperationDef,
    /// Its action: `sqs:SendMessage`.
    pub action: &'static str,
    /// The service as messages name it: `SQS`.
    pub service_name: &'static str,
    /// What it is made on.
    pub arn: String,
}

impl Way {
    /// The call as messages name it: `SendMessage`.
    pub fn call(&self) -> &'static str {
        self.action.split_once(':').map_or(self.action, |(_, call)| call)
    }

    /// A call on what has this ARN.
    pub fn of<O: Operation>(action: &'static str, service_name: &'static str, arn: &str) -> Way {
        Way { service: O::service(), operation: O::definition(), action, service_name, arn: arn.to_owned() }
    }
}

/// What is sent.
#[derive(Debug, Clone)]
pub struct Parcel {
    /// The text: a record, or the event itself.
    pub text: String,
    /// Attributes of the message, for queues and topics.
    pub attributes: Vec<Attribute>,
    /// `detail-type` on an event bus.
    pub detail_type: &'static str,
    /// ARN of the function it is about.
    pub function_arn: String,
    /// What a bucket gets.
    pub object: Object,
    /// The trace header of what it tells about.
    pub trace: Option<String>,
}

/// An object that holds a record.
#[derive(Debug, Clone, Default)]
pub struct Object {
    /// The beginning of its key, without a slash at its end.
    pub folder: String,
    /// Its text, if it is not the parcel's.
    pub text: Option<String>,
}

impl Object {
    /// Its key: `folder/2024/01/31/2024-01-31T00.00.00-uuid`. Developer guide, "Adding an on-failure destination".
    fn key(&self, now: Timestamp, uuid: &str) -> String {
        let mut time = String::new();
        now.write_iso8601_milliseconds(&mut time);
        let (day, clock) = (&time[..10], time[11..19].replace(':', "."));
        format!("{}/{}/{day}T{clock}-{uuid}", self.folder, day.replace('-', "/"))
    }
}

/// An attribute of a message.
#[derive(Debug, Clone)]
pub struct Attribute {
    /// Its name.
    pub name: &'static str,
    /// `String` or `Number`.
    pub data_type: &'static str,
    /// Its value.
    pub value: String,
}

impl Destination {
    /// The destination with this ARN, if its kind is one that takes records.
    pub fn of_arn(arn: &str) -> Option<Destination> {
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let ["arn", _, service, region, account, name] = parts.as_slice() else { return None };
        let (kind, name) = match *service {
            "sqs" => (Kind::Queue, *name),
            "sns" => (Kind::Topic, *name),
            "lambda" => (Kind::Function, name.strip_prefix("function:")?),
            "events" => (Kind::Bus, name.strip_prefix("event-bus/")?),
            "s3" => (Kind::Bucket, *name),
            _ => return None,
        };
        let (region, account, name) = ((*region).to_owned(), (*account).to_owned(), name.to_owned());
        Some(Destination { kind, arn: arn.to_owned(), region, account, name })
    }

    /// The call that brings records there; `None` for buckets, where the right depends on the object's name.
    pub fn way(&self) -> Option<Way> {
        let arn = self.arn.as_str();
        Some(match self.kind {
            Kind::Queue => Way::of::<sqs::SendMessage>("sqs:SendMessage", "SQS", arn),
            Kind::Topic => Way::of::<sns::Publish>("sns:Publish", "SNS", arn),
            Kind::Function => Way::of::<lambda::Invoke>("lambda:InvokeFunction", "Lambda", arn),
            Kind::Bus => Way::of::<events::PutEvents>("events:PutEvents", "EventBridge", arn),
            Kind::Bucket => return None,
        })
    }

    /// Whether it is a queue or a topic: what dead letters may go to.
    pub fn takes_dead_letters(&self) -> bool {
        matches!(self.kind, Kind::Queue | Kind::Topic)
    }

    /// Whether it takes what is left of the batches of streams.
    pub fn takes_batches(&self) -> bool {
        self.takes_dead_letters() || self.kind == Kind::Bucket
    }

    /// Whether it takes only what went wrong.
    pub fn is_for_failures_alone(&self) -> bool {
        self.kind == Kind::Bucket
    }

    /// Sends a parcel as the function's role.
    ///
    /// # Errors
    /// What the destination answers.
    pub async fn send(&self, platform: &Arc<Platform>, role: Principal, parcel: Parcel) -> Result<(), Error> {
        let (account, region, trace) = (&self.account, &self.region, parcel.trace.clone());
        match self.kind {
            Kind::Queue => {
                let input = self.message(platform, parcel);
                platform.call_traced::<sqs::SendMessage>(role, account, region, trace, input).await.map(drop)
            }
            Kind::Topic => {
                let input = self.publication(parcel);
                platform.call_traced::<sns::Publish>(role, account, region, trace, input).await.map(drop)
            }
            Kind::Function => {
                let input = InvocationRequest {
                    function_name: self.arn.clone(),
                    invocation_type: Some("Event".to_owned()),
                    payload: Some(parcel.text.into()),
                    ..InvocationRequest::default()
                };
                platform.call_traced::<lambda::Invoke>(role, account, region, trace, input).await.map(drop)
            }
            Kind::Bus => {
                let input = self.event(parcel);
                let output = platform.call_as::<events::PutEvents>(role, account, region, input).await?;
                if output.failed_entry_count.unwrap_or_default() > 0 {
                    return Err(Error::new(&common::INTERNAL_FAILURE, "The event bus refused the record."));
                }
                Ok(())
            }
            Kind::Bucket => {
                // The ARN of a bucket names no place: it is asked for where the function is.
                let parts: Vec<String> = parcel.function_arn.split(':').map(str::to_owned).collect();
                let [_, _, _, region, account, ..] = parts.as_slice() else { return Ok(()) };
                let input = self.object(platform, parcel);
                platform.call_as::<s3::PutObject>(role, account, region, input).await.map(drop)
            }
        }
    }

    fn object(&self, platform: &Platform, parcel: Parcel) -> PutObjectRequest {
        let text = parcel.object.text.clone().unwrap_or(parcel.text);
        PutObjectRequest {
            bucket: self.name.clone(),
            key: parcel.object.key(platform.clock.now(), &platform.ids.uuid()),
            content_length: Some(text.len() as i64),
            content_type: Some("application/json".to_owned()),
            body: Body::Bytes(text.into()),
            ..PutObjectRequest::default()
        }
    }

    fn message(&self, platform: &Platform, parcel: Parcel) -> SendMessageRequest {
        let attribute = |attribute: Attribute| {
            let value = sqs::MessageAttributeValue {
                data_type: attribute.data_type.to_owned(),
                string_value: Some(attribute.value),
                ..Default::default()
            };
            (attribute.name.to_owned(), value)
        };
        let attributes: BTreeMap<_, _> = parcel.attributes.into_iter().map(attribute).collect();
        SendMessageRequest {
            queue_url: format!("{}/{}/{}", platform.config.endpoint, self.account, self.name),
            message_body: parcel.text,
            message_attributes: Some(attributes).filter(|attributes| !attributes.is_empty()),
            ..SendMessageRequest::default()
        }
    }

    fn publication(&self, parcel: Parcel) -> PublishInput {
        let attribute = |attribute: Attribute| {
            let value = sns::MessageAttributeValue {
                data_type: attribute.data_type.to_owned(),
                string_value: Some(attribute.value),
                ..Default::default()
            };
            (attribute.name.to_owned(), value)
        };
        let attributes: BTreeMap<_, _> = parcel.attributes.into_iter().map(attribute).collect();
        PublishInput {
            topic_arn: Some(self.arn.clone()),
            message: parcel.text,
            message_attributes: Some(attributes).filter(|attributes| !attributes.is_empty()),
            ..PublishInput::default()
        }
    }

    fn event(&self, parcel: Parcel) -> PutEventsRequest {
        let entry = PutEventsRequestEntry {
            source: Some("lambda".to_owned()),
            detail_type: Some(parcel.detail_type.to_owned()),
            resources: Some(vec![self.arn.clone(), parcel.function_arn]),
            detail: Some(parcel.text),
            event_bus_name: Some(self.arn.clone()),
            ..PutEventsRequestEntry::default()
        };
        PutEventsRequest { entries: vec![entry], ..PutEventsRequest::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destinations_are_told_by_their_arns() {
        let queue = Destination::of_arn("arn:aws:sqs:eu-west-1:111122223333:letters").unwrap();
        assert!(queue.takes_dead_letters() && queue.name == "letters");
        let bus = Destination::of_arn("arn:aws:events:eu-west-1:111122223333:event-bus/default").unwrap();
        assert!(!bus.takes_dead_letters());
        for other in ["arn:aws:kinesis:eu-west-1:111122223333:stream/s", "queue", "arn:aws:lambda:r:a:layer:l"] {
            assert_eq!(Destination::of_arn(other), None, "{other}");
        }
    }
}
