//! Formats generated files and puts them into the crate, or compares them with what is there.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::text::NOTICE;
use crate::failure::{Failure, Outcome};

/// Where generated code goes, under the repository.
const FOLDER: &str = "crates/api/src";

/// Generated files.
#[derive(Debug, Default)]
pub struct Output {
    /// Code by its path under [`FOLDER`].
    files: BTreeMap<PathBuf, String>,
    /// Pages of documentation by their path under the repository.
    pages: BTreeMap<PathBuf, String>,
}

impl Output {
    /// Adds a file of a service's module.
    pub fn add(&mut self, module: &str, file: &str, text: String) {
        self.files.insert(Path::new(module).join(format!("{file}.rs")), text);
    }

    /// Adds a file beside the services' modules.
    pub fn add_root(&mut self, file: &str, text: String) {
        self.files.insert(PathBuf::from(format!("{file}.rs")), text);
    }

    /// Adds a page of documentation.
    pub fn add_page(&mut self, path: &str, text: String) {
        self.pages.insert(PathBuf::from(path), text);
    }

    /// Writes what differs and removes generated files that are no longer; returns how many changed.
    pub fn write(self, repository: &Path) -> Outcome<usize> {
        let wanted = self.formatted(repository)?;
        let differing = differing(repository, &wanted)?;
        for path in &differing {
            let target = repository.join(path);
            let Some(text) = wanted.get(path) else {
                fs::remove_file(&target).map_err(|error| Failure::file(&target, error))?;
                continue;
            };
            write_file(&target, text)?;
        }
        Ok(differing.len())
    }

    /// The files that differ from those in the repository.
    pub fn differing(self, repository: &Path) -> Outcome<Vec<String>> {
        let wanted = self.formatted(repository)?;
        let paths = differing(repository, &wanted)?;
        Ok(paths.iter().map(|path| path.display().to_string()).collect())
    }

    /// All files by their path under the repository, the code as rustfmt wants it: it runs over all files at once, in a
    /// folder of their own.
    fn formatted(self, repository: &Path) -> Outcome<BTreeMap<PathBuf, String>> {
        let scratch = tempfile::tempdir().map_err(|error| Failure::new(format!("no scratch folder: {error}")))?;
        for (path, text) in &self.files {
            write_file(&scratch.path().join(path), text)?;
        }
        // rustfmt follows a module to its files, so the roots are enough.
        let roots = self.files.keys().filter(|path| path.ends_with("mod.rs") || path.components().count() == 1);
        let status = Command::new("rustfmt")
            .args(["--edition", "2024", "--config-path"])
            .arg(repository.join("rustfmt.toml"))
            .args(roots.map(|path| scratch.path().join(path)))
            .status()
            .map_err(|error| Failure::new(format!("rustfmt cannot be run (rustup component add rustfmt): {error}")))?;
        if !status.success() {
            return Err(Failure::new("rustfmt refused the generated files"));
        }
        let mut formatted = self.pages;
        for path in self.files.into_keys() {
            let file = scratch.path().join(&path);
            formatted.insert(
                Path::new(FOLDER).join(path),
                fs::read_to_string(&file).map_err(|error| Failure::file(&file, error))?,
            );
        }
        Ok(formatted)
    }
}

fn write_file(path: &Path, text: &str) -> Outcome<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(|error| Failure::file(parent, error))?;
    }
    fs::write(path, text).map_err(|error| Failure::file(path, error))
}

/// Paths whose text differs, and generated files that should not be there.
fn differing(repository: &Path, wanted: &BTreeMap<PathBuf, String>) -> Outcome<Vec<PathBuf>> {
    let mut paths: Vec<PathBuf> = wanted
        .iter()
        .filter(|(path, text)| fs::read_to_string(repository.join(path)).ok().as_ref() != Some(*text))
        .map(|(path, _)| path.clone())
        .collect();
    for path in crate::files::rust_files(&repository.join(FOLDER))? {
        let text = fs::read_to_string(&path).map_err(|error| Failure::file(&path, error))?;
        let relative = path.strip_prefix(repository).unwrap_or(&path).to_owned();
        if text.starts_with(NOTICE) && !wanted.contains_key(&relative) {
            paths.push(relative);
        }
    }
    Ok(paths)
}
