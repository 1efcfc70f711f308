//! Secrets encapsulated with ML-KEM.

use api::kms::{DecapsulateRequest, DecapsulateResponse, EncapsulateRequest, EncapsulateResponse};
use platform::Ctx;
use wire::Error;

use crate::crypto::{self, SecretKey};
use crate::errors;
use crate::operations::encrypt::public_key_of;
use crate::operations::end_dry_run;
use crate::operations::grants::check_tokens;
use crate::records::KeyRecord;
use crate::resolve::require_algorithm;
use crate::service::Kms;
use crate::spec::{KeySpec, KeyUsage};

/// Makes a secret for the holder of the private key.
pub async fn encapsulate(kms: &Kms, cx: &Ctx, input: EncapsulateRequest) -> Result<EncapsulateResponse, Error> {
    check_tokens(kms, input.grant_tokens.as_deref())?;
    let record = prepare(kms, cx, &input.key_id, &input.encapsulation_algorithm).await?;
    let KeySpec::MlKem(set) = record.spec else { return Err(errors::cryptography("encapsulating")) };
    let (ciphertext, secret) =
        crypto::encapsulate(set, &public_key_of(&record)?).map_err(|_| errors::cryptography("encapsulating"))?;
    end_dry_run(input.dry_run)?;
    Ok(EncapsulateResponse {
        key_id: Some(record.arn()),
        shared_secret: Some(secret.to_vec().into()),
        shared_secret_ciphertext_blob: Some(ciphertext.into()),
        encapsulation_algorithm: Some(input.encapsulation_algorithm),
    })
}

/// Opens a secret.
pub async fn decapsulate(kms: &Kms, cx: &Ctx, input: DecapsulateRequest) -> Result<DecapsulateResponse, Error> {
    check_tokens(kms, input.grant_tokens.as_deref())?;
    let record = prepare(kms, cx, &input.key_id, &input.encapsulation_algorithm).await?;
    let secret = kms.secret(&record).await?;
    let SecretKey::Kem(key) = secret.as_ref() else { return Err(errors::cryptography("decapsulating")) };
    let shared = key.decapsulate(&input.shared_secret_ciphertext_blob).map_err(|_| errors::invalid_ciphertext())?;
    end_dry_run(input.dry_run)?;
    Ok(DecapsulateResponse {
        key_id: Some(record.arn()),
        shared_secret: Some(shared.to_vec().into()),
        encapsulation_algorithm: Some(input.encapsulation_algorithm),
    })
}

async fn prepare(kms: &Kms, cx: &Ctx, key_id: &str, algorithm: &str) -> Result<KeyRecord, Error> {
    let record = kms.locate(cx, key_id).await?;
    kms.require_use(cx, &record, KeyUsage::Encapsulation)?;
    require_algorithm(&record, algorithm)?;
    Ok(record)
}
