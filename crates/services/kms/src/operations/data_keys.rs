//! Data keys: made here, used elsewhere, and kept encrypted under a key that stays here.

use api::kms::enums::{data_key_spec, encryption_algorithm_spec};
use api::kms::{
    GenerateDataKeyPairRequest, GenerateDataKeyPairResponse, GenerateDataKeyPairWithoutPlaintextRequest,
    GenerateDataKeyPairWithoutPlaintextResponse, GenerateDataKeyRequest, GenerateDataKeyResponse,
    GenerateDataKeyWithoutPlaintextRequest, GenerateDataKeyWithoutPlaintextResponse,
};
use platform::Ctx;
use wire::Error;

use crate::blob::EncryptionContext;
use crate::crypto::SecretBytes;
use crate::errors;
use crate::operations::encrypt::{Encryption, check_context};
use crate::operations::end_dry_run;
use crate::operations::grants::check_tokens;
use crate::records::KeyRecord;
use crate::resolve::require_algorithm;
use crate::service::Kms;
use crate::spec::{KeySpec, KeyUsage};

/// Makes a data key.
pub async fn generate_data_key(
    kms: &Kms,
    cx: &Ctx,
    input: GenerateDataKeyRequest,
) -> Result<GenerateDataKeyResponse, Error> {
    if input.recipient.is_some() {
        return Err(errors::unsupported_parameter("Recipient"));
    }
    check_tokens(kms, input.grant_tokens.as_deref())?;
    let length = data_key_bytes(input.number_of_bytes, input.key_spec.as_deref())?;
    let context = check_context(Encryption::Symmetric, input.encryption_context)?;
    let record = kms.wrapping_key(cx, &input.key_id).await?;
    let plaintext = kms.random_bytes(length);
    let blob = kms.seal(&record, &context, &plaintext).await?;
    end_dry_run(input.dry_run)?;
    Ok(GenerateDataKeyResponse {
        ciphertext_blob: Some(blob.into()),
        plaintext: Some(plaintext.to_vec().into()),
        key_id: Some(record.arn()),
        ciphertext_for_recipient: None,
        key_material_id: record.shown_material_id(),
    })
}

/// Makes a data key that somebody else will use.
pub async fn generate_data_key_without_plaintext(
    kms: &Kms,
    cx: &Ctx,
    input: GenerateDataKeyWithoutPlaintextRequest,
) -> Result<GenerateDataKeyWithoutPlaintextResponse, Error> {
    check_tokens(kms, input.grant_tokens.as_deref())?;
    let length = data_key_bytes(input.number_of_bytes, input.key_spec.as_deref())?;
    let context = check_context(Encryption::Symmetric, input.encryption_context)?;
    let record = kms.wrapping_key(cx, &input.key_id).await?;
    let blob = kms.seal(&record, &context, &kms.random_bytes(length)).await?;
    end_dry_run(input.dry_run)?;
    Ok(GenerateDataKeyWithoutPlaintextResponse {
        ciphertext_blob: Some(blob.into()),
        key_id: Some(record.arn()),
        key_material_id: record.shown_material_id(),
    })
}

/// Bytes of a data key: a number or a spec says it, never both.
fn data_key_bytes(number: Option<i32>, spec: Option<&str>) -> Result<usize, Error> {
    match (number, spec) {
        (Some(number), None) => Ok(usize::try_from(number).unwrap_or_default()),
        (None, Some(data_key_spec::AES_128)) => Ok(16),
        (None, Some(data_key_spec::AES_256)) => Ok(32),
        _ => Err(errors::invalid("Please specify either number of bytes or key spec.")),
    }
}

/// A pair, its private half encrypted.
struct DataKeyPair {
    record: KeyRecord,
    secret: SecretBytes,
    blob: Vec<u8>,
    public: Vec<u8>,
}

/// Makes a pair of data keys.
pub async fn generate_data_key_pair(
    kms: &Kms,
    cx: &Ctx,
    input: GenerateDataKeyPairRequest,
) -> Result<GenerateDataKeyPairResponse, Error> {
    if input.recipient.is_some() {
        return Err(errors::unsupported_parameter("Recipient"));
    }
    check_tokens(kms, input.grant_tokens.as_deref())?;
    let pair = make_pair(kms, cx, &input.key_id, &input.key_pair_spec, input.encryption_context).await?;
    end_dry_run(input.dry_run)?;
    Ok(GenerateDataKeyPairResponse {
        private_key_ciphertext_blob: Some(pair.blob.into()),
        private_key_plaintext: Some(pair.secret.to_vec().into()),
        public_key: Some(pair.public.into()),
        key_id: Some(pair.record.arn()),
        key_pair_spec: Some(input.key_pair_spec),
        ciphertext_for_recipient: None,
        key_material_id: pair.record.shown_material_id(),
    })
}

/// Makes a pair of data keys whose private half somebody else will use.
pub async fn generate_data_key_pair_without_plaintext(
    kms: &Kms,
    cx: &Ctx,
    input: GenerateDataKeyPairWithoutPlaintextRequest,
) -> Result<GenerateDataKeyPairWithoutPlaintextResponse, Error> {
    check_tokens(kms, input.grant_tokens.as_deref())?;
    let pair = make_pair(kms, cx, &input.key_id, &input.key_pair_spec, input.encryption_context).await?;
    end_dry_run(input.dry_run)?;
    Ok(GenerateDataKeyPairWithoutPlaintextResponse {
        private_key_ciphertext_blob: Some(pair.blob.into()),
        public_key: Some(pair.public.into()),
        key_id: Some(pair.record.arn()),
        key_pair_spec: Some(input.key_pair_spec),
        key_material_id: pair.record.shown_material_id(),
    })
}

async fn make_pair(
    kms: &Kms,
    cx: &Ctx,
    key_id: &str,
    spec_name: &str,
    context: Option<EncryptionContext>,
) -> Result<DataKeyPair, Error> {
    let spec = match KeySpec::parse(spec_name) {
        // A private key of ML-KEM is kept raw, and there is no way yet to hand it out as PKCS #8.
        Some(spec) if spec.is_pair() && !matches!(spec, KeySpec::MlKem(_)) => spec,
        _ => return Err(errors::unsupported_operation(format!("KeyPairSpec {spec_name} is not supported."))),
    };
    let context = check_context(Encryption::Symmetric, context)?;
    let record = kms.wrapping_key(cx, key_id).await?;
    let pair = kms.make_pair(spec).await?;
    let blob = kms.seal(&record, &context, &pair.secret).await?;
    Ok(DataKeyPair { record, secret: pair.secret, blob, public: pair.public })
}

impl Kms {
    /// A symmetric key that can be used now.
    async fn wrapping_key(&self, cx: &Ctx, key_id: &str) -> Result<KeyRecord, Error> {
        let record = self.locate(cx, key_id).await?;
        self.require_use(cx, &record, KeyUsage::Encryption)?;
        require_algorithm(&record, encryption_algorithm_spec::SYMMETRIC_DEFAULT)?;
        Ok(record)
    }
}
