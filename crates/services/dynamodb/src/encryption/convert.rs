//! Sealing the rows that were written before their table had a key, a few hundred at a time.

use serde::{Deserialize, Serialize};
use store::{Abort, Direction, KeyRange, Transaction};
use wire::Error;

use super::{Protected, SEALED};
use crate::background::fill::chunk;
use crate::background::work::{Next, Work};
use crate::item::write::seal_former;
use crate::rows::Revised;
use crate::stream::record;
use crate::table::Table;
use crate::{keys, rows};

/// Rows of one kind, with the number they hang on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Part {
    /// Items of a table, or entries of an index.
    Items(u32),
    /// Former states.
    Formers(u32),
    /// Records of a stream.
    Records(u32),
    /// Changes on their way to a stream of Kinesis.
    Queued(u32),
}

impl Part {
    fn range(self) -> KeyRange {
        match self {
            Part::Items(number) => keys::items(number),
            Part::Formers(number) => keys::formers(number),
            Part::Records(number) => keys::records(number).range(),
            Part::Queued(number) => keys::all_queued(number),
        }
    }

    /// All parts of a table.
    pub fn all(table: &Table) -> Vec<Part> {
        let indexes = table.indexes().map(|index| Part::Items(index.collection));
        let stream = table.stream.iter().map(|stream| Part::Records(stream.number));
        let own = [Part::Items(table.collection), Part::Formers(table.collection)];
        let queues = table.destinations.iter().map(|destination| Part::Queued(destination.number));
        own.into_iter().chain(indexes).chain(stream).chain(queues).collect()
    }

    fn sealed(self, table: &Table, key: &[u8], row: &bytes::Bytes) -> Result<Option<Vec<u8>>, Error> {
        match self {
            Part::Items(_) if row.first() == Some(&SEALED) => Ok(None),
            Part::Items(_) => table.seal(key, row.to_vec()).map(Some),
            Part::Formers(_) => seal_former(table, key, row),
            Part::Records(_) | Part::Queued(_) => record::seal(table, key, row),
        }
    }
}

/// Seals the next rows of a table's parts; with the last of them the table is sealed.
pub fn step(
    rows: &mut dyn Transaction,
    name: &str,
    parts: &[Part],
    after: Option<&[u8]>,
    known: Option<&Revised>,
) -> Result<Next, Abort<Error>> {
    let Some(found) = rows::table(rows, name, known)? else { return Ok(Next::Done) };
    let Some((part, rest)) = parts.split_first() else {
        let mut table = found.table.as_ref().clone();
        if let Some(encryption) = &mut table.encryption {
            encryption.converting = false;
        }
        rows::put_table(rows, &table)?;
        return Ok(Next::Done);
    };
    if !Part::all(&found.table).contains(part) {
        // Of a table of that name before, or an index that is gone.
        let parts = rest.to_vec();
        return Ok(Next::More(Work::Seal { table: name.to_owned(), parts, after: None }));
    }
    let chunk = chunk(rows, part.range(), Direction::Forward, after)?;
    for (key, row) in &chunk.rows {
        if let Some(sealed) = part.sealed(&found.table, key, row)? {
            rows.put(key, &sealed);
        }
    }
    Ok(Next::More(match chunk.rows.last().filter(|_| chunk.more) {
        Some((last, _)) => Work::Seal { table: name.to_owned(), parts: parts.to_vec(), after: Some(last.to_vec()) },
        None => Work::Seal { table: name.to_owned(), parts: rest.to_vec(), after: None },
    }))
}
