//! `SplitShard`, `MergeShards` and `UpdateShardCount`.

use api::kinesis::{MergeShardsInput, SplitShardInput, UpdateShardCountInput, UpdateShardCountOutput};
use platform::Ctx;
use store::{Abort, Transaction};
use wire::Error;

use crate::errors::{invalid, limit, no_shard, on_demand, too_many_shards};
use crate::hash::{HashKey, even_starts};
use crate::limits::{DAY_MS, SHARD_COUNT_UPDATES_PER_DAY, SHARDS_MAX};
use crate::names::{StreamName, parse_shard_id, shard_id};
use crate::service::Kinesis;
use crate::shard::Shard;
use crate::stream::{Status, Stream};
use crate::{keys, reshard, rows};

/// Splits a shard in two.
///
/// # Errors
/// `ResourceNotFoundException`, `ResourceInUseException`, `InvalidArgumentException`, `LimitExceededException`,
/// `ValidationException`.
pub async fn split_shard(service: &Kinesis, cx: &Ctx, input: SplitShardInput) -> Result<api::Empty, Error> {
    let (name, arn, id) = (input.stream_name.as_deref(), input.stream_arn.as_deref(), input.stream_id.as_deref());
    let name = StreamName::new(cx, name, arn, id)?;
    let (named, now) = (name.clone(), service.now());
    service
        .change(&name, move |transaction, stream| {
            let shard = changeable(transaction, &named, stream, &input.shard_to_split)?;
            let open = reshard::open_of_account(transaction)?;
            if open + 1 > SHARDS_MAX {
                return Err(too_many_shards(&named, open, 1, SHARDS_MAX).into());
            }
            let at = HashKey::parse(&input.new_starting_hash_key);
            // One more than the shard's own first key, as AWS has it, so that both halves are worth something.
            let is_inside = |at: &HashKey| at.0 > shard.first.0.saturating_add(1) && *at < shard.last;
            let at = at.filter(is_inside).ok_or_else(|| {
                invalid(format!(
                    "NewStartingHashKey {} used in SplitShard() on shard {} in stream {} under account {} is not both \
                     greater than one plus the shard's StartingHashKey {} and less than the shard's EndingHashKey {}.",
                    input.new_starting_hash_key,
                    shard.id(),
                    named.name,
                    named.account,
                    shard.first,
                    shard.last
                ))
            })?;
            stream.check_active(&named)?;
            reshard::split(transaction, stream, &shard, at, now)?;
            stream.status = Status::Updating;
            Ok(())
        })
        .await?;
    Ok(api::Empty)
}

/// Merges two shards that follow one another in the ring.
///
/// # Errors
/// `ResourceNotFoundException`, `ResourceInUseException`, `InvalidArgumentException`, `ValidationException`.
pub async fn merge_shards(service: &Kinesis, cx: &Ctx, input: MergeShardsInput) -> Result<api::Empty, Error> {
    let (name, arn, id) = (input.stream_name.as_deref(), input.stream_arn.as_deref(), input.stream_id.as_deref());
    let name = StreamName::new(cx, name, arn, id)?;
    let (named, now) = (name.clone(), service.now());
    service
        .change(&name, move |transaction, stream| {
            let shard = changeable(transaction, &named, stream, &input.shard_to_merge)?;
            let adjacent = changeable(transaction, &named, stream, &input.adjacent_shard_to_merge)?;
            let follows = |one: &Shard, other: &Shard| one.last.0.checked_add(1) == Some(other.first.0);
            if !follows(&shard, &adjacent) && !follows(&adjacent, &shard) {
                return Err(invalid(format!(
                    "Shards {} and {} in stream {} under account {} are not an adjacent pair of shards eligible for \
                     merging",
                    shard.id(),
                    adjacent.id(),
                    named.name,
                    named.account
                ))
                .into());
            }
            stream.check_active(&named)?;
            reshard::merge(transaction, stream, &shard, &adjacent, now)?;
            stream.status = Status::Updating;
            Ok(())
        })
        .await?;
    Ok(api::Empty)
}

/// A shard that is to be split or merged.
fn changeable(
    transaction: &mut dyn Transaction,
    name: &StreamName,
    stream: &Stream,
    id: &str,
) -> Result<Shard, Abort<Error>> {
    if stream.on_demand {
        return Err(on_demand(name).into());
    }
    let number = parse_shard_id(id).ok_or_else(|| no_shard(name, id))?;
    let shard: Option<Shard> = rows::read(transaction, &keys::shard(stream.number, number))?;
    let shard = shard.ok_or_else(|| no_shard(name, &shard_id(number)))?;
    if !shard.is_open() {
        return Err(invalid(format!(
            "Shard {} in stream {} under account {} has already been merged or split, and thus is not eligible for \
             merging or splitting.",
            shard.id(),
            name.name,
            name.account
        ))
        .into());
    }
    Ok(shard)
}

/// Splits and merges until there are so many shards, all of one width.
///
/// # Errors
/// `ResourceNotFoundException`, `ResourceInUseException`, `InvalidArgumentException`, `LimitExceededException`,
/// `ValidationException`.
pub async fn update_shard_count(
    service: &Kinesis,
    cx: &Ctx,
    input: UpdateShardCountInput,
) -> Result<UpdateShardCountOutput, Error> {
    let (name, arn, id) = (input.stream_name.as_deref(), input.stream_arn.as_deref(), input.stream_id.as_deref());
    let name = StreamName::new(cx, name, arn, id)?;
    let (named, now, target) = (name.clone(), service.now(), input.target_shard_count);
    let current = service
        .change(&name, move |transaction, stream| {
            if stream.on_demand {
                return Err(on_demand(&named).into());
            }
            let current = stream.open_shards as i32;
            check_target(current, target)?;
            let others = reshard::open_of_account(transaction)? - stream.open_shards as usize;
            if target > current && others + target as usize > SHARDS_MAX {
                let text = format!(
                    "The target shard count or number of open shards cannot be greater than {SHARDS_MAX}. Current open \
                     shard count: {current}, Target shard count: {target}"
                );
                return Err(limit(text).into());
            }
            stream.shard_count_updates.retain(|at| *at > now.saturating_sub(DAY_MS));
            if stream.shard_count_updates.len() >= SHARD_COUNT_UPDATES_PER_DAY {
                let text = format!(
                    "UpdateShardCount cannot be called more than {SHARD_COUNT_UPDATES_PER_DAY} times per rolling 24-hour \
                     period for stream {}.",
                    named.name
                );
                return Err(limit(text).into());
            }
            stream.check_active(&named)?;
            stream.shard_count_updates.push(now);
            reshard::reshape(transaction, stream, &even_starts(target.unsigned_abs()), now)?;
            stream.status = Status::Updating;
            Ok(current)
        })
        .await?;
    Ok(UpdateShardCountOutput {
        stream_arn: Some(name.arn()),
        stream_name: Some(name.name),
        current_shard_count: Some(current),
        target_shard_count: Some(target),
    })
}

fn check_target(current: i32, target: i32) -> Result<(), Error> {
    let counts = format!("Current open shard count: {current} Target shard count: {target}");
    if target > current.saturating_mul(2) {
        return Err(limit(format!(
            "UpdateShardCount cannot scale up over double your current open shard count. {counts}"
        )));
    }
    if i64::from(target) * 2 < i64::from(current) {
        return Err(limit(format!(
            "UpdateShardCount cannot scale down below half your current open shard count. {counts}"
        )));
    }
    Ok(())
}
