//! Schedules of EventBridge Scheduler: in a time zone, with a beginning and an end.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};

use crate::{Schedule, inside};

/// A time zone.
#[derive(Debug, Clone)]
pub struct Zone(TimeZone);

impl Zone {
    /// The zone of a name of the IANA database (`Europe/Paris`), or of `UTC`.
    pub fn parse(name: &str) -> Option<Zone> {
        TimeZone::get(name).ok().map(Zone)
    }

    /// When clocks show a time, in milliseconds since 1970. A time that comes twice means the first; one that is skipped
    /// never comes.
    fn instant(&self, time: DateTime) -> Option<i64> {
        let ambiguous = self.0.to_ambiguous_timestamp(time);
        match ambiguous.offset() {
            AmbiguousOffset::Gap { .. } => None,
            _ => Some(ambiguous.earlier().ok()?.as_millisecond()),
        }
    }
}

/// A schedule in its time zone.
#[derive(Debug, Clone)]
pub enum Zoned {
    /// Once, at a time in milliseconds since 1970; `None` if clocks skip that time.
    Once(Option<i64>),
    /// Every so many milliseconds, whatever clocks show.
    Rate(i64),
    /// When clocks show one of the minutes that all fields allow.
    Cron(Box<crate::Cron>, Zone),
}

impl Zoned {
    /// Reads an expression. `None` if it is none.
    pub fn parse(text: &str, zone: &Zone) -> Option<Zoned> {
        if let Some(time) = inside(text, "at") {
            // Seconds and no more: `2030-01-01T12:00:00`.
            let is_plain = time.len() == 19 && time.as_bytes()[10] == b'T';
            let time = time.parse::<DateTime>().ok().filter(|_| is_plain)?;
            return Some(Zoned::Once(zone.instant(time)));
        }
        Some(match Schedule::parse(text)? {
            Schedule::Rate(period) => Zoned::Rate(period),
            Schedule::Cron(cron) => Zoned::Cron(cron, zone.clone()),
        })
    }

    /// The first time behind `after` and not before `start`; all in milliseconds since 1970. `start` is when the
    /// schedule begins, and the first time of a rate. `None` if it never comes again.
    pub fn next(&self, start: i64, after: Option<i64>) -> Option<i64> {
        // A time at the start itself counts.
        let after = after.unwrap_or(i64::MIN).max(start.saturating_sub(1));
        match self {
            Zoned::Once(at) => at.filter(|at| *at > after),
            Zoned::Rate(period) => {
                let passed = after.saturating_sub(start).saturating_add(*period).div_euclid(*period);
                start.checked_add(period.checked_mul(passed)?).filter(|next| *next > after)
            }
            Zoned::Cron(cron, zone) => {
                let mut shown = Timestamp::from_millisecond(after).ok()?.to_zoned(zone.0.clone()).datetime();
                // Ends with the years of the expression: each round is a later minute, and all but a few come.
                loop {
                    shown = cron.next_minute(shown)?;
                    if let Some(next) = zone.instant(shown).filter(|next| *next > after) {
                        return Some(next);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn millis(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_millisecond()
    }

    fn times(expression: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
        let zone = Zone::parse(zone).unwrap();
        let schedule = Zoned::parse(expression, &zone).unwrap();
        let mut after = millis(after);
        let mut found = Vec::new();
        while let Some(next) = schedule.next(0, Some(after)).filter(|_| found.len() < count) {
            found.push(Timestamp::from_millisecond(next).unwrap().to_string());
            after = next;
        }
        found
    }

    #[test]
    fn cron_follows_the_clocks_of_its_zone() {
        assert_eq!(
            times("cron(0 9 * * ? *)", "America/New_York", "2024-03-09T00:00:00Z", 3),
            ["2024-03-09T14:00:00Z", "2024-03-10T13:00:00Z", "2024-03-11T13:00:00Z"]
        );
    }

    #[test]
    fn a_time_that_clocks_skip_does_not_come_and_one_that_comes_twice_comes_once() {
        assert_eq!(
            times("cron(30 2 * * ? *)", "America/New_York", "2024-03-09T00:00:00Z", 2),
            ["2024-03-09T07:30:00Z", "2024-03-11T06:30:00Z"]
        );
        assert_eq!(
            times("cron(30 1 * * ? *)", "America/New_York", "2024-11-02T12:00:00Z", 2),
            ["2024-11-03T05:30:00Z", "2024-11-04T06:30:00Z"]
        );
        assert_eq!(times("at(2024-03-10T02:30:00)", "America/New_York", "2024-01-01T00:00:00Z", 1).len(), 0);
    }

    #[test]
    fn a_rate_begins_at_its_start_and_keeps_its_step() {
        let schedule = Zoned::parse("rate(5 minutes)", &Zone::parse("UTC").unwrap()).unwrap();
        assert_eq!(schedule.next(1_000, None), Some(1_000));
        assert_eq!(schedule.next(1_000, Some(1_000)), Some(301_000));
        assert_eq!(schedule.next(1_000, Some(1_600_000)), Some(1_801_000));
        assert_eq!(schedule.next(1_000, Some(5)), Some(1_000));
    }

    #[test]
    fn once_is_once() {
        assert_eq!(
            times("at(2030-06-01T12:00:00)", "Europe/Paris", "2024-01-01T00:00:00Z", 2),
            ["2030-06-01T10:00:00Z"]
        );
        for text in ["at(2030-06-01)", "at(2030-06-01T12:00:00Z)", "at(2030-06-01 12:00:00)", "at(2030-13-01T12:00:00)"]
        {
            assert!(Zoned::parse(text, &Zone::parse("UTC").unwrap()).is_none(), "{text}");
        }
        assert!(Zone::parse("Europe/Atlantis").is_none());
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

        /// The minute found is the first that clocks show with these figures, minute by minute.
        #[test]
        fn no_minute_is_missed_and_none_comes_twice(
            minute in 0_i8..60, hour in 0_i8..24, day in 0_i64..800, offset in 0_i64..1440,
            zone in prop::sample::select(vec!["UTC", "America/New_York", "Europe/London", "Australia/Lord_Howe"]),
        ) {
            let after = millis("2024-01-01T00:00:00Z") + (day * 1_440 + offset) * 60_000;
            let named = Zone::parse(zone).unwrap();
            let found = Zoned::parse(&format!("cron({minute} {hour} * * ? *)"), &named).unwrap().next(0, Some(after));
            let time_zone = TimeZone::get(zone).unwrap();
            let shows = |at: i64| Timestamp::from_millisecond(at).unwrap().to_zoned(time_zone.clone()).datetime();
            let naive = (1..4 * 1_440).map(|minutes| after + minutes * 60_000).find(|at| {
                let shown = shows(*at);
                let is_wanted = (shown.hour(), shown.minute()) == (hour, minute);
                // Not if clocks have shown it before.
                is_wanted && !(1..=120).any(|back| shows(at - back * 60_000) == shown)
            });
            prop_assert_eq!(found, naive);
        }
    }
}
