//! Message authentication codes.

use api::kms::errors::KMS_INVALID_MAC_EXCEPTION;
use api::kms::{GenerateMacRequest, GenerateMacResponse, VerifyMacRequest, VerifyMacResponse};
use platform::Ctx;
use std::sync::Arc;
use wire::Error;

use crate::crypto::SecretKey;
use crate::errors;
use crate::operations::end_dry_run;
use crate::operations::grants::check_tokens;
use crate::records::KeyRecord;
use crate::resolve::require_algorithm;
use crate::service::Kms;
use crate::spec::KeyUsage;

/// Makes the MAC of a message.
pub async fn generate_mac(kms: &Kms, cx: &Ctx, input: GenerateMacRequest) -> Result<GenerateMacResponse, Error> {
    check_tokens(kms, input.grant_tokens.as_deref())?;
    let (record, secret) = prepare(kms, cx, &input.key_id, &input.mac_algorithm).await?;
    let SecretKey::Mac(key) = secret.as_ref() else { return Err(errors::cryptography("making a MAC")) };
    let mac = key.sign(&input.message);
    end_dry_run(input.dry_run)?;
    Ok(GenerateMacResponse {
        mac: Some(mac.into()),
        mac_algorithm: Some(input.mac_algorithm),
        key_id: Some(record.arn()),
    })
}

/// Verifies the MAC of a message.
pub async fn verify_mac(kms: &Kms, cx: &Ctx, input: VerifyMacRequest) -> Result<VerifyMacResponse, Error> {
    check_tokens(kms, input.grant_tokens.as_deref())?;
    let (record, secret) = prepare(kms, cx, &input.key_id, &input.mac_algorithm).await?;
    let SecretKey::Mac(key) = secret.as_ref() else { return Err(errors::cryptography("verifying a MAC")) };
    if !key.verify(&input.message, &input.mac) {
        return Err(Error::bare(&KMS_INVALID_MAC_EXCEPTION));
    }
    end_dry_run(input.dry_run)?;
    Ok(VerifyMacResponse {
        key_id: Some(record.arn()),
        mac_valid: Some(true),
        mac_algorithm: Some(input.mac_algorithm),
    })
}

async fn prepare(kms: &Kms, cx: &Ctx, key_id: &str, algorithm: &str) -> Result<(KeyRecord, Arc<SecretKey>), Error> {
    let record = kms.locate(cx, key_id).await?;
    kms.require_use(cx, &record, KeyUsage::Mac)?;
    require_algorithm(&record, algorithm)?;
    let secret = kms.secret(&record).await?;
    Ok((record, secret))
}
