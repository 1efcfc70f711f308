//! The engine on disk: SQLite in write-ahead-log mode, one writing connection and a bounded pool of reading ones.
//!
//! A store is a directory with `lock` (held as long as the store is open), `store.sqlite` and SQLite's own
//! `store.sqlite-wal` and `store.sqlite-shm`.

mod connection;
mod files;
mod pool;
mod schema;
mod values;
mod writer;

use std::path::Path;
use std::sync::Arc;

pub(crate) use pool::{ReadLease, ReadPool};
pub(crate) use writer::SqliteEngine;

use crate::error::OpenError;
use crate::store::Profile;

/// How a database is opened.
#[derive(Debug, Clone)]
pub(crate) struct SqliteOptions {
    /// What a commit waits for.
    pub(crate) profile: Profile,
    /// Most pages the database file may have, where a test needs a full disk.
    pub(crate) pages_max: Option<u32>,
}

impl SqliteOptions {
    /// Without any bound of its own on the file.
    pub(crate) fn new(profile: Profile) -> Self {
        Self { profile, pages_max: None }
    }
}

/// Opens, and if necessary creates, upgrades or recovers, the store in a directory.
pub(crate) fn open(directory: &Path, options: &SqliteOptions) -> Result<(SqliteEngine, Arc<ReadPool>), OpenError> {
    let lock = files::prepare(directory)?;
    let file = directory.join(files::DATABASE);
    let engine_error = |error: rusqlite::Error| OpenError::Engine { path: file.clone(), reason: error.to_string() };
    let mut connection = connection::writing(&file, options).map_err(engine_error)?;
    schema::ensure(&mut connection, &file)?;
    let pool = Arc::new(ReadPool::new(file.clone()));
    let engine = SqliteEngine::new(connection, pool.clone(), lock).map_err(engine_error)?;
    Ok((engine, pool))
}
