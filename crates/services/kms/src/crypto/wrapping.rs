//! The pairs of keys under which key material is brought in.

use api::kms::enums::algorithm_spec;
use aws_lc_rs::key_wrap::{AES_256, AesKek, KeyWrapPadded};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{CryptoError, OaepDigest, RsaDecryptionKey, SecretBytes};

/// How key material was wrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum WrappingAlgorithm {
    /// `RSAES_OAEP_SHA_1`.
    OaepSha1,
    /// `RSAES_OAEP_SHA_256`.
    OaepSha256,
    /// `RSA_AES_KEY_WRAP_SHA_1`: an AES key under RSA, and the material under AES (RFC 5649).
    KeyWrapSha1,
    /// `RSA_AES_KEY_WRAP_SHA_256`.
    KeyWrapSha256,
}

impl WrappingAlgorithm {
    /// The algorithm of that name; `None` for those that are not supported.
    pub fn parse(name: &str) -> Option<WrappingAlgorithm> {
        Some(match name {
            algorithm_spec::RSAES_OAEP_SHA_1 => WrappingAlgorithm::OaepSha1,
            algorithm_spec::RSAES_OAEP_SHA_256 => WrappingAlgorithm::OaepSha256,
            algorithm_spec::RSA_AES_KEY_WRAP_SHA_1 => WrappingAlgorithm::KeyWrapSha1,
            algorithm_spec::RSA_AES_KEY_WRAP_SHA_256 => WrappingAlgorithm::KeyWrapSha256,
            _ => return None,
        })
    }

    /// Whether an AES key stands between, so that the material may be longer than the modulus.
    pub fn is_hybrid(self) -> bool {
        matches!(self, WrappingAlgorithm::KeyWrapSha1 | WrappingAlgorithm::KeyWrapSha256)
    }

    fn digest(self) -> OaepDigest {
        match self {
            WrappingAlgorithm::OaepSha1 | WrappingAlgorithm::KeyWrapSha1 => OaepDigest::Sha1,
            WrappingAlgorithm::OaepSha256 | WrappingAlgorithm::KeyWrapSha256 => OaepDigest::Sha256,
        }
    }
}

/// The private half of a wrapping pair.
pub struct WrappingKey {
    key: RsaDecryptionKey,
    algorithm: WrappingAlgorithm,
}

impl WrappingKey {
    /// Reads PKCS #8.
    ///
    /// # Errors
    /// [`CryptoError`].
    pub fn read(algorithm: WrappingAlgorithm, pkcs8: &[u8]) -> Result<WrappingKey, CryptoError> {
        Ok(WrappingKey { key: RsaDecryptionKey::read(pkcs8)?, algorithm })
    }

    /// The material in a wrapped blob.
    ///
    /// # Errors
    /// [`CryptoError`] if it was not wrapped for this key, or was altered.
    pub fn unwrap(&self, wrapped: &[u8]) -> Result<SecretBytes, CryptoError> {
        if !self.algorithm.is_hybrid() {
            return self.key.decrypt(self.algorithm.digest(), wrapped);
        }
        let (wrapped_aes, wrapped_material) = wrapped.split_at_checked(self.key.modulus_bytes()).ok_or(CryptoError)?;
        let aes = self.key.decrypt(self.algorithm.digest(), wrapped_aes)?;
        let mut material = Zeroizing::new(vec![0; wrapped_material.len()]);
        let length = AesKek::new(&AES_256, &aes)?.unwrap_with_padding(wrapped_material, &mut material)?.len();
        material.truncate(length);
        Ok(material)
    }
}
