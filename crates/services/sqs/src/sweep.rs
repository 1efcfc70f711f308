//! Removing what nobody can see any more: contents of deleted and purged queues, expired messages, remembered ids.

use std::sync::Arc;

use platform::OrFailure;
use store::keys::KeyError;
use store::{Direction, KeyRange, Partition, StoreError};
use wire::Error;

use crate::address::QueueName;
use crate::keys;
use crate::limits::{QUIET_MILLISECONDS, SWEEP_INTERVAL, SWEEP_PAGE};
use crate::numbers;
use crate::operations::attributes::settle;
use crate::remember::Memory;
use crate::service::Sqs;

/// Sweeps now and then, until the platform stops.
pub async fn run(service: Arc<Sqs>) {
    let stopping = service.platform.background.stopping().clone();
    let rounds = async {
        loop {
            if let Err(error) = sweep(&service).await {
                tracing::warn!(%error, "queues could not be swept");
            }
            service.platform.clock.sleep(SWEEP_INTERVAL).await;
        }
    };
    stopping.run_until_cancelled(rounds).await;
}

/// One round. What it leaves half done, the next one finds again.
///
/// # Errors
/// A failure of the store.
pub async fn sweep(service: &Sqs) -> Result<(), Error> {
    for (account, region) in partitions(service).await? {
        let partition = keys::partition(&account, &region);
        for key in keys_of(service, &partition, keys::all_doomed()).await? {
            remove(service, &partition, key_part(keys::read_doomed(&key))?).await?;
        }
        forget_deleted(service, &partition).await?;
        for key in keys_of(service, &partition, keys::queues()).await? {
            let name = key_part(keys::read_queue(&key))?;
            let queue = QueueName { account: account.clone(), region: region.clone(), name };
            sweep_queue(service, &queue).await?;
        }
    }
    Ok(())
}

/// Accounts and regions that have queues.
///
/// # Errors
/// A failure of the store.
pub async fn partitions(service: &Sqs) -> Result<Vec<(String, String)>, Error> {
    let listed = keys_of(service, &keys::directory(), KeyRange::all()).await?;
    listed.iter().map(|key| key_part(keys::read_listed(key))).collect()
}

/// Removes the rows under numbers that are marked as doomed, behind the answer; what does not get done, the sweep does.
pub fn remove_soon(service: &Sqs, partition: &Partition, numbers: Vec<u64>) {
    let (store, owned) = (service.platform.store.clone(), partition.clone());
    let removal = async move {
        for number in numbers {
            if let Err(error) = remove_rows(&store, &owned, number).await {
                tracing::warn!(%error, "a queue's rows are left to the sweep");
            }
        }
    };
    if service.platform.background.spawn("sqs removal", removal).is_err() {
        tracing::debug!("too busy to remove a queue's rows at once");
    }
}

async fn remove(service: &Sqs, partition: &Partition, number: u64) -> Result<(), Error> {
    remove_rows(service.store(), partition, number).await.or_failure()
}

async fn remove_rows(store: &store::Store, partition: &Partition, number: u64) -> Result<(), StoreError> {
    for range in keys::rows_of(number) {
        store.delete_range(partition, range).await?;
    }
    let unmarked = store.transact(partition, move |rows| {
        rows.delete(&keys::doomed(number));
        Ok(())
    });
    unmarked.await.map_err(store::TransactError::<StoreError>::flatten)
}

/// Forgets the names of queues that were deleted long enough ago.
async fn forget_deleted(service: &Sqs, partition: &Partition) -> Result<(), Error> {
    let now = service.now();
    let forgotten = service.transact(partition, move |rows| {
        for (key, row) in rows.scan(keys::all_deleted(), Direction::Forward, SWEEP_PAGE)? {
            if numbers::read_time(&row)?.saturating_add(QUIET_MILLISECONDS) <= now {
                rows.delete(&key);
            }
        }
        Ok(())
    });
    forgotten.await
}

async fn sweep_queue(service: &Sqs, name: &QueueName) -> Result<(), Error> {
    let now = service.now();
    // Each round removes or releases something, or is the last one.
    loop {
        let round = service.on_queue_if_any(name, move |queue, rows| {
            let (_, more) = settle(queue, rows, now)?;
            let more_ids = Memory::new(rows, queue.record.number, now).forget()?;
            Ok(more || more_ids)
        });
        if !round.await?.unwrap_or(false) {
            return Ok(());
        }
    }
}

/// All keys of a range, page by page.
async fn keys_of(service: &Sqs, partition: &Partition, mut range: KeyRange) -> Result<Vec<bytes::Bytes>, Error> {
    let mut keys = Vec::new();
    // Every round goes on behind the last row of the one before.
    loop {
        let rows = service.store().scan(partition, range.clone(), Direction::Forward, SWEEP_PAGE).await.or_failure()?;
        let more = rows.len() == SWEEP_PAGE;
        keys.extend(rows.into_iter().map(|(key, _)| key));
        match keys.last() {
            Some(last) if more => range = range.after(last),
            _ => return Ok(keys),
        }
    }
}

fn key_part<T>(part: Result<T, KeyError>) -> Result<T, Error> {
    part.map_err(|error| StoreError::Read(error.to_string().into())).or_failure()
}
