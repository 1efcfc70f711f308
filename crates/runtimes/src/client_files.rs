//! The function-side clients, which are part of this binary, as files for environments to mount.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::catalog::Language;
use crate::{files, in_use};

/// A client's files: path within the runtime directory, contents.
type ClientFiles = &'static [(&'static str, &'static str)];

const NODE: ClientFiles = &[
    ("classic_runtime.js", include_str!("../../../runtimes/node/classic_runtime.js")),
    ("client.js", include_str!("../../../runtimes/node/client.js")),
    ("context.js", include_str!("../../../runtimes/node/context.js")),
    ("errors.js", include_str!("../../../runtimes/node/errors.js")),
    ("index.js", include_str!("../../../runtimes/node/index.js")),
    ("loader.js", include_str!("../../../runtimes/node/loader.js")),
    ("logging.js", include_str!("../../../runtimes/node/logging.js")),
    ("modern_runtime.js", include_str!("../../../runtimes/node/modern_runtime.js")),
    ("module_paths.js", include_str!("../../../runtimes/node/module_paths.js")),
    ("parking.js", include_str!("../../../runtimes/node/parking.js")),
    ("rehearsal/index.js", include_str!("../../../runtimes/node/rehearsal/index.js")),
    ("streaming.js", include_str!("../../../runtimes/node/streaming.js")),
];

const PYTHON: ClientFiles = &[
    ("bootstrap.py", include_str!("../../../runtimes/python/bootstrap.py")),
    ("traca_runtime/__init__.py", include_str!("../../../runtimes/python/traca_runtime/__init__.py")),
    ("traca_runtime/client.py", include_str!("../../../runtimes/python/traca_runtime/client.py")),
    ("traca_runtime/context.py", include_str!("../../../runtimes/python/traca_runtime/context.py")),
    ("traca_runtime/errors.py", include_str!("../../../runtimes/python/traca_runtime/errors.py")),
    ("traca_runtime/handler.py", include_str!("../../../runtimes/python/traca_runtime/handler.py")),
    ("traca_runtime/logs.py", include_str!("../../../runtimes/python/traca_runtime/logs.py")),
    ("traca_runtime/loop.py", include_str!("../../../runtimes/python/traca_runtime/loop.py")),
    ("traca_runtime/marshal.py", include_str!("../../../runtimes/python/traca_runtime/marshal.py")),
    ("traca_runtime/parking.py", include_str!("../../../runtimes/python/traca_runtime/parking.py")),
    ("traca_runtime/records.py", include_str!("../../../runtimes/python/traca_runtime/records.py")),
    ("traca_runtime/rehearsal.py", include_str!("../../../runtimes/python/traca_runtime/rehearsal.py")),
    ("traca_runtime/sdk.py", include_str!("../../../runtimes/python/traca_runtime/sdk.py")),
];

/// Where Lambda's Node.js runtimes keep certificates of authorities, for functions that name the file in
/// `NODE_EXTRA_CA_CERTS`, and what it is here: a link to the authorities that are trusted inside.
const NODE_CERTIFICATES: (&str, &str) = ("ca-cert.pem", "/etc/traca/bundle.pem");

/// Hexadecimal digits of the hash that name a version of the client files.
const FINGERPRINT_DIGITS: usize = 16;

fn client_files(language: Language) -> ClientFiles {
    match language {
        Language::Node => NODE,
        Language::Python => PYTHON,
        Language::Custom => &[],
    }
}

fn links(language: Language) -> ClientFiles {
    match language {
        Language::Node => &[NODE_CERTIFICATES],
        Language::Python | Language::Custom => &[],
    }
}

/// Names the exact contents of a language's client files.
pub(crate) fn fingerprint(language: Language) -> String {
    let mut hash = Sha256::new();
    for (path, contents) in client_files(language).iter().chain(links(language)) {
        hash.update(path.as_bytes());
        hash.update([0]);
        hash.update(contents.as_bytes());
        hash.update([0]);
    }
    let mut text: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    text.truncate(FINGERPRINT_DIGITS);
    text
}

/// The name of a directory of client files, without its fingerprint.
fn directory_kind(language: Language) -> &'static str {
    match language {
        Language::Node => "node",
        Language::Python => "python",
        Language::Custom => "custom",
    }
}

/// Writes a language's client files below `parent` if they are not there yet, and returns the directory to show at
/// `/var/runtime`. Directories are named by their contents, so one in use by a running environment never changes.
pub(crate) fn ensure(parent: &Path, language: Language) -> io::Result<PathBuf> {
    let target = parent.join(format!("{}-{}", directory_kind(language), fingerprint(language)));
    if target.is_dir() {
        return Ok(target);
    }
    files::create_directory(parent)?;
    let temporary = files::temporary_beside(&target);
    write_into(&temporary, language)?;
    files::publish_directory(&temporary, &target)?;
    Ok(target)
}

/// Writes a language's client files into a directory.
pub(crate) fn write_into(directory: &Path, language: Language) -> io::Result<()> {
    files::create_directory(directory)?;
    for (path, contents) in client_files(language) {
        let path = directory.join(path);
        files::create_directory(path.parent().unwrap_or(directory))?;
        files::write(&path, contents.as_bytes())?;
    }
    for (path, target) in links(language) {
        symlink(target, directory.join(path))?;
    }
    Ok(())
}

/// Removes directories of client files that other versions of this program left and none uses. Best done before any
/// environment runs.
pub(crate) fn remove_outdated(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    let current: Vec<String> = [Language::Node, Language::Python]
        .map(|language| format!("{}-{}", directory_kind(language), fingerprint(language)))
        .into();
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let outdated = (!current.contains(&name)).then(|| in_use::unused(&entry.path())).flatten();
        if outdated.is_some()
            && let Err(error) = fs::remove_dir_all(entry.path())
        {
            tracing::debug!(%error, name, "an outdated runtime client stays");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::os::unix::fs::PermissionsExt;

    fn files_below(directory: &Path) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut pending = vec![directory.to_path_buf()];
        while let Some(next) = pending.pop() {
            for entry in fs::read_dir(&next).expect("the directory is there").flatten() {
                let path = entry.path();
                if path.is_dir() && entry.file_name() != "__pycache__" {
                    pending.push(path);
                } else if path.is_file() {
                    found.insert(path.strip_prefix(directory).expect("below").to_string_lossy().into_owned());
                }
            }
        }
        found
    }

    #[test]
    fn every_client_file_is_embedded() {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../runtimes");
        for (language, folder) in [(Language::Node, "node"), (Language::Python, "python")] {
            let embedded = client_files(language).iter().map(|(path, _)| (*path).to_owned()).collect();
            assert_eq!(files_below(&sources.join(folder)), embedded);
        }
    }

    #[test]
    fn files_are_written_once_readable_by_all_and_old_versions_go() {
        let parent = tempfile::tempdir().expect("a temporary directory");
        fs::create_dir_all(parent.path().join("node-0123456789abcdef")).expect("an old version");
        let directory = ensure(parent.path(), Language::Python).expect("written");
        assert_eq!(ensure(parent.path(), Language::Python).expect("still there"), directory);
        assert!(files_below(&directory).contains("traca_runtime/loop.py"));
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(&directory.join("bootstrap.py")), 0o644);
        assert_eq!(mode(&directory.join("traca_runtime")), 0o755);
        let used = parent.path().join("python-fedcba9876543210");
        fs::create_dir_all(&used).expect("a version that another platform has in use");
        let in_use = in_use::InUse::default();
        in_use.hold(&used).expect("held");
        let left = || {
            remove_outdated(parent.path());
            let entries = fs::read_dir(parent.path()).expect("there").flatten();
            entries.map(|entry| entry.path()).collect::<BTreeSet<_>>()
        };
        assert_eq!(left(), BTreeSet::from([directory.clone(), used]));
        drop(in_use);
        assert_eq!(left(), BTreeSet::from([directory]));
    }
}
