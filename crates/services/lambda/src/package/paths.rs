//! Where the entries of a package go, and that none goes anywhere else.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::PackageError;
use super::limits::{NAME_BYTES_MAX, PATH_BYTES_MAX, PATHS_MAX};

/// Where a package lies inside an environment.
const TASK_ROOT: &str = "/var/task";

/// What stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A directory.
    Directory,
    /// A regular file.
    File,
    /// A symbolic link.
    Link,
}

/// The paths taken so far, as a tree: each node is found by its parent and its name, so that memory grows with the names
/// alone, however deep the paths are. Nothing is ever put below a file or a link, so that no entry is written through a
/// link.
#[derive(Debug, Default)]
pub struct Paths(HashMap<(usize, OsString), Node>);

#[derive(Debug, Clone, Copy)]
struct Node {
    id: usize,
    kind: Kind,
}

/// The package's own directory.
const ROOT: usize = 0;

impl Paths {
    /// Takes a path for an entry, and its parents for directories.
    pub fn take(&mut self, path: &Path, kind: Kind) -> Result<(), PackageError> {
        let mut parent = ROOT;
        let mut parts = path.iter().peekable();
        while let Some(part) = parts.next() {
            let kind = if parts.peek().is_some() { Kind::Directory } else { kind };
            parent = self.put(parent, part, kind)?;
        }
        Ok(())
    }

    fn put(&mut self, parent: usize, name: &OsStr, kind: Kind) -> Result<usize, PackageError> {
        if self.0.len() >= PATHS_MAX {
            return Err(PackageError::TooManyEntries);
        }
        let id = self.0.len() + 1;
        match self.0.entry((parent, name.to_owned())) {
            Slot::Vacant(slot) => {
                slot.insert(Node { id, kind });
                Ok(id)
            }
            Slot::Occupied(slot) => match slot.get() {
                Node { id, kind: Kind::Directory } if kind == Kind::Directory => Ok(*id),
                _ => Err(PackageError::Malformed("two entries share a path")),
            },
        }
    }
}

/// The path of an entry, relative to the package's directory; empty for the directory itself.
pub fn relative(name: &str) -> Result<PathBuf, PackageError> {
    if name.starts_with('/') {
        return Err(PackageError::Malformed("a path is absolute"));
    }
    if name.len() > PATH_BYTES_MAX || name.contains('\0') {
        return Err(PackageError::Malformed("a path is too long or holds a NUL"));
    }
    let mut path = PathBuf::new();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => return Err(PackageError::Malformed("a path leads out of the package")),
            part if part.len() > NAME_BYTES_MAX => return Err(PackageError::Malformed("a name is too long")),
            part => path.push(part),
        }
    }
    Ok(path)
}

/// Checks that a link stays inside the package. Parents may only be named at the target's start: behind another name, a
/// `..` could start from wherever that name, itself a link, leads to.
pub fn check_link(path: &Path, target: &str) -> Result<(), PackageError> {
    let outside = PackageError::Malformed("a link leads out of the package");
    if target.is_empty() || target.contains('\0') {
        return Err(PackageError::Malformed("a link has no target"));
    }
    let (mut depth, rest) = match target.strip_prefix(TASK_ROOT) {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => (0, rest),
        Some(_) | None if target.starts_with('/') => return Err(outside),
        Some(_) | None => (path.components().count().saturating_sub(1), target),
    };
    let mut is_start = true;
    for part in rest.split('/') {
        match part {
            "" | "." => {}
            ".." if is_start && depth > 0 => depth -= 1,
            ".." => return Err(outside),
            _ => is_start = false,
        }
    }
    Ok(())
}
