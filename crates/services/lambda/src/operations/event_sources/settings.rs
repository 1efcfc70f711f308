//! The settings of a mapping: what each kind of source takes, and within which bounds.

use api::lambda::{
    CreateEventSourceMappingRequest, DestinationConfig, EventSourceMappingMetricsConfig, FilterCriteria, ScalingConfig,
    UpdateEventSourceMappingRequest,
};
use pattern::Pattern;
use wire::{Error, Timestamp};

use crate::destination::Destination;
use crate::errors;
use crate::event_source::Source;
use crate::mapping::{Mapping, Start, StreamSettings};

/// Messages of an event unless set, and most of them for a queue that keeps its order. API reference,
/// CreateEventSourceMapping.
const QUEUE_BATCH_DEFAULT: u32 = 10;
/// Records of an event unless set. The same.
const STREAM_BATCH_DEFAULT: u32 = 100;
/// Most records of an event. The same.
const BATCH_MAX: u32 = 10_000;
/// Least age of a record that a bound can name, in seconds. The same.
const RECORD_AGE_MIN: i32 = 60;
/// Most patterns of a mapping. Developer guide, "Control which events Lambda sends to your function".
const FILTERS_MAX: usize = 5;
/// Longest pattern, in characters. The same.
const PATTERN_CHARACTERS_MAX: usize = 4_096;

/// The kinds of sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A queue of SQS.
    Queue,
    /// A stream of DynamoDB.
    Table,
    /// A stream of Kinesis.
    Kinesis,
}

impl Kind {
    /// The kind of the source with this ARN.
    ///
    /// # Errors
    /// `InvalidParameterValueException` if it is none of them.
    pub fn of_source(arn: &str) -> Result<Kind, Error> {
        if let Some(source) = Source::of_arn(arn) {
            return Ok(if source.is_kinesis() { Kind::Kinesis } else { Kind::Table });
        }
        match arn.split(':').nth(2) {
            None => Err(errors::invalid_parameter("Unrecognized event source.")),
            Some("sqs") => Ok(Kind::Queue),
            Some("kafka" | "mq" | "rds") => {
                Err(errors::unsupported(&format!("event sources of {}", arn.split(':').nth(2).unwrap_or_default())))
            }
            Some(_) => Err(errors::invalid_parameter("Unrecognized event source, must be kinesis, dynamodb or sqs.")),
        }
    }
}

/// What a creation says, with defaults.
pub struct Settings {
    /// Most records of one event.
    pub batch_size: u32,
    /// How long records are gathered, in seconds.
    pub window_seconds: u32,
    /// What applies to streams alone.
    pub stream: Option<StreamSettings>,
}

/// The settings of a new mapping.
///
/// # Errors
/// `InvalidParameterValueException`.
pub fn of_creation(input: &CreateEventSourceMappingRequest, kind: Kind) -> Result<Settings, Error> {
    let default = if kind == Kind::Queue { QUEUE_BATCH_DEFAULT } else { STREAM_BATCH_DEFAULT };
    let settings = Settings {
        batch_size: input.batch_size.map_or(default, i32::unsigned_abs),
        window_seconds: input.maximum_batching_window_in_seconds.unwrap_or(0).unsigned_abs(),
        stream: None,
    };
    if kind == Kind::Queue {
        return Ok(settings);
    }
    let stream = StreamSettings {
        start: start(input, kind)?,
        began_at: None,
        parallelization: input.parallelization_factor.unwrap_or(1).unsigned_abs(),
        on_failure: on_failure(input.destination_config.as_ref())?,
        record_age_seconds: record_age(input.maximum_record_age_in_seconds)?,
        retries: bound(input.maximum_retry_attempts),
        bisects: input.bisect_batch_on_function_error.unwrap_or(false),
        tumbling_seconds: input.tumbling_window_in_seconds.unwrap_or(0).unsigned_abs(),
    };
    Ok(Settings { stream: Some(stream), ..settings })
}

fn start(input: &CreateEventSourceMappingRequest, kind: Kind) -> Result<Start, Error> {
    let Some(position) = input.starting_position.as_deref() else {
        return Err(errors::invalid_parameter(
            "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member must not \
             be null.",
        ));
    };
    if position == "AT_TIMESTAMP" && kind == Kind::Table {
        let arn = input.event_source_arn.as_deref().unwrap_or_default();
        return Err(errors::invalid_parameter(format!("Unsupported starting position for arn type: {arn}")));
    }
    let time = input.starting_position_timestamp;
    match (position, time) {
        ("AT_TIMESTAMP", Some(time)) => timestamp(time),
        ("AT_TIMESTAMP", None) => Err(errors::invalid_parameter(
            "StartingPositionTimestamp must be specified for StartingPosition AT_TIMESTAMP",
        )),
        (_, Some(_)) => Err(errors::invalid_parameter("Timestamp only valid with StartingPosition AT_TIMESTAMP")),
        ("LATEST", None) => Ok(Start::Latest),
        (_, None) => Ok(Start::TrimHorizon),
    }
}

fn timestamp(time: Timestamp) -> Result<Start, Error> {
    if time.seconds < 0 {
        return Err(errors::invalid_parameter(
            "Received Exception while reading from provided stream. class java.lang.Long can not be converted to a \
             Timestamp",
        ));
    }
    Ok(Start::Timestamp(time.milliseconds()))
}

/// Changes a mapping as a request asks.
///
/// # Errors
/// `InvalidParameterValueException`.
pub fn apply(mapping: &mut Mapping, input: &UpdateEventSourceMappingRequest) -> Result<(), Error> {
    mapping.batch_size = input.batch_size.map_or(mapping.batch_size, i32::unsigned_abs);
    mapping.window_seconds = input.maximum_batching_window_in_seconds.map_or(mapping.window_seconds, i32::unsigned_abs);
    if let Some(criteria) = &input.filter_criteria {
        mapping.filters = filters(Some(criteria))?;
    }
    if let Some(types) = &input.function_response_types {
        mapping.reports_failures = reports_failures(Some(types));
    }
    if let Some(scaling) = &input.scaling_config {
        mapping.maximum_concurrency = maximum_concurrency(Some(scaling));
    }
    let Some(stream) = mapping.stream.as_mut() else { return Ok(()) };
    stream.parallelization = input.parallelization_factor.map_or(stream.parallelization, i32::unsigned_abs);
    stream.tumbling_seconds = input.tumbling_window_in_seconds.map_or(stream.tumbling_seconds, i32::unsigned_abs);
    stream.bisects = input.bisect_batch_on_function_error.unwrap_or(stream.bisects);
    if input.destination_config.is_some() {
        stream.on_failure = on_failure(input.destination_config.as_ref())?;
    }
    if input.maximum_record_age_in_seconds.is_some() {
        stream.record_age_seconds = record_age(input.maximum_record_age_in_seconds)?;
    }
    if input.maximum_retry_attempts.is_some() {
        stream.retries = bound(input.maximum_retry_attempts);
    }
    Ok(())
}

/// A bound; -1 is none.
fn bound(value: Option<i32>) -> Option<u32> {
    value.and_then(|value| u32::try_from(value).ok())
}

fn record_age(value: Option<i32>) -> Result<Option<u32>, Error> {
    if value.is_some_and(|value| (0..RECORD_AGE_MIN).contains(&value)) {
        return Err(errors::invalid_parameter(format!(
            "MaximumRecordAgeInSeconds must be -1 or at least {RECORD_AGE_MIN}."
        )));
    }
    Ok(bound(value))
}

/// The destination of what was given up; an empty one takes it away.
fn on_failure(config: Option<&DestinationConfig>) -> Result<Option<String>, Error> {
    let Some(config) = config else { return Ok(None) };
    if config.on_success.as_ref().is_some_and(|on| on.destination.is_some()) {
        return Err(errors::invalid_parameter(
            "Unsupported DestinationConfig parameter for given event source mapping type.",
        ));
    }
    let arn = config.on_failure.as_ref().and_then(|on| on.destination.clone()).filter(|arn| !arn.is_empty());
    match arn {
        Some(arn) if !Destination::of_arn(&arn).is_some_and(|destination| destination.takes_batches()) => {
            Err(errors::invalid_parameter(format!("The provided destination {arn} is not supported.")))
        }
        arn => Ok(arn),
    }
}

/// Checks what depends on several settings.
///
/// # Errors
/// `InvalidParameterValueException`.
pub fn check(mapping: &Mapping, kind: Kind) -> Result<(), Error> {
    let is_ordered = kind == Kind::Queue && mapping.source_arn.ends_with(".fifo");
    let most = if is_ordered { QUEUE_BATCH_DEFAULT } else { BATCH_MAX };
    if mapping.batch_size > most {
        return Err(errors::invalid_parameter(format!("Batch size must be less than or equal to {most}")));
    }
    if is_ordered && mapping.window_seconds > 0 {
        return Err(errors::invalid_parameter("Batching window is not supported for FIFO queues."));
    }
    if kind == Kind::Queue && mapping.batch_size > QUEUE_BATCH_DEFAULT && mapping.window_seconds == 0 {
        return Err(errors::invalid_parameter(
            "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10",
        ));
    }
    if mapping.stream.as_ref().is_some_and(|stream| stream.tumbling_seconds > 0 && stream.parallelization > 1) {
        return Err(errors::invalid_parameter(
            "Tumbling windows are not supported with a ParallelizationFactor greater than 1.",
        ));
    }
    Ok(())
}

/// The patterns of a request.
///
/// # Errors
/// `InvalidParameterValueException` if there are too many, or one is none.
pub fn filters(criteria: Option<&FilterCriteria>) -> Result<Vec<String>, Error> {
    let filters = criteria.and_then(|criteria| criteria.filters.as_deref()).unwrap_or_default();
    if filters.len() > FILTERS_MAX {
        return Err(errors::invalid_parameter(format!("The number of filters exceeds the limit of {FILTERS_MAX}.")));
    }
    let invalid = || errors::invalid_parameter("Invalid filter pattern definition.");
    let text = |filter: &api::lambda::Filter| {
        let pattern = filter.pattern.clone().ok_or_else(invalid)?;
        let is_valid = pattern.chars().count() <= PATTERN_CHARACTERS_MAX && Pattern::parse(&pattern).is_ok();
        if is_valid { Ok(pattern) } else { Err(invalid()) }
    };
    filters.iter().map(text).collect()
}

/// Whether the function tells which records it could not handle.
pub fn reports_failures(types: Option<&[String]>) -> bool {
    types.unwrap_or_default().iter().any(|name| name == "ReportBatchItemFailures")
}

/// Most events of a queue at work at once.
pub fn maximum_concurrency(scaling: Option<&ScalingConfig>) -> Option<u32> {
    scaling?.maximum_concurrency.map(i32::unsigned_abs)
}

fn has_metrics(config: Option<&EventSourceMappingMetricsConfig>) -> bool {
    config.and_then(|config| config.metrics.as_ref()).is_some_and(|metrics| !metrics.is_empty())
}

/// Refuses what this kind of source does not take, and what is not supported.
///
/// # Errors
/// `InvalidParameterValueException` that names the parameter.
pub fn refuse_unsupported(input: &CreateEventSourceMappingRequest, kind: Kind) -> Result<(), Error> {
    let is_queue = kind == Kind::Queue;
    if is_queue && (input.starting_position.is_some() || input.starting_position_timestamp.is_some()) {
        return Err(errors::invalid_parameter("StartingPosition is not valid for SQS event sources."));
    }
    refuse_foreign(&[
        ("Topics", input.topics.is_some()),
        ("Queues", input.queues.is_some()),
        ("SourceAccessConfigurations", input.source_access_configurations.is_some()),
        ("SelfManagedEventSource", input.self_managed_event_source.is_some()),
        ("AmazonManagedKafkaEventSourceConfig", input.amazon_managed_kafka_event_source_config.is_some()),
        ("SelfManagedKafkaEventSourceConfig", input.self_managed_kafka_event_source_config.is_some()),
        ("DocumentDBEventSourceConfig", input.document_db_event_source_config.is_some()),
        ("LoggingConfig", input.logging_config.is_some()),
        ("ScalingConfig", !is_queue && input.scaling_config.is_some()),
        ("ParallelizationFactor", is_queue && input.parallelization_factor.is_some()),
        ("DestinationConfig", is_queue && input.destination_config.is_some()),
        ("MaximumRecordAgeInSeconds", is_queue && input.maximum_record_age_in_seconds.is_some()),
        ("BisectBatchOnFunctionError", is_queue && input.bisect_batch_on_function_error.is_some()),
        ("MaximumRetryAttempts", is_queue && input.maximum_retry_attempts.is_some()),
        ("TumblingWindowInSeconds", is_queue && input.tumbling_window_in_seconds.is_some()),
    ])?;
    refuse(&[
        ("MetricsConfig", has_metrics(input.metrics_config.as_ref())),
        ("KMSKeyArn", input.kms_key_arn.is_some()),
        ("ProvisionedPollerConfig", input.provisioned_poller_config.is_some()),
    ])
}

/// The same of a change.
///
/// # Errors
/// `InvalidParameterValueException` that names the parameter.
pub fn refuse_unsupported_changes(input: &UpdateEventSourceMappingRequest, kind: Kind) -> Result<(), Error> {
    let is_queue = kind == Kind::Queue;
    refuse_foreign(&[
        ("SourceAccessConfigurations", input.source_access_configurations.is_some()),
        ("AmazonManagedKafkaEventSourceConfig", input.amazon_managed_kafka_event_source_config.is_some()),
        ("SelfManagedKafkaEventSourceConfig", input.self_managed_kafka_event_source_config.is_some()),
        ("DocumentDBEventSourceConfig", input.document_db_event_source_config.is_some()),
        ("LoggingConfig", input.logging_config.is_some()),
        ("ScalingConfig", !is_queue && input.scaling_config.is_some()),
        ("ParallelizationFactor", is_queue && input.parallelization_factor.is_some()),
        ("DestinationConfig", is_queue && input.destination_config.is_some()),
        ("MaximumRecordAgeInSeconds", is_queue && input.maximum_record_age_in_seconds.is_some()),
        ("BisectBatchOnFunctionError", is_queue && input.bisect_batch_on_function_error.is_some()),
        ("MaximumRetryAttempts", is_queue && input.maximum_retry_attempts.is_some()),
        ("TumblingWindowInSeconds", is_queue && input.tumbling_window_in_seconds.is_some()),
    ])?;
    refuse(&[
        ("MetricsConfig", has_metrics(input.metrics_config.as_ref())),
        ("KMSKeyArn", input.kms_key_arn.is_some()),
        ("ProvisionedPollerConfig", input.provisioned_poller_config.is_some()),
    ])
}

fn refuse_foreign(parameters: &[(&str, bool)]) -> Result<(), Error> {
    match parameters.iter().find(|(_, is_set)| *is_set) {
        Some((name, _)) => {
            let text = format!("Unsupported {name} parameter for given event source mapping type.");
            Err(errors::invalid_parameter(text))
        }
        None => Ok(()),
    }
}

fn refuse(parameters: &[(&str, bool)]) -> Result<(), Error> {
    match parameters.iter().find(|(_, is_set)| *is_set) {
        Some((name, _)) => Err(errors::unsupported(name)),
        None => Ok(()),
    }
}
