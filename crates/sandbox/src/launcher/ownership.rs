//! Whose a directory is: that of the launcher that holds the lock on it.
//!
//! Every launcher has a name of its own, and every directory it makes (a cgroup, or an ordinary one for its files) bears
//! it and is locked as long as the launcher lives. The kernel lets go of the lock however the launcher ends, so what
//! bears such a name and is not locked belongs to nobody any more. A process id would not tell: it may be used again,
//! and means something else in another pid namespace.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};

/// What the name of everything that belongs to a launcher begins with.
const PREFIX: &str = "traca.";
/// Random bytes in a name.
const RANDOM_BYTES: usize = 8;
/// Attempts at making a directory. One fails when another platform takes the new directory, before it is locked, for
/// one that was left behind.
const CREATE_ATTEMPTS_MAX: usize = 16;

/// A new launcher's name. The process id of its platform is there for people to read.
pub(crate) fn new_name(platform_pid: i32) -> io::Result<String> {
    let mut random = [0; RANDOM_BYTES];
    File::open("/dev/urandom")?.read_exact(&mut random)?;
    let digits: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("{PREFIX}{platform_pid}.{digits}"))
}

/// A directory that is ours. It is somebody else's to remove once this is dropped.
#[derive(Debug)]
pub(crate) struct OwnDirectory {
    path: PathBuf,
    _lock: Flock<File>,
}

impl OwnDirectory {
    /// Makes a directory that nobody else may enter and locks it.
    pub(crate) fn create(path: PathBuf) -> io::Result<OwnDirectory> {
        for _ in 0..CREATE_ATTEMPTS_MAX {
            match DirBuilder::new().mode(0o700).create(&path) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
            let Ok(opened) = File::open(&path) else { continue };
            let lock = Flock::lock(opened, FlockArg::LockExclusive).map_err(|(_, error)| error)?;
            if is_at(&lock, &path) {
                return Ok(OwnDirectory { path, _lock: lock });
            }
        }
        Err(io::Error::from(io::ErrorKind::ResourceBusy))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// Takes possession of the directories in `base` that launchers have left behind.
pub(crate) fn abandoned(base: &Path) -> Vec<OwnDirectory> {
    let entries = fs::read_dir(base).into_iter().flatten().flatten();
    let named = entries.filter(|entry| entry.file_name().as_encoded_bytes().starts_with(PREFIX.as_bytes()));
    let lock = |path: PathBuf| {
        let lock = Flock::lock(File::open(&path).ok()?, FlockArg::LockExclusiveNonblock).ok()?;
        is_at(&lock, &path).then_some(OwnDirectory { path, _lock: lock })
    };
    named.filter_map(|entry| lock(entry.path())).collect()
}

/// Whether an open directory is still the one with this name.
fn is_at(directory: &File, path: &Path) -> bool {
    match (directory.metadata(), fs::symlink_metadata(path)) {
        (Ok(had), Ok(found)) => (had.dev(), had.ino()) == (found.dev(), found.ino()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_holds_is_abandoned() {
        let base = tempfile::tempdir().unwrap();
        let name = new_name(7).unwrap();
        let held = OwnDirectory::create(base.path().join(&name)).unwrap();
        let left = OwnDirectory::create(base.path().join(new_name(7).unwrap())).unwrap().path().to_owned();
        fs::create_dir(base.path().join("traca-7")).unwrap();
        let found: Vec<PathBuf> = abandoned(base.path()).iter().map(|found| found.path().to_owned()).collect();
        assert_eq!(found, [left]);
        assert!(held.path().ends_with(name));
        drop(held);
        assert_eq!(abandoned(base.path()).len(), 2);
    }
}
