//! What can be called, and how.

use std::sync::Arc;

use api::scheduler::Target as ApiTarget;
use api::{events, kinesis, lambda, sns, sqs};
use bytes::Bytes;
use platform::{Platform, Principal};
use wire::Error;
use wire::schema::{OperationDef, ServiceDef};

use crate::errors::validation;
use crate::limits::INPUT_BYTES_MAX;
use crate::names::{Place, arn_parts};
use crate::records::Target;

/// What universal targets begin with.
const SDK: &str = "arn:aws:scheduler:::aws-sdk:";

/// What operations that only read begin with: EventBridge Scheduler does not call them (user guide, "Using universal
/// targets").
const READING: [&str; 6] = ["Get", "Describe", "List", "Poll", "Receive", "Search"];

/// Checks a target that a caller gives.
///
/// # Errors
/// `ValidationException`.
pub fn check(platform: &Platform, target: &ApiTarget) -> Result<(), Error> {
    if let Some(name) = target.arn.strip_prefix(SDK) {
        operation(platform, name)?;
        return check_universal(target);
    }
    let (service, _, _, resource) =
        arn_parts(&target.arn).ok_or_else(|| validation("Provided Arn is not in correct format."))?;
    let is_known = match service {
        "lambda" => resource.starts_with("function:"),
        "sqs" | "sns" => true,
        "events" => resource.starts_with("event-bus/"),
        "kinesis" => resource.starts_with("stream/"),
        _ => false,
    };
    if !is_known {
        return Err(validation(format!("Targets of {service} are not supported: {}.", target.arn)));
    }
    check_parameters(target, service, resource)?;
    check_dead_letters(target)?;
    check_input(target)
}

fn check_parameters(target: &ApiTarget, service: &str, resource: &str) -> Result<(), Error> {
    let given = [
        ("EcsParameters", "ecs", target.ecs_parameters.is_some()),
        ("EventBridgeParameters", "events", target.event_bridge_parameters.is_some()),
        ("EventBridgePutRawEventsParameters", "", target.event_bridge_put_raw_events_parameters.is_some()),
        ("KinesisParameters", "kinesis", target.kinesis_parameters.is_some()),
        ("SageMakerPipelineParameters", "sagemaker", target.sage_maker_pipeline_parameters.is_some()),
        ("SqsParameters", "sqs", target.sqs_parameters.is_some()),
    ];
    if let Some((name, ..)) = given.iter().find(|(_, owner, is_given)| *is_given && *owner != service) {
        return Err(validation(format!("Parameter {name} cannot be used with the target: {}.", target.arn)));
    }
    let needed = [("EventBridgeParameters", "events"), ("KinesisParameters", "kinesis")];
    let is_missing = |(name, owner): &&(&str, &str)| {
        *owner == service && given.iter().any(|(other, _, is_given)| other == name && !is_given)
    };
    if let Some((name, _)) = needed.iter().find(is_missing) {
        return Err(validation(format!("Parameter {name} must be specified for target: {}.", target.arn)));
    }
    let group = target.sqs_parameters.as_ref().and_then(|parameters| parameters.message_group_id.as_ref());
    if service == "sqs" && resource.ends_with(".fifo") && group.is_none() {
        return Err(validation(format!("Parameter MessageGroupId must be specified for target: {}.", target.arn)));
    }
    Ok(())
}

fn check_dead_letters(target: &ApiTarget) -> Result<(), Error> {
    let queue = target.dead_letter_config.as_ref().and_then(|config| config.arn.as_deref());
    if queue.is_some_and(|queue| queue.ends_with(".fifo")) {
        return Err(validation("The queue for dead letters must be a standard queue of Amazon SQS."));
    }
    Ok(())
}

fn check_input(target: &ApiTarget) -> Result<(), Error> {
    if target.input.as_ref().is_some_and(|input| input.len() > INPUT_BYTES_MAX) {
        return Err(validation(format!("Input must not be longer than {INPUT_BYTES_MAX} bytes.")));
    }
    Ok(())
}

fn check_universal(target: &ApiTarget) -> Result<(), Error> {
    check_parameters(target, "", "")?;
    check_dead_letters(target)?;
    check_input(target)?;
    let input = target.input.as_deref().unwrap_or("{}");
    match serde_json::from_str::<serde_json::Value>(input) {
        Ok(serde_json::Value::Object(_)) => Ok(()),
        _ => Err(validation("Input must be a JSON object for a universal target.")),
    }
}

/// The operation that `service:action` means. Services are named as AWS's SDK for Java names them: `cloudwatchlogs`.
fn operation(platform: &Platform, name: &str) -> Result<(&'static ServiceDef, &'static OperationDef), Error> {
    let unknown = || validation(format!("Invalid RequestJson provided. Reason: unknown universal target {SDK}{name}."));
    let (service, action) = name.split_once(':').ok_or_else(unknown)?;
    let is_meant = |definition: &&&ServiceDef| definition.service_id.replace(' ', "").eq_ignore_ascii_case(service);
    let service = *api::SERVICES.iter().find(is_meant).ok_or_else(unknown)?;
    let named = |operation: &&OperationDef| operation.name.eq_ignore_ascii_case(action);
    let operation = service.operations.iter().find(named).ok_or_else(unknown)?;
    if READING.iter().any(|verb| operation.name.starts_with(verb)) {
        return Err(validation(format!("Universal targets cannot be read-only operations: {SDK}{name}.")));
    }
    if platform.services().handler(service, operation).is_none() {
        return Err(validation(format!("Targets of this operation are not supported: {SDK}{name}.")));
    }
    Ok((service, operation))
}

/// Calls a target with an input.
///
/// # Errors
/// Those of the call.
pub async fn call(
    platform: &Arc<Platform>,
    principal: Principal,
    place: &Place,
    target: &Target,
    input: String,
) -> Result<(), Error> {
    let arn = target.arn.clone();
    if let Some(name) = arn.strip_prefix(SDK) {
        let operation = operation(platform, name)?;
        platform.call_by_name_as(principal, &place.account, &place.region, operation, &input).await?;
        return Ok(());
    }
    let (service, region, account, resource) = arn_parts(&arn).ok_or_else(|| validation("no ARN"))?;
    match service {
        "lambda" => {
            let call = lambda::InvocationRequest {
                function_name: arn.clone(),
                invocation_type: Some("Event".to_owned()),
                payload: Some(Bytes::from(input)),
                ..Default::default()
            };
            platform.call_as::<lambda::Invoke>(principal, account, region, call).await.map(drop)
        }
        "sqs" => {
            let call = message(platform, account, resource, input, target.message_group.clone());
            platform.call_as::<sqs::SendMessage>(principal, account, region, call).await.map(drop)
        }
        "sns" => {
            let call = sns::PublishInput { topic_arn: Some(arn.clone()), message: input, ..Default::default() };
            platform.call_as::<sns::Publish>(principal, account, region, call).await.map(drop)
        }
        "kinesis" => {
            let call = kinesis::PutRecordInput {
                stream_arn: Some(arn.clone()),
                data: Bytes::from(input),
                partition_key: target.partition_key.clone(),
                ..Default::default()
            };
            platform.call_as::<kinesis::PutRecord>(principal, account, region, call).await.map(drop)
        }
        _ => put_event(platform, principal, (account, region), target, input).await,
    }
}

/// A message to a queue.
pub fn message(
    platform: &Platform,
    account: &str,
    queue: &str,
    body: String,
    group: Option<String>,
) -> sqs::SendMessageRequest {
    sqs::SendMessageRequest {
        queue_url: format!("{}/{account}/{queue}", platform.config.endpoint),
        message_body: body,
        message_group_id: group,
        ..Default::default()
    }
}

async fn put_event(
    platform: &Arc<Platform>,
    principal: Principal,
    (account, region): (&str, &str),
    target: &Target,
    input: String,
) -> Result<(), Error> {
    let (detail_type, source) = target.event.clone().unwrap_or_default();
    let entry = events::PutEventsRequestEntry {
        detail_type: Some(detail_type),
        source: Some(source),
        detail: Some(input),
        event_bus_name: Some(target.arn.clone()),
        ..Default::default()
    };
    let call = events::PutEventsRequest { entries: vec![entry], ..Default::default() };
    let answer = platform.call_as::<events::PutEvents>(principal, account, region, call).await?;
    let refused = answer.entries.into_iter().flatten().find(|entry| entry.error_code.is_some());
    match refused {
        None => Ok(()),
        Some(entry) => Err(validation(entry.error_message.unwrap_or_default())),
    }
}
