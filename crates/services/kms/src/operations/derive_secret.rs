//! Shared secrets.

use api::kms::{DeriveSharedSecretRequest, DeriveSharedSecretResponse};
use platform::Ctx;
use wire::Error;

use crate::crypto::{PeerKeyRejected, SecretKey};
use crate::errors;
use crate::operations::end_dry_run;
use crate::operations::grants::check_tokens;
use crate::resolve::require_algorithm;
use crate::service::Kms;
use crate::spec::KeyUsage;

/// Agrees on a secret with the owner of a public key.
pub async fn derive_shared_secret(
    kms: &Kms,
    cx: &Ctx,
    input: DeriveSharedSecretRequest,
) -> Result<DeriveSharedSecretResponse, Error> {
    if input.recipient.is_some() {
        return Err(errors::unsupported_parameter("Recipient"));
    }
    check_tokens(kms, input.grant_tokens.as_deref())?;
    let record = kms.locate(cx, &input.key_id).await?;
    kms.require_use(cx, &record, KeyUsage::KeyAgreement)?;
    require_algorithm(&record, &input.key_agreement_algorithm)?;
    let secret = kms.secret(&record).await?;
    let SecretKey::Agreement(key) = secret.as_ref() else {
        return Err(errors::cryptography("agreeing on a secret"));
    };
    let shared = key.agree(&input.public_key).map_err(|PeerKeyRejected| {
        errors::invalid(format!("The public key is not a valid key with key spec {}.", record.spec.name()))
    })?;
    end_dry_run(input.dry_run)?;
    Ok(DeriveSharedSecretResponse {
        key_id: Some(record.arn()),
        shared_secret: Some(shared.to_vec().into()),
        ciphertext_for_recipient: None,
        key_agreement_algorithm: Some(input.key_agreement_algorithm),
        key_origin: Some(record.origin.name().to_owned()),
    })
}
