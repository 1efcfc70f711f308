//! Files that appear whole or not at all, readable by the unprivileged users functions run as.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Directory permission bits: everybody may enter and read.
const DIRECTORY_MODE: u32 = 0o755;

/// File permission bits: everybody may read.
const FILE_MODE: u32 = 0o644;

/// A path beside `target` that no other process or task uses.
pub(crate) fn temporary_beside(target: &Path) -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    target.with_file_name(format!(".{name}.{}.{count}.tmp", std::process::id()))
}

/// Makes a directory, and its parents, that everybody may enter whatever the process's umask.
pub(crate) fn create_directory(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(DIRECTORY_MODE))
}

/// Writes a file that everybody may read, replacing what was there in one step.
pub(crate) fn write(path: &Path, contents: &[u8]) -> io::Result<()> {
    let temporary = temporary_beside(path);
    fs::write(&temporary, contents)?;
    fs::set_permissions(&temporary, fs::Permissions::from_mode(FILE_MODE))?;
    fs::rename(&temporary, path)
}

/// Gives a finished directory its name. Another process may have been faster with the same contents; then its
/// directory stays and this one is removed.
pub(crate) fn publish_directory(finished: &Path, target: &Path) -> io::Result<()> {
    match fs::rename(finished, target) {
        Err(error) if target.is_dir() => {
            tracing::debug!(%error, target = %target.display(), "another process published the directory first");
            fs::remove_dir_all(finished)
        }
        outcome => outcome,
    }
}
