//! Filling indexes and expiry marks from the items that are already there.

use bytes::Bytes;
use store::{Abort, Direction, KeyRange, Transaction};
use wire::Error;

use super::work::{Next, Work};
use crate::encryption::Protected;
use crate::item::write::{entry_key, expiry};
use crate::keys;
use crate::limits::{CHUNK_BYTES, CHUNK_ROWS, PAGE_ROWS_FIRST};
use crate::rows::{self, Figures, Revised};
use crate::value::item_size;

/// Some rows of a range behind a key: as many as one transaction should handle. Fewer than there are only if `more`.
pub struct Chunk {
    /// Keys and values.
    pub rows: Vec<(Bytes, Bytes)>,
    /// Whether there may be more behind them.
    pub more: bool,
}

/// Reads the next rows of a range.
pub fn chunk(
    rows: &mut dyn Transaction,
    range: KeyRange,
    direction: Direction,
    after: Option<&[u8]>,
) -> Result<Chunk, Abort<Error>> {
    let behind = |range: KeyRange, key: &[u8]| match direction {
        Direction::Forward => range.after(key),
        Direction::Backward => range.before(key),
    };
    let mut rest = match after {
        Some(after) => behind(range, after),
        None => range,
    };
    let (mut read, mut bytes) = (Vec::new(), 0);
    while read.len() < CHUNK_ROWS && bytes < CHUNK_BYTES {
        let found = rows.scan(rest.clone(), direction, PAGE_ROWS_FIRST)?;
        let exhausted = found.len() < PAGE_ROWS_FIRST;
        for (key, row) in found {
            if bytes >= CHUNK_BYTES {
                return Ok(Chunk { rows: read, more: true });
            }
            bytes += key.len() + row.len();
            rest = behind(rest, &key);
            read.push((key, row));
        }
        if exhausted {
            return Ok(Chunk { rows: read, more: false });
        }
    }
    Ok(Chunk { rows: read, more: true })
}

/// Adds entries of some items to an index that is being filled; with the last of them the index is ready.
pub fn index(
    rows: &mut dyn Transaction,
    name: &str,
    collection: u32,
    after: Option<&[u8]>,
    known: Option<&Revised>,
) -> Result<Next, Abort<Error>> {
    let Some(found) = rows::table(rows, name, known)? else { return Ok(Next::Done) };
    let mut table = found.table.as_ref().clone();
    let Some(index) = table.globals.iter().find(|index| index.collection == collection).cloned() else {
        return Ok(Next::Done);
    };
    let chunk = chunk(rows, keys::items(table.collection), Direction::Forward, after)?;
    let mut figures = Figures::read(rows, table.collection)?;
    for (key, row) in &chunk.rows {
        let item = table.open_item(key, row)?;
        let Some(entry) = table.entry(&index, &item) else { continue };
        let Some(entry_key) = entry_key(&index, &entry, &key[keys::ITEM_PREFIX_BYTES..]) else { continue };
        let entry_row = keys::item(collection, &entry_key);
        if rows.get(&entry_row)?.is_none() {
            figures.change(collection, None, Some(item_size(&entry)));
        }
        rows.put(&entry_row, &table.seal_item(&entry_row, &entry)?);
    }
    figures.write(rows, table.collection);
    match chunk.rows.last().filter(|_| chunk.more) {
        Some((last, _)) => {
            let after = Some(last.to_vec());
            Ok(Next::More(Work::Backfill { table: name.to_owned(), index: collection, after }))
        }
        None => {
            for index in table.globals.iter_mut().filter(|index| index.collection == collection) {
                index.backfilling = false;
            }
            rows::put_table(rows, &table)?;
            Ok(Next::Done)
        }
    }
}

/// Marks when some items expire.
pub fn expiries(
    rows: &mut dyn Transaction,
    name: &str,
    collection: u32,
    after: Option<&[u8]>,
    known: Option<&Revised>,
) -> Result<Next, Abort<Error>> {
    let found = rows::table(rows, name, known)?.filter(|found| found.table.collection == collection);
    let Some(table) = found.map(|found| found.table) else { return Ok(Next::Done) };
    if table.time_to_live.as_ref().is_none_or(|settings| !settings.enabled) {
        return Ok(Next::Done);
    }
    let chunk = chunk(rows, keys::items(collection), Direction::Forward, after)?;
    for (key, row) in &chunk.rows {
        if let Some(second) = expiry(&table, &table.open_item(key, row)?) {
            rows.put(&keys::expiry(collection, second, &key[keys::ITEM_PREFIX_BYTES..]), &[]);
        }
    }
    Ok(match chunk.rows.last().filter(|_| chunk.more) {
        Some((last, _)) => {
            Next::More(Work::MarkExpiries { table: name.to_owned(), collection, after: Some(last.to_vec()) })
        }
        None => Next::Done,
    })
}
