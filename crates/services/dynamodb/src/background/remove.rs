//! Removing rows that nothing needs any more.

use bytes::Bytes;
use platform::OrFailure;
use store::{Direction, KeyRange};
use wire::Error;

use super::Place;
use crate::keys;
use crate::limits::{CHUNK_ROWS, STREAM_RETENTION_MS, TABLES_MAX};
use crate::rows;
use crate::service::DynamoDb;
use crate::stream::record;
use crate::stream::{Shard, Stream};

/// Marks handled in one round.
const MARKS_MAX: usize = 1_000;

/// Removes everything that hangs on the numbers of deleted tables, indexes, streams and backups.
///
/// # Errors
/// When the store fails.
pub async fn doomed(service: &DynamoDb, place: &Place) -> Result<(), Error> {
    for (key, _) in scan(service, place, keys::all_doomed(), MARKS_MAX).await? {
        let number = rows::key_part(keys::read_doomed(&key))?;
        for range in keys::rows_of(number) {
            service.platform.store.delete_range(&place.partition, range).await.or_failure()?;
        }
        delete(service, place, vec![key.to_vec(), keys::stream(number).to_vec(), keys::stream_state(number).to_vec()])
            .await?;
    }
    Ok(())
}

/// Removes what is older than it has to be kept: records of streams, tokens, former states.
///
/// # Errors
/// When the store fails.
pub async fn old(service: &DynamoDb, place: &Place) -> Result<(), Error> {
    tokens(service, place).await?;
    streams(service, place).await?;
    formers(service, place).await
}

async fn scan(service: &DynamoDb, place: &Place, range: KeyRange, limit: usize) -> Result<Vec<(Bytes, Bytes)>, Error> {
    service.platform.store.scan(&place.partition, range, Direction::Forward, limit).await.or_failure()
}

async fn delete(service: &DynamoDb, place: &Place, keys: Vec<Vec<u8>>) -> Result<(), Error> {
    service
        .transact(&place.partition, move |rows| {
            keys.iter().for_each(|key| rows.delete(key));
            Ok(())
        })
        .await
}

async fn tokens(service: &DynamoDb, place: &Place) -> Result<(), Error> {
    loop {
        let found = scan(service, place, keys::expired_tokens(service.now()), CHUNK_ROWS).await?;
        let more = found.len() == CHUNK_ROWS;
        let mut gone = Vec::new();
        for (key, _) in found {
            let (caller, token) = rows::key_part(keys::read_token_expiry(&key))?;
            gone.push((key.to_vec(), keys::token(&caller, &token)));
        }
        if gone.is_empty() {
            return Ok(());
        }
        let now = service.now();
        service
            .transact(&place.partition, move |rows| {
                for (mark, token) in &gone {
                    rows.delete(mark);
                    // The token may have been used anew since.
                    let noted: Option<(i64, String)> = rows::read(rows, token)?;
                    if noted.is_some_and(|(until, _)| until <= now) {
                        rows.delete(token);
                    }
                }
                Ok(())
            })
            .await?;
        if !more {
            return Ok(());
        }
    }
}

async fn streams(service: &DynamoDb, place: &Place) -> Result<(), Error> {
    let horizon = service.now() - STREAM_RETENTION_MS;
    for (key, row) in scan(service, place, keys::streams(), MARKS_MAX).await? {
        let stream: Stream = rows::decode(&row)?;
        if stream.closed_at.is_some_and(|closed| closed <= horizon) {
            let number = stream.number;
            service
                .transact(&place.partition, move |rows| {
                    crate::table::remove::doom(rows, number);
                    rows.delete(&key);
                    Ok(())
                })
                .await?;
            service.work_soon();
            continue;
        }
        records(service, place, stream.number, horizon).await?;
        shards(service, place, stream.number, horizon).await?;
    }
    Ok(())
}

/// Removes a stream's records up to a time, from the front.
async fn records(service: &DynamoDb, place: &Place, stream: u32, horizon: i64) -> Result<(), Error> {
    loop {
        let found = scan(service, place, keys::records(stream).range(), 32).await?;
        let read = found.len();
        let is_old = |row: &Bytes| record::time(row).is_none_or(|at| at <= horizon);
        let old: Vec<Vec<u8>> = found.iter().take_while(|(_, row)| is_old(row)).map(|(key, _)| key.to_vec()).collect();
        let removed = old.len();
        if removed > 0 {
            delete(service, place, old).await?;
        }
        if removed < read || read == 0 {
            return Ok(());
        }
    }
}

async fn shards(service: &DynamoDb, place: &Place, stream: u32, horizon: i64) -> Result<(), Error> {
    let mut old = Vec::new();
    for (key, row) in scan(service, place, keys::shards(stream), MARKS_MAX).await? {
        let shard: Shard = rows::decode(&row)?;
        if shard.closed_at.is_some_and(|closed| closed <= horizon) {
            old.push(key.to_vec());
        }
    }
    if old.is_empty() { Ok(()) } else { delete(service, place, old).await }
}

/// Removes former states of items that recovery no longer reaches, and those kept for copies that are done.
async fn formers(service: &DynamoDb, place: &Place) -> Result<(), Error> {
    const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
    for (key, row) in scan(service, place, keys::tables(), TABLES_MAX as usize).await? {
        let name = rows::key_part(keys::read_table(&key))?;
        let known = service.known_in(place, &name);
        let table = rows::table_of_row(&row, known.as_ref())?.table;
        if table.copies > 0 {
            continue;
        }
        let until = match &table.recovery {
            Some(recovery) => service.now() - i64::from(recovery.days) * DAY_MS,
            None => i64::MAX,
        };
        let range = keys::formers_until(table.collection, until);
        if !scan(service, place, range.clone(), 1).await?.is_empty() {
            service.platform.store.delete_range(&place.partition, range).await.or_failure()?;
        }
    }
    Ok(())
}
