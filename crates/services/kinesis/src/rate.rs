//! How much a shard took or gave lately: a bucket that holds a second's worth and drains evenly.

use std::collections::HashMap;

use parking_lot::Mutex;

use crate::limits::{READ_BYTES_PER_SECOND, READ_RATES_MAX, READS_PER_SECOND};

/// Parts of a unit that a bucket counts in, so that it drains evenly over milliseconds.
const PARTS: u64 = 1_000;

/// A bucket.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bucket {
    /// What is in it, in thousandths of a unit.
    pub level: u64,
    /// When that was so, in milliseconds since 1970.
    pub at: i64,
}

impl Bucket {
    /// What is in it now, in thousandths of a unit. A clock that went back drains nothing.
    fn now(self, now: i64, per_second: u64) -> u64 {
        let elapsed = now.saturating_sub(self.at).max(0) as u64;
        self.level.saturating_sub(elapsed.saturating_mul(per_second))
    }

    /// Whether it takes so many units more: those that fit beside what is in it, and into an empty bucket any number.
    pub fn takes(self, now: i64, per_second: u64, units: u64) -> bool {
        let level = self.now(now, per_second);
        level == 0 || level + units.saturating_mul(PARTS) <= per_second * PARTS
    }

    /// Adds units.
    pub fn add(&mut self, now: i64, per_second: u64, units: u64) {
        self.level = self.now(now, per_second).saturating_add(units.saturating_mul(PARTS));
        self.at = self.at.max(now);
    }
}

/// How the shards are read. It is forgotten with the process, which grants a second's worth more.
#[derive(Default)]
pub struct ReadRates(Mutex<HashMap<(u64, String, u32), Reads>>);

#[derive(Default, Clone, Copy)]
struct Reads {
    calls: Bucket,
    bytes: Bucket,
}

impl ReadRates {
    /// Counts a call that reads a shard of the stream with this number and ARN; `false` if it comes too soon.
    pub fn admit(&self, stream: u64, arn: &str, shard: u32, now: i64) -> bool {
        let mut rates = self.0.lock();
        if rates.len() >= READ_RATES_MAX {
            rates.retain(|_, reads| reads.calls.at.max(reads.bytes.at) + 1_000 > now);
        }
        if rates.len() >= READ_RATES_MAX {
            rates.clear();
        }
        let reads = rates.entry((stream, arn.to_owned(), shard)).or_default();
        let is_free = reads.bytes.now(now, READ_BYTES_PER_SECOND) < READ_BYTES_PER_SECOND * PARTS;
        if !is_free || !reads.calls.takes(now, READS_PER_SECOND, 1) {
            return false;
        }
        reads.calls.add(now, READS_PER_SECOND, 1);
        true
    }

    /// Counts what a call has read.
    pub fn count(&self, stream: u64, arn: &str, shard: u32, now: i64, bytes: usize) {
        if let Some(reads) = self.0.lock().get_mut(&(stream, arn.to_owned(), shard)) {
            reads.bytes.add(now, READ_BYTES_PER_SECOND, bytes as u64);
        }
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.0.lock().clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_takes_a_seconds_worth_and_drains_evenly() {
        let mut bucket = Bucket::default();
        for _ in 0..5 {
            assert!(bucket.takes(1_000, 5, 1));
            bucket.add(1_000, 5, 1);
        }
        assert!(!bucket.takes(1_000, 5, 1));
        assert!(!bucket.takes(1_199, 5, 1));
        assert!(bucket.takes(1_200, 5, 1));
        assert!(!bucket.takes(1_200, 5, 2));
        assert!(bucket.takes(2_000, 5, 5));
    }

    #[test]
    fn what_is_larger_than_the_bucket_fits_when_it_is_empty_and_is_paid_for() {
        let mut bucket = Bucket::default();
        assert!(bucket.takes(0, 100, 1_000));
        bucket.add(0, 100, 1_000);
        assert!(!bucket.takes(9_000, 100, 1));
        assert!(bucket.takes(9_500, 100, 1));
    }

    #[test]
    fn a_clock_that_goes_back_drains_nothing() {
        let mut bucket = Bucket::default();
        bucket.add(10_000, 5, 5);
        assert!(!bucket.takes(1, 5, 1));
        bucket.add(1, 5, 1);
        assert_eq!(bucket, Bucket { level: 6_000, at: 10_000 });
    }

    #[test]
    fn a_shard_is_read_five_times_a_second_and_two_megabytes() {
        let rates = ReadRates::default();
        assert!((0..5).all(|_| rates.admit(1, "a", 0, 0)));
        assert!(!rates.admit(1, "a", 0, 0));
        assert!(rates.admit(1, "a", 1, 0) && rates.admit(2, "a", 0, 0));
        rates.count(2, "a", 0, 0, 10 * 1_048_576);
        assert!(!rates.admit(2, "a", 0, 4_000));
        assert!(rates.admit(2, "a", 0, 5_000));
    }
}
