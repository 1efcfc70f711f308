//! What can go wrong.

use std::io;
use std::path::PathBuf;

use crate::digest::Digest;

/// Why a blob could not be written, read or removed. A write that fails leaves nothing behind.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// Another process has the directory open.
    #[error("{0} is in use by another process")]
    Locked(PathBuf),
    /// There is no blob of this digest.
    #[error("there is no blob {0}")]
    NotFound(Digest),
    /// The content is longer than the writer was told to accept.
    #[error("the content is longer than {0} bytes")]
    TooLarge(u64),
    /// A range reaches beyond the end of the blob.
    #[error("bytes {offset} to {end} were asked of a blob of {length} bytes")]
    OutOfRange {
        /// First byte asked for.
        offset: u64,
        /// The byte behind the last one asked for.
        end: u64,
        /// Bytes the blob has.
        length: u64,
    },
    /// There is no room for the blob.
    #[error("the disk is full")]
    DiskFull,
    /// What is stored is not what its digest says.
    #[error("blob {0} is damaged")]
    Damaged(Digest),
    /// A directory could not be made durable: which blobs a power cut would leave is unknown, and the process has to
    /// be restarted before more is written.
    #[error("the blob store has failed and must be reopened")]
    Poisoned,
    /// The operating system refused.
    #[error("{action} {path}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The server that keeps the blobs cannot be reached, or refuses.
    #[error("the server of the blobs: {0}")]
    Remote(String),
    /// The writer was dropped or cancelled in the middle of an earlier write.
    #[error("the writer was interrupted")]
    Interrupted,
}

impl BlobError {
    /// The error for something tried on `path`; a full disk has its own.
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull,
            _ => Self::Io { action, path: path.into(), source },
        }
    }
}
