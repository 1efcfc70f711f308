//! Secrets under keys of KMS that may be longer than KMS itself encrypts: each has a data key of its own, which KMS
//! generates and opens with the caller's rights, and which stands, encrypted, in front of what it encrypts.
//!
//! An envelope is `format 1 | length of the encrypted data key, 2 | encrypted data key | nonce 12 | AES-256-GCM ciphertext
//! and tag`. KMS binds the data key to the encryption context, and the ciphertext is bound to it once more.

use std::collections::BTreeMap;

use api::kms;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use wire::Error;
use wire::error::common;
use zeroize::Zeroizing;

use crate::context::Ctx;

/// First byte of every envelope: the version of what follows.
const FORMAT: u8 = 1;

/// What a secret is bound to, as KMS takes it: whoever opens it has to name the same.
pub type EncryptionContext = BTreeMap<String, String>;

/// Encrypts a secret under a key of KMS (an id, an ARN or an alias), with the caller's rights.
///
/// # Errors
/// Those of `kms:GenerateDataKey`.
pub async fn seal(cx: &Ctx, key_id: &str, context: &EncryptionContext, secret: &[u8]) -> Result<Vec<u8>, Error> {
    let request = kms::GenerateDataKeyRequest {
        key_id: key_id.to_owned(),
        key_spec: Some("AES_256".to_owned()),
        encryption_context: Some(context.clone()),
        ..Default::default()
    };
    let answer = cx.call::<kms::GenerateDataKey>(request).await?;
    let data_key = Zeroizing::new(answer.plaintext.unwrap_or_default().to_vec());
    let encrypted = answer.ciphertext_blob.unwrap_or_default();
    let (Some(key), Ok(length)) = (cipher(&data_key), u16::try_from(encrypted.len())) else {
        return Err(unusable("KMS answered with a data key that cannot be used"));
    };
    let mut nonce = [0; NONCE_LEN];
    cx.platform.ids.fill(&mut nonce);
    let mut body = Vec::with_capacity(secret.len() + AES_256_GCM.tag_len());
    body.extend_from_slice(secret);
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), bound_to(context), &mut body)
        .map_err(|_| unusable("a secret is too long to be encrypted"))?;
    Ok([&[FORMAT][..], &length.to_be_bytes(), &encrypted, &nonce, &body].concat())
}

/// Opens what [`seal`] made, with the caller's rights.
///
/// # Errors
/// Those of `kms:Decrypt`, and `InternalFailure` if it is damaged or bound to something else.
pub async fn open(cx: &Ctx, context: &EncryptionContext, envelope: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
    let parts = Parts::of(envelope).ok_or_else(|| unusable("a sealed secret is damaged"))?;
    let request = kms::DecryptRequest {
        ciphertext_blob: Some(parts.data_key.to_vec().into()),
        encryption_context: Some(context.clone()),
        ..Default::default()
    };
    let answer = cx.call::<kms::Decrypt>(request).await?;
    let data_key = Zeroizing::new(answer.plaintext.unwrap_or_default().to_vec());
    let key = cipher(&data_key).ok_or_else(|| unusable("KMS answered with a data key that cannot be used"))?;
    let mut body = Zeroizing::new(parts.body.to_vec());
    let nonce = Nonce::assume_unique_for_key(parts.nonce);
    let opened = key.open_in_place(nonce, bound_to(context), &mut body);
    let length = opened.map_err(|_| unusable("a sealed secret does not open"))?.len();
    body.truncate(length);
    Ok(body)
}

/// The parts of an envelope.
struct Parts<'a> {
    data_key: &'a [u8],
    nonce: [u8; NONCE_LEN],
    body: &'a [u8],
}

impl<'a> Parts<'a> {
    fn of(envelope: &'a [u8]) -> Option<Parts<'a>> {
        let (format, rest) = envelope.split_first()?;
        if *format != FORMAT {
            return None;
        }
        let (length, rest) = rest.split_first_chunk::<2>()?;
        let (data_key, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        let (nonce, body) = rest.split_first_chunk()?;
        Some(Parts { data_key, nonce: *nonce, body })
    }
}

fn cipher(data_key: &[u8]) -> Option<LessSafeKey> {
    Some(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, data_key).ok()?))
}

/// The context in one piece; the lengths keep two contexts from looking alike.
fn bound_to(context: &EncryptionContext) -> Aad<Vec<u8>> {
    let mut text = Vec::new();
    for part in context.iter().flat_map(|(key, value)| [key, value]) {
        text.extend_from_slice(&(part.len() as u64).to_be_bytes());
        text.extend_from_slice(part.as_bytes());
    }
    Aad::from(text)
}

fn unusable(reason: &'static str) -> Error {
    tracing::error!(reason, "internal failure");
    Error::bare(&common::INTERNAL_FAILURE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_envelopes_have_parts() {
        let envelope = [&[FORMAT, 0, 3][..], b"key", &[7; NONCE_LEN], b"body"].concat();
        let parts = Parts::of(&envelope).unwrap();
        assert_eq!((parts.data_key, parts.nonce, parts.body), (&b"key"[..], [7; NONCE_LEN], &b"body"[..]));
        for length in 0..envelope.len() - b"body".len() {
            assert!(Parts::of(&envelope[..length]).is_none(), "length {length}");
        }
        assert!(Parts::of(&[&[FORMAT + 1], &envelope[1..]].concat()).is_none(), "another format");
    }

    #[test]
    fn contexts_that_join_alike_are_told_apart() {
        let context = |key: &str, value: &str| EncryptionContext::from([(key.to_owned(), value.to_owned())]);
        assert_ne!(bound_to(&context("a", "bc")).as_ref(), bound_to(&context("ab", "c")).as_ref());
    }
}
