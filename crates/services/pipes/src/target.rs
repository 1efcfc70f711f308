//! What a pipe hands its events to.

use std::collections::HashSet;
use std::sync::Arc;

use api::pipes::enums::pipe_target_invocation_type;
use api::{events as bus, kinesis, lambda, logs, sns, sqs};
use bytes::Bytes;
use platform::Principal;
use serde_json::Value;
use wire::{Error, Timestamp};

use crate::errors::validation;
use crate::events::{plain, resolved, shaped};
use crate::names::arn_parts;
use crate::record::Pipe;
use crate::running::place;
use crate::service::Pipes;

/// Which events of a batch the target does not have: their places in the batch, and why.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Places in the batch.
    pub failed: HashSet<usize>,
    /// The last failure.
    pub error: Option<Error>,
}

impl Outcome {
    /// All of a batch failed.
    pub fn all(count: usize, error: Error) -> Outcome {
        Outcome { failed: (0..count).collect(), error: Some(error) }
    }
}

/// Enriches events and hands them to the target. `ids` are what a function names the events by that it could not handle.
pub async fn deliver(
    service: &Arc<Pipes>,
    pipe: &Pipe,
    principal: &Principal,
    events: &[Value],
    ids: &[String],
) -> Outcome {
    let ingested = now_text(service);
    let enriched = match &pipe.enrichment {
        None => None,
        Some(function) => {
            let template = pipe.enrichment_template.as_deref();
            let payload = array(pipe, template, events, &ingested);
            match invoke(service, principal, function, payload, false).await {
                Ok(answer) => Some(enriched(&answer)),
                Err(error) => return Outcome::all(events.len(), error),
            }
        }
    };
    let sent = enriched.as_deref().unwrap_or(events);
    if sent.is_empty() {
        return Outcome::default();
    }
    let outcome = send(service, pipe, principal, sent, &ingested, ids).await;
    match (enriched.is_some(), outcome.error) {
        // What came of which event cannot be told any more.
        (true, Some(error)) => Outcome::all(events.len(), error),
        (_, error) => Outcome { failed: outcome.failed, error },
    }
}

/// What a function made of events: each item of an array is one; nothing is none.
fn enriched(answer: &[u8]) -> Vec<Value> {
    match serde_json::from_slice(answer) {
        Ok(Value::Array(events)) => events,
        Ok(Value::Null) | Err(_) => Vec::new(),
        Ok(Value::String(text)) if text.is_empty() => Vec::new(),
        Ok(Value::Object(members)) if members.is_empty() => Vec::new(),
        Ok(event) => vec![event],
    }
}

fn now_text(service: &Pipes) -> String {
    let mut text = String::new();
    service.platform.clock.now().write_iso8601_milliseconds(&mut text);
    text
}

/// Events as a function takes them.
fn array(pipe: &Pipe, template: Option<&str>, events: &[Value], ingested: &str) -> String {
    let item = |event: &Value| match template {
        None => event.to_string(),
        Some(_) => {
            let text = shaped(pipe, template, event, ingested);
            let is_json = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
            if is_json { text } else { Value::String(text).to_string() }
        }
    };
    format!("[{}]", events.iter().map(item).collect::<Vec<_>>().join(","))
}

async fn invoke(
    service: &Arc<Pipes>,
    principal: &Principal,
    function: &str,
    payload: String,
    is_event: bool,
) -> Result<Vec<u8>, Error> {
    let (account, region) = place(function)?;
    let input = lambda::InvocationRequest {
        function_name: function.to_owned(),
        invocation_type: Some(if is_event { "Event" } else { "RequestResponse" }.to_owned()),
        payload: Some(Bytes::from(payload)),
        ..Default::default()
    };
    let answer = service.platform.call_as::<lambda::Invoke>(principal.clone(), &account, &region, input).await?;
    if let Some(kind) = answer.function_error {
        return Err(validation(format!("{function} failed: {kind}")));
    }
    Ok(answer.payload.unwrap_or_default().to_vec())
}

async fn send(
    service: &Arc<Pipes>,
    pipe: &Pipe,
    principal: &Principal,
    events: &[Value],
    ingested: &str,
    ids: &[String],
) -> Outcome {
    let parameters = pipe.target_parameters();
    let template = parameters.input_template.as_deref();
    if let Some(("lambda", ..)) = arn_parts(&pipe.target) {
        let kind = parameters.lambda_function_parameters.and_then(|parameters| parameters.invocation_type);
        let is_event = kind.as_deref() == Some(pipe_target_invocation_type::FIRE_AND_FORGET);
        let payload = array(pipe, template, events, ingested);
        return match invoke(service, principal, &pipe.target, payload, is_event).await {
            Ok(answer) if is_event => {
                drop(answer);
                Outcome::default()
            }
            Ok(answer) => reported(&answer, ids),
            Err(error) => Outcome::all(events.len(), error),
        };
    }
    let mut outcome = Outcome::default();
    for (index, event) in events.iter().enumerate() {
        let text = shaped(pipe, template, event, ingested);
        if let Err(error) = send_one(service, pipe, principal, event, text).await {
            outcome.failed.insert(index);
            outcome.error = Some(error);
        }
    }
    outcome
}

/// The events that a function says it could not handle; an answer that makes no sense means all.
fn reported(answer: &[u8], ids: &[String]) -> Outcome {
    let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
    let Some(items) = answer.get("batchItemFailures").and_then(Value::as_array) else { return Outcome::default() };
    let place = |item: &Value| {
        ids.iter().position(|id| item.get("itemIdentifier").and_then(Value::as_str) == Some(id.as_str()))
    };
    let failed: Option<HashSet<usize>> = items.iter().map(place).collect();
    let error = || validation("the function could not handle some events");
    match failed {
        Some(failed) if failed.is_empty() => Outcome::default(),
        Some(failed) => Outcome { failed, error: Some(error()) },
        None => Outcome::all(ids.len(), error()),
    }
}

async fn send_one(
    service: &Arc<Pipes>,
    pipe: &Pipe,
    principal: &Principal,
    event: &Value,
    text: String,
) -> Result<(), Error> {
    let (platform, target) = (&service.platform, pipe.target.as_str());
    let (kind, region, account, resource) = arn_parts(target).ok_or_else(|| validation("no ARN"))?;
    let (principal, parameters) = (principal.clone(), pipe.target_parameters());
    match kind {
        "sqs" => {
            let queue = parameters.sqs_queue_parameters.unwrap_or_default();
            let resolve = |parameter: Option<String>| parameter.map(|parameter| resolved(&parameter, event));
            let call = sqs::SendMessageRequest {
                queue_url: format!("{}/{account}/{resource}", platform.config.endpoint),
                message_body: text,
                message_group_id: resolve(queue.message_group_id),
                message_deduplication_id: resolve(queue.message_deduplication_id),
                ..Default::default()
            };
            platform.call_as::<sqs::SendMessage>(principal, account, region, call).await.map(drop)
        }
        "sns" => {
            let call = sns::PublishInput { topic_arn: Some(target.to_owned()), message: text, ..Default::default() };
            platform.call_as::<sns::Publish>(principal, account, region, call).await.map(drop)
        }
        "kinesis" => {
            let stream = parameters.kinesis_stream_parameters.unwrap_or_default();
            let call = kinesis::PutRecordInput {
                stream_arn: Some(target.to_owned()),
                data: Bytes::from(text),
                partition_key: Some(resolved(&stream.partition_key, event)),
                ..Default::default()
            };
            platform.call_as::<kinesis::PutRecord>(principal, account, region, call).await.map(drop)
        }
        "logs" => write_log(service, pipe, principal, event, text).await,
        _ => put_event(service, pipe, principal, event, text).await,
    }
}

async fn put_event(
    service: &Arc<Pipes>,
    pipe: &Pipe,
    principal: Principal,
    event: &Value,
    text: String,
) -> Result<(), Error> {
    let (account, region) = place(&pipe.target)?;
    let parameters = pipe.target_parameters().event_bridge_event_bus_parameters.unwrap_or_default();
    let resolve = |parameter: Option<String>| parameter.map(|parameter| resolved(&parameter, event));
    let source = event.get("eventSource").map_or_else(|| "aws:pipes".to_owned(), plain);
    let entry = bus::PutEventsRequestEntry {
        detail_type: Some(resolve(parameters.detail_type).unwrap_or_else(|| format!("Event from {source}"))),
        source: Some(resolve(parameters.source).unwrap_or_else(|| format!("Pipe {}", pipe.name.name))),
        resources: parameters.resources.map(|all| all.iter().map(|one| resolved(one, event)).collect()),
        time: resolve(parameters.time).and_then(|text| Timestamp::parse(&text)),
        detail: Some(text),
        event_bus_name: Some(pipe.target.clone()),
        ..Default::default()
    };
    let call = bus::PutEventsRequest { entries: vec![entry], ..Default::default() };
    let answer = service.platform.call_as::<bus::PutEvents>(principal, &account, &region, call).await?;
    match answer.entries.into_iter().flatten().find(|entry| entry.error_code.is_some()) {
        None => Ok(()),
        Some(entry) => Err(validation(entry.error_message.unwrap_or_default())),
    }
}

async fn write_log(
    service: &Arc<Pipes>,
    pipe: &Pipe,
    principal: Principal,
    event: &Value,
    text: String,
) -> Result<(), Error> {
    let (_, region, account, resource) = arn_parts(&pipe.target).ok_or_else(|| validation("no ARN"))?;
    let parameters = pipe.target_parameters().cloud_watch_logs_parameters.unwrap_or_default();
    let group = resource.trim_start_matches("log-group:").trim_end_matches(":*");
    let given = parameters.timestamp.map(|timestamp| resolved(&timestamp, event));
    let timestamp = given.and_then(|text| text.parse().ok()).unwrap_or_else(|| service.now());
    let line = logs::InputLogEvent { timestamp, message: text, ..Default::default() };
    let call = logs::PutLogEventsRequest {
        log_group_name: group.to_owned(),
        log_stream_name: parameters.log_stream_name.map(|name| resolved(&name, event)).unwrap_or_default(),
        log_events: vec![line],
        ..Default::default()
    };
    service.platform.call_as::<logs::PutLogEvents>(principal, account, region, call).await.map(drop)
}
