//! Tags: pairs of a key and a value, sorted by key.

use api::iam::Tag;
use serde::{Deserialize, Serialize};
use wire::Error;

use crate::errors;
use crate::limits::TAGS_MAX;

/// What only AWS's own tags begin with.
const RESERVED_PREFIX: &str = "aws:";

/// Whether keys that differ in case alone are the same key. They are on users and roles, whose tags are also
/// condition keys of their sessions; everything else tells them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    /// `A` and `a` are two keys.
    Sensitive,
    /// `A` and `a` are one key.
    Insensitive,
}

impl Case {
    fn same(self, left: &str, right: &str) -> bool {
        match self {
            Case::Sensitive => left == right,
            Case::Insensitive => left.to_lowercase() == right.to_lowercase(),
        }
    }

    fn duplicates(self) -> Error {
        errors::invalid_input(match self {
            Case::Sensitive => "Duplicate tag keys found.",
            Case::Insensitive => "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
        })
    }
}

/// The tags of one resource.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tags(Vec<(String, String)>);

impl Tags {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The tags of a resource that is made. Lengths and characters are the model's to check.
    ///
    /// # Errors
    /// AWS's texts for keys that are given twice or are AWS's own.
    pub fn new(given: Option<&[Tag]>, case: Case) -> Result<Tags, Error> {
        let mut tags = Tags::default();
        tags.merge(given.unwrap_or_default(), case)?;
        Ok(tags)
    }

    /// Adds tags, or gives those that are there already other values.
    ///
    /// # Errors
    /// As [`Tags::new`], and `LimitExceeded`.
    pub fn merge(&mut self, given: &[Tag], case: Case) -> Result<(), Error> {
        for (index, tag) in given.iter().enumerate() {
            if tag.key.to_lowercase().starts_with(RESERVED_PREFIX) {
                let text = "aws: prefixed tag key names are not allowed for external use.";
                return Err(errors::invalid_input(text));
            }
            if given[..index].iter().any(|other| case.same(&other.key, &tag.key)) {
                return Err(case.duplicates());
            }
        }
        for tag in given {
            self.0.retain(|(key, _)| !case.same(key, &tag.key));
            self.0.push((tag.key.clone(), tag.value.clone()));
        }
        if self.0.len() > TAGS_MAX {
            return Err(errors::limit_exceeded("The number of tags has reached the maximum limit."));
        }
        self.0.sort();
        Ok(())
    }

    /// Removes the tags of these keys; keys that are not there are of no account.
    pub fn remove(&mut self, keys: &[String], case: Case) {
        self.0.retain(|(key, _)| !keys.iter().any(|gone| case.same(gone, key)));
    }

    /// As answers list them.
    pub fn list(&self) -> Vec<Tag> {
        self.0.iter().map(|(key, value)| Tag { key: key.clone(), value: value.clone(), ..Default::default() }).collect()
    }

    /// As answers list them that leave the member out when there are none.
    pub fn list_if_any(&self) -> Option<Vec<Tag>> {
        (!self.is_empty()).then(|| self.list())
    }

    /// As condition keys are made of them.
    pub fn pairs(&self) -> Vec<(String, String)> {
        self.0.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(key: &str, value: &str) -> Tag {
        Tag { key: key.to_owned(), value: value.to_owned(), ..Default::default() }
    }

    fn listed(tags: &Tags) -> Vec<(String, String)> {
        tags.pairs()
    }

    #[test]
    fn keys_that_differ_in_case_are_one_key_on_users_and_roles_only() {
        let both = [tag("a", "1"), tag("A", "2")];
        let error = Tags::new(Some(&both), Case::Insensitive).unwrap_err().to_string();
        let text = "Duplicate tag keys found. Please note that Tag keys are case insensitive.";
        assert_eq!(error, format!("InvalidInputException: {text}"));
        let tags = Tags::new(Some(&both), Case::Sensitive).unwrap();
        assert_eq!(listed(&tags), [("A".to_owned(), "2".to_owned()), ("a".to_owned(), "1".to_owned())]);
        let mut tags = Tags::new(Some(&[tag("Team", "red")]), Case::Insensitive).unwrap();
        tags.merge(&[tag("team", "blue")], Case::Insensitive).unwrap();
        assert_eq!(listed(&tags), [("team".to_owned(), "blue".to_owned())]);
        tags.remove(&["TEAM".to_owned(), "absent".to_owned()], Case::Insensitive);
        assert!(tags.is_empty());
    }

    #[test]
    fn fifty_tags_are_the_most() {
        let many: Vec<Tag> = (0..TAGS_MAX).map(|number| tag(&number.to_string(), "")).collect();
        let mut tags = Tags::new(Some(&many), Case::Sensitive).unwrap();
        assert!(tags.merge(&[tag("0", "again")], Case::Sensitive).is_ok());
        assert!(tags.merge(&[tag("more", "")], Case::Sensitive).unwrap_err().is("LimitExceededException"));
    }

    #[test]
    fn aws_keeps_its_prefix() {
        for key in ["aws:x", "AWS:x"] {
            assert!(Tags::new(Some(&[tag(key, "")]), Case::Sensitive).unwrap_err().is("InvalidInputException"));
        }
    }
}
