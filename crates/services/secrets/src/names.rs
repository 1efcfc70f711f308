//! Names and ARNs of secrets.

use platform::{Ctx, Ids};
use wire::Error;

use crate::errors;

/// Characters that AWS adds to a name, behind a hyphen, to make an ARN.
const SUFFIX_CHARACTERS: usize = 6;

const ALPHANUMERIC: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Which secret a caller means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretId {
    /// Whose it is: 12 digits.
    pub account: String,
    /// Where it is.
    pub region: String,
    /// Its name.
    pub name: String,
    /// Its full ARN, if the caller gave one: a secret of the same name that was made anew is another one.
    pub arn: Option<String>,
}

impl SecretId {
    /// Reads a name, a full ARN, or an ARN without its suffix.
    ///
    /// An ARN that ends in a hyphen and six letters or digits counts as a full one, as AWS warns.
    ///
    /// # Errors
    /// `ValidationException` for what cannot be a name, `ResourceNotFoundException` for another region's ARN.
    pub fn parse(cx: &Ctx, text: &str) -> Result<SecretId, Error> {
        let Some(rest) = text.strip_prefix("arn:") else {
            check_name(text)?;
            return Ok(SecretId::named(cx, text));
        };
        let parts: Vec<&str> = rest.splitn(6, ':').collect();
        let [_, "secretsmanager", region, account, "secret", resource] = parts[..] else {
            return Err(invalid_name());
        };
        if region != cx.region {
            return Err(errors::secret_not_found());
        }
        let name = without_suffix(resource);
        Ok(SecretId {
            account: account.to_owned(),
            region: region.to_owned(),
            name: name.unwrap_or(resource).to_owned(),
            arn: name.map(|_| text.to_owned()),
        })
    }

    /// The caller's own secret of this name.
    pub fn named(cx: &Ctx, name: &str) -> SecretId {
        SecretId { account: cx.account.clone(), region: cx.region.clone(), name: name.to_owned(), arn: None }
    }

    /// Its ARN as far as the caller gave it; where the suffix is not known, question marks stand for it.
    pub fn arn_or_pattern(&self) -> String {
        self.arn.clone().unwrap_or_else(|| arn(&self.region, &self.account, &self.name, "??????"))
    }
}

/// The ARN of a new secret.
pub fn new_arn(ids: &Ids, region: &str, account: &str, name: &str) -> String {
    let letter = |_| char::from(ALPHANUMERIC[ids.below(ALPHANUMERIC.len() as u64) as usize]);
    let suffix: String = (0..SUFFIX_CHARACTERS).map(letter).collect();
    arn(region, account, name, &suffix)
}

/// The ARN of a secret's replica: only the region differs.
pub fn replica_arn(arn: &str, region: &str) -> String {
    let mut parts: Vec<&str> = arn.splitn(5, ':').collect();
    if let Some(place) = parts.get_mut(3) {
        *place = region;
    }
    parts.join(":")
}

/// Checks what may be a secret's name.
///
/// # Errors
/// `ValidationException`.
pub fn check_name(name: &str) -> Result<(), Error> {
    let allowed = |letter: u8| letter.is_ascii_alphanumeric() || b"-/_+=.@!".contains(&letter);
    if name.bytes().all(allowed) { Ok(()) } else { Err(invalid_name()) }
}

fn invalid_name() -> Error {
    errors::validation(
        "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!",
    )
}

fn arn(region: &str, account: &str, name: &str, suffix: &str) -> String {
    format!("arn:aws:secretsmanager:{region}:{account}:secret:{name}-{suffix}")
}

fn without_suffix(resource: &str) -> Option<&str> {
    let (name, suffix) = resource.rsplit_once('-')?;
    let is_suffix = suffix.len() == SUFFIX_CHARACTERS && suffix.bytes().all(|letter| letter.is_ascii_alphanumeric());
    (is_suffix && !name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn six_letters_behind_a_hyphen_are_a_suffix() {
        for (resource, name) in [
            ("db-Ab12Cd", Some("db")),
            ("a/b-c-123456", Some("a/b-c")),
            ("db", None),
            ("db-a1b2", None),
            ("db-a1b2c3-", None),
            ("-123456", None),
            ("db-12345_", None),
        ] {
            assert_eq!(without_suffix(resource), name, "{resource}");
        }
    }

    #[test]
    fn new_arns_differ_and_replicas_keep_the_suffix() {
        let ids = Ids::seeded(1);
        let first = new_arn(&ids, "eu-west-1", "111122223333", "a/b");
        assert_ne!(first, new_arn(&ids, "eu-west-1", "111122223333", "a/b"));
        let suffix = first.strip_prefix("arn:aws:secretsmanager:eu-west-1:111122223333:secret:a/b-").unwrap();
        let replica = replica_arn(&first, "us-east-1");
        assert_eq!(replica, format!("arn:aws:secretsmanager:us-east-1:111122223333:secret:a/b-{suffix}"));
    }

    #[test]
    fn names_have_no_blanks_and_no_wildcards() {
        for name in ["a", "Valid/_+=.@-Name", "rds!db-1"] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        for name in ["Inv Name", "Inv*Name?", "ü", "a:b", "a\0"] {
            assert!(check_name(name).unwrap_err().is("ValidationException"), "{name}");
        }
    }

    proptest! {
        #[test]
        fn any_text_has_a_replica_and_a_suffix_or_not(text: String) {
            replica_arn(&text, "r");
            if let Some(name) = without_suffix(&text) {
                prop_assert_eq!(name.len() + 1 + SUFFIX_CHARACTERS, text.len());
            }
        }
    }
}
