//! Encryption, and what it has in common with decryption.

use api::kms::enums::encryption_algorithm_spec as algorithms;
use api::kms::{EncryptRequest, EncryptResponse};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use platform::Ctx;
use wire::Error;

use crate::blob::{self, BlobKey, EncryptionContext};
use crate::crypto::{self, OaepDigest, SealParts, SecretKey};
use crate::errors;
use crate::limits::ENCRYPTION_CONTEXT_BYTES_MAX;
use crate::operations::end_dry_run;
use crate::operations::grants::check_tokens;
use crate::records::KeyRecord;
use crate::resolve::require_algorithm;
use crate::service::Kms;
use crate::spec::{KeySpec, KeyUsage};

/// How a message is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    /// `SYMMETRIC_DEFAULT`.
    Symmetric,
    /// `RSAES_OAEP_…`.
    Oaep(OaepDigest),
}

impl Encryption {
    /// The algorithm a request means.
    pub fn parse(name: Option<&str>) -> Result<Encryption, Error> {
        match name.unwrap_or(algorithms::SYMMETRIC_DEFAULT) {
            algorithms::SYMMETRIC_DEFAULT => Ok(Encryption::Symmetric),
            algorithms::RSAES_OAEP_SHA_1 => Ok(Encryption::Oaep(OaepDigest::Sha1)),
            algorithms::RSAES_OAEP_SHA_256 => Ok(Encryption::Oaep(OaepDigest::Sha256)),
            other => Err(errors::unsupported_operation(format!(
                "EncryptionAlgorithm {other} is not supported in this region."
            ))),
        }
    }

    /// Its name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Encryption::Symmetric => algorithms::SYMMETRIC_DEFAULT,
            Encryption::Oaep(OaepDigest::Sha1) => algorithms::RSAES_OAEP_SHA_1,
            Encryption::Oaep(OaepDigest::Sha256) => algorithms::RSAES_OAEP_SHA_256,
        }
    }
}

/// Encrypts a message of up to 4 KiB.
pub async fn encrypt(kms: &Kms, cx: &Ctx, input: EncryptRequest) -> Result<EncryptResponse, Error> {
    check_tokens(kms, input.grant_tokens.as_deref())?;
    let encryption = Encryption::parse(input.encryption_algorithm.as_deref())?;
    let context = check_context(encryption, input.encryption_context)?;
    let record = kms.locate(cx, &input.key_id).await?;
    kms.require_use(cx, &record, KeyUsage::Encryption)?;
    require_algorithm(&record, encryption.name())?;
    let blob = kms.encrypt_with(&record, encryption, &context, &input.plaintext).await?;
    end_dry_run(input.dry_run)?;
    Ok(EncryptResponse {
        ciphertext_blob: Some(blob.into()),
        key_id: Some(record.arn()),
        encryption_algorithm: Some(encryption.name().to_owned()),
    })
}

/// Checks an encryption context.
///
/// # Errors
/// `ValidationException` if it is too large, or does not go with the algorithm.
pub fn check_context(encryption: Encryption, context: Option<EncryptionContext>) -> Result<EncryptionContext, Error> {
    let context = context.unwrap_or_default();
    if encryption != Encryption::Symmetric && !context.is_empty() {
        return Err(errors::invalid(format!(
            "EncryptionContext is not supported with EncryptionAlgorithm {}.",
            encryption.name()
        )));
    }
    let bytes: usize = context.iter().map(|(key, value)| key.len() + value.len()).sum();
    if bytes > ENCRYPTION_CONTEXT_BYTES_MAX {
        return Err(errors::invalid(format!(
            "EncryptionContext must be no larger than {ENCRYPTION_CONTEXT_BYTES_MAX} bytes."
        )));
    }
    Ok(context)
}

impl Kms {
    /// Encrypts under a key that has this algorithm.
    pub(crate) async fn encrypt_with(
        &self,
        record: &KeyRecord,
        encryption: Encryption,
        context: &EncryptionContext,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, Error> {
        match (encryption, record.spec) {
            (Encryption::Oaep(digest), KeySpec::Rsa(size)) => {
                let max = crypto::rsa_plaintext_max(size, digest);
                if plaintext.len() > max {
                    let (algorithm, spec) = (encryption.name(), record.spec.name());
                    return Err(errors::invalid(format!(
                        "Algorithm {algorithm} and key spec {spec} cannot encrypt data larger than {max} bytes."
                    )));
                }
                crypto::rsa_encrypt(&public_key_of(record)?, digest, plaintext)
                    .map_err(|_| errors::cryptography("encrypting with RSA"))
            }
            _ => self.seal(record, context, plaintext).await,
        }
    }

    /// Encrypts under a symmetric key.
    pub(crate) async fn seal(
        &self,
        record: &KeyRecord,
        context: &EncryptionContext,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, Error> {
        let secret = self.secret(record).await?;
        let (SecretKey::Symmetric(secret), Some(current)) = (secret.as_ref(), &record.current) else {
            return Err(errors::cryptography("encrypting with a key that is not symmetric"));
        };
        let mut random = [0; SealParts::BYTES];
        self.platform.ids.fill(&mut random);
        let key = BlobKey { account: record.account.clone(), id: record.id.clone(), generation: current.generation };
        blob::seal(&key, secret, SealParts::from_random(random), context, plaintext)
            .map_err(|_| errors::cryptography("encrypting"))
    }
}

/// The public key of a pair: DER of `SubjectPublicKeyInfo`.
pub fn public_key_of(record: &KeyRecord) -> Result<Vec<u8>, Error> {
    let encoded = record.public_key.as_deref().unwrap_or_default();
    let public = STANDARD.decode(encoded).unwrap_or_default();
    if public.is_empty() { Err(errors::cryptography("reading a public key")) } else { Ok(public) }
}
