//! Days, as lifecycle rules count them.

/// A day, in milliseconds.
pub const DAY: i64 = 86_400_000;

/// The midnight UTC that follows so many days after a time, both in milliseconds since 1970 ("the time is rounded up to the
/// next day at midnight UTC").
pub fn midnight_after(time: i64, days: i32) -> i64 {
    let end = time.saturating_add(i64::from(days).saturating_mul(DAY));
    end.div_euclid(DAY).saturating_add(1).saturating_mul(DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The user guide's example: made on 15 January 2014 at 10:30 with three days, gone on 19 January at midnight.
    #[test]
    fn time_is_rounded_up_to_midnight() {
        let made = 1_389_781_800_000;
        assert_eq!(midnight_after(made, 3), 1_390_089_600_000);
        assert_eq!(midnight_after(made, 0), 1_389_830_400_000);
    }
}
