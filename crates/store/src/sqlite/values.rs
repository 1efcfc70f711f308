//! Where values lie: small ones beside their keys in `entry`, large ones in `large`, under a number that `entry` keeps in
//! their place.
//!
//! A row that does not fit its page of the tree goes on in overflow pages, and a search compares whole rows: each row it
//! passes is read to its end. A few numbers instead keep the tree of keys dense, whatever the values' sizes.

use rusqlite::{Connection, OptionalExtension};

use crate::partition::Partition;
use crate::range::KeyRange;

/// Most bytes of partition, key and value of a row of `entry`: what SQLite keeps within a page of 4 KiB of such a tree
/// (1,002 bytes, "Database File Format", 1.6), less the row's own header.
const ROW_BYTES_MAX: usize = 984;

/// The least bytes of a value worth a row of its own; the rest of a row longer than that is key.
const LARGE_BYTES_MIN: usize = 64;

/// The value of a row of `entry` wherever it lies, in SQL.
macro_rules! value_sql {
    () => {
        "CASE typeof(value) WHEN 'integer' THEN (SELECT large.value FROM large WHERE id = entry.value) ELSE value END"
    };
}
pub(super) use value_sql;

/// Whether a value gets a row of `large`.
fn is_large(partition: &[u8], key: &[u8], value: &[u8]) -> bool {
    value.len() >= LARGE_BYTES_MIN && partition.len() + key.len() + value.len() > ROW_BYTES_MAX
}

/// The number of a key's value if that is a large one.
fn number(connection: &Connection, partition: &[u8], key: &[u8]) -> rusqlite::Result<Option<i64>> {
    let sql = "SELECT value FROM entry WHERE partition = ?1 AND key = ?2 AND typeof(value) = 'integer'";
    connection.prepare_cached(sql)?.query_row([partition, key], |row| row.get(0)).optional()
}

fn forget(connection: &Connection, number: Option<i64>) -> rusqlite::Result<()> {
    if let Some(number) = number {
        connection.prepare_cached("DELETE FROM large WHERE id = ?1")?.execute([number])?;
    }
    Ok(())
}

/// Sets a key's value.
pub(super) fn put(connection: &Connection, partition: &[u8], key: &[u8], value: &[u8]) -> rusqlite::Result<()> {
    let old = number(connection, partition, key)?;
    let set = "INSERT OR REPLACE INTO entry VALUES (?1, ?2, ?3)";
    if !is_large(partition, key, value) {
        forget(connection, old)?;
        connection.prepare_cached(set)?.execute([partition, key, value])?;
    } else if let Some(number) = old {
        connection.prepare_cached("UPDATE large SET value = ?2 WHERE id = ?1")?.execute((number, value))?;
    } else {
        connection.prepare_cached("INSERT INTO large (value) VALUES (?1)")?.execute([value])?;
        connection.prepare_cached(set)?.execute((partition, key, connection.last_insert_rowid()))?;
    }
    Ok(())
}

/// Removes a key.
pub(super) fn delete(connection: &Connection, partition: &[u8], key: &[u8]) -> rusqlite::Result<()> {
    forget(connection, number(connection, partition, key)?)?;
    connection.prepare_cached("DELETE FROM entry WHERE partition = ?1 AND key = ?2")?.execute([partition, key])?;
    Ok(())
}

/// The rows of a range that ends, and of one that does not, in SQL.
macro_rules! within {
    ($before:literal, bounded, $after:literal) => {
        concat!($before, " WHERE partition = ?1 AND key >= ?2 AND key < ?3", $after)
    };
    ($before:literal, open, $after:literal) => {
        concat!($before, " WHERE partition = ?1 AND key >= ?2", $after)
    };
}

/// Removes the keys of a range.
pub(super) fn delete_range(connection: &Connection, partition: &Partition, range: &KeyRange) -> rusqlite::Result<()> {
    let (partition, start) = (partition.as_bytes(), range.start());
    let statements = match range.end() {
        Some(_) => [
            within!(
                "DELETE FROM large WHERE id IN (SELECT value FROM entry",
                bounded,
                " AND typeof(value) = 'integer')"
            ),
            within!("DELETE FROM entry", bounded, ""),
        ],
        None => [
            within!("DELETE FROM large WHERE id IN (SELECT value FROM entry", open, " AND typeof(value) = 'integer')"),
            within!("DELETE FROM entry", open, ""),
        ],
    };
    for sql in statements {
        let mut statement = connection.prepare_cached(sql)?;
        match range.end() {
            Some(end) => statement.execute([partition, start, end])?,
            None => statement.execute([partition, start])?,
        };
    }
    Ok(())
}

/// Removes everything.
pub(super) fn clear(connection: &Connection) -> rusqlite::Result<()> {
    for sql in ["DELETE FROM entry", "DELETE FROM large"] {
        connection.prepare_cached(sql)?.execute([])?;
    }
    Ok(())
}
