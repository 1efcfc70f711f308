//! The operations of the streams API.

use std::sync::Arc;

use api::dynamodbstreams::errors::{
    expired_iterator_exception, resource_not_found_exception, trimmed_data_access_exception,
};
use api::dynamodbstreams::{
    DescribeStreamInput, DescribeStreamOutput, GetRecordsInput, GetRecordsOutput, GetShardIteratorInput,
    GetShardIteratorOutput, ListStreamsInput, ListStreamsOutput, SequenceNumberRange, Shard as ApiShard,
    Stream as ApiStream, StreamDescription,
};
use platform::{Ctx, OrFailure, Platform, Registration};
use store::keys::Key;
use store::{Direction, KeyRange, Snapshot};
use wire::{Error, Timestamp};

use super::iterator::Iterator;
use super::record::{self, parse_sequence_number, sequence_number};
use super::{Shard, State, Stream};
use crate::background::Place;
use crate::encryption::access::unlock_for_service;
use crate::errors::{self, invalid};
use crate::limits::{
    GET_RECORDS_BYTES, GET_RECORDS_MAX, ITERATOR_LIFETIME_MS, LIST_STREAMS_MAX, PAGE_ROWS_MAX, STREAM_RETENTION_MS,
};
use crate::names::{Resource, TableName};
use crate::service::DynamoDb;
use crate::{keys, rows};

/// The offer of DynamoDB's streams.
pub fn registration(service: &Arc<DynamoDb>) -> Registration {
    let mut registration = Registration::new(&api::dynamodbstreams::SERVICE);
    platform::operations!(registration, service, api::dynamodbstreams, {
        DescribeStream => describe_stream,
        GetRecords => get_records,
        GetShardIterator => get_shard_iterator,
        ListStreams => list_streams,
    });
    registration.with_guard(service.guard())
}

/// Most streams looked through for one answer: of every table of an account one is live and few are a day old at most.
const STREAMS_READ_MAX: usize = 10_000;

/// A stream, found by its ARN.
struct Located {
    snapshot: Snapshot,
    stream: Stream,
    place: Place,
}

fn not_found(arn: &str) -> Error {
    resource_not_found_exception(format!("Requested resource not found: Stream: {arn} not found"))
}

async fn all(snapshot: &Snapshot, now: i64) -> Result<Vec<Stream>, Error> {
    let found = snapshot.scan(keys::streams(), Direction::Forward, STREAMS_READ_MAX).await.or_failure()?;
    let streams = found.iter().map(|(_, row)| rows::decode::<Stream>(row)).collect::<Result<Vec<_>, _>>()?;
    let live = |stream: &Stream| stream.closed_at.is_none_or(|closed| now - closed < STREAM_RETENTION_MS);
    Ok(streams.into_iter().filter(live).collect())
}

async fn locate(service: &DynamoDb, arn: &str) -> Result<Located, Error> {
    let Some(Resource::Stream(table, label)) = Resource::parse(arn) else {
        return Err(invalid(format!("Invalid StreamArn: {arn}")));
    };
    let snapshot = service.snapshot(&table.partition()).await?;
    let streams = all(&snapshot, service.now()).await?;
    let is_meant = |stream: &Stream| stream.table == table.name && stream.label == label;
    let stream = streams.into_iter().find(is_meant).ok_or_else(|| not_found(arn))?;
    let place = Place { partition: table.partition(), account: table.account, region: table.region };
    Ok(Located { snapshot, stream, place })
}

/// Lists streams: all of the account in a region, or those of a table.
///
/// # Errors
/// A `ValidationException`.
pub async fn list_streams(service: &DynamoDb, cx: &Ctx, input: ListStreamsInput) -> Result<ListStreamsOutput, Error> {
    let table = input.table_name.as_deref().map(|name| TableName::new(cx, name)).transpose()?;
    let partition = match &table {
        Some(table) => table.partition(),
        None => keys::partition(&cx.account, &cx.region),
    };
    let snapshot = service.snapshot(&partition).await?;
    let mut streams = all(&snapshot, service.now()).await?;
    streams.retain(|stream| table.as_ref().is_none_or(|table| stream.table == table.name));
    if let Some(start) = &input.exclusive_start_stream_arn {
        let at = streams.iter().position(|stream| stream.arn() == *start);
        streams.drain(..at.map_or(streams.len(), |at| at + 1));
    }
    let limit = input.limit.map_or(LIST_STREAMS_MAX, |limit| limit.clamp(1, LIST_STREAMS_MAX as i32) as usize);
    let more = streams.len() > limit;
    streams.truncate(limit);
    let last = streams.last().filter(|_| more).map(Stream::arn);
    let answer = |stream: Stream| ApiStream {
        stream_arn: Some(stream.arn()),
        table_name: Some(stream.table),
        stream_label: Some(stream.label),
    };
    Ok(ListStreamsOutput { streams: Some(streams.into_iter().map(answer).collect()), last_evaluated_stream_arn: last })
}

/// The shards of a stream that still hold records or take some, in order.
async fn shards(located: &Located, now: i64) -> Result<Vec<(u32, Shard)>, Error> {
    let range = keys::shards(located.stream.number);
    let found = located.snapshot.scan(range, Direction::Forward, PAGE_ROWS_MAX).await.or_failure()?;
    let mut shards = Vec::new();
    for (key, row) in found {
        let shard: Shard = rows::decode(&row)?;
        if shard.closed_at.is_none_or(|closed| now - closed < STREAM_RETENTION_MS) {
            shards.push((rows::key_part(keys::read_shard(&key))?, shard));
        }
    }
    Ok(shards)
}

/// Describes a stream and its shards.
///
/// # Errors
/// `ResourceNotFoundException`.
pub async fn describe_stream(
    service: &DynamoDb,
    _: &Ctx,
    input: DescribeStreamInput,
) -> Result<DescribeStreamOutput, Error> {
    let located = locate(service, &input.stream_arn).await?;
    let mut shards = shards(&located, service.now()).await?;
    if let Some(filter) = &input.shard_filter {
        shards.retain(|(_, shard)| shard.parent.is_some() && shard.parent == filter.shard_id);
    }
    if let Some(start) = &input.exclusive_start_shard_id {
        let at = shards.iter().position(|(_, shard)| shard.id == *start);
        shards.drain(..at.map_or(shards.len(), |at| at + 1));
    }
    let limit = input.limit.map_or(LIST_STREAMS_MAX, |limit| limit.clamp(1, LIST_STREAMS_MAX as i32) as usize);
    let more = shards.len() > limit;
    shards.truncate(limit);
    let last = shards.last().filter(|_| more).map(|(_, shard)| shard.id.clone());
    let stream = &located.stream;
    let description = StreamDescription {
        stream_arn: Some(stream.arn()),
        stream_label: Some(stream.label.clone()),
        stream_status: Some(if stream.closed_at.is_some() { "DISABLED" } else { "ENABLED" }.to_owned()),
        stream_view_type: Some(stream.view.name().to_owned()),
        creation_request_date_time: Some(Timestamp::from_milliseconds(stream.created_at)),
        table_name: Some(stream.table.clone()),
        key_schema: Some(stream.key_schema()),
        shards: Some(shards.into_iter().map(|(_, shard)| describe_shard(shard)).collect()),
        last_evaluated_shard_id: last,
    };
    Ok(DescribeStreamOutput { stream_description: Some(description) })
}

fn describe_shard(shard: Shard) -> ApiShard {
    ApiShard {
        shard_id: Some(shard.id),
        sequence_number_range: Some(SequenceNumberRange {
            starting_sequence_number: Some(sequence_number(shard.first)),
            ending_sequence_number: shard.last.map(|last| sequence_number(last.max(shard.first))),
        }),
        parent_shard_id: shard.parent,
    }
}

/// Makes an iterator.
///
/// # Errors
/// `ResourceNotFoundException`, `TrimmedDataAccessException`, and a `ValidationException`.
pub async fn get_shard_iterator(
    service: &DynamoDb,
    _: &Ctx,
    input: GetShardIteratorInput,
) -> Result<GetShardIteratorOutput, Error> {
    let located = locate(service, &input.stream_arn).await?;
    let now = service.now();
    let shards = shards(&located, now).await?;
    let found = shards.into_iter().find(|(_, shard)| shard.id == input.shard_id);
    let (shard_number, shard) = found.ok_or_else(|| {
        let text = "Requested resource not found: Shard does not exist";
        resource_not_found_exception(text)
    })?;
    let number = located.stream.number;
    let at = || -> Result<u64, Error> {
        let text = input.sequence_number.as_deref().ok_or_else(|| {
            invalid("SequenceNumber must be specified for AT_SEQUENCE_NUMBER and AFTER_SEQUENCE_NUMBER iterators")
        })?;
        let at = parse_sequence_number(text).filter(|at| *at >= shard.first && shard.last.is_none_or(|l| *at <= l));
        at.ok_or_else(|| invalid(format!("Invalid SequenceNumber: {text} is not in the range of the shard")))
    };
    let next = match input.shard_iterator_type.as_str() {
        "TRIM_HORIZON" => shard.first,
        "LATEST" => match shard.last {
            Some(last) => last + 1,
            None => next_number(&located).await?,
        },
        "AT_SEQUENCE_NUMBER" => check_kept(&located, at()?, now).await?,
        "AFTER_SEQUENCE_NUMBER" => check_kept(&located, at()?, now).await? + 1,
        "AT_TIMESTAMP" => {
            let time =
                input.timestamp.ok_or_else(|| invalid("Timestamp must be specified for AT_TIMESTAMP iterators"))?;
            first_since(&located, &shard, time.milliseconds()).await?
        }
        other => return Err(errors::unsupported(&format!("ShardIteratorType {other}"))),
    };
    let iterator = Iterator { arn: input.stream_arn, stream: number, shard: shard_number, next, made_at: now };
    Ok(GetShardIteratorOutput { shard_iterator: Some(iterator.text()) })
}

async fn next_number(located: &Located) -> Result<u64, Error> {
    let row = located.snapshot.get(&keys::stream_state(located.stream.number)).await.or_failure()?;
    let state = row.and_then(|row| State::of_row(&row)).ok_or_else(|| errors::damaged("stream"))?;
    Ok(state.next)
}

/// The number of a shard's first record that is not older than a time: records are numbered in order of time.
async fn first_since(located: &Located, shard: &Shard, time: i64) -> Result<u64, Error> {
    let end = match shard.last {
        Some(last) => last + 1,
        None => next_number(located).await?,
    };
    let (mut low, mut high) = (shard.first, end);
    while low < high {
        let middle = low + (high - low) / 2;
        let row = located.snapshot.get(&keys::record(located.stream.number, middle)).await.or_failure()?;
        // A record that is gone is older than any that is there.
        let older = row.and_then(|row| record::time(&row)).is_none_or(|at| at < time);
        (low, high) = if older { (middle + 1, high) } else { (low, middle) };
    }
    Ok(low)
}

/// Checks that a record is still there.
async fn check_kept(located: &Located, number: u64, now: i64) -> Result<u64, Error> {
    let row = located.snapshot.get(&keys::record(located.stream.number, number)).await.or_failure()?;
    let kept = row.and_then(|row| record::time(&row)).is_some_and(|at| now - at < STREAM_RETENTION_MS);
    if kept || number >= next_number(located).await? {
        return Ok(number);
    }
    let text = "The operation tried to access trimmed data in the stream";
    Err(trimmed_data_access_exception(text))
}

/// Reads records.
///
/// # Errors
/// `ExpiredIteratorException`, `ResourceNotFoundException`, and a `ValidationException`.
pub async fn get_records(service: &DynamoDb, _: &Ctx, input: GetRecordsInput) -> Result<GetRecordsOutput, Error> {
    let iterator = Iterator::parse(&input.shard_iterator).ok_or_else(|| invalid("Invalid ShardIterator."))?;
    let now = service.now();
    if now - iterator.made_at > ITERATOR_LIFETIME_MS {
        return Err(expired_iterator_exception("The shard iterator has expired"));
    }
    let mut located = locate(service, &iterator.arn).await?;
    if located.stream.number != iterator.stream {
        return Err(not_found(&iterator.arn));
    }
    let encryption = located.stream.encryption.as_ref();
    located.stream.unlocked = unlock_for_service(service, &located.place, encryption).await?;
    let shard: Option<Shard> = rows::get(&located.snapshot, &keys::shard(iterator.stream, iterator.shard)).await?;
    let Some(shard) = shard else {
        // The shard and all it held are gone: there is nothing more to come.
        return Ok(GetRecordsOutput { records: Some(Vec::new()), next_shard_iterator: None });
    };
    let limit = input.limit.map_or(GET_RECORDS_MAX, |limit| limit.clamp(1, GET_RECORDS_MAX as i32) as usize);
    let (records, next) = read(&located, &iterator, &shard, limit, now).await?;
    let ended = shard.last.is_some_and(|last| next > last);
    let next_iterator = Iterator { next, made_at: now, ..iterator };
    Ok(GetRecordsOutput { records: Some(records), next_shard_iterator: (!ended).then(|| next_iterator.text()) })
}

/// Records from an iterator on, and the number to go on with.
async fn read(
    located: &Located,
    iterator: &Iterator,
    shard: &Shard,
    limit: usize,
    now: i64,
) -> Result<(Vec<api::dynamodbstreams::Record>, u64), Error> {
    let stream = located.stream.number;
    let mut next = iterator.next.max(shard.first);
    let end = shard.last.map_or(u64::MAX, |last| last.saturating_add(1));
    let (mut records, mut bytes) = (Vec::new(), 0);
    while records.len() < limit && bytes < GET_RECORDS_BYTES && next < end {
        let from: Key = keys::record(stream, next);
        let range = KeyRange::between(&from, keys::record(stream, end));
        // Records hold two images each: this many stay under the store's limit of one scan.
        let wanted = (limit - records.len()).min(PAGE_ROWS_MAX / 4);
        let found = located.snapshot.scan(range, Direction::Forward, wanted).await.or_failure()?;
        let exhausted = found.len() < wanted;
        for (key, row) in found {
            if bytes >= GET_RECORDS_BYTES {
                return Ok((records, next));
            }
            let number = rows::key_part(keys::read_record(&key))?;
            let stored = record::decode(&located.stream, &key, &row)?;
            bytes += row.len();
            next = number + 1;
            if now - stored.at < STREAM_RETENTION_MS {
                let id = event_id(stream, number, stored.at);
                records.push(record::answer(&located.stream, &located.place.region, number, stored, id));
            }
        }
        if exhausted {
            if shard.last.is_some() {
                next = end;
            }
            break;
        }
    }
    Ok((records, next))
}

/// An id of a record that is the same whenever it is read.
fn event_id(stream: u32, number: u64, at: i64) -> String {
    let mix = (u64::from(stream) << 32 ^ number).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    format!("{mix:016x}{:016x}", (at as u64).wrapping_mul(0xBF58_476D_1CE4_E5B9) ^ mix.rotate_left(29))
}

/// Both offers of this crate: tables, and their streams.
pub fn registrations(platform: &Arc<Platform>) -> [Registration; 2] {
    let service = Arc::new(DynamoDb::new(Arc::clone(platform)));
    [service.registration(), registration(&service)]
}
