//! Hands queued events to those who are told of them. Each lies in a timer of its bucket's partition until its destination
//! has taken it, or refuses it for good.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::Operation;
use api::events::{PutEvents, PutEventsRequest, PutEventsRequestEntry};
use api::lambda::{InvocationRequest, Invoke};
use api::sns::{GetTopicAttributes, GetTopicAttributesInput, Publish, PublishInput};
use api::sqs::{GetQueueUrl, GetQueueUrlRequest, MessageSystemAttributeValue, SendMessage, SendMessageRequest};
use platform::{Call, Ctx, Firing, Origin, Principal};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use wire::Error;
use wire::schema::Fault;

use crate::limits::DELIVERY_TIME;
use crate::notification::Target;
use crate::service::S3;

/// The kind of timer that holds an event.
pub const KIND: &str = "s3/event";

/// The service's name as a principal.
pub const PRINCIPAL: &str = "s3.amazonaws.com";

/// The subject of what topics are told.
const SUBJECT: &str = "Amazon S3 Notification";

/// Who is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Destination {
    /// The destination of a rule, by its ARN.
    Rule(Target, String),
    /// The event bus of the bucket's owner; with the type of the event's detail.
    EventBus(String),
}

/// An event on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The bucket it is about.
    pub bucket: String,
    /// Account that owns the bucket.
    pub owner: String,
    /// The bucket's region.
    pub region: String,
    /// Who is told.
    pub destination: Destination,
    /// What is told.
    pub body: String,
    /// The trace header of the request that made it, so that Lambda sees when events go round in circles.
    pub trace: Option<String>,
    /// When it happened, in milliseconds since 1970.
    pub since: i64,
}

impl Delivery {
    /// As the payload of a timer.
    pub fn encode(&self) -> Value {
        serde_json::to_value(self).expect("texts and numbers have a JSON form")
    }
}

/// Hands over the event of a timer. An error means "again later".
///
/// # Errors
/// Those of the destination, as long as another attempt may help.
pub async fn fire(service: Arc<S3>, firing: Firing) -> Result<(), Error> {
    let Ok(delivery) = serde_json::from_value::<Delivery>(firing.payload) else {
        tracing::error!(id = firing.id, "an event of an unknown format is dropped");
        return Ok(());
    };
    let Err(error) = hand_over(&service, &delivery).await else { return Ok(()) };
    let is_old = service.platform.clock.milliseconds() - delivery.since > DELIVERY_TIME.as_millis() as i64;
    let is_refused = error.definition.fault == Fault::Client && error.definition.status != 429;
    if is_old || is_refused {
        tracing::warn!(bucket = delivery.bucket, destination = ?delivery.destination, %error, "an event is dropped");
        return Ok(());
    }
    Err(error)
}

async fn hand_over(service: &Arc<S3>, delivery: &Delivery) -> Result<(), Error> {
    let cx = context(service, &delivery.owner, &delivery.region, delivery.trace.clone());
    match &delivery.destination {
        Destination::Rule(target, arn) => send(&cx, &delivery.bucket, *target, arn, &delivery.body, false).await,
        Destination::EventBus(detail_type) => {
            let entry = PutEventsRequestEntry {
                source: Some("aws.s3".to_owned()),
                detail_type: Some(detail_type.clone()),
                resources: Some(vec![format!("arn:aws:s3:::{}", delivery.bucket)]),
                detail: Some(delivery.body.clone()),
                time: Some(wire::Timestamp::from_milliseconds(delivery.since)),
                trace_header: delivery.trace.clone(),
                ..PutEventsRequestEntry::default()
            };
            let request = PutEventsRequest { entries: vec![entry], ..PutEventsRequest::default() };
            cx.call_as::<PutEvents>(principal(&cx, &delivery.bucket), request).await.map(drop)
        }
    }
}

/// Tells a destination something, as S3 for a bucket. A trial leaves a function alone: it only finds out whether it might
/// be called.
///
/// # Errors
/// Those of the destination.
pub async fn send(cx: &Ctx, bucket: &str, target: Target, arn: &str, body: &str, is_trial: bool) -> Result<(), Error> {
    let mut parts = arn.splitn(6, ':').skip(3);
    let (region, account) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let name = parts.next().unwrap_or_default();
    let principal = principal(cx, bucket);
    // What is called belongs to the destination's account and region.
    let cx = Ctx::new(Call { account: account.to_owned(), region: region.to_owned(), ..(**cx).clone() });
    match target {
        Target::Queue => {
            let header = |header: &String| {
                let value = MessageSystemAttributeValue {
                    data_type: "String".to_owned(),
                    string_value: Some(header.clone()),
                    ..Default::default()
                };
                BTreeMap::from([("AWSTraceHeader".to_owned(), value)])
            };
            let request = SendMessageRequest {
                queue_url: format!("{}/{account}/{name}", cx.platform.config.endpoint),
                message_body: body.to_owned(),
                message_system_attributes: cx.trace_header.as_ref().map(header),
                ..SendMessageRequest::default()
            };
            cx.call_as::<SendMessage>(principal, request).await.map(drop)
        }
        Target::Topic => {
            let request = PublishInput {
                topic_arn: Some(arn.to_owned()),
                subject: Some(SUBJECT.to_owned()),
                message: body.to_owned(),
                ..PublishInput::default()
            };
            cx.call_as::<Publish>(principal, request).await.map(drop)
        }
        Target::Function => {
            let request = InvocationRequest {
                function_name: arn.to_owned(),
                invocation_type: Some(if is_trial { "DryRun" } else { "Event" }.to_owned()),
                payload: Some(bytes::Bytes::copy_from_slice(body.as_bytes())),
                ..InvocationRequest::default()
            };
            cx.call_as::<Invoke>(principal, request).await.map(drop)
        }
    }
}

/// Whether a destination is there; its owner finds out, since those who may not use it are not told.
///
/// # Errors
/// A failure of its service.
pub async fn exists(cx: &Ctx, target: Target, arn: &str) -> Result<bool, Error> {
    let mut parts = arn.splitn(6, ':').skip(3);
    let (region, account) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let cx = Ctx::new(Call { account: account.to_owned(), region: region.to_owned(), ..(**cx).clone() });
    let owner = Principal::Root { account: account.to_owned() };
    let found = match target {
        Target::Queue => {
            let queue_name = parts.next().unwrap_or_default().to_owned();
            let request = GetQueueUrlRequest { queue_name, ..GetQueueUrlRequest::default() };
            cx.call_as::<GetQueueUrl>(owner, request).await.map(drop)
        }
        Target::Topic => {
            let request = GetTopicAttributesInput { topic_arn: arn.to_owned(), ..GetTopicAttributesInput::default() };
            cx.call_as::<GetTopicAttributes>(owner, request).await.map(drop)
        }
        Target::Function => return Ok(true),
    };
    match found {
        Ok(()) => Ok(true),
        Err(error) if error.definition.fault == Fault::Client => Ok(false),
        Err(error) => Err(error),
    }
}

/// S3, acting for a bucket.
fn principal(cx: &Ctx, bucket: &str) -> Principal {
    let source_arn = Some(format!("arn:aws:s3:::{bucket}"));
    Principal::Service { name: PRINCIPAL, account: cx.account.clone(), source_arn }
}

/// The context of S3's own work for an account.
pub fn context(service: &Arc<S3>, account: &str, region: &str, trace_header: Option<String>) -> Ctx {
    let platform = Arc::clone(&service.platform);
    Ctx::new(Call {
        account: account.to_owned(),
        region: region.to_owned(),
        principal: Principal::Service { name: PRINCIPAL, account: account.to_owned(), source_arn: None },
        request_id: platform.ids.uuid(),
        service: api::s3::PutObject::service(),
        operation: api::s3::PutObject::definition(),
        protocol: None,
        source_ip: None,
        endpoint: platform.config.endpoint.clone(),
        access_key_id: None,
        user_agent: None,
        trace_header,
        origin: Origin::default(),
        platform,
    })
}
