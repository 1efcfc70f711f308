//! The keys of identity providers: found through their discovery document, and kept for a while.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use api::sts::errors;
use lru::LruCache;
use outbound::{Bounds, Egress, FetchError};
use parking_lot::Mutex;
use serde::Deserialize;
use tokio::sync::Semaphore;
use wire::Error;

use super::jwt::{PublicKey, public_keys};

/// Most issuers whose keys are kept.
const ISSUERS_MAX: NonZeroUsize = NonZeroUsize::new(256).expect("the number is not zero");

/// Most keys kept of an issuer: 100 RSA keys and 100 of elliptic curves (IAM user guide, OIDC providers).
const KEYS_MAX: usize = 200;

/// How long keys are kept, in seconds. A provider that withdraws a key is believed after that time.
const KEPT_SECONDS: i64 = 3_600;

/// A key that is not among those kept makes them be read anew, but not more often than this, in seconds: anybody can send
/// tokens that name unknown keys.
const REREAD_SECONDS: i64 = 10;

/// Most issuers asked at one time; further requests wait.
const FETCHES_MAX: usize = 8;

/// What asking an issuer for a document may cost.
const BOUNDS: Bounds = Bounds { time: Duration::from_secs(5), body_bytes: 1 << 20 };

/// Keys of issuers.
pub struct IssuerKeys {
    kept: Mutex<LruCache<String, Arc<Kept>>>,
    fetches: Semaphore,
    egress: Egress,
}

struct Kept {
    keys: Vec<PublicKey>,
    /// In seconds since 1970.
    read_at: i64,
}

/// The keys of an issuer at some moment.
pub struct KeySet(Arc<Kept>);

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

impl KeySet {
    /// All keys.
    pub fn keys(&self) -> &[PublicKey] {
        &self.0.keys
    }
}

impl IssuerKeys {
    /// None are known yet; they are asked for at addresses that may be reached.
    pub fn new(egress: Egress) -> IssuerKeys {
        IssuerKeys { kept: Mutex::new(LruCache::new(ISSUERS_MAX)), fetches: Semaphore::new(FETCHES_MAX), egress }
    }

    /// The keys of an issuer (`https://…`), with the one named `key_id` if it has it at all.
    ///
    /// # Errors
    /// `IDPCommunicationError` when the issuer does not answer, `InvalidIdentityToken` when it answers no keys.
    pub async fn get(
        &self,
        issuer: &str,
        thumbprints: &[String],
        key_id: Option<&str>,
        now: i64,
    ) -> Result<KeySet, Error> {
        if let Some(kept) = self.fresh(issuer, key_id, now) {
            return Ok(KeySet(kept));
        }
        let _turn = self.fetches.acquire().await.expect("the semaphore is never closed");
        // Somebody else may have asked meanwhile.
        if let Some(kept) = self.fresh(issuer, key_id, now) {
            return Ok(KeySet(kept));
        }
        let keys = fetch(&self.egress, issuer, thumbprints).await.map_err(|failure| failure.into_error(issuer))?;
        let kept = Arc::new(Kept { keys, read_at: now });
        self.kept.lock().put(issuer.to_owned(), Arc::clone(&kept));
        Ok(KeySet(kept))
    }

    fn fresh(&self, issuer: &str, key_id: Option<&str>, now: i64) -> Option<Arc<Kept>> {
        let kept = self.kept.lock().get(issuer).cloned()?;
        let has_key = key_id.is_none_or(|id| kept.keys.iter().any(|key| key.is(id)));
        let limit = if has_key { KEPT_SECONDS } else { REREAD_SECONDS };
        (0..limit).contains(&(now - kept.read_at)).then_some(kept)
    }
}

/// Why an issuer's keys are not there.
enum Failure {
    Fetch(FetchError),
    Document,
}

impl Failure {
    fn into_error(self, issuer: &str) -> Error {
        match self {
            Failure::Fetch(FetchError::Unreachable | FetchError::Slow) => {
                tracing::info!(issuer, "the identity provider cannot be reached");
                errors::idp_communication_error_exception(format!("The identity provider {issuer} cannot be reached"))
            }
            Failure::Fetch(FetchError::Certificate) => errors::invalid_identity_token_exception(
                "OpenIDConnect provider's HTTPS certificate doesn't match configured thumbprint",
            ),
            Failure::Fetch(_) | Failure::Document => errors::invalid_identity_token_exception(
                "Couldn't retrieve verification key from your identity provider,  please reference \
                 AssumeRoleWithWebIdentity documentation for requirements",
            ),
        }
    }
}

async fn fetch(egress: &Egress, issuer: &str, thumbprints: &[String]) -> Result<Vec<PublicKey>, Failure> {
    let discovery = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    let document = outbound::get(egress, &discovery, thumbprints, BOUNDS).await.map_err(Failure::Fetch)?;
    let discovery: Discovery = serde_json::from_slice(&document).map_err(|_| Failure::Document)?;
    if discovery.issuer != issuer {
        return Err(Failure::Document);
    }
    let document = outbound::get(egress, &discovery.jwks_uri, thumbprints, BOUNDS).await.map_err(Failure::Fetch)?;
    let mut keys = public_keys(&document).ok_or(Failure::Document)?;
    keys.truncate(KEYS_MAX);
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://issuer.example";

    fn holding(key_id: &str, read_at: i64) -> IssuerKeys {
        let document = format!(r#"{{"keys":[{{"kty":"RSA","kid":"{key_id}","n":"AQAB","e":"AQAB"}}]}}"#);
        let keys = public_keys(document.as_bytes()).expect("a key set");
        let kept = IssuerKeys::new(Egress::new(outbound::Reach::Local, Vec::new(), Vec::new()));
        kept.kept.lock().put(ISSUER.to_owned(), Arc::new(Kept { keys, read_at }));
        kept
    }

    #[test]
    fn keys_are_kept_for_an_hour_and_an_unknown_one_is_looked_for_now_and_then() {
        let issuer = holding("known", 1_000);
        for (key_id, now, is_kept) in [
            (Some("known"), 1_000, true),
            (None, 4_599, true),
            (Some("known"), 4_599, true),
            (Some("known"), 4_600, false),
            (Some("other"), 1_009, true),
            (Some("other"), 1_010, false),
            (Some("known"), 999, false),
        ] {
            assert_eq!(issuer.fresh(ISSUER, key_id, now).is_some(), is_kept, "{key_id:?} at {now}");
        }
        assert!(issuer.fresh("https://other.example", None, 1_000).is_none());
    }

    #[test]
    fn an_issuer_that_fails_is_told_apart_from_one_that_has_no_keys() {
        for (failure, name) in [
            (Failure::Fetch(FetchError::Unreachable), "IDPCommunicationErrorException"),
            (Failure::Fetch(FetchError::Slow), "IDPCommunicationErrorException"),
            (Failure::Fetch(FetchError::Certificate), "InvalidIdentityTokenException"),
            (Failure::Fetch(FetchError::Status(404)), "InvalidIdentityTokenException"),
            (Failure::Document, "InvalidIdentityTokenException"),
        ] {
            assert_eq!(failure.into_error(ISSUER).definition.name, name);
        }
    }
}
