//! Links between documents lead somewhere.

use std::fs;
use std::path::Path;

use super::Finding;
use crate::failure::{Failure, Outcome};
use crate::files;

/// Follows every relative link of every Markdown file.
pub fn check(repository: &Path) -> Outcome<Vec<Finding>> {
    let mut findings = Vec::new();
    for path in files::with_extension(repository, "md")? {
        let text = fs::read_to_string(&path).map_err(|error| Failure::file(&path, error))?;
        let folder = path.parent().unwrap_or(repository);
        for target in targets(&text) {
            if !folder.join(target).exists() {
                findings.push(format!("{}: {target} does not exist", super::relative(repository, &path)));
            }
        }
    }
    Ok(findings)
}

/// Files that a text links to, without anchors.
fn targets(text: &str) -> Vec<&str> {
    let links = text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
    let local =
        links.filter(|target| !target.contains("://") && !target.starts_with(['#', '<']) && !target.contains(' '));
    local.filter_map(|target| target.split('#').next()).filter(|target| !target.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_links_to_files_are_followed() {
        let text = "[a](docs/a.md) [b](https://example.com/b) [c](#part) [d](d.md#part)";
        assert_eq!(targets(text), ["docs/a.md", "d.md"]);
    }
}
