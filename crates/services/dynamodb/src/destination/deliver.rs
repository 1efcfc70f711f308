//! Writing changes to their streams, for every account in every region that has destinations.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use api::kinesis::errors::provisioned_throughput_exceeded_exception;
use api::kinesis::{self, PutRecordsRequestEntry};
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use platform::{OrFailure, ServiceRole};
use store::{Direction, KeyRange, Partition, Transaction};
use wire::Error;
use wire::error::common;

use super::record::{Told, told};
use super::{Destination, Queue, Status};
use crate::background::Place;
use crate::encryption::access::unlock_for_service;
use crate::limits::{
    DELIVERY_BYTES, DELIVERY_RECORDS, DELIVERY_RETRY_MAX, DELIVERY_RETRY_MIN, DELIVERY_TURN_CALLS, PAGE_ROWS_MAX,
    QUEUES_MAX, STREAM_RETENTION_MS, SWEEP_INTERVAL,
};
use crate::service::DynamoDb;
use crate::stream::record;
use crate::table::Table;
use crate::{keys, rows};

/// The principal that takes the role.
pub const SERVICE: &str = "kinesisreplication.dynamodb.amazonaws.com";
/// The role that is made for it (Developer Guide, "Using IAM policies for Amazon Kinesis Data Streams and DynamoDB").
const ROLE: &str = "AWSServiceRoleForDynamoDBKinesisDataStreamsReplication";
/// What AWS says of a stream that is not there, or that may not be written to.
pub const NOT_PERMITTED: &str = "User does not have a permission to use kinesis stream";
/// What AWS says of a stream that is elsewhere.
const OTHER_REGION: &str =
    "The kinesis Arn used to enable kinesis replication belongs to a stream which is not in the current region";
/// What AWS says of a stream that cannot be used now, or not by this account.
const NOT_ACTIVE: &str = "The kinesis Arn used to enable kinesis replication belongs to a stream which is not in \
                          Active state";

/// The error of a stream that takes no more for the moment.
const THROTTLED: &str = "ProvisionedThroughputExceededException";

/// ARN of the role of an account.
pub fn role_arn(account: &str) -> String {
    format!("arn:aws:iam::{account}:role/aws-service-role/{SERVICE}/{ROLE}")
}

/// Accounts in regions that are looked through for queues at a time.
const PLACES_MAX: usize = 10_000;

/// Delivers until the platform stops: each place beside the others.
pub async fn run(service: Arc<DynamoDb>) {
    let stopping = service.platform.background.stopping().clone();
    stopping.run_until_cancelled(all_places(&service)).await;
}

async fn all_places(service: &DynamoDb) {
    let mut at_work = FuturesUnordered::new();
    let mut known: HashSet<Partition> = HashSet::new();
    loop {
        match places(service).await {
            Ok(found) => {
                for place in found {
                    if known.insert(place.partition.clone()) {
                        at_work.push(follow(service, place));
                    }
                }
            }
            Err(error) => tracing::warn!(%error, "destinations of tables are looked for again later"),
        }
        tokio::select! {
            () = service.destinations.notified() => {}
            () = service.platform.clock.sleep(SWEEP_INTERVAL) => {}
            // It found no queue, but one may have come since.
            Some(partition) = at_work.next() => {
                known.remove(&partition);
            }
        }
    }
}

/// The places that have queues.
async fn places(service: &DynamoDb) -> Result<Vec<Place>, Error> {
    let directory = keys::directory();
    let found = service.platform.store.scan(&directory, KeyRange::all(), Direction::Forward, PLACES_MAX);
    let mut places = Vec::new();
    for (key, _) in found.await.or_failure()? {
        let (account, region) = rows::key_part(keys::read_place(&key))?;
        let place = Place { partition: keys::partition(&account, &region), account, region };
        let first = service.platform.store.scan(&place.partition, keys::queues(), Direction::Forward, 1);
        if !first.await.or_failure()?.is_empty() {
            places.push(place);
        }
    }
    Ok(places)
}

/// Delivers the changes of a place as they come, until it has no queue any more.
async fn follow(service: &DynamoDb, place: Place) -> Partition {
    let mut watch = service.platform.store.watch(&place.partition, &keys::queue_rows());
    let mut failures = HashMap::new();
    loop {
        let wait = match round(service, &place, &mut failures).await {
            Ok(Some(wait)) => wait,
            Ok(None) => return place.partition,
            Err(error) => {
                tracing::warn!(%error, "changes of tables are delivered later");
                DELIVERY_RETRY_MAX
            }
        };
        tokio::select! {
            changed = watch.changed() => if changed.is_err() { return place.partition },
            () = service.platform.clock.sleep(wait) => {}
        }
    }
}

/// Gives every queue a turn. How long to wait if nothing comes; `None` if there is no queue.
///
/// # Errors
/// When the store fails.
pub async fn round(
    service: &DynamoDb,
    place: &Place,
    failures: &mut HashMap<u32, Failing>,
) -> Result<Option<Duration>, Error> {
    let found = service.platform.store.scan(&place.partition, keys::queues(), Direction::Forward, QUEUES_MAX);
    let found = found.await.or_failure()?;
    if found.is_empty() {
        return Ok(None);
    }
    let now = service.now();
    let mut is_behind = false;
    for (_, row) in &found {
        let queue: Queue = rows::decode(row)?;
        if failures.get(&queue.number).is_some_and(|failing| failing.until > now) {
            continue;
        }
        let number = queue.number;
        match step(service, place, queue).await {
            Ok(left) => {
                failures.remove(&number);
                is_behind |= left == Left::Some;
            }
            Err(error) => {
                tracing::info!(%error, number, "changes of a table wait for their stream");
                failures.entry(number).or_default().note(now);
            }
        }
    }
    if is_behind {
        return Ok(Some(Duration::ZERO));
    }
    let next = failures.values().map(|failing| failing.until - now).min();
    let next = next.map(|wait| Duration::from_millis(u64::try_from(wait).unwrap_or_default()));
    Ok(Some(next.map_or(SWEEP_INTERVAL, |wait| wait.max(DELIVERY_RETRY_MIN))))
}

/// A stream that took nothing the last times.
#[derive(Debug, Default)]
pub struct Failing {
    times: u32,
    until: i64,
}

impl Failing {
    fn note(&mut self, now: i64) {
        let wait = DELIVERY_RETRY_MIN.saturating_mul(1 << self.times.min(10)).min(DELIVERY_RETRY_MAX);
        self.times += 1;
        self.until = now + wait.as_millis() as i64;
    }
}

/// What is left in a queue after its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    Nothing,
    Some,
}

/// Brings a destination further: settles its status, and delivers what is in its queue.
async fn step(service: &DynamoDb, place: &Place, queue: Queue) -> Result<Left, Error> {
    let status = status(service, place, &queue).await?;
    match status {
        Some(Status::Enabling) => {
            let failure = problem(service, place, &queue).await?;
            let next = if failure.is_some() { Status::EnableFailed } else { Status::Active };
            settle(service, place, &queue, Status::Enabling, next, failure).await?;
            return Ok(Left::Nothing);
        }
        Some(Status::Updating) => settle(service, place, &queue, Status::Updating, Status::Active, None).await?,
        _ => {}
    }
    let delivered = deliver(service, place, &queue).await;
    // A table that is gone takes no more changes, whether or not its queue was closed.
    let ends = queue.closed || status.is_none_or(Status::is_over);
    if !ends {
        return delivered;
    }
    match delivered {
        Ok(Left::Nothing) => {}
        Ok(Left::Some) => return delivered,
        Err(error) if error.is(THROTTLED) || error.is(common::INTERNAL_FAILURE.name) => return Err(error),
        Err(error) => {
            tracing::warn!(%error, table_arn = queue.table_arn, "the last changes of a table do not reach their stream");
        }
    }
    settle(service, place, &queue, Status::Disabling, Status::Disabled, None).await?;
    Ok(Left::Nothing)
}

/// How a queue's destination stands; `None` if its table is gone.
async fn status(service: &DynamoDb, place: &Place, queue: &Queue) -> Result<Option<Status>, Error> {
    let row = service.platform.store.get(&place.partition, &keys::table(&queue.table)).await.or_failure()?;
    let Some(row) = row else { return Ok(None) };
    let table = rows::table_of_row(&row, service.known_in(place, &queue.table).as_ref())?.table;
    let own = table.destinations.iter().find(|destination| destination.number == queue.number);
    Ok(own.map(|destination| destination.status))
}

/// Takes a destination from one status to another. Where nothing more goes there its queue is removed.
async fn settle(
    service: &DynamoDb,
    place: &Place,
    queue: &Queue,
    before: Status,
    after: Status,
    failure: Option<String>,
) -> Result<(), Error> {
    let (number, table) = (queue.number, queue.table.clone());
    let change = move |rows: &mut dyn Transaction| {
        if let Some(found) = rows::table(rows, &table, None)? {
            let mut table: Table = found.table.as_ref().clone();
            let of_queue =
                |destination: &&mut Destination| destination.number == number && destination.status == before;
            if let Some(destination) = table.destinations.iter_mut().find(of_queue) {
                destination.status = after;
                destination.failure = failure.clone();
                rows::put_table(rows, &table)?;
            }
        }
        if after.is_over() {
            rows.delete(&keys::queue(number));
            rows.delete(&keys::queue_next(number));
        }
        Ok(())
    };
    service.transact(&place.partition, change).await?;
    service.forget_in(place, &queue.table);
    if after.is_over() {
        service.platform.store.delete_range(&place.partition, keys::all_queued(number)).await.or_failure()?;
    }
    Ok(())
}

/// What keeps a stream from being written to, in AWS's words.
async fn problem(service: &DynamoDb, place: &Place, queue: &Queue) -> Result<Option<String>, Error> {
    let mut arn = queue.stream_arn.splitn(6, ':').skip(2);
    let (kind, region, account) = (arn.next(), arn.next(), arn.next());
    if region != Some(place.region.as_str()) {
        return Ok(Some(OTHER_REGION.to_owned()));
    }
    if let Some(refusal) = &queue.refusal {
        return Ok(Some(refusal.clone()));
    }
    if kind != Some("kinesis") || account != Some(place.account.as_str()) {
        return Ok(Some(NOT_ACTIVE.to_owned()));
    }
    let input = kinesis::DescribeStreamInput { stream_arn: Some(queue.stream_arn.clone()), ..Default::default() };
    Ok(match call::<kinesis::DescribeStream>(service, place, queue, input).await {
        Ok(described) if described.stream_description.stream_status == "ACTIVE" => None,
        Ok(_) | Err(_) => Some(NOT_PERMITTED.to_owned()),
    })
}

/// Calls Kinesis under the account's role.
async fn call<O: api::Operation>(
    service: &DynamoDb,
    place: &Place,
    queue: &Queue,
    input: O::Input,
) -> Result<O::Output, Error> {
    let role = ServiceRole {
        service: SERVICE,
        account: &place.account,
        role_arn: &role_arn(&place.account),
        source_arn: &queue.table_arn,
    };
    let session = role.session(&service.platform, true, "dynamodb").await?;
    let session = session.ok_or_else(|| Error::bare(&common::ACCESS_DENIED))?;
    service.platform.call_as::<O>(session, &place.account, &place.region, input).await
}

/// A change that is on its way.
struct Waiting {
    key: Vec<u8>,
    at: i64,
    told: Told,
}

/// Delivers what is in a queue, as far as one turn reaches: a table that never rests holds up no other.
async fn deliver(service: &DynamoDb, place: &Place, queue: &Queue) -> Result<Left, Error> {
    let unlocked = unlock_for_service(service, place, queue.encryption.as_ref()).await?;
    let queue = Queue { unlocked, ..queue.clone() };
    for _ in 0..DELIVERY_TURN_CALLS {
        let waiting = read(service, place, &queue).await?;
        if waiting.is_empty() {
            return Ok(Left::Nothing);
        }
        write(service, place, &queue, waiting).await?;
    }
    Ok(Left::Some)
}

/// The oldest changes of a queue, as many as one call of Kinesis takes.
async fn read(service: &DynamoDb, place: &Place, queue: &Queue) -> Result<Vec<Waiting>, Error> {
    let mut rest = keys::all_queued(queue.number);
    let (mut waiting, mut bytes) = (Vec::new(), 0);
    while waiting.len() < DELIVERY_RECORDS && bytes < DELIVERY_BYTES {
        // Each holds two images: this many stay under the store's limit of one scan.
        let found = service.platform.store.scan(&place.partition, rest.clone(), Direction::Forward, PAGE_ROWS_MAX / 4);
        let found = found.await.or_failure()?;
        let exhausted = found.len() < PAGE_ROWS_MAX / 4;
        for (key, row) in found {
            rest = rest.after(&key);
            let stored = record::decode(queue, &key, &row)?;
            let number = rows::key_part(keys::read_queued(&key))?;
            let told = told(queue, &place.region, number, &stored);
            bytes += told.data.len() + told.partition_key.len();
            if !waiting.is_empty() && (bytes > DELIVERY_BYTES || waiting.len() == DELIVERY_RECORDS) {
                return Ok(waiting);
            }
            waiting.push(Waiting { key: key.to_vec(), at: stored.at, told });
        }
        if exhausted {
            break;
        }
    }
    Ok(waiting)
}

/// Writes changes to the stream, and takes from the queue what has arrived. No call holds two changes of one item, so
/// that none is there before the one that happened before it, whatever part of a call the stream takes.
async fn write(service: &DynamoDb, place: &Place, queue: &Queue, waiting: Vec<Waiting>) -> Result<(), Error> {
    let mut rest = waiting;
    while !rest.is_empty() {
        let mut keys: HashSet<String> = HashSet::new();
        let (now, later) = rest.into_iter().partition(|one| keys.insert(one.told.partition_key.clone()));
        put(service, place, queue, now).await?;
        rest = later;
    }
    Ok(())
}

/// Writes changes of different items to the stream.
///
/// # Errors
/// What Kinesis answers to the first that it does not take now.
async fn put(service: &DynamoDb, place: &Place, queue: &Queue, waiting: Vec<Waiting>) -> Result<(), Error> {
    let entry = |one: &Waiting| PutRecordsRequestEntry {
        data: Bytes::from(one.told.data.clone()),
        partition_key: Some(one.told.partition_key.clone()),
        ..Default::default()
    };
    let input = kinesis::PutRecordsInput {
        records: waiting.iter().map(entry).collect(),
        stream_arn: Some(queue.stream_arn.clone()),
        ..Default::default()
    };
    let (refused, outcome) = match call::<kinesis::PutRecords>(service, place, queue, input).await {
        Ok(answer) => {
            let refused: Vec<bool> = answer.records.iter().map(|record| record.error_code.is_some()).collect();
            let first = answer.records.into_iter().find(|record| record.error_code.is_some());
            let text = first.and_then(|record| record.error_message);
            (refused, text.map_or(Ok(()), |text| Err(provisioned_throughput_exceeded_exception(text))))
        }
        Err(error) if is_too_much(&error) && waiting.len() > 1 => {
            for one in waiting {
                Box::pin(put(service, place, queue, vec![one])).await?;
            }
            return Ok(());
        }
        Err(error) if is_too_much(&error) => {
            tracing::error!(%error, table_arn = queue.table_arn, "a change is more than its stream takes, and is lost");
            (vec![false], Ok(()))
        }
        Err(error) => (vec![true; waiting.len()], Err(error)),
    };
    let horizon = service.now() - STREAM_RETENTION_MS;
    let is_done = |(one, refused): &(Waiting, bool)| !refused || one.at <= horizon;
    let done: Vec<Vec<u8>> = waiting.into_iter().zip(refused).filter(is_done).map(|(one, _)| one.key).collect();
    if !done.is_empty() {
        let remove = move |rows: &mut dyn Transaction| {
            done.iter().for_each(|key| rows.delete(key));
            Ok(())
        };
        service.transact(&place.partition, remove).await?;
    }
    outcome
}

/// Whether Kinesis refuses a call for its size alone, as it always will.
fn is_too_much(error: &Error) -> bool {
    error.is(common::VALIDATION.name) || error.is("InvalidArgumentException")
}
