//! The cryptography, over AWS-LC. Knows of keys and bytes, not of requests, stores or ARNs.

mod agreement;
mod elliptic;
mod kem;
mod ml_dsa;
mod rsa;
mod signing;
mod symmetric;
mod wrapping;

pub use agreement::{AgreementKey, PeerKeyRejected};
pub use kem::{KemKey, encapsulate};
pub use rsa::{OaepDigest, RsaDecryptionKey, encrypt as rsa_encrypt, plaintext_max as rsa_plaintext_max};
pub use signing::{SigningAlgorithm, SigningKey, ToSign, verify};
pub use symmetric::{MacKey, SealParts, SymmetricKey};
pub use wrapping::{WrappingAlgorithm, WrappingKey};

use zeroize::Zeroizing;

use crate::spec::{KeySpec, KeyUsage};

/// The library refused: input that does not belong to the key, or damaged material.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the cryptographic operation failed")]
pub struct CryptoError;

impl From<aws_lc_rs::error::Unspecified> for CryptoError {
    fn from(_: aws_lc_rs::error::Unspecified) -> CryptoError {
        CryptoError
    }
}

impl From<aws_lc_rs::error::KeyRejected> for CryptoError {
    fn from(_: aws_lc_rs::error::KeyRejected) -> CryptoError {
        CryptoError
    }
}

/// Secret bytes as they are kept: the key itself, or the private key as PKCS #8 (raw for ML-KEM). Wiped when dropped.
pub type SecretBytes = Zeroizing<Vec<u8>>;

/// A key pair that was just made or imported.
pub struct PairBytes {
    /// The private key.
    pub secret: SecretBytes,
    /// The public key as DER of X.509's `SubjectPublicKeyInfo`.
    pub public: Vec<u8>,
}

/// Makes a key pair. Takes up to a second of a core for RSA, so not to be called from an asynchronous task.
///
/// # Errors
/// [`CryptoError`] for specs that are no pairs.
pub fn generate_pair(spec: KeySpec) -> Result<PairBytes, CryptoError> {
    match spec {
        KeySpec::Rsa(size) => rsa::generate(size),
        KeySpec::Ecc(curve) => elliptic::generate(curve),
        KeySpec::Ed25519 => elliptic::generate_ed25519(),
        KeySpec::MlDsa(set) => ml_dsa::generate(set),
        KeySpec::MlKem(set) => kem::generate(set),
        KeySpec::Symmetric | KeySpec::Hmac(_) => Err(CryptoError),
    }
}

/// Checks an imported private key (PKCS #8) against its spec, and finds its public key.
///
/// # Errors
/// [`CryptoError`] if it is no such key.
pub fn import_pair(spec: KeySpec, pkcs8: SecretBytes) -> Result<PairBytes, CryptoError> {
    let public = match spec {
        KeySpec::Rsa(size) => rsa::public_of(size, &pkcs8)?,
        KeySpec::Ecc(curve) => elliptic::public_of(curve, &pkcs8)?,
        KeySpec::Ed25519 => elliptic::public_of_ed25519(&pkcs8)?,
        KeySpec::MlDsa(set) => ml_dsa::public_of(set, &pkcs8)?,
        KeySpec::MlKem(_) | KeySpec::Symmetric | KeySpec::Hmac(_) => return Err(CryptoError),
    };
    Ok(PairBytes { secret: pkcs8, public })
}

/// A key ready for use.
pub enum SecretKey {
    /// Encrypts and decrypts with AES-GCM.
    Symmetric(SymmetricKey),
    /// Makes and checks MACs.
    Mac(MacKey),
    /// Decrypts with RSA.
    RsaDecryption(RsaDecryptionKey),
    /// Signs.
    Signing(SigningKey),
    /// Agrees on secrets.
    Agreement(AgreementKey),
    /// Opens encapsulated secrets.
    Kem(KemKey),
}

impl SecretKey {
    /// Reads a key's bytes.
    ///
    /// # Errors
    /// [`CryptoError`] if they are not those of such a key.
    pub fn read(spec: KeySpec, usage: KeyUsage, secret: &[u8]) -> Result<SecretKey, CryptoError> {
        Ok(match (spec, usage) {
            (KeySpec::Symmetric, _) => SecretKey::Symmetric(SymmetricKey::new(secret)),
            (KeySpec::Hmac(size), _) => SecretKey::Mac(MacKey::new(size, secret)),
            (KeySpec::Rsa(_), KeyUsage::Encryption) => SecretKey::RsaDecryption(RsaDecryptionKey::read(secret)?),
            (KeySpec::Ecc(curve), KeyUsage::KeyAgreement) => SecretKey::Agreement(AgreementKey::read(curve, secret)?),
            (KeySpec::MlKem(set), _) => SecretKey::Kem(KemKey::read(set, secret)?),
            (spec, _) => SecretKey::Signing(SigningKey::read(spec, secret)?),
        })
    }
}

#[cfg(test)]
mod tests;
