//! Policy documents: how long they may be, what they must say, and how answers spell them.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use policy::{Kind as Purpose, Policy};
use wire::Error;

use crate::errors;
use crate::limits::{
    GROUP_POLICY_CHARACTERS_MAX, MANAGED_POLICY_CHARACTERS_MAX, ROLE_POLICY_CHARACTERS_MAX,
    TRUST_POLICY_CHARACTERS_MAX, USER_POLICY_CHARACTERS_MAX,
};
use crate::records::Kind;

/// All but RFC 3986's unreserved characters.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A document as answers spell it: percent-encoded (RFC 3986).
pub fn encoded(document: &str) -> String {
    utf8_percent_encode(document, ESCAPED).to_string()
}

/// How long a document is for the quotas: white space does not count.
pub fn length(document: &str) -> usize {
    document.chars().filter(|character| !character.is_whitespace()).count()
}

/// Checks the document of a managed policy.
///
/// # Errors
/// `LimitExceeded` and `MalformedPolicyDocument`.
pub fn check_managed(document: &str) -> Result<(), Error> {
    if length(document) > MANAGED_POLICY_CHARACTERS_MAX {
        return Err(errors::quota("PolicySize", MANAGED_POLICY_CHARACTERS_MAX));
    }
    check(document, Purpose::Managed)
}

/// Checks the document of an inline policy, and answers its length.
///
/// # Errors
/// `MalformedPolicyDocument`.
pub fn check_inline(document: &str) -> Result<usize, Error> {
    check(document, Purpose::Identity)?;
    Ok(length(document))
}

/// Checks the sum of the inline policies of an identity.
///
/// # Errors
/// `LimitExceeded`.
pub fn check_inline_sum(kind: Kind, name: &str, characters: usize) -> Result<(), Error> {
    let max = match kind {
        Kind::User => USER_POLICY_CHARACTERS_MAX,
        Kind::Group => GROUP_POLICY_CHARACTERS_MAX,
        Kind::Role => ROLE_POLICY_CHARACTERS_MAX,
    };
    if characters <= max {
        return Ok(());
    }
    Err(errors::limit_exceeded(format!("Maximum policy size of {max} bytes exceeded for {} {name}", kind.word())))
}

/// Checks a trust policy.
///
/// # Errors
/// `LimitExceeded` and `MalformedPolicyDocument`.
pub fn check_trust(document: &str) -> Result<(), Error> {
    // IAM reads it before it looks at its content, and says so in other words than for other policies.
    if serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(document).is_err() {
        return Err(errors::malformed_policy("This policy contains invalid Json"));
    }
    if length(document) > TRUST_POLICY_CHARACTERS_MAX {
        return Err(errors::quota("ACLSizePerRole", TRUST_POLICY_CHARACTERS_MAX));
    }
    check(document, Purpose::RoleTrust)
}

fn check(document: &str, purpose: Purpose) -> Result<(), Error> {
    match Policy::parse(document, purpose) {
        Ok(_) => Ok(()),
        Err(malformed) => Err(errors::malformed_policy(malformed.message)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_spell_documents_as_rfc_3986_says() {
        assert_eq!(encoded("{\"a\": \"b*/c~d-e_f.g\"}"), "%7B%22a%22%3A%20%22b%2A%2Fc~d-e_f.g%22%7D");
        assert_eq!(encoded("ü"), "%C3%BC");
    }

    #[test]
    fn white_space_does_not_count() {
        assert_eq!(length(" {\n\t\"a\" : 1 }\r\n"), 7);
    }

    #[test]
    fn a_trust_policy_is_json_first() {
        let error = check_trust("invalid").unwrap_err().to_string();
        assert_eq!(error, "MalformedPolicyDocumentException: This policy contains invalid Json");
        let long = format!("{{\"Version\":\"{}\"}}", "x".repeat(TRUST_POLICY_CHARACTERS_MAX));
        let error = check_trust(&long).unwrap_err().to_string();
        assert_eq!(error, "LimitExceededException: Cannot exceed quota for ACLSizePerRole: 2048");
    }
}
