//! Points in time as policies write them: W3C's form of ISO 8601, or seconds since 1970.

/// Nanoseconds since 1970-01-01T00:00:00Z. The years a policy may name (±292 million) need 84 bits.
pub(crate) type Instant = i128;

const NANOSECONDS_A_SECOND: i128 = 1_000_000_000;
const SECONDS_A_DAY: i128 = 86_400;
/// The years a Java `Date` can hold, which is what IAM accepts.
const YEARS: std::ops::RangeInclusive<i64> = -292_275_054..=292_278_993;

/// Reads a point in time; `None` if the text is none.
pub(crate) fn parse(text: &str) -> Option<Instant> {
    let lower = text.to_ascii_lowercase();
    if !lower.contains(['t', '-']) {
        let seconds = digits(&lower, 1..=19)?;
        return i64::try_from(seconds).ok().map(|seconds| i128::from(seconds) * NANOSECONDS_A_SECOND);
    }
    let (date, time) = lower.split_once('t').unwrap_or((&lower, ""));
    let days = parse_date(date)?;
    let (nanoseconds, offset_seconds) = parse_time(time)?;
    Some((i128::from(days) * SECONDS_A_DAY - offset_seconds) * NANOSECONDS_A_SECOND + nanoseconds)
}

/// `YYYY`, `YYYY-MM` or `YYYY-MM-DD` in days since 1970-01-01.
fn parse_date(text: &str) -> Option<i64> {
    let (sign, text) = text.strip_prefix('-').map_or((1, text), |text| (-1, text));
    let mut parts = text.split('-');
    let year = sign * i64::try_from(digits(parts.next()?, 1..=9)?).ok()?;
    let month = parts.next().map_or(Some(1), |part| digits(part, 1..=2))?;
    let day = parts.next().map_or(Some(1), |part| digits(part, 1..=2))?;
    let possible = YEARS.contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    (possible && parts.next().is_none()).then(|| days_since_1970(year, month as i64, day as i64))
}

/// `hh`, `hh:mm` or `hh:mm:ss.fff`, with `z` or an offset, in nanoseconds of the day and seconds of the offset.
fn parse_time(text: &str) -> Option<(i128, i128)> {
    let (clock, offset_seconds) = match text.find(['z', '+', '-']) {
        Some(at) if text[at..].starts_with('z') => (&text[..at], text[at + 1..].is_empty().then_some(0)?),
        Some(at) => (&text[..at], parse_offset(&text[at..])?),
        None => (text, 0),
    };
    if clock.is_empty() {
        return Some((0, offset_seconds));
    }
    let (whole, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let mut seconds = 0;
    let mut parts = whole.split(':');
    for (unit, limit) in [(3600, 23), (60, 59), (1, 59)] {
        let Some(part) = parts.next() else { break };
        seconds += unit * digits(part, 1..=2).filter(|value| *value <= limit)?;
    }
    let nanoseconds = digits(fraction, 1..=9)? * 10_u64.pow(9 - fraction.len() as u32);
    let complete = parts.next().is_none();
    complete.then(|| (i128::from(seconds) * NANOSECONDS_A_SECOND + i128::from(nanoseconds), offset_seconds))
}

/// `+hh`, `+hhmm` or `+hh:mm` in seconds.
fn parse_offset(text: &str) -> Option<i128> {
    let (sign, text) = if let Some(text) = text.strip_prefix('-') { (-1, text) } else { (1, text.strip_prefix('+')?) };
    let hours = digits(text.get(..2)?, 2..=2).filter(|hours| *hours <= 23)?;
    let minutes = match text.get(2..)? {
        "" => 0,
        rest => digits(rest.strip_prefix(':').unwrap_or(rest), 2..=2).filter(|minutes| *minutes <= 59)?,
    };
    Some(sign * i128::from(hours * 3600 + minutes * 60))
}

fn digits(text: &str, lengths: std::ops::RangeInclusive<usize>) -> Option<u64> {
    let plain = lengths.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

/// Days of the Gregorian calendar, counted in eras of 400 years, each of which begins on a first of March.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    const DAYS_AN_ERA: i64 = 146_097;
    const DAYS_FROM_YEAR_0: i64 = 719_468;
    let year = if month <= 2 { year - 1 } else { year };
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    year.div_euclid(400) * DAYS_AN_ERA + day_of_era - DAYS_FROM_YEAR_0
}
