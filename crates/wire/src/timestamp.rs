//! Points in time as AWS protocols write them.

/// Seconds and nanoseconds since 1970-01-01T00:00:00Z, without leap seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp {
    /// Whole seconds; negative before 1970.
    pub seconds: i64,
    /// Nanoseconds past `seconds`, 0 to 999,999,999.
    pub nanoseconds: u32,
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
}
