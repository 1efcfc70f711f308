//! What the rules make of an object's versions at a time. Pure: looked up before and after.

use api::s3::LifecycleRule;

use super::check::CLASSES;
use super::{MOVED_BYTES_MIN, Rules, Subject, applies, midnight_after, prefix_of, sizes_of};
use crate::version::Version;

/// What becomes of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// The current version expires: it goes, or gets a delete marker where versions are kept.
    Expire,
    /// The version with this sequence number goes for good.
    Remove(u64),
    /// The version with this sequence number moves to a class.
    Move(u64, &'static str),
}

/// What the rules make of all versions of a key, which come newest first. `keeps_versions` tells whether the bucket does,
/// `now` is in milliseconds since 1970.
pub fn plan(rules: &Rules, key: &str, versions: &[Version], keeps_versions: bool, now: i64) -> Vec<Act> {
    let Some((current, older)) = versions.split_first() else { return Vec::new() };
    let mut acts = Vec::new();
    if current.is_marker {
        if older.is_empty() && rules.rules.iter().any(|rule| ends_marker(rule, key, current, now)) {
            acts.push(Act::Remove(current.sequence));
        }
    } else {
        let expires = rules.expiry(key, current).is_some_and(|(at, _)| at <= now);
        // What is protected gets a marker like anything else, but never goes for good.
        if expires && (keeps_versions || current.protection.holds(now).is_none()) {
            acts.push(Act::Expire);
        } else if let Some(class) = target(rules, key, current, |rule| current_class(rule, current, now)) {
            acts.push(Act::Move(current.sequence, class));
        }
    }
    for (index, version) in older.iter().enumerate() {
        // A version ceases to be current when the next one is made.
        let since = versions[index].modified;
        let subject = Subject { key, size: version.size, tags: &version.tags };
        let goes = rules.rules.iter().any(|rule| {
            let Some(expiration) = &rule.noncurrent_version_expiration else { return false };
            let is_due = expiration.noncurrent_days.is_none_or(|days| midnight_after(since, days) <= now);
            let is_kept = index < newer(expiration.newer_noncurrent_versions);
            applies(rule, &subject) && is_due && !is_kept
        });
        if goes && version.protection.holds(now).is_none() {
            acts.push(Act::Remove(version.sequence));
        } else if !version.is_marker
            && let Some(class) = target(rules, key, version, |rule| noncurrent_class(rule, index, since, now))
        {
            acts.push(Act::Move(version.sequence, class));
        }
    }
    acts
}

fn newer(count: Option<i32>) -> usize {
    count.and_then(|count| usize::try_from(count).ok()).unwrap_or(0)
}

/// Whether a delete marker over nothing goes: where a rule asks for it, or expires objects by their age.
fn ends_marker(rule: &LifecycleRule, key: &str, marker: &Version, now: i64) -> bool {
    let Some(expiration) = &rule.expiration else { return false };
    let by_age = expiration.days.is_some_and(|days| midnight_after(marker.modified, days) <= now);
    let has_no_filter = rule.filter.as_ref().is_none_or(|filter| super::tags_of(filter).next().is_none());
    key.starts_with(prefix_of(rule))
        && has_no_filter
        && (by_age || expiration.expired_object_delete_marker == Some(true))
}

/// The farthest class that the rules have for a version, if it is not there yet.
fn target(
    rules: &Rules,
    key: &str,
    version: &Version,
    class_of: impl Fn(&LifecycleRule) -> Option<usize>,
) -> Option<&'static str> {
    let subject = Subject { key, size: version.size, tags: &version.tags };
    let rules_for_it = rules.rules.iter().filter(|rule| applies(rule, &subject) && rules.moves(rule, version));
    let rank = rules_for_it.filter_map(class_of).max()?;
    let own = version.description.storage_class.as_deref();
    let own_rank = own.and_then(|own| CLASSES.iter().position(|class| *class == own));
    own_rank.is_none_or(|own| own < rank).then(|| CLASSES[rank])
}

impl Rules {
    /// Small objects stay where they are unless the rule speaks of sizes.
    fn moves(&self, rule: &LifecycleRule, version: &Version) -> bool {
        let speaks_of_sizes = rule.filter.as_ref().is_some_and(|filter| sizes_of(filter) != (None, None));
        !self.keeps_small || speaks_of_sizes || version.size >= MOVED_BYTES_MIN
    }
}

fn rank(class: Option<&str>) -> Option<usize> {
    CLASSES.iter().position(|known| Some(*known) == class)
}

fn current_class(rule: &LifecycleRule, version: &Version, now: i64) -> Option<usize> {
    let due = rule.transitions.iter().flatten().filter(|transition| match (transition.days, transition.date) {
        (Some(days), _) => midnight_after(version.modified, days) <= now,
        (None, Some(date)) => date.milliseconds() <= now,
        (None, None) => false,
    });
    due.filter_map(|transition| rank(transition.storage_class.as_deref())).max()
}

fn noncurrent_class(rule: &LifecycleRule, index: usize, since: i64, now: i64) -> Option<usize> {
    let due = rule.noncurrent_version_transitions.iter().flatten().filter(|transition| {
        let is_due = transition.noncurrent_days.is_some_and(|days| midnight_after(since, days) <= now);
        is_due && index >= newer(transition.newer_noncurrent_versions)
    });
    due.filter_map(|transition| rank(transition.storage_class.as_deref())).max()
}

#[cfg(test)]
mod tests {
    use api::s3::{BucketLifecycleConfiguration, LifecycleExpiration, NoncurrentVersionExpiration, Transition};

    use super::*;
    use crate::envelope::Encryption;
    use crate::lifecycle::DAY;
    use crate::lock::{Mode, Protection, Retention};
    use crate::version::{Content, Description};

    fn version(sequence: u64, modified: i64) -> Version {
        Version {
            sequence,
            id: sequence.to_string(),
            is_marker: false,
            modified,
            size: MOVED_BYTES_MIN,
            etag: String::new(),
            checksum: None,
            parts: None,
            owner: String::new(),
            description: Description::default(),
            tags: Default::default(),
            content: Content::Empty,
            grants: None,
            protection: Protection::default(),
            encryption: Encryption::default(),
            body_key: None,
            restore: None,
            replication: None,
        }
    }

    fn rules(rule: LifecycleRule) -> Rules {
        let rule = LifecycleRule { status: "Enabled".to_owned(), prefix: Some("a/".to_owned()), ..rule };
        Rules::of(BucketLifecycleConfiguration { rules: vec![rule], ..BucketLifecycleConfiguration::default() }, true)
    }

    #[test]
    fn the_current_version_expires_at_midnight() {
        let rules = rules(LifecycleRule {
            expiration: Some(LifecycleExpiration { days: Some(1), ..LifecycleExpiration::default() }),
            ..LifecycleRule::default()
        });
        let versions = [version(1, DAY / 2)];
        assert_eq!(plan(&rules, "a/1", &versions, false, 2 * DAY - 1), []);
        assert_eq!(plan(&rules, "a/1", &versions, false, 2 * DAY), [Act::Expire]);
        assert_eq!(plan(&rules, "b/1", &versions, false, 2 * DAY), []);
        let held = Protection { legal_hold: Some(true), ..Protection::default() };
        let held = [Version { protection: held, ..version(1, DAY / 2) }];
        assert_eq!(plan(&rules, "a/1", &held, false, 2 * DAY), []);
        assert_eq!(plan(&rules, "a/1", &held, true, 2 * DAY), [Act::Expire]);
        let marker = [Version { is_marker: true, ..version(2, DAY / 2) }];
        assert_eq!(plan(&rules, "a/1", &marker, true, 2 * DAY), [Act::Remove(2)]);
    }

    #[test]
    fn older_versions_go_but_for_the_newest_of_them() {
        let rules = rules(LifecycleRule {
            noncurrent_version_expiration: Some(NoncurrentVersionExpiration {
                noncurrent_days: Some(1),
                newer_noncurrent_versions: Some(1),
            }),
            ..LifecycleRule::default()
        });
        let versions = [version(4, 3), version(3, 2), version(2, 1), version(1, 0)];
        assert_eq!(plan(&rules, "a/1", &versions, true, 2 * DAY - 1), []);
        assert_eq!(plan(&rules, "a/1", &versions, true, 2 * DAY), [Act::Remove(2), Act::Remove(1)]);
        let until = Retention { mode: Mode::Compliance, until: 9 * DAY };
        let mut kept = versions;
        kept[3].protection.retention = Some(until);
        assert_eq!(plan(&rules, "a/1", &kept, true, 2 * DAY), [Act::Remove(2)]);
    }

    #[test]
    fn objects_move_farther_and_never_back() {
        let to = |days, class: &str| Transition { days: Some(days), date: None, storage_class: Some(class.to_owned()) };
        let rules = rules(LifecycleRule {
            transitions: Some(vec![to(30, "STANDARD_IA"), to(60, "GLACIER_IR")]),
            ..LifecycleRule::default()
        });
        let of_class = |class: &str| {
            let mut version = version(1, 0);
            version.description.storage_class = Some(class.to_owned());
            [version]
        };
        assert_eq!(plan(&rules, "a/1", &[version(1, 0)], false, 31 * DAY), [Act::Move(1, "STANDARD_IA")]);
        assert_eq!(plan(&rules, "a/1", &[version(1, 0)], false, 61 * DAY), [Act::Move(1, "GLACIER_IR")]);
        assert_eq!(plan(&rules, "a/1", &of_class("GLACIER_IR"), false, 61 * DAY), []);
        assert_eq!(plan(&rules, "a/1", &of_class("DEEP_ARCHIVE"), false, 61 * DAY), []);
        let small = [Version { size: MOVED_BYTES_MIN - 1, ..version(1, 0) }];
        assert_eq!(plan(&rules, "a/1", &small, false, 61 * DAY), []);
    }
}
