//! What sessions carry: policies and tags by AWS's rules, and the credentials that carry them.

use std::time::Duration;

use api::sts::{Credentials, PolicyDescriptorType, Tag, errors};
use platform::credentials::{MintError, packed_bytes};
use platform::failure::OrFailure;
use platform::{Ctx, Principal, SessionFacts};
use policy::{Kind, Policy};
use wire::Error;

use super::refusals::{invalid, invalid_tags};

/// Most managed policies of a session (API reference of AssumeRole, PolicyArns).
const POLICY_ARNS_MAX: usize = 10;

/// Most bytes of policies and tags once they are packed: `PackedPolicySize` is a percentage of it. AWS does not tell its
/// own limit; with this one whatever is allowed fits into a session token of 4,096 characters.
const PACKED_BYTES_MAX: usize = 1_800;

/// Tag keys that only AWS may set.
const RESERVED_PREFIX: &str = "aws:";

/// The tags of a session.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct SessionTags {
    /// All in force.
    pub tags: Vec<(String, String)>,
    /// Keys of those that further sessions inherit.
    pub transitive: Vec<String>,
}

/// Tags asked for, as pairs.
pub fn pairs(tags: Option<Vec<Tag>>) -> Vec<(String, String)> {
    tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect()
}

/// The session policies of a request.
///
/// # Errors
/// `MalformedPolicyDocument` with IAM's text; `ValidationError` for managed policies that are not there for `account`.
pub async fn checked_policies(
    cx: &Ctx,
    account: &str,
    inline: Option<&str>,
    managed: Option<Vec<PolicyDescriptorType>>,
) -> Result<Vec<String>, Error> {
    if let Some(text) = inline {
        Policy::parse(text, Kind::Session)
            .map_err(|malformed| errors::malformed_policy_document_exception(malformed.to_string()))?;
    }
    let arns: Vec<String> = managed.unwrap_or_default().into_iter().filter_map(|descriptor| descriptor.arn).collect();
    if arns.len() > POLICY_ARNS_MAX {
        return Err(invalid(format!(
            "1 validation error detected: Value at 'policyArns' failed to satisfy constraint: Member must have length \
             less than or equal to {POLICY_ARNS_MAX}"
        )));
    }
    for arn in &arns {
        let owner = arn.split(':').nth(4).unwrap_or_default();
        let is_reachable = owner == "aws" || owner == account;
        if !is_reachable || cx.platform.directory().managed_policy(arn).await?.is_none() {
            return Err(invalid(format!("Policy {arn} does not exist or is not attachable.")));
        }
    }
    Ok(arns)
}

/// The tags of a new session: those asked for, and those that a calling session hands on.
///
/// # Errors
/// `InvalidParameterValue` for tags that do not go together.
pub fn checked_tags(
    asked: Vec<(String, String)>,
    asked_transitive: Vec<String>,
    caller: Option<&SessionFacts>,
) -> Result<SessionTags, Error> {
    let is_same = |one: &str, other: &str| one.to_lowercase() == other.to_lowercase();
    for (at, (key, _)) in asked.iter().enumerate() {
        if asked[..at].iter().any(|(earlier, _)| is_same(earlier, key)) {
            return Err(invalid_tags("Duplicate tag keys found. Please note that Tag keys are case insensitive."));
        }
        if key.to_lowercase().starts_with(RESERVED_PREFIX) {
            return Err(invalid_tags("Tag keys cannot start with the reserved prefix aws:."));
        }
    }
    if asked_transitive.iter().any(|key| !asked.iter().any(|(given, _)| is_same(given, key))) {
        return Err(invalid_tags("The specified transitive tag key must be included in the requested tags."));
    }
    let mut session = SessionTags { tags: asked, transitive: asked_transitive };
    let Some(caller) = caller else { return Ok(session) };
    for key in &caller.transitive_tag_keys {
        if session.tags.iter().any(|(given, _)| is_same(given, key)) {
            return Err(invalid_tags(
                "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key \
                 from the calling session.",
            ));
        }
    }
    for key in &caller.transitive_tag_keys {
        session.tags.extend(caller.tags.iter().find(|(given, _)| is_same(given, key)).cloned());
        session.transitive.push(key.clone());
    }
    Ok(session)
}

/// `PackedPolicySize`: how much of the room for policies and tags is taken, in percent.
///
/// # Errors
/// `PackedPolicyTooLarge` when it is more than there is.
pub fn packed_percent(facts: &SessionFacts) -> Result<i32, Error> {
    let percent = (packed_bytes(facts) * 100).div_ceil(PACKED_BYTES_MAX);
    if percent <= 100 {
        return Ok(percent as i32);
    }
    let has_policies = facts.policy.is_some() || !facts.policy_arns.is_empty();
    let text = if has_policies {
        format!("Packed policy consumes {percent}% of allotted space, please use smaller policy.")
    } else {
        format!("Packed size of session tags consumes {percent}% of allotted space.")
    };
    Err(errors::packed_policy_too_large_exception(text))
}

/// Mints the credentials of a session.
///
/// # Errors
/// `PackedPolicyTooLarge` when all it carries together is too much for a token.
pub fn credentials(cx: &Ctx, principal: &Principal, seconds: i32) -> Result<Credentials, Error> {
    let lifetime = Duration::from_secs(u64::try_from(seconds).unwrap_or_default());
    let minted = cx.platform.issuer.mint(principal, lifetime);
    if minted.as_ref().is_err_and(|error| *error == MintError::TooLarge) {
        return Err(errors::packed_policy_too_large_exception("Serialized token too large for session"));
    }
    let minted = minted.or_failure()?;
    Ok(Credentials {
        access_key_id: minted.access_key_id,
        secret_access_key: minted.secret_access_key,
        session_token: minted.session_token,
        expiration: minted.expiration,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(key: &str, value: &str) -> (String, String) {
        (key.to_owned(), value.to_owned())
    }

    fn caller() -> SessionFacts {
        SessionFacts {
            tags: vec![tag("Team", "blue"), tag("stays", "here")],
            transitive_tag_keys: vec!["Team".to_owned()],
            ..Default::default()
        }
    }

    #[test]
    fn a_session_hands_on_its_transitive_tags_alone() {
        let tags = checked_tags(vec![tag("own", "1")], vec!["OWN".to_owned()], Some(&caller())).expect("they agree");
        assert_eq!(tags.tags, [tag("own", "1"), tag("Team", "blue")]);
        assert_eq!(tags.transitive, ["OWN", "Team"]);
    }

    #[test]
    fn tags_that_do_not_go_together_are_refused() {
        for (tags, transitive, text) in [
            (vec![tag("a", "1"), tag("A", "2")], vec![], "Duplicate tag keys found"),
            (vec![tag("a", "1")], vec!["b".to_owned()], "must be included in the requested tags"),
            (vec![tag("team", "red")], vec![], "conflicts with a transitive tag key from the calling session"),
            (vec![tag("aws:team", "red")], vec![], "reserved prefix"),
        ] {
            let refused = checked_tags(tags, transitive, Some(&caller())).expect_err("refused");
            assert_eq!(refused.definition.code, "InvalidParameterValue");
            assert!(refused.to_string().contains(text), "{refused}");
        }
    }

    #[test]
    fn what_sessions_carry_is_measured_and_bounded() {
        assert_eq!(packed_percent(&SessionFacts::default()).expect("nothing"), 0);
        let small = SessionFacts { policy: Some("{\"Version\":\"2012-10-17\"}".to_owned()), ..Default::default() };
        assert!((1..=10).contains(&packed_percent(&small).expect("it fits")));
        // Digits that do not repeat are not packed much.
        let long: String = (0..1_000_u32).map(|number| (number.wrapping_mul(2_654_435_761)).to_string()).collect();
        let large = SessionFacts { policy: Some(long.clone()), ..Default::default() };
        let refused = packed_percent(&large).expect_err("too much");
        assert!(refused.is("PackedPolicyTooLargeException"), "{refused}");
        assert!(refused.to_string().contains("Packed policy consumes "), "{refused}");
        let tagged = SessionFacts { tags: vec![tag("long", &long)], ..Default::default() };
        let refused = packed_percent(&tagged).expect_err("too much");
        assert!(refused.to_string().contains("Packed size of session tags consumes "), "{refused}");
    }
}
