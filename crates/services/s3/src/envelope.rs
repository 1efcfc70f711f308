//! How the keys of an object's body are kept: sealed by the installation, under a data key of KMS, or under a key that
//! the customer brings along and that is never stored.
//!
//! Every body has a key of its own, drawn when it is written. What differs between the kinds of encryption is only what
//! that key is sealed by, so that a copy shares its source's body and seals the key anew.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use platform::{Ctx, OrFailure};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use store::StoreError;
use wire::Error;
use zeroize::Zeroizing;

use crate::cipher::{Cipher, KEY_BYTES, Secret};
use crate::customer_key::CustomerKey;
use crate::errors;
use crate::service::S3;

/// What a sealed key of a body is for, in the installation's seals.
const PURPOSE: &str = "s3/body";

/// Random bytes before a key sealed under another key: each seal has a key derived with its own.
const SALT_BYTES: usize = 16;

/// How an object is encrypted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Encryption {
    /// By the installation's own key: SSE-S3, which no client can switch off.
    #[default]
    S3,
    /// By a key of KMS: SSE-KMS or DSSE-KMS.
    Kms(Kms),
    /// By a key that comes with each request: SSE-C.
    Customer(Customer),
}

/// Encryption by a key of KMS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kms {
    /// ARN of the key.
    pub key: String,
    /// The context under which KMS made the data key.
    pub context: BTreeMap<String, String>,
    /// Whether that is the bucket's context, not the object's: a bucket key.
    pub is_bucket_key: bool,
    /// Whether bodies are encrypted twice.
    pub is_dual: bool,
    /// The data key as KMS encrypted it, in base64.
    pub data_key: String,
}

/// Encryption by a customer's key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Customer {
    /// The MD5 of the key in base64, which answers show.
    pub md5: String,
    /// Tells whether a key is the same, to nobody but this installation; in base64.
    pub fingerprint: String,
}

impl Encryption {
    /// `x-amz-server-side-encryption`; a customer's key has headers of its own.
    pub fn name(&self) -> Option<&'static str> {
        match self {
            Encryption::S3 => Some("AES256"),
            Encryption::Kms(kms) if kms.is_dual => Some("aws:kms:dsse"),
            Encryption::Kms(_) => Some("aws:kms"),
            Encryption::Customer(_) => None,
        }
    }

    /// Whether an entity tag is the MD5 of the body (S3 API Reference, "Object": not where KMS or the customer encrypts).
    pub fn shows_md5(&self) -> bool {
        *self == Encryption::S3
    }

    /// Keys that each body is sealed with.
    pub fn layers(&self) -> usize {
        if matches!(self, Encryption::Kms(kms) if kms.is_dual) { 2 } else { 1 }
    }
}

/// Fills what the output of an operation says about encryption.
macro_rules! show {
    ($output:expr, $encryption:expr) => {{
        use $crate::envelope::Encryption;
        let encryption: &Encryption = $encryption;
        $output.server_side_encryption = encryption.name().map(str::to_owned);
        match encryption {
            Encryption::S3 => {}
            Encryption::Kms(kms) => {
                $output.ssekms_key_id = Some(kms.key.clone());
                $output.bucket_key_enabled = kms.is_bucket_key.then_some(true);
            }
            Encryption::Customer(customer) => {
                $output.sse_customer_algorithm = Some("AES256".to_owned());
                $output.sse_customer_key_md5 = Some(customer.md5.clone());
            }
        }
    }};
}

pub(crate) use show;

/// The key of a body, as it lies in a row: sealed, in base64.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SealedKey(String);

/// An object's encryption, ready to seal and open the keys of its bodies.
pub struct Envelope {
    /// As it is kept with the object.
    pub encryption: Encryption,
    sealer: Sealer,
}

/// What keys of bodies are sealed by.
enum Sealer {
    Installation,
    Key(Zeroizing<Vec<u8>>),
}

impl Envelope {
    /// By the installation's key.
    pub fn installation() -> Envelope {
        Envelope { encryption: Encryption::S3, sealer: Sealer::Installation }
    }

    /// By a data key of KMS.
    pub fn kms(kms: Kms, data_key: &[u8]) -> Envelope {
        Envelope { encryption: Encryption::Kms(kms), sealer: Sealer::Key(Zeroizing::new(data_key.to_vec())) }
    }

    /// By a customer's key.
    pub fn customer(service: &S3, key: &CustomerKey) -> Envelope {
        let encryption =
            Encryption::Customer(Customer { md5: key.md5.clone(), fingerprint: fingerprint(service, key) });
        Envelope { encryption, sealer: Sealer::Key(key.secret.clone()) }
    }

    /// To read what is encrypted: with the caller's rights on the key, or the key the caller brings.
    ///
    /// # Errors
    /// What KMS says; `InvalidRequest` and `AccessDenied` for a customer's key that is missing, wrong or needless.
    pub async fn of(
        service: &S3,
        cx: &Ctx,
        encryption: &Encryption,
        key: Option<&CustomerKey>,
    ) -> Result<Envelope, Error> {
        check_customer_key(service, encryption, key)?;
        let sealer = match (encryption, key) {
            (Encryption::S3, _) => Sealer::Installation,
            (Encryption::Kms(kms), _) => Sealer::Key(crate::kms_keys::decrypt(cx, kms).await?),
            (Encryption::Customer(_), Some(key)) => Sealer::Key(key.secret.clone()),
            (Encryption::Customer(_), None) => return Err(errors::request(KEY_NEEDED)),
        };
        Ok(Envelope { encryption: encryption.clone(), sealer })
    }

    /// A key for a new body, and how it is kept.
    pub fn new_key(&self, service: &S3) -> (Secret, SealedKey) {
        let mut secret = Zeroizing::new(vec![0; KEY_BYTES * self.encryption.layers()]);
        service.platform.ids.fill(&mut secret);
        let sealed = self.seal(service, &secret);
        (secret, sealed)
    }

    /// Seals the key of a body.
    pub fn seal(&self, service: &S3, secret: &[u8]) -> SealedKey {
        let sealed = match &self.sealer {
            Sealer::Installation => service.platform.sealing.seal(PURPOSE, secret),
            Sealer::Key(key) => {
                let mut sealed = vec![0; SALT_BYTES];
                service.platform.ids.fill(&mut sealed);
                let mut body = secret.to_vec();
                derived(key, &sealed)
                    .seal_in_place_append_tag(zero_nonce(), Aad::from(PURPOSE.as_bytes()), &mut body)
                    .expect("a key is far below 64 GiB");
                sealed.append(&mut body);
                sealed
            }
        };
        SealedKey(STANDARD.encode(sealed))
    }

    /// Opens the key of a body.
    ///
    /// # Errors
    /// `InternalError` for one that was not sealed by this.
    pub fn open(&self, service: &S3, sealed: &SealedKey) -> Result<Secret, Error> {
        let unreadable = || StoreError::Read("the key of an object's body does not open".into());
        let sealed = STANDARD.decode(&sealed.0).ok().ok_or_else(unreadable).or_failure()?;
        let secret = match &self.sealer {
            Sealer::Installation => service.platform.sealing.open(PURPOSE, &sealed).ok(),
            Sealer::Key(key) => sealed.split_at_checked(SALT_BYTES).and_then(|(salt, body)| {
                let mut body = Zeroizing::new(body.to_vec());
                let aad = Aad::from(PURPOSE.as_bytes());
                let length = derived(key, salt).open_in_place(zero_nonce(), aad, &mut body).ok()?.len();
                body.truncate(length);
                Some(body)
            }),
        };
        secret.ok_or_else(unreadable).or_failure()
    }

    /// The cipher of a body.
    ///
    /// # Errors
    /// As [`Envelope::open`].
    pub fn cipher(&self, service: &S3, sealed: &SealedKey) -> Result<Cipher, Error> {
        let cipher = Cipher::new(&self.open(service, sealed)?);
        cipher.ok_or_else(|| StoreError::Read("the key of an object's body has a wrong length".into())).or_failure()
    }
}

const KEY_NEEDED: &str = "The object was stored using a form of Server Side Encryption. The correct parameters must be \
                          provided to retrieve the object.";

/// Refuses a read whose customer's key is missing, wrong or needless.
///
/// # Errors
/// `InvalidRequest`, `AccessDenied`.
pub fn check_customer_key(service: &S3, encryption: &Encryption, key: Option<&CustomerKey>) -> Result<(), Error> {
    match (encryption, key) {
        (Encryption::Customer(_), None) => Err(errors::request(KEY_NEEDED)),
        (Encryption::Customer(customer), Some(key)) if fingerprint(service, key) != customer.fingerprint => {
            Err(api::s3::errors::access_denied(
                "Requests specifying Server Side Encryption with Customer provided keys must provide the correct secret \
                 key.",
            ))
        }
        (Encryption::S3 | Encryption::Kms(_), Some(_)) => {
            Err(errors::request("The encryption parameters are not applicable to this object."))
        }
        _ => Ok(()),
    }
}

fn fingerprint(service: &S3, key: &CustomerKey) -> String {
    STANDARD.encode(service.platform.sealing.fingerprint("s3/customer-key", &key.secret))
}

/// The key of one seal under a key: derived with the seal's salt, so that it never seals twice.
fn derived(key: &[u8], salt: &[u8]) -> LessSafeKey {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("an HMAC takes keys of any length");
    mac.update(salt);
    let bytes = Zeroizing::new(<[u8; KEY_BYTES]>::from(mac.finalize().into_bytes()));
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &bytes[..]).expect("a key of AES-256 has 32 bytes"))
}

/// The nonce of a key that seals once.
fn zero_nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}
