//! An interpreter of this machine, and what an environment must show of the machine to run it.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::LANGUAGE_DIRECTORY;
use crate::catalog::{Language, Runtime};

/// A version of an interpreter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Version {
    /// The first number.
    pub major: u32,
    /// The second number.
    pub minor: u32,
    /// The third number.
    pub patch: u32,
}

impl Version {
    /// Reads `3.12.1` or `v20.20.2`; what follows the third number, as in `3.14.0rc2`, is ignored.
    pub(crate) fn parse(text: &str) -> Option<Version> {
        let mut numbers = text.trim().trim_start_matches('v').splitn(3, '.').map(|part| {
            let digits = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
            part[..digits].parse().ok()
        });
        Some(Version { major: numbers.next()??, minor: numbers.next()??, patch: numbers.next()?? })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// An interpreter found on this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interpreter {
    /// Its language.
    pub language: Language,
    /// Its version.
    pub version: Version,
    /// The executable on this machine, with symbolic links and version-manager shims resolved.
    pub executable: PathBuf,
    /// The directory it is installed in on this machine.
    pub prefix: PathBuf,
}

/// Directories every environment shows as they are, so that what lies in them needs no mount of its own.
const SYSTEM_DIRECTORIES: [&str; 4] = ["/usr", "/bin", "/lib", "/lib64"];

impl Interpreter {
    /// Whether it belongs to the system directories an environment has anyway.
    fn is_system(&self) -> bool {
        SYSTEM_DIRECTORIES.iter().any(|directory| self.prefix.starts_with(directory))
    }

    /// The directories of this machine to show inside, read-only: pairs of a path here and a path inside.
    pub fn binds(&self) -> Vec<(PathBuf, PathBuf)> {
        if self.is_system() { vec![] } else { vec![(self.prefix.clone(), PathBuf::from(LANGUAGE_DIRECTORY))] }
    }

    /// The path of the executable inside an environment that has the interpreter's [`binds`](Self::binds).
    pub fn executable_inside(&self) -> PathBuf {
        match self.executable.strip_prefix(&self.prefix) {
            Ok(relative) if !self.is_system() => Path::new(LANGUAGE_DIRECTORY).join(relative),
            _ => self.executable.clone(),
        }
    }

    /// `Python 3.12.1` or `Node.js 20.20.2`.
    pub fn describe(&self) -> String {
        match self.language {
            Language::Node => format!("Node.js {}", self.version),
            Language::Python => format!("Python {}", self.version),
            Language::Custom => format!("custom runtime {}", self.version),
        }
    }
}

/// The oldest Node.js the client runs on: that of the oldest runtime.
const NODE_MAJOR_MIN: u32 = 18;

/// The oldest Python the client runs on, likewise.
const PYTHON_VERSION_MIN: (u32, u32) = (3, 9);

/// The interpreters of this machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interpreters {
    found: Vec<Interpreter>,
}

impl Interpreters {
    /// Leaves out what the clients do not run on, and orders the others so that of two of one version the newer patch, then the smaller path, comes first.
    pub(crate) fn new(mut found: Vec<Interpreter>) -> Interpreters {
        found.retain(|found| match found.language {
            Language::Node => found.version.major >= NODE_MAJOR_MIN,
            Language::Python => (found.version.major, found.version.minor) >= PYTHON_VERSION_MIN,
            Language::Custom => false,
        });
        found.sort_by(|a, b| {
            let newest_first = b.version.cmp(&a.version);
            a.language.cmp(&b.language).then(newest_first).then_with(|| a.executable.cmp(&b.executable))
        });
        found.dedup();
        Interpreters { found }
    }

    /// All of them, by language, newest first.
    pub fn all(&self) -> &[Interpreter] {
        &self.found
    }

    /// The newest interpreter that is the runtime's own version.
    pub fn exact(&self, runtime: &Runtime) -> Option<&Interpreter> {
        self.found.iter().find(|found| found.language == runtime.language && runtime.is_exactly(found.version))
    }

    /// The interpreter nearest to the runtime's version; of two as near, the newer, because languages keep old code
    /// working more often than they offer new features to old versions.
    pub fn nearest(&self, runtime: &Runtime) -> Option<&Interpreter> {
        let same_language = self.found.iter().filter(|found| found.language == runtime.language);
        let distance = |found: &&Interpreter| runtime.distance(found.version);
        same_language.filter(|found| distance(found) < u32::MAX).min_by_key(distance)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::catalog::{Support, find};

    pub(crate) fn interpreter(language: Language, version: &str, prefix: &str) -> Interpreter {
        let name = if language == Language::Node { "node" } else { "python3" };
        Interpreter {
            language,
            version: Version::parse(version).expect("the test names a version"),
            executable: Path::new(prefix).join("bin").join(name),
            prefix: PathBuf::from(prefix),
        }
    }

    pub(crate) fn runtime(id: &str) -> Runtime {
        match find(id) {
            Some(Support::Runs(runtime)) => runtime,
            other => panic!("{id}: {other:?}"),
        }
    }

    #[test]
    fn versions_are_read_from_what_interpreters_print() {
        assert_eq!(Version::parse("v20.20.2\n"), Some(Version { major: 20, minor: 20, patch: 2 }));
        assert_eq!(Version::parse("3.14.0rc2"), Some(Version { major: 3, minor: 14, patch: 0 }));
        for text in ["", "3", "3.12", "x.y.z", "3..1"] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
    }

    #[test]
    fn an_interpreter_outside_the_system_is_shown_at_the_language_directory() {
        let own = interpreter(Language::Python, "3.12.1", "/root/.pyenv/versions/3.12.1");
        assert_eq!(own.binds(), [(own.prefix.clone(), PathBuf::from("/var/lang"))]);
        assert_eq!(own.executable_inside(), Path::new("/var/lang/bin/python3"));
        let system = interpreter(Language::Node, "20.1.0", "/usr");
        assert_eq!(system.binds(), []);
        assert_eq!(system.executable_inside(), Path::new("/usr/bin/node"));
    }

    #[test]
    fn the_nearest_interpreter_is_the_newer_of_two_as_near() {
        let found = Interpreters::new(vec![
            interpreter(Language::Python, "3.11.7", "/a"),
            interpreter(Language::Python, "3.13.0", "/b"),
            interpreter(Language::Python, "3.8.18", "/c"),
            interpreter(Language::Node, "20.20.2", "/usr"),
        ]);
        let nearest = |id: &str| found.nearest(&runtime(id)).map(|found| found.version.to_string());
        assert_eq!(nearest("python3.12").as_deref(), Some("3.13.0"));
        assert_eq!(nearest("python3.9").as_deref(), Some("3.11.7"));
        assert_eq!(nearest("nodejs24.x").as_deref(), Some("20.20.2"));
        assert_eq!(found.exact(&runtime("python3.12")), None);
        assert_eq!(found.exact(&runtime("python3.13")).map(|found| found.version.minor), Some(13));
    }

    #[test]
    fn the_newest_patch_of_a_version_is_taken() {
        let found = Interpreters::new(vec![
            interpreter(Language::Python, "3.12.1", "/a"),
            interpreter(Language::Python, "3.12.10", "/b"),
        ]);
        assert_eq!(found.exact(&runtime("python3.12")).map(|found| found.version.patch), Some(10));
    }
}
