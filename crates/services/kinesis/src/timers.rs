//! What happens to streams in time: passing states end, and records past their retention are removed.

use std::sync::Arc;

use platform::{Firing, OrFailure, Timer, TimerPartition};
use serde::{Deserialize, Serialize};
use store::{Abort, Snapshot, Transaction};
use wire::{Error, Timestamp};

use crate::limits::{CONSUMERS_MAX, TRIM_INTERVAL_MS};
use crate::names::StreamName;
use crate::reading::first_since;
use crate::service::Kinesis;
use crate::stream::{Consumer, Status, Stream};
use crate::{keys, rows};

const SETTLE: &str = "kinesis/settle";
const TRIM: &str = "kinesis/trim";

/// Which stream a timer is about.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct About {
    account: String,
    region: String,
    name: String,
}

impl About {
    fn read(firing: &Firing) -> Result<StreamName, Error> {
        let about: About = serde_json::from_value(firing.payload.clone())
            .map_err(|_| rows::damaged("a timer's payload cannot be read"))?;
        Ok(StreamName { account: about.account, region: about.region, name: about.name })
    }
}

fn timer(timers: &TimerPartition, kind: &'static str, name: &StreamName, due: Timestamp) -> Timer {
    let (account, region) = (name.account.clone(), name.region.clone());
    let about = About { account, region, name: name.name.clone() };
    timers.timer(format!("{kind}/{}", name.name), due, kind, serde_json::json!(about))
}

/// Ends the passing states of a stream and its consumers.
pub fn settle(timers: &TimerPartition, name: &StreamName, due: Timestamp) -> Timer {
    timer(timers, SETTLE, name, due)
}

/// Removes the records of a stream that are past their retention, again and again; `now` is in milliseconds since 1970.
pub fn trim(timers: &TimerPartition, name: &StreamName, now: i64) -> Timer {
    timer(timers, TRIM, name, Timestamp::from_milliseconds(now.saturating_add(TRIM_INTERVAL_MS)))
}

/// Names the handlers.
pub fn install(kinesis: &Arc<Kinesis>) {
    let service = Arc::clone(kinesis);
    kinesis.platform.timers.on(SETTLE, move |firing| {
        let service = Arc::clone(&service);
        async move { settle_stream(&service, &firing).await }
    });
    let service = Arc::clone(kinesis);
    kinesis.platform.timers.on(TRIM, move |firing| {
        let service = Arc::clone(&service);
        async move { trim_stream(&service, &firing).await }
    });
}

async fn settle_stream(service: &Kinesis, firing: &Firing) -> Result<(), Error> {
    let name = About::read(firing)?;
    let deleted = match service.stream(&name).await {
        Ok(stream) if stream.status == Status::Deleting => {
            for range in keys::rows_of(stream.number) {
                service.platform.store.delete_range(&name.partition(), range).await.or_failure()?;
            }
            Some(stream.number)
        }
        Ok(_) => None,
        Err(error) if error.is("ResourceNotFoundException") => None,
        Err(error) => return Err(error),
    };
    let timers = service.platform.timers.partition(&name.partition()).await.or_failure()?;
    let firing = firing.clone();
    service
        .transact(&name.partition(), move |transaction| {
            if !firing.complete(transaction)? {
                return Ok(());
            }
            let Some(mut stream) = rows::read::<Stream>(transaction, &keys::stream(&name.name))? else {
                return Ok(());
            };
            if deleted == Some(stream.number) {
                transaction.delete(&keys::stream(&name.name));
                timers.cancel(transaction, &format!("{TRIM}/{}", name.name))?;
                return Ok(());
            }
            settle_consumers(transaction, &stream)?;
            stream.status = Status::Active;
            rows::put(transaction, &keys::stream(&name.name), &stream)
        })
        .await
}

fn settle_consumers(transaction: &mut dyn Transaction, stream: &Stream) -> Result<(), Abort<Error>> {
    let consumers: Vec<Consumer> = rows::read_all(transaction, keys::consumers(stream.number), CONSUMERS_MAX)?;
    for mut consumer in consumers {
        let key = keys::consumer(stream.number, &consumer.name);
        match consumer.status {
            Status::Deleting => transaction.delete(&key),
            Status::Active => {}
            Status::Creating | Status::Updating => {
                consumer.status = Status::Active;
                rows::put(transaction, &key, &consumer)?;
            }
        }
    }
    Ok(())
}

async fn trim_stream(service: &Kinesis, firing: &Firing) -> Result<(), Error> {
    let name = About::read(firing)?;
    match service.stream(&name).await {
        Ok(stream) => trim_shards(service, &name, &stream).await?,
        Err(error) if error.is("ResourceNotFoundException") => {}
        Err(error) => return Err(error),
    }
    let timers = service.platform.timers.partition(&name.partition()).await.or_failure()?;
    let (firing, again) = (firing.clone(), trim(&timers, &name, service.now()));
    service
        .transact(&name.partition(), move |transaction| {
            let goes_on = firing.complete(transaction)? && transaction.get(&keys::stream(&name.name))?.is_some();
            if goes_on {
                timers.set(transaction, &again)?;
            }
            Ok(())
        })
        .await
}

async fn trim_shards(service: &Kinesis, name: &StreamName, stream: &Stream) -> Result<(), Error> {
    let horizon = stream.horizon(service.now());
    let partition = name.partition();
    let shards = rows::shards_of(&service.snapshot(&partition).await?, stream.number).await?;
    for shard in shards {
        let snapshot: Snapshot = service.snapshot(&partition).await?;
        let first = first_since(&snapshot, stream.number, shard.number, horizon).await?;
        drop(snapshot);
        for range in [
            keys::records_before(stream.number, shard.number, first),
            keys::data_before(stream.number, shard.number, first),
        ] {
            service.platform.store.delete_range(&partition, range).await.or_failure()?;
        }
        if shard.closed_at.is_some_and(|closed_at| closed_at < horizon) {
            let stream = stream.number;
            service
                .transact(&partition, move |transaction| {
                    transaction.delete(&keys::shard(stream, shard.number));
                    transaction.delete(&keys::head(stream, shard.number));
                    Ok(())
                })
                .await?;
        }
    }
    Ok(())
}
