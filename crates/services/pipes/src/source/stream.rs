//! Records of a stream: of Kinesis, or of what happens to a table of DynamoDB. Each shard is read in order, and a shard's
//! children after it. What cannot be handed on holds its shard up until it can be, or is given up as the pipe says.

use std::collections::HashSet;
use std::sync::Arc;

use api::{dynamodbstreams as table, kinesis, sns, sqs};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use platform::{OrFailure, Principal};
use serde_json::{Value, json};
use wire::{Error, Timestamp};

use crate::document;
use crate::errors::validation;
use crate::events::{passes, patterns};
use crate::limits::{RECORDS_DEFAULT, SHARDS_MAX, STREAM_PAUSE};
use crate::names::arn_parts;
use crate::record::{Pipe, Place};
use crate::running::principal;
use crate::service::Pipes;
use crate::target;
use crate::{keys, rows};

/// A shard, as far as reading it goes.
struct Shard {
    id: String,
    parents: Vec<String>,
}

/// A record.
struct Record {
    number: String,
    arrived: Timestamp,
    event: Value,
}

/// What was read of a shard.
struct Read {
    records: Vec<Record>,
    is_at_end: bool,
}

/// A stream, and as whom it is read.
struct Stream<'a> {
    service: &'a Arc<Pipes>,
    pipe: &'a Pipe,
    principal: Principal,
    account: &'a str,
    region: &'a str,
    is_table: bool,
    settings: Settings,
}

/// What a pipe says of reading its stream.
struct Settings {
    start: String,
    start_time: Option<Timestamp>,
    most: usize,
    retries: Option<u32>,
    age_seconds: Option<i64>,
    bisects: bool,
    dead_letters: Option<String>,
}

impl Settings {
    fn of(pipe: &Pipe) -> Settings {
        let parameters = pipe.source_parameters();
        let most = |size: Option<i32>| size.and_then(|size| usize::try_from(size).ok()).unwrap_or(RECORDS_DEFAULT);
        let retries = |retries: Option<i32>| retries.and_then(|retries| u32::try_from(retries).ok());
        let age = |age: Option<i32>| age.map(i64::from).filter(|age| *age >= 0);
        if let Some(stream) = parameters.kinesis_stream_parameters {
            return Settings {
                start: stream.starting_position,
                start_time: stream.starting_position_timestamp,
                most: most(stream.batch_size),
                retries: retries(stream.maximum_retry_attempts),
                age_seconds: age(stream.maximum_record_age_in_seconds),
                bisects: stream.on_partial_batch_item_failure.is_some(),
                dead_letters: stream.dead_letter_config.and_then(|config| config.arn),
            };
        }
        let stream = parameters.dynamodb_stream_parameters.unwrap_or_default();
        Settings {
            start: stream.starting_position,
            start_time: None,
            most: most(stream.batch_size),
            retries: retries(stream.maximum_retry_attempts),
            age_seconds: age(stream.maximum_record_age_in_seconds),
            bisects: stream.on_partial_batch_item_failure.is_some(),
            dead_letters: stream.dead_letter_config.and_then(|config| config.arn),
        }
    }
}

/// Looks at every shard once.
///
/// # Errors
/// What holds the pipe up.
pub async fn round(service: &Arc<Pipes>, pipe: &Pipe) -> Result<(), Error> {
    let (kind, region, account, _) = arn_parts(&pipe.source).ok_or_else(|| validation("no ARN"))?;
    let principal = principal(service, pipe).await?;
    let (is_table, settings) = (kind == "dynamodb", Settings::of(pipe));
    let stream = Stream { service, pipe, principal, account, region, is_table, settings };
    let shards = stream.shards().await?;
    let listed: HashSet<String> = shards.iter().map(|shard| shard.id.clone()).collect();
    let (mut is_idle, mut held_up, mut open) = (true, None, HashSet::new());
    for shard in &shards {
        let place = stream.place(&shard.id).await?;
        let waits = shard.parents.iter().any(|parent| listed.contains(parent) && open.contains(parent));
        if place.is_done {
            continue;
        }
        open.insert(shard.id.clone());
        if waits {
            continue;
        }
        match stream.take(shard, place).await {
            Ok(found) => is_idle &= !found,
            Err(error) => held_up = Some(error),
        }
    }
    if is_idle && held_up.is_none() {
        service.platform.clock.sleep(STREAM_PAUSE).await;
    }
    held_up.map_or(Ok(()), Err)
}

impl Stream<'_> {
    async fn place(&self, shard: &str) -> Result<Place, Error> {
        let key = keys::place(&self.pipe.id, shard);
        let row = self.service.platform.store.get(&keys::partition(), &key).await.or_failure()?;
        row.map_or_else(|| Ok(Place::default()), |row| rows::decode(&row))
    }

    async fn keep(&self, shard: &str, place: Place) -> Result<(), Error> {
        let key = keys::place(&self.pipe.id, shard);
        self.service.transact(move |transaction| rows::put(transaction, &key, &place)).await
    }

    /// Takes the next batch of a shard. Answers whether there was anything.
    async fn take(&self, shard: &Shard, mut place: Place) -> Result<bool, Error> {
        let read = match self.read(shard, &place).await {
            Ok(read) => read,
            Err(error) => {
                // What was not read in time is gone; reading goes on with what is there.
                if error.is("TrimmedDataAccessException") {
                    self.keep(&shard.id, Place::default()).await?;
                }
                return Err(error);
            }
        };
        let Some(last) = read.records.last().map(|record| record.number.clone()) else {
            if read.is_at_end {
                place.is_done = true;
                self.keep(&shard.id, place).await?;
            }
            return Ok(false);
        };
        let patterns = patterns(self.pipe);
        let wanted: Vec<&Record> = {
            let is_wanted = |record: &&Record| !self.is_too_early(record) && passes(&patterns, &record.event);
            read.records.iter().filter(is_wanted).collect()
        };
        let events: Vec<Value> = wanted.iter().map(|record| record.event.clone()).collect();
        let ids: Vec<String> = wanted.iter().map(|record| record.number.clone()).collect();
        let outcome = match events.is_empty() {
            true => target::Outcome::default(),
            false => target::deliver(self.service, self.pipe, &self.principal, &events, &ids).await,
        };
        let Some(error) = outcome.error else {
            self.keep(&shard.id, Place { after: Some(last), ..Place::default() }).await?;
            return Ok(true);
        };
        let first = outcome.failed.iter().min().copied().unwrap_or_default();
        self.failed(shard, place, &wanted, first, last, error).await?;
        Ok(true)
    }

    /// Notes that the records of a batch from a place on could not be handed on, or gives them up.
    async fn failed(
        &self,
        shard: &Shard,
        place: Place,
        wanted: &[&Record],
        first: usize,
        last: String,
        error: Error,
    ) -> Result<(), Error> {
        let now = self.service.now();
        let rest = wanted.get(first..).unwrap_or_default();
        // Halving a batch is no retry (user guide, "Batching and concurrency").
        let is_halved = self.settings.bisects && rest.len() > 1 && first == 0;
        let tried = if is_halved { place.tried } else { place.tried.saturating_add(1) };
        let age = rest.first().map_or(0, |record| now.saturating_sub(record.arrived.milliseconds()));
        let condition = if self.settings.age_seconds.is_some_and(|most| age >= most * 1_000) {
            Some("RecordAgeExceeded")
        } else if self.settings.retries.is_some_and(|most| tried > most) {
            Some("RetryAttemptsExhausted")
        } else {
            None
        };
        let after = match first.checked_sub(1).and_then(|before| wanted.get(before)) {
            Some(before) => Some(before.number.clone()),
            None => place.after.clone(),
        };
        if let Some(condition) = condition {
            self.bury(shard, rest, condition).await?;
            return self.keep(&shard.id, Place { after: Some(last), ..Place::default() }).await;
        }
        let is_further = first > 0;
        let most = match is_halved {
            true => Some(rest.len().div_ceil(2)),
            false => place.most.filter(|_| !is_further),
        };
        let tried = if is_further { 0 } else { tried };
        self.keep(&shard.id, Place { after, is_done: false, tried, most }).await?;
        Err(error)
    }

    /// Tells the queue or topic for dead letters which records were given up.
    async fn bury(&self, shard: &Shard, records: &[&Record], condition: &str) -> Result<(), Error> {
        let (Some(arn), Some(first), Some(last)) = (&self.settings.dead_letters, records.first(), records.last())
        else {
            return Ok(());
        };
        let text = |at: Timestamp| {
            let mut text = String::new();
            at.write_iso8601_milliseconds(&mut text);
            text
        };
        let batch = json!({
            "shardId": shard.id,
            "startSequenceNumber": first.number,
            "endSequenceNumber": last.number,
            "approximateArrivalOfFirstRecord": text(first.arrived),
            "approximateArrivalOfLastRecord": text(last.arrived),
            "batchSize": records.len(),
            "streamArn": self.pipe.source,
        });
        let mut letter = json!({
            "context": {"partnerResourceArn": self.pipe.name.arn(), "condition": condition},
            "version": "1.0",
            "timestamp": text(self.service.platform.clock.now()),
        });
        letter[if self.is_table { "DDBStreamBatchInfo" } else { "KinesisBatchInfo" }] = batch;
        let (kind, region, account, name) = arn_parts(arn).ok_or_else(|| validation("no ARN"))?;
        let (platform, principal, body) = (&self.service.platform, self.principal.clone(), letter.to_string());
        if kind == "sns" {
            let call = sns::PublishInput { topic_arn: Some(arn.clone()), message: body, ..Default::default() };
            return platform.call_as::<sns::Publish>(principal, account, region, call).await.map(drop);
        }
        let queue_url = format!("{}/{account}/{name}", platform.config.endpoint);
        let call = sqs::SendMessageRequest { queue_url, message_body: body, ..Default::default() };
        platform.call_as::<sqs::SendMessage>(principal, account, region, call).await.map(drop)
    }

    /// The shards of the stream, oldest first.
    async fn shards(&self) -> Result<Vec<Shard>, Error> {
        let (platform, stream) = (&self.service.platform, self.pipe.source.clone());
        let (mut shards, mut from) = (Vec::new(), None);
        loop {
            let next = if self.is_table {
                let input = table::DescribeStreamInput {
                    stream_arn: stream.clone(),
                    exclusive_start_shard_id: from,
                    ..Default::default()
                };
                let call =
                    platform.call_as::<table::DescribeStream>(self.principal.clone(), self.account, self.region, input);
                let description = call.await?.stream_description.unwrap_or_default();
                shards.extend(description.shards.into_iter().flatten().map(|shard| Shard {
                    id: shard.shard_id.unwrap_or_default(),
                    parents: shard.parent_shard_id.into_iter().collect(),
                }));
                description.last_evaluated_shard_id
            } else {
                let stream_arn = from.is_none().then(|| stream.clone());
                let input = kinesis::ListShardsInput { stream_arn, next_token: from, ..Default::default() };
                let call =
                    platform.call_as::<kinesis::ListShards>(self.principal.clone(), self.account, self.region, input);
                let answer = call.await?;
                shards.extend(answer.shards.into_iter().flatten().map(|shard| Shard {
                    id: shard.shard_id,
                    parents: shard.parent_shard_id.into_iter().chain(shard.adjacent_parent_shard_id).collect(),
                }));
                answer.next_token
            };
            if next.is_none() || shards.len() >= SHARDS_MAX {
                return Ok(shards);
            }
            from = next;
        }
    }

    /// The next records of a shard.
    async fn read(&self, shard: &Shard, place: &Place) -> Result<Read, Error> {
        let most = place.most.unwrap_or(self.settings.most).min(self.settings.most);
        let limit = Some(i32::try_from(most).unwrap_or(i32::MAX));
        let start = match (&place.after, self.settings.start.as_str()) {
            (Some(_), _) => "AFTER_SEQUENCE_NUMBER",
            // What comes between two looks must not be missed: the latest records are those since the pipe was made.
            (None, "LATEST") if !self.is_table => "AT_TIMESTAMP",
            (None, _) if self.is_table => "TRIM_HORIZON",
            (None, start) => start,
        };
        if self.is_table {
            self.read_table(shard, place, start, limit).await
        } else {
            self.read_kinesis(shard, place, start, limit).await
        }
    }

    /// When the first record came that the pipe takes, unless it takes all there are.
    fn start_time(&self) -> Option<Timestamp> {
        let is_latest = self.settings.start == "LATEST";
        let made = Timestamp::from_milliseconds(self.pipe.created_at);
        if is_latest { Some(made) } else { self.settings.start_time }
    }

    /// Whether a record came before the first that the pipe takes. Streams of tables tell whole seconds.
    fn is_too_early(&self, record: &Record) -> bool {
        self.is_table && self.start_time().is_some_and(|start| record.arrived.seconds < start.seconds)
    }

    async fn read_kinesis(&self, shard: &Shard, place: &Place, start: &str, limit: Option<i32>) -> Result<Read, Error> {
        let platform = &self.service.platform;
        let input = kinesis::GetShardIteratorInput {
            stream_arn: Some(self.pipe.source.clone()),
            shard_id: shard.id.clone(),
            shard_iterator_type: start.to_owned(),
            starting_sequence_number: place.after.clone(),
            timestamp: self.start_time().filter(|_| start == "AT_TIMESTAMP"),
            ..Default::default()
        };
        let principal = || self.principal.clone();
        let call = platform.call_as::<kinesis::GetShardIterator>(principal(), self.account, self.region, input);
        let shard_iterator = call.await?.shard_iterator.unwrap_or_default();
        let input = kinesis::GetRecordsInput { shard_iterator, limit, ..Default::default() };
        let answer = platform.call_as::<kinesis::GetRecords>(principal(), self.account, self.region, input).await?;
        let is_at_end = answer.next_shard_iterator.is_none();
        let records = answer.records.into_iter().map(|record| self.kinesis_record(shard, record)).collect();
        Ok(Read { records, is_at_end })
    }

    /// A record as pipes see it (user guide, "Amazon Kinesis stream as a source").
    fn kinesis_record(&self, shard: &Shard, record: kinesis::Record) -> Record {
        let arrived = record.approximate_arrival_timestamp.unwrap_or(Timestamp { seconds: 0, nanoseconds: 0 });
        let event = json!({
            "kinesisSchemaVersion": "1.0",
            "partitionKey": record.partition_key,
            "sequenceNumber": record.sequence_number,
            "data": BASE64.encode(&record.data),
            "approximateArrivalTimestamp": arrived.as_seconds(),
            "eventSource": "aws:kinesis",
            "eventVersion": "1.0",
            "eventID": format!("{}:{}", shard.id, record.sequence_number),
            "eventName": "aws:kinesis:record",
            "invokeIdentityArn": self.pipe.role,
            "awsRegion": self.region,
            "eventSourceARN": self.pipe.source,
        });
        Record { number: record.sequence_number, arrived, event }
    }

    async fn read_table(&self, shard: &Shard, place: &Place, start: &str, limit: Option<i32>) -> Result<Read, Error> {
        let platform = &self.service.platform;
        let input = table::GetShardIteratorInput {
            stream_arn: self.pipe.source.clone(),
            shard_id: shard.id.clone(),
            shard_iterator_type: start.to_owned(),
            sequence_number: place.after.clone(),
            ..Default::default()
        };
        let principal = || self.principal.clone();
        let call = platform.call_as::<table::GetShardIterator>(principal(), self.account, self.region, input);
        let shard_iterator = call.await?.shard_iterator.unwrap_or_default();
        let limit = limit.map(|limit| limit.min(1_000));
        let input = table::GetRecordsInput { shard_iterator, limit, ..Default::default() };
        let answer = platform.call_as::<table::GetRecords>(principal(), self.account, self.region, input).await?;
        let is_at_end = answer.next_shard_iterator.is_none();
        let convert = |record: table::Record| {
            let mut event = document::value(&record);
            event["eventSourceARN"] = json!(self.pipe.source);
            let change = record.dynamodb.unwrap_or_default();
            let none = Timestamp { seconds: 0, nanoseconds: 0 };
            let arrived = change.approximate_creation_date_time.unwrap_or(none);
            Record { number: change.sequence_number.unwrap_or_default(), arrived, event }
        };
        Ok(Read { records: answer.records.into_iter().flatten().map(convert).collect(), is_at_end })
    }
}
