//! When a secret is rotated. All times are UTC; windows begin on the hour. User guide of Secrets Manager, "Rotation
//! schedules".

use api::secretsmanager::RotationRulesType;
use serde::{Deserialize, Serialize};
use wire::Error;

use super::cron::Cron;
use crate::errors;
use crate::limits::DAY_MS;
use crate::records::day_of;

const HOUR_MS: i64 = 3_600_000;
const HOURS_OF_DAY: i64 = 24;
const SECOND_MS: i64 = 1_000;

/// The rules as they were given, which hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// Days after the last rotation.
    pub automatically_after_days: Option<i64>,
    /// Length of the window: `3h`.
    pub duration: Option<String>,
    /// `rate(…)` or `cron(…)`.
    pub schedule_expression: Option<String>,
}

/// A time in which a secret is to be rotated, in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// When it opens; the rotation begins then.
    pub start: i64,
    /// When it closes.
    pub end: i64,
}

enum Schedule {
    Days(i64),
    Hours(i64),
    Cron(Cron),
}

impl Rules {
    /// Checks what a caller gave.
    ///
    /// # Errors
    /// `InvalidParameterException`.
    pub fn of_input(input: &RotationRulesType) -> Result<Rules, Error> {
        if input.automatically_after_days.is_some() && input.schedule_expression.is_some() {
            return Err(errors::parameter(
                "You cannot specify both rotation frequency and schedule expression together.",
            ));
        }
        let rules = Rules {
            automatically_after_days: input.automatically_after_days,
            duration: input.duration.clone(),
            schedule_expression: input.schedule_expression.clone(),
        };
        rules.check()?;
        Ok(rules)
    }

    /// As they were given.
    pub fn output(&self) -> RotationRulesType {
        RotationRulesType {
            automatically_after_days: self.automatically_after_days,
            duration: self.duration.clone(),
            schedule_expression: self.schedule_expression.clone(),
        }
    }

    /// The first window after a time; `None` if there is none.
    pub fn next(&self, after: i64) -> Option<Window> {
        let length = self.hours();
        let (start, length) = match self.schedule().ok()? {
            Schedule::Days(days) => (day_of(after) + days * DAY_MS, length),
            Schedule::Hours(hours) => (after - after.rem_euclid(HOUR_MS) + hours * HOUR_MS, length.or(Some(1))),
            Schedule::Cron(cron) => {
                let several_times_a_day = cron.hours().count() > 1;
                (cron.next(after)?, length.or(several_times_a_day.then_some(1)))
            }
        };
        let end = length.map_or(day_of(start) + DAY_MS - SECOND_MS, |hours| start + hours * HOUR_MS);
        Some(Window { start, end })
    }

    fn check(&self) -> Result<(), Error> {
        let schedule = self.schedule()?;
        if self.duration.is_some() && !self.hours().is_some_and(|hours| (1..=HOURS_OF_DAY).contains(&hours)) {
            return Err(errors::parameter("Duration must be at least 1 hour, at most 24 hour."));
        }
        let duration = self.hours().unwrap_or(1);
        match schedule {
            Schedule::Hours(hours) if duration > hours => {
                Err(errors::parameter("Duration cannot be greater than Rate in hour."))
            }
            Schedule::Cron(cron) if cron.hours().any(|hour| i64::from(hour) + duration > HOURS_OF_DAY) => {
                Err(errors::parameter("Starting hour and duration must be within a day."))
            }
            _ => Ok(()),
        }
    }

    fn schedule(&self) -> Result<Schedule, Error> {
        if let Some(days) = self.automatically_after_days {
            return Ok(Schedule::Days(days));
        }
        let expression = self.schedule_expression.as_deref().ok_or_else(invalid)?;
        let (kind, rest) = expression.split_once('(').ok_or_else(invalid)?;
        let inner = rest.strip_suffix(')').ok_or_else(invalid)?;
        match kind {
            "rate" => rate(inner),
            "cron" => Cron::parse(inner).map(Schedule::Cron).ok_or_else(invalid),
            _ => Err(invalid()),
        }
    }

    fn hours(&self) -> Option<i64> {
        self.duration.as_deref()?.strip_suffix('h')?.parse().ok()
    }
}

fn rate(text: &str) -> Result<Schedule, Error> {
    let (number, unit) = text.split_once(' ').ok_or_else(invalid)?;
    let is_number = !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit());
    let number: i64 = if is_number { number.parse().map_err(|_| invalid())? } else { return Err(invalid()) };
    match unit {
        "hour" | "hours" if !(4..HOURS_OF_DAY).contains(&number) => {
            Err(errors::parameter("Rate in hour should be least 4 and less than 24."))
        }
        "hour" | "hours" => Ok(Schedule::Hours(number)),
        "day" | "days" if !(1..1_000).contains(&number) => {
            Err(errors::parameter("Rate in day should be greater than 0 and less than 1000."))
        }
        "day" | "days" => Ok(Schedule::Days(number)),
        _ => Err(invalid()),
    }
}

fn invalid() -> Error {
    errors::parameter("Invalid schedule expression.")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2025-06-15T15:06:40Z, a Sunday.
    const NOW: i64 = 1_750_000_000_000;
    const MIDNIGHT: i64 = 1_749_945_600_000;

    fn rules(expression: &str, duration: Option<&str>) -> Result<Rules, Error> {
        Rules::of_input(&RotationRulesType {
            schedule_expression: Some(expression.to_owned()),
            duration: duration.map(str::to_owned),
            ..Default::default()
        })
    }

    fn window(expression: &str, duration: Option<&str>) -> (i64, i64) {
        let window = rules(expression, duration).unwrap().next(NOW).unwrap();
        ((window.start - MIDNIGHT) / HOUR_MS, (window.end - MIDNIGHT) / HOUR_MS)
    }

    #[test]
    fn windows_open_on_the_hour_and_close_as_documented() {
        assert_eq!(window("rate(4 hours)", None), (19, 20));
        assert_eq!(window("rate(23 hours)", Some("3h")), (38, 41));
        assert_eq!(window("rate(10 days)", None), (240, 263), "the last second of that day");
        assert_eq!(window("rate(1 day)", Some("2h")), (24, 26));
        assert_eq!(window("cron(0 8 * * ? *)", None), (32, 47));
        assert_eq!(window("cron(0 4/12 * * ? *)", None), (16, 17), "several times a day");
        assert_eq!(window("cron(0 16 ? * MON *)", Some("4h")), (40, 44));
        let days = RotationRulesType { automatically_after_days: Some(30), ..Default::default() };
        let window = Rules::of_input(&days).unwrap().next(NOW).unwrap();
        assert_eq!((window.start - MIDNIGHT, window.end - MIDNIGHT), (30 * DAY_MS, 31 * DAY_MS - SECOND_MS));
    }

    #[test]
    fn rules_that_do_not_hold_are_refused_in_awss_words() {
        let text = |expression: &str, duration: Option<&str>| {
            let error = rules(expression, duration).unwrap_err();
            error.to_string().strip_prefix("InvalidParameterException: ").unwrap().to_owned()
        };
        for expression in
            ["", "rate", "rate(5)", "rate(5 weeks)", "rate(-5 days)", "rate(5 days", "cron(0 8 * * ?)", "at(now)"]
        {
            assert_eq!(text(expression, None), "Invalid schedule expression.", "{expression}");
        }
        assert_eq!(text("rate(3 hours)", None), "Rate in hour should be least 4 and less than 24.");
        assert_eq!(text("rate(24 hours)", None), "Rate in hour should be least 4 and less than 24.");
        assert_eq!(text("rate(0 days)", None), "Rate in day should be greater than 0 and less than 1000.");
        assert_eq!(text("rate(4 days)", Some("25h")), "Duration must be at least 1 hour, at most 24 hour.");
        assert_eq!(text("rate(4 hours)", Some("5h")), "Duration cannot be greater than Rate in hour.");
        assert_eq!(text("cron(0 20 * * ? *)", Some("5h")), "Starting hour and duration must be within a day.");
        let both = RotationRulesType {
            automatically_after_days: Some(1),
            schedule_expression: Some("rate(1 day)".to_owned()),
            ..Default::default()
        };
        assert!(Rules::of_input(&both).is_err());
    }
}
