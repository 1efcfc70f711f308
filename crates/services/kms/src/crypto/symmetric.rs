//! Keys of AES-GCM and of HMAC.
//!
//! A symmetric key never encrypts itself: each message gets a key of its own, derived from it and a random salt, so
//! that no number of messages wears a key out (AWS KMS does the same).

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use zeroize::Zeroizing;

use super::{CryptoError, SecretBytes};
use crate::spec::HmacSize;

/// Bytes of the salt.
const SALT_BYTES: usize = 16;

/// What a message was sealed with, besides the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealParts {
    /// The salt of the message's key.
    pub salt: [u8; SALT_BYTES],
    /// The nonce.
    pub nonce: [u8; NONCE_LEN],
}

impl SealParts {
    /// Bytes of all parts.
    pub const BYTES: usize = SALT_BYTES + NONCE_LEN;

    /// Fresh ones, from as many random bytes.
    pub fn from_random(random: [u8; SealParts::BYTES]) -> SealParts {
        let (mut salt, mut nonce) = ([0; SALT_BYTES], [0; NONCE_LEN]);
        salt.copy_from_slice(&random[..SALT_BYTES]);
        nonce.copy_from_slice(&random[SALT_BYTES..]);
        SealParts { salt, nonce }
    }
}

/// A symmetric key.
pub struct SymmetricKey(hmac::Key);

impl SymmetricKey {
    /// Over 32 secret bytes.
    pub fn new(secret: &[u8]) -> SymmetricKey {
        SymmetricKey(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// Encrypts; the answer ends with the tag.
    ///
    /// # Errors
    /// [`CryptoError`] for messages of more than 64 GiB.
    pub fn seal(&self, parts: SealParts, associated: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let mut body = plaintext.to_vec();
        let nonce = Nonce::assume_unique_for_key(parts.nonce);
        self.message_key(&parts)?.seal_in_place_append_tag(nonce, Aad::from(associated), &mut body)?;
        Ok(body)
    }

    /// Decrypts what [`SymmetricKey::seal`] has encrypted.
    ///
    /// # Errors
    /// [`CryptoError`] if anything is not as it was.
    pub fn open(&self, parts: SealParts, associated: &[u8], ciphertext: &[u8]) -> Result<SecretBytes, CryptoError> {
        let mut body = Zeroizing::new(ciphertext.to_vec());
        let nonce = Nonce::assume_unique_for_key(parts.nonce);
        let length = self.message_key(&parts)?.open_in_place(nonce, Aad::from(associated), &mut body)?.len();
        body.truncate(length);
        Ok(body)
    }

    fn message_key(&self, parts: &SealParts) -> Result<LessSafeKey, CryptoError> {
        let derived = hmac::sign(&self.0, &parts.salt);
        Ok(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, derived.as_ref())?))
    }
}

/// A key of HMAC.
pub struct MacKey(hmac::Key);

impl MacKey {
    /// Over secret bytes of any length.
    pub fn new(size: HmacSize, secret: &[u8]) -> MacKey {
        MacKey(hmac::Key::new(mac_algorithm(size), secret))
    }

    /// The message's MAC.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        hmac::sign(&self.0, message).as_ref().to_vec()
    }

    /// Whether that is the message's MAC. Takes as long for every wrong one.
    pub fn verify(&self, message: &[u8], mac: &[u8]) -> bool {
        hmac::verify(&self.0, message, mac).is_ok()
    }
}

/// The algorithm under a key of that size.
fn mac_algorithm(size: HmacSize) -> hmac::Algorithm {
    match size {
        HmacSize::Bits224 => hmac::HMAC_SHA224,
        HmacSize::Bits256 => hmac::HMAC_SHA256,
        HmacSize::Bits384 => hmac::HMAC_SHA384,
        HmacSize::Bits512 => hmac::HMAC_SHA512,
    }
}
