//! What callers say of pipes, checked.

use api::pipes::{PipeEnrichmentParameters, PipeSourceParameters, PipeTargetParameters};
use pattern::Pattern;
use platform::{Ctx, ServiceRole, Trust};
use wire::Error;

use crate::errors::validation;
use crate::names::{PipeName, arn_parts};
use crate::running::SERVICE;

/// Messages and records of a batch without a window to collect more (API reference).
const BATCH_WITHOUT_WINDOW: i32 = 10;

fn unsupported(what: &str, arn: &str) -> Error {
    validation(format!("{what} {arn} is not supported."))
}

/// The first parameter that is given and belongs to something else.
fn other<'n>(given: &[(&'n str, &str, bool)], kind: &str) -> Option<&'n str> {
    given.iter().find(|(_, owner, is_given)| *is_given && *owner != kind).map(|(name, ..)| *name)
}

/// Checks a source and its parameters.
///
/// # Errors
/// `ValidationException`.
pub fn source(arn: &str, parameters: &PipeSourceParameters) -> Result<(), Error> {
    let (kind, _, _, resource) = arn_parts(arn).ok_or_else(|| unsupported("Source", arn))?;
    let is_known = match kind {
        "sqs" => true,
        "kinesis" => resource.starts_with("stream/"),
        "dynamodb" => resource.contains("/stream/"),
        _ => false,
    };
    if !is_known {
        return Err(unsupported("Source", arn));
    }
    let given = [
        ("KinesisStreamParameters", "kinesis", parameters.kinesis_stream_parameters.is_some()),
        ("DynamoDBStreamParameters", "dynamodb", parameters.dynamodb_stream_parameters.is_some()),
        ("SqsQueueParameters", "sqs", parameters.sqs_queue_parameters.is_some()),
        ("ActiveMQBrokerParameters", "", parameters.active_mq_broker_parameters.is_some()),
        ("RabbitMQBrokerParameters", "", parameters.rabbit_mq_broker_parameters.is_some()),
        ("ManagedStreamingKafkaParameters", "", parameters.managed_streaming_kafka_parameters.is_some()),
        ("SelfManagedKafkaParameters", "", parameters.self_managed_kafka_parameters.is_some()),
    ];
    if let Some(name) = other(&given, kind) {
        return Err(validation(format!("{name} cannot be used with source {arn}.")));
    }
    let is_missing = kind != "sqs" && !given.iter().any(|(_, owner, is_given)| *owner == kind && *is_given);
    if is_missing {
        return Err(validation(format!("SourceParameters with a StartingPosition are required for source {arn}.")));
    }
    batch(parameters)?;
    let filters = parameters.filter_criteria.iter().flat_map(|criteria| criteria.filters.iter().flatten());
    for text in filters.filter_map(|filter| filter.pattern.as_deref()) {
        Pattern::parse(text).map_err(|error| validation(format!("Invalid filter pattern: {error}")))?;
    }
    Ok(())
}

fn batch(parameters: &PipeSourceParameters) -> Result<(), Error> {
    if let Some(queue) = &parameters.sqs_queue_parameters {
        let window = queue.maximum_batching_window_in_seconds.unwrap_or_default();
        if window == 0 && queue.batch_size.is_some_and(|size| size > BATCH_WITHOUT_WINDOW) {
            let text = format!(
                "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than \
                 {BATCH_WITHOUT_WINDOW}."
            );
            return Err(validation(text));
        }
    }
    let stream = parameters.kinesis_stream_parameters.as_ref();
    if stream.is_some_and(|stream| {
        (stream.starting_position == "AT_TIMESTAMP") != stream.starting_position_timestamp.is_some()
    }) {
        return Err(validation(
            "StartingPositionTimestamp is required for StartingPosition AT_TIMESTAMP, and for no other.",
        ));
    }
    let table = parameters.dynamodb_stream_parameters.as_ref();
    let window = stream.and_then(|stream| stream.maximum_batching_window_in_seconds);
    let window = window.or_else(|| table.and_then(|table| table.maximum_batching_window_in_seconds));
    if window.is_some_and(|window| window != 0) {
        return Err(validation("MaximumBatchingWindowInSeconds is not supported for streams."));
    }
    let factor = stream.and_then(|stream| stream.parallelization_factor);
    if factor.or_else(|| table.and_then(|table| table.parallelization_factor)).is_some_and(|factor| factor != 1) {
        return Err(validation("ParallelizationFactor other than 1 is not supported."));
    }
    Ok(())
}

/// Checks an enrichment and its parameters.
///
/// # Errors
/// `ValidationException`.
pub fn enrichment(arn: Option<&str>, parameters: Option<&PipeEnrichmentParameters>) -> Result<(), Error> {
    if parameters.is_some_and(|parameters| parameters.http_parameters.is_some()) {
        return Err(validation("HttpParameters of an enrichment are not supported."));
    }
    match arn.filter(|arn| !arn.is_empty()) {
        None => Ok(()),
        Some(arn) => match arn_parts(arn) {
            Some(("lambda", _, _, resource)) if resource.starts_with("function:") => Ok(()),
            _ => Err(unsupported("Enrichment", arn)),
        },
    }
}

/// Checks a target and its parameters.
///
/// # Errors
/// `ValidationException`.
pub fn target(arn: &str, parameters: &PipeTargetParameters) -> Result<(), Error> {
    let (kind, _, _, resource) = arn_parts(arn).ok_or_else(|| unsupported("Target", arn))?;
    let is_known = match kind {
        "sqs" | "sns" => true,
        "lambda" => resource.starts_with("function:"),
        "kinesis" => resource.starts_with("stream/"),
        "events" => resource.starts_with("event-bus/"),
        "logs" => resource.starts_with("log-group:"),
        _ => false,
    };
    if !is_known {
        return Err(unsupported("Target", arn));
    }
    let given = [
        ("LambdaFunctionParameters", "lambda", parameters.lambda_function_parameters.is_some()),
        ("StepFunctionStateMachineParameters", "", parameters.step_function_state_machine_parameters.is_some()),
        ("KinesisStreamParameters", "kinesis", parameters.kinesis_stream_parameters.is_some()),
        ("EcsTaskParameters", "", parameters.ecs_task_parameters.is_some()),
        ("BatchJobParameters", "", parameters.batch_job_parameters.is_some()),
        ("SqsQueueParameters", "sqs", parameters.sqs_queue_parameters.is_some()),
        ("HttpParameters", "", parameters.http_parameters.is_some()),
        ("RedshiftDataParameters", "", parameters.redshift_data_parameters.is_some()),
        ("SageMakerPipelineParameters", "", parameters.sage_maker_pipeline_parameters.is_some()),
        ("EventBridgeEventBusParameters", "events", parameters.event_bridge_event_bus_parameters.is_some()),
        ("CloudWatchLogsParameters", "logs", parameters.cloud_watch_logs_parameters.is_some()),
        ("TimestreamParameters", "", parameters.timestream_parameters.is_some()),
    ];
    if let Some(name) = other(&given, kind) {
        return Err(validation(format!("{name} cannot be used with target {arn}.")));
    }
    let group = parameters.sqs_queue_parameters.as_ref().and_then(|queue| queue.message_group_id.as_ref());
    let log_stream = parameters.cloud_watch_logs_parameters.as_ref().and_then(|logs| logs.log_stream_name.as_ref());
    let missing = match kind {
        "kinesis" if parameters.kinesis_stream_parameters.is_none() => Some("KinesisStreamParameters"),
        "sqs" if resource.ends_with(".fifo") && group.is_none() => Some("MessageGroupId"),
        "logs" if log_stream.is_none() => Some("LogStreamName"),
        _ => None,
    };
    match missing {
        Some(name) => Err(validation(format!("{name} is required for target {arn}."))),
        None => Ok(()),
    }
}

/// Checks the role of a pipe. Answers whether it exists.
///
/// # Errors
/// `ValidationException`.
pub async fn role(cx: &Ctx, name: &PipeName, role_arn: &str) -> Result<bool, Error> {
    let source_arn = name.arn();
    let role = ServiceRole { service: SERVICE, account: &name.account, role_arn, source_arn: &source_arn };
    match role.check(cx).await? {
        Trust::Given => Ok(true),
        Trust::Unconfined => Ok(false),
        Trust::Refused => Err(validation(format!("Role {role_arn} cannot be assumed by {SERVICE}."))),
    }
}
