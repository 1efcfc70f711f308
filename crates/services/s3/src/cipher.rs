//! Bodies under a key: how they are cut, sealed and read back in part.
//!
//! A body is cut into chunks of [`CHUNK_BYTES`], each sealed with AES-256-GCM. A key belongs to one body alone, so the
//! number of a chunk is its nonce: a chunk opens in its own place only, and a part of a body is read by opening the
//! chunks it touches. Two keys seal each chunk twice, the second what the first made of it.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use zeroize::Zeroizing;

use crate::limits::CHUNK_BYTES;

/// Bytes of one key.
pub const KEY_BYTES: usize = 32;

/// Bytes that one seal adds to a chunk.
const TAG_BYTES: usize = 16;

/// A stored body that does not open: it was altered, or is another one's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a stored body does not open under its key")]
pub struct Unreadable;

/// The secret of a body: one key, or two.
pub type Secret = Zeroizing<Vec<u8>>;

/// The keys of a body, ready for use.
pub struct Cipher(Vec<LessSafeKey>);

impl Cipher {
    /// Of a secret: `None` unless it is one key or two.
    pub fn new(secret: &[u8]) -> Option<Cipher> {
        let whole = secret.len() == KEY_BYTES || secret.len() == 2 * KEY_BYTES;
        let keys = secret.chunks(KEY_BYTES).map(|key| Some(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).ok()?)));
        whole.then(|| keys.collect::<Option<Vec<_>>>().map(Cipher))?
    }

    /// Bytes of a full chunk at rest.
    pub fn sealed_chunk_bytes(&self) -> u64 {
        (CHUNK_BYTES + TAG_BYTES * self.0.len()) as u64
    }

    /// Seals a chunk in place.
    pub fn seal(&self, number: u64, chunk: &mut Vec<u8>) {
        for key in &self.0 {
            key.seal_in_place_append_tag(nonce(number), Aad::empty(), chunk).expect("a chunk is far below 64 GiB");
        }
    }

    /// Opens a chunk in place; answers its length in bytes.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub fn open(&self, number: u64, chunk: &mut [u8]) -> Result<usize, Unreadable> {
        let mut length = chunk.len();
        for key in self.0.iter().rev() {
            let opened = key.open_in_place(nonce(number), Aad::empty(), &mut chunk[..length]);
            length = opened.map_err(|_| Unreadable)?.len();
        }
        Ok(length)
    }

    /// Opens consecutive full chunks, the last of which may be shorter, from the one with this number on.
    ///
    /// # Errors
    /// [`Unreadable`].
    pub fn open_all(&self, first: u64, sealed: &[u8]) -> Result<Vec<u8>, Unreadable> {
        let mut opened = Vec::with_capacity(sealed.len());
        for (number, chunk) in (first..).zip(sealed.chunks(self.sealed_chunk_bytes() as usize)) {
            let at = opened.len();
            opened.extend_from_slice(chunk);
            let length = self.open(number, &mut opened[at..])?;
            opened.truncate(at + length);
        }
        Ok(opened)
    }
}

fn nonce(number: u64) -> Nonce {
    let mut bytes = [0; NONCE_LEN];
    bytes[NONCE_LEN - 8..].copy_from_slice(&number.to_be_bytes());
    Nonce::assume_unique_for_key(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(first: u8, layers: usize) -> Vec<u8> {
        (0..layers as u8).flat_map(|layer| [first + layer; KEY_BYTES]).collect()
    }

    fn sealed(cipher: &Cipher, body: &[u8]) -> Vec<u8> {
        let chunks = (0..).zip(body.chunks(CHUNK_BYTES)).map(|(number, chunk)| {
            let mut chunk = chunk.to_vec();
            cipher.seal(number, &mut chunk);
            chunk
        });
        chunks.collect::<Vec<_>>().concat()
    }

    #[test]
    fn a_body_opens_under_its_own_keys_only() {
        let body: Vec<u8> = (0..CHUNK_BYTES * 2 + 5).map(|at| at as u8).collect();
        for layers in [1, 2] {
            let cipher = Cipher::new(&secret(1, layers)).unwrap();
            let stored = sealed(&cipher, &body);
            assert_eq!(cipher.open_all(0, &stored).unwrap(), body);
            assert!(!stored.windows(32).any(|window| window == &body[..32]));
            assert_eq!(Cipher::new(&secret(9, layers)).unwrap().open_all(0, &stored), Err(Unreadable));
        }
        assert!(Cipher::new(&[7; 31]).is_none());
    }

    #[test]
    fn a_chunk_opens_in_its_place_only() {
        let cipher = Cipher::new(&[7; KEY_BYTES]).unwrap();
        let stored = sealed(&cipher, &vec![1; CHUNK_BYTES * 2]);
        let (first, second) = stored.split_at(cipher.sealed_chunk_bytes() as usize);
        assert_eq!(cipher.open_all(1, second).unwrap(), vec![1; CHUNK_BYTES]);
        assert_eq!(cipher.open_all(0, &[second, first].concat()), Err(Unreadable));
        let mut altered = stored.clone();
        altered[9] ^= 1;
        assert_eq!(cipher.open_all(0, &altered), Err(Unreadable));
    }
}
