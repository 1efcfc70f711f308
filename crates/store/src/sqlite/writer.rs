//! The writing side: batches, and the checkpoints that copy the write-ahead log into the database file.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering::Relaxed};
use std::time::Duration;

use bytes::Bytes;
use rusqlite::wal::CheckpointMode;
use rusqlite::{Connection, ErrorCode};

use super::connection::{BUSY_WAIT, engine_error};
use super::pool::ReadPool;
use super::values;
use crate::engine::{Read, Rows, Write};
use crate::error::EngineError;
use crate::overlay::WriteSet;
use crate::partition::Partition;
use crate::range::{Direction, KeyRange};

/// New frames (pages of 4 KiB) in the log after which they are copied into the database file: 16 MiB. Pages that change
/// often are copied once for many changes.
const CHECKPOINT_FRAMES: i32 = 4000;
/// Frames in the log (64 MiB) after which the writer waits for readers, so that the log can start over.
const LOG_FRAMES_MAX: i32 = 16 * 1024;
/// How long the writer waits for readers then; readers that stay longer get another chance a checkpoint later.
const READER_WAIT: Duration = Duration::from_millis(250);

/// The writer's connection and what it keeps track of.
pub(crate) struct SqliteEngine {
    connection: Connection,
    pool: Arc<ReadPool>,
    /// Frames in the log after the last commit, as SQLite reports them.
    log_frames: Arc<AtomicI32>,
    /// Frames of the log known to be in the database file.
    copied_frames: i32,
    /// Closed, and so released, last.
    _lock: File,
}

impl SqliteEngine {
    pub(super) fn new(mut connection: Connection, pool: Arc<ReadPool>, lock: File) -> rusqlite::Result<Self> {
        let log_frames = Arc::new(AtomicI32::new(0));
        let counted = log_frames.clone();
        connection.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, frames| {
            counted.store(frames, Relaxed);
            Ok(())
        }))?;
        Ok(Self { connection, pool, log_frames, copied_frames: 0, _lock: lock })
    }

    fn execute(&self, sql: &str) -> Result<(), EngineError> {
        let executed = self.connection.prepare_cached(sql).and_then(|mut statement| statement.execute([]));
        executed.map(|_| ()).map_err(engine_error)
    }

    /// Copies the log into the database file, and if `start_over` is set, waits for readers and empties the log.
    fn checkpoint(&mut self, start_over: bool) -> Result<(), EngineError> {
        let mode = if start_over { CheckpointMode::TRUNCATE } else { CheckpointMode::PASSIVE };
        match self.connection.wal_checkpoint_v2(Some("main"), mode) {
            Ok((frames, copied)) => {
                self.log_frames.store(frames, Relaxed);
                self.copied_frames = copied;
                Ok(())
            }
            // Readers hold on to the log; what could be copied was.
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                self.copied_frames = self.log_frames.load(Relaxed);
                Ok(())
            }
            // The log holds everything; the copy is made when there is room.
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DiskFull) => {
                tracing::warn!("no room to copy the write-ahead log into the database");
                self.copied_frames = self.log_frames.load(Relaxed);
                Ok(())
            }
            Err(error) => Err(engine_error(error)),
        }
    }

    fn checkpoint_waiting_for_readers(&mut self) -> Result<(), EngineError> {
        self.pool.take_expired();
        self.connection.busy_timeout(READER_WAIT).map_err(engine_error)?;
        let done = self.checkpoint(true);
        self.connection.busy_timeout(BUSY_WAIT).map_err(engine_error)?;
        done
    }
}

impl Read for SqliteEngine {
    fn get(&mut self, partition: &Partition, key: &[u8]) -> Result<Option<Bytes>, EngineError> {
        self.connection.get(partition, key)
    }

    fn scan(&mut self, of: &Partition, range: &KeyRange, way: Direction, limit: usize) -> Result<Rows, EngineError> {
        self.connection.scan(of, range, way, limit)
    }

    fn nth_key(&mut self, partition: &Partition, range: &KeyRange, index: usize) -> Result<Option<Bytes>, EngineError> {
        self.connection.nth_key(partition, range, index)
    }
}

impl Write for SqliteEngine {
    fn begin(&mut self) -> Result<(), EngineError> {
        self.execute("BEGIN IMMEDIATE")
    }

    fn apply(&mut self, partition: &Partition, set: &WriteSet) -> Result<(), EngineError> {
        let apply = || -> rusqlite::Result<()> {
            for range in &set.removed {
                values::delete_range(&self.connection, partition, range)?;
            }
            let partition = partition.as_bytes();
            for (key, value) in &set.writes {
                match value {
                    Some(value) => values::put(&self.connection, partition, key, value)?,
                    None => values::delete(&self.connection, partition, key)?,
                }
            }
            Ok(())
        };
        apply().map_err(engine_error)
    }

    fn clear(&mut self) -> Result<(), EngineError> {
        values::clear(&self.connection).map_err(engine_error)
    }

    fn commit(&mut self) -> Result<(), EngineError> {
        self.execute("COMMIT")
    }

    fn rollback(&mut self) -> Result<(), EngineError> {
        // SQLite has rolled back by itself after some errors.
        if self.connection.is_autocommit() { Ok(()) } else { self.execute("ROLLBACK") }
    }

    fn maintain(&mut self) -> Result<(), EngineError> {
        let frames = self.log_frames.load(Relaxed);
        if frames < self.copied_frames {
            // The log has started over since.
            self.copied_frames = 0;
        }
        if frames - self.copied_frames < CHECKPOINT_FRAMES {
            return Ok(());
        }
        if frames < LOG_FRAMES_MAX { self.checkpoint(false) } else { self.checkpoint_waiting_for_readers() }
    }

    fn close(&mut self) -> Result<(), EngineError> {
        self.pool.close();
        self.checkpoint_waiting_for_readers()
    }
}
