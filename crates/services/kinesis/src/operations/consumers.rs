//! Consumers with throughput of their own, and what they have in common with streams: tags and a policy.

use std::collections::BTreeMap;

use api::kinesis::{
    ConsumerDescription, DeregisterStreamConsumerInput, DescribeStreamConsumerInput, DescribeStreamConsumerOutput,
    ListStreamConsumersInput, ListStreamConsumersOutput, RegisterStreamConsumerInput, RegisterStreamConsumerOutput,
    errors as modelled,
};
use platform::{Ctx, OrFailure};
use serde::{Deserialize, Serialize};
use store::{Abort, Direction, Snapshot, Transaction};
use wire::Error;

use crate::errors::{invalid, limit, no_consumer, no_stream};
use crate::limits::{CONSUMERS_MAX, TOKEN_MS};
use crate::names::{ConsumerName, StreamName};
use crate::operations::tags::check_tags;
use crate::service::Kinesis;
use crate::stream::{Consumer, Status, Stream, seconds};
use crate::{keys, rows, token};

/// Consumers that are listed unless the caller asks for another number (API reference).
const CONSUMERS_DEFAULT: usize = 100;

/// What tokens are made for.
const PURPOSE: &str = "kinesis/list-consumers";

/// Where a listing goes on.
#[derive(Serialize, Deserialize)]
struct Token {
    arn: String,
    after: String,
    made_at: i64,
}

/// A stream or a consumer.
pub enum Resource {
    /// A stream.
    Stream(StreamName),
    /// A consumer.
    Consumer(ConsumerName),
}

impl Resource {
    /// The resource of an ARN.
    ///
    /// # Errors
    /// `InvalidArgumentException`.
    pub fn new(cx: &Ctx, arn: &str, id: Option<&str>) -> Result<Resource, Error> {
        if arn.contains("/consumer/") {
            return ConsumerName::new(cx, Some(arn), None, None).map(Resource::Consumer);
        }
        StreamName::new(cx, None, Some(arn), id).map(Resource::Stream)
    }

    /// The stream itself, or the consumer's.
    pub fn stream(&self) -> &StreamName {
        match self {
            Resource::Stream(name) => name,
            Resource::Consumer(consumer) => &consumer.stream,
        }
    }
}

/// What streams and consumers have in common.
pub struct Fields<'a> {
    /// Tags.
    pub tags: &'a mut BTreeMap<String, String>,
    /// The resource policy.
    pub policy: &'a mut Option<String>,
}

/// Changes the tags or the policy of a resource.
///
/// # Errors
/// `ResourceNotFoundException`, and the closure's own.
pub async fn change_resource<F>(service: &Kinesis, resource: Resource, closure: F) -> Result<(), Error>
where
    F: Fn(Fields<'_>) -> Result<(), Abort<Error>> + Send + Sync + 'static,
{
    let name = resource.stream().clone();
    service
        .change(&name, move |transaction, stream| match &resource {
            Resource::Stream(_) => closure(Fields { tags: &mut stream.tags, policy: &mut stream.policy }),
            Resource::Consumer(named) => {
                let mut consumer = find(transaction, stream, named)?;
                closure(Fields { tags: &mut consumer.tags, policy: &mut consumer.policy })?;
                rows::put(transaction, &keys::consumer(stream.number, &consumer.name), &consumer)
            }
        })
        .await
}

/// What is known of a resource.
pub struct Known {
    /// Its ARN.
    pub arn: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Its resource policy.
    pub policy: Option<String>,
}

/// What is known of a resource.
///
/// # Errors
/// `ResourceNotFoundException`.
pub async fn resource(service: &Kinesis, resource: &Resource) -> Result<Known, Error> {
    let snapshot = service.snapshot(&resource.stream().partition()).await?;
    let stream = rows::stream_of(&snapshot, resource.stream()).await?;
    match resource {
        Resource::Stream(name) => Ok(Known { arn: name.arn(), tags: stream.tags, policy: stream.policy }),
        Resource::Consumer(name) => {
            let consumer = consumer_of(&snapshot, &stream, name).await?;
            Ok(Known { arn: consumer.arn(&name.stream), tags: consumer.tags, policy: consumer.policy })
        }
    }
}

fn find(transaction: &mut dyn Transaction, stream: &Stream, name: &ConsumerName) -> Result<Consumer, Abort<Error>> {
    let found = rows::read::<Consumer>(transaction, &keys::consumer(stream.number, &name.name))?;
    Ok(meant(found, name)?)
}

/// A consumer of a snapshot.
///
/// # Errors
/// `ResourceNotFoundException`.
pub async fn consumer_of(snapshot: &Snapshot, stream: &Stream, name: &ConsumerName) -> Result<Consumer, Error> {
    let row = snapshot.get(&keys::consumer(stream.number, &name.name)).await.or_failure()?;
    meant(row.map(|row| rows::decode(&row)).transpose()?, name)
}

/// An ARN means the consumer that was registered then, not a later one of that name.
fn meant(found: Option<Consumer>, name: &ConsumerName) -> Result<Consumer, Error> {
    let is_meant =
        |consumer: &Consumer| name.created.is_none_or(|created| consumer.created_at.div_euclid(1_000) == created);
    found.filter(is_meant).ok_or_else(|| no_consumer(&name.shown(), &name.stream.account))
}

/// Registers a consumer.
///
/// # Errors
/// `ResourceNotFoundException`, `ResourceInUseException`, `LimitExceededException`, `InvalidArgumentException`.
pub async fn register_stream_consumer(
    service: &Kinesis,
    cx: &Ctx,
    input: RegisterStreamConsumerInput,
) -> Result<RegisterStreamConsumerOutput, Error> {
    let name = StreamName::new(cx, None, Some(&input.stream_arn), input.stream_id.as_deref())?;
    let tags = input.tags.clone().unwrap_or_default();
    check_tags(&name, &tags, tags.len())?;
    let (timers, settle) = service.settling(&name).await?;
    let consumer =
        Consumer { name: input.consumer_name, created_at: service.now(), status: Status::Creating, tags, policy: None };
    let answer = consumer.describe(&name);
    let named = name.clone();
    service
        .change(&name, move |transaction, stream| {
            stream.check_usable(&named)?;
            let key = keys::consumer(stream.number, &consumer.name);
            if transaction.get(&key)?.is_some() {
                let text = format!(
                    "Consumer {} under stream {} already exists for account {}.",
                    consumer.name,
                    named.arn(),
                    named.account
                );
                return Err(modelled::resource_in_use_exception(text).into());
            }
            let others = transaction.scan(keys::consumers(stream.number), Direction::Forward, CONSUMERS_MAX)?;
            if others.len() >= CONSUMERS_MAX {
                let text = format!("Stream {} cannot have more than {CONSUMERS_MAX} registered consumers.", named.name);
                return Err(limit(text).into());
            }
            rows::put(transaction, &key, &consumer)?;
            Ok(timers.set(transaction, &settle)?)
        })
        .await?;
    Ok(RegisterStreamConsumerOutput { consumer: answer })
}

/// Removes a consumer.
///
/// # Errors
/// `ResourceNotFoundException`, `InvalidArgumentException`.
pub async fn deregister_stream_consumer(
    service: &Kinesis,
    cx: &Ctx,
    input: DeregisterStreamConsumerInput,
) -> Result<api::Empty, Error> {
    let (arn, stream_arn) = (input.consumer_arn.as_deref(), input.stream_arn.as_deref());
    let name = ConsumerName::new(cx, arn, stream_arn, input.consumer_name.as_deref())?;
    let (timers, settle) = service.settling(&name.stream).await?;
    let stream = name.stream.clone();
    service
        .change(&stream, move |transaction, stream| {
            let mut consumer = find(transaction, stream, &name)?;
            consumer.status = Status::Deleting;
            rows::put(transaction, &keys::consumer(stream.number, &consumer.name), &consumer)?;
            Ok(timers.set(transaction, &settle)?)
        })
        .await?;
    Ok(api::Empty)
}

/// Describes a consumer.
///
/// # Errors
/// `ResourceNotFoundException`, `InvalidArgumentException`.
pub async fn describe_stream_consumer(
    service: &Kinesis,
    cx: &Ctx,
    input: DescribeStreamConsumerInput,
) -> Result<DescribeStreamConsumerOutput, Error> {
    let (arn, stream_arn) = (input.consumer_arn.as_deref(), input.stream_arn.as_deref());
    let name = ConsumerName::new(cx, arn, stream_arn, input.consumer_name.as_deref())?;
    let snapshot = service.snapshot(&name.stream.partition()).await?;
    let stream = rows::stream_of(&snapshot, &name.stream).await?;
    let consumer = consumer_of(&snapshot, &stream, &name).await?;
    let consumer_description = ConsumerDescription {
        consumer_name: consumer.name.clone(),
        consumer_arn: consumer.arn(&name.stream),
        consumer_status: consumer.status.text().to_owned(),
        consumer_creation_timestamp: seconds(consumer.created_at),
        stream_arn: name.stream.arn(),
    };
    Ok(DescribeStreamConsumerOutput { consumer_description })
}

/// Lists the consumers of a stream by name.
///
/// # Errors
/// `ResourceNotFoundException`, `InvalidArgumentException`, `ExpiredNextTokenException`.
pub async fn list_stream_consumers(
    service: &Kinesis,
    cx: &Ctx,
    input: ListStreamConsumersInput,
) -> Result<ListStreamConsumersOutput, Error> {
    let name = StreamName::new(cx, None, Some(&input.stream_arn), input.stream_id.as_deref())?;
    let sealing = &service.platform.sealing;
    let after = match &input.next_token {
        None => None,
        Some(text) => {
            let token = token::parse::<Token>(sealing, PURPOSE, text).filter(|token| token.arn == name.arn());
            let token = token.ok_or_else(|| invalid("NextToken is invalid."))?;
            if service.now() > token.made_at.saturating_add(TOKEN_MS) {
                return Err(modelled::expired_next_token_exception("NextToken has expired."));
            }
            Some(token.after)
        }
    };
    let snapshot = service.snapshot(&name.partition()).await?;
    let stream = rows::stream_of(&snapshot, &name).await?;
    if input.stream_creation_timestamp.is_some_and(|at| at.seconds != stream.created_at.div_euclid(1_000)) {
        return Err(no_stream(&name));
    }
    let range = match &after {
        Some(after) => keys::consumers(stream.number).after(&keys::consumer(stream.number, after)),
        None => keys::consumers(stream.number),
    };
    let most = input.max_results.map_or(CONSUMERS_DEFAULT, |most| usize::try_from(most).unwrap_or(CONSUMERS_DEFAULT));
    let found = snapshot.scan(range, Direction::Forward, most.min(CONSUMERS_MAX) + 1).await.or_failure()?;
    let mut consumers = found.iter().map(|(_, row)| rows::decode::<Consumer>(row)).collect::<Result<Vec<_>, _>>()?;
    let has_more = consumers.len() > most;
    consumers.truncate(most);
    let next_token = consumers.last().filter(|_| has_more).map(|last| {
        let token = Token { arn: name.arn(), after: last.name.clone(), made_at: service.now() };
        token::text(sealing, PURPOSE, &token)
    });
    let consumers = consumers.iter().map(|consumer| consumer.describe(&name)).collect();
    Ok(ListStreamConsumersOutput { consumers: Some(consumers), next_token })
}
