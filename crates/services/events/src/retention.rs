//! Archived events whose time is over are removed: when an archive gets another event, and now and then.

use std::sync::Arc;

use platform::OrFailure;
use store::{Abort, Direction, Transaction};
use wire::Error;

use crate::event::Event;
use crate::keys;
use crate::limits::{EXPIRED_AT_ONCE, ROWS_PER_PAGE, SWEEP_INTERVAL};
use crate::records::Archive;
use crate::rows;
use crate::service::Events;

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

/// Sweeps now and then, until the platform stops.
pub async fn run(service: Arc<Events>) {
    let stopping = service.platform.background.stopping().clone();
    let rounds = async {
        loop {
            service.platform.clock.sleep(SWEEP_INTERVAL).await;
            if let Err(error) = sweep(&service).await {
                tracing::warn!(%error, "archives could not be swept");
            }
        }
    };
    stopping.run_until_cancelled(rounds).await;
}

/// Removes what is too old from all archives.
///
/// # Errors
/// A failure of the store; the next round goes on.
pub async fn sweep(service: &Events) -> Result<(), Error> {
    let mut range = keys::all_archives().range();
    loop {
        let page = service.store().scan(&keys::partition(), range.clone(), Direction::Forward, ROWS_PER_PAGE).await;
        let page = page.or_failure()?;
        for (key, row) in &page {
            if rows::decode::<Archive>(row)?.retention_days > 0 {
                while expire_some(service, key.to_vec()).await? == EXPIRED_AT_ONCE {}
            }
        }
        match page.last() {
            Some((last, _)) if page.len() == ROWS_PER_PAGE => range = range.after(last),
            _ => return Ok(()),
        }
    }
}

/// Removes some events from the archive in a row. Answers how many.
async fn expire_some(service: &Events, key: Vec<u8>) -> Result<usize, Error> {
    let now = service.now();
    let removed = service.transact(move |rows| {
        let Some(row) = rows.get(&key)? else { return Ok(0) };
        let mut archive: Archive = rows::decode(&row)?;
        let removed = expire(rows, &mut archive, now)?;
        if removed > 0 {
            rows::put_at(rows, &key, &archive)?;
        }
        Ok(removed)
    });
    removed.await
}

/// Removes events from an archive that are too old, no more than [`EXPIRED_AT_ONCE`]. Answers how many; the archive's own
/// row is the caller's to write.
///
/// # Errors
/// A failure of the store.
pub fn expire(rows: &mut dyn Transaction, archive: &mut Archive, now: i64) -> Result<usize, Abort<Error>> {
    if archive.retention_days <= 0 {
        return Ok(0);
    }
    let end = now.saturating_sub(i64::from(archive.retention_days) * DAY);
    let expired = rows.scan(keys::archived_between(&archive.id, 0, end), Direction::Forward, EXPIRED_AT_ONCE)?;
    for (old, row) in &expired {
        archive.count -= 1;
        archive.bytes -= rows::decode::<Event>(row)?.text().len() as i64;
        rows.delete(old);
    }
    Ok(expired.len())
}
