//! How many requests a second an API destination gets.

use std::num::NonZeroUsize;
use std::time::Duration;

use lru::LruCache;
use parking_lot::Mutex;

use crate::limits::DESTINATIONS_PACED;

/// When each destination may be called again, in the clock's monotonic time. What is forgotten may be called at once.
pub struct Pace(Mutex<LruCache<String, Duration>>);

impl Default for Pace {
    fn default() -> Pace {
        Pace(Mutex::new(LruCache::new(NonZeroUsize::new(DESTINATIONS_PACED).expect("the bound is not zero"))))
    }
}

impl Pace {
    /// Takes the next free place of a destination, and answers how long it is until then.
    pub fn reserve(&self, destination: &str, per_second: u32, now: Duration) -> Duration {
        let gap = Duration::from_secs(1) / per_second.max(1);
        let mut places = self.0.lock();
        let free = places.get(destination).copied().unwrap_or_default().max(now);
        places.put(destination.to_owned(), free + gap);
        free - now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_second_has_more_requests_than_it_may() {
        let (pace, now) = (Pace::default(), Duration::from_secs(100));
        let waits: Vec<u128> = (0..5).map(|_| pace.reserve("a", 2, now).as_millis()).collect();
        assert_eq!(waits, [0, 500, 1_000, 1_500, 2_000]);
        assert_eq!(pace.reserve("b", 2, now), Duration::ZERO, "another destination has places of its own");
        assert_eq!(pace.reserve("a", 2, now + Duration::from_secs(10)), Duration::ZERO);
    }
}
