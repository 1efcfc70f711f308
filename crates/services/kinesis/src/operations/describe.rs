//! `DescribeStream` and `DescribeStreamSummary`.

use api::kinesis::{
    DescribeStreamInput, DescribeStreamOutput, DescribeStreamSummaryInput, DescribeStreamSummaryOutput,
    StreamDescription, StreamDescriptionSummary, WarmThroughputObject,
};
use platform::{Ctx, OrFailure};
use store::Direction;
use wire::Error;

use crate::errors::no_shard;
use crate::limits::CONSUMERS_MAX;
use crate::names::{StreamName, parse_shard_id};
use crate::service::Kinesis;
use crate::stream::{Status, Stream, seconds};
use crate::{keys, rows};

/// Shards that are described unless the caller asks for another number (API reference).
const SHARDS_DEFAULT: usize = 100;

/// Describes a stream with its shards.
///
/// # Errors
/// `ResourceNotFoundException`.
pub async fn describe_stream(
    service: &Kinesis,
    cx: &Ctx,
    input: DescribeStreamInput,
) -> Result<DescribeStreamOutput, Error> {
    let (name, arn, id) = (input.stream_name.as_deref(), input.stream_arn.as_deref(), input.stream_id.as_deref());
    let name = StreamName::new(cx, name, arn, id)?;
    let after = match &input.exclusive_start_shard_id {
        Some(id) => Some(parse_shard_id(id).ok_or_else(|| no_shard(&name, id))?),
        None => None,
    };
    let snapshot = service.snapshot(&name.partition()).await?;
    let stream = rows::stream_of(&snapshot, &name).await?;
    // A stream that is being made has no shards to show yet (API reference, CreateStream).
    let all = match stream.status {
        Status::Creating => Vec::new(),
        _ => rows::shards_of(&snapshot, stream.number).await?,
    };
    let shown = all.iter().filter(|shard| after.is_none_or(|after| shard.number > after));
    let most = input.limit.map_or(SHARDS_DEFAULT, |limit| usize::try_from(limit).unwrap_or(SHARDS_DEFAULT));
    let mut shards: Vec<_> = shown.take(most + 1).map(|shard| shard.describe()).collect();
    let has_more_shards = shards.len() > most;
    shards.truncate(most);
    Ok(DescribeStreamOutput { stream_description: description(&name, &stream, shards, has_more_shards) })
}

fn description(
    name: &StreamName,
    stream: &Stream,
    shards: Vec<api::kinesis::Shard>,
    has_more_shards: bool,
) -> StreamDescription {
    StreamDescription {
        stream_name: stream.name.clone(),
        stream_arn: name.arn(),
        stream_status: stream.status.text().to_owned(),
        stream_mode_details: Some(stream.mode()),
        shards,
        has_more_shards,
        retention_period_hours: stream.retention_hours,
        stream_creation_timestamp: seconds(stream.created_at),
        enhanced_monitoring: stream.monitoring(),
        encryption_type: Some(stream.encryption().to_owned()),
        key_id: stream.key_id.clone(),
    }
}

/// Describes a stream without its shards.
///
/// # Errors
/// `ResourceNotFoundException`.
pub async fn describe_stream_summary(
    service: &Kinesis,
    cx: &Ctx,
    input: DescribeStreamSummaryInput,
) -> Result<DescribeStreamSummaryOutput, Error> {
    let (name, arn, id) = (input.stream_name.as_deref(), input.stream_arn.as_deref(), input.stream_id.as_deref());
    let name = StreamName::new(cx, name, arn, id)?;
    let snapshot = service.snapshot(&name.partition()).await?;
    let stream = rows::stream_of(&snapshot, &name).await?;
    let consumers = snapshot.scan(keys::consumers(stream.number), Direction::Forward, CONSUMERS_MAX).await;
    let consumers = consumers.or_failure()?.len();
    let warm_throughput =
        stream.warm_mibps.map(|warm| WarmThroughputObject { target_mi_bps: Some(warm), current_mi_bps: Some(warm) });
    let summary = StreamDescriptionSummary {
        stream_name: stream.name.clone(),
        stream_arn: name.arn(),
        stream_status: stream.status.text().to_owned(),
        stream_mode_details: Some(stream.mode()),
        retention_period_hours: stream.retention_hours,
        stream_creation_timestamp: seconds(stream.created_at),
        enhanced_monitoring: stream.monitoring(),
        encryption_type: Some(stream.encryption().to_owned()),
        key_id: stream.key_id.clone(),
        open_shard_count: stream.open_shards as i32,
        consumer_count: Some(consumers as i32),
        warm_throughput,
        max_record_size_in_ki_b: Some(stream.record_kib),
        ..Default::default()
    };
    Ok(DescribeStreamSummaryOutput { stream_description_summary: summary })
}
