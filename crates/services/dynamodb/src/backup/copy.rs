//! Copying the items of a table as they were at one moment, while it is being written to.
//!
//! First all items are copied as they are met. Meanwhile, and since that moment, every change leaves the former state of
//! its item; in the end these are put back into the copy, the latest first, so that the first one has the last word.

use serde::{Deserialize, Serialize};
use store::{Abort, Direction, KeyRange, Transaction};
use wire::Error;

use super::Backup;
use crate::background::Place;
use crate::background::fill::chunk;
use crate::background::work::{Next, Work};
use crate::encryption::access::unlock_for_service;
use crate::encryption::{Protected, Unlocked};
use crate::item::write::{self, Origin, read_former};
use crate::rows::{self, Revised};
use crate::service::DynamoDb;
use crate::table::Table;
use crate::value::{Item, item_size};
use crate::{errors, keys};

/// A copy being made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copy {
    /// The number on which the items hang that are copied.
    pub source: u32,
    /// Name of the table they belong to; `None` for a backup, which does not change.
    pub source_table: Option<String>,
    /// Where they go.
    pub target: Target,
    /// The moment, in milliseconds since 1970.
    pub at: i64,
    /// Changes of the table up to this one are part of the copy, whatever their time.
    pub from_change: u64,
    /// How far it has come.
    pub phase: Phase,
}

/// Where items are copied to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    /// A backup, by its number.
    Backup(u32),
    /// A table, by its name.
    Table(String),
}

/// How far a copy has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// Items are copied; the last row that is done.
    Items(Option<Vec<u8>>),
    /// Former states are put back; the last row that is done.
    Formers(Option<Vec<u8>>),
}

impl Copy {
    /// The table it goes into, if it does.
    pub fn target_table(&self) -> Option<&str> {
        match &self.target {
            Target::Table(name) => Some(name),
            Target::Backup(_) => None,
        }
    }
}

/// The cipher of the rows that are copied.
///
/// # Errors
/// `AccessDeniedException` if the platform may not use their key.
pub async fn unlock(service: &DynamoDb, place: &Place, copy: &Copy) -> Result<Unlocked, Error> {
    let encryption = match &copy.source_table {
        Some(name) => service.known_for_work(place, name).await?.and_then(|known| known.table.encryption.clone()),
        None => {
            let snapshot = service.snapshot(&place.partition).await?;
            let backup: Option<Backup> = rows::get(&snapshot, &keys::backup(copy.source)).await?;
            backup.and_then(|backup| backup.table.encryption)
        }
    };
    unlock_for_service(service, place, encryption.as_ref()).await
}

/// The table whose rows are copied, or that of the backup they are in.
struct Source(Table);

impl Source {
    fn open(rows: &mut dyn Transaction, copy: &Copy, unlocked: &Unlocked) -> Result<Option<Source>, Abort<Error>> {
        let table = match &copy.source_table {
            Some(name) => rows::table(rows, name, None)?.map(|found| found.table.as_ref().clone()),
            None => rows::read::<Backup>(rows, &keys::backup(copy.source))?.map(|backup| backup.table),
        };
        Ok(table.map(|table| Source(Table { unlocked: unlocked.clone(), ..table })))
    }
}

/// Where items of a copy are put.
enum Sink {
    /// With the sealed rows of its table.
    Backup(Box<Backup>),
    Table(std::sync::Arc<Table>),
}

impl Sink {
    fn open(
        rows: &mut dyn Transaction,
        target: &Target,
        known: Option<&Revised>,
        source: &Unlocked,
    ) -> Result<Option<Sink>, Abort<Error>> {
        Ok(match target {
            Target::Backup(number) => rows::read::<Backup>(rows, &keys::backup(*number))?.map(|mut backup| {
                backup.table.unlocked = source.clone();
                Sink::Backup(Box::new(backup))
            }),
            Target::Table(name) => rows::table(rows, name, known)?.map(|found| Sink::Table(found.table)),
        })
    }

    /// Gives the item of a key this state.
    fn set(
        &mut self,
        rows: &mut dyn Transaction,
        key: &[u8],
        item: Option<Item>,
        now: i64,
    ) -> Result<(), Abort<Error>> {
        match self {
            Sink::Table(table) => {
                let found = write::find(rows, table, key.to_vec())?;
                write::replace(rows, table, &found, item.as_ref(), Origin::Call, now)?;
            }
            Sink::Backup(backup) => {
                let row = keys::item(backup.number, key);
                if let Some(before) = rows.get(&row)? {
                    backup.count = backup.count.saturating_sub(1);
                    backup.bytes =
                        backup.bytes.saturating_sub(item_size(&backup.table.open_item(&row, &before)?) as u64);
                }
                match item {
                    Some(item) => {
                        backup.count += 1;
                        backup.bytes += item_size(&item) as u64;
                        rows.put(&row, &backup.table.seal_item(&row, &item)?);
                    }
                    None => rows.delete(&row),
                }
            }
        }
        Ok(())
    }

    /// Keeps what was counted.
    fn save(&self, rows: &mut dyn Transaction, complete: bool) -> Result<(), Abort<Error>> {
        match self {
            Sink::Backup(backup) => {
                let backup = Backup { complete, ..backup.as_ref().clone() };
                rows::put(rows, &keys::backup(backup.number), &backup)
            }
            Sink::Table(table) if complete => {
                let mut table = table.as_ref().clone();
                if let Some(restored) = &mut table.restored {
                    restored.in_progress = false;
                }
                rows::put_table(rows, &table)
            }
            Sink::Table(_) => Ok(()),
        }
    }
}

/// One step of a copy.
///
/// # Errors
/// When the store fails, and when a key has not been unlocked.
pub fn step(
    rows: &mut dyn Transaction,
    copy: &Copy,
    known: Option<&Revised>,
    unlocked: &Unlocked,
    now: i64,
) -> Result<Next, Abort<Error>> {
    let source = Source::open(rows, copy, unlocked)?;
    let (Some(source), Some(mut sink)) = (source, Sink::open(rows, &copy.target, known, unlocked)?) else {
        // Nobody wants the copy any more.
        release(rows, copy)?;
        return Ok(Next::Done);
    };
    let next = match &copy.phase {
        Phase::Items(after) => items(rows, copy, &source, &mut sink, after.as_deref(), now)?,
        Phase::Formers(after) => formers(rows, copy, &source, &mut sink, after.as_deref(), now)?,
    };
    sink.save(rows, next.is_none())?;
    match next {
        Some(phase) => Ok(Next::More(Work::Copy(Copy { phase, ..copy.clone() }))),
        None => {
            release(rows, copy)?;
            Ok(Next::Done)
        }
    }
}

fn items(
    rows: &mut dyn Transaction,
    copy: &Copy,
    source: &Source,
    sink: &mut Sink,
    after: Option<&[u8]>,
    now: i64,
) -> Result<Option<Phase>, Abort<Error>> {
    let chunk = chunk(rows, keys::items(copy.source), Direction::Forward, after)?;
    for (key, row) in &chunk.rows {
        let item = source.0.open_item(key, row)?;
        sink.set(rows, &key[keys::ITEM_PREFIX_BYTES..], Some(item), now)?;
    }
    Ok(match chunk.rows.last().filter(|_| chunk.more) {
        Some((last, _)) => Some(Phase::Items(Some(last.to_vec()))),
        None if copy.source_table.is_some() => Some(Phase::Formers(None)),
        None => None,
    })
}

fn formers(
    rows: &mut dyn Transaction,
    copy: &Copy,
    source: &Source,
    sink: &mut Sink,
    after: Option<&[u8]>,
    now: i64,
) -> Result<Option<Phase>, Abort<Error>> {
    let range: KeyRange = keys::formers_after(copy.source, copy.at.saturating_sub(1));
    let chunk = chunk(rows, range, Direction::Backward, after)?;
    for (key, row) in &chunk.rows {
        let (at, change) = rows::key_part(keys::read_former(key))?;
        if at < copy.at || (at == copy.at && change <= copy.from_change) {
            continue;
        }
        let (item_key, item) = read_former(row).ok_or_else(|| errors::damaged("former state"))?;
        let item = item.map(|row| source.0.open_item(key, &row)).transpose()?;
        sink.set(rows, &item_key, item, now)?;
    }
    let last = chunk.rows.last().filter(|_| chunk.more);
    Ok(last.map(|(last, _)| Phase::Formers(Some(last.to_vec()))))
}

/// Former states need no longer be kept for this copy.
fn release(rows: &mut dyn Transaction, copy: &Copy) -> Result<(), Abort<Error>> {
    let Some(name) = &copy.source_table else { return Ok(()) };
    let Some(found) = rows::table(rows, name, None)? else { return Ok(()) };
    if found.table.collection == copy.source {
        let mut table = found.table.as_ref().clone();
        table.copies = table.copies.saturating_sub(1);
        rows::put_table(rows, &table)?;
    }
    Ok(())
}
