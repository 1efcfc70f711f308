//! Reading a shard: what GetRecords and subscriptions share.

use platform::{Ctx, OrFailure};
use store::{Direction, Snapshot};
use wire::{Error, Timestamp};

use crate::limits::PAGE_ROWS;
use crate::names::StreamName;
use crate::record::{Place, Stored};
use crate::service::Kinesis;
use crate::shard::{Shard, children};
use crate::stream::Stream;
use crate::{encryption, keys, rows};

/// How much is read at most: records, and bytes of data and partition keys. One record is read whatever its size.
#[derive(Debug, Clone, Copy)]
pub struct Most {
    /// Records.
    pub records: usize,
    /// Bytes.
    pub bytes: usize,
}

/// What was read.
#[derive(Debug, Default)]
pub struct Batch {
    /// The records in the API's form.
    pub records: Vec<api::kinesis::Record>,
    /// The position behind them.
    pub next: u64,
    /// Bytes of their data and partition keys.
    pub bytes: usize,
    /// How far the last of them is behind the newest, in milliseconds; 0 at the tip.
    pub behind: i64,
    /// The shard is closed, and was read to its end.
    pub is_at_end: bool,
    /// Then the shards that came from it.
    pub children: Vec<api::kinesis::ChildShard>,
}

/// The position of the first record that came at a time or later; the position of the next record if there is none.
///
/// # Errors
/// A failure of the store.
pub async fn first_since(snapshot: &Snapshot, stream: u64, shard: u32, time: i64) -> Result<u64, Error> {
    let (mut low, mut high) = (1, rows::head_of(snapshot, stream, shard).await?.next);
    while low < high {
        let middle = low + (high - low) / 2;
        match page(snapshot, stream, shard, middle, 1).await?.first() {
            Some((position, stored)) if stored.arrived_at() < time => low = position + 1,
            _ => high = middle,
        }
    }
    Ok(low)
}

/// Rows of records from a position on.
async fn page(
    snapshot: &Snapshot,
    stream: u64,
    shard: u32,
    from: u64,
    most: usize,
) -> Result<Vec<(u64, Stored)>, Error> {
    let range = keys::records_from(stream, shard, from);
    let found = snapshot.scan(range, Direction::Forward, most).await.or_failure()?;
    found.iter().map(|(key, row)| Ok((rows::key_part(keys::read_record(key))?, Stored::decode(row)?))).collect()
}

/// Reads the records of a shard from a position on. Those past their retention are passed over.
///
/// # Errors
/// Those of KMS.
pub async fn read(
    service: &Kinesis,
    cx: &Ctx,
    (name, stream, shard): (&StreamName, &Stream, &Shard),
    from: u64,
    most: Most,
) -> Result<Batch, Error> {
    let snapshot = service.snapshot(&name.partition()).await?;
    let now = service.now();
    let horizon = stream.horizon(now);
    let newest = rows::head_of(&snapshot, stream.number, shard.number).await?.next;
    let mut found = page(&snapshot, stream.number, shard.number, from, most.records.min(PAGE_ROWS)).await?;
    if found.first().is_some_and(|(_, stored)| stored.arrived_at() < horizon) {
        let kept = first_since(&snapshot, stream.number, shard.number, horizon).await?;
        found = page(&snapshot, stream.number, shard.number, kept, most.records.min(PAGE_ROWS)).await?;
    }
    let mut batch = Batch { next: from, ..Batch::default() };
    let (mut stored_records, mut last_arrival) = (Vec::new(), now);
    'pages: while !found.is_empty() {
        for (position, stored) in std::mem::take(&mut found) {
            if !stored_records.is_empty() && batch.bytes + stored.size() > most.bytes {
                break 'pages;
            }
            batch.bytes += stored.size();
            batch.next = position + 1;
            last_arrival = stored.arrived_at();
            let place = Place { stream: stream.number, shard: shard.number, position };
            stored_records.push((position, stored.load(&snapshot, place).await?));
        }
        let more = (most.records - stored_records.len()).min(PAGE_ROWS);
        if more > 0 {
            found = page(&snapshot, stream.number, shard.number, batch.next, more).await?;
        }
    }
    // What is read below is decided; the snapshot must not wait for KMS.
    let is_behind = !page(&snapshot, stream.number, shard.number, batch.next, 1).await?.is_empty();
    let current = rows::shard_of(&snapshot, stream.number, shard.number).await?;
    let is_closed = current.as_ref().is_none_or(|shard| !shard.is_open());
    batch.behind = if is_behind { now.saturating_sub(last_arrival).max(0) } else { 0 };
    batch.is_at_end = is_closed && !is_behind && batch.next.max(from) >= newest;
    if batch.is_at_end {
        batch.children = children(&rows::shards_of(&snapshot, stream.number).await?, shard.number);
    }
    drop(snapshot);
    for (position, record) in stored_records {
        let sequence_number = shard.sequence(position, record.arrived_at).text();
        let approximate_arrival_timestamp = Some(Timestamp::from_milliseconds(record.arrived_at));
        let encryption_type = record.is_encrypted.then(|| "KMS".to_owned());
        let data = if record.is_encrypted { encryption::open(cx, name, &record.data).await? } else { record.data };
        let partition_key = Some(record.partition_key);
        batch.records.push(api::kinesis::Record {
            sequence_number,
            approximate_arrival_timestamp,
            data,
            partition_key,
            encryption_type,
        });
    }
    Ok(batch)
}
