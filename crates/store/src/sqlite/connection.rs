//! Connections, and the statements that read through them.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use rusqlite::config::DbConfig;
use rusqlite::{CachedStatement, Connection, ErrorCode, OpenFlags, OptionalExtension, ToSql};

use super::SqliteOptions;
use super::values::value_sql;
use crate::engine::{BoundedRows, Read, Rows};
use crate::error::EngineError;
use crate::partition::Partition;
use crate::range::{Direction, KeyRange};
use crate::store::Profile;

/// Page cache of the writing connection, in KiB; memory is taken as pages are touched.
const WRITER_CACHE_KIB: i32 = 32 * 1024;
/// Page cache of one reading connection, in KiB.
const READER_CACHE_KIB: i32 = 4 * 1024;
/// How long a connection waits for another one's short internal lock. The directory's own lock keeps others out.
pub(super) const BUSY_WAIT: Duration = Duration::from_secs(5);
/// The write-ahead log is cut to this size, in bytes, when it starts over.
const LOG_BYTES_KEPT: i64 = 16 * 1024 * 1024;
/// Distinct statements of this crate, with room.
const STATEMENTS_MAX: usize = 32;

/// What both kinds of connections are told first.
fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_WAIT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    // One plan per statement: otherwise SQLite looks at the bound limit and prepares the statement again for another one.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

/// The connection of the writer.
pub(super) fn writing(file: &Path, options: &SqliteOptions) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(
        file,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    prepare(&connection)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(
        None,
        "synchronous",
        match options.profile {
            Profile::Durable => "FULL",
            Profile::Relaxed => "NORMAL",
        },
    )?;
    connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
    connection.pragma_update(None, "journal_size_limit", LOG_BYTES_KEPT)?;
    // The writer checkpoints itself, after it has sent the results, and so sees when a checkpoint fails.
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    if let Some(pages) = options.pages_max {
        connection.pragma_update(None, "max_page_count", pages)?;
    }
    Ok(connection)
}

/// One more connection that only reads.
pub(super) fn reading(file: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    prepare(&connection)?;
    connection.pragma_update(None, "cache_size", -READER_CACHE_KIB)?;
    Ok(connection)
}

/// What an error of SQLite means for the batch it happened in.
pub(super) fn engine_error(error: rusqlite::Error) -> EngineError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => EngineError::DiskFull,
        _ => EngineError::Fatal(error.to_string()),
    }
}

macro_rules! scan_sql {
    ($end:literal, $order:literal) => {
        concat!(
            "SELECT key, ",
            value_sql!(),
            " FROM entry WHERE partition = ?1 AND key >= ?2",
            $end,
            " ORDER BY key",
            $order,
            " LIMIT ?3"
        )
    };
}

/// SQL for a range, by direction and by whether the range ends.
fn scan_sql(direction: Direction, bounded: bool) -> &'static str {
    match (direction, bounded) {
        (Direction::Forward, true) => scan_sql!(" AND key < ?4", ""),
        (Direction::Forward, false) => scan_sql!("", ""),
        (Direction::Backward, true) => scan_sql!(" AND key < ?4", " DESC"),
        (Direction::Backward, false) => scan_sql!("", " DESC"),
    }
}

/// Binds partition, start, a number and, where the range has one, its end.
fn query<'a>(
    statement: &'a mut CachedStatement<'_>,
    partition: &Partition,
    range: &KeyRange,
    number: usize,
) -> rusqlite::Result<rusqlite::Rows<'a>> {
    let (partition, start) = (partition.as_bytes(), range.start());
    let number = i64::try_from(number).unwrap_or(i64::MAX);
    match range.end() {
        Some(end) => statement.query([&partition as &dyn ToSql, &start, &number, &end]),
        None => statement.query([&partition as &dyn ToSql, &start, &number]),
    }
}

fn column(row: &rusqlite::Row<'_>, index: usize) -> Result<Bytes, EngineError> {
    let value = row.get_ref(index).map_err(engine_error)?;
    value.as_blob().map(Bytes::copy_from_slice).map_err(|error| EngineError::Fatal(error.to_string()))
}

impl Read for Connection {
    fn get(&mut self, partition: &Partition, key: &[u8]) -> Result<Option<Bytes>, EngineError> {
        let read = || {
            let sql = concat!("SELECT ", value_sql!(), " FROM entry WHERE partition = ?1 AND key = ?2");
            let mut statement = self.prepare_cached(sql)?;
            let value = |row: &rusqlite::Row<'_>| Ok(Bytes::copy_from_slice(row.get_ref(0)?.as_blob()?));
            statement.query_row([partition.as_bytes(), key], value).optional()
        };
        read().map_err(engine_error)
    }

    fn scan(&mut self, of: &Partition, range: &KeyRange, way: Direction, limit: usize) -> Result<Rows, EngineError> {
        let mut found = BoundedRows::default();
        let sql = scan_sql(way, range.end().is_some());
        let mut statement = self.prepare_cached(sql).map_err(engine_error)?;
        let mut rows = query(&mut statement, of, range, limit).map_err(engine_error)?;
        while let Some(row) = rows.next().map_err(engine_error)? {
            found.push(column(row, 0)?, column(row, 1)?)?;
        }
        Ok(found.into_rows())
    }

    fn nth_key(&mut self, partition: &Partition, range: &KeyRange, index: usize) -> Result<Option<Bytes>, EngineError> {
        let sql = if range.end().is_some() {
            "SELECT key FROM entry WHERE partition = ?1 AND key >= ?2 AND key < ?4 ORDER BY key LIMIT 1 OFFSET ?3"
        } else {
            "SELECT key FROM entry WHERE partition = ?1 AND key >= ?2 ORDER BY key LIMIT 1 OFFSET ?3"
        };
        let mut statement = self.prepare_cached(sql).map_err(engine_error)?;
        let mut rows = query(&mut statement, partition, range, index).map_err(engine_error)?;
        match rows.next().map_err(engine_error)? {
            Some(row) => column(row, 0).map(Some),
            None => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_reach_the_disk_unless_relaxed() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        for (profile, synchronous) in [(Profile::Durable, 2), (Profile::Relaxed, 1)] {
            let file = directory.path().join(format!("{profile:?}"));
            let connection = writing(&file, &SqliteOptions::new(profile)).expect("opens");
            let set: u32 = connection.pragma_query_value(None, "synchronous", |row| row.get(0)).expect("readable");
            assert_eq!(set, synchronous);
            let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).expect("readable");
            assert_eq!(mode, "wal");
        }
    }
}
