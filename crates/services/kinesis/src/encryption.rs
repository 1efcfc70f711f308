//! Data under a key of KMS: each record in an envelope of its own, made with the writer's rights and opened with the
//! reader's.

use api::kinesis::errors;
use bytes::Bytes;
use platform::Ctx;
use platform::envelope::{self, EncryptionContext};
use wire::Error;

use crate::names::StreamName;

/// What an envelope is bound to, as KMS sees it (developer guide, "Permissions to use user-generated KMS keys").
fn context(name: &StreamName) -> EncryptionContext {
    EncryptionContext::from([("aws:kinesis:arn".to_owned(), name.arn())])
}

/// Data in an envelope.
///
/// # Errors
/// Those of KMS, as Kinesis names them.
pub async fn seal(cx: &Ctx, name: &StreamName, key_id: &str, data: &[u8]) -> Result<Bytes, Error> {
    envelope::seal(cx, key_id, &context(name), data).await.map(Bytes::from).map_err(of_kms)
}

/// What is in an envelope.
///
/// # Errors
/// Those of KMS, as Kinesis names them.
pub async fn open(cx: &Ctx, name: &StreamName, envelope: &[u8]) -> Result<Bytes, Error> {
    let opened = envelope::open(cx, &context(name), envelope).await.map_err(of_kms)?;
    Ok(Bytes::copy_from_slice(&opened))
}

/// Checks that a key can be used.
///
/// # Errors
/// Those of KMS, as Kinesis names them.
pub async fn check(cx: &Ctx, key_id: &str) -> Result<(), Error> {
    let input = api::kms::DescribeKeyRequest { key_id: key_id.to_owned(), ..Default::default() };
    let answer = cx.call::<api::kms::DescribeKey>(input).await.map_err(of_kms)?;
    match answer.key_metadata.and_then(|key| key.key_state).as_deref() {
        Some("Enabled") | None => Ok(()),
        Some("Disabled") => Err(errors::kms_disabled_exception(format!("{key_id} is disabled."))),
        Some(state) => Err(errors::kms_invalid_state_exception(format!("{key_id} is in state {state}."))),
    }
}

/// An error of KMS as Kinesis reports it.
fn of_kms(error: Error) -> Error {
    let text = error.message.clone().unwrap_or_default();
    match error.definition.name {
        "NotFoundException" => errors::kms_not_found_exception(text),
        "DisabledException" => errors::kms_disabled_exception(text),
        "KMSInvalidStateException" => errors::kms_invalid_state_exception(text),
        "AccessDeniedException" => errors::kms_access_denied_exception(text),
        "ThrottlingException" => errors::kms_throttling_exception(text),
        _ => error,
    }
}
