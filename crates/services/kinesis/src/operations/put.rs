//! `PutRecord` and `PutRecords`.

use std::collections::{BTreeSet, HashMap};

use api::kinesis::{
    PutRecordInput, PutRecordOutput, PutRecordsInput, PutRecordsOutput, PutRecordsRequestEntry, PutRecordsResultEntry,
    errors as modelled,
};
use bytes::Bytes;
use platform::Ctx;
use store::{Abort, Transaction};
use wire::Error;

use crate::errors::{constraint, dry_run, invalid, write_rate, write_rate_text};
use crate::hash::HashKey;
use crate::limits::{PUT_BYTES_MAX, WRITE_BYTES_PER_SECOND, WRITE_RECORDS_PER_SECOND};
use crate::names::{StreamName, shard_id};
use crate::record::{self, Place, Record};
use crate::sequence::SequenceNumber;
use crate::service::Kinesis;
use crate::shard::{Head, Shard};
use crate::stream::Stream;
use crate::{encryption, keys, reshard, rows};

/// A record that is to be written.
struct Arrival {
    hash: HashKey,
    partition_key: String,
    /// As it is stored.
    data: Bytes,
    is_encrypted: bool,
    /// Bytes of its data, as they were given, and its partition key.
    size: u64,
}

/// What became of a record.
struct Fate {
    shard: u32,
    /// `None` if the shard took no more.
    sequence: Option<String>,
}

/// Writes a record.
///
/// # Errors
/// `ResourceNotFoundException`, `InvalidArgumentException`, `ValidationException`,
/// `ProvisionedThroughputExceededException`, those of KMS.
pub async fn put_record(service: &Kinesis, cx: &Ctx, input: PutRecordInput) -> Result<PutRecordOutput, Error> {
    let (name, arn, id) = (input.stream_name.as_deref(), input.stream_arn.as_deref(), input.stream_id.as_deref());
    let name = StreamName::new(cx, name, arn, id)?;
    let stream = service.stream(&name).await?;
    stream.check_usable(&name)?;
    if let Some(text) = &input.sequence_number_for_ordering {
        check_ordering(service, &name, text)?;
    }
    let entry = PutRecordsRequestEntry {
        data: input.data,
        explicit_hash_key: input.explicit_hash_key,
        partition_key: input.partition_key,
        ..Default::default()
    };
    let arrival = arrival(cx, &name, &stream, entry, "").await?;
    if input.dry_run == Some(true) {
        return Err(dry_run());
    }
    let encryption_type = stream.key_id.as_ref().map(|_| stream.encryption().to_owned());
    let fate = write(service, &name, &stream, vec![arrival]).await?.pop();
    let Some(Fate { shard, sequence }) = fate else { return Err(rows::damaged("a record has no fate")) };
    let sequence_number = sequence.ok_or_else(|| write_rate(&name, &shard_id(shard)))?;
    Ok(PutRecordOutput { shard_id: shard_id(shard), sequence_number, encryption_type })
}

/// Writes records. Those whose shard takes no more fail alone.
///
/// # Errors
/// As for [`put_record`], but for the throughput.
pub async fn put_records(service: &Kinesis, cx: &Ctx, input: PutRecordsInput) -> Result<PutRecordsOutput, Error> {
    let (name, arn, id) = (input.stream_name.as_deref(), input.stream_arn.as_deref(), input.stream_id.as_deref());
    let name = StreamName::new(cx, name, arn, id)?;
    let stream = service.stream(&name).await?;
    stream.check_usable(&name)?;
    let size = |entry: &PutRecordsRequestEntry| entry.data.len() + entry.partition_key.as_ref().map_or(0, String::len);
    if input.records.iter().map(size).sum::<usize>() > PUT_BYTES_MAX {
        return Err(invalid("Records size exceeds 10 MB limit"));
    }
    let mut arrivals = Vec::with_capacity(input.records.len());
    for (index, entry) in input.records.into_iter().enumerate() {
        let place = format!("records.{}.member.", index + 1);
        arrivals.push(arrival(cx, &name, &stream, entry, &place).await?);
    }
    if input.dry_run == Some(true) {
        return Err(dry_run());
    }
    let fates = write(service, &name, &stream, arrivals).await?;
    let failed = fates.iter().filter(|fate| fate.sequence.is_none()).count();
    Ok(PutRecordsOutput {
        failed_record_count: Some(failed as i32),
        records: fates.into_iter().map(|fate| result(&name, fate)).collect(),
        encryption_type: stream.key_id.as_ref().map(|_| stream.encryption().to_owned()),
    })
}

fn result(name: &StreamName, fate: Fate) -> PutRecordsResultEntry {
    let shard = shard_id(fate.shard);
    match fate.sequence {
        Some(sequence) => {
            PutRecordsResultEntry { sequence_number: Some(sequence), shard_id: Some(shard), ..Default::default() }
        }
        None => PutRecordsResultEntry {
            error_code: Some(modelled::PROVISIONED_THROUGHPUT_EXCEEDED_EXCEPTION.name.to_owned()),
            error_message: Some(write_rate_text(name, &shard)),
            ..Default::default()
        },
    }
}

/// A record's number is greater than that of every record before it, so any number given out by now will do.
fn check_ordering(service: &Kinesis, name: &StreamName, text: &str) -> Result<(), Error> {
    let number = SequenceNumber::parse(text);
    if number.is_some_and(|number| number.arrived * 1_000 <= service.now()) {
        return Ok(());
    }
    Err(invalid(format!(
        "ExclusiveMinimumSequenceNumber {text} used in PutRecord on stream {} under account {} is invalid.",
        name.name, name.account
    )))
}

/// A record as it will be stored; `place` is in front of its members' names in errors.
async fn arrival(
    cx: &Ctx,
    name: &StreamName,
    stream: &Stream,
    entry: PutRecordsRequestEntry,
    place: &str,
) -> Result<Arrival, Error> {
    let most = stream.record_kib as usize * 1_024;
    if entry.data.len() > most {
        return Err(constraint(format!(
            "Value at '{place}data' failed to satisfy constraint: Member must have length less than or equal to {most}"
        )));
    }
    let partition_key = entry.partition_key.ok_or_else(|| {
        constraint(format!("Value null at '{place}partitionKey' failed to satisfy constraint: Member must not be null"))
    })?;
    let hash = match &entry.explicit_hash_key {
        None => HashKey::of_partition_key(&partition_key),
        Some(text) => HashKey::parse(text).ok_or_else(|| {
            invalid(format!(
                "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was {text}"
            ))
        })?,
    };
    let size = (entry.data.len() + partition_key.len()) as u64;
    let data = match &stream.key_id {
        Some(key) => encryption::seal(cx, name, key, &entry.data).await?,
        None => entry.data,
    };
    Ok(Arrival { hash, partition_key, data, is_encrypted: stream.key_id.is_some(), size })
}

/// Writes records in one transaction, each to the end of its shard.
async fn write(
    service: &Kinesis,
    name: &StreamName,
    stream: &Stream,
    arrivals: Vec<Arrival>,
) -> Result<Vec<Fate>, Error> {
    let (named, number, now) = (name.clone(), stream.number, service.now());
    service
        .transact(&name.partition(), move |transaction| {
            let mut stream = rows::stream(transaction, &named)?;
            stream.check_usable(&named)?;
            if stream.number != number {
                return Err(crate::errors::no_stream(&named).into());
            }
            let mut ends =
                Ends { stream: number, now, shards: Vec::new(), heads: HashMap::new(), full: BTreeSet::new() };
            let mut fates = Vec::with_capacity(arrivals.len());
            for arrival in &arrivals {
                fates.push(ends.append(transaction, arrival)?);
            }
            for (shard, head) in ends.heads {
                transaction.put(&keys::head(number, shard), &head.encode());
            }
            let mut scaled = false;
            for shard in ends.shards.iter().filter(|shard| ends.full.contains(&shard.number)) {
                scaled |= reshard::relieve(transaction, &mut stream, shard, now)?;
            }
            if scaled {
                rows::put(transaction, &keys::stream(&named.name), &stream)?;
            }
            Ok(fates)
        })
        .await
}

/// The ends of the shards that a call writes to.
struct Ends {
    stream: u64,
    now: i64,
    shards: Vec<Shard>,
    heads: HashMap<u32, Head>,
    /// Numbers of the shards that were offered more than they take.
    full: BTreeSet<u32>,
}

impl Ends {
    fn append(&mut self, transaction: &mut dyn Transaction, arrival: &Arrival) -> Result<Fate, Abort<Error>> {
        let shard = self.shard(transaction, arrival.hash)?;
        let head = self.heads.get_mut(&shard.number).ok_or_else(|| rows::damaged("a shard has no head"))?;
        let now = self.now;
        let is_taken = head.bytes.takes(now, WRITE_BYTES_PER_SECOND, arrival.size)
            && head.records.takes(now, WRITE_RECORDS_PER_SECOND, 1);
        if !is_taken {
            self.full.insert(shard.number);
            return Ok(Fate { shard: shard.number, sequence: None });
        }
        head.bytes.add(now, WRITE_BYTES_PER_SECOND, arrival.size);
        head.records.add(now, WRITE_RECORDS_PER_SECOND, 1);
        head.last_arrival = head.last_arrival.max(now);
        let place = Place { stream: self.stream, shard: shard.number, position: head.next };
        head.next += 1;
        let sequence = shard.sequence(place.position, head.last_arrival).text();
        let record = Record {
            arrived_at: head.last_arrival,
            partition_key: arrival.partition_key.clone(),
            data: arrival.data.clone(),
            is_encrypted: arrival.is_encrypted,
        };
        record::write(transaction, place, &record);
        Ok(Fate { shard: shard.number, sequence: Some(sequence) })
    }

    /// The shard that takes a hash key; its head is at hand then.
    fn shard(&mut self, transaction: &mut dyn Transaction, hash: HashKey) -> Result<Shard, Abort<Error>> {
        if let Some(known) = self.shards.iter().find(|shard| shard.holds(hash)) {
            return Ok(known.clone());
        }
        let shard = reshard::shard_of(transaction, self.stream, hash)?;
        self.heads.insert(shard.number, rows::head(transaction, self.stream, shard.number)?);
        self.shards.push(shard.clone());
        Ok(shard)
    }
}
