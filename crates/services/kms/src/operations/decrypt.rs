//! Decryption.

use api::kms::enums::dry_run_modifier_type::IGNORE_CIPHERTEXT;
use api::kms::errors::incorrect_key_exception;
use api::kms::{DecryptRequest, DecryptResponse};
use platform::Ctx;
use wire::Error;

use crate::blob::{self, BlobKey, EncryptionContext};
use crate::crypto::{OaepDigest, SecretBytes, SecretKey};
use crate::names::KeyName;
use crate::operations::encrypt::{Encryption, check_context};
use crate::operations::end_dry_run;
use crate::operations::grants::check_tokens;
use crate::records::{KeyRecord, MaterialRecord};
use crate::resolve::require_algorithm;
use crate::service::{Kms, blocking};
use crate::spec::KeyUsage;
use crate::{errors, keys, rows};

/// What is to be decrypted.
pub struct Ciphertext<'a> {
    /// The ciphertext; `None` in a dry run that does without.
    pub blob: Option<&'a [u8]>,
    /// What the request calls the key. A ciphertext of a symmetric key names its key itself.
    pub key_id: Option<&'a str>,
    /// How it was encrypted.
    pub encryption: Encryption,
    /// In which context.
    pub context: &'a EncryptionContext,
}

/// What was decrypted.
pub struct Opened {
    /// With which key.
    pub record: KeyRecord,
    /// The message.
    pub plaintext: SecretBytes,
    /// The id of the material, where clients see it.
    pub material_id: Option<String>,
}

/// Decrypts.
pub async fn decrypt(kms: &Kms, cx: &Ctx, input: DecryptRequest) -> Result<DecryptResponse, Error> {
    if input.recipient.is_some() {
        return Err(errors::unsupported_parameter("Recipient"));
    }
    check_tokens(kms, input.grant_tokens.as_deref())?;
    let encryption = Encryption::parse(input.encryption_algorithm.as_deref())?;
    let context = check_context(encryption, input.encryption_context)?;
    let modifiers = input.dry_run_modifiers.as_deref().unwrap_or_default();
    let blob = wanted_blob(input.ciphertext_blob.as_deref(), input.dry_run, modifiers)?;
    let ciphertext = Ciphertext { blob, key_id: input.key_id.as_deref(), encryption, context: &context };
    let opened = kms.open(cx, ciphertext).await?;
    end_dry_run(input.dry_run)?;
    Ok(DecryptResponse {
        key_id: Some(opened.record.arn()),
        plaintext: Some(opened.plaintext.to_vec().into()),
        encryption_algorithm: Some(encryption.name().to_owned()),
        ciphertext_for_recipient: None,
        key_material_id: opened.material_id,
    })
}

/// The ciphertext a request has to have, unless it is a dry run that asks to do without.
///
/// # Errors
/// `ValidationException`.
pub fn wanted_blob<'a>(
    blob: Option<&'a [u8]>,
    dry_run: Option<bool>,
    modifiers: &[String],
) -> Result<Option<&'a [u8]>, Error> {
    let is_ignored = modifiers.iter().any(|modifier| modifier == IGNORE_CIPHERTEXT);
    match (is_ignored, dry_run == Some(true)) {
        (true, false) => Err(errors::invalid("DryRunModifiers can only be specified when DryRun is true.")),
        (true, true) => Ok(None),
        (false, _) => blob.map(Some).ok_or_else(|| {
            errors::invalid(
                "1 validation error detected: Value null at 'ciphertextBlob' failed to satisfy constraint: Member must \
                 not be null",
            )
        }),
    }
}

impl Kms {
    /// Decrypts a ciphertext, with the key that it names or that the request names.
    ///
    /// # Errors
    /// `InvalidCiphertextException` if it is not as it was made, or not in this context; `IncorrectKeyException` if it
    /// was made with another key than the request names.
    pub(crate) async fn open(&self, cx: &Ctx, ciphertext: Ciphertext<'_>) -> Result<Opened, Error> {
        let Ciphertext { blob, key_id, encryption, context } = ciphertext;
        let named = match encryption {
            Encryption::Symmetric => blob.and_then(blob::key_of),
            Encryption::Oaep(_) => None,
        };
        let record = self.decrypting_key(cx, key_id, named.as_ref(), encryption).await?;
        self.require_use(cx, &record, KeyUsage::Encryption)?;
        require_algorithm(&record, encryption.name())?;
        let Some(blob) = blob else {
            let material_id = record.shown_material_id();
            return Ok(Opened { record, plaintext: SecretBytes::default(), material_id });
        };
        match encryption {
            Encryption::Oaep(digest) => {
                let plaintext = self.open_rsa(&record, digest, blob.to_vec()).await?;
                Ok(Opened { record, plaintext, material_id: None })
            }
            Encryption::Symmetric => {
                let generation = named.ok_or_else(errors::invalid_ciphertext)?.generation;
                let secret = self.generation(&record, generation).await?;
                let secret = secret.ok_or_else(errors::invalid_ciphertext)?;
                let SecretKey::Symmetric(key) = secret.as_ref() else { return Err(errors::invalid_ciphertext()) };
                let plaintext = blob::open(blob, key, context).map_err(|_| errors::invalid_ciphertext())?;
                let material_id = Some(self.material_id(&record, generation).await?);
                Ok(Opened { record, plaintext, material_id })
            }
        }
    }

    async fn decrypting_key(
        &self,
        cx: &Ctx,
        key_id: Option<&str>,
        named: Option<&BlobKey>,
        encryption: Encryption,
    ) -> Result<KeyRecord, Error> {
        let Some(key_id) = key_id else {
            if encryption != Encryption::Symmetric {
                return Err(errors::invalid("KeyId is required to decrypt with an asymmetric KMS key."));
            }
            let named = named.ok_or_else(errors::invalid_ciphertext)?;
            let name = KeyName { account: named.account.clone(), region: cx.region.clone(), id: named.id.clone() };
            return self.find_key(&name).await?.ok_or_else(errors::ciphertext_key_not_found);
        };
        let record = self.locate(cx, key_id).await?;
        match named {
            Some(named) if named.id != record.id || named.account != record.account => Err(incorrect_key_exception(
                "The key ID in the request does not identify a CMK that can perform this operation.",
            )),
            _ => Ok(record),
        }
    }

    async fn open_rsa(&self, record: &KeyRecord, digest: OaepDigest, blob: Vec<u8>) -> Result<SecretBytes, Error> {
        let secret = self.secret(record).await?;
        blocking(move || match secret.as_ref() {
            SecretKey::RsaDecryption(key) => key.decrypt(digest, &blob).map_err(|_| errors::invalid_ciphertext()),
            _ => Err(errors::invalid_ciphertext()),
        })
        .await
    }

    async fn material_id(&self, record: &KeyRecord, generation: u32) -> Result<String, Error> {
        if let Some(current) = record.current.as_ref().filter(|current| current.generation == generation) {
            return Ok(current.id.clone());
        }
        let key = keys::material(&record.region, &record.id, generation);
        let material: Option<MaterialRecord> = rows::get(&self.snapshot(&record.account).await?, &key).await?;
        Ok(material.map(|material| material.id).unwrap_or_default())
    }
}
