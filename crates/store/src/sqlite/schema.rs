//! The format of the database file: how it is recognised, created and upgraded.

use std::path::Path;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::error::OpenError;

/// SQLite's application id of our files, "Trca" in ASCII; `PRAGMA application_id` shows it.
const APPLICATION_ID: i32 = 0x5472_6361;

/// One step from a format to the next.
type Step = fn(&Transaction<'_>) -> rusqlite::Result<()>;

/// The way from an empty file to today's format. The format of a file, kept as `PRAGMA user_version`, is the number of
/// steps it has taken; a step, once released, never changes.
const STEPS: &[Step] = &[create_entries, create_large];

/// Format 1: every key of every partition in one table, in key order.
fn create_entries(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction.execute_batch(
        "CREATE TABLE entry (
             partition BLOB NOT NULL,
             key BLOB NOT NULL,
             value BLOB NOT NULL,
             PRIMARY KEY (partition, key)
         ) WITHOUT ROWID",
    )
}

/// Format 2: values that are too large to lie beside their keys, by the integer that `entry` has as its value then.
fn create_large(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction.execute_batch("CREATE TABLE large (id INTEGER PRIMARY KEY, value BLOB NOT NULL)")
}

/// Brings the file to today's format, or says why it cannot be used.
pub(super) fn ensure(connection: &mut Connection, file: &Path) -> Result<(), OpenError> {
    upgrade(connection, file, STEPS)
}

fn upgrade(connection: &mut Connection, file: &Path, steps: &[Step]) -> Result<(), OpenError> {
    let failed = |error: rusqlite::Error| OpenError::Engine { path: file.to_owned(), reason: error.to_string() };
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    let number = |name| transaction.pragma_query_value(None, name, |row| row.get::<_, i32>(0)).map_err(failed);
    let (application, version) = (number("application_id")?, number("user_version")?);
    let tables: u32 =
        transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(failed)?;
    if application != APPLICATION_ID && (application, version, tables) != (0, 0, 0) {
        return Err(OpenError::Foreign(file.to_owned()));
    }
    let found = u32::try_from(version).map_err(|_| OpenError::Foreign(file.to_owned()))?;
    let supported = u32::try_from(steps.len()).unwrap_or(u32::MAX);
    if found > supported {
        return Err(OpenError::NewerFormat { path: file.to_owned(), found, supported });
    }
    if found == supported {
        return Ok(());
    }
    for step in &steps[found as usize..] {
        step(&transaction).map_err(failed)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(failed)?;
    transaction.pragma_update(None, "user_version", supported).map_err(failed)?;
    transaction.commit().map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "a.sqlite";

    fn add_column(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        transaction.execute_batch("ALTER TABLE entry ADD COLUMN note TEXT NOT NULL DEFAULT 'old'")
    }

    #[test]
    fn an_older_format_is_upgraded_and_keeps_its_rows() {
        let mut connection = Connection::open_in_memory().expect("opens");
        upgrade(&mut connection, Path::new(FILE), &[create_entries]).expect("created");
        connection.execute("INSERT INTO entry VALUES (x'01', x'02', x'03')", []).expect("inserted");

        upgrade(&mut connection, Path::new(FILE), &[create_entries, add_column]).expect("upgraded");
        let note: String = connection.query_row("SELECT note FROM entry", [], |row| row.get(0)).expect("kept");
        assert_eq!(note, "old");

        let error = upgrade(&mut connection, Path::new(FILE), &[create_entries]).expect_err("newer");
        assert!(matches!(error, OpenError::NewerFormat { found: 2, supported: 1, .. }), "{error}");
    }

    #[test]
    fn a_failing_step_changes_nothing() {
        fn broken(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
            transaction.execute_batch("DELETE FROM entry; SELECT no_such_function()")
        }
        let mut connection = Connection::open_in_memory().expect("opens");
        upgrade(&mut connection, Path::new(FILE), &[create_entries]).expect("created");
        connection.execute("INSERT INTO entry VALUES (x'01', x'02', x'03')", []).expect("inserted");
        upgrade(&mut connection, Path::new(FILE), &[create_entries, broken]).expect_err("the step fails");
        let rows: u32 = connection.query_row("SELECT count(*) FROM entry", [], |row| row.get(0)).expect("counted");
        assert_eq!(rows, 1);
        upgrade(&mut connection, Path::new(FILE), &[create_entries]).expect("still format 1");
    }

    #[test]
    fn another_programs_database_is_left_alone() {
        let mut connection = Connection::open_in_memory().expect("opens");
        connection.execute_batch("CREATE TABLE theirs (a)").expect("created");
        let error = ensure(&mut connection, Path::new(FILE)).expect_err("foreign");
        assert!(matches!(error, OpenError::Foreign(_)), "{error}");
    }
}
