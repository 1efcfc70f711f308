//! What happens without a call: removing what is no longer wanted, filling indexes, expiry, and copies for backups.
//!
//! Everything that is to be done is a row of the store, so that a restart goes on with it. Each step is a transaction
//! that changes a bounded number of rows, so that calls run in between.

pub mod expire;
pub mod fill;
pub mod remove;
pub mod work;

use std::sync::Arc;

use platform::OrFailure;
use store::{Direction, Partition};
use wire::Error;

use crate::keys;
use crate::limits::SWEEP_INTERVAL;
use crate::rows;
use crate::service::DynamoDb;

/// Most partitions visited in one round: one for each account in each region that has ever had a table.
const PLACES_MAX: usize = 10_000;

/// An account's partition.
#[derive(Debug, Clone)]
pub struct Place {
    /// The partition.
    pub partition: Partition,
    /// The account.
    pub account: String,
    /// The region.
    pub region: String,
}

/// Works until the platform stops.
pub async fn run(service: Arc<DynamoDb>) {
    let stopping = service.platform.background.stopping().clone();
    let work = async {
        loop {
            if let Err(error) = round(&service).await {
                tracing::warn!(%error, "background work on tables is tried again later");
            }
            tokio::select! {
                () = service.work_arrived() => {}
                () = service.platform.clock.sleep(SWEEP_INTERVAL) => {}
            }
        }
    };
    stopping.run_until_cancelled(work).await;
}

/// Does everything that is to be done now.
///
/// # Errors
/// When the store fails; the next round goes on.
pub async fn round(service: &DynamoDb) -> Result<(), Error> {
    let snapshot = service.snapshot(&keys::directory()).await?;
    let found = snapshot.scan(store::KeyRange::all(), Direction::Forward, PLACES_MAX).await.or_failure()?;
    drop(snapshot);
    for (key, _) in found {
        let (account, region) = rows::key_part(keys::read_place(&key))?;
        let place = Place { partition: keys::partition(&account, &region), account, region };
        remove::doomed(service, &place).await?;
        work::all(service, &place).await?;
        expire::items(service, &place).await?;
        remove::old(service, &place).await?;
    }
    Ok(())
}
