//! Every library has its reason written down.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::Finding;
use crate::failure::{Failure, Outcome};

const REASONS: &str = "docs/dependencies.md";

/// Compares the workspace's dependencies with the table of reasons.
pub fn check(repository: &Path) -> Outcome<Vec<Finding>> {
    let read = |name: &str| {
        let path = repository.join(name);
        fs::read_to_string(&path).map_err(|error| Failure::file(&path, error))
    };
    Ok(compare(&read("Cargo.toml")?, &read(REASONS)?))
}

fn compare(manifest: &str, reasons: &str) -> Vec<Finding> {
    let (used, explained) = (used(manifest), explained(reasons));
    let missing = used.difference(&explained).map(|name| format!("{name} has no reason in {REASONS}"));
    let stale = explained.difference(&used).map(|name| format!("{REASONS} explains {name}, which is not used"));
    missing.chain(stale).collect()
}

/// Names in `[workspace.dependencies]` that are not our own crates.
fn used(manifest: &str) -> BTreeSet<&str> {
    let lines = manifest.lines().skip_while(|line| line.trim() != "[workspace.dependencies]").skip(1);
    let entries = lines.take_while(|line| !line.starts_with('[')).filter(|line| !line.contains("path ="));
    entries
        .filter_map(|line| line.split_once('='))
        .map(|(name, _)| name.trim())
        .filter(|n| !n.starts_with('#'))
        .collect()
}

/// Names in the first column of the table.
fn explained(reasons: &str) -> BTreeSet<&str> {
    let rows = reasons.lines().filter_map(|line| line.strip_prefix("| ")).filter_map(|row| row.split('|').next());
    let names = rows.flat_map(|cell| cell.split(',')).map(|name| name.trim().trim_matches('`'));
    names.filter(|name| !name.is_empty() && *name != "crate").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_and_uses_must_match() {
        let manifest =
            "[workspace.dependencies]\napi = { path = \"a\" }\nbytes = \"1\"\nhmac = \"1\"\n[profile.dev]\nx = 1\n";
        let reasons = "| crate | why it |\n|---|---|\n| hmac, sha9 | digests |\n";
        assert_eq!(
            compare(manifest, reasons),
            ["bytes has no reason in docs/dependencies.md", "docs/dependencies.md explains sha9, which is not used"]
        );
    }
}
