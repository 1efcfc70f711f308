//! How many invocations an account has under way.

use std::collections::HashMap;
use std::sync::Arc;

use api::lambda::errors;
use parking_lot::Mutex;
use wire::Error;

use super::limits::CONCURRENT_INVOCATIONS_MAX;
use crate::function::FunctionId;

/// Account and region.
type Scope = (String, String);

/// Counts the invocations of each account and region.
#[derive(Default)]
pub struct Gate(Mutex<HashMap<Scope, usize>>);

/// A place of an invocation under way; dropping it frees the place.
pub struct Place {
    gate: Arc<Gate>,
    scope: Scope,
}

impl Gate {
    /// A place for one more invocation of the function's account.
    ///
    /// # Errors
    /// `TooManyRequestsException` if the account has no place left.
    pub fn enter(self: &Arc<Gate>, function: &FunctionId) -> Result<Place, Error> {
        let scope = (function.account.clone(), function.region.clone());
        let mut counts = self.0.lock();
        let count = counts.entry(scope.clone()).or_default();
        if *count >= CONCURRENT_INVOCATIONS_MAX {
            return Err(throttled());
        }
        *count += 1;
        Ok(Place { gate: Arc::clone(self), scope })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.gate.0.lock();
        if let Some(count) = counts.get_mut(&self.scope) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.scope);
            }
        }
    }
}

/// The answer to an invocation for which there is no room.
pub fn throttled() -> Error {
    errors::too_many_requests_exception("Rate Exceeded.")
        .with("Reason", "ConcurrentInvocationLimitExceeded".into())
        .with("Type", "User".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(account: &str) -> FunctionId {
        FunctionId { account: account.into(), region: "us-east-1".into(), name: "f".into() }
    }

    #[test]
    fn an_account_has_a_thousand_places_and_no_other_account_feels_it() {
        let gate = Arc::new(Gate::default());
        let mut places: Vec<Place> =
            (0..CONCURRENT_INVOCATIONS_MAX).map(|_| gate.enter(&function("111111111111")).expect("a place")).collect();
        let refused = gate.enter(&function("111111111111")).err().expect("no place is left");
        assert!(refused.is("TooManyRequestsException"));
        assert!(gate.enter(&function("222222222222")).is_ok());
        places.pop();
        assert!(gate.enter(&function("111111111111")).is_ok());
    }

    #[test]
    fn nothing_is_kept_of_an_account_at_rest() {
        let gate = Arc::new(Gate::default());
        drop(gate.enter(&function("111111111111")));
        assert!(gate.0.lock().is_empty());
    }
}
