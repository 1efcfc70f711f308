//! Work that takes several transactions.

use platform::OrFailure;
use serde::{Deserialize, Serialize};
use store::{Abort, Direction, Transaction};
use wire::Error;
use wire::error::common;

use super::{Place, fill};
use crate::encryption::Unlocked;
use crate::encryption::convert::{self, Part};
use crate::rows;
use crate::service::DynamoDb;
use crate::transfer::{export_files, import_files};
use crate::{backup, keys};

/// Most pieces of work at once in an account and region.
const WORK_MAX: usize = 10_000;

/// A piece of work, with how far it has come: `after` is the row it ended with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Work {
    /// Fill an index of a table.
    Backfill {
        /// Name of the table.
        table: String,
        /// The index's number.
        index: u32,
        /// The last row of the table that is done.
        after: Option<Vec<u8>>,
    },
    /// Mark which items of a table expire when, or forget it.
    MarkExpiries {
        /// Name of the table.
        table: String,
        /// The table's number.
        collection: u32,
        /// The last row of the table that is done.
        after: Option<Vec<u8>>,
    },
    /// Copy a table's items into a backup, or into a new table.
    Copy(backup::copy::Copy),
    /// Seal the rows that a table had before it had a key.
    Seal {
        /// Name of the table.
        table: String,
        /// What is still to be sealed.
        parts: Vec<Part>,
        /// The last row of the first part that is done.
        after: Option<Vec<u8>>,
    },
    /// Write a table to S3, by the number of the export.
    Export(u32),
    /// Read a table from S3, by the number of the import.
    Import(u32),
}

impl Work {
    /// The table whose description the work changes.
    fn table(&self) -> Option<&str> {
        match self {
            Work::Backfill { table, .. } | Work::MarkExpiries { table, .. } | Work::Seal { table, .. } => Some(table),
            Work::Copy(copy) => copy.target_table(),
            Work::Export(_) | Work::Import(_) => None,
        }
    }
}

/// Adds work within a transaction.
pub fn add(rows: &mut dyn Transaction, work: &Work) -> Result<(), Abort<Error>> {
    let number = rows::next_number(rows)?;
    rows::put(rows, &keys::work(number), work)
}

/// What one step leaves to be done.
#[derive(Debug)]
pub enum Next {
    /// More of this.
    More(Work),
    /// Nothing.
    Done,
}

/// Does all work of a place.
///
/// # Errors
/// When the store fails.
pub async fn all(service: &DynamoDb, place: &Place) -> Result<(), Error> {
    let snapshot = service.snapshot(&place.partition).await?;
    let found = snapshot.scan(keys::all_work(), Direction::Forward, WORK_MAX).await.or_failure()?;
    drop(snapshot);
    for (key, row) in found {
        let mut work: Work = rows::decode(&row)?;
        if let Work::MarkExpiries { collection, after: None, .. } = &work {
            let range = keys::expiries(*collection);
            service.platform.store.delete_range(&place.partition, range).await.or_failure()?;
        }
        // Each step is a transaction of bounded size that leaves less to be done.
        loop {
            match step(service, place, key.to_vec(), work).await {
                Ok(Next::More(rest)) => work = rest,
                Ok(Next::Done) => break,
                Err(error) if error.is(common::ACCESS_DENIED.name) => {
                    tracing::warn!(%error, "work on a table waits until its key can be used");
                    break;
                }
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

async fn step(service: &DynamoDb, place: &Place, key: Vec<u8>, work: Work) -> Result<Next, Error> {
    match work {
        Work::Export(number) => {
            export_files::run(service, place, &key, number).await?;
            return Ok(Next::Done);
        }
        Work::Import(number) => {
            import_files::run(service, place, &key, number).await?;
            return Ok(Next::Done);
        }
        _ => {}
    }
    let now = service.now();
    let table = work.table().map(str::to_owned);
    let known = match &table {
        Some(name) => service.known_for_work(place, name).await?,
        None => None,
    };
    let source = match &work {
        Work::Copy(copy) => backup::copy::unlock(service, place, copy).await?,
        _ => Unlocked::default(),
    };
    let next = service
        .transact(&place.partition, move |rows| {
            // Somebody may have ended it meanwhile.
            if rows.get(&key)?.is_none() {
                return Ok(Next::Done);
            }
            let next = match &work {
                Work::Backfill { table, index, after } => {
                    fill::index(rows, table, *index, after.as_deref(), known.as_ref())?
                }
                Work::MarkExpiries { table, collection, after } => {
                    fill::expiries(rows, table, *collection, after.as_deref(), known.as_ref())?
                }
                Work::Copy(copy) => backup::copy::step(rows, copy, known.as_ref(), &source, now)?,
                // These do not run in one transaction.
                Work::Export(_) | Work::Import(_) => Next::Done,
                Work::Seal { table, parts, after } => {
                    convert::step(rows, table, parts, after.as_deref(), known.as_ref())?
                }
            };
            match &next {
                Next::More(rest) => rows::put(rows, &key, rest)?,
                Next::Done => rows.delete(&key),
            }
            Ok(next)
        })
        .await?;
    if let Some(name) = table {
        service.forget_in(place, &name);
    }
    Ok(next)
}
