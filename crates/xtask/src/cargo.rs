//! What cargo knows of the workspace.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::failure::{Failure, Outcome};

/// `cargo metadata` of the workspace, without its dependencies' own.
pub fn metadata(repository: &Path) -> Outcome<Value> {
    let output = Command::new("cargo")
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(repository)
        .output()
        .map_err(|error| Failure::new(format!("cargo metadata: {error}")))?;
    if !output.status.success() {
        return Err(Failure::new(format!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr).trim())));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| Failure::new(format!("cargo metadata: {error}")))
}

/// Where cargo builds; our own caches go there too.
pub fn target_directory(repository: &Path) -> Outcome<PathBuf> {
    let metadata = metadata(repository)?;
    let directory = metadata["target_directory"].as_str();
    directory.map(PathBuf::from).ok_or_else(|| Failure::new("cargo metadata names no target directory"))
}

/// Whether `cargo <subcommand>` exists.
pub fn has(subcommand: &str) -> bool {
    Command::new("cargo").args([subcommand, "--version"]).output().is_ok_and(|output| output.status.success())
}
