//! The installation's secret key: 32 random bytes in a file that only its owner may read.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Name of the file in the data directory.
pub const KEY_FILE: &str = "installation.key";

/// Length of the key in bytes: that of SHA-256's output, which HMAC uses in full.
pub const KEY_BYTES: usize = 32;

/// Why the installation's key cannot be used. Each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file could not be read or written.
    #[error("cannot use {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// The file has another length than a key has.
    #[error(
        "{0} is damaged: it has to hold {KEY_BYTES} bytes. Restore it from a backup, or remove it to make all \
         temporary credentials invalid"
    )]
    Damaged(PathBuf),
    /// Others than the owner may read it.
    #[error("{0} is readable by others than its owner: run `chmod 600` on it, and replace it if others could read it")]
    Exposed(PathBuf),
}

/// Reads the key of a data directory, or makes one with `random` bytes if there is none yet.
pub(super) fn read_or_create(directory: &Path, random: [u8; KEY_BYTES]) -> Result<[u8; KEY_BYTES], KeyFileError> {
    let path = directory.join(KEY_FILE);
    let wrap = |source| KeyFileError::Io { path: path.clone(), source };
    match File::open(&path) {
        Ok(file) => read(file, &path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            create(directory, &path, &random).map_err(wrap)?;
            Ok(random)
        }
        Err(error) => Err(wrap(error)),
    }
}

fn read(file: File, path: &Path) -> Result<[u8; KEY_BYTES], KeyFileError> {
    let wrap = |source| KeyFileError::Io { path: path.to_owned(), source };
    if file.metadata().map_err(wrap)?.permissions().mode() & 0o077 != 0 {
        return Err(KeyFileError::Exposed(path.to_owned()));
    }
    let mut bytes = Vec::with_capacity(KEY_BYTES + 1);
    file.take(KEY_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(wrap)?;
    bytes.try_into().map_err(|_| KeyFileError::Damaged(path.to_owned()))
}

/// Writes the file whole or not at all: what was minted under a key must stay valid after a crash.
fn create(directory: &Path, path: &Path, key: &[u8]) -> io::Result<()> {
    let draft = directory.join(format!("{KEY_FILE}.new"));
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    file.write_all(key)?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_only_for_its_owner() {
        let directory = tempfile::tempdir().unwrap();
        let first = read_or_create(directory.path(), [1; KEY_BYTES]).unwrap();
        let second = read_or_create(directory.path(), [2; KEY_BYTES]).unwrap();
        assert_eq!(first, second);
        let mode = fs::metadata(directory.path().join(KEY_FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn damaged_and_exposed_keys_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(KEY_FILE);
        read_or_create(directory.path(), [1; KEY_BYTES]).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(read_or_create(directory.path(), [1; KEY_BYTES]), Err(KeyFileError::Exposed(_))));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        for damaged in [&[0u8; KEY_BYTES - 1][..], &[0; KEY_BYTES + 1], &[]] {
            fs::write(&path, damaged).unwrap();
            assert!(matches!(read_or_create(directory.path(), [1; KEY_BYTES]), Err(KeyFileError::Damaged(_))));
        }
    }
}
