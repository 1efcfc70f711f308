//! A stream's mode, the throughput it is kept ready for, and the size of its records.

use api::kinesis::enums::stream_mode;
use api::kinesis::{
    UpdateMaxRecordSizeInput, UpdateStreamModeInput, UpdateStreamWarmThroughputInput, UpdateStreamWarmThroughputOutput,
    WarmThroughputObject,
};
use platform::Ctx;
use wire::Error;

use crate::errors::{limit, too_many_shards, validation};
use crate::hash::even_starts;
use crate::limits::{DAY_MS, MODE_UPDATES_PER_DAY, SHARDS_MAX};
use crate::names::StreamName;
use crate::operations::create::on_demand_shards;
use crate::reshard;
use crate::service::Kinesis;
use crate::stream::Status;

/// Changes who looks after a stream's shards.
///
/// # Errors
/// `ResourceNotFoundException`, `ResourceInUseException`, `LimitExceededException`, `ValidationException`.
pub async fn update_stream_mode(
    service: &Kinesis,
    cx: &Ctx,
    input: UpdateStreamModeInput,
) -> Result<api::Empty, Error> {
    let name = StreamName::new(cx, None, Some(&input.stream_arn), input.stream_id.as_deref())?;
    let on_demand = input.stream_mode_details.stream_mode == stream_mode::ON_DEMAND;
    let warm = input.warm_throughput_mi_bps;
    if !on_demand && warm.is_some() {
        return Err(validation("Request is invalid. WarmThroughputMiBps is only for streams in On-Demand mode."));
    }
    let (named, now) = (name.clone(), service.now());
    service
        .change(&name, move |transaction, stream| {
            stream.check_active(&named)?;
            if stream.on_demand == on_demand {
                return Ok(());
            }
            stream.mode_updates.retain(|at| *at > now.saturating_sub(DAY_MS));
            if stream.mode_updates.len() >= MODE_UPDATES_PER_DAY {
                let text = format!(
                    "Stream {} under account {} has already switched its mode {MODE_UPDATES_PER_DAY} times in 24 hours.",
                    named.name, named.account
                );
                return Err(limit(text).into());
            }
            let (open, own) = (reshard::open_of_account(transaction)?, stream.open_shards as usize);
            if !on_demand && open + own > SHARDS_MAX {
                return Err(too_many_shards(&named, open, own, SHARDS_MAX).into());
            }
            stream.mode_updates.push(now);
            stream.on_demand = on_demand;
            stream.warm_mibps = warm;
            stream.status = Status::Updating;
            let wanted = on_demand_shards(warm);
            if on_demand && stream.open_shards < wanted {
                reshard::reshape(transaction, stream, &even_starts(wanted), now)?;
            }
            Ok(())
        })
        .await?;
    Ok(api::Empty)
}

/// Sets the throughput a stream in on-demand mode is kept ready for.
///
/// # Errors
/// `ResourceNotFoundException`, `ResourceInUseException`, `ValidationException`.
pub async fn update_stream_warm_throughput(
    service: &Kinesis,
    cx: &Ctx,
    input: UpdateStreamWarmThroughputInput,
) -> Result<UpdateStreamWarmThroughputOutput, Error> {
    let (name, arn, id) = (input.stream_name.as_deref(), input.stream_arn.as_deref(), input.stream_id.as_deref());
    let name = StreamName::new(cx, name, arn, id)?;
    let (named, now, warm) = (name.clone(), service.now(), input.warm_throughput_mi_bps);
    let before = service
        .change(&name, move |transaction, stream| {
            stream.check_active(&named)?;
            if !stream.on_demand {
                let text = format!(
                    "Request is invalid. Stream {} under account {} is in Provisioned mode.",
                    named.name, named.account
                );
                return Err(validation(text).into());
            }
            let before = stream.warm_mibps.replace(warm);
            let wanted = on_demand_shards(Some(warm));
            if stream.open_shards < wanted {
                reshard::reshape(transaction, stream, &even_starts(wanted), now)?;
            }
            stream.status = Status::Updating;
            Ok(before)
        })
        .await?;
    let warm_throughput = WarmThroughputObject { target_mi_bps: Some(warm), current_mi_bps: Some(before.unwrap_or(0)) };
    Ok(UpdateStreamWarmThroughputOutput {
        stream_arn: Some(name.arn()),
        stream_name: Some(name.name),
        warm_throughput: Some(warm_throughput),
    })
}

/// Sets how large a record's data may be.
///
/// # Errors
/// `ResourceNotFoundException`, `ResourceInUseException`.
pub async fn update_max_record_size(
    service: &Kinesis,
    cx: &Ctx,
    input: UpdateMaxRecordSizeInput,
) -> Result<api::Empty, Error> {
    let name = StreamName::new(cx, None, input.stream_arn.as_deref(), input.stream_id.as_deref())?;
    let named = name.clone();
    service
        .change(&name, move |_, stream| {
            stream.check_active(&named)?;
            if stream.record_kib != input.max_record_size_in_ki_b {
                stream.record_kib = input.max_record_size_in_ki_b;
                stream.status = Status::Updating;
            }
            Ok(())
        })
        .await?;
    Ok(api::Empty)
}
