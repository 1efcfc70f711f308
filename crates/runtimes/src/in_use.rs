//! Directories that platforms have in use, so that none of another version takes them away: each that uses one holds a
//! lock on it, which the kernel lets go with the process.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The directories in use by this process, a few per language.
#[derive(Default)]
pub(crate) struct InUse(Mutex<HashMap<PathBuf, File>>);

impl InUse {
    /// Has the directory in use from now on.
    pub(crate) fn hold(&self, directory: &Path) -> io::Result<()> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !held.contains_key(directory) {
            let opened = File::open(directory)?;
            opened.lock_shared()?;
            held.insert(directory.to_owned(), opened);
        }
        Ok(())
    }
}

/// The lock of a directory that nobody has in use; nobody takes it into use while it is held.
pub(crate) fn unused(directory: &Path) -> Option<File> {
    let opened = File::open(directory).ok()?;
    opened.try_lock().is_ok().then_some(opened)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_in_use_until_it_is_let_go() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        assert!(unused(directory.path()).is_some());
        let in_use = InUse::default();
        in_use.hold(directory.path()).expect("held");
        in_use.hold(directory.path()).expect("held already");
        assert!(unused(directory.path()).is_none());
        drop(in_use);
        assert!(unused(directory.path()).is_some());
    }
}
