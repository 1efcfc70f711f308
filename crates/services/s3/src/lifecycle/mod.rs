//! What becomes of objects with time: rules by which they move to other storage classes and go, and the timer that acts on
//! them (S3 User Guide, "Managing the lifecycle of objects").
//!
//! A bucket with rules has one timer. It fires at every midnight UTC, as AWS's runs do, and once when the rules were set. A
//! firing looks at so many rows and sets the timer anew for the rest, so that no run is ever long.

mod calendar;
mod check;
mod plan;
mod run;

use api::s3::{BucketLifecycleConfiguration, LifecycleRule, LifecycleRuleFilter, Tag};

use crate::bucket::{Bucket, Versioning};
use crate::tags::Tags;
use crate::version::Version;

pub use calendar::{DAY, midnight_after};
pub use check::check;
pub use run::{KIND, Progress, TIMER, fire};

/// The smallest object that moves to another class unless a rule says something else, in bytes (since September 2024).
const MOVED_BYTES_MIN: u64 = 128 * 1024;

/// What a rule may go by.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The object's key.
    pub key: &'a str,
    /// Its bytes.
    pub size: u64,
    /// Its tags.
    pub tags: &'a Tags,
}

/// The rules of a bucket.
#[derive(Debug, Clone)]
pub struct Rules {
    rules: Vec<LifecycleRule>,
    /// Whether small objects stay where they are.
    keeps_small: bool,
}

/// Under which the default for small objects is kept, beside the rules themselves.
pub const ALL_CLASSES: &str = "all_storage_classes_128K";
/// Small objects go to Glacier and stay out of the other classes, as before September 2024.
pub const BY_CLASS: &str = "varies_by_storage_class";

impl Rules {
    /// The rules that are in force.
    pub fn of(configuration: BucketLifecycleConfiguration, keeps_small: bool) -> Rules {
        let rules = configuration.rules.into_iter().filter(|rule| rule.status == "Enabled").collect();
        Rules { rules, keeps_small }
    }

    /// Whether nothing is in force.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// When a version that is now the current one expires, in milliseconds since 1970, and by which rule.
    pub fn expiry(&self, key: &str, version: &Version) -> Option<(i64, &str)> {
        let subject = Subject { key, size: version.size, tags: &version.tags };
        let expiries = self.rules.iter().filter(|rule| applies(rule, &subject)).filter_map(|rule| {
            let expiration = rule.expiration.as_ref()?;
            let at = match (expiration.days, expiration.date) {
                (Some(days), _) => midnight_after(version.modified, days),
                (None, Some(date)) => date.milliseconds(),
                (None, None) => return None,
            };
            Some((at, rule.id.as_deref().unwrap_or_default()))
        });
        expiries.min_by_key(|(at, _)| *at)
    }

    /// When an upload that began then is abandoned, and by which rule.
    pub fn abandonment(&self, key: &str, initiated: i64) -> Option<(i64, &str)> {
        let rules = self.rules.iter().filter(|rule| key.starts_with(prefix_of(rule)));
        let ends = rules.filter_map(|rule| {
            let days = rule.abort_incomplete_multipart_upload.as_ref()?.days_after_initiation?;
            Some((midnight_after(initiated, days), rule.id.as_deref().unwrap_or_default()))
        });
        ends.min_by_key(|(at, _)| *at)
    }
}

/// The prefix that a rule goes by.
fn prefix_of(rule: &LifecycleRule) -> &str {
    let filter = rule.filter.as_ref();
    let and = filter.and_then(|filter| filter.and.as_ref());
    let of_filter = filter.and_then(|filter| filter.prefix.as_deref()).or(and.and_then(|and| and.prefix.as_deref()));
    rule.prefix.as_deref().or(of_filter).unwrap_or_default()
}

/// The tags that a filter goes by.
fn tags_of(filter: &LifecycleRuleFilter) -> impl Iterator<Item = &Tag> {
    let joined = filter.and.iter().flat_map(|and| and.tags.as_deref().unwrap_or_default());
    filter.tag.iter().chain(joined)
}

/// The sizes that a filter goes by: greater than the first, less than the second.
fn sizes_of(filter: &LifecycleRuleFilter) -> (Option<i64>, Option<i64>) {
    let and = filter.and.as_ref();
    (
        filter.object_size_greater_than.or(and.and_then(|and| and.object_size_greater_than)),
        filter.object_size_less_than.or(and.and_then(|and| and.object_size_less_than)),
    )
}

/// Whether a rule is about this object.
fn applies(rule: &LifecycleRule, subject: &Subject<'_>) -> bool {
    if !subject.key.starts_with(prefix_of(rule)) {
        return false;
    }
    let Some(filter) = &rule.filter else { return true };
    let (least, most) = sizes_of(filter);
    let size = i64::try_from(subject.size).unwrap_or(i64::MAX);
    least.is_none_or(|least| size > least)
        && most.is_none_or(|most| size < most)
        && tags_of(filter).all(|tag| subject.tags.get(&tag.key) == Some(&tag.value))
}

/// Whether a bucket's objects have versions to become of.
fn keeps_versions(bucket: &Bucket) -> bool {
    bucket.versioning != Versioning::Never
}
