//! The account root's own access key, which verify mode begins with: kept in a file that only its owner may read, in the
//! form that AWS's clients read.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use platform::credentials::LONG_TERM_PREFIX;
use platform::{AccessKey, Platform, Principal};

use crate::data;
use crate::failure::Failure;

/// Name of the file in the data directory. `AWS_SHARED_CREDENTIALS_FILE` can point to it.
const FILE: &str = "root.credentials";

/// Bytes of a secret before base 64 makes them the usual 40 characters.
const SECRET_BYTES: usize = 30;

/// Longest file that is read, in bytes; ours has some 200.
const FILE_BYTES_MAX: u64 = 4_096;

/// An access key of the root, and where it is kept.
pub struct RootKey {
    /// `AKIA…`.
    pub id: String,
    /// 40 characters.
    pub secret: String,
    /// The file.
    pub path: PathBuf,
}

impl RootKey {
    /// Reads the key that is kept in the directory, if there is one.
    pub fn read(directory: &Path) -> Result<Option<RootKey>, Failure> {
        let path = directory.join(FILE);
        let mut text = String::new();
        match File::open(&path) {
            Ok(file) => {
                require_private(&file, &path)?;
                file.take(FILE_BYTES_MAX).read_to_string(&mut text).map_err(|error| data::unusable(&path, &error))?;
            }
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(data::unusable(&path, &error)),
        }
        let value = |name: &str| {
            let mut settings = text.lines().filter_map(|line| line.split_once('='));
            settings.find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim().to_owned())
        };
        let parts = value("aws_access_key_id").zip(value("aws_secret_access_key"));
        let (id, secret) = parts.filter(|(id, secret)| !id.is_empty() && !secret.is_empty()).ok_or_else(|| {
            let text = format!("{} holds no access key: restore it, or remove it to have another made", path.display());
            Failure::new(Failure::CONFIGURATION, text)
        })?;
        Ok(Some(RootKey { id, secret, path }))
    }

    /// Makes a key and keeps it in the directory, durably, before anybody can use it.
    pub fn make(directory: &Path, platform: &Platform) -> Result<RootKey, Failure> {
        let path = directory.join(FILE);
        let id = platform.issuer.access_key_id(LONG_TERM_PREFIX, &platform.config.account);
        let mut random = [0; SECRET_BYTES];
        platform::Ids::random().fill(&mut random);
        let secret = STANDARD.encode(random);
        let text = format!("[default]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n");
        write_new(&path, &text).map_err(|error| data::unusable(&path, &error))?;
        Ok(RootKey { id, secret, path })
    }

    /// Lets the platform know it.
    pub fn install(&self, platform: &Platform) {
        let principal = Principal::Root { account: platform.config.account.clone() };
        let key = AccessKey { principal, secret: self.secret.clone(), active: true };
        platform.install_root_key(self.id.clone(), key);
    }
}

/// Writes a file that only its owner may read; whoever finds it finds all of it.
fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let draft = path.with_extension("draft");
    // What a start left that was ended half-way.
    let _ = fs::remove_file(&draft);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

fn require_private(file: &File, path: &Path) -> Result<(), Failure> {
    let mode = file.metadata().map_err(|error| data::unusable(path, &error))?.mode();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    let text = format!("{} can be read by others: anybody may have the root's key; chmod 600 it", path.display());
    Err(Failure::new(Failure::CONFIGURATION, text))
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn directory(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("traca-root-key-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a directory can be made");
        path
    }

    #[test]
    fn a_key_is_read_back_and_refused_once_others_can_read_it() {
        let directory = directory("kept");
        let path = directory.join(FILE);
        assert!(RootKey::read(&directory).expect("nothing there").is_none());
        write_new(&path, "[default]\naws_access_key_id = AKIAX\naws_secret_access_key = s=e/c+r\n").expect("written");
        assert_eq!(fs::metadata(&path).expect("there").mode() & 0o777, 0o600);
        let key = RootKey::read(&directory).expect("readable").expect("there");
        assert_eq!((key.id.as_str(), key.secret.as_str()), ("AKIAX", "s=e/c+r"));
        fs::set_permissions(&path, Permissions::from_mode(0o644)).expect("ours");
        assert!(RootKey::read(&directory).is_err());
        fs::remove_dir_all(&directory).expect("ours");
    }

    #[test]
    fn a_file_without_a_key_is_told() {
        let directory = directory("empty");
        write_new(&directory.join(FILE), "[default]\n").expect("written");
        let failure = RootKey::read(&directory).err().expect("no key").to_string();
        assert!(failure.contains("holds no access key"), "{failure}");
        fs::remove_dir_all(&directory).expect("ours");
    }
}
