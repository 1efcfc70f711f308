//! Handing one event to one target.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::events::{PutEvents, PutEventsRequest, PutEventsRequestEntry};
use api::sqs::{MessageAttributeValue, MessageSystemAttributeValue, SendMessage, SendMessageRequest};
use api::{kinesis, lambda, logs, sns};
use bytes::Bytes;
use platform::Principal;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use wire::Error;
use wire::schema::Fault;

use crate::destination;
use crate::event::{Event, seconds_text};
use crate::input::{self, Reserved};
use crate::limits::HOPS_MAX;
use crate::names::{BusId, arn_parts, parse_rule};
use crate::records::{Rule, Target};
use crate::role::{self, SERVICE};
use crate::service::Events;

tokio::task_local! {
    /// The event that a call of `PutEvents` passes on from another bus, as it is.
    pub static PASSED_ON: Event;
}

/// An event and where it goes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Delivery {
    /// The event.
    pub event: Event,
    /// ARN of the rule.
    pub rule: String,
    /// The target, with the role that holds for it.
    pub target: Target,
}

/// Why a target does not have an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The code that dead letters carry.
    pub code: String,
    /// The text that dead letters carry.
    pub message: String,
    /// Another attempt would not help.
    pub is_final: bool,
    /// Least pause before another attempt that the target asks for, in seconds.
    #[serde(default)]
    pub retry_after: Option<i64>,
    /// It was no attempt: the target is called when its turn comes, which it has then.
    #[serde(default)]
    pub has_place: bool,
}

impl Failure {
    /// Another attempt may help.
    pub fn later(code: &str, message: String) -> Failure {
        Failure { code: code.to_owned(), message, is_final: false, retry_after: None, has_place: false }
    }

    /// There is no such target.
    pub fn lost(message: impl Into<String>) -> Failure {
        Failure { is_final: true, ..Failure::later("NO_RESOURCE", message.into()) }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        let name = error.definition.code;
        let is_missing = name.contains("NotFound") || name.contains("NonExistent") || name.contains("DoesNotExist");
        let is_denied = name.contains("AccessDenied") || name.contains("Authorization");
        let is_final = error.definition.fault == Fault::Client && error.definition.status != 429;
        let code = match is_final {
            true if is_denied => "NO_PERMISSIONS",
            true if is_missing => "NO_RESOURCE",
            true => "SDK_CLIENT_ERROR",
            false if error.definition.status == 429 => "THROTTLING",
            false => "ERROR_FROM_TARGET",
        };
        Failure { is_final, ..Failure::later(code, error.to_string()) }
    }
}

impl Delivery {
    /// An event on its way to a rule's target.
    pub fn new(event: &Event, rule: &Rule, mut target: Target) -> Delivery {
        if target.role.is_none() {
            (target.role, target.has_role) = (rule.role.clone(), rule.has_role);
        }
        Delivery { event: event.clone(), rule: event.bus.rule_arn(&rule.name), target }
    }

    /// The text that the target is sent.
    pub fn text(&self) -> String {
        let rule_name = parse_rule(&self.rule).map(|(_, name)| name).unwrap_or_default();
        let ingestion_time = seconds_text(self.event.ingested);
        let reserved = Reserved { rule_arn: &self.rule, rule_name: &rule_name, ingestion_time: &ingestion_time };
        input::text(&self.target, &self.event.document, &reserved)
    }

    /// The partition key of a stream's record: at the target's path in the event, else the event's id.
    fn partition_key(&self) -> String {
        let path = self.target.partition_key.as_deref().unwrap_or("$.id");
        match pattern::template::at(&Value::Object(self.event.document.clone()), path) {
            Some(Value::String(key)) if !key.is_empty() => key,
            Some(key) if !key.is_null() && key != "" => key.to_string(),
            _ => self.event.document.get("id").and_then(Value::as_str).unwrap_or_default().to_owned(),
        }
    }

    fn service_principal(&self) -> Principal {
        Principal::Service {
            name: SERVICE,
            account: self.event.bus.account.clone(),
            source_arn: Some(self.rule.clone()),
        }
    }

    async fn principal(&self, service: &Events) -> Result<Principal, Error> {
        let Some(role) = &self.target.role else { return Ok(self.service_principal()) };
        let account = &self.event.bus.account;
        role::session(&service.platform, account, role, self.target.has_role, &self.rule).await
    }
}

/// Hands an event to a target. `has_place`: its turn has come, if the target takes only so many calls a second.
///
/// # Errors
/// Why the target does not have it.
pub async fn deliver(service: &Arc<Events>, delivery: &Delivery, has_place: bool) -> Result<(), Failure> {
    let arn = &delivery.target.arn;
    let Some((kind, region, account, resource)) = arn_parts(arn) else {
        return Err(Failure { is_final: true, ..Failure::later("INVALID_PARAMETER", format!("{arn} is no ARN")) });
    };
    let principal = delivery.principal(service).await?;
    match kind {
        "sqs" => {
            let message = queue_message(service, arn, delivery.text(), delivery);
            service.platform.call_as::<SendMessage>(principal, account, region, message).await?;
        }
        "sns" => {
            let message =
                sns::PublishInput { topic_arn: Some(arn.clone()), message: delivery.text(), ..Default::default() };
            service.platform.call_as::<sns::Publish>(principal, account, region, message).await?;
        }
        "lambda" => {
            let input = lambda::InvocationRequest {
                function_name: arn.clone(),
                invocation_type: Some("Event".to_owned()),
                payload: Some(Bytes::from(delivery.text())),
                ..Default::default()
            };
            service.platform.call_as::<lambda::Invoke>(principal, account, region, input).await?;
        }
        "logs" => to_log(service, delivery, principal, account, region, resource).await?,
        "kinesis" => {
            let record = kinesis::PutRecordInput {
                stream_arn: Some(arn.clone()),
                data: Bytes::from(delivery.text()),
                partition_key: Some(delivery.partition_key()),
                ..Default::default()
            };
            service.platform.call_as::<kinesis::PutRecord>(principal, account, region, record).await?;
        }
        "events" if resource.starts_with("api-destination/") => {
            destination::call(service, delivery, principal, has_place).await?;
        }
        _ => to_bus(service, delivery, principal).await?,
    }
    Ok(())
}

fn queue_message(service: &Events, queue: &str, text: String, delivery: &Delivery) -> SendMessageRequest {
    let (_, _, account, name) = arn_parts(queue).unwrap_or_default();
    let header = |header: &String| {
        let value = MessageSystemAttributeValue {
            data_type: "String".to_owned(),
            string_value: Some(header.clone()),
            ..Default::default()
        };
        BTreeMap::from([("AWSTraceHeader".to_owned(), value)])
    };
    SendMessageRequest {
        queue_url: format!("{}/{account}/{name}", service.platform.config.endpoint),
        message_body: text,
        message_group_id: delivery.target.message_group.clone(),
        message_system_attributes: delivery.event.trace_header.as_ref().map(header),
        ..Default::default()
    }
}

/// Writes an event to a stream of its own in a log group, as EventBridge does.
async fn to_log(
    service: &Arc<Events>,
    delivery: &Delivery,
    principal: Principal,
    account: &str,
    region: &str,
    resource: &str,
) -> Result<(), Error> {
    let group = resource.trim_start_matches("log-group:").trim_end_matches(":*").to_owned();
    let stream = service.platform.ids.uuid();
    let made = logs::CreateLogStreamRequest {
        log_group_name: group.clone(),
        log_stream_name: stream.clone(),
        ..Default::default()
    };
    service.platform.call_as::<logs::CreateLogStream>(principal.clone(), account, region, made).await?;
    let event = logs::InputLogEvent {
        timestamp: service.platform.clock.milliseconds(),
        message: delivery.text(),
        ..Default::default()
    };
    let put = logs::PutLogEventsRequest {
        log_group_name: group,
        log_stream_name: stream,
        log_events: vec![event],
        ..Default::default()
    };
    service.platform.call_as::<logs::PutLogEvents>(principal, account, region, put).await?;
    Ok(())
}

/// Passes an event on to another bus, as it is: whether that is allowed is decided as for any caller of `PutEvents`.
async fn to_bus(service: &Arc<Events>, delivery: &Delivery, principal: Principal) -> Result<(), Failure> {
    let arn = &delivery.target.arn;
    let bus = BusId::parse(arn).ok_or_else(|| Failure::lost("the target is no event bus"))?;
    if delivery.event.hops >= HOPS_MAX {
        return Err(Failure::lost("the event was on too many buses"));
    }
    if !service.has_bus(&bus).await? {
        return Err(Failure::lost("the event bus does not exist"));
    }
    let field = |name: &str| delivery.event.document.get(name).and_then(Value::as_str).map(str::to_owned);
    let entry = PutEventsRequestEntry {
        source: field("source"),
        detail_type: field("detail-type"),
        detail: delivery.event.document.get("detail").map(Value::to_string),
        event_bus_name: Some(arn.clone()),
        ..Default::default()
    };
    let request = PutEventsRequest { entries: vec![entry], ..Default::default() };
    let (account, region) = (bus.account.clone(), bus.region.clone());
    let passed = Event { bus, hops: delivery.event.hops + 1, ..delivery.event.clone() };
    let call = service.platform.call_as::<PutEvents>(principal, &account, &region, request);
    PASSED_ON.scope(passed, call).await?;
    Ok(())
}

/// What dead letters tell besides the event.
pub struct Epitaph<'a> {
    /// Why there is no further attempt.
    pub failure: &'a Failure,
    /// The bound that was reached, if one was.
    pub exhausted: Option<&'static str>,
    /// Attempts behind the first one.
    pub retries: u32,
}

/// Puts an event that cannot be delivered into its queue for dead letters. Answers whether that is settled.
pub async fn bury(service: &Arc<Events>, delivery: &Delivery, epitaph: &Epitaph<'_>) -> bool {
    let Some(queue) = &delivery.target.dead_letters else {
        tracing::info!(target = delivery.target.arn, code = epitaph.failure.code, "an event cannot be delivered");
        return true;
    };
    let attribute = |kind: &str, value: &str| MessageAttributeValue {
        data_type: kind.to_owned(),
        string_value: Some(value.to_owned()),
        ..Default::default()
    };
    let mut attributes = BTreeMap::from([
        ("RULE_ARN".to_owned(), attribute("String", &delivery.rule)),
        ("TARGET_ARN".to_owned(), attribute("String", &delivery.target.arn)),
        ("ERROR_CODE".to_owned(), attribute("String", &epitaph.failure.code)),
        ("ERROR_MESSAGE".to_owned(), attribute("String", &epitaph.failure.message)),
        ("RETRY_ATTEMPTS".to_owned(), attribute("Number", &epitaph.retries.to_string())),
    ]);
    if let Some(exhausted) = epitaph.exhausted {
        attributes.insert("EXHAUSTED_RETRY_CONDITION".to_owned(), attribute("String", exhausted));
    }
    let (_, region, account, _) = arn_parts(queue).unwrap_or_default();
    let message = SendMessageRequest {
        message_attributes: Some(attributes),
        message_group_id: None,
        ..queue_message(service, queue, delivery.event.text(), delivery)
    };
    let sent = service.platform.call_as::<SendMessage>(delivery.service_principal(), account, region, message).await;
    match sent {
        Ok(_) => true,
        Err(error) => {
            tracing::warn!(%error, queue, "a dead letter is refused");
            Failure::from(error).is_final
        }
    }
}
