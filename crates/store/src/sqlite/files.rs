//! The directory of a store, its lock and its permissions.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use crate::error::OpenError;

/// The database file; SQLite appends `-wal` and `-shm` for its own two.
pub(super) const DATABASE: &str = "store.sqlite";
/// An empty file whose lock says that the store is open.
const LOCK: &str = "lock";
/// Nobody but the owner may look into the directory or the files: they hold customers' data.
const DIRECTORY_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// Creates what is missing, durably, and takes the lock, which is held until the returned file is closed.
pub(super) fn prepare(directory: &Path) -> Result<File, OpenError> {
    let failed = |path: &Path, source| OpenError::Io { path: path.to_owned(), source };
    create_directory(directory).map_err(|source| failed(directory, source))?;
    let lock_path = directory.join(LOCK);
    let lock = create(&lock_path).map_err(|source| failed(&lock_path, source))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(OpenError::Locked(directory.to_owned())),
        Err(TryLockError::Error(source)) => return Err(failed(&lock_path, source)),
    }
    // SQLite gives its log the mode of the database file, so the file is made before SQLite sees it.
    let database = directory.join(DATABASE);
    create(&database).map_err(|source| failed(&database, source))?;
    sync_directory(directory).map_err(|source| failed(directory, source))?;
    Ok(lock)
}

/// Creates a directory where none is, and makes its name durable, and those of the directories above that were missing
/// too. The name is synced even where the directory exists: whoever made it may not have lived to do so.
fn create_directory(directory: &Path) -> io::Result<()> {
    let missing_above = directory.ancestors().skip(1).take_while(|above| !is_present(above)).count();
    DirBuilder::new().recursive(true).mode(DIRECTORY_MODE).create(directory)?;
    for above in directory.ancestors().skip(1).take(missing_above + 1) {
        match sync_directory(above) {
            // We may not look into a directory that others made for us.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
            synced => synced?,
        }
    }
    Ok(())
}

fn is_present(directory: &Path) -> bool {
    directory.as_os_str().is_empty() || directory.exists()
}

fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(FILE_MODE).open(path)
}

/// Makes the names in a directory durable.
fn sync_directory(directory: &Path) -> io::Result<()> {
    let here = directory.as_os_str().is_empty();
    File::open(if here { Path::new(".") } else { directory })?.sync_all()
}
