//! Times and their percentiles.

use std::time::Duration;

/// Measured times.
#[derive(Default)]
pub struct Figures(Vec<Duration>);

impl Figures {
    /// Adds one.
    pub fn add(&mut self, time: Duration) {
        self.0.push(time);
    }

    /// Adds all of another's.
    pub fn append(&mut self, mut other: Figures) {
        self.0.append(&mut other.0);
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// All of them, in microseconds, as they were measured.
    pub fn microseconds(&self) -> impl Iterator<Item = u128> + '_ {
        self.0.iter().map(Duration::as_micros)
    }

    /// The median; nothing if nothing was measured.
    pub fn median(&self) -> Duration {
        let mut times = self.0.clone();
        times.sort();
        times.get(times.len().saturating_sub(1) / 2).copied().unwrap_or_default()
    }

    /// Median, 99th percentile and extremes, in milliseconds.
    pub fn milliseconds(&self) -> String {
        let mut times = self.0.clone();
        times.sort();
        if times.is_empty() {
            return "nothing measured".to_owned();
        }
        let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize].as_secs_f64() * 1e3;
        format!(
            "p50 {:.3} ms, p99 {:.3} ms, min {:.3} ms, max {:.3} ms, n {}",
            at(0.5),
            at(0.99),
            at(0.0),
            at(1.0),
            times.len()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_sorted_times() {
        let mut figures = Figures::default();
        (1..=101).rev().for_each(|time| figures.add(Duration::from_millis(time)));
        assert_eq!(figures.milliseconds(), "p50 51.000 ms, p99 100.000 ms, min 1.000 ms, max 101.000 ms, n 101");
    }
}
