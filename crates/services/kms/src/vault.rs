//! Key material at rest and in use: sealed under the installation's key in the store, unwrapped in memory.

use std::num::NonZeroUsize;
use std::sync::Arc;

use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lru::LruCache;
use parking_lot::Mutex;
use platform::Sealing;
use wire::Error;
use zeroize::Zeroizing;

use crate::crypto::{SecretBytes, SecretKey};
use crate::errors;
use crate::limits::UNWRAPPED_KEYS_MAX;
use crate::records::{KeyRecord, MaterialRecord, Stage};

/// Seals and unwraps key material. What is unwrapped is kept, most recently used first: a generation's bytes never
/// change, so the cache is never wrong. The library wipes keys that are dropped.
pub struct Vault {
    sealing: Sealing,
    unwrapped: Mutex<LruCache<Generation, Arc<SecretKey>>>,
}

/// A generation of a key's material. Multi-Region keys share theirs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Generation {
    account: String,
    key: String,
    number: u32,
}

impl Generation {
    fn of(record: &KeyRecord, number: u32) -> Generation {
        Generation { account: record.account.clone(), key: record.id.clone(), number }
    }

    /// What the sealed bytes are said to be.
    fn seal_context(&self) -> String {
        format!("kms/material/{}/{}/{}", self.account, self.key, self.number)
    }

    fn fingerprint_context(&self) -> String {
        format!("kms/fingerprint/{}/{}/{}", self.account, self.key, self.number)
    }
}

impl Vault {
    /// With nothing unwrapped.
    pub fn new(sealing: Sealing) -> Vault {
        let capacity = NonZeroUsize::new(UNWRAPPED_KEYS_MAX).expect("the bound is not zero");
        Vault { sealing, unwrapped: Mutex::new(LruCache::new(capacity)) }
    }

    /// Forgets what is unwrapped.
    pub fn clear(&self) {
        self.unwrapped.lock().clear();
    }

    /// A generation of material made here. `id` is its id.
    pub fn seal(&self, record: &KeyRecord, number: u32, id: String, secret: &[u8]) -> MaterialRecord {
        let generation = Generation::of(record, number);
        let sealed = STANDARD.encode(self.sealing.seal(&generation.seal_context(), secret));
        MaterialRecord {
            id,
            sealed: Some(sealed),
            fingerprint: None,
            stage: Stage::Current,
            rotated: None,
            expires_at: None,
            description: None,
        }
    }

    /// A generation of imported material: its id follows from it, and it can be told again.
    pub fn seal_imported(&self, record: &KeyRecord, number: u32, secret: &[u8]) -> MaterialRecord {
        let generation = Generation::of(record, number);
        let sealed = self.sealing.seal(&generation.fingerprint_context(), fingerprint(secret).as_ref());
        let fingerprint = Some(STANDARD.encode(sealed));
        MaterialRecord { fingerprint, ..self.seal(record, number, imported_id(record, secret), secret) }
    }

    /// Whether this is the material that was imported as that generation.
    ///
    /// # Errors
    /// `InternalFailure` if the installation's key is another one than then.
    pub fn is_same(
        &self,
        record: &KeyRecord,
        number: u32,
        material: &MaterialRecord,
        secret: &[u8],
    ) -> Result<bool, Error> {
        let context = Generation::of(record, number).fingerprint_context();
        let expected = self.open(&context, material.fingerprint.as_deref().unwrap_or_default())?;
        Ok(aws_lc_rs::constant_time::verify_slices_are_equal(&expected, fingerprint(secret).as_ref()).is_ok())
    }

    /// The generation if it was unwrapped before.
    pub fn unwrapped(&self, record: &KeyRecord, number: u32) -> Option<Arc<SecretKey>> {
        self.unwrapped.lock().get(&Generation::of(record, number)).cloned()
    }

    /// Unwraps a generation; `None` if its material is gone.
    ///
    /// # Errors
    /// `InternalFailure` if the installation's key is another one than when it was sealed.
    pub fn unwrap(
        &self,
        record: &KeyRecord,
        number: u32,
        material: &MaterialRecord,
    ) -> Result<Option<Arc<SecretKey>>, Error> {
        let Some(sealed) = &material.sealed else { return Ok(None) };
        let generation = Generation::of(record, number);
        let secret = self.open(&generation.seal_context(), sealed)?;
        let key = SecretKey::read(record.spec, record.usage, &secret);
        let key = Arc::new(key.map_err(|_| errors::cryptography("reading key material"))?);
        self.unwrapped.lock().put(generation, Arc::clone(&key));
        Ok(Some(key))
    }

    fn open(&self, context: &str, sealed: &str) -> Result<SecretBytes, Error> {
        let sealed = STANDARD.decode(sealed).unwrap_or_default();
        self.sealing.open(context, &sealed).map_err(|_| errors::cryptography("opening key material"))
    }
}

fn fingerprint(secret: &[u8]) -> digest::Digest {
    digest::digest(&digest::SHA256, secret)
}

/// The id of imported material: the same for the same bytes under the same key, and telling nothing of them.
fn imported_id(record: &KeyRecord, secret: &[u8]) -> String {
    let key = Zeroizing::new(secret.to_vec());
    let name = format!("{}/{}", record.account, record.id);
    let id = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), name.as_bytes());
    id.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
