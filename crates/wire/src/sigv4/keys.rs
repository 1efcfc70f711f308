//! Derived signing keys, kept so that a request costs one HMAC instead of five.

use std::num::NonZeroUsize;

use lru::LruCache;
use parking_lot::Mutex;
use subtle::ConstantTimeEq;

use crate::sigv4::encoding::{hmac_sha256, sha256};
use crate::sigv4::{Credential, MAX_CACHED_SIGNING_KEYS};

/// A bounded, least-recently-used cache of signing keys, shared by all requests.
///
/// An entry is found by the whole credential (access key, date, region, service) and used only while it was derived
/// from the very secret that the caller passes, so a replaced secret never lives on here.
#[derive(Debug)]
pub struct SigningKeys {
    entries: Mutex<LruCache<String, Entry>>,
}

struct Entry {
    secret_digest: [u8; 32],
    signing_key: [u8; 32],
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Entry { .. }")
    }
}

impl Default for SigningKeys {
    fn default() -> SigningKeys {
        SigningKeys::with_capacity(NonZeroUsize::new(MAX_CACHED_SIGNING_KEYS).expect("the bound is not zero"))
    }
}

impl SigningKeys {
    /// A cache of at most `capacity` keys. Memory is taken as keys arrive.
    pub fn with_capacity(capacity: NonZeroUsize) -> SigningKeys {
        let mut entries = LruCache::unbounded();
        entries.resize(capacity);
        SigningKeys { entries: Mutex::new(entries) }
    }

    /// The signing key for `credential` under `secret`.
    pub(crate) fn signing_key(&self, credential: &Credential, secret: &str) -> [u8; 32] {
        let secret_digest = sha256(secret.as_bytes());
        if let Some(entry) = self.entries.lock().get(credential.as_str())
            && bool::from(entry.secret_digest.ct_eq(&secret_digest))
        {
            return entry.signing_key;
        }
        let signing_key = derive_signing_key(secret, credential.date(), credential.region(), credential.service());
        self.entries.lock().put(credential.as_str().to_owned(), Entry { secret_digest, signing_key });
        signing_key
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.entries.lock().len()
    }
}

/// The chain of HMACs that binds a secret to a day, a region and a service.
pub(crate) fn derive_signing_key(secret: &str, date: &str, region: &str, service: &str) -> [u8; 32] {
    let key = hmac_sha256(format!("AWS4{secret}").as_bytes(), date.as_bytes());
    let key = hmac_sha256(&key, region.as_bytes());
    let key = hmac_sha256(&key, service.as_bytes());
    hmac_sha256(&key, b"aws4_request")
}
