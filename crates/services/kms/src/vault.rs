//! Key material at rest and in use: sealed under the installation's key in the store, unwrapped in memory.

use std::num::NonZeroUsize;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lru::LruCache;
use parking_lot::Mutex;
use platform::Sealing;
use wire::Error;

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
            stage: Stage::Current,
            rotated: None,
            expires_at: None,
            description: None,
        }
    }

    /// The id of imported material: the same for the same bytes under the same key, in whatever region.
    pub fn imported_id(&self, record: &KeyRecord, secret: &[u8]) -> String {
        let context = format!("kms/imported/{}/{}", record.account, record.id);
        self.sealing.fingerprint(&context, secret).iter().map(|byte| format!("{byte:02x}")).collect()
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
