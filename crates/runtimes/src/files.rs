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

/// Lets everybody read what is below a directory, as an installer run under a strict umask would not. Links are left
/// alone, so the walk ends.
pub(crate) fn make_readable(directory: &Path) -> io::Result<()> {
    let mut pending = vec![directory.to_path_buf()];
    while let Some(path) = pending.pop() {
        let data = fs::symlink_metadata(&path)?;
        if data.is_symlink() {
            continue;
        }
        let mode = data.permissions().mode();
        let wanted = mode | if data.is_dir() { DIRECTORY_MODE } else { FILE_MODE };
        if mode != wanted {
            fs::set_permissions(&path, fs::Permissions::from_mode(wanted))?;
        }
        if data.is_dir() {
            for entry in fs::read_dir(&path)? {
                pending.push(entry?.path());
            }
        }
    }
    Ok(())
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

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    fn shell(script: &str, arguments: &[&std::ffi::OsStr]) {
        let status = std::process::Command::new("/bin/sh").args(["-c", script, "sh"]).args(arguments).status();
        assert!(status.expect("there is a shell").success(), "{script}");
    }

    /// Writes an executable from a process of its own: were it open for writing here while another test starts a
    /// process, that process would inherit it for a moment, in which the executable cannot be run.
    pub(crate) fn write_program(path: &Path, contents: &str) {
        fs::create_dir_all(path.parent().expect("has a parent")).expect("created");
        shell("printf %s \"$2\" > \"$1\" && chmod 755 \"$1\"", &[path.as_ref(), contents.as_ref()]);
    }

    /// Copies an executable, likewise.
    pub(crate) fn copy_program(from: &Path, to: &Path) {
        fs::create_dir_all(to.parent().expect("has a parent")).expect("created");
        shell("cp \"$1\" \"$2\"", &[from.as_ref(), to.as_ref()]);
    }

    /// Appends to an executable, likewise.
    pub(crate) fn append_to_program(path: &Path, contents: &str) {
        shell("printf %s \"$2\" >> \"$1\"", &[path.as_ref(), contents.as_ref()]);
    }

    #[test]
    fn files_are_replaced_whole_and_directories_published_once() {
        let root = tempfile::tempdir().expect("a temporary directory");
        let file = root.path().join("file");
        write(&file, b"one").expect("written");
        write(&file, b"two").expect("replaced");
        assert_eq!(fs::read(&file).expect("there"), b"two");
        let target = root.path().join("target");
        for name in ["first", "second"] {
            let finished = root.path().join(name);
            create_directory(&finished).expect("created");
            write(&finished.join("by"), name.as_bytes()).expect("written");
            publish_directory(&finished, &target).expect("published, or another was");
            assert!(!finished.exists());
        }
        assert_eq!(fs::read(target.join("by")).expect("there"), b"first");
    }

    #[test]
    fn a_private_tree_becomes_readable_and_keeps_its_other_bits() {
        let root = tempfile::tempdir().expect("a temporary directory");
        let inner = root.path().join("inner");
        fs::create_dir(&inner).expect("created");
        fs::write(inner.join("file"), "x").expect("written");
        std::os::unix::fs::symlink("/nonexistent", inner.join("link")).expect("linked");
        fs::set_permissions(inner.join("file"), fs::Permissions::from_mode(0o700)).expect("made private");
        fs::set_permissions(&inner, fs::Permissions::from_mode(0o700)).expect("made private");
        make_readable(root.path()).expect("walked");
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode(&inner), mode(&inner.join("file"))), (0o755, 0o744));
    }
}
