//! The runtime identifiers of Lambda.

use crate::interpreter::Version;

/// The language a runtime runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub enum Language {
    /// JavaScript on Node.js.
    Node,
    /// Python.
    Python,
    /// An executable named `bootstrap` that speaks the Runtime API itself.
    Custom,
}

/// A runtime this crate can run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Runtime {
    /// The identifier, such as `python3.12`.
    pub id: &'static str,
    /// Its language.
    pub language: Language,
    /// Major version of the language; 0 for custom runtimes.
    pub major: u32,
    /// Minor version of the language; 0 where the identifier names none, as for Node.js.
    pub minor: u32,
}

impl Runtime {
    /// Whether an interpreter of this version is the runtime's own: Node.js promises compatibility within a major
    /// version, Python within a minor one.
    pub fn is_exactly(&self, version: Version) -> bool {
        self.major == version.major && (self.language != Language::Python || self.minor == version.minor)
    }

    /// How far a version is from the runtime's own, in steps of what counts as a version of the language.
    pub(crate) fn distance(&self, version: Version) -> u32 {
        match self.language {
            Language::Python if self.major == version.major => self.minor.abs_diff(version.minor),
            Language::Python => u32::MAX,
            _ => self.major.abs_diff(version.major),
        }
    }
}

/// What Lambda and this crate offer for a runtime identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// The crate runs it.
    Runs(Runtime),
    /// Lambda runs it; this crate does not.
    NotBuilt,
    /// Lambda no longer creates or updates functions of it and recommends another.
    Retired {
        /// The identifier Lambda's error recommends.
        successor: &'static str,
    },
}

const fn node(id: &'static str, major: u32) -> Runtime {
    Runtime { id, language: Language::Node, major, minor: 0 }
}

const fn python(id: &'static str, minor: u32) -> Runtime {
    Runtime { id, language: Language::Python, major: 3, minor }
}

const fn custom(id: &'static str) -> Runtime {
    Runtime { id, language: Language::Custom, major: 0, minor: 0 }
}

const RUNNABLE: [Runtime; 12] = [
    node("nodejs18.x", 18),
    node("nodejs20.x", 20),
    node("nodejs22.x", 22),
    node("nodejs24.x", 24),
    python("python3.9", 9),
    python("python3.10", 10),
    python("python3.11", 11),
    python("python3.12", 12),
    python("python3.13", 13),
    python("python3.14", 14),
    custom("provided.al2"),
    custom("provided.al2023"),
];

/// Identifiers Lambda runs and this crate does not: compiled languages', Ruby's and the newest.
const NOT_BUILT: [&str; 17] = [
    "dotnet6",
    "dotnet8",
    "dotnet10",
    "java8.al2",
    "java8.al2023",
    "java11",
    "java11.al2023",
    "java17",
    "java17.al2023",
    "java21",
    "java25",
    "nodejs26.x",
    "python3.15",
    "ruby3.2",
    "ruby3.3",
    "ruby3.4",
    "ruby4.0",
];

/// Identifiers Lambda has retired, with the prefix of their kind deciding the recommended successor.
const RETIRED: [&str; 23] = [
    "dotnetcore1.0",
    "dotnetcore2.0",
    "dotnetcore2.1",
    "dotnetcore3.1",
    "go1.x",
    "java8",
    "nodejs",
    "nodejs4.3",
    "nodejs4.3-edge",
    "nodejs6.10",
    "nodejs8.10",
    "nodejs10.x",
    "nodejs12.x",
    "nodejs14.x",
    "nodejs16.x",
    "provided",
    "python2.7",
    "python3.6",
    "python3.7",
    "python3.8",
    "ruby2.5",
    "ruby2.6",
    "ruby2.7",
];

const SUCCESSORS: [(&str, &str); 7] = [
    ("nodejs", "nodejs24.x"),
    ("python", "python3.14"),
    ("java", "java25"),
    ("dotnet", "dotnet10"),
    ("ruby", "ruby3.4"),
    ("go", "provided.al2023"),
    ("provided", "provided.al2023"),
];

/// Every identifier CreateFunction accepts, in the order of Lambda's validation message: that of the service's own
/// set, which is neither alphabetical nor by age, followed by later additions.
const ENUM_VALUE_SET: [&str; 29] = [
    "nodejs20.x",
    "provided.al2023",
    "python3.12",
    "python3.13",
    "nodejs22.x",
    "java17",
    "dotnet8",
    "python3.10",
    "java11",
    "python3.11",
    "dotnet6",
    "java21",
    "nodejs18.x",
    "provided.al2",
    "ruby3.3",
    "java8.al2",
    "ruby3.2",
    "python3.9",
    "ruby3.4",
    "python3.14",
    "nodejs24.x",
    "java25",
    "dotnet10",
    "java8.al2023",
    "java11.al2023",
    "java17.al2023",
    "ruby4.0",
    "nodejs26.x",
    "python3.15",
];

/// Looks an identifier up; None when Lambda knows no such runtime.
pub fn find(id: &str) -> Option<Support> {
    if let Some(runtime) = RUNNABLE.iter().find(|runtime| runtime.id == id) {
        return Some(Support::Runs(*runtime));
    }
    if NOT_BUILT.contains(&id) {
        return Some(Support::NotBuilt);
    }
    if !RETIRED.contains(&id) {
        return None;
    }
    let (_, successor) = SUCCESSORS.iter().find(|(kind, _)| id.starts_with(kind))?;
    Some(Support::Retired { successor })
}

/// The runtimes this crate can run.
pub fn runnable() -> &'static [Runtime] {
    &RUNNABLE
}

/// The set of accepted identifiers as Lambda's `Member must satisfy enum value set` message shows it, in brackets.
pub fn enum_value_set() -> String {
    format!("[{}]", ENUM_VALUE_SET.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_identifier_is_known_once_and_accepted_unless_retired() {
        for runtime in runnable() {
            assert_eq!(find(runtime.id), Some(Support::Runs(*runtime)));
            assert!(ENUM_VALUE_SET.contains(&runtime.id), "{}", runtime.id);
        }
        for id in NOT_BUILT {
            assert_eq!(find(id), Some(Support::NotBuilt));
            assert!(ENUM_VALUE_SET.contains(&id), "{id}");
        }
        for id in RETIRED {
            assert!(matches!(find(id), Some(Support::Retired { .. })), "{id}");
            assert!(!ENUM_VALUE_SET.contains(&id), "{id}");
        }
        for id in ENUM_VALUE_SET {
            assert!(find(id).is_some(), "{id}");
        }
        assert_eq!(find("nodejs99.x"), None);
        assert_eq!(find("nodejs14.x"), Some(Support::Retired { successor: "nodejs24.x" }));
        assert_eq!(find("go1.x"), Some(Support::Retired { successor: "provided.al2023" }));
    }

    #[test]
    fn exactness_is_by_major_for_node_and_by_minor_for_python() {
        let Some(Support::Runs(node)) = find("nodejs20.x") else { panic!("nodejs20.x runs") };
        assert!(node.is_exactly(Version { major: 20, minor: 9, patch: 0 }));
        assert!(!node.is_exactly(Version { major: 22, minor: 9, patch: 0 }));
        let Some(Support::Runs(python)) = find("python3.12") else { panic!("python3.12 runs") };
        assert!(python.is_exactly(Version { major: 3, minor: 12, patch: 1 }));
        assert!(!python.is_exactly(Version { major: 3, minor: 11, patch: 1 }));
        assert_eq!(python.distance(Version { major: 2, minor: 7, patch: 0 }), u32::MAX);
    }
}
