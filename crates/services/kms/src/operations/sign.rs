//! Signatures.

use api::kms::enums::message_type;
use api::kms::errors::KMS_INVALID_SIGNATURE_EXCEPTION;
use api::kms::{SignRequest, SignResponse, VerifyRequest, VerifyResponse};
use platform::Ctx;
use wire::Error;

use crate::crypto::{self, SecretKey, SigningAlgorithm, ToSign};
use crate::errors;
use crate::operations::encrypt::public_key_of;
use crate::operations::end_dry_run;
use crate::operations::grants::check_tokens;
use crate::records::KeyRecord;
use crate::resolve::require_algorithm;
use crate::service::{Kms, blocking};
use crate::spec::KeyUsage;

/// Signs a message, or its digest.
pub async fn sign(kms: &Kms, cx: &Ctx, input: SignRequest) -> Result<SignResponse, Error> {
    check_tokens(kms, input.grant_tokens.as_deref())?;
    let (record, algorithm) = prepare(kms, cx, &input.key_id, &input.signing_algorithm).await?;
    let is_digest = is_digest(&input.signing_algorithm, algorithm, input.message_type.as_deref(), &input.message)?;
    let secret = kms.secret(&record).await?;
    let message = input.message.clone();
    let signature = blocking(move || {
        let SecretKey::Signing(key) = secret.as_ref() else { return Err(errors::cryptography("signing")) };
        key.sign(algorithm, to_sign(is_digest, &message)).map_err(|_| errors::cryptography("signing"))
    })
    .await?;
    end_dry_run(input.dry_run)?;
    Ok(SignResponse {
        key_id: Some(record.arn()),
        signature: Some(signature.into()),
        signing_algorithm: Some(input.signing_algorithm),
    })
}

/// Verifies the signature of a message, or of its digest.
pub async fn verify(kms: &Kms, cx: &Ctx, input: VerifyRequest) -> Result<VerifyResponse, Error> {
    check_tokens(kms, input.grant_tokens.as_deref())?;
    let (record, algorithm) = prepare(kms, cx, &input.key_id, &input.signing_algorithm).await?;
    let is_digest = is_digest(&input.signing_algorithm, algorithm, input.message_type.as_deref(), &input.message)?;
    let public = public_key_of(&record)?;
    let signed = to_sign(is_digest, &input.message);
    let is_valid = crypto::verify(record.spec, &public, algorithm, signed, &input.signature)
        .map_err(|_| errors::cryptography("verifying"))?;
    if !is_valid {
        return Err(Error::bare(&KMS_INVALID_SIGNATURE_EXCEPTION));
    }
    end_dry_run(input.dry_run)?;
    Ok(VerifyResponse {
        key_id: Some(record.arn()),
        signature_valid: Some(true),
        signing_algorithm: Some(input.signing_algorithm),
    })
}

async fn prepare(kms: &Kms, cx: &Ctx, key_id: &str, algorithm: &str) -> Result<(KeyRecord, SigningAlgorithm), Error> {
    let record = kms.locate(cx, key_id).await?;
    kms.require_use(cx, &record, KeyUsage::Signing)?;
    let parsed = SigningAlgorithm::parse(algorithm)
        .ok_or_else(|| errors::unsupported_operation(format!("SigningAlgorithm {algorithm} is not supported.")))?;
    require_algorithm(&record, algorithm)?;
    Ok((record, parsed))
}

/// Whether the message is a digest already.
///
/// # Errors
/// `ValidationException` if it cannot be one.
fn is_digest(name: &str, algorithm: SigningAlgorithm, kind: Option<&str>, message: &[u8]) -> Result<bool, Error> {
    match (kind.unwrap_or(message_type::RAW), algorithm.digest_bytes()) {
        (message_type::RAW, _) => Ok(false),
        (message_type::DIGEST, Some(length)) if length == message.len() => Ok(true),
        (message_type::DIGEST, Some(_)) => {
            Err(errors::invalid(format!("Digest is invalid length for algorithm {name}.")))
        }
        (other, _) => Err(errors::invalid(format!("MessageType {other} is not supported with algorithm {name}."))),
    }
}

fn to_sign(is_digest: bool, message: &[u8]) -> ToSign<'_> {
    if is_digest { ToSign::Digest(message) } else { ToSign::Message(message) }
}
