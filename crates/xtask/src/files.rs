//! Finding files of the repository.

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Outcome};

/// Folders that are no source of ours.
const SKIPPED: [&str; 6] = [".git", "target", "node_modules", "__pycache__", ".venv", ".pytest_cache"];

/// Every file below `folder` with that extension, sorted.
pub fn with_extension(folder: &Path, extension: &str) -> Outcome<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut pending = vec![folder.to_owned()];
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(&folder).map_err(|error| Failure::file(&folder, error))? {
            let entry = entry.map_err(|error| Failure::file(&folder, error))?;
            let path = entry.path();
            let kind = entry.file_type().map_err(|error| Failure::file(&path, error))?;
            let skipped = SKIPPED.iter().any(|name| entry.file_name() == *name);
            if kind.is_dir() && !skipped {
                pending.push(path);
            } else if kind.is_file() && path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Every Rust file below `folder`, sorted.
pub fn rust_files(folder: &Path) -> Outcome<Vec<PathBuf>> {
    with_extension(folder, "rs")
}
