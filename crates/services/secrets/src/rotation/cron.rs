//! Cron expressions as Secrets Manager has them: on the hour, every year, at least four hours apart. User guide of
//! Secrets Manager, "Cron expressions".

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;

const HOUR_MS: i64 = 3_600_000;
const HOURS_APART: u32 = 4;
const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// How far ahead a day is looked for: any date but 29 February comes within a year, and that one within eight.
const DAYS_AHEAD_MAX: usize = 8 * 366;

/// Numbers of a field, one bit each.
type Numbers = u64;

/// A cron expression.
pub struct Cron {
    hours: Numbers,
    days: Days,
    months: Numbers,
}

enum Days {
    OfMonth(Numbers),
    LastOfMonth,
    OfWeek(Numbers),
    /// Weekday, 1 for Sunday, and which of the month.
    NthOfWeek(u32, u32),
    LastOfWeek(u32),
}

impl Cron {
    /// Reads what stands between the brackets.
    pub fn parse(text: &str) -> Option<Cron> {
        let fields: Vec<&str> = text.split_ascii_whitespace().collect();
        let ["0", hours, day_of_month, months, day_of_week, "*"] = fields[..] else { return None };
        let days = match (day_of_month, day_of_week) {
            ("?", "?") => return None,
            (day, "?") => days_of_month(day)?,
            ("?", day) => days_of_week(day)?,
            _ => return None,
        };
        let cron = Cron { hours: numbers(hours, 0, 23, &[])?, days, months: numbers(months, 1, 12, &MONTHS)? };
        let hours: Vec<u32> = cron.hours().collect();
        let is_sparse = hours.windows(2).all(|pair| pair[1] - pair[0] >= HOURS_APART);
        is_sparse.then_some(cron)
    }

    /// The hours of a day, in order.
    pub fn hours(&self) -> impl Iterator<Item = u32> {
        let hours = self.hours;
        (0..24).filter(move |hour| has(hours, *hour))
    }

    /// The first time after another, in milliseconds since 1970.
    pub fn next(&self, after: i64) -> Option<i64> {
        let mut date = jiff::Timestamp::from_millisecond(after).ok()?.to_zoned(TimeZone::UTC).date();
        for _ in 0..DAYS_AHEAD_MAX {
            if self.includes(date) {
                let midnight = date.to_zoned(TimeZone::UTC).ok()?.timestamp().as_millisecond();
                let times = self.hours().map(|hour| midnight + i64::from(hour) * HOUR_MS);
                if let Some(time) = times.into_iter().find(|time| *time > after) {
                    return Some(time);
                }
            }
            date = date.tomorrow().ok()?;
        }
        None
    }

    fn includes(&self, date: Date) -> bool {
        let day = date.day().unsigned_abs().into();
        let weekday = weekday(date.weekday());
        let is_day = match self.days {
            Days::OfMonth(days) => has(days, day),
            Days::LastOfMonth => date.day() == date.days_in_month(),
            Days::OfWeek(days) => has(days, weekday),
            Days::NthOfWeek(wanted, nth) => weekday == wanted && day.div_ceil(7) == nth,
            Days::LastOfWeek(wanted) => weekday == wanted && date.day() + 7 > date.days_in_month(),
        };
        is_day && has(self.months, date.month().unsigned_abs().into())
    }
}

fn days_of_month(field: &str) -> Option<Days> {
    if field == "L" { Some(Days::LastOfMonth) } else { numbers(field, 1, 31, &[]).map(Days::OfMonth) }
}

fn days_of_week(field: &str) -> Option<Days> {
    if field == "L" {
        return Some(Days::OfWeek(1 << 7));
    }
    if let Some(day) = field.strip_suffix('L') {
        return number(day, 1, 7, &WEEKDAYS).map(Days::LastOfWeek);
    }
    if let Some((day, nth)) = field.split_once('#') {
        return Some(Days::NthOfWeek(number(day, 1, 7, &WEEKDAYS)?, number(nth, 1, 5, &[])?));
    }
    numbers(field, 1, 7, &WEEKDAYS).map(Days::OfWeek)
}

/// A field's numbers: a list of `*`, `a`, `a-b`, each with `/step` or without.
fn numbers(field: &str, least: u32, most: u32, names: &[&str]) -> Option<Numbers> {
    let mut found = 0;
    for part in field.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(number(step, 1, most.max(1), &[])?)),
            None => (part, None),
        };
        let (first, last) = match (range, range.split_once('-')) {
            ("*", _) => (least, most),
            (_, Some((first, last))) => (number(first, least, most, names)?, number(last, least, most, names)?),
            (single, None) => {
                let first = number(single, least, most, names)?;
                (first, if step.is_some() { most } else { first })
            }
        };
        if first > last {
            return None;
        }
        for number in (first..=last).step_by(step.unwrap_or(1) as usize) {
            found |= 1 << number;
        }
    }
    Some(found)
}

fn number(text: &str, least: u32, most: u32, names: &[&str]) -> Option<u32> {
    if let Some(index) = names.iter().position(|name| name.eq_ignore_ascii_case(text)) {
        return Some(least + index as u32);
    }
    let is_number = !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
    text.parse().ok().filter(|number| is_number && (least..=most).contains(number))
}

fn has(numbers: Numbers, number: u32) -> bool {
    numbers & (1 << number) != 0
}

/// 1 for Sunday, as cron counts.
fn weekday(day: Weekday) -> u32 {
    day.to_sunday_one_offset().unsigned_abs().into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 2025-06-15T15:06:40Z, a Sunday.
    const NOW: i64 = 1_750_000_000_000;

    fn next(text: &str) -> String {
        let time = Cron::parse(text).unwrap_or_else(|| panic!("{text} is valid")).next(NOW).unwrap();
        jiff::Timestamp::from_millisecond(time).unwrap().to_string()
    }

    #[test]
    fn the_next_time_is_found() {
        for (text, expected) in [
            ("0 16 * * ? *", "2025-06-15T16:00:00Z"),
            ("0 15 * * ? *", "2025-06-16T15:00:00Z"),
            ("0 8 1 * ? *", "2025-07-01T08:00:00Z"),
            ("0 8/8 * * ? *", "2025-06-15T16:00:00Z"),
            ("0 0 ? * SUN#1 *", "2025-07-06T00:00:00Z"),
            ("0 16 L * ? *", "2025-06-30T16:00:00Z"),
            ("0 0 ? * 6L *", "2025-06-27T00:00:00Z"),
            ("0 0 ? * L *", "2025-06-21T00:00:00Z"),
            ("0 3 1/7 * ? *", "2025-06-22T03:00:00Z"),
            ("0 0 29 2 ? *", "2028-02-29T00:00:00Z"),
            ("0 12 ? JAN,jul MON-WED *", "2025-07-01T12:00:00Z"),
        ] {
            assert_eq!(next(text), expected, "{text}");
        }
        assert!(Cron::parse("0 0 31 2 ? *").unwrap().next(NOW).is_none(), "there is no such day");
    }

    #[test]
    fn what_is_no_such_expression_is_refused() {
        for text in [
            "",
            "0 8 * * ?",
            "5 8 * * ? *",
            "0 8 * * * *",
            "0 8 ? * ? *",
            "0 8 * * ? 2025",
            "0 24 * * ? *",
            "0 * * * ? *",
            "0 8-12 * * ? *",
            "0 8,10 * * ? *",
            "0 8 0 * ? *",
            "0 8 32 * ? *",
            "0 8 ? 13 MON *",
            "0 8 ? * 8 *",
            "0 8 ? * MON#6 *",
            "0 8 5-1 * ? *",
            "0 8/0 * * ? *",
            "0 +8 * * ? *",
            "0 8/ * * ? *",
            "0 , * * ? *",
        ] {
            assert!(Cron::parse(text).is_none(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_a_panic(text in "[0-9A-Z*?,/#L -]{0,40}", after in -1_000_000_000_000i64..4_000_000_000_000) {
            if let Some(time) = Cron::parse(&text).and_then(|cron| cron.next(after)) {
                prop_assert!(time > after && time.rem_euclid(HOUR_MS) == 0);
            }
        }
    }
}
