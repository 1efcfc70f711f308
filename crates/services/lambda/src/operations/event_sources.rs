//! `CreateEventSourceMapping`, `UpdateEventSourceMapping`, `GetEventSourceMapping`, `ListEventSourceMappings` and
//! `DeleteEventSourceMapping`.

use std::sync::Arc;

use api::lambda::{
    CreateEventSourceMappingRequest, DeleteEventSourceMappingRequest, EventSourceMappingConfiguration, FilterCriteria,
    GetEventSourceMappingRequest, ListEventSourceMappingsRequest, ListEventSourceMappingsResponse, ScalingConfig,
    UpdateEventSourceMappingRequest,
};
use api::sqs::{GetQueueAttributes, GetQueueAttributesRequest};
use pattern::Pattern;
use platform::Ctx;
use store::{Direction, Transaction};
use wire::Error;
use wire::error::common;

use super::marker;
use crate::event_source::{queue_url, settle_soon};
use crate::function::FunctionVersion;
use crate::functions::{self, rows};
use crate::mapping::{Mapping, State};
use crate::{Lambda, errors, keys, names, role};

/// Messages of an event unless set, and most of them for a queue that keeps its order. API reference,
/// CreateEventSourceMapping.
const BATCH_SIZE_DEFAULT: i32 = 10;
/// Most messages of an event for other queues. The same.
const BATCH_SIZE_MAX: i32 = 10_000;
/// Most patterns of a mapping. Developer guide, "Control which events Lambda sends to your function".
const FILTERS_MAX: usize = 5;
/// Longest pattern, in characters. The same.
const PATTERN_CHARACTERS_MAX: usize = 4_096;
/// Most mappings looked at for one with the same source and function; an account has no more of them in a region.
const MAPPINGS_MAX: usize = 10_000;
/// Mappings on a page unless set, and at most. API reference, ListEventSourceMappings.
const PAGE_MAX: i32 = 100;
/// The answer about a mapping that does not exist.
const ABSENT: &str = "The resource you requested does not exist.";

/// Makes a mapping; it is at work soon.
pub async fn create_event_source_mapping(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: CreateEventSourceMappingRequest,
) -> Result<EventSourceMappingConfiguration, Error> {
    refuse_unsupported(&input)?;
    let source = input.event_source_arn.as_deref().unwrap_or_default();
    check_source(source)?;
    let target = names::target(cx, &input.function_name, None)?;
    let version = functions::resolve(lambda, &target.function, target.qualifier.as_deref()).await?;
    check_queue(lambda, cx, source, &version).await?;
    let is_enabled = input.enabled.unwrap_or(true);
    let mapping = Mapping {
        uuid: cx.platform.ids.uuid(),
        account: cx.account.clone(),
        region: cx.region.clone(),
        function: target.function,
        qualifier: target.qualifier,
        source_arn: source.to_owned(),
        batch_size: input.batch_size.unwrap_or(BATCH_SIZE_DEFAULT).unsigned_abs(),
        window_seconds: input.maximum_batching_window_in_seconds.unwrap_or(0).unsigned_abs(),
        filters: filters(input.filter_criteria.as_ref())?,
        reports_failures: reports_failures(input.function_response_types.as_deref()),
        maximum_concurrency: maximum_concurrency(input.scaling_config.as_ref()),
        state: State::Creating,
        is_enabled,
        last_modified: cx.platform.clock.milliseconds(),
        revision: cx.platform.ids.uuid(),
    };
    check(&mapping)?;
    let new = mapping.clone();
    let closure = move |rows: &mut dyn Transaction| {
        let all = keys::mappings(&new.account, &new.region).range();
        for (_, row) in rows.scan(all, Direction::Forward, MAPPINGS_MAX)? {
            let other: Mapping = rows::decode(&row)?;
            if other.source_arn == new.source_arn && other.function == new.function {
                return Err(errors::conflict(format!(
                    "An event source mapping with SQS arn (\" {} \") and function (\" {} \") already exists. Please \
                     update or delete the existing mapping with UUID {}",
                    new.source_arn, new.function.name, other.uuid
                ))
                .into());
            }
        }
        rows::put(rows, &keys::mapping(&new.account, &new.region, &new.uuid), &new)
    };
    lambda.functions.commit(&mapping.function, None, closure).await?;
    settle_soon(lambda, &mapping)?;
    Ok(mapping.describe())
}

/// Changes a mapping.
pub async fn update_event_source_mapping(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: UpdateEventSourceMappingRequest,
) -> Result<EventSourceMappingConfiguration, Error> {
    refuse_unsupported_changes(&input)?;
    let before = find(lambda, cx, &input.uuid).await?;
    let mut changed = before.clone();
    if let Some(name) = &input.function_name {
        let target = names::target(cx, name, None)?;
        let version = functions::resolve(lambda, &target.function, target.qualifier.as_deref()).await?;
        check_queue(lambda, cx, &changed.source_arn, &version).await?;
        (changed.function, changed.qualifier) = (target.function, target.qualifier);
    }
    changed.batch_size = input.batch_size.map_or(changed.batch_size, i32::unsigned_abs);
    changed.window_seconds = input.maximum_batching_window_in_seconds.map_or(changed.window_seconds, i32::unsigned_abs);
    if let Some(criteria) = &input.filter_criteria {
        changed.filters = filters(Some(criteria))?;
    }
    if let Some(types) = &input.function_response_types {
        changed.reports_failures = reports_failures(Some(types));
    }
    if let Some(scaling) = &input.scaling_config {
        changed.maximum_concurrency = maximum_concurrency(Some(scaling));
    }
    let is_enabled = input.enabled.unwrap_or(before.is_enabled);
    changed.state = match (before.is_enabled, is_enabled) {
        (false, true) => State::Enabling,
        (true, false) => State::Disabling,
        _ => State::Updating,
    };
    changed.is_enabled = is_enabled;
    check(&changed)?;
    replace(lambda, cx, &before, changed).await
}

/// A mapping.
pub async fn get_event_source_mapping(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: GetEventSourceMappingRequest,
) -> Result<EventSourceMappingConfiguration, Error> {
    Ok(find(lambda, cx, &input.uuid).await?.describe())
}

/// The mappings of an account, of a source or of a function.
pub async fn list_event_source_mappings(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: ListEventSourceMappingsRequest,
) -> Result<ListEventSourceMappingsResponse, Error> {
    let target = input.function_name.as_deref().map(|name| names::target(cx, name, None)).transpose()?;
    let limit = input.max_items.unwrap_or(PAGE_MAX).clamp(1, PAGE_MAX).unsigned_abs() as usize;
    let mut range = keys::mappings(&cx.account, &cx.region).range();
    if let Some(after) = input.marker.as_deref().map(marker::read_name).transpose()? {
        range = range.after(&keys::mapping(&cx.account, &cx.region, &after));
    }
    let is_wanted = |mapping: &Mapping| {
        input.event_source_arn.as_ref().is_none_or(|arn| *arn == mapping.source_arn)
            && target
                .as_ref()
                .is_none_or(|target| target.function == mapping.function && target.qualifier == mapping.qualifier)
    };
    let all = lambda.functions.all_rows::<Mapping>(range).await?;
    let mut found: Vec<Mapping> =
        all.into_iter().map(|(_, mapping)| mapping).filter(is_wanted).take(limit + 1).collect();
    let has_more = found.len() > limit;
    found.truncate(limit);
    Ok(ListEventSourceMappingsResponse {
        next_marker: found.last().filter(|_| has_more).map(|mapping| marker::write_name(&mapping.uuid)),
        event_source_mappings: Some(found.iter().map(Mapping::describe).collect()),
    })
}

/// Deletes a mapping; it is gone soon.
pub async fn delete_event_source_mapping(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: DeleteEventSourceMappingRequest,
) -> Result<EventSourceMappingConfiguration, Error> {
    let before = find(lambda, cx, &input.uuid).await?;
    let changed = Mapping { state: State::Deleting, is_enabled: false, ..before.clone() };
    replace(lambda, cx, &before, changed).await
}

async fn find(lambda: &Lambda, cx: &Ctx, uuid: &str) -> Result<Mapping, Error> {
    let found = lambda.functions.row(&keys::mapping(&cx.account, &cx.region, uuid)).await?;
    found.ok_or_else(|| errors::not_found(ABSENT))
}

/// Writes a changed mapping, unless something else is being done with it.
async fn replace(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    before: &Mapping,
    mut changed: Mapping,
) -> Result<EventSourceMappingConfiguration, Error> {
    changed.revision = cx.platform.ids.uuid();
    changed.last_modified = cx.platform.clock.milliseconds();
    let (new, seen) = (changed.clone(), before.revision.clone());
    let closure = move |rows: &mut dyn Transaction| {
        let key = keys::mapping(&new.account, &new.region, &new.uuid);
        let found: Option<Mapping> = rows::read(rows, &key)?;
        let found = found.ok_or_else(|| errors::not_found(ABSENT))?;
        if found.revision != seen || found.state.is_passing() {
            let text = "Cannot update the event source mapping because it is in use.";
            return Err(api::lambda::errors::resource_in_use_exception(text).with("Type", "User".into()).into());
        }
        rows::put(rows, &key, &new)
    };
    lambda.functions.commit(&changed.function, None, closure).await?;
    settle_soon(lambda, &changed)?;
    Ok(changed.describe())
}

fn check_source(source: &str) -> Result<(), Error> {
    match source.split(':').nth(2) {
        None => Err(errors::invalid_parameter("Unrecognized event source, must be kinesis, dynamodb or sqs.")),
        Some("sqs") => Ok(()),
        Some(other) => Err(errors::unsupported(&format!("event sources of {other}"))),
    }
}

/// Checks that the function's role may read the queue, and that messages stay hidden as long as the function may take.
async fn check_queue(lambda: &Lambda, cx: &Ctx, source: &str, version: &FunctionVersion) -> Result<(), Error> {
    let parts: Vec<&str> = source.split(':').collect();
    let [_, _, _, region, account, _] = parts.as_slice() else {
        return Err(errors::invalid_parameter("Unrecognized event source, must be kinesis, dynamodb or sqs."));
    };
    let input = GetQueueAttributesRequest {
        queue_url: queue_url(lambda, source),
        attribute_names: Some(vec!["VisibilityTimeout".to_owned()]),
        ..GetQueueAttributesRequest::default()
    };
    let role = role::session(&cx.platform, version).await?;
    let answer = cx.platform.call_as::<GetQueueAttributes>(role, account, region, input).await.map_err(|error| {
        if error.is("QueueDoesNotExist") {
            return errors::invalid_parameter(
                "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. \
                 SQS Error Message: The specified queue does not exist.",
            );
        }
        if error.definition.status == common::ACCESS_DENIED.status {
            return errors::invalid_parameter(
                "The provided execution role does not have permissions to call ReceiveMessage on SQS",
            );
        }
        error
    })?;
    let attributes = answer.attributes.unwrap_or_default();
    let visibility: u32 = attributes.get("VisibilityTimeout").and_then(|text| text.parse().ok()).unwrap_or(u32::MAX);
    let timeout = version.configuration.timeout_seconds;
    if visibility < timeout {
        return Err(errors::invalid_parameter(format!(
            "Queue visibility timeout: {visibility} seconds is less than Function timeout: {timeout} seconds"
        )));
    }
    Ok(())
}

fn check(mapping: &Mapping) -> Result<(), Error> {
    let is_ordered = mapping.source_arn.ends_with(".fifo");
    let most = if is_ordered { BATCH_SIZE_DEFAULT } else { BATCH_SIZE_MAX }.unsigned_abs();
    if mapping.batch_size > most {
        return Err(errors::invalid_parameter(format!("Batch size must be less than or equal to {most}")));
    }
    if is_ordered && mapping.window_seconds > 0 {
        return Err(errors::invalid_parameter("Batching window is not supported for FIFO queues."));
    }
    if mapping.batch_size > BATCH_SIZE_DEFAULT.unsigned_abs() && mapping.window_seconds == 0 {
        return Err(errors::invalid_parameter(
            "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10",
        ));
    }
    Ok(())
}

fn filters(criteria: Option<&FilterCriteria>) -> Result<Vec<String>, Error> {
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

fn reports_failures(types: Option<&[String]>) -> bool {
    types.unwrap_or_default().iter().any(|name| name == "ReportBatchItemFailures")
}

fn maximum_concurrency(scaling: Option<&ScalingConfig>) -> Option<u32> {
    scaling?.maximum_concurrency.map(i32::unsigned_abs)
}

fn refuse_unsupported(input: &CreateEventSourceMappingRequest) -> Result<(), Error> {
    refuse(&[
        ("KMSKeyArn", input.kms_key_arn.is_some()),
        ("MetricsConfig", input.metrics_config.is_some()),
        ("LoggingConfig", input.logging_config.is_some()),
        ("ParallelizationFactor", input.parallelization_factor.is_some()),
        ("StartingPosition", input.starting_position.is_some()),
        ("StartingPositionTimestamp", input.starting_position_timestamp.is_some()),
        ("DestinationConfig", input.destination_config.is_some()),
        ("MaximumRecordAgeInSeconds", input.maximum_record_age_in_seconds.is_some()),
        ("BisectBatchOnFunctionError", input.bisect_batch_on_function_error.is_some()),
        ("MaximumRetryAttempts", input.maximum_retry_attempts.is_some()),
        ("Tags", input.tags.as_ref().is_some_and(|tags| !tags.is_empty())),
        ("TumblingWindowInSeconds", input.tumbling_window_in_seconds.is_some()),
        ("Topics", input.topics.is_some()),
        ("Queues", input.queues.is_some()),
        ("SourceAccessConfigurations", input.source_access_configurations.is_some()),
        ("SelfManagedEventSource", input.self_managed_event_source.is_some()),
        ("AmazonManagedKafkaEventSourceConfig", input.amazon_managed_kafka_event_source_config.is_some()),
        ("SelfManagedKafkaEventSourceConfig", input.self_managed_kafka_event_source_config.is_some()),
        ("DocumentDBEventSourceConfig", input.document_db_event_source_config.is_some()),
        ("ProvisionedPollerConfig", input.provisioned_poller_config.is_some()),
    ])
}

fn refuse_unsupported_changes(input: &UpdateEventSourceMappingRequest) -> Result<(), Error> {
    refuse(&[
        ("KMSKeyArn", input.kms_key_arn.is_some()),
        ("MetricsConfig", input.metrics_config.is_some()),
        ("LoggingConfig", input.logging_config.is_some()),
        ("ParallelizationFactor", input.parallelization_factor.is_some()),
        ("DestinationConfig", input.destination_config.is_some()),
        ("MaximumRecordAgeInSeconds", input.maximum_record_age_in_seconds.is_some()),
        ("BisectBatchOnFunctionError", input.bisect_batch_on_function_error.is_some()),
        ("MaximumRetryAttempts", input.maximum_retry_attempts.is_some()),
        ("TumblingWindowInSeconds", input.tumbling_window_in_seconds.is_some()),
        ("SourceAccessConfigurations", input.source_access_configurations.is_some()),
        ("AmazonManagedKafkaEventSourceConfig", input.amazon_managed_kafka_event_source_config.is_some()),
        ("SelfManagedKafkaEventSourceConfig", input.self_managed_kafka_event_source_config.is_some()),
        ("DocumentDBEventSourceConfig", input.document_db_event_source_config.is_some()),
        ("ProvisionedPollerConfig", input.provisioned_poller_config.is_some()),
    ])
}

fn refuse(parameters: &[(&str, bool)]) -> Result<(), Error> {
    match parameters.iter().find(|(_, is_set)| *is_set) {
        Some((name, _)) => Err(errors::unsupported(name)),
        None => Ok(()),
    }
}
