//! Object Lock: versions that must stay for a time, or until somebody lets them go (S3 User Guide, "Locking objects with
//! Object Lock").

use api::s3::errors as s3_errors;
use api::s3::{
    DefaultRetention as ListedRetention, ObjectLockConfiguration, ObjectLockLegalHold, ObjectLockRetention,
    ObjectLockRule,
};
use serde::{Deserialize, Serialize};
use wire::schema::TimestampFormat;
use wire::{Error, Timestamp};

use crate::errors;
use crate::limits::{LOCK_DAYS_MAX, LOCK_YEARS_MAX};

/// How firmly a version is retained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mode {
    /// Whoever has a permission of its own may pass over it.
    Governance,
    /// Nobody may.
    Compliance,
}

/// Until when a version must stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retention {
    /// How firmly.
    pub mode: Mode,
    /// In milliseconds since 1970.
    pub until: i64,
}

/// How long new versions of a bucket must stay unless the request says something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefaultRetention {
    /// How firmly.
    pub mode: Mode,
    /// For how long.
    pub period: Period,
}

/// A period as it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Period {
    /// Days.
    Days(i32),
    /// Years of 365 days.
    Years(i32),
}

/// A bucket that locks objects.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BucketLock {
    /// What new versions get.
    pub default: Option<DefaultRetention>,
}

/// What protects a version.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Protection {
    /// Until when it must stay.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention: Option<Retention>,
    /// Whether it must stay until that is taken back; `None` if nobody ever said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub legal_hold: Option<bool>,
}

/// A day, in milliseconds.
const DAY: i64 = 86_400_000;
/// Days of a year in a period.
const YEAR_DAYS: i64 = 365;

impl Mode {
    /// As the API spells it.
    pub fn name(self) -> &'static str {
        match self {
            Mode::Governance => "GOVERNANCE",
            Mode::Compliance => "COMPLIANCE",
        }
    }

    /// Reads the API's name.
    pub fn parse(name: &str) -> Option<Mode> {
        [Mode::Governance, Mode::Compliance].into_iter().find(|mode| mode.name() == name)
    }
}

/// Why a version may not be deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// It may, by those who may pass over the retention.
    Governed,
    /// Nobody may.
    Firmly,
}

impl Protection {
    /// Whether it protects from deletion at this time, in milliseconds since 1970.
    pub fn holds(&self, now: i64) -> Option<Held> {
        let retained = self.retention.filter(|retention| retention.until > now);
        match (self.legal_hold, retained) {
            (Some(true), _) => Some(Held::Firmly),
            (_, Some(Retention { mode: Mode::Compliance, .. })) => Some(Held::Firmly),
            (_, Some(Retention { mode: Mode::Governance, .. })) => Some(Held::Governed),
            (_, None) => None,
        }
    }

    /// What a new version gets from its bucket where the request says nothing.
    pub fn or_default(mut self, lock: Option<&BucketLock>, now: i64) -> Protection {
        if let (None, Some(BucketLock { default: Some(default) })) = (self.retention, lock) {
            self.retention = Some(Retention { mode: default.mode, until: now + default.period.milliseconds() });
        }
        self
    }

    /// `ON` or `OFF`, if anybody ever said.
    pub fn shown_hold(&self) -> Option<String> {
        self.legal_hold.map(|is_on| if is_on { "ON" } else { "OFF" }.to_owned())
    }
}

impl Period {
    fn milliseconds(self) -> i64 {
        match self {
            Period::Days(days) => i64::from(days) * DAY,
            Period::Years(years) => i64::from(years) * YEAR_DAYS * DAY,
        }
    }
}

/// The protection that the headers of a new object ask for.
///
/// # Errors
/// `InvalidRequest` for a bucket that locks nothing, `InvalidArgument`.
pub fn of_headers(
    mode: Option<&str>,
    until: Option<Timestamp>,
    hold: Option<&str>,
    lock: Option<&BucketLock>,
    now: i64,
) -> Result<Protection, Error> {
    let refused = |text: &'static str, name: &'static str, value: &str| Err(errors::argument(text, name, value));
    let legal_hold = match hold {
        None => None,
        Some("ON") => Some(true),
        Some("OFF") => Some(false),
        Some(other) => {
            return refused("Legal Hold must be either of 'ON' or 'OFF'", "x-amz-object-lock-legal-hold", other);
        }
    };
    const PAIR: &str = "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied";
    let retention = match (mode, until) {
        (None, None) => None,
        (Some(_), None) => return Err(errors::argument_without_value(PAIR, "x-amz-object-lock-retain-until-date")),
        (None, Some(_)) => return Err(errors::argument_without_value(PAIR, "x-amz-object-lock-mode")),
        (Some(mode), Some(until)) => {
            let Some(mode) = Mode::parse(mode) else {
                return refused("Unknown wormMode directive.", "x-amz-object-lock-mode", mode);
            };
            check_future(until, now, "x-amz-object-lock-retain-until-date")?;
            Some(Retention { mode, until: until.milliseconds() })
        }
    };
    let protection = Protection { retention, legal_hold };
    if lock.is_none() && protection != Protection::default() {
        return Err(no_lock());
    }
    Ok(protection)
}

/// Refuses a date that has passed.
///
/// # Errors
/// `InvalidArgument`.
pub fn check_future(until: Timestamp, now: i64, name: &str) -> Result<(), Error> {
    if until.milliseconds() > now {
        return Ok(());
    }
    let mut shown = String::new();
    until.write(TimestampFormat::Iso8601, &mut shown);
    Err(errors::argument("The retain until date must be in the future!", name, &shown))
}

/// The bucket does not lock objects.
pub fn no_lock() -> Error {
    errors::request("Bucket is missing Object Lock Configuration")
}

/// A version is protected.
pub fn protected() -> Error {
    s3_errors::access_denied("Access Denied because object protected by object lock.")
}

/// Reads the document of a bucket.
///
/// # Errors
/// `MalformedXML`, `InvalidArgument`, `InvalidRetentionPeriod`.
pub fn of_document(document: &ObjectLockConfiguration) -> Result<BucketLock, Error> {
    if document.object_lock_enabled.as_deref() != Some("Enabled") {
        return Err(errors::malformed_xml());
    }
    let Some(rule) = &document.rule else { return Ok(BucketLock::default()) };
    let default = rule.default_retention.as_ref().ok_or_else(errors::malformed_xml)?;
    let mode = default.mode.as_deref().and_then(Mode::parse).ok_or_else(errors::malformed_xml)?;
    let period = match (default.days, default.years) {
        (Some(days), None) => Period::Days(days),
        (None, Some(years)) => Period::Years(years),
        _ => return Err(errors::malformed_xml()),
    };
    let (count, max, unit) = match period {
        Period::Days(days) => (days, LOCK_DAYS_MAX, "days"),
        Period::Years(years) => (years, LOCK_YEARS_MAX, "years"),
    };
    if count <= 0 {
        return Err(s3_errors::invalid_argument("Default retention period must be a positive integer value."));
    }
    if count > max {
        let text = format!("Default retention period too large: the maximum is {max} {unit}.");
        return Err(s3_errors::invalid_argument(text));
    }
    Ok(BucketLock { default: Some(DefaultRetention { mode, period }) })
}

/// The document of a bucket.
pub fn shown(lock: &BucketLock) -> ObjectLockConfiguration {
    let rule = lock.default.map(|default| {
        let (days, years) = match default.period {
            Period::Days(days) => (Some(days), None),
            Period::Years(years) => (None, Some(years)),
        };
        let mode = Some(default.mode.name().to_owned());
        ObjectLockRule { default_retention: Some(ListedRetention { mode, days, years, ..ListedRetention::default() }) }
    });
    ObjectLockConfiguration { object_lock_enabled: Some("Enabled".to_owned()), rule }
}

/// Reads the document of a version's retention; `None` takes it away.
///
/// # Errors
/// `MalformedXML`, `InvalidArgument`.
pub fn of_retention(document: Option<&ObjectLockRetention>, now: i64) -> Result<Option<Retention>, Error> {
    let document = document.ok_or_else(errors::malformed_xml)?;
    if document.event_hold.is_some() || document.event_hold_duration.is_some() {
        return Err(errors::unsupported("EventHold"));
    }
    match (document.mode.as_deref(), document.retain_until_date) {
        (None, None) => Ok(None),
        (Some(mode), Some(until)) => {
            let mode = Mode::parse(mode).ok_or_else(errors::malformed_xml)?;
            check_future(until, now, "RetainUntilDate")?;
            Ok(Some(Retention { mode, until: until.milliseconds() }))
        }
        _ => Err(errors::malformed_xml()),
    }
}

/// Reads the document of a version's legal hold.
///
/// # Errors
/// `MalformedXML`.
pub fn of_legal_hold(document: Option<&ObjectLockLegalHold>) -> Result<bool, Error> {
    match document.and_then(|document| document.status.as_deref()) {
        Some("ON") => Ok(true),
        Some("OFF") => Ok(false),
        _ => Err(errors::malformed_xml()),
    }
}

/// Whether a version's retention may be changed so: made longer or firmer by everybody, in governance mode by those who
/// may pass over it.
pub fn may_become(before: Option<Retention>, after: Option<Retention>, now: i64) -> Result<(), Held> {
    let Some(before) = before.filter(|before| before.until > now) else { return Ok(()) };
    let is_kept = after.is_some_and(|after| after.until >= before.until);
    let is_as_firm = after.is_some_and(|after| after.mode == before.mode || after.mode == Mode::Compliance);
    match before.mode {
        _ if is_kept && is_as_firm => Ok(()),
        Mode::Compliance => Err(Held::Firmly),
        Mode::Governance => Err(Held::Governed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_retention_holds_until_its_date() {
        let governed =
            Protection { retention: Some(Retention { mode: Mode::Governance, until: 10 }), legal_hold: None };
        assert_eq!((governed.holds(9), governed.holds(10)), (Some(Held::Governed), None));
        let held = Protection { legal_hold: Some(true), ..governed };
        assert_eq!(held.holds(10), Some(Held::Firmly));
        let firm = Protection { retention: Some(Retention { mode: Mode::Compliance, until: 10 }), legal_hold: None };
        assert_eq!(firm.holds(9), Some(Held::Firmly));
    }

    #[test]
    fn a_retention_becomes_longer_and_firmer_alone() {
        let of = |mode, until| Some(Retention { mode, until });
        let (soft, firm) = (Mode::Governance, Mode::Compliance);
        assert_eq!(may_become(of(soft, 10), of(soft, 11), 5), Ok(()));
        assert_eq!(may_become(of(soft, 10), of(firm, 10), 5), Ok(()));
        assert_eq!(may_become(of(soft, 10), of(soft, 9), 5), Err(Held::Governed));
        assert_eq!(may_become(of(soft, 10), None, 5), Err(Held::Governed));
        assert_eq!(may_become(of(firm, 10), of(firm, 9), 5), Err(Held::Firmly));
        assert_eq!(may_become(of(firm, 10), of(soft, 20), 5), Err(Held::Firmly));
        assert_eq!(may_become(of(firm, 10), None, 10), Ok(()));
    }
}
