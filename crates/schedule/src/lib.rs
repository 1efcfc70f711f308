//! Schedules: `rate(5 minutes)` and `cron(0 12 * * ? *)` in UTC for rules of EventBridge, and those and
//! `at(2030-01-01T12:00:00)` in any time zone for EventBridge Scheduler.
//!
//! **Invariants.** No I/O and no clock; rules of time zones are built in. Looking for the next time ends at the last year
//! a schedule knows.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may fail where it unwraps"))]

mod zoned;

pub use zoned::{Zone, Zoned};

use jiff::civil::{Date, DateTime, Weekday};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};

/// Last year a schedule knows (EventBridge user guide, "Cron expressions").
const YEAR_LAST: i16 = 2199;

/// First year a schedule knows.
const YEAR_FIRST: i16 = 1970;

/// Largest number of a rate, of any unit: `rate(…)` is a text of at most 256 characters, and more than this many days lie
/// behind every year a schedule knows.
const RATE_MAX: u64 = 1_000_000_000;

/// A schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Schedule {
    /// Every so many milliseconds.
    Rate(i64),
    /// At the minutes that all fields allow.
    Cron(Box<Cron>),
}

/// The fields of a cron expression: bit `n` of a set stands for the value `n`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cron {
    minutes: u64,
    hours: u64,
    months: u64,
    days: Days,
    /// Bit `n` stands for the year `1970 + n`.
    years: [u64; 4],
}

/// The days of a month.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Days {
    /// Days of the month.
    OfMonth(u64),
    /// The last day of the month.
    Last,
    /// The working day nearest to a day of the month.
    NearestWorkingDay(i8),
    /// Days of the week: 1 is Sunday.
    OfWeek(u64),
    /// The last such day of the month.
    LastOfWeek(i8),
    /// A day of the week and how often it has come in the month.
    NthOfWeek(i8, i8),
}

const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

impl Schedule {
    /// Reads an expression. `None` if it is none.
    pub fn parse(text: &str) -> Option<Schedule> {
        if let Some(rate) = inside(text, "rate") {
            return parse_rate(rate);
        }
        inside(text, "cron").and_then(parse_cron).map(|cron| Schedule::Cron(Box::new(cron)))
    }

    /// The first time behind `now` at which it comes; `last` is when it came before, or was made. All in milliseconds since
    /// 1970. `None` if it never comes again.
    pub fn next(&self, last: i64, now: i64) -> Option<i64> {
        match self {
            Schedule::Rate(period) => {
                let passed = now.saturating_sub(last).max(0) / period;
                last.checked_add(period.checked_mul(passed + 1)?)
            }
            Schedule::Cron(cron) => cron.next(now),
        }
    }
}

fn inside<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    text.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')')
}

fn parse_rate(text: &str) -> Option<Schedule> {
    let (number, unit) = text.split_once(' ')?;
    let number: u64 = number.parse().ok().filter(|number| (1..=RATE_MAX).contains(number))?;
    let singular = if number == 1 { unit } else { unit.strip_suffix('s')? };
    let seconds = match singular {
        "minute" => 60,
        "hour" => 3_600,
        "day" => 86_400,
        _ => return None,
    };
    Some(Schedule::Rate(i64::try_from(number).ok()?.checked_mul(seconds * 1_000)?))
}

fn parse_cron(text: &str) -> Option<Cron> {
    let fields: Vec<&str> = text.split_ascii_whitespace().collect();
    let [minutes, hours, day_of_month, months, day_of_week, years] = fields.as_slice() else { return None };
    let days = match (*day_of_month, *day_of_week) {
        ("?", "?") => return None,
        (day, "?") => parse_day_of_month(day)?,
        ("?", day) => parse_day_of_week(day)?,
        _ => return None,
    };
    Some(Cron {
        minutes: set(minutes, 0, 59, &[])?,
        hours: set(hours, 0, 23, &[])?,
        months: set(months, 1, 12, &MONTHS)?,
        days,
        years: parse_years(years)?,
    })
}

fn parse_day_of_month(text: &str) -> Option<Days> {
    if text == "L" {
        return Some(Days::Last);
    }
    if let Some(day) = text.strip_suffix('W') {
        return number(day, 1, 31, &[]).map(|day| Days::NearestWorkingDay(day as i8));
    }
    set(text, 1, 31, &[]).map(Days::OfMonth)
}

fn parse_day_of_week(text: &str) -> Option<Days> {
    if text == "L" {
        return Some(Days::OfWeek(1 << 7));
    }
    if let Some(day) = text.strip_suffix('L') {
        return number(day, 1, 7, &WEEKDAYS).map(|day| Days::LastOfWeek(day as i8));
    }
    if let Some((day, nth)) = text.split_once('#') {
        let day = number(day, 1, 7, &WEEKDAYS)?;
        return number(nth, 1, 5, &[]).map(|nth| Days::NthOfWeek(day as i8, nth as i8));
    }
    set(text, 1, 7, &WEEKDAYS).map(Days::OfWeek)
}

fn parse_years(text: &str) -> Option<[u64; 4]> {
    let mut years = [0u64; 4];
    for part in text.split(',') {
        let (first, last, step) = bounds(part, YEAR_FIRST as u64, YEAR_LAST as u64, &[])?;
        for year in (first..=last).step_by(step) {
            let bit = (year - YEAR_FIRST as u64) as usize;
            years[bit / 64] |= 1 << (bit % 64);
        }
    }
    Some(years)
}

/// The values of a field as bits.
fn set(text: &str, min: u64, max: u64, names: &[&str]) -> Option<u64> {
    let mut bits = 0;
    for part in text.split(',') {
        let (first, last, step) = bounds(part, min, max, names)?;
        (first..=last).step_by(step).for_each(|value| bits |= 1 << value);
    }
    Some(bits)
}

/// First and last value and the step of `*`, `5`, `1-5`, `*/5`, `1/5`, `1-9/2`.
fn bounds(text: &str, min: u64, max: u64, names: &[&str]) -> Option<(u64, u64, usize)> {
    let (range, step) = match text.split_once('/') {
        Some((range, step)) => (range, Some(number(step, 1, max, &[])?)),
        None => (text, None),
    };
    let (first, last) = match range.split_once('-') {
        _ if range == "*" => (min, max),
        Some((first, last)) => (number(first, min, max, names)?, number(last, min, max, names)?),
        None => {
            let first = number(range, min, max, names)?;
            (first, if step.is_some() { max } else { first })
        }
    };
    Some((first, last, step.unwrap_or(1) as usize)).filter(|_| first <= last)
}

/// A number, or a name that stands for one; the first name stands for `min`.
fn number(text: &str, min: u64, max: u64, names: &[&str]) -> Option<u64> {
    if let Some(place) = names.iter().position(|name| name.eq_ignore_ascii_case(text)) {
        return Some(min + place as u64);
    }
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|value| plain && (min..=max).contains(value))
}

impl Cron {
    /// The first minute behind a time in UTC, both in milliseconds since 1970.
    fn next(&self, now: i64) -> Option<i64> {
        let now = Timestamp::from_millisecond(now).ok()?.to_zoned(TimeZone::UTC).datetime();
        let found = self.next_minute(now)?.to_zoned(TimeZone::UTC).ok()?;
        Some(found.timestamp().as_millisecond())
    }

    /// The first minute behind a time, both as clocks show them.
    fn next_minute(&self, now: DateTime) -> Option<DateTime> {
        let start = now.checked_add(SignedDuration::from_mins(1)).ok()?;
        let (mut hour, mut minute) = (start.hour(), start.minute());
        let mut date = start.date();
        // Ends at the last year there is: each round goes one day or one month on.
        while date.year() <= YEAR_LAST {
            if !self.has_year(date.year()) {
                date = Date::new(date.year().checked_add(1)?, 1, 1).ok()?;
            } else if self.months & (1 << date.month()) == 0 {
                date = date.last_of_month().tomorrow().ok()?;
            } else {
                if self.has_day(date)
                    && let Some((hour, minute)) = self.time_from(hour, minute)
                {
                    return Some(date.at(hour, minute, 0, 0));
                }
                date = date.tomorrow().ok()?;
            }
            (hour, minute) = (0, 0);
        }
        None
    }

    fn has_year(&self, year: i16) -> bool {
        let bit = usize::try_from(year - YEAR_FIRST).unwrap_or(usize::MAX);
        self.years.get(bit / 64).is_some_and(|bits| bits & (1 << (bit % 64)) != 0)
    }

    fn has_day(&self, date: Date) -> bool {
        let last = date.days_in_month();
        let of_week = date.weekday().to_sunday_one_offset();
        match self.days {
            Days::OfMonth(days) => days & (1 << date.day()) != 0,
            Days::Last => date.day() == last,
            Days::NearestWorkingDay(day) => day <= last && nearest_working_day(date, day) == Some(date.day()),
            Days::OfWeek(days) => days & (1 << of_week) != 0,
            Days::LastOfWeek(day) => of_week == day && date.day() + 7 > last,
            Days::NthOfWeek(day, nth) => of_week == day && (date.day() - 1) / 7 + 1 == nth,
        }
    }

    /// The first hour and minute of a day from these on.
    fn time_from(&self, hour: i8, minute: i8) -> Option<(i8, i8)> {
        let first = |bits: u64, from: i8| {
            let left = bits.checked_shr(from as u32).unwrap_or(0);
            (left != 0).then(|| from + left.trailing_zeros() as i8)
        };
        let found = first(self.hours, hour)?;
        if found == hour {
            if let Some(minute) = first(self.minutes, minute) {
                return Some((hour, minute));
            }
            return Some((first(self.hours, hour + 1)?, first(self.minutes, 0)?));
        }
        Some((found, first(self.minutes, 0)?))
    }
}

/// The working day nearest to a day, in the same month.
fn nearest_working_day(month: Date, day: i8) -> Option<i8> {
    let date = Date::new(month.year(), month.month(), day).ok()?;
    let last = month.days_in_month();
    Some(match date.weekday() {
        Weekday::Saturday if day > 1 => day - 1,
        Weekday::Saturday => day + 2,
        Weekday::Sunday if day < last => day + 1,
        Weekday::Sunday => day - 2,
        _ => day,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn next(expression: &str, after: &str) -> String {
        let now = after.parse::<Timestamp>().unwrap().as_millisecond();
        let schedule = Schedule::parse(expression).unwrap();
        schedule.next(now, now).map_or("never".to_owned(), |at| Timestamp::from_millisecond(at).unwrap().to_string())
    }

    /// The examples of the user guide, and the edges between months and years.
    #[test]
    fn cron_comes_when_aws_says() {
        let now = "2024-02-28T23:59:30Z";
        assert_eq!(next("cron(0 10 * * ? *)", now), "2024-02-29T10:00:00Z");
        assert_eq!(next("cron(15 12 * * ? *)", now), "2024-02-29T12:15:00Z");
        assert_eq!(next("cron(0 18 ? * MON-FRI *)", "2024-03-01T18:00:00Z"), "2024-03-04T18:00:00Z");
        assert_eq!(next("cron(0 8 1 * ? *)", now), "2024-03-01T08:00:00Z");
        assert_eq!(next("cron(0/15 * * * ? *)", now), "2024-02-29T00:00:00Z");
        assert_eq!(next("cron(0/10 * ? * MON-FRI *)", now), "2024-02-29T00:00:00Z");
        assert_eq!(next("cron(0/5 8-17 ? * MON-FRI *)", "2024-02-29T17:55:00Z"), "2024-03-01T08:00:00Z");
        assert_eq!(next("cron(0 0 L * ? *)", now), "2024-02-29T00:00:00Z");
        assert_eq!(next("cron(0 0 ? * 6L *)", now), "2024-03-29T00:00:00Z");
        assert_eq!(next("cron(0 0 ? * TUE#5 *)", now), "2024-04-30T00:00:00Z");
        assert_eq!(next("cron(0 0 1W 6 ? *)", now), "2024-06-03T00:00:00Z");
        assert_eq!(next("cron(0 0 30W 6 ? *)", now), "2024-06-28T00:00:00Z");
        assert_eq!(next("cron(0 0 29 FEB ? 2025-2030)", now), "2028-02-29T00:00:00Z");
        assert_eq!(next("cron(0 0 1 1 ? 2020)", now), "never");
        assert_eq!(next("cron(0 0 30 2 ? *)", now), "never");
    }

    #[test]
    fn a_rate_comes_again_in_step_and_what_was_missed_comes_once() {
        let schedule = Schedule::parse("rate(5 minutes)").unwrap();
        assert_eq!(schedule.next(1_000, 1_000), Some(301_000));
        assert_eq!(schedule.next(301_000, 1_600_000), Some(1_801_000));
    }

    #[test]
    fn what_is_no_schedule_is_refused() {
        let texts = [
            "",
            "rate()",
            "rate(0 minutes)",
            "rate(1 minutes)",
            "rate(2 minute)",
            "rate(-1 minutes)",
            "rate( 5 minutes)",
            "rate(5 seconds)",
            "cron(* * * * * *)",
            "cron(0 0 ? * ? *)",
            "cron(60 0 * * ? *)",
            "cron(0 0 * * ?)",
            "cron(5-1 0 * * ? *)",
            "cron(0 0 32W * ? *)",
            "cron(0 0 ? * 2#6 *)",
            "cron(*/0 * * * ? *)",
            "at(2024-01-01)",
        ];
        for text in texts {
            assert_eq!(Schedule::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "(cron|rate)\\([0-9A-Z*?/,#LW -]{0,30}\\)", now in 0i64..4_102_444_800_000) {
            if let Some(next) = Schedule::parse(&text).and_then(|schedule| schedule.next(now, now)) {
                prop_assert!(next > now);
            }
        }

        /// The minute found is the first of those that the plain fields allow.
        #[test]
        fn no_minute_is_missed(minute in 0i64..60, hour in 0i64..24, now in 0i64..4_102_444_800_000) {
            let schedule = Schedule::parse(&format!("cron({minute} {hour} * * ? *)")).unwrap();
            let found = schedule.next(now, now).unwrap();
            prop_assert!(found > now && found <= now + 86_400_000);
            prop_assert_eq!(found % 86_400_000, (hour * 60 + minute) * 60_000);
        }
    }
}
