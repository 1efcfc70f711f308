//! Deleting items that have expired.

use platform::OrFailure;
use store::{Abort, Direction, Transaction};
use wire::Error;

use super::Place;
use crate::item::write::{self, Origin};
use crate::keys;
use crate::limits::{CHUNK_BYTES, PAGE_ROWS_FIRST, TABLES_MAX};
use crate::rows::{self, Revised};
use crate::service::DynamoDb;
use crate::table::Table;
use crate::value::item_size;

/// Items that expired longer ago than this stay (Developer Guide: five years).
const FORGOTTEN_SECONDS: u64 = 5 * 365 * 24 * 60 * 60;

/// Deletes what has expired in the tables of a place.
///
/// # Errors
/// When the store fails.
pub async fn items(service: &DynamoDb, place: &Place) -> Result<(), Error> {
    let snapshot = service.snapshot(&place.partition).await?;
    let found = snapshot.scan(keys::tables(), Direction::Forward, TABLES_MAX as usize).await.or_failure()?;
    drop(snapshot);
    for (key, row) in found {
        let name = rows::key_part(keys::read_table(&key))?;
        let known = service.known_in(place, &name);
        let table = rows::table_of_row(&row, known.as_ref())?.table;
        if table.time_to_live.as_ref().is_none_or(|settings| !settings.enabled) {
            continue;
        }
        let known = match service.known_for_work(place, &name).await {
            Ok(known) => known,
            Err(error) => {
                tracing::warn!(%error, table = name, "items of a table cannot expire while its key cannot be used");
                continue;
            }
        };
        // Each transaction removes the marks it has looked at.
        while of_table(service, place, &name, table.collection, known.clone()).await? {}
    }
    Ok(())
}

/// Deletes some items; answers whether there may be more.
async fn of_table(
    service: &DynamoDb,
    place: &Place,
    name: &str,
    collection: u32,
    known: Option<Revised>,
) -> Result<bool, Error> {
    let now = service.now();
    let second = u64::try_from(now / 1_000).unwrap_or_default();
    let name = name.to_owned();
    service
        .transact(&place.partition, move |rows| {
            let found = rows::table(rows, &name, known.as_ref())?.filter(|found| found.table.collection == collection);
            let Some(found) = found else { return Ok(false) };
            delete_some(rows, &found.table, second, now)
        })
        .await
}

fn delete_some(rows: &mut dyn Transaction, table: &Table, second: u64, now: i64) -> Result<bool, Abort<Error>> {
    let marks = rows.scan(keys::expired(table.collection, second + 1), Direction::Forward, PAGE_ROWS_FIRST)?;
    let more = marks.len() == PAGE_ROWS_FIRST;
    let mut bytes = 0;
    for (mark, _) in marks {
        if bytes >= CHUNK_BYTES {
            return Ok(true);
        }
        let (due, key) = rows::key_part(keys::read_expiry(&mark))?;
        rows.delete(&mark);
        let found = write::find(rows, table, key)?;
        let Some(item) = &found.item else { continue };
        let expired = write::expiry(table, item) == Some(due) && due >= second.saturating_sub(FORGOTTEN_SECONDS);
        if expired {
            bytes += item_size(item) * (1 + table.indexes().count());
            write::replace(rows, table, &found, None, Origin::Expiry, now)?;
        }
    }
    Ok(more)
}
