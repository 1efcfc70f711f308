//! Reading and writing rows.

use std::sync::Arc;

use bytes::Bytes;
use platform::OrFailure;
use serde::Serialize;
use serde::de::DeserializeOwned;
use store::keys::KeyError;
use store::{Abort, Pending, Snapshot, StoreError, Transaction, value};
use wire::Error;

use crate::keys;
use crate::table::Table;

/// The value of a JSON row.
pub fn decode<T: DeserializeOwned>(row: &[u8]) -> Result<T, Error> {
    value::decode(keys::FORMAT, row).map_err(StoreError::from).or_failure()
}

/// The bytes of a JSON row.
pub fn encode<T: Serialize>(value: &T) -> Result<Bytes, Error> {
    value::encode(keys::FORMAT, value).map_err(StoreError::from).or_failure()
}

/// A part of a key.
pub fn key_part<T>(part: Result<T, KeyError>) -> Result<T, Error> {
    part.map_err(|error| StoreError::Read(error.to_string().into())).or_failure()
}

/// Reads a JSON row inside a transaction.
pub fn read<T: DeserializeOwned>(rows: &mut dyn Transaction, key: &[u8]) -> Result<Option<T>, Abort<Error>> {
    Ok(rows.get(key)?.map(|row| decode(&row)).transpose()?)
}

/// Writes a JSON row.
pub fn put<T: Serialize>(rows: &mut dyn Transaction, key: &[u8], value: &T) -> Result<(), Abort<Error>> {
    rows.put(key, &encode(value)?);
    Ok(())
}

/// Reads a JSON row of a snapshot.
pub async fn get<T: DeserializeOwned>(snapshot: &Snapshot, key: &[u8]) -> Result<Option<T>, Error> {
    snapshot.get(key).await.or_failure()?.map(|row| decode(&row)).transpose()
}

/// A number that nothing in the partition had before.
pub fn next_number(rows: &mut dyn Transaction) -> Result<u32, Abort<Error>> {
    let last: u32 = read(rows, &keys::last_number())?.unwrap_or_default();
    let next = last.checked_add(1).ok_or_else(|| crate::errors::damaged("numbers"))?;
    put(rows, &keys::last_number(), &next)?;
    Ok(next)
}

/// A table as it is at one moment. The revision tells whether a copy in memory is still good.
#[derive(Debug, Clone)]
pub struct Revised {
    /// The number of this state of the table; no two states of anything share one.
    pub revision: u32,
    /// The table.
    pub table: Arc<Table>,
}

/// Bytes in front of a table's JSON: its revision.
const REVISION_BYTES: usize = 4;

/// The table of a row; the copy at hand if it is of that revision.
pub fn table_of_row(row: &[u8], known: Option<&Revised>) -> Result<Revised, Error> {
    let (revision, json) = row.split_first_chunk::<REVISION_BYTES>().ok_or_else(|| crate::errors::damaged("table"))?;
    let revision = u32::from_be_bytes(*revision);
    match known.filter(|known| known.revision == revision) {
        Some(known) => Ok(known.clone()),
        None => {
            let mut table: Table = decode(json)?;
            // Its rows are still under the same key, unless that changed too.
            table.unlocked = known.map(|known| known.table.unlocked.clone()).unwrap_or_default();
            Ok(Revised { revision, table: Arc::new(table) })
        }
    }
}

/// A table inside a transaction.
pub fn table(rows: &mut dyn Transaction, name: &str, known: Option<&Revised>) -> Result<Option<Revised>, Abort<Error>> {
    let row = rows.get(&keys::table(name))?;
    Ok(row.map(|row| table_of_row(&row, known)).transpose()?)
}

/// Writes a table under a new revision.
pub fn put_table(rows: &mut dyn Transaction, table: &Table) -> Result<(), Abort<Error>> {
    let revision = next_number(rows)?;
    let mut row = revision.to_be_bytes().to_vec();
    row.extend_from_slice(&encode(table)?);
    rows.put(&keys::table(&table.name), &row);
    Ok(())
}

/// Counts and sizes of a table and its indexes, and how often its items were changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures {
    /// Numbers the changes, for former states.
    pub changes: u64,
    /// By collection: the number of items and their bytes.
    pub collections: Vec<(u32, u64, u64)>,
}

/// Bytes of the figures of one collection.
const FIGURE_BYTES: usize = 20;

impl Figures {
    /// The figures of a row; none if it is not there.
    pub fn of_row(row: Option<&[u8]>) -> Figures {
        let Some((changes, rest)) = row.and_then(|row| row.split_first_chunk::<8>()) else {
            return Figures::default();
        };
        let (figures, _) = rest.as_chunks::<FIGURE_BYTES>();
        let number = |bytes: &[u8]| bytes.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        let collections =
            figures.iter().map(|bytes| (number(&bytes[..4]) as u32, number(&bytes[4..12]), number(&bytes[12..])));
        Figures { changes: u64::from_be_bytes(*changes), collections: collections.collect() }
    }

    /// Reads a table's figures inside a transaction.
    pub fn read(rows: &mut dyn Transaction, collection: u32) -> Result<Figures, Pending> {
        Ok(Figures::of_row(rows.get(&keys::figures(collection))?.as_deref()))
    }

    /// Writes a table's figures.
    pub fn write(&self, rows: &mut dyn Transaction, collection: u32) {
        let mut row = self.changes.to_be_bytes().to_vec();
        for (collection, count, bytes) in &self.collections {
            row.extend(collection.to_be_bytes());
            row.extend(count.to_be_bytes());
            row.extend(bytes.to_be_bytes());
        }
        rows.put(&keys::figures(collection), &row);
    }

    /// The number of items of a collection and their bytes.
    pub fn of(&self, collection: u32) -> (u64, u64) {
        let found = self.collections.iter().find(|(number, ..)| *number == collection);
        found.map_or((0, 0), |(_, count, bytes)| (*count, *bytes))
    }

    /// Counts a change: sizes of an item before and after it.
    pub fn change(&mut self, collection: u32, before: Option<usize>, after: Option<usize>) {
        let index = self.collections.iter().position(|(number, ..)| *number == collection).unwrap_or_else(|| {
            self.collections.push((collection, 0, 0));
            self.collections.len() - 1
        });
        let (_, count, bytes) = &mut self.collections[index];
        *count = (*count + u64::from(after.is_some())).saturating_sub(u64::from(before.is_some()));
        *bytes = (*bytes + after.unwrap_or(0) as u64).saturating_sub(before.unwrap_or(0) as u64);
    }

    /// Forgets a collection.
    pub fn forget(&mut self, collection: u32) {
        self.collections.retain(|(number, ..)| *number != collection);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_follow_changes_and_are_stored() {
        let mut figures = Figures::default();
        figures.change(7, None, Some(10));
        figures.change(7, None, Some(5));
        figures.change(7, Some(10), Some(12));
        figures.change(8, None, Some(1));
        figures.change(7, Some(5), None);
        figures.changes = 3;
        assert_eq!((figures.of(7), figures.of(8), figures.of(9)), ((1, 12), (1, 1), (0, 0)));
        let mut row = 3_u64.to_be_bytes().to_vec();
        for (collection, count, bytes) in &figures.collections {
            row.extend([&collection.to_be_bytes()[..], &count.to_be_bytes(), &bytes.to_be_bytes()].concat());
        }
        assert_eq!(Figures::of_row(Some(&row)), figures);
        assert_eq!(Figures::of_row(Some(b"short")), Figures::default());
    }
}
