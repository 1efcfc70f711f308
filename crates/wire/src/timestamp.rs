//! Points in time as AWS protocols write them.

use std::fmt::Write;

use crate::schema::TimestampFormat;

/// Seconds and nanoseconds since 1970-01-01T00:00:00Z, without leap seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp {
    /// Whole seconds; negative before 1970.
    pub seconds: i64,
    /// Nanoseconds past `seconds`, 0 to 999,999,999.
    pub nanoseconds: u32,
}

const SECONDS_PER_DAY: i64 = 86_400;
/// Largest magnitude of seconds that is read or written as a calendar date: the years 0000 to 9999 of ISO 8601.
const CALENDAR_SECONDS: std::ops::RangeInclusive<i64> = -62_167_219_200..=253_402_300_799;
const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// A calendar date and time of day, UTC.
struct Civil {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
}

impl Timestamp {
    /// From milliseconds since 1970.
    pub const fn from_milliseconds(milliseconds: i64) -> Timestamp {
        Timestamp {
            seconds: milliseconds.div_euclid(1_000),
            nanoseconds: (milliseconds.rem_euclid(1_000) * 1_000_000) as u32,
        }
    }

    /// Milliseconds since 1970, rounded down.
    pub const fn milliseconds(self) -> i64 {
        self.seconds.saturating_mul(1_000).saturating_add((self.nanoseconds / 1_000_000) as i64)
    }

    /// From seconds since 1970 with a fraction, rounded to whole microseconds: a double carries no more for today's
    /// dates. `None` if it is not a number or beyond the range of whole seconds.
    pub fn from_seconds(seconds: f64) -> Option<Timestamp> {
        let whole = seconds.floor();
        if whole.is_nan() || whole.abs() >= 9.0e18 {
            return None;
        }
        let microseconds = ((seconds - whole) * 1e6).round() as u32;
        let carry = microseconds / 1_000_000;
        Some(Timestamp { seconds: whole as i64 + i64::from(carry), nanoseconds: microseconds % 1_000_000 * 1_000 })
    }

    /// Seconds since 1970 with a fraction.
    pub fn as_seconds(self) -> f64 {
        self.seconds as f64 + f64::from(self.nanoseconds) / 1e9
    }

    /// Reads one of the formats AWS accepts. The formats cannot be mistaken for one another, and services take any of
    /// them whatever the model says, so the model's format is only used for writing.
    pub fn parse(text: &str) -> Option<Timestamp> {
        let text = text.trim();
        let first = text.as_bytes().first()?;
        if first.is_ascii_alphabetic() {
            return parse_http_date(text);
        }
        parse_iso8601(text).or_else(|| parse_epoch(text))
    }

    /// Appends the time in the given format.
    pub fn write(self, format: TimestampFormat, out: &mut String) {
        match format {
            TimestampFormat::UnixTimestamp => self.write_epoch(out),
            TimestampFormat::Iso8601 => self.write_iso8601(out),
            TimestampFormat::Rfc822 => self.write_http_date(out),
        }
    }

    fn write_epoch(self, out: &mut String) {
        if self.seconds < 0 && self.nanoseconds > 0 {
            let _ = write!(out, "{:.6}", self.as_seconds());
            return;
        }
        out.push_str(itoa::Buffer::new().format(self.seconds));
        write_fraction(self.nanoseconds, out);
    }

    fn write_iso8601(self, out: &mut String) {
        let civil = self.civil();
        let Civil { year, month, day, hour, minute, second } = civil;
        let _ = write!(out, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
        write_fraction(self.nanoseconds, out);
        out.push('Z');
    }

    /// `2015-01-25T08:00:00.000Z`: what S3 and EC2 write whatever the fraction is.
    pub fn write_iso8601_milliseconds(self, out: &mut String) {
        let Civil { year, month, day, hour, minute, second } = self.civil();
        let milliseconds = self.nanoseconds / 1_000_000;
        let _ = write!(out, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milliseconds:03}Z");
    }

    fn write_http_date(self, out: &mut String) {
        let Civil { year, month, day, hour, minute, second } = self.civil();
        let weekday = WEEKDAYS[self.seconds.clamp_to_calendar().div_euclid(SECONDS_PER_DAY).rem_euclid(7) as usize];
        let month = MONTHS[(month - 1) as usize];
        let _ = write!(out, "{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02}");
        write_fraction(self.nanoseconds / 1_000_000 * 1_000_000, out);
        out.push_str(" GMT");
    }

    fn civil(self) -> Civil {
        let seconds = self.seconds.clamp_to_calendar();
        let (days, rest) = (seconds.div_euclid(SECONDS_PER_DAY), seconds.rem_euclid(SECONDS_PER_DAY));
        let (year, month, day) = civil_from_days(days);
        Civil { year, month, day, hour: rest / 3_600, minute: rest / 60 % 60, second: rest % 60 }
    }
}

trait ClampToCalendar {
    fn clamp_to_calendar(self) -> i64;
}

impl ClampToCalendar for i64 {
    fn clamp_to_calendar(self) -> i64 {
        self.clamp(*CALENDAR_SECONDS.start(), *CALENDAR_SECONDS.end())
    }
}

/// `.358` without trailing zeros; nothing for a whole second.
fn write_fraction(nanoseconds: u32, out: &mut String) {
    if nanoseconds == 0 {
        return;
    }
    let _ = write!(out, ".{nanoseconds:09}");
    while out.ends_with('0') {
        out.pop();
    }
}

/// Days since 1970 to year, month, day (proleptic Gregorian calendar, counted in 400-year eras that begin on 1 March).
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// The inverse of [`civil_from_days`].
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let shifted_month = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

impl Civil {
    /// Checks every field and gives seconds since 1970. A leap second counts as the next second.
    fn seconds(&self) -> Option<i64> {
        let leap = self.year % 4 == 0 && (self.year % 100 != 0 || self.year % 400 == 0);
        let days_in_month = match self.month {
            2 => 28 + i64::from(leap),
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return None,
        };
        let valid = (1..=days_in_month).contains(&self.day) && self.hour < 24 && self.minute < 60 && self.second <= 60;
        let days = days_from_civil(self.year, self.month, self.day);
        valid.then(|| days * SECONDS_PER_DAY + self.hour * 3_600 + self.minute * 60 + self.second)
    }
}

/// Takes fixed-width fields off the front of a text.
struct Fields<'a> {
    rest: &'a str,
}

impl<'a> Fields<'a> {
    fn number(&mut self, digits: usize) -> Option<i64> {
        let (field, rest) = self.rest.split_at_checked(digits)?;
        self.rest = rest;
        field.bytes().all(|byte| byte.is_ascii_digit()).then(|| field.parse().ok())?
    }

    fn skip(&mut self, text: &str) -> Option<()> {
        self.rest = self.rest.strip_prefix(text)?;
        Some(())
    }

    /// An optional fraction of a second, in nanoseconds; digits past the ninth are dropped.
    fn fraction(&mut self) -> Option<u32> {
        let Some(rest) = self.rest.strip_prefix(['.', ',']) else { return Some(0) };
        let length = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, rest) = rest.split_at(length);
        self.rest = rest;
        let kept = &digits[..length.min(9)];
        let value: u32 = kept.parse().ok()?;
        Some(value * 10_u32.pow(9 - kept.len() as u32))
    }

    fn month(&mut self) -> Option<i64> {
        let (name, rest) = self.rest.split_at_checked(3)?;
        self.rest = rest;
        MONTHS.iter().position(|month| month.eq_ignore_ascii_case(name)).map(|index| index as i64 + 1)
    }

    /// `Z`, `+01:00`, `+0100` or nothing, in seconds east of Greenwich.
    fn offset(&mut self) -> Option<i64> {
        let sign = match self.rest.as_bytes().first() {
            None => return Some(0),
            Some(b'Z' | b'z') => {
                self.rest = &self.rest[1..];
                return Some(0);
            }
            Some(b'+') => 1,
            Some(b'-') => -1,
            Some(_) => return None,
        };
        self.rest = &self.rest[1..];
        let hours = self.number(2)?;
        let _ = self.skip(":");
        let minutes = self.number(2)?;
        Some(sign * (hours * 3_600 + minutes * 60))
    }
}

/// `2015-01-25T08:00:00.123Z`, with an offset instead of `Z`, the basic form `20150125T080000Z`, or a date alone.
fn parse_iso8601(text: &str) -> Option<Timestamp> {
    let mut fields = Fields { rest: text };
    let year = fields.number(4)?;
    let extended = fields.skip("-").is_some();
    let month = fields.number(2)?;
    if extended {
        fields.skip("-")?;
    }
    let day = fields.number(2)?;
    let mut civil = Civil { year, month, day, hour: 0, minute: 0, second: 0 };
    if fields.rest.is_empty() {
        // Eight bare digits are seconds since 1970, not a date.
        return extended.then(|| civil.seconds()).flatten().map(|seconds| Timestamp { seconds, nanoseconds: 0 });
    }
    fields.skip("T").or_else(|| fields.skip("t")).or_else(|| fields.skip(" "))?;
    civil.hour = fields.number(2)?;
    let _ = fields.skip(":");
    civil.minute = fields.number(2)?;
    let _ = fields.skip(":");
    civil.second = fields.number(2)?;
    let nanoseconds = fields.fraction()?;
    let offset = fields.offset()?;
    if !fields.rest.is_empty() {
        return None;
    }
    Some(Timestamp { seconds: civil.seconds()? - offset, nanoseconds })
}

/// `Sun, 25 Jan 2015 08:00:00 GMT`, possibly with a fraction, and the older `Sunday, 25-Jan-15 08:00:00 GMT`.
fn parse_http_date(text: &str) -> Option<Timestamp> {
    let (_, rest) = text.split_once(", ")?;
    let mut fields = Fields { rest };
    let day = fields.number(2).or_else(|| {
        fields.rest = rest;
        fields.number(1)
    })?;
    let dashed = fields.skip("-").is_some();
    if !dashed {
        fields.skip(" ")?;
    }
    let month = fields.month()?;
    fields.skip(if dashed { "-" } else { " " })?;
    let short_year = dashed && fields.rest.as_bytes().get(2) == Some(&b' ');
    let year = match fields.number(if short_year { 2 } else { 4 })? {
        year if short_year && year < 70 => year + 2_000,
        year if short_year => year + 1_900,
        year => year,
    };
    fields.skip(" ")?;
    let hour = fields.number(2)?;
    fields.skip(":")?;
    let minute = fields.number(2)?;
    fields.skip(":")?;
    let second = fields.number(2)?;
    let nanoseconds = fields.fraction()?;
    if !matches!(fields.rest, " GMT" | " UTC" | " +0000" | " -0000") {
        return None;
    }
    let seconds = Civil { year, month, day, hour, minute, second }.seconds()?;
    Some(Timestamp { seconds, nanoseconds })
}

/// Decimal seconds since 1970; exact for up to nine decimals, unlike a trip through a double.
fn parse_epoch(text: &str) -> Option<Timestamp> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.' || byte == b'-');
    if !plain || text.starts_with('-') {
        return Timestamp::from_seconds(text.parse().ok()?);
    }
    let (whole, _) = text.split_once('.').unwrap_or((text, ""));
    let mut fields = Fields { rest: &text[whole.len()..] };
    let nanoseconds = fields.fraction()?;
    if !fields.rest.is_empty() {
        return None;
    }
    Some(Timestamp { seconds: whole.parse().ok()?, nanoseconds })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(seconds: i64, nanoseconds: u32, format: TimestampFormat) -> String {
        let mut out = String::new();
        Timestamp { seconds, nanoseconds }.write(format, &mut out);
        out
    }

    #[test]
    fn every_format_is_written_as_aws_writes_it() {
        assert_eq!(written(1_422_172_800, 0, TimestampFormat::Iso8601), "2015-01-25T08:00:00Z");
        assert_eq!(written(1_422_172_800, 120_000_000, TimestampFormat::Iso8601), "2015-01-25T08:00:00.12Z");
        assert_eq!(written(1_422_172_800, 0, TimestampFormat::Rfc822), "Sun, 25 Jan 2015 08:00:00 GMT");
        assert_eq!(written(1_422_172_800, 358_000_000, TimestampFormat::UnixTimestamp), "1422172800.358");
        assert_eq!(written(-1, 500_000_000, TimestampFormat::UnixTimestamp), "-0.500000");
        let mut out = String::new();
        Timestamp::from_milliseconds(951_782_400_000).write_iso8601_milliseconds(&mut out);
        assert_eq!(out, "2000-02-29T00:00:00.000Z");
    }

    #[test]
    fn every_format_is_read_back() {
        for text in [
            "2015-01-25T08:00:00Z",
            "2015-01-25T09:00:00+01:00",
            "20150125T080000Z",
            "Sun, 25 Jan 2015 08:00:00 GMT",
            "Sunday, 25-Jan-15 08:00:00 GMT",
            "1422172800",
            "1422172800.0",
            "1.4221728E9",
        ] {
            assert_eq!(Timestamp::parse(text), Some(Timestamp { seconds: 1_422_172_800, nanoseconds: 0 }), "{text}");
        }
        assert_eq!(Timestamp::parse("2000-01-02T20:34:56.123Z").map(Timestamp::milliseconds), Some(946_845_296_123));
        assert_eq!(Timestamp::parse("1422172800.358").map(|time| time.nanoseconds), Some(358_000_000));
        assert_eq!(Timestamp::parse("2015-01-25").map(|time| time.seconds), Some(1_422_144_000));
    }

    #[test]
    fn nonsense_is_not_a_time() {
        for text in ["", "2015-02-29T00:00:00Z", "2015-13-01", "Sun", "Sun, 25 Foo 2015 08:00:00 GMT", "NaN", "1e300"] {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
    }

    #[test]
    fn all_days_survive_the_calendar() {
        for day in (-719_528..2_932_896).step_by(97) {
            let (year, month, date) = civil_from_days(day);
            assert_eq!(days_from_civil(year, month, date), day);
        }
    }
}
