//! How fast a function may grow: so many new environments in so much time, whatever becomes of them.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;

use super::limits::{SCALING_ENVIRONMENTS, SCALING_INTERVAL};
use crate::function::FunctionId;

/// The functions that have grown lately.
#[derive(Default)]
pub struct Scaling(Mutex<HashMap<FunctionId, Growth>>);

/// What a function may still start. Grows back evenly.
struct Growth {
    left: f64,
    /// Monotonic time of `left`.
    at: Duration,
}

impl Scaling {
    /// Counts one more environment of a function. False if it may not be started yet.
    pub fn start(&self, function: &FunctionId, now: Duration) -> bool {
        let most = f64::from(SCALING_ENVIRONMENTS);
        let mut functions = self.0.lock();
        if !functions.contains_key(function) {
            // Whoever has grown back to everything need not be remembered.
            functions.retain(|_, growth| now.saturating_sub(growth.at) < SCALING_INTERVAL);
        }
        let growth = functions.entry(function.clone()).or_insert(Growth { left: most, at: now });
        let since = now.saturating_sub(growth.at).as_secs_f64() / SCALING_INTERVAL.as_secs_f64();
        growth.left = (growth.left + since * most).min(most);
        growth.at = now;
        let may_start = growth.left >= 1.0;
        if may_start {
            growth.left -= 1.0;
        }
        may_start
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_grows_by_a_thousand_in_ten_seconds_and_no_other_one_feels_it() {
        let function = |name: &str| FunctionId { account: "1".into(), region: "r".into(), name: name.into() };
        let (scaling, start) = (Scaling::default(), Duration::from_secs(100));
        let started =
            |name: &str, now| (0..2 * SCALING_ENVIRONMENTS).filter(|_| scaling.start(&function(name), now)).count();
        assert_eq!(started("a", start), 1_000);
        assert_eq!(started("b", start), 1_000);
        assert_eq!(started("a", start + Duration::from_secs(1)), 100);
        assert_eq!(started("a", start + Duration::from_secs(60)), 1_000);
        assert!(scaling.start(&function("c"), start + Duration::from_secs(90)));
        assert_eq!(scaling.0.lock().len(), 1);
    }
}
