//! `DescribeLogStreams`.

use api::logs::enums::order_by;
use api::logs::errors::validation_exception;
use api::logs::{DescribeLogStreamsRequest, DescribeLogStreamsResponse, LogStream};
use platform::{Ctx, OrFailure};
use store::{Direction, KeyRange};
use wire::Error;

use crate::limits::DESCRIBE_ITEMS_MAX;
use crate::names::GroupName;
use crate::records::StreamRecord;
use crate::service::Logs;
use crate::{errors, keys, rows, token};

/// Lists a group's streams, by name or by the time of their last event.
pub async fn describe_log_streams(
    logs: &Logs,
    cx: &Ctx,
    input: DescribeLogStreamsRequest,
) -> Result<DescribeLogStreamsResponse, Error> {
    let by_time = input.order_by.as_deref() == Some(order_by::LAST_EVENT_TIME);
    if by_time && input.log_stream_name_prefix.is_some() {
        return Err(errors::invalid("Cannot order by LastEventTime with a logStreamNamePrefix."));
    }
    if input.log_group_name.is_some() && input.log_group_identifier.is_some() {
        let text = "LogGroup name and LogGroup ARN are mutually exclusive parameters.";
        return Err(validation_exception(text));
    }
    let name = GroupName::either(cx, input.log_group_name.as_deref(), input.log_group_identifier.as_deref())?;
    let snapshot = logs.snapshot().await?;
    let group = rows::get_group(&snapshot, &name).await?.id;

    let descending = input.descending == Some(true);
    let direction = if descending { Direction::Backward } else { Direction::Forward };
    let limit = input.limit.map_or(DESCRIBE_ITEMS_MAX, |limit| limit.max(1) as usize).min(DESCRIBE_ITEMS_MAX);
    let range = range(group, by_time, &input)?;
    let mut scanned = snapshot.scan(range, direction, limit + 1).await.or_failure()?;
    let more = scanned.len() > limit;
    scanned.truncate(limit);

    let mut streams = Vec::with_capacity(scanned.len());
    let mut last = None;
    for (key, row) in &scanned {
        let (stream_name, stream) = if by_time {
            let (time, stream_name) = rows::key_part(keys::read_stream_time(key))?;
            last = Some(time_token(time, &stream_name));
            let stream = rows::get_stream(&snapshot, group, &stream_name).await?;
            (stream_name, stream)
        } else {
            let stream_name = rows::key_part(keys::read_stream_name(key))?;
            last = Some(token::seal(&stream_name));
            (stream_name, rows::decode(row)?)
        };
        streams.push(output(&name, stream_name, &stream));
    }
    Ok(DescribeLogStreamsResponse { log_streams: Some(streams), next_token: last.filter(|_| more) })
}

/// The rows in question, from behind the token on.
fn range(group: u64, by_time: bool, input: &DescribeLogStreamsRequest) -> Result<KeyRange, Error> {
    let prefix = input.log_stream_name_prefix.as_deref().unwrap_or_default();
    let range = match by_time {
        true => keys::stream_times(group).range(),
        false => keys::streams(group).range_of_segments_starting(prefix.as_bytes()),
    };
    let Some(next_token) = &input.next_token else { return Ok(range) };
    let text = token::unseal(next_token)?;
    let seen = if by_time {
        let (time, name) = text.split_once(TIME_SEPARATOR).ok_or_else(errors::invalid_token)?;
        keys::stream_time(group, time.parse().map_err(|_| errors::invalid_token())?, name)
    } else {
        keys::stream(group, &text)
    };
    Ok(if input.descending == Some(true) { range.before(&seen) } else { range.after(&seen) })
}

/// Stands in no stream's name.
const TIME_SEPARATOR: char = ':';

fn time_token(time: i64, name: &str) -> String {
    token::seal(&format!("{time}{TIME_SEPARATOR}{name}"))
}

fn output(group: &GroupName, name: String, stream: &StreamRecord) -> LogStream {
    LogStream {
        arn: Some(group.stream_arn(&name)),
        log_stream_name: Some(name),
        creation_time: Some(stream.created_at),
        first_event_timestamp: stream.first_event,
        last_event_timestamp: stream.last_event,
        last_ingestion_time: stream.last_ingestion,
        upload_sequence_token: stream.sequence_token(),
        // AWS reports no sizes of streams since 2019-06-17.
        stored_bytes: Some(0),
    }
}
