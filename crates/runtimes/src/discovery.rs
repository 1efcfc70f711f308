//! Finds the interpreters of this machine. Looking for files takes a millisecond; asking each executable for its
//! version takes tens, so the answers are kept in the data directory until the file changes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::process::Command;
use tokio::task::JoinSet;

use crate::catalog::Language;
use crate::files;
use crate::interpreter::{Interpreter, Interpreters, Version};

/// How long an executable may take to tell its version.
const PROBE_TIMEOUT: Duration = Duration::from_secs(10);

/// How many executables are asked at a time.
const PROBES_AT_ONCE: usize = 4;

/// How many executables are considered at most, and how many entries of one directory of installations.
const CANDIDATES_MAX: usize = 256;

/// Python's minor versions that are looked for by name.
const PYTHON_MINORS: std::ops::RangeInclusive<u32> = 9..=14;

/// Prints the version and the directory Python is installed in, which for a virtual environment is not its own.
const PYTHON_PROBE: &str = "import sys; print('%d.%d.%d' % sys.version_info[:3]); print(sys.base_prefix)";

/// Where version managers keep their installations, below the home directory: a directory of one directory per
/// version, and where in that the executables are.
const MANAGED: [(&str, &str); 10] = [
    (".pyenv/versions", "bin"),
    (".nvm/versions/node", "bin"),
    (".local/share/fnm/node-versions", "installation/bin"),
    (".fnm/node-versions", "installation/bin"),
    (".volta/tools/image/node", "bin"),
    (".asdf/installs/python", "bin"),
    (".asdf/installs/nodejs", "bin"),
    (".local/share/mise/installs/python", "bin"),
    (".local/share/mise/installs/node", "bin"),
    (".local/share/uv/python", "bin"),
];

/// Where to look for interpreters.
#[derive(Clone, Debug, Default)]
pub struct SearchPaths {
    /// Directories of executables, as in PATH.
    pub directories: Vec<PathBuf>,
    /// The home directory version managers install below.
    pub home: Option<PathBuf>,
    /// A directory of interpreters, one directory each with its executables in `bin`.
    pub installations: Option<PathBuf>,
}

impl SearchPaths {
    /// PATH, the usual system directories, the home directory and `<data>/interpreters`.
    pub fn of_process(data: &Path) -> SearchPaths {
        let mut directories: Vec<PathBuf> =
            std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default();
        directories.extend(["/usr/local/bin", "/usr/bin"].map(PathBuf::from));
        SearchPaths {
            directories,
            home: std::env::var_os("HOME").map(PathBuf::from),
            installations: Some(data.join("interpreters")),
        }
    }

    /// Every directory that may hold executables, each once, in order.
    fn all_directories(&self) -> Vec<PathBuf> {
        let mut all = self.directories.clone();
        for (versions, executables) in MANAGED {
            if let Some(home) = &self.home {
                all.extend(entries(&home.join(versions)).map(|version| version.join(executables)));
            }
        }
        if let Some(installations) = &self.installations {
            all.extend(entries(installations).map(|installation| installation.join("bin")));
        }
        let mut seen = BTreeSet::new();
        all.retain(|directory| directory.is_absolute() && seen.insert(directory.clone()));
        all
    }

    /// The executables that may be interpreters, with symbolic links resolved. Scripts, such as the shims of version
    /// managers, are none: what they lead to is found where it is installed.
    fn candidates(&self) -> Vec<(Language, PathBuf)> {
        let mut names = vec![(Language::Node, "node".to_owned()), (Language::Python, "python3".to_owned())];
        names.extend(PYTHON_MINORS.map(|minor| (Language::Python, format!("python3.{minor}"))));
        let mut seen = BTreeSet::new();
        let mut found = vec![];
        for directory in self.all_directories() {
            for (language, name) in &names {
                let Ok(path) = fs::canonicalize(directory.join(name)) else { continue };
                if found.len() < CANDIDATES_MAX && seen.insert(path.clone()) && is_program(&path) {
                    found.push((*language, path));
                }
            }
        }
        found
    }
}

/// The entries of a directory, sorted; none when it is not there.
fn entries(directory: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let mut found: Vec<PathBuf> = match fs::read_dir(directory) {
        Ok(entries) => entries.flatten().take(CANDIDATES_MAX).map(|entry| entry.path()).collect(),
        Err(_) => vec![],
    };
    found.sort();
    found.into_iter()
}

/// Whether the file is an executable in the system's own format.
fn is_program(path: &Path) -> bool {
    let executable = fs::metadata(path).is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0);
    let mut magic = [0; 4];
    executable && fs::File::open(path).is_ok_and(|mut file| file.read_exact(&mut magic).is_ok()) && magic == *b"\x7fELF"
}

/// What was learnt of an executable, valid while the file is the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Probed {
    /// The file's time of modification, in nanoseconds since the epoch.
    modified_ns: i128,
    /// The file's length in bytes.
    length: u64,
    /// None when the executable is no interpreter.
    interpreter: Option<Interpreter>,
}

/// What was learnt, by executable.
type Cache = BTreeMap<PathBuf, Probed>;

/// Finds the interpreters. What an earlier call learnt is read from `cache_file` and kept there; a cache that cannot
/// be read or written costs time, never correctness.
pub(crate) async fn discover(search: &SearchPaths, cache_file: &Path) -> Interpreters {
    let known: Cache =
        fs::read(cache_file).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
    let learnt = probe_all(search.candidates(), &known).await;
    if learnt != known {
        let stored = serde_json::to_vec(&learnt).map_err(std::io::Error::from).and_then(|bytes| {
            files::create_directory(cache_file.parent().unwrap_or(Path::new("/")))?;
            files::write(cache_file, &bytes)
        });
        if let Err(error) = stored {
            tracing::debug!(%error, path = %cache_file.display(), "the interpreters found cannot be kept");
        }
    }
    Interpreters::new(learnt.into_values().filter_map(|probed| probed.interpreter).collect())
}

async fn probe_all(candidates: Vec<(Language, PathBuf)>, known: &Cache) -> Cache {
    let mut learnt = Cache::new();
    let mut probes = JoinSet::new();
    for (language, path) in candidates {
        let Ok(data) = fs::metadata(&path) else { continue };
        let modified_ns = i128::from(data.mtime()) * 1_000_000_000 + i128::from(data.mtime_nsec());
        let length = data.len();
        match known.get(&path) {
            Some(probed) if probed.modified_ns == modified_ns && probed.length == length => {
                learnt.insert(path, probed.clone());
            }
            _ => {
                if probes.len() >= PROBES_AT_ONCE {
                    collect(&mut learnt, probes.join_next().await);
                }
                probes.spawn(async move {
                    let interpreter = probe(language, &path).await;
                    (path, Probed { modified_ns, length, interpreter })
                });
            }
        }
    }
    while let Some(probed) = probes.join_next().await {
        collect(&mut learnt, Some(probed));
    }
    learnt
}

fn collect(learnt: &mut Cache, probed: Option<Result<(PathBuf, Probed), tokio::task::JoinError>>) {
    if let Some(Ok((path, probed))) = probed {
        learnt.insert(path, probed);
    }
}

/// Asks an executable what it is; None when it does not answer as an interpreter of the language does.
async fn probe(language: Language, path: &Path) -> Option<Interpreter> {
    let mut command = Command::new(path);
    match language {
        Language::Python => command.args(["-I", "-S", "-c", PYTHON_PROBE]),
        _ => command.arg("--version"),
    };
    command.env_clear().stdin(std::process::Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(PROBE_TIMEOUT, command.output()).await.ok()?.ok()?;
    let text = String::from_utf8(output.stdout).ok().filter(|_| output.status.success())?;
    let mut lines = text.lines();
    let version = Version::parse(lines.next()?)?;
    let prefix = match language {
        Language::Python => fs::canonicalize(lines.next()?).ok()?,
        _ => path.parent()?.parent()?.to_path_buf(),
    };
    Some(Interpreter { language, version, executable: path.to_path_buf(), prefix })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::tests::{append_to_program, copy_program, write_program};
    use std::os::unix::fs::symlink;

    /// Places a program that is no interpreter.
    fn place_program(path: &Path) {
        copy_program(Path::new("/bin/true"), path);
    }

    #[test]
    fn candidates_are_programs_found_once_wherever_managers_put_them() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let home = fs::canonicalize(home.path()).expect("it is there").join("user");
        for place in [
            ".pyenv/versions/3.12.1/bin/python3.12",
            ".nvm/versions/node/v20.1.0/bin/node",
            ".local/share/fnm/node-versions/v22/installation/bin/node",
            "path/node",
        ] {
            place_program(&home.join(place));
        }
        symlink("python3.12", home.join(".pyenv/versions/3.12.1/bin/python3")).expect("linked");
        write_program(&home.join("shims/python3"), "#!/bin/sh\n");
        let search = SearchPaths {
            directories: vec![home.join("shims"), home.join("path"), PathBuf::from("relative")],
            home: Some(home.clone()),
            installations: None,
        };
        let found: Vec<_> = search
            .candidates()
            .into_iter()
            .map(|(language, path)| (language, path.strip_prefix(&home).expect("below").display().to_string()))
            .collect();
        assert_eq!(
            found,
            [
                (Language::Node, "path/node".to_owned()),
                (Language::Python, ".pyenv/versions/3.12.1/bin/python3.12".to_owned()),
                (Language::Node, ".nvm/versions/node/v20.1.0/bin/node".to_owned()),
                (Language::Node, ".local/share/fnm/node-versions/v22/installation/bin/node".to_owned()),
            ]
        );
    }

    #[tokio::test]
    async fn this_machines_interpreters_are_found_and_remembered() {
        let data = tempfile::tempdir().expect("a temporary directory");
        let cache = data.path().join("cache/interpreters.json");
        let search = SearchPaths::of_process(data.path());
        let found = discover(&search, &cache).await;
        for interpreter in found.all() {
            assert!(interpreter.executable.starts_with(&interpreter.prefix), "{interpreter:?}");
            assert!(interpreter.version.major >= 3, "{interpreter:?}");
        }
        assert!(!found.all().is_empty(), "the machine that builds this has Python or Node.js");
        let kept = fs::read(&cache).expect("the cache is written");
        assert_eq!(discover(&search, &cache).await, found);
        assert_eq!(fs::read(&cache).expect("still there"), kept);
    }

    #[tokio::test]
    async fn what_is_remembered_is_not_asked_again_until_the_file_changes() {
        let data = tempfile::tempdir().expect("a temporary directory");
        let root = fs::canonicalize(data.path()).expect("it is there");
        let node = root.join("interpreters/one/bin/node");
        place_program(&node);
        let search = SearchPaths { installations: Some(root.join("interpreters")), ..SearchPaths::default() };
        let cache = root.join("cache.json");
        // `true --version` succeeds, but what it prints is no version of Node.js.
        assert_eq!(discover(&search, &cache).await.all(), []);
        let mut kept: Cache = serde_json::from_slice(&fs::read(&cache).expect("written")).expect("a cache");
        let version = Version { major: 20, minor: 0, patch: 0 };
        let remembered = Interpreter {
            language: Language::Node,
            version,
            executable: node.clone(),
            prefix: root.join("interpreters/one"),
        };
        kept.get_mut(&node).expect("asked").interpreter = Some(remembered.clone());
        fs::write(&cache, serde_json::to_vec(&kept).expect("written as JSON")).expect("replaced");
        assert_eq!(discover(&search, &cache).await.all(), [remembered]);
        append_to_program(&node, "changed");
        assert_eq!(discover(&search, &cache).await.all(), []);
        fs::write(&cache, "damaged").expect("written");
        assert_eq!(discover(&search, &cache).await.all(), []);
    }
}
