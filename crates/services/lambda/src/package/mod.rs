//! Deployment packages: what is taken, and where it is unpacked.

mod archive;
mod directories;
mod image;
mod limits;
mod paths;
#[cfg(test)]
mod tests;

pub use archive::{Contents, Entry, read};
pub use directories::{PackageDirectory, Packages};
pub use limits::{UNZIPPED_BYTES_MAX, ZIPPED_BYTES_MAX};

use std::io;

use blob::{BlobError, Digest};

/// Why a package cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PackageError {
    /// It is no zip file, or one that is damaged, encrypted or leads out of its directory.
    #[error("Could not unzip uploaded file. Please check your file, then try to upload again.")]
    Malformed(&'static str),
    /// It holds no files.
    #[error("Uploaded file must be a non-empty zip")]
    Empty,
    /// Its files are too large together.
    #[error("Unzipped size must be smaller than {UNZIPPED_BYTES_MAX} bytes")]
    TooLarge,
    /// It has more entries than can be taken.
    #[error("The uploaded file must have fewer than {} entries", limits::ENTRIES_MAX)]
    TooManyEntries,
    /// It is a container image that cannot be unpacked.
    #[error("{0}")]
    Image(String),
    /// The blob store has not got it.
    #[error("package {0} is missing")]
    Missing(Digest),
    /// The blob store failed.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// The file system failed.
    #[error("cannot unpack: {0}")]
    Io(#[from] io::Error),
    /// The platform is stopping.
    #[error("the platform is stopping")]
    Stopping,
}

impl PackageError {
    /// Whether it is the package's own fault, so that trying again is useless.
    pub fn is_fault_of_package(&self) -> bool {
        match self {
            PackageError::Malformed(_)
            | PackageError::Empty
            | PackageError::TooLarge
            | PackageError::TooManyEntries
            | PackageError::Image(_) => true,
            PackageError::Missing(_) | PackageError::Blob(_) | PackageError::Io(_) | PackageError::Stopping => false,
        }
    }
}
