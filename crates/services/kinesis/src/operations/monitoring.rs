//! `EnableEnhancedMonitoring` and `DisableEnhancedMonitoring`.

use api::kinesis::enums::metrics_name;
use api::kinesis::{DisableEnhancedMonitoringInput, EnableEnhancedMonitoringInput, EnhancedMonitoringOutput};
use platform::Ctx;
use wire::Error;

use crate::names::StreamName;
use crate::service::Kinesis;
use crate::stream::Status;

/// The metrics of a shard.
const METRICS: [&str; 7] = [
    metrics_name::INCOMING_BYTES,
    metrics_name::INCOMING_RECORDS,
    metrics_name::OUTGOING_BYTES,
    metrics_name::OUTGOING_RECORDS,
    metrics_name::WRITE_PROVISIONED_THROUGHPUT_EXCEEDED,
    metrics_name::READ_PROVISIONED_THROUGHPUT_EXCEEDED,
    metrics_name::ITERATOR_AGE_MILLISECONDS,
];

/// Keeps metrics of each shard.
///
/// # Errors
/// `ResourceNotFoundException`, `ResourceInUseException`.
pub async fn enable_enhanced_monitoring(
    service: &Kinesis,
    cx: &Ctx,
    input: EnableEnhancedMonitoringInput,
) -> Result<EnhancedMonitoringOutput, Error> {
    let (name, arn, id) = (input.stream_name.as_deref(), input.stream_arn.as_deref(), input.stream_id.as_deref());
    let name = StreamName::new(cx, name, arn, id)?;
    set(service, name, input.shard_level_metrics, true).await
}

/// Keeps metrics of each shard no more.
///
/// # Errors
/// `ResourceNotFoundException`, `ResourceInUseException`.
pub async fn disable_enhanced_monitoring(
    service: &Kinesis,
    cx: &Ctx,
    input: DisableEnhancedMonitoringInput,
) -> Result<EnhancedMonitoringOutput, Error> {
    let (name, arn, id) = (input.stream_name.as_deref(), input.stream_arn.as_deref(), input.stream_id.as_deref());
    let name = StreamName::new(cx, name, arn, id)?;
    set(service, name, input.shard_level_metrics, false).await
}

async fn set(
    service: &Kinesis,
    name: StreamName,
    given: Vec<String>,
    is_enabled: bool,
) -> Result<EnhancedMonitoringOutput, Error> {
    let named = name.clone();
    let (current, desired) = service
        .change(&name, move |_, stream| {
            stream.check_active(&named)?;
            let current = stream.shard_metrics.clone();
            let is_given = |metric: &str| given.iter().any(|given| given == metric || given == metrics_name::ALL);
            let was_kept = |metric: &str| current.iter().any(|kept| kept == metric);
            let is_kept = |metric: &&&str| {
                if is_enabled { was_kept(metric) || is_given(metric) } else { was_kept(metric) && !is_given(metric) }
            };
            let desired: Vec<String> = METRICS.iter().filter(is_kept).map(|metric| (*metric).to_owned()).collect();
            if desired != current {
                stream.shard_metrics.clone_from(&desired);
                stream.status = Status::Updating;
            }
            Ok((current, desired))
        })
        .await?;
    Ok(EnhancedMonitoringOutput {
        stream_name: Some(name.name.clone()),
        current_shard_level_metrics: Some(current),
        desired_shard_level_metrics: Some(desired),
        stream_arn: Some(name.arn()),
    })
}
