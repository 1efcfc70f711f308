//! AWS's own managed policies: those that applications of the services here attach, as AWS publishes them.
//!
//! `managed/policies.tsv` has one policy a line: path, name, current version, dates of creation and last change,
//! description (where known) and document, between tabs, sorted by name. Earlier versions are not kept.

use std::sync::LazyLock;

use platform::OrFailure;
use sha2::{Digest, Sha256};
use store::StoreError;
use wire::{Error, Timestamp};

use crate::names::{self, AWS};

static TABLE: &str = include_str!("managed/policies.tsv");

static POLICIES: LazyLock<Vec<AwsPolicy>> = LazyLock::new(|| TABLE.lines().filter_map(AwsPolicy::read).collect());

/// Characters of a unique id behind its prefix.
const ID_CHARACTERS: usize = 17;

/// RFC 4648's base 32, of which unique ids are made.
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// A managed policy of AWS.
#[derive(Debug, Clone, Copy)]
pub struct AwsPolicy {
    /// `/`, `/service-role/`, …
    pub path: &'static str,
    /// Without the path.
    pub name: &'static str,
    /// The version in force, the only one that is kept.
    pub version: &'static str,
    /// Seconds since 1970.
    pub created: i64,
    /// Seconds since 1970.
    pub updated: i64,
    /// What it is for, where known.
    pub description: Option<&'static str>,
    /// JSON.
    pub document: &'static str,
}

impl AwsPolicy {
    /// Its ARN.
    pub fn arn(&self) -> String {
        names::arn(AWS, "policy", self.path, self.name)
    }

    /// Its unique id: the same in every installation.
    pub fn id(&self) -> String {
        let digest = Sha256::digest(self.arn());
        let characters = digest.iter().take(ID_CHARACTERS).map(|byte| char::from(BASE32[usize::from(byte & 31)]));
        "ANPA".chars().chain(characters).collect()
    }

    /// Whether users cannot attach it: it belongs to a role that a service makes for itself.
    pub fn is_for_service_roles(&self) -> bool {
        self.path == names::SERVICE_ROLE_PATH
    }

    fn read(line: &'static str) -> Option<AwsPolicy> {
        let mut columns = line.split('\t');
        let mut next = || columns.next();
        let (path, name, version) = (next()?, next()?, next()?);
        let (created, updated) = (Timestamp::parse(next()?)?.seconds, Timestamp::parse(next()?)?.seconds);
        let description = next().filter(|text| !text.is_empty());
        Some(AwsPolicy { path, name, version, created, updated, description, document: next()? })
    }
}

/// All of them, sorted by name.
pub fn all() -> &'static [AwsPolicy] {
    &POLICIES
}

/// The policy of that ARN.
pub fn find(arn: &str) -> Option<&'static AwsPolicy> {
    let (owner, path, name) = names::policy_arn(arn).ok()?;
    let index = all().binary_search_by(|policy| policy.name.cmp(name)).ok()?;
    all().get(index).filter(|policy| owner == AWS && policy.path == path)
}

/// The policy of that name, which a table of ours names.
///
/// # Errors
/// An internal failure when it is missing.
pub fn of_table(name: &str) -> Result<&'static AwsPolicy, Error> {
    let index = all().binary_search_by(|policy| policy.name.cmp(name)).ok();
    let found = index.and_then(|index| all().get(index));
    found.ok_or_else(|| StoreError::Read(format!("the policy {name} is not in the catalogue").into())).or_failure()
}

#[cfg(test)]
mod tests {
    use policy::{Kind, Policy};

    use super::*;

    #[test]
    fn every_line_is_read_and_in_order() {
        assert_eq!(all().len(), TABLE.lines().count());
        assert!(all().is_sorted_by(|left, right| left.name < right.name));
    }

    #[test]
    fn every_document_compiles() {
        for policy in all() {
            let parsed = Policy::parse(policy.document, Kind::Identity);
            assert!(parsed.is_ok(), "{}: {:?}", policy.name, parsed.err());
        }
    }

    #[test]
    fn policies_are_found_by_their_whole_arn() {
        let found = find("arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole").expect("is there");
        assert_eq!((found.version, found.id().len()), ("v1", 21));
        assert!(found.document.contains("logs:PutLogEvents"));
        assert!(find("arn:aws:iam::aws:policy/AWSLambdaBasicExecutionRole").is_none(), "another path");
        assert!(find("arn:aws:iam::123456789012:policy/AdministratorAccess").is_none(), "another owner");
    }
}
