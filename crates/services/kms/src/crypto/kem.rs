//! ML-KEM: making keys, encapsulating secrets under public keys, opening them again.

use aws_lc_rs::kem::{Algorithm, AlgorithmId, DecapsulationKey, EncapsulationKey, ML_KEM_512, ML_KEM_768, ML_KEM_1024};
use zeroize::Zeroizing;

use super::{CryptoError, PairBytes, SecretBytes};
use crate::spec::MlKem;

/// Bytes of `SubjectPublicKeyInfo` in front of the raw key: two sequences, the object identifier
/// 2.16.840.1.101.3.4.4.x (RFC 9935) and the head of the bit string.
const HEAD_BYTES: usize = 22;

fn algorithm(set: MlKem) -> &'static Algorithm<AlgorithmId> {
    match set {
        MlKem::Set512 => &ML_KEM_512,
        MlKem::Set768 => &ML_KEM_768,
        MlKem::Set1024 => &ML_KEM_1024,
    }
}

/// Makes a key pair.
pub(super) fn generate(set: MlKem) -> Result<PairBytes, CryptoError> {
    let key = DecapsulationKey::generate(algorithm(set))?;
    let raw = key.encapsulation_key()?.key_bytes()?;
    let secret = Zeroizing::new(key.key_bytes()?.as_ref().to_vec());
    Ok(PairBytes { secret, public: [&head(set, raw.as_ref().len())[..], raw.as_ref()].concat() })
}

/// `SubjectPublicKeyInfo` up to the key itself.
fn head(set: MlKem, key_bytes: usize) -> [u8; HEAD_BYTES] {
    let arc = match set {
        MlKem::Set512 => 1,
        MlKem::Set768 => 2,
        MlKem::Set1024 => 3,
    };
    // All lengths are between 256 and 65,535, so each takes three bytes: 0x82 and two of its own.
    let [bits_high, bits_low] = (key_bytes as u16 + 1).to_be_bytes();
    let [all_high, all_low] = (key_bytes as u16 + 18).to_be_bytes();
    let identifier = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x04, arc];
    let mut head = [0; HEAD_BYTES];
    head[..4].copy_from_slice(&[0x30, 0x82, all_high, all_low]);
    head[4..8].copy_from_slice(&[0x30, 0x0B, 0x06, 0x09]);
    head[8..17].copy_from_slice(&identifier);
    head[17..].copy_from_slice(&[0x03, 0x82, bits_high, bits_low, 0]);
    head
}

/// A fresh secret, and its ciphertext for the holder of the private key.
///
/// # Errors
/// [`CryptoError`] if that is no such public key.
pub fn encapsulate(set: MlKem, public: &[u8]) -> Result<(Vec<u8>, SecretBytes), CryptoError> {
    let raw = public.get(HEAD_BYTES..).ok_or(CryptoError)?;
    let (ciphertext, secret) = EncapsulationKey::new(algorithm(set), raw)?.encapsulate()?;
    Ok((ciphertext.as_ref().to_vec(), Zeroizing::new(secret.as_ref().to_vec())))
}

/// A private key that opens encapsulated secrets.
pub struct KemKey(DecapsulationKey<AlgorithmId>);

impl KemKey {
    /// Reads a raw private key.
    ///
    /// # Errors
    /// [`CryptoError`].
    pub fn read(set: MlKem, secret: &[u8]) -> Result<KemKey, CryptoError> {
        Ok(KemKey(DecapsulationKey::new(algorithm(set), secret)?))
    }

    /// The secret in a ciphertext. A ciphertext of the right length always has one; whether it is the sender's shows
    /// when it is used.
    ///
    /// # Errors
    /// [`CryptoError`] for a ciphertext of another length.
    pub fn decapsulate(&self, ciphertext: &[u8]) -> Result<SecretBytes, CryptoError> {
        Ok(Zeroizing::new(self.0.decapsulate(ciphertext.into())?.as_ref().to_vec()))
    }
}
