//! `CreateStream`.

use api::kinesis::CreateStreamInput;
use api::kinesis::enums::{record_distribution_strategy, stream_mode};
use platform::Ctx;
use store::{Abort, Transaction};
use wire::Error;

use crate::errors::{constraint, invalid, limit, stream_exists, too_many_shards, validation};
use crate::hash::even_starts;
use crate::limits::{ON_DEMAND_SHARDS, ON_DEMAND_STREAMS_MAX, SHARDS_MAX};
use crate::names::StreamName;
use crate::operations::tags::check_tags;
use crate::service::Kinesis;
use crate::stream::Stream;
use crate::{keys, reshard, rows, timers};

/// Makes a stream.
///
/// # Errors
/// `ResourceInUseException`, `LimitExceededException`, `InvalidArgumentException`, `ValidationException`.
pub async fn create_stream(service: &Kinesis, cx: &Ctx, input: CreateStreamInput) -> Result<api::Empty, Error> {
    let name = StreamName::here(cx, &input.stream_name);
    let shards = shards_wanted(&input)?;
    if input.record_distribution_strategy.as_deref() == Some(record_distribution_strategy::AUTO) {
        return Err(invalid("RecordDistributionStrategy AUTO is not supported."));
    }
    let given_tags = input.tags.clone().unwrap_or_default();
    check_tags(&name, &given_tags, given_tags.len())?;
    let now = service.now();
    let (timers, settle) = service.settling(&name).await?;
    let trim = timers::trim(&timers, &name, now);
    service
        .transact(&name.partition(), move |transaction| {
            if transaction.get(&keys::stream(&name.name))?.is_some() {
                return Err(stream_exists(&name).into());
            }
            check_quota(transaction, &name, shards)?;
            let mut stream = Stream::new(&name.name, next_number(transaction)?, shards.is_none(), now);
            stream.tags.clone_from(&given_tags);
            stream.record_kib = input.max_record_size_in_ki_b.unwrap_or(stream.record_kib);
            stream.warm_mibps = input.warm_throughput_mi_bps;
            let starts = even_starts(shards.unwrap_or_else(|| on_demand_shards(stream.warm_mibps)));
            reshard::open_first(transaction, &mut stream, &starts, now)?;
            rows::put(transaction, &keys::stream(&name.name), &stream)?;
            timers.set(transaction, &settle)?;
            timers.set(transaction, &trim)?;
            Ok(())
        })
        .await?;
    Ok(api::Empty)
}

/// How many shards the caller wants; `None` leaves that to the service. A call that names neither a mode nor a number
/// makes a stream in on-demand mode.
fn shards_wanted(input: &CreateStreamInput) -> Result<Option<u32>, Error> {
    let mode = input.stream_mode_details.as_ref().map(|details| details.stream_mode.as_str());
    let count = input.shard_count.map(|count| u32::try_from(count).unwrap_or_default());
    match (mode, count) {
        (Some(stream_mode::ON_DEMAND), Some(_)) => {
            Err(validation("Request is invalid. ShardCount must not be specified for a stream in On-Demand mode."))
        }
        (Some(stream_mode::ON_DEMAND) | None, None) => Ok(None),
        (_, None) => {
            Err(constraint("Value null at 'shardCount' failed to satisfy constraint: Member must not be null"))
        }
        (_, Some(_)) if input.warm_throughput_mi_bps.is_some() => {
            Err(validation("Request is invalid. WarmThroughputMiBps is only for streams in On-Demand mode."))
        }
        (_, Some(count)) => Ok(Some(count)),
    }
}

/// Shards of a stream in on-demand mode that is kept ready for so many MiB per second: each takes one.
pub fn on_demand_shards(warm_mibps: Option<i32>) -> u32 {
    warm_mibps.map_or(0, |warm| u32::try_from(warm).unwrap_or_default()).clamp(ON_DEMAND_SHARDS, SHARDS_MAX as u32)
}

fn check_quota(transaction: &mut dyn Transaction, name: &StreamName, shards: Option<u32>) -> Result<(), Abort<Error>> {
    let Some(shards) = shards else {
        let on_demand = rows::streams(transaction)?.iter().filter(|stream| stream.on_demand).count();
        if on_demand < ON_DEMAND_STREAMS_MAX {
            return Ok(());
        }
        let text = format!(
            "Account {} has reached its limit of {ON_DEMAND_STREAMS_MAX} data streams in On-Demand mode in {}.",
            name.account, name.region
        );
        return Err(limit(text).into());
    };
    let open = reshard::open_of_account(transaction)?;
    if open + shards as usize > SHARDS_MAX {
        return Err(too_many_shards(name, open, shards as usize, SHARDS_MAX).into());
    }
    Ok(())
}

fn next_number(transaction: &mut dyn Transaction) -> Result<u64, Abort<Error>> {
    let number = rows::read::<u64>(transaction, &keys::last_number())?.unwrap_or_default() + 1;
    rows::put(transaction, &keys::last_number(), &number)?;
    Ok(number)
}
