//! `IncreaseStreamRetentionPeriod` and `DecreaseStreamRetentionPeriod`.

use api::kinesis::{DecreaseStreamRetentionPeriodInput, IncreaseStreamRetentionPeriodInput};
use platform::Ctx;
use wire::Error;

use crate::errors::invalid;
use crate::limits::{RETENTION_HOURS_MAX, RETENTION_HOURS_MIN};
use crate::names::StreamName;
use crate::service::Kinesis;
use crate::stream::Status;

/// Keeps records longer.
///
/// # Errors
/// `ResourceNotFoundException`, `ResourceInUseException`, `InvalidArgumentException`.
pub async fn increase_stream_retention_period(
    service: &Kinesis,
    cx: &Ctx,
    input: IncreaseStreamRetentionPeriodInput,
) -> Result<api::Empty, Error> {
    let (name, arn, id) = (input.stream_name.as_deref(), input.stream_arn.as_deref(), input.stream_id.as_deref());
    let name = StreamName::new(cx, name, arn, id)?;
    set(service, name, input.retention_period_hours, true).await
}

/// Keeps records less long.
///
/// # Errors
/// `ResourceNotFoundException`, `ResourceInUseException`, `InvalidArgumentException`.
pub async fn decrease_stream_retention_period(
    service: &Kinesis,
    cx: &Ctx,
    input: DecreaseStreamRetentionPeriodInput,
) -> Result<api::Empty, Error> {
    let (name, arn, id) = (input.stream_name.as_deref(), input.stream_arn.as_deref(), input.stream_id.as_deref());
    let name = StreamName::new(cx, name, arn, id)?;
    set(service, name, input.retention_period_hours, false).await
}

async fn set(service: &Kinesis, name: StreamName, hours: i32, is_increase: bool) -> Result<api::Empty, Error> {
    let named = name.clone();
    service
        .change(&name, move |_, stream| {
            if hours < RETENTION_HOURS_MIN {
                return Err(invalid(format!(
                    "Minimum allowed retention period is {RETENTION_HOURS_MIN} hours. Requested retention period \
                     ({hours} hours) is too short."
                ))
                .into());
            }
            if hours > RETENTION_HOURS_MAX {
                return Err(invalid(format!(
                    "Maximum allowed retention period is {RETENTION_HOURS_MAX} hours. Requested retention period \
                     ({hours} hours) is too long."
                ))
                .into());
            }
            let current = stream.retention_hours;
            let (is_wrong, wrong, other) = match is_increase {
                true => (hours < current, "shorter", "DecreaseRetentionPeriod"),
                false => (hours > current, "longer", "IncreaseRetentionPeriod"),
            };
            if is_wrong {
                return Err(invalid(format!(
                    "Requested retention period ({hours} hours) for stream {} can not be {wrong} than existing \
                     retention period ({current} hours). Use {other} API.",
                    named.name
                ))
                .into());
            }
            stream.check_active(&named)?;
            if hours != current {
                stream.retention_hours = hours;
                stream.status = Status::Updating;
            }
            Ok(())
        })
        .await?;
    Ok(api::Empty)
}
