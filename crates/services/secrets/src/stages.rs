//! Staging labels: names that point at versions.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The version that is in use.
pub const CURRENT: &str = "AWSCURRENT";
/// The version that was in use before.
pub const PREVIOUS: &str = "AWSPREVIOUS";
/// The version that a rotation is about to bring into use.
pub const PENDING: &str = "AWSPENDING";

/// The labels of a secret. Each is on one version.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Labels(BTreeMap<String, String>);

impl Labels {
    /// The version that has a label.
    pub fn version(&self, label: &str) -> Option<&str> {
        self.0.get(label).map(String::as_str)
    }

    /// The labels of a version, in order.
    pub fn of(&self, version: &str) -> Vec<String> {
        self.0.iter().filter(|(_, owner)| *owner == version).map(|(label, _)| label.clone()).collect()
    }

    /// All versions that have labels, with these.
    pub fn by_version(&self) -> BTreeMap<String, Vec<String>> {
        let mut versions: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (label, version) in &self.0 {
            versions.entry(version.clone()).or_default().push(label.clone());
        }
        versions
    }

    /// Whether a version has any label: the others are deprecated.
    pub fn has(&self, version: &str) -> bool {
        self.0.values().any(|owner| owner == version)
    }

    /// Whether no version has a label.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Puts a label onto a version, from wherever it was. The version that was current becomes the previous one, and is
    /// no longer pending.
    pub fn put(&mut self, label: &str, version: &str) {
        let before = self.0.insert(label.to_owned(), version.to_owned());
        let Some(before) = before.filter(|before| label == CURRENT && before != version) else { return };
        if self.version(PENDING) == Some(before.as_str()) {
            self.0.remove(PENDING);
        }
        self.0.insert(PREVIOUS.to_owned(), before);
    }

    /// Takes a label off.
    pub fn remove(&mut self, label: &str) {
        self.0.remove(label);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_current_becomes_previous() {
        let mut labels = Labels::default();
        labels.put(CURRENT, "1");
        assert_eq!(labels.by_version(), BTreeMap::from([("1".to_owned(), vec![CURRENT.to_owned()])]));
        labels.put(CURRENT, "2");
        labels.put(CURRENT, "3");
        assert_eq!((labels.version(CURRENT), labels.version(PREVIOUS)), (Some("3"), Some("2")));
        assert!(!labels.has("1"), "deprecated");
        labels.put(CURRENT, "2");
        assert_eq!((labels.version(CURRENT), labels.version(PREVIOUS)), (Some("2"), Some("3")));
        labels.put(CURRENT, "2");
        assert_eq!(labels.version(PREVIOUS), Some("3"), "nothing moved");
    }

    #[test]
    fn a_version_stays_pending_while_it_is_current_and_no_longer() {
        let mut labels = Labels::default();
        labels.put(CURRENT, "1");
        labels.put(PENDING, "2");
        labels.put("OWN", "2");
        labels.put(CURRENT, "2");
        assert_eq!(labels.of("2"), [CURRENT, PENDING, "OWN"]);
        labels.put(CURRENT, "3");
        assert_eq!(labels.of("2"), [PREVIOUS, "OWN"]);
        labels.remove("OWN");
        assert_eq!(labels.of("2"), [PREVIOUS]);
    }
}
