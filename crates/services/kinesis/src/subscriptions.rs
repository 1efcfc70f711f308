//! Who reads as an enhanced consumer: one subscriber at a time of each consumer and shard.

use std::collections::HashMap;

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::limits::SUBSCRIPTION_EXCLUSIVE_MS;

/// A consumer's ARN and a shard's number.
type Place = (String, u32);

/// The subscriptions that are being served. Their number is bounded by that of background tasks, of which each takes one.
#[derive(Default)]
pub struct Subscriptions(Mutex<HashMap<Place, Subscription>>);

struct Subscription {
    since: i64,
    end: CancellationToken,
}

impl Subscriptions {
    /// Begins a subscription; the token tells when another takes its place. `None` while another cannot be taken over
    /// yet. `now` is in milliseconds since 1970.
    pub fn begin(&self, consumer: &str, shard: u32, now: i64) -> Option<CancellationToken> {
        let mut all = self.0.lock();
        let place = (consumer.to_owned(), shard);
        if let Some(other) = all.get(&place) {
            if now < other.since.saturating_add(SUBSCRIPTION_EXCLUSIVE_MS) {
                return None;
            }
            other.end.cancel();
        }
        let end = CancellationToken::new();
        all.insert(place, Subscription { since: now, end: end.clone() });
        Some(end)
    }

    /// Ends a subscription that no other has taken over.
    pub fn end(&self, consumer: &str, shard: u32, token: &CancellationToken) {
        if !token.is_cancelled() {
            self.0.lock().remove(&(consumer.to_owned(), shard));
        }
    }

    /// Ends all subscriptions.
    pub fn end_all(&self) {
        self.0.lock().drain().for_each(|(_, subscription)| subscription.end.cancel());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscription_is_taken_over_after_five_seconds() {
        let subscriptions = Subscriptions::default();
        let first = subscriptions.begin("c", 0, 0).unwrap();
        assert!(subscriptions.begin("c", 0, 4_999).is_none());
        assert!(subscriptions.begin("c", 1, 0).is_some() && subscriptions.begin("d", 0, 0).is_some());
        let second = subscriptions.begin("c", 0, 5_000).unwrap();
        assert!(first.is_cancelled() && !second.is_cancelled());
        subscriptions.end("c", 0, &first);
        assert!(subscriptions.begin("c", 0, 5_001).is_none(), "the second is still there");
        subscriptions.end("c", 0, &second);
        assert!(subscriptions.begin("c", 0, 5_001).is_some());
    }
}
