//! Ciphertext as clients keep it: it names the key and the generation of its material, so that it can be decrypted
//! without saying with what, and after any number of rotations.
//!
//! `format 1 | account 8 | kind of id 1 | id 16 | generation 4 | salt 16 | nonce 12 | ciphertext and tag`. Everything
//! in front of the ciphertext is authenticated along with it, and so is the encryption context.

use std::collections::BTreeMap;

use crate::crypto::{CryptoError, SealParts, SecretBytes, SymmetricKey};
use crate::names::{compact_id, spell_id};

/// First byte: the version of what follows.
const FORMAT: u8 = 1;

/// Bytes in front of the salt.
const NAME_BYTES: usize = 1 + 8 + 1 + 16 + 4;

/// Bytes in front of the ciphertext.
const HEAD_BYTES: usize = NAME_BYTES + SealParts::BYTES;

/// What a ciphertext was encrypted with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobKey {
    /// Whose key: 12 digits.
    pub account: String,
    /// The key's id.
    pub id: String,
    /// The generation of its material.
    pub generation: u32,
}

/// An encryption context: pairs that are authenticated but not kept.
pub type EncryptionContext = BTreeMap<String, String>;

/// Encrypts under a key.
///
/// # Errors
/// [`CryptoError`] for a key whose id or account is not spelled as ours are.
pub fn seal(
    key: &BlobKey,
    secret: &SymmetricKey,
    parts: SealParts,
    context: &EncryptionContext,
    plaintext: &[u8],
) -> Result<Vec<u8>, CryptoError> {
    let (is_multi_region, number) = compact_id(&key.id).ok_or(CryptoError)?;
    let account: u64 = key.account.parse().map_err(|_| CryptoError)?;
    let mut blob = Vec::with_capacity(HEAD_BYTES + plaintext.len() + 16);
    blob.push(FORMAT);
    blob.extend(account.to_be_bytes());
    blob.push(u8::from(is_multi_region));
    blob.extend(number.to_be_bytes());
    blob.extend(key.generation.to_be_bytes());
    blob.extend(parts.salt);
    blob.extend(parts.nonce);
    let mut ciphertext = secret.seal(parts, &associated(&blob, context), plaintext)?;
    blob.append(&mut ciphertext);
    Ok(blob)
}

/// What a ciphertext was encrypted with; `None` if it is none of ours.
pub fn key_of(blob: &[u8]) -> Option<BlobKey> {
    let name: &[u8; NAME_BYTES] = blob.get(..HEAD_BYTES)?.first_chunk()?;
    let (account, rest) = name[1..].split_first_chunk::<8>()?;
    let (kind, rest) = rest.split_first()?;
    let (number, generation) = rest.split_first_chunk::<16>()?;
    if name[0] != FORMAT || *kind > 1 {
        return None;
    }
    Some(BlobKey {
        account: format!("{:012}", u64::from_be_bytes(*account)),
        id: spell_id(*kind == 1, u128::from_be_bytes(*number)),
        generation: u32::from_be_bytes(generation.try_into().ok()?),
    })
}

/// Decrypts.
///
/// # Errors
/// [`CryptoError`] if the blob, the context or the key is another one than it was.
pub fn open(blob: &[u8], secret: &SymmetricKey, context: &EncryptionContext) -> Result<SecretBytes, CryptoError> {
    let (head, ciphertext) = blob.split_at_checked(HEAD_BYTES).ok_or(CryptoError)?;
    let random = *head[NAME_BYTES..].first_chunk().ok_or(CryptoError)?;
    secret.open(SealParts::from_random(random), &associated(head, context), ciphertext)
}

/// What is authenticated: the head and the context, in an order and with lengths that make it unambiguous.
fn associated(head: &[u8], context: &EncryptionContext) -> Vec<u8> {
    let mut associated = head.to_vec();
    for text in context.iter().flat_map(|(key, value)| [key, value]) {
        associated.extend((text.len() as u64).to_be_bytes());
        associated.extend(text.as_bytes());
    }
    associated
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> BlobKey {
        let id = "134f2428-cec1-4b25-a1ae-9048164dba47".to_owned();
        BlobKey { account: "000000000042".to_owned(), id, generation: 3 }
    }

    fn sealed(context: &EncryptionContext, plaintext: &[u8]) -> Vec<u8> {
        let parts = SealParts::from_random([5; SealParts::BYTES]);
        seal(&key(), &SymmetricKey::new(&[1; 32]), parts, context, plaintext).expect("sealed")
    }

    fn context(pairs: &[(&str, &str)]) -> EncryptionContext {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_blob_names_its_key_and_opens() {
        let blob = sealed(&context(&[("a", "1")]), b"secret");
        assert_eq!(key_of(&blob), Some(key()));
        let opened = open(&blob, &SymmetricKey::new(&[1; 32]), &context(&[("a", "1")])).expect("opened");
        assert_eq!(&**opened, b"secret");
        assert!(open(&blob, &SymmetricKey::new(&[2; 32]), &context(&[("a", "1")])).is_err());
    }

    #[test]
    fn contexts_that_read_alike_are_not_alike() {
        let blob = sealed(&context(&[("a", "bc")]), b"secret");
        for other in [context(&[]), context(&[("ab", "c")]), context(&[("a", "bc"), ("", "")]), context(&[("A", "bc")])]
        {
            assert!(open(&blob, &SymmetricKey::new(&[1; 32]), &other).is_err(), "{other:?}");
        }
    }

    proptest! {
        #[test]
        fn no_change_of_a_blob_goes_unnoticed(plaintext: Vec<u8>, place: prop::sample::Index, change in 1u8..) {
            let mut blob = sealed(&EncryptionContext::new(), &plaintext);
            let place = place.index(blob.len());
            blob[place] ^= change;
            prop_assert!(open(&blob, &SymmetricKey::new(&[1; 32]), &EncryptionContext::new()).is_err());
            prop_assert!(open(&blob[..place], &SymmetricKey::new(&[1; 32]), &EncryptionContext::new()).is_err());
        }

        #[test]
        fn anything_can_be_looked_at(bytes: Vec<u8>) {
            if let Some(key) = key_of(&bytes) {
                prop_assert!(crate::names::is_key_id(&key.id));
            }
            prop_assert!(open(&bytes, &SymmetricKey::new(&[1; 32]), &EncryptionContext::new()).is_err());
        }
    }
}
