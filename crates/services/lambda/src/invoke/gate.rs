//! How many invocations an account has under way.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use api::lambda::errors;
use parking_lot::Mutex;
use wire::Error;

use super::limits::CONCURRENT_INVOCATIONS_MAX;
use crate::function::{FunctionId, Version};

/// Account and region.
type Scope = (String, String);

/// Counts the invocations of each account and region.
#[derive(Default)]
pub struct Gate(Mutex<HashMap<Scope, Account>>);

/// The invocations of one account in one region.
#[derive(Default)]
struct Account {
    /// Under way of functions without a reservation.
    unreserved: usize,
    /// Kept free for functions with one.
    reserved: usize,
    /// Functions with a reservation, and those that had one when invocations under way began.
    functions: HashMap<String, Reservation>,
    /// Versions with provisioned concurrency, and those that had some when invocations under way began.
    versions: HashMap<(String, Version), Reservation>,
}

/// What one function or version has for itself.
struct Reservation {
    /// Most invocations at once; `None` once there is no reservation any more.
    limit: Option<usize>,
    running: usize,
}

/// A place of an invocation under way; dropping it frees the place.
pub struct Place {
    gate: Arc<Gate>,
    scope: Scope,
    share: Share,
}

/// What a place is taken from.
enum Share {
    /// What the account has besides.
    Unreserved,
    /// A function's reservation.
    Reserved(String),
    /// A version's provisioned concurrency.
    Provisioned((String, Version)),
}

impl Gate {
    /// A place for one more invocation of the function.
    ///
    /// # Errors
    /// `TooManyRequestsException` if the function's reservation, or what the account has besides, is used up.
    pub fn enter(self: &Arc<Gate>, function: &FunctionId, version: Version) -> Result<Place, Error> {
        let scope = (function.account.clone(), function.region.clone());
        let mut accounts = self.0.lock();
        let account = accounts.entry(scope.clone()).or_default();
        let reservation = account.functions.get_mut(&function.name);
        if let Some((limit, reservation)) = reservation.and_then(|found| Some((found.limit?, found))) {
            if reservation.running >= limit {
                return Err(reservation_used_up());
            }
            reservation.running += 1;
            return Ok(Place { gate: Arc::clone(self), scope, share: Share::Reserved(function.name.clone()) });
        }
        if !account.versions.is_empty() {
            let place = (function.name.clone(), version);
            let provisioned = account.versions.get_mut(&place);
            if let Some(provisioned) =
                provisioned.filter(|found| found.limit.is_some_and(|limit| found.running < limit))
            {
                provisioned.running += 1;
                return Ok(Place { gate: Arc::clone(self), scope, share: Share::Provisioned(place) });
            }
        }
        if account.unreserved + account.reserved + account.provisioned() >= CONCURRENT_INVOCATIONS_MAX {
            return Err(throttled());
        }
        account.unreserved += 1;
        Ok(Place { gate: Arc::clone(self), scope, share: Share::Unreserved })
    }

    /// Sets what is reserved for a function.
    pub fn reserve(&self, function: &FunctionId, limit: Option<u32>) {
        let limit = limit.map(|limit| limit as usize);
        let mut accounts = self.0.lock();
        let account = accounts.entry((function.account.clone(), function.region.clone())).or_default();
        let reservation =
            account.functions.entry(function.name.clone()).or_insert(Reservation { limit: None, running: 0 });
        account.reserved = account.reserved.saturating_sub(reservation.limit.unwrap_or(0)) + limit.unwrap_or(0);
        reservation.limit = limit;
        if reservation.is_over() {
            account.functions.remove(&function.name);
        }
        accounts.retain(|_, account| !account.is_at_rest());
    }

    /// Sets what is provisioned for the versions of a function; those that are not named have nothing.
    pub fn provision(&self, function: &FunctionId, wanted: &HashMap<Version, u32>) {
        let mut accounts = self.0.lock();
        let account = accounts.entry((function.account.clone(), function.region.clone())).or_default();
        for version in wanted.keys() {
            let place = (function.name.clone(), *version);
            account.versions.entry(place).or_insert(Reservation { limit: None, running: 0 });
        }
        account.versions.retain(|(name, version), provisioned| {
            if *name == function.name {
                provisioned.limit = wanted.get(version).map(|wanted| *wanted as usize);
            }
            !provisioned.is_over()
        });
        accounts.retain(|_, account| !account.is_at_rest());
    }

    /// Whether nothing at all is reserved for a function, so that it cannot be invoked.
    pub fn is_shut(&self, function: &FunctionId) -> bool {
        let accounts = self.0.lock();
        let account = accounts.get(&(function.account.clone(), function.region.clone()));
        account.and_then(|account| account.functions.get(&function.name)).is_some_and(|found| found.limit == Some(0))
    }

    /// Forgets all reservations, after all state was dropped.
    pub fn reset(&self) {
        let mut accounts = self.0.lock();
        for account in accounts.values_mut() {
            account.reserved = 0;
            account.functions.values_mut().for_each(|reservation| reservation.limit = None);
            account.functions.retain(|_, reservation| !reservation.is_over());
            account.versions.values_mut().for_each(|provisioned| provisioned.limit = None);
            account.versions.retain(|_, provisioned| !provisioned.is_over());
        }
        accounts.retain(|_, account| !account.is_at_rest());
    }
}

impl Account {
    fn is_at_rest(&self) -> bool {
        self.unreserved == 0 && self.functions.is_empty() && self.versions.is_empty()
    }

    /// Kept free for versions with provisioned concurrency whose functions have no reservation.
    fn provisioned(&self) -> usize {
        let has_reservation = |name: &str| self.functions.get(name).is_some_and(|found| found.limit.is_some());
        let free_standing = self.versions.iter().filter(|((name, _), _)| !has_reservation(name));
        free_standing.filter_map(|(_, provisioned)| provisioned.limit).sum()
    }
}

impl Reservation {
    fn is_over(&self) -> bool {
        self.limit.is_none() && self.running == 0
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut accounts = self.gate.0.lock();
        let Some(account) = accounts.get_mut(&self.scope) else { return };
        match &self.share {
            Share::Unreserved => account.unreserved = account.unreserved.saturating_sub(1),
            Share::Reserved(name) => leave(&mut account.functions, name),
            Share::Provisioned(version) => leave(&mut account.versions, version),
        }
        if account.is_at_rest() {
            accounts.remove(&self.scope);
        }
    }
}

/// Gives back a place of a reservation, which is forgotten once it is over.
fn leave<K: Eq + Hash>(reservations: &mut HashMap<K, Reservation>, key: &K) {
    let Some(reservation) = reservations.get_mut(key) else { return };
    reservation.running = reservation.running.saturating_sub(1);
    if reservation.is_over() {
        reservations.remove(key);
    }
}

/// The answer to an invocation of a function whose reservation is used up.
fn reservation_used_up() -> Error {
    errors::too_many_requests_exception("Rate Exceeded.")
        .with("Reason", "ReservedFunctionConcurrentInvocationLimitExceeded".into())
        .with("Type", "User".into())
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
        let mut places: Vec<Place> = (0..CONCURRENT_INVOCATIONS_MAX)
            .map(|_| gate.enter(&function("111111111111"), Version::Latest).expect("a place"))
            .collect();
        let refused = gate.enter(&function("111111111111"), Version::Latest).err().expect("no place is left");
        assert!(refused.is("TooManyRequestsException"));
        assert!(gate.enter(&function("222222222222"), Version::Latest).is_ok());
        places.pop();
        assert!(gate.enter(&function("111111111111"), Version::Latest).is_ok());
    }

    #[test]
    fn a_reservation_is_a_functions_own_and_its_limit() {
        let gate = Arc::new(Gate::default());
        let (own, other) = (function("111111111111"), FunctionId { name: "g".into(), ..function("111111111111") });
        gate.reserve(&own, Some(2));
        let places = [gate.enter(&own, Version::Latest).expect("one"), gate.enter(&own, Version::Latest).expect("two")];
        assert!(gate.enter(&own, Version::Latest).is_err());
        let others: Vec<Place> = (0..CONCURRENT_INVOCATIONS_MAX - 2)
            .map(|_| gate.enter(&other, Version::Latest).expect("the rest"))
            .collect();
        assert!(gate.enter(&other, Version::Latest).is_err());
        gate.reserve(&own, Some(0));
        assert!(gate.is_shut(&own) && gate.enter(&own, Version::Latest).is_err());
        gate.reserve(&own, None);
        assert!(gate.enter(&own, Version::Latest).is_ok());
        drop((places, others));
        assert!(gate.0.lock().is_empty());
    }

    #[test]
    fn what_is_provisioned_is_a_versions_own_and_the_rest_spills_over() {
        let gate = Arc::new(Gate::default());
        let (own, other) = (function("111111111111"), FunctionId { name: "g".into(), ..function("111111111111") });
        gate.provision(&own, &HashMap::from([(Version::Published(1), 2)]));
        let rest = CONCURRENT_INVOCATIONS_MAX - 2;
        let others: Vec<Place> =
            (0..rest).map(|_| gate.enter(&other, Version::Latest).expect("not provisioned")).collect();
        assert!(gate.enter(&other, Version::Latest).is_err() && gate.enter(&own, Version::Published(2)).is_err());
        let provisioned = [(); 2].map(|()| gate.enter(&own, Version::Published(1)).expect("provisioned"));
        assert!(gate.enter(&own, Version::Published(1)).is_err());
        drop(others);
        assert!(gate.enter(&own, Version::Published(1)).is_ok());
        gate.provision(&own, &HashMap::new());
        drop(provisioned);
        assert!(gate.0.lock().is_empty());
    }

    #[test]
    fn nothing_is_kept_of_an_account_at_rest() {
        let gate = Arc::new(Gate::default());
        drop(gate.enter(&function("111111111111"), Version::Latest));
        assert!(gate.0.lock().is_empty());
    }
}
