//! How keys and aliases are named: by id, ARN, alias or alias ARN.

use platform::Ctx;
use wire::Error;

use crate::errors;

/// In front of every alias.
pub const ALIAS_PREFIX: &str = "alias/";

/// In front of the aliases that are AWS's own.
pub const AWS_ALIAS_PREFIX: &str = "alias/aws/";

/// In front of the ids of multi-Region keys.
pub const MULTI_REGION_PREFIX: &str = "mrk-";

/// A key by its own name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyName {
    /// Whose it is: 12 digits.
    pub account: String,
    /// Where it is.
    pub region: String,
    /// Its id.
    pub id: String,
}

/// An alias.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AliasName {
    /// Whose it is: 12 digits.
    pub account: String,
    /// Where it is.
    pub region: String,
    /// `alias/…`.
    pub name: String,
}

/// What a request calls a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyReference {
    /// By its id or ARN.
    Key(KeyName),
    /// By an alias or its ARN.
    Alias(AliasName),
}

impl KeyName {
    /// A key of the caller's account and region.
    pub fn here(cx: &Ctx, id: &str) -> KeyName {
        KeyName { account: cx.account.clone(), region: cx.region.clone(), id: id.to_owned() }
    }

    /// Its ARN.
    pub fn arn(&self) -> String {
        format!("arn:aws:kms:{}:{}:key/{}", self.region, self.account, self.id)
    }

    /// Reads an id or ARN, as the operations take it that know no aliases.
    ///
    /// # Errors
    /// `NotFoundException`.
    pub fn parse(cx: &Ctx, key_id: &str) -> Result<KeyName, Error> {
        match KeyReference::parse(cx, key_id)? {
            KeyReference::Key(name) => Ok(name),
            KeyReference::Alias(_) => Err(errors::invalid_key_id(key_id)),
        }
    }
}

impl AliasName {
    /// An alias of the caller's account and region.
    pub fn here(cx: &Ctx, name: &str) -> AliasName {
        AliasName { account: cx.account.clone(), region: cx.region.clone(), name: name.to_owned() }
    }

    /// Its ARN.
    pub fn arn(&self) -> String {
        format!("arn:aws:kms:{}:{}:{}", self.region, self.account, self.name)
    }
}

impl KeyReference {
    /// Reads any of the four forms.
    ///
    /// # Errors
    /// `NotFoundException`.
    pub fn parse(cx: &Ctx, key_id: &str) -> Result<KeyReference, Error> {
        let Some(arn) = key_id.strip_prefix("arn:") else {
            return match key_id {
                alias if alias.starts_with(ALIAS_PREFIX) => Ok(KeyReference::Alias(AliasName::here(cx, alias))),
                id if is_key_id(id) => Ok(KeyReference::Key(KeyName::here(cx, id))),
                other => Err(errors::invalid_key_id(other)),
            };
        };
        let mut parts = arn.splitn(5, ':');
        let mut part = || parts.next().unwrap_or_default();
        let (partition, service, region, account, resource) = (part(), part(), part(), part(), part());
        if partition != "aws" || service != "kms" || account.len() != 12 {
            return Err(errors::invalid_arn(key_id));
        }
        if region != cx.region {
            return Err(errors::invalid_arn(region));
        }
        let (account, region) = (account.to_owned(), region.to_owned());
        match resource.strip_prefix("key/") {
            Some(id) if is_key_id(id) => Ok(KeyReference::Key(KeyName { account, region, id: id.to_owned() })),
            Some(id) => Err(errors::invalid_key_id(id)),
            None if resource.starts_with(ALIAS_PREFIX) => {
                Ok(KeyReference::Alias(AliasName { account, region, name: resource.to_owned() }))
            }
            None => Err(errors::invalid_arn(key_id)),
        }
    }
}

/// Whether it is spelled as the id of a key.
pub fn is_key_id(text: &str) -> bool {
    compact_id(text).is_some()
}

/// The number in the id of a key, and whether it is a multi-Region key.
pub fn compact_id(id: &str) -> Option<(bool, u128)> {
    let number = |digits: &str| {
        let is_hex = digits.len() == 32 && digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
        is_hex.then(|| u128::from_str_radix(digits, 16).ok())?
    };
    if let Some(digits) = id.strip_prefix(MULTI_REGION_PREFIX) {
        return Some((true, number(digits)?));
    }
    let groups: Vec<&str> = id.split('-').collect();
    let lengths = groups.iter().map(|group| group.len());
    lengths.eq([8, 4, 4, 4, 12]).then(|| Some((false, number(&groups.concat())?)))?
}

/// The id of a key with that number.
pub fn spell_id(is_multi_region: bool, number: u128) -> String {
    let digits = format!("{number:032x}");
    if is_multi_region {
        return format!("{MULTI_REGION_PREFIX}{digits}");
    }
    let (a, b, c, d, e) = (&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]);
    format!("{a}-{b}-{c}-{d}-{e}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ids_that_are_none_are_refused() {
        for id in [
            "",
            "fake-key-id",
            "134f2428cec14b25a1ae9048164dba47",
            "mrk-fake-key-id",
            "134F2428-cec1-4b25-a1ae-9048164dba47",
            "+34f2428-cec1-4b25-a1ae-9048164dba47",
            "134f2428-cec14b25-a1ae-9048-164dba47",
        ] {
            assert!(!is_key_id(id), "{id}");
        }
        assert!(is_key_id("134f2428-cec1-4b25-a1ae-9048164dba47"));
        assert!(is_key_id("mrk-d3b95762d3b95762d3b95762d3b95762"));
    }

    proptest! {
        #[test]
        fn ids_are_read_back(is_multi_region: bool, number: u128) {
            prop_assert_eq!(compact_id(&spell_id(is_multi_region, number)), Some((is_multi_region, number)));
        }

        #[test]
        fn no_text_is_too_odd(text in "\\PC{0,60}") {
            if let Some((is_multi_region, number)) = compact_id(&text) {
                prop_assert_eq!(spell_id(is_multi_region, number), text);
            }
        }
    }
}
