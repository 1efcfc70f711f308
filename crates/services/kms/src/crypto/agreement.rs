//! Agreement on shared secrets with ECDH.

use aws_lc_rs::agreement::{Algorithm, ECDH_P256, ECDH_P384, ECDH_P521, PrivateKey, UnparsedPublicKey, agree};
use zeroize::Zeroizing;

use super::{CryptoError, SecretBytes, elliptic};
use crate::spec::Curve;

/// The other side's public key is not one on this curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the public key is not a valid key on the curve of the private key")]
pub struct PeerKeyRejected;

/// A private key that agrees on secrets.
pub struct AgreementKey {
    key: PrivateKey,
    /// What a public key on this curve begins with, and its length: everything in front of the point.
    head: Vec<u8>,
    public_bytes: usize,
}

impl AgreementKey {
    /// Reads PKCS #8.
    ///
    /// # Errors
    /// [`CryptoError`], also for curves that AWS does not agree on.
    pub fn read(curve: Curve, pkcs8: &[u8]) -> Result<AgreementKey, CryptoError> {
        let (algorithm, coordinate_bytes): (&'static Algorithm, usize) = match curve {
            Curve::P256 => (&ECDH_P256, 32),
            Curve::P384 => (&ECDH_P384, 48),
            Curve::P521 => (&ECDH_P521, 66),
            Curve::Secp256k1 => return Err(CryptoError),
        };
        let mut head = elliptic::public_of(curve, pkcs8)?;
        let public_bytes = head.len();
        head.truncate(public_bytes.saturating_sub(2 * coordinate_bytes));
        Ok(AgreementKey { key: PrivateKey::from_private_key_der(algorithm, pkcs8)?, head, public_bytes })
    }

    /// The raw shared secret with the owner of a public key (DER of `SubjectPublicKeyInfo`).
    ///
    /// # Errors
    /// [`PeerKeyRejected`].
    pub fn agree(&self, public: &[u8]) -> Result<SecretBytes, PeerKeyRejected> {
        // The library takes other encodings and other curves' keys as well; AWS does not.
        if public.len() != self.public_bytes || !public.starts_with(&self.head) {
            return Err(PeerKeyRejected);
        }
        let peer = UnparsedPublicKey::new(self.key.algorithm(), public);
        agree(&self.key, peer, PeerKeyRejected, |secret| Ok(Zeroizing::new(secret.to_vec())))
    }
}
