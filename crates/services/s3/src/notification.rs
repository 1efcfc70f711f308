//! What a bucket tells whom: its notification configuration.

use serde::{Deserialize, Serialize};

use crate::event::Kind;

/// The notification configuration of a bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Notifications {
    /// Who is told of what.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
    /// Whether the account's event bus is told of everything.
    pub has_event_bridge: bool,
}

/// One destination and what it is told of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Its id.
    pub id: String,
    /// The kind of destination.
    pub target: Target,
    /// ARN of the destination.
    pub arn: String,
    /// Events, as `s3:ObjectCreated:*`.
    pub events: Vec<String>,
    /// Parts of the filter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub filter: Vec<Part>,
}

/// Who can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    /// A topic of SNS.
    Topic,
    /// A queue of SQS.
    Queue,
    /// A function of Lambda.
    Function,
}

/// A part of a filter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Part {
    /// What keys begin with.
    Prefix(String),
    /// What keys end with.
    Suffix(String),
}

impl Rule {
    /// Whether it tells of an event on a key.
    pub fn is_told(&self, kind: Kind, key: &str) -> bool {
        self.events.iter().any(|event| covers(event, kind.name()))
            && self.filter.iter().all(|part| match part {
                Part::Prefix(prefix) => key.starts_with(prefix.as_str()),
                Part::Suffix(suffix) => key.ends_with(suffix.as_str()),
            })
    }

    /// Whether an event on some key can be told by both.
    pub fn overlaps(&self, other: &Rule) -> bool {
        let shares_event = self.events.iter().any(|one| other.events.iter().any(|event| shares(one, event)));
        let (prefix, suffix) = (self.prefix(), self.suffix());
        let (other_prefix, other_suffix) = (other.prefix(), other.suffix());
        shares_event
            && (prefix.starts_with(other_prefix) || other_prefix.starts_with(prefix))
            && (suffix.ends_with(other_suffix) || other_suffix.ends_with(suffix))
    }

    fn prefix(&self) -> &str {
        self.filter
            .iter()
            .find_map(|part| if let Part::Prefix(text) = part { Some(text.as_str()) } else { None })
            .unwrap_or("")
    }

    fn suffix(&self) -> &str {
        self.filter
            .iter()
            .find_map(|part| if let Part::Suffix(text) = part { Some(text.as_str()) } else { None })
            .unwrap_or("")
    }
}

/// Whether an event of a configuration (`s3:ObjectCreated:*`) covers one that happened (`ObjectCreated:Put`).
fn covers(event: &str, name: &str) -> bool {
    let event = event.strip_prefix("s3:").unwrap_or(event);
    match event.strip_suffix('*') {
        Some(family) => name.starts_with(family),
        None => name == event,
    }
}

/// Whether two events of configurations have one in common.
fn shares(one: &str, other: &str) -> bool {
    let family = |event: &str| event.strip_suffix('*').map(str::to_owned);
    match (family(one), family(other)) {
        (Some(one), _) => other.starts_with(&one),
        (None, Some(other)) => one.starts_with(&other),
        (None, None) => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(events: &[&str], prefix: &str, suffix: &str) -> Rule {
        Rule {
            id: "id".to_owned(),
            target: Target::Queue,
            arn: String::new(),
            events: events.iter().map(|event| (*event).to_owned()).collect(),
            filter: vec![Part::Prefix(prefix.to_owned()), Part::Suffix(suffix.to_owned())],
        }
    }

    #[test]
    fn a_rule_tells_of_its_events_and_keys() {
        let rule = rule(&["s3:ObjectCreated:*", "s3:ObjectRemoved:Delete"], "in/", ".txt");
        assert!(rule.is_told(Kind::Put, "in/a.txt"));
        assert!(rule.is_told(Kind::Copy, "in/.txt"));
        assert!(rule.is_told(Kind::Delete, "in/a.txt"));
        assert!(!rule.is_told(Kind::MarkerCreated, "in/a.txt"));
        assert!(!rule.is_told(Kind::Put, "in/a.png"));
        assert!(!rule.is_told(Kind::Put, "out/in/a.txt"));
    }

    #[test]
    fn rules_overlap_where_a_key_may_be_told_by_both() {
        let one = rule(&["s3:ObjectCreated:*"], "in/", ".txt");
        assert!(one.overlaps(&rule(&["s3:ObjectCreated:Put"], "in/a", "")));
        assert!(one.overlaps(&rule(&["s3:ObjectCreated:*"], "", "x.txt")));
        assert!(!one.overlaps(&rule(&["s3:ObjectCreated:*"], "out/", ".txt")));
        assert!(!one.overlaps(&rule(&["s3:ObjectCreated:*"], "in/", ".png")));
        assert!(!one.overlaps(&rule(&["s3:ObjectRemoved:*"], "in/", ".txt")));
    }
}
