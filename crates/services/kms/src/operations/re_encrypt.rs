//! Decryption and encryption in one, so that the message never leaves.

use api::kms::{ReEncryptRequest, ReEncryptResponse};
use platform::Ctx;
use wire::Error;

use crate::operations::decrypt::{Ciphertext, wanted_blob};
use crate::operations::encrypt::{Encryption, check_context};
use crate::operations::end_dry_run;
use crate::operations::grants::check_tokens;
use crate::resolve::require_algorithm;
use crate::service::Kms;
use crate::spec::KeyUsage;

/// Decrypts a message with one key and encrypts it with another.
pub async fn re_encrypt(kms: &Kms, cx: &Ctx, input: ReEncryptRequest) -> Result<ReEncryptResponse, Error> {
    check_tokens(kms, input.grant_tokens.as_deref())?;
    let from = Encryption::parse(input.source_encryption_algorithm.as_deref())?;
    let to = Encryption::parse(input.destination_encryption_algorithm.as_deref())?;
    let source_context = check_context(from, input.source_encryption_context)?;
    let destination_context = check_context(to, input.destination_encryption_context)?;
    let modifiers = input.dry_run_modifiers.as_deref().unwrap_or_default();
    let blob = wanted_blob(input.ciphertext_blob.as_deref(), input.dry_run, modifiers)?;
    let ciphertext =
        Ciphertext { blob, key_id: input.source_key_id.as_deref(), encryption: from, context: &source_context };
    let opened = kms.open(cx, ciphertext).await?;
    let destination = kms.locate(cx, &input.destination_key_id).await?;
    kms.require_use(cx, &destination, KeyUsage::Encryption)?;
    require_algorithm(&destination, to.name())?;
    let blob = kms.encrypt_with(&destination, to, &destination_context, &opened.plaintext).await?;
    end_dry_run(input.dry_run)?;
    Ok(ReEncryptResponse {
        ciphertext_blob: Some(blob.into()),
        source_key_id: Some(opened.record.arn()),
        key_id: Some(destination.arn()),
        source_encryption_algorithm: Some(from.name().to_owned()),
        destination_encryption_algorithm: Some(to.name().to_owned()),
        source_key_material_id: opened.material_id,
        destination_key_material_id: destination.shown_material_id(),
    })
}
