//! RSA: making keys, and encryption with OAEP.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{
    KeySize, OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepAlgorithm, OaepPrivateDecryptingKey,
    OaepPublicEncryptingKey, PrivateDecryptingKey, PublicEncryptingKey,
};
use zeroize::Zeroizing;

use super::{CryptoError, PairBytes, SecretBytes};
use crate::spec::RsaSize;

/// The digest of OAEP and of its mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OaepDigest {
    /// SHA-1, as `RSAES_OAEP_SHA_1`.
    Sha1,
    /// SHA-256, as `RSAES_OAEP_SHA_256`.
    Sha256,
}

impl OaepDigest {
    fn algorithm(self) -> &'static OaepAlgorithm {
        match self {
            OaepDigest::Sha1 => &OAEP_SHA1_MGF1SHA1,
            OaepDigest::Sha256 => &OAEP_SHA256_MGF1SHA256,
        }
    }

    fn bytes(self) -> usize {
        match self {
            OaepDigest::Sha1 => 20,
            OaepDigest::Sha256 => 32,
        }
    }
}

/// Makes a key pair.
pub(super) fn generate(size: RsaSize) -> Result<PairBytes, CryptoError> {
    let key = PrivateDecryptingKey::generate(match size {
        RsaSize::Bits2048 => KeySize::Rsa2048,
        RsaSize::Bits3072 => KeySize::Rsa3072,
        RsaSize::Bits4096 => KeySize::Rsa4096,
    })?;
    let secret = AsDer::<Pkcs8V1Der>::as_der(&key)?;
    Ok(PairBytes { secret: Zeroizing::new(secret.as_ref().to_vec()), public: public_der(&key)? })
}

/// The public key of a private one of that size.
pub(super) fn public_of(size: RsaSize, pkcs8: &[u8]) -> Result<Vec<u8>, CryptoError> {
    let key = PrivateDecryptingKey::from_pkcs8(pkcs8)?;
    if key.key_size_bytes() != size.modulus_bytes() {
        return Err(CryptoError);
    }
    public_der(&key)
}

fn public_der(key: &PrivateDecryptingKey) -> Result<Vec<u8>, CryptoError> {
    Ok(AsDer::<PublicKeyX509Der>::as_der(&key.public_key())?.as_ref().to_vec())
}

/// Bytes of the longest message that fits.
pub fn plaintext_max(size: RsaSize, digest: OaepDigest) -> usize {
    size.modulus_bytes() - 2 * digest.bytes() - 2
}

/// Encrypts under a public key.
///
/// # Errors
/// [`CryptoError`] for messages that are too long.
pub fn encrypt(public: &[u8], digest: OaepDigest, plaintext: &[u8]) -> Result<Vec<u8>, CryptoError> {
    let key = OaepPublicEncryptingKey::new(PublicEncryptingKey::from_der(public)?)?;
    let mut ciphertext = vec![0; key.ciphertext_size()];
    let length = key.encrypt(digest.algorithm(), plaintext, &mut ciphertext, None)?.len();
    ciphertext.truncate(length);
    Ok(ciphertext)
}

/// A private key that decrypts.
pub struct RsaDecryptionKey(OaepPrivateDecryptingKey);

impl RsaDecryptionKey {
    /// Reads PKCS #8.
    ///
    /// # Errors
    /// [`CryptoError`].
    pub fn read(pkcs8: &[u8]) -> Result<RsaDecryptionKey, CryptoError> {
        Ok(RsaDecryptionKey(OaepPrivateDecryptingKey::new(PrivateDecryptingKey::from_pkcs8(pkcs8)?)?))
    }

    /// Bytes of the modulus, and so of every ciphertext.
    pub fn modulus_bytes(&self) -> usize {
        self.0.key_size_bytes()
    }

    /// Decrypts.
    ///
    /// # Errors
    /// [`CryptoError`] if the ciphertext was not made for this key.
    pub fn decrypt(&self, digest: OaepDigest, ciphertext: &[u8]) -> Result<SecretBytes, CryptoError> {
        let mut plaintext = Zeroizing::new(vec![0; self.0.min_output_size()]);
        let length = self.0.decrypt(digest.algorithm(), ciphertext, &mut plaintext, None)?.len();
        plaintext.truncate(length);
        Ok(plaintext)
    }
}
