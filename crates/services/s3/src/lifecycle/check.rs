//! What S3 takes as lifecycle rules, in its words.

use std::collections::BTreeSet;

use api::s3::errors as s3_errors;
use api::s3::{BucketLifecycleConfiguration, LifecycleRule, Transition};
use wire::schema::TimestampFormat;
use wire::{Error, Timestamp};

use super::{DAY, prefix_of, sizes_of, tags_of};
use crate::errors;
use crate::limits::{LIFECYCLE_ID_CHARACTERS_MAX, LIFECYCLE_RULES_MAX, NEWER_VERSIONS_MAX};

/// The classes that objects move to, from the nearest.
pub const CLASSES: [&str; 6] =
    ["STANDARD_IA", "INTELLIGENT_TIERING", "ONEZONE_IA", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE"];

/// Classes into which objects may move after so many days at the earliest.
const INFREQUENT: [&str; 2] = ["STANDARD_IA", "ONEZONE_IA"];
const INFREQUENT_DAYS_MIN: i32 = 30;

fn invalid(text: impl Into<String>) -> Error {
    s3_errors::invalid_argument(text.into())
}

/// Refuses what S3 does not take.
///
/// # Errors
/// `MalformedXML`, `InvalidArgument`, `InvalidRequest`.
pub fn check(configuration: &BucketLifecycleConfiguration) -> Result<(), Error> {
    let rules = &configuration.rules;
    if rules.is_empty() || rules.len() > LIFECYCLE_RULES_MAX {
        return Err(errors::malformed_xml());
    }
    let mut ids = BTreeSet::new();
    for rule in rules {
        if let Some(id) = rule.id.as_deref().filter(|id| !id.is_empty()) {
            if id.chars().count() > LIFECYCLE_ID_CHARACTERS_MAX {
                return Err(invalid("ID length should not exceed allowed limit of 255"));
            }
            if !ids.insert(id) {
                return Err(invalid("Rule ID must be unique. Found same ID for one or more rules"));
            }
        }
        check_rule(rule)?;
    }
    Ok(())
}

fn check_rule(rule: &LifecycleRule) -> Result<(), Error> {
    if !["Enabled", "Disabled"].contains(&rule.status.as_str()) || rule.filter.is_some() == rule.prefix.is_some() {
        return Err(errors::malformed_xml());
    }
    check_filter(rule)?;
    let has_action = rule.expiration.is_some()
        || rule.transitions.as_ref().is_some_and(|list| !list.is_empty())
        || rule.noncurrent_version_transitions.as_ref().is_some_and(|list| !list.is_empty())
        || rule.noncurrent_version_expiration.is_some()
        || rule.abort_incomplete_multipart_upload.is_some();
    if !has_action {
        return Err(errors::request("At least one action needs to be specified in a rule"));
    }
    check_expiration(rule)?;
    check_transitions(rule)?;
    check_noncurrent(rule)?;
    if let Some(abort) = &rule.abort_incomplete_multipart_upload {
        let days = abort.days_after_initiation.ok_or_else(errors::malformed_xml)?;
        if days <= 0 {
            let text = "'DaysAfterInitiation' for AbortIncompleteMultipartUpload action must be a positive integer";
            return Err(invalid(text));
        }
        if rule.filter.as_ref().is_some_and(|filter| tags_of(filter).next().is_some()) {
            return Err(errors::request("AbortIncompleteMultipartUpload cannot be specified with Tags."));
        }
    }
    Ok(())
}

fn check_filter(rule: &LifecycleRule) -> Result<(), Error> {
    if prefix_of(rule).len() > crate::limits::KEY_BYTES_MAX {
        return Err(errors::request("The maximum size of a prefix is 1024."));
    }
    let Some(filter) = &rule.filter else { return Ok(()) };
    let given = [
        filter.prefix.is_some(),
        filter.tag.is_some(),
        filter.object_size_greater_than.is_some(),
        filter.object_size_less_than.is_some(),
        filter.and.is_some(),
    ];
    if given.into_iter().filter(|given| *given).count() > 1 {
        return Err(errors::malformed_xml());
    }
    if let Some(and) = &filter.and {
        let tags = and.tags.as_deref().unwrap_or_default();
        let others =
            [and.prefix.is_some(), and.object_size_greater_than.is_some(), and.object_size_less_than.is_some()];
        if tags.len() + others.into_iter().filter(|given| *given).count() < 2 {
            return Err(errors::malformed_xml());
        }
        let keys: BTreeSet<&str> = tags.iter().map(|tag| tag.key.as_str()).collect();
        if keys.len() != tags.len() {
            return Err(errors::request("Duplicate Tag Keys are not allowed."));
        }
    }
    for tag in tags_of(filter) {
        if tag.key.is_empty() || tag.key.chars().count() > crate::limits::TAG_KEY_CHARACTERS_MAX {
            return Err(errors::request("A Tag's Key must be a length between 1 and 128."));
        }
        if tag.value.chars().count() > crate::limits::TAG_VALUE_CHARACTERS_MAX {
            return Err(errors::request("A Tag's Value must be a length between 0 and 256."));
        }
    }
    match sizes_of(filter) {
        (Some(least), _) if least < 0 => Err(errors::request("'ObjectSizeGreaterThan' should be a non-negative value")),
        (_, Some(most)) if most < 1 => Err(errors::request("'ObjectSizeLessThan' should be a positive value")),
        (Some(least), Some(most)) if most <= least => {
            Err(errors::request("'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'"))
        }
        _ => Ok(()),
    }
}

fn check_date(date: Timestamp) -> Result<(), Error> {
    if date.milliseconds().rem_euclid(DAY) == 0 {
        return Ok(());
    }
    let mut shown = String::new();
    date.write(TimestampFormat::Iso8601, &mut shown);
    Err(errors::argument("'Date' must be at midnight GMT", "Date", &shown))
}

fn check_expiration(rule: &LifecycleRule) -> Result<(), Error> {
    let Some(expiration) = &rule.expiration else { return Ok(()) };
    let given =
        [expiration.days.is_some(), expiration.date.is_some(), expiration.expired_object_delete_marker.is_some()];
    if given.into_iter().filter(|given| *given).count() != 1 {
        return Err(errors::malformed_xml());
    }
    if expiration.days.is_some_and(|days| days <= 0) {
        return Err(invalid("'Days' for Expiration action must be a positive integer"));
    }
    if expiration.expired_object_delete_marker.is_some()
        && rule.filter.as_ref().is_some_and(|filter| tags_of(filter).next().is_some())
    {
        return Err(errors::request("ExpiredObjectDeleteMarker cannot be specified with Tags."));
    }
    expiration.date.map_or(Ok(()), check_date)
}

/// How a rule's filter is told in errors.
fn shown_filter(rule: &LifecycleRule) -> String {
    format!("'(prefix={})'", prefix_of(rule))
}

fn check_transitions(rule: &LifecycleRule) -> Result<(), Error> {
    let transitions = rule.transitions.as_deref().unwrap_or_default();
    let mut seen: Vec<(usize, &Transition)> = Vec::new();
    for transition in transitions {
        let class = transition.storage_class.as_deref().unwrap_or_default();
        let rank = CLASSES.iter().position(|known| *known == class).ok_or_else(errors::malformed_xml)?;
        if transition.days.is_some() == transition.date.is_some() {
            return Err(errors::malformed_xml());
        }
        if let Some(days) = transition.days {
            if days < 0 {
                return Err(invalid("'Days' in Transition action must be nonnegative"));
            }
            if INFREQUENT.contains(&class) && days < INFREQUENT_DAYS_MIN {
                let text = format!(
                    "'Days' in Transition action must be greater than or equal to 30 for storageClass '{class}'"
                );
                return Err(invalid(text));
            }
        }
        transition.date.map_or(Ok(()), check_date)?;
        if seen.iter().any(|(other, _)| *other == rank) {
            let text = format!(
                "'StorageClass' must be different for 'Transition' actions in same 'Rule' with filter {}",
                shown_filter(rule)
            );
            return Err(errors::request(text));
        }
        seen.push((rank, transition));
    }
    let expires = rule.expiration.as_ref();
    for (_, transition) in &seen {
        let expiry_days = expires.and_then(|expiration| expiration.days);
        let expiry_date = expires.and_then(|expiration| expiration.date);
        let is_mixed =
            transition.days.is_some() && expiry_date.is_some() || transition.date.is_some() && expiry_days.is_some();
        if is_mixed || seen.iter().any(|(_, other)| other.days.is_some() != transition.days.is_some()) {
            let text = format!(
                "Found mixed 'Date' and 'Days' based Expiration and Transition actions in lifecycle rule for filter {}",
                shown_filter(rule)
            );
            return Err(errors::request(text));
        }
        if let (Some(moves), Some(goes)) = (transition.days, expiry_days)
            && goes <= moves
        {
            let text = format!(
                "'Days' in the Expiration action for filter {} must be greater than 'Days' in the Transition action",
                shown_filter(rule)
            );
            return Err(invalid(text));
        }
        if let (Some(moves), Some(goes)) = (transition.date, expiry_date)
            && goes.seconds <= moves.seconds
        {
            let text = format!(
                "'Date' in the Expiration action for filter {} must be later than 'Date' in the Transition action",
                shown_filter(rule)
            );
            return Err(invalid(text));
        }
    }
    Ok(())
}

fn check_newer(newer: Option<i32>, action: &str) -> Result<(), Error> {
    match newer {
        Some(count) if !(1..=NEWER_VERSIONS_MAX).contains(&count) => {
            let text = format!("'NewerNoncurrentVersions' for {action} action must be an integer between 1 and 100");
            Err(invalid(text))
        }
        _ => Ok(()),
    }
}

fn check_noncurrent(rule: &LifecycleRule) -> Result<(), Error> {
    if let Some(expiration) = &rule.noncurrent_version_expiration {
        if expiration.noncurrent_days.is_none() && expiration.newer_noncurrent_versions.is_none() {
            return Err(errors::malformed_xml());
        }
        if expiration.noncurrent_days.is_some_and(|days| days <= 0) {
            return Err(invalid("'NoncurrentDays' for NoncurrentVersionExpiration action must be a positive integer"));
        }
        check_newer(expiration.newer_noncurrent_versions, "NoncurrentVersionExpiration")?;
    }
    let expires = rule.noncurrent_version_expiration.as_ref().and_then(|expiration| expiration.noncurrent_days);
    for transition in rule.noncurrent_version_transitions.iter().flatten() {
        let class = transition.storage_class.as_deref().unwrap_or_default();
        if !CLASSES.contains(&class) {
            return Err(errors::malformed_xml());
        }
        let days = transition.noncurrent_days.ok_or_else(errors::malformed_xml)?;
        if days < 0 {
            return Err(invalid("'NoncurrentDays' in NoncurrentVersionTransition action must be nonnegative"));
        }
        if INFREQUENT.contains(&class) && days < INFREQUENT_DAYS_MIN {
            let text = format!(
                "'NoncurrentDays' in NoncurrentVersionTransition action must be greater than or equal to 30 for \
                 storageClass '{class}'"
            );
            return Err(invalid(text));
        }
        if expires.is_some_and(|expires| expires <= days) {
            let text = format!(
                "'NoncurrentDays' in the NoncurrentVersionExpiration action for filter {} must be greater than \
                 'NoncurrentDays' in the NoncurrentVersionTransition action",
                shown_filter(rule)
            );
            return Err(invalid(text));
        }
        check_newer(transition.newer_noncurrent_versions, "NoncurrentVersionTransition")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use api::s3::{
        AbortIncompleteMultipartUpload, LifecycleExpiration, LifecycleRuleAndOperator, LifecycleRuleFilter,
        NoncurrentVersionExpiration, Tag,
    };

    use super::*;

    fn rule(change: impl FnOnce(&mut LifecycleRule)) -> LifecycleRule {
        let mut rule = LifecycleRule {
            id: Some("a".to_owned()),
            filter: Some(LifecycleRuleFilter { prefix: Some("x".to_owned()), ..LifecycleRuleFilter::default() }),
            status: "Enabled".to_owned(),
            expiration: Some(LifecycleExpiration { days: Some(10), ..LifecycleExpiration::default() }),
            ..LifecycleRule::default()
        };
        change(&mut rule);
        rule
    }

    fn refusal(rules: Vec<LifecycleRule>) -> String {
        let error =
            check(&BucketLifecycleConfiguration { rules, ..BucketLifecycleConfiguration::default() }).unwrap_err();
        format!("{}: {}", error.definition.code, error.message.unwrap_or_default())
    }

    fn moved(days: i32, class: &str) -> Option<Vec<Transition>> {
        Some(vec![Transition { days: Some(days), date: None, storage_class: Some(class.to_owned()) }])
    }

    fn tag(key: &str) -> Tag {
        Tag { key: key.to_owned(), value: String::new(), ..Tag::default() }
    }

    const MALFORMED: &str =
        "MalformedXML: The XML you provided was not well-formed or did not validate against our published schema";

    /// Answers recorded from AWS (LocalStack's snapshots, moto's tests) and reported with AWS's texts.
    #[test]
    fn refusals_are_in_s3s_words() {
        let expire = |expiration: LifecycleExpiration| rule(|rule| rule.expiration = Some(expiration));
        let noon = Timestamp { seconds: 43_200, nanoseconds: 0 };
        let days = |days| LifecycleExpiration { days: Some(days), ..LifecycleExpiration::default() };
        let cases: Vec<(Vec<LifecycleRule>, &str)> = vec![
            (vec![], MALFORMED),
            (vec![rule(|rule| rule.status = "enabled".to_owned())], MALFORMED),
            (vec![rule(|rule| rule.filter = None)], MALFORMED),
            (vec![rule(|rule| rule.prefix = Some("x".to_owned()))], MALFORMED),
            (
                vec![rule(|rule| rule.expiration = None)],
                "InvalidRequest: At least one action needs to be specified in a rule",
            ),
            (vec![expire(LifecycleExpiration::default())], MALFORMED),
            (vec![expire(LifecycleExpiration { expired_object_delete_marker: Some(true), ..days(1) })], MALFORMED),
            (vec![expire(days(0))], "InvalidArgument: 'Days' for Expiration action must be a positive integer"),
            (
                vec![expire(LifecycleExpiration { date: Some(noon), ..LifecycleExpiration::default() })],
                "InvalidArgument: 'Date' must be at midnight GMT",
            ),
            (
                vec![rule(|_| ()), rule(|_| ())],
                "InvalidArgument: Rule ID must be unique. Found same ID for one or more rules",
            ),
            (
                vec![rule(|rule| rule.id = Some("i".repeat(256)))],
                "InvalidArgument: ID length should not exceed allowed limit of 255",
            ),
            (vec![rule(|rule| rule.transitions = moved(1, "STANDARD"))], MALFORMED),
            (
                vec![rule(|rule| rule.transitions = moved(5, "STANDARD_IA"))],
                "InvalidArgument: 'Days' in Transition action must be greater than or equal to 30 for storageClass \
                 'STANDARD_IA'",
            ),
            (
                vec![rule(|rule| rule.transitions = moved(10, "GLACIER"))],
                "InvalidArgument: 'Days' in the Expiration action for filter '(prefix=x)' must be greater than 'Days' in \
                 the Transition action",
            ),
        ];
        for (rules, expected) in cases {
            assert_eq!(refusal(rules.clone()), expected, "{rules:?}");
        }
        assert!(check(&BucketLifecycleConfiguration { rules: vec![rule(|_| ())], ..Default::default() }).is_ok());
    }

    #[test]
    fn so_are_those_of_uploads_versions_and_filters() {
        let cases: Vec<(Vec<LifecycleRule>, &str)> = vec![
            (
                vec![rule(|rule| {
                    let abort = AbortIncompleteMultipartUpload { days_after_initiation: Some(0) };
                    rule.abort_incomplete_multipart_upload = Some(abort);
                })],
                "InvalidArgument: 'DaysAfterInitiation' for AbortIncompleteMultipartUpload action must be a positive \
                 integer",
            ),
            (
                vec![rule(|rule| rule.noncurrent_version_expiration = Some(NoncurrentVersionExpiration::default()))],
                MALFORMED,
            ),
            (
                vec![rule(|rule| {
                    let tags = Some(vec![tag("k"), tag("k")]);
                    let and = LifecycleRuleAndOperator { tags, ..LifecycleRuleAndOperator::default() };
                    rule.filter = Some(LifecycleRuleFilter { and: Some(and), ..LifecycleRuleFilter::default() });
                })],
                "InvalidRequest: Duplicate Tag Keys are not allowed.",
            ),
            (
                vec![rule(|rule| {
                    let filter = LifecycleRuleFilter { tag: Some(tag("k")), ..LifecycleRuleFilter::default() };
                    rule.filter = Some(LifecycleRuleFilter { prefix: Some(String::new()), ..filter });
                })],
                MALFORMED,
            ),
        ];
        for (rules, expected) in cases {
            assert_eq!(refusal(rules.clone()), expected, "{rules:?}");
        }
    }
}
