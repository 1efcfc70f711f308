//! Small secrets at rest: encrypted and authenticated under a key that only the installation's key file leads to, so
//! that a copy of the stores without that file gives up nothing.
//!
//! A sealed secret is `format 1 | salt 16 | nonce 12 | AES-256-GCM ciphertext and tag`. Every seal has a key of its
//! own, derived from the installation's key and the random salt, so that no number of seals wears a key out. What the
//! secret is (`kms/key/…`) is authenticated along with it: a sealed secret that was moved to another row does not open.

use hmac::{Hmac, KeyInit, Mac};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::ids::Ids;

/// First byte of every sealed secret: the version of what follows.
const FORMAT: u8 = 1;

/// Bytes of the salt: two seals in 2^64 share one, and then their nonces still differ.
const SALT_BYTES: usize = 16;

/// Bytes in front of the ciphertext.
const HEAD_BYTES: usize = 1 + SALT_BYTES + NONCE_LEN;

/// Bytes that sealing adds to a secret.
pub const SEAL_OVERHEAD_BYTES: usize = HEAD_BYTES + 16;

/// Bytes of a fingerprint.
pub const FINGERPRINT_BYTES: usize = 32;

/// Not sealed by this installation for this purpose, or altered since.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a secret at rest cannot be opened with this installation's key")]
pub struct Unsealable;

/// Seals and opens small secrets (keys, passwords, tokens). Cheap to clone.
#[derive(Clone)]
pub struct Sealing {
    /// An HMAC that has taken in the sealing key and nothing else.
    keyed: Hmac<Sha256>,
    ids: Ids,
}

impl Sealing {
    /// Under a key derived from the installation's.
    pub(crate) fn new(keyed: Hmac<Sha256>, ids: Ids) -> Sealing {
        Sealing { keyed, ids }
    }

    /// The same under a key of somebody else's, of any length.
    pub fn under(&self, key: &[u8]) -> Sealing {
        let keyed = Hmac::new_from_slice(key).expect("HMAC takes keys of any length");
        Sealing { keyed, ids: self.ids.clone() }
    }

    /// Seals a secret. `context` names what it is and whose, and has to be given again to open it.
    pub fn seal(&self, context: &(impl AsRef<[u8]> + ?Sized), secret: &[u8]) -> Vec<u8> {
        let mut sealed = Vec::with_capacity(secret.len() + SEAL_OVERHEAD_BYTES);
        sealed.resize(HEAD_BYTES, FORMAT);
        self.ids.fill(&mut sealed[1..]);
        let (salt, nonce) = split_head(&sealed).expect("the head was just made");
        let key = self.key(salt);
        let mut body = secret.to_vec();
        key.seal_in_place_append_tag(nonce, Aad::from(context.as_ref()), &mut body)
            .expect("AES-GCM seals anything below 64 GiB");
        sealed.append(&mut body);
        sealed
    }

    /// The secret.
    ///
    /// # Errors
    /// [`Unsealable`] if it was sealed under another key or for another purpose, or was altered.
    pub fn open(&self, context: &(impl AsRef<[u8]> + ?Sized), sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unsealable> {
        let (salt, nonce) = split_head(sealed).ok_or(Unsealable)?;
        let mut body = Zeroizing::new(sealed[HEAD_BYTES..].to_vec());
        let opened = self.key(salt).open_in_place(nonce, Aad::from(context.as_ref()), &mut body);
        let length = opened.map_err(|_| Unsealable)?.len();
        body.truncate(length);
        Ok(body)
    }

    /// A value that is the same for the same bytes and context, and tells nothing of the bytes to whoever has not the
    /// installation's key: to recognise a secret without keeping it.
    pub fn fingerprint(&self, context: &str, secret: &[u8]) -> [u8; FINGERPRINT_BYTES] {
        let mut mac = self.keyed.clone();
        // Longer than any salt, so never the derivation of a key.
        mac.update(b"fingerprint");
        mac.update(&(context.len() as u64).to_be_bytes());
        mac.update(context.as_bytes());
        mac.update(secret);
        mac.finalize().into_bytes().into()
    }

    /// The key of one seal.
    fn key(&self, salt: &[u8]) -> LessSafeKey {
        let mut derived = self.keyed.clone();
        derived.update(salt);
        let bytes = Zeroizing::new(<[u8; 32]>::from(derived.finalize().into_bytes()));
        LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &bytes[..]).expect("a key of AES-256 has 32 bytes"))
    }
}

/// Salt and nonce of a sealed secret; `None` if it is of another format.
fn split_head(sealed: &[u8]) -> Option<(&[u8], Nonce)> {
    let (format, rest) = sealed.split_first()?;
    if *format != FORMAT {
        return None;
    }
    let (salt, rest) = rest.split_at_checked(SALT_BYTES)?;
    let (nonce, _) = rest.split_first_chunk()?;
    Some((salt, Nonce::assume_unique_for_key(*nonce)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealing(key: u8) -> Sealing {
        Sealing::new(Hmac::new_from_slice(&[key; 32]).unwrap(), Ids::random())
    }

    #[test]
    fn a_secret_opens_only_under_its_key_and_for_its_purpose() {
        let sealed = sealing(1).seal("kms/key/a", b"secret");
        assert_eq!(sealed.len(), b"secret".len() + SEAL_OVERHEAD_BYTES);
        assert_eq!(&**sealing(1).open("kms/key/a", &sealed).unwrap(), b"secret");
        assert_eq!(sealing(1).open("kms/key/b", &sealed), Err(Unsealable));
        assert_eq!(sealing(2).open("kms/key/a", &sealed), Err(Unsealable));
        assert!(!sealed.windows(6).any(|window| window == b"secret"));
    }

    #[test]
    fn a_key_of_ones_own_opens_what_it_has_sealed() {
        let sealed = sealing(1).under(b"table key").seal("c", b"secret");
        assert_eq!(&**sealing(2).under(b"table key").open("c", &sealed).unwrap(), b"secret");
        assert_eq!(sealing(1).open("c", &sealed), Err(Unsealable));
        assert_eq!(sealing(1).under(b"another key").open("c", &sealed), Err(Unsealable));
    }

    #[test]
    fn an_altered_secret_does_not_open() {
        let sealing = sealing(1);
        let sealed = sealing.seal("c", b"secret");
        for index in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[index] ^= 1;
            assert_eq!(sealing.open("c", &altered), Err(Unsealable), "byte {index}");
            assert_eq!(sealing.open("c", &sealed[..index]), Err(Unsealable), "length {index}");
        }
    }

    #[test]
    fn a_fingerprint_is_the_secrets_the_purposes_and_the_installations() {
        let fingerprint = sealing(1).fingerprint("c", b"secret");
        assert_eq!(sealing(1).fingerprint("c", b"secret"), fingerprint);
        assert_ne!(sealing(2).fingerprint("c", b"secret"), fingerprint);
        assert_ne!(sealing(1).fingerprint("cs", b"ecret"), fingerprint);
        assert_ne!(sealing(1).fingerprint("c", b"sacred"), fingerprint);
    }

    #[test]
    fn the_same_secret_is_never_sealed_alike() {
        let sealing = sealing(1);
        assert_ne!(sealing.seal("c", b"secret"), sealing.seal("c", b"secret"));
    }
}
