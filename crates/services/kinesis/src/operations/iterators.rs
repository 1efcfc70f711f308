//! `GetShardIterator`, and where a subscription starts.

use api::kinesis::enums::shard_iterator_type;
use api::kinesis::{GetShardIteratorInput, GetShardIteratorOutput};
use platform::Ctx;
use store::Snapshot;
use wire::{Error, Timestamp};

use crate::errors::{dry_run, invalid, no_shard, shard_missing};
use crate::iterator::Iterator;
use crate::names::{StreamName, parse_shard_id, shard_id};
use crate::reading::first_since;
use crate::rows;
use crate::sequence::SequenceNumber;
use crate::service::Kinesis;
use crate::shard::Shard;
use crate::stream::Stream;

/// Where reading starts, as a caller says it.
pub struct Start<'a> {
    /// One of the kinds of iterators.
    pub kind: &'a str,
    /// For the kinds that start at a record.
    pub sequence_number: Option<&'a str>,
    /// For the kind that starts at a time.
    pub timestamp: Option<Timestamp>,
    /// The operation, for errors.
    pub operation: &'static str,
}

/// Answers an iterator.
///
/// # Errors
/// `ResourceNotFoundException`, `InvalidArgumentException`.
pub async fn get_shard_iterator(
    service: &Kinesis,
    cx: &Ctx,
    input: GetShardIteratorInput,
) -> Result<GetShardIteratorOutput, Error> {
    let (name, arn, id) = (input.stream_name.as_deref(), input.stream_arn.as_deref(), input.stream_id.as_deref());
    let name = StreamName::new(cx, name, arn, id)?;
    let snapshot = service.snapshot(&name.partition()).await?;
    let stream = rows::stream_of(&snapshot, &name).await?;
    stream.check_usable(&name)?;
    let shard = readable(&snapshot, &name, &stream, &input.shard_id).await?;
    let start = Start {
        kind: &input.shard_iterator_type,
        sequence_number: input.starting_sequence_number.as_deref(),
        timestamp: input.timestamp,
        operation: "GetShardIterator",
    };
    let now = service.now();
    let position = position(&snapshot, &name, &stream, &shard, &start, now).await?;
    if input.dry_run == Some(true) {
        return Err(dry_run());
    }
    let iterator = Iterator { name, stream: stream.number, shard: shard.number, position, made_at: now };
    Ok(GetShardIteratorOutput { shard_iterator: Some(iterator.text(&service.platform.sealing)) })
}

/// A shard by its id.
///
/// # Errors
/// `ResourceNotFoundException`.
pub async fn readable(snapshot: &Snapshot, name: &StreamName, stream: &Stream, id: &str) -> Result<Shard, Error> {
    let number = parse_shard_id(id).ok_or_else(|| no_shard(name, id))?;
    let shard = rows::shard_of(snapshot, stream.number, number).await?;
    shard.ok_or_else(|| shard_missing(name, &shard_id(number)))
}

/// The position at which reading starts.
///
/// # Errors
/// `InvalidArgumentException`.
pub async fn position(
    snapshot: &Snapshot,
    name: &StreamName,
    stream: &Stream,
    shard: &Shard,
    start: &Start<'_>,
    now: i64,
) -> Result<u64, Error> {
    let kind = start.kind;
    let by_number =
        matches!(kind, shard_iterator_type::AT_SEQUENCE_NUMBER | shard_iterator_type::AFTER_SEQUENCE_NUMBER);
    match (start.sequence_number, by_number) {
        (Some(_), false) => return Err(contradiction(kind, "and also a StartingSequenceNumber.")),
        (None, true) => return Err(contradiction(kind, "and no StartingSequenceNumber.")),
        (Some(text), true) => {
            let number = check_number(name, shard, text, start.operation)?;
            return Ok(number.position + u64::from(kind == shard_iterator_type::AFTER_SEQUENCE_NUMBER));
        }
        (None, false) => {}
    }
    match kind {
        shard_iterator_type::LATEST => Ok(rows::head_of(snapshot, stream.number, shard.number).await?.next),
        shard_iterator_type::AT_TIMESTAMP => {
            let time = start.timestamp.ok_or_else(|| {
                invalid("Must specify timestamp parameter for iterator of type AT_TIMESTAMP. Current request has no timestamp parameter.")
            })?;
            let time = time.milliseconds();
            if time > now {
                return Err(invalid(format!(
                    "The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. \
                     timestampInMillis: {time}, currentTimestampInMillis: {now}"
                )));
            }
            first_since(snapshot, stream.number, shard.number, time).await
        }
        _ => first_since(snapshot, stream.number, shard.number, stream.horizon(now)).await,
    }
}

fn contradiction(kind: &str, given: &str) -> Error {
    invalid(format!(
        "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or (2) \
         TRIM_HORIZON or LATEST and no StartingSequenceNumber. Request specified {kind} {given}"
    ))
}

fn check_number(name: &StreamName, shard: &Shard, text: &str, operation: &str) -> Result<SequenceNumber, Error> {
    let used = format!(
        "StartingSequenceNumber {text} used in {operation} on shard {} in stream {} under account {} is invalid",
        shard.id(),
        name.name,
        name.account
    );
    let number = SequenceNumber::parse(text).ok_or_else(|| invalid(format!("{used}.")))?;
    if number.shard != shard.number {
        return Err(invalid(format!(
            "Invalid StartingSequenceNumber. It encodes {}, while it was used in a call to a shard with {}",
            shard_id(number.shard),
            shard.id()
        )));
    }
    if number.opened != shard.opened {
        return Err(invalid(format!("{used} because it did not come from this stream.")));
    }
    Ok(number)
}
