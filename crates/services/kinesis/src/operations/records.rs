//! `GetRecords`.

use api::kinesis::{GetRecordsInput, GetRecordsOutput, errors as modelled};
use platform::Ctx;
use wire::Error;

use crate::errors::{dry_run, invalid, no_stream, read_rate, shard_missing};
use crate::iterator::Iterator;
use crate::limits::{GET_BYTES_MAX, GET_RECORDS_MAX, ITERATOR_MS};
use crate::names::{StreamName, shard_id};
use crate::reading::{self, Most};
use crate::rows;
use crate::service::Kinesis;

/// Answers the records an iterator is at, and the iterator behind them.
///
/// # Errors
/// `ExpiredIteratorException`, `InvalidArgumentException`, `ResourceNotFoundException`,
/// `ProvisionedThroughputExceededException`, those of KMS.
pub async fn get_records(service: &Kinesis, cx: &Ctx, input: GetRecordsInput) -> Result<GetRecordsOutput, Error> {
    let iterator = Iterator::parse(&input.shard_iterator, &service.platform.sealing);
    let iterator = iterator.ok_or_else(|| invalid("Invalid ShardIterator."))?;
    let name = &iterator.name;
    if input.stream_id.is_some() || input.stream_arn.is_some() {
        let named = StreamName::new(cx, None, input.stream_arn.as_deref(), input.stream_id.as_deref())?;
        if named != *name {
            return Err(invalid("The ShardIterator is not one of the stream of the StreamARN."));
        }
    }
    let now = service.now();
    check_age(&iterator, now)?;
    let snapshot = service.snapshot(&name.partition()).await?;
    let stream = rows::stream_of(&snapshot, name).await?;
    stream.check_usable(name)?;
    if stream.number != iterator.stream {
        return Err(no_stream(name));
    }
    let shard = rows::shard_of(&snapshot, stream.number, iterator.shard).await?;
    drop(snapshot);
    let shard = shard.ok_or_else(|| shard_missing(name, &shard_id(iterator.shard)))?;
    if input.dry_run == Some(true) {
        return Err(dry_run());
    }
    let arn = name.arn();
    if !service.reads.admit(stream.number, &arn, shard.number, now) {
        return Err(read_rate(name, &shard.id()));
    }
    let records = input.limit.map_or(GET_RECORDS_MAX, |limit| usize::try_from(limit).unwrap_or(GET_RECORDS_MAX));
    let most = Most { records, bytes: GET_BYTES_MAX };
    let batch = reading::read(service, cx, (name, &stream, &shard), iterator.position, most).await?;
    service.reads.count(stream.number, &arn, shard.number, now, batch.bytes);
    let next = Iterator { position: batch.next, made_at: now, ..iterator.clone() };
    Ok(GetRecordsOutput {
        records: batch.records,
        next_shard_iterator: (!batch.is_at_end).then(|| next.text(&service.platform.sealing)),
        millis_behind_latest: Some(batch.behind),
        child_shards: Some(batch.children).filter(|_| batch.is_at_end),
    })
}

fn check_age(iterator: &Iterator, now: i64) -> Result<(), Error> {
    if now <= iterator.made_at.saturating_add(ITERATOR_MS) {
        return Ok(());
    }
    Err(modelled::expired_iterator_exception(format!(
        "Iterator expired. The iterator was created at time {} while right now it is {} which is further in the future \
         than the tolerated delay of {ITERATOR_MS} milliseconds.",
        date(iterator.made_at),
        date(now)
    )))
}

/// A time as AWS writes it here: `Thu Jan 22 01:22:02 UTC 2015`.
fn date(milliseconds: i64) -> String {
    let at = jiff::Timestamp::from_millisecond(milliseconds).unwrap_or_default();
    at.strftime("%a %b %d %H:%M:%S UTC %Y").to_string()
}
