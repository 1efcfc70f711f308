//! Streams of DynamoDB and of Kinesis, as far as pollers have to tell them apart.

use std::sync::Arc;

use api::dynamodbstreams::{self, DescribeStreamInput};
use api::kinesis::{self, ListShardsInput};
use platform::{Platform, Principal};
use wire::{Error, Timestamp};

use super::record::{self, Record};

/// Most shards of a stream that are read. Kinesis quotas: 20,000 shards an account in the largest regions.
const SHARDS_MAX: usize = 20_000;

/// Most records of one call of DynamoDB Streams (API reference, GetRecords).
const DYNAMODB_RECORDS_MAX: usize = 1_000;

/// Most records of one call of Kinesis (API reference, GetRecords).
const KINESIS_RECORDS_MAX: usize = 10_000;

/// A stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    kind: Kind,
    /// The ARN in the mapping: the stream's, or that of a consumer of it.
    arn: String,
    stream_arn: String,
    region: String,
    account: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    DynamoDb,
    Kinesis,
}

/// A shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shard {
    /// Its id.
    pub id: String,
    /// The shards whose records come before its own.
    pub parents: Vec<String>,
}

/// Where to read on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Position {
    /// With the oldest record.
    Oldest,
    /// With the first record since then, in milliseconds since 1970.
    Since(i64),
    /// Behind the record with this sequence number.
    After(String),
}

/// Records that were read.
#[derive(Debug, Default)]
pub struct Page {
    /// The records, in order.
    pub records: Vec<Record>,
    /// The iterator to go on with; `None` at the end of the shard.
    pub next: Option<String>,
}

/// Why a stream cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceError {
    /// It does not exist.
    Absent,
    /// The role may not read it.
    Denied,
}

impl Source {
    /// The stream with this ARN.
    pub fn of_arn(arn: &str) -> Option<Source> {
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let ["arn", _, service, region, account, name] = parts.as_slice() else { return None };
        let (kind, stream_arn) = match *service {
            "dynamodb" if name.starts_with("table/") && name.contains("/stream/") => (Kind::DynamoDb, arn),
            "kinesis" if name.starts_with("stream/") => {
                (Kind::Kinesis, arn.split_once("/consumer/").map_or(arn, |(stream, _)| stream))
            }
            _ => return None,
        };
        let (region, account) = ((*region).to_owned(), (*account).to_owned());
        Some(Source { kind, arn: arn.to_owned(), stream_arn: stream_arn.to_owned(), region, account })
    }

    /// Whether it is a stream of Kinesis.
    pub fn is_kinesis(&self) -> bool {
        self.kind == Kind::Kinesis
    }

    /// The ARN that events and records of failures name.
    pub fn arn(&self) -> &str {
        &self.arn
    }

    /// The region of the stream.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Most records of one call.
    pub fn records_max(&self) -> usize {
        match self.kind {
            Kind::DynamoDb => DYNAMODB_RECORDS_MAX,
            Kind::Kinesis => KINESIS_RECORDS_MAX,
        }
    }

    /// Checks that the stream is there and that the role may read it.
    ///
    /// # Errors
    /// What the stream's service answers, unless it is one of [`SourceError`].
    pub async fn check(&self, platform: &Arc<Platform>, role: Principal) -> Result<Result<(), SourceError>, Error> {
        let outcome = async {
            if self.arn != self.stream_arn {
                let input = kinesis::DescribeStreamConsumerInput {
                    consumer_arn: Some(self.arn.clone()),
                    ..kinesis::DescribeStreamConsumerInput::default()
                };
                let (account, region) = (&self.account, &self.region);
                platform.call_as::<kinesis::DescribeStreamConsumer>(role.clone(), account, region, input).await?;
            }
            self.shards(platform, role).await
        };
        match outcome.await {
            Ok(_) => Ok(Ok(())),
            Err(error) if error.is("ResourceNotFoundException") => Ok(Err(SourceError::Absent)),
            Err(error) if error.is("AccessDeniedException") => Ok(Err(SourceError::Denied)),
            Err(error) => Err(error),
        }
    }

    /// The shards there are.
    ///
    /// # Errors
    /// What the stream's service answers.
    pub async fn shards(&self, platform: &Arc<Platform>, role: Principal) -> Result<Vec<Shard>, Error> {
        match self.kind {
            Kind::DynamoDb => self.table_shards(platform, role).await,
            Kind::Kinesis => self.kinesis_shards(platform, role).await,
        }
    }

    async fn table_shards(&self, platform: &Arc<Platform>, role: Principal) -> Result<Vec<Shard>, Error> {
        let mut shards = Vec::new();
        let mut after = None;
        while shards.len() < SHARDS_MAX {
            let input = DescribeStreamInput {
                stream_arn: self.stream_arn.clone(),
                exclusive_start_shard_id: after,
                ..DescribeStreamInput::default()
            };
            let (account, region) = (&self.account, &self.region);
            let call = platform.call_as::<dynamodbstreams::DescribeStream>(role.clone(), account, region, input);
            let description = call.await?.stream_description.unwrap_or_default();
            shards.extend(description.shards.unwrap_or_default().into_iter().map(|shard| Shard {
                id: shard.shard_id.unwrap_or_default(),
                parents: shard.parent_shard_id.into_iter().collect(),
            }));
            after = description.last_evaluated_shard_id;
            if after.is_none() {
                break;
            }
        }
        Ok(shards)
    }

    async fn kinesis_shards(&self, platform: &Arc<Platform>, role: Principal) -> Result<Vec<Shard>, Error> {
        let mut shards = Vec::new();
        let mut token = None;
        while shards.len() < SHARDS_MAX {
            let input = ListShardsInput {
                stream_arn: token.is_none().then(|| self.stream_arn.clone()),
                next_token: token,
                ..ListShardsInput::default()
            };
            let (account, region) = (&self.account, &self.region);
            let page = platform.call_as::<kinesis::ListShards>(role.clone(), account, region, input).await?;
            shards.extend(page.shards.unwrap_or_default().into_iter().map(|shard| Shard {
                id: shard.shard_id,
                parents: shard.parent_shard_id.into_iter().chain(shard.adjacent_parent_shard_id).collect(),
            }));
            token = page.next_token;
            if token.is_none() {
                break;
            }
        }
        Ok(shards)
    }

    /// An iterator. What is no longer there is passed over.
    ///
    /// # Errors
    /// What the stream's service answers.
    pub async fn iterator(
        &self,
        platform: &Arc<Platform>,
        role: Principal,
        shard: &str,
        position: &Position,
    ) -> Result<Option<String>, Error> {
        let found = self.iterator_at(platform, role.clone(), shard, position).await;
        match found {
            // The record was trimmed: reading goes on with the oldest one that was not.
            Err(error) if is_trimmed(&error) => self.iterator_at(platform, role, shard, &Position::Oldest).await,
            other => other,
        }
    }

    async fn iterator_at(
        &self,
        platform: &Arc<Platform>,
        role: Principal,
        shard: &str,
        position: &Position,
    ) -> Result<Option<String>, Error> {
        let (kind, number, since) = match position {
            Position::Oldest => ("TRIM_HORIZON", None, None),
            Position::Since(at) => ("AT_TIMESTAMP", None, Some(Timestamp::from_milliseconds(*at))),
            Position::After(number) => ("AFTER_SEQUENCE_NUMBER", Some(number.clone()), None),
        };
        let (account, region) = (&self.account, &self.region);
        if self.is_kinesis() {
            let input = kinesis::GetShardIteratorInput {
                stream_arn: Some(self.stream_arn.clone()),
                shard_id: shard.to_owned(),
                shard_iterator_type: kind.to_owned(),
                starting_sequence_number: number,
                timestamp: since,
                ..kinesis::GetShardIteratorInput::default()
            };
            let output = platform.call_as::<kinesis::GetShardIterator>(role, account, region, input).await?;
            return Ok(output.shard_iterator);
        }
        let input = dynamodbstreams::GetShardIteratorInput {
            stream_arn: self.stream_arn.clone(),
            shard_id: shard.to_owned(),
            shard_iterator_type: kind.to_owned(),
            sequence_number: number,
            timestamp: since,
            ..dynamodbstreams::GetShardIteratorInput::default()
        };
        let output = platform.call_as::<dynamodbstreams::GetShardIterator>(role, account, region, input).await?;
        Ok(output.shard_iterator)
    }

    /// Reads records.
    ///
    /// # Errors
    /// What the stream's service answers.
    pub async fn records(
        &self,
        platform: &Arc<Platform>,
        role: Principal,
        role_arn: &str,
        shard: &str,
        iterator: &str,
        limit: usize,
    ) -> Result<Page, Error> {
        let (account, region) = (&self.account, &self.region);
        let limit = Some(limit.clamp(1, self.records_max()) as i32);
        if self.is_kinesis() {
            let input = kinesis::GetRecordsInput {
                shard_iterator: iterator.to_owned(),
                limit,
                stream_arn: Some(self.stream_arn.clone()),
                ..kinesis::GetRecordsInput::default()
            };
            let output = platform.call_as::<kinesis::GetRecords>(role, account, region, input).await?;
            let convert = |read| record::of_kinesis(self, shard, role_arn, read);
            return Ok(Page {
                records: output.records.into_iter().map(convert).collect(),
                next: output.next_shard_iterator,
            });
        }
        let input = dynamodbstreams::GetRecordsInput {
            shard_iterator: iterator.to_owned(),
            limit,
            ..dynamodbstreams::GetRecordsInput::default()
        };
        let output = platform.call_as::<dynamodbstreams::GetRecords>(role, account, region, input).await?;
        let records = output.records.unwrap_or_default();
        Ok(Page {
            records: records.into_iter().map(|read| record::of_table(self, read)).collect(),
            next: output.next_shard_iterator,
        })
    }
}

fn is_trimmed(error: &Error) -> bool {
    error.is("TrimmedDataAccessException") || error.is("InvalidArgumentException")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_told_by_their_arns() {
        let table = Source::of_arn("arn:aws:dynamodb:r:1:table/t/stream/2024-01-01T00:00:00.000").unwrap();
        assert!(!table.is_kinesis() && table.records_max() == 1_000);
        let consumer = Source::of_arn("arn:aws:kinesis:r:1:stream/s/consumer/c:1").unwrap();
        assert_eq!((consumer.stream_arn.as_str(), consumer.is_kinesis()), ("arn:aws:kinesis:r:1:stream/s", true));
        for other in ["arn:aws:dynamodb:r:1:table/t", "arn:aws:sqs:r:1:q", "stream"] {
            assert_eq!(Source::of_arn(other), None, "{other}");
        }
    }
}
