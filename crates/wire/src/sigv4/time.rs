//! The time a request says it was signed at.

use jiff::{SignedDuration, civil::DateTime, fmt::rfc2822, tz::Offset};

/// When a request was signed: `X-Amz-Date`, or the `Date` header in its stead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestTime {
    /// Seconds since 1970.
    pub unix_seconds: i64,
    /// `20150830T123600Z`, the form that is signed.
    pub basic: String,
}

impl RequestTime {
    /// Reads `20150830T123600Z`.
    pub fn parse_basic(text: &str) -> Option<RequestTime> {
        let bytes: &[u8; 16] = text.as_bytes().try_into().ok()?;
        if bytes[8] != b'T' || bytes[15] != b'Z' {
            return None;
        }
        let number = |from: usize, to: usize| -> Option<i16> {
            bytes[from..to]
                .iter()
                .try_fold(0, |value, digit| digit.is_ascii_digit().then(|| value * 10 + i16::from(digit - b'0')))
        };
        let small = |from: usize| number(from, from + 2).and_then(|value| i8::try_from(value).ok());
        let date = DateTime::new(number(0, 4)?, small(4)?, small(6)?, small(9)?, small(11)?, small(13)?, 0).ok()?;
        let unix_seconds = Offset::UTC.to_timestamp(date).ok()?.as_second();
        Some(RequestTime { unix_seconds, basic: text.to_owned() })
    }

    /// Reads a `Date` header: RFC 822, or the basic ISO form that some clients put there.
    pub fn parse_header(text: &str) -> Option<RequestTime> {
        RequestTime::parse_basic(text).or_else(|| {
            let timestamp = rfc2822::parse(text).ok()?.timestamp();
            Some(RequestTime::at(timestamp.as_second()))
        })
    }

    /// The given time; a time that no calendar reaches becomes the epoch.
    pub fn at(unix_seconds: i64) -> RequestTime {
        let timestamp = jiff::Timestamp::from_second(unix_seconds).unwrap_or_default();
        let date = Offset::UTC.to_datetime(timestamp);
        let basic = format!(
            "{:04}{:02}{:02}T{:02}{:02}{:02}Z",
            date.year(),
            date.month(),
            date.day(),
            date.hour(),
            date.minute(),
            date.second()
        );
        RequestTime { unix_seconds: timestamp.as_second(), basic }
    }

    /// `20150830`.
    pub fn date(&self) -> &str {
        &self.basic[..8]
    }

    /// The time that many seconds later (earlier, if negative).
    pub fn plus(&self, seconds: i64) -> RequestTime {
        let moved = SignedDuration::from_secs(self.unix_seconds).saturating_add(SignedDuration::from_secs(seconds));
        RequestTime::at(moved.as_secs())
    }

    /// `2015-08-30T12:36:00Z`, as S3 writes times in its errors.
    pub fn extended(&self) -> String {
        let basic = &self.basic;
        let (date, time) = (&basic[..8], &basic[9..15]);
        format!("{}-{}-{}T{}:{}:{}Z", &date[..4], &date[4..6], &date[6..], &time[..2], &time[2..4], &time[4..])
    }
}
