//! What can go wrong, one enum per family of calls.

use std::path::PathBuf;
use std::sync::Arc;

/// Why a store could not be opened. Each message names the path and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process, or another handle in this one, has the directory open.
    #[error("{0} is in use by another process")]
    Locked(PathBuf),
    /// The directory or one of its files could not be created or opened.
    #[error("cannot open {path}: {source}")]
    Io {
        /// What was being opened.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// The file was written by a later version of this program.
    #[error("{path} has format {found}, and this version reads formats up to {supported}: use a newer version")]
    NewerFormat {
        /// The database file.
        path: PathBuf,
        /// Its format number.
        found: u32,
        /// The newest format this build knows.
        supported: u32,
    },
    /// The file is a database, but not one of ours.
    #[error("{0} was not written by this program")]
    Foreign(PathBuf),
    /// The database engine refused the file.
    #[error("cannot open {path}: {reason}")]
    Engine {
        /// The database file.
        path: PathBuf,
        /// The engine's own words.
        reason: String,
    },
}

/// Which bound of [`crate::limits`] a call went over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// [`crate::limits::KEY_BYTES_MAX`]
    KeyBytes,
    /// [`crate::limits::VALUE_BYTES_MAX`]
    ValueBytes,
    /// [`crate::limits::TRANSACTION_WRITES_MAX`]
    TransactionWrites,
    /// [`crate::limits::TRANSACTION_BYTES_MAX`]
    TransactionBytes,
    /// [`crate::limits::DELETE_RANGE_ROWS_MAX`]
    DeleteRangeRows,
    /// [`crate::limits::SCAN_ROWS_MAX`]
    ScanRows,
    /// [`crate::limits::SCAN_BYTES_MAX`]
    ScanBytes,
    /// [`crate::limits::PARTITION_BYTES_MAX`]; a partition name has at least one byte
    PartitionBytes,
}

/// Why the store did not do as asked. Unless said otherwise nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The writer's queue, or the pool of read connections, stayed full for
    /// [`QUEUE_WAIT_MAX`](crate::limits::QUEUE_WAIT_MAX). Trying again later is sensible.
    #[error("the store is overloaded")]
    Overloaded,
    /// A bound was passed.
    #[error("{limit:?} is {actual}, and may be {max}")]
    LimitExceeded {
        /// Which bound.
        limit: Limit,
        /// What was asked for; for scans and range deletes, what had been seen when the store gave up.
        actual: usize,
        /// What is allowed.
        max: usize,
    },
    /// The transaction's closure panicked; its writes are dropped and nobody else's.
    #[error("a transaction panicked: {0}")]
    ClosurePanicked(Arc<str>),
    /// The disk has no room for the commit. Nothing of the batch was kept, and the store goes on.
    #[error("the disk is full")]
    DiskFull,
    /// A commit failed in a way that leaves unknown what is on disk. Whether this transaction was kept is unknown, and
    /// no later call succeeds: the process has to be restarted. See [`crate::Store::fatal`].
    #[error("the store has failed and must be reopened: {0}")]
    Poisoned(Arc<str>),
    /// The store has been shut down.
    #[error("the store is closed")]
    Closed,
    /// The snapshot is older than [`SNAPSHOT_AGE_MAX`](crate::limits::SNAPSHOT_AGE_MAX).
    #[error("the snapshot has expired")]
    SnapshotExpired,
    /// A read failed.
    #[error("cannot read the store: {0}")]
    Read(Arc<str>),
}

/// The end of a transaction that did not commit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransactError<E> {
    /// The closure itself gave up, with its own reason.
    #[error("{0}")]
    Aborted(E),
    /// The store could not run or commit it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl<E: From<StoreError>> TransactError<E> {
    /// The caller's own error, for error types that can say "the store failed".
    pub fn flatten(self) -> E {
        match self {
            Self::Aborted(error) => error,
            Self::Store(error) => error.into(),
        }
    }
}

/// How an engine reports a failed step to the writer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EngineError {
    /// No room: the batch is rolled back and the store goes on.
    DiskFull,
    /// A scan passed a bound: only the transaction that asked is refused.
    TooLarge(StoreError),
    /// Anything else: what is on disk is no longer known.
    Fatal(String),
}

impl EngineError {
    /// What a reader outside any transaction is told.
    pub(crate) fn into_read_error(self) -> StoreError {
        match self {
            Self::DiskFull => StoreError::DiskFull,
            Self::TooLarge(error) => error,
            Self::Fatal(reason) => StoreError::Read(reason.into()),
        }
    }
}
