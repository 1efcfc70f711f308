//! Secure strings through KMS, with the caller's rights, bound to the parameter's ARN as AWS binds them.

use api::kms;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use platform::envelope::{self, EncryptionContext};
use platform::{Ctx, OrFailure};
use store::StoreError;
use wire::Error;
use zeroize::Zeroizing;

use crate::errors;
use crate::records::StoredValue;

/// AWS's own key, where the caller names none.
pub const DEFAULT_KEY: &str = "alias/aws/ssm";

/// Encrypts a value: KMS itself does for the standard tier, a data key of KMS for the advanced one.
///
/// # Errors
/// `InvalidKeyId`, `AccessDeniedException`.
pub async fn seal(cx: &Ctx, arn: &str, key_id: &str, is_advanced: bool, value: &str) -> Result<StoredValue, Error> {
    let context = context(arn);
    if is_advanced {
        let sealed = envelope::seal(cx, key_id, &context, value.as_bytes()).await.map_err(errors::of_kms)?;
        return Ok(StoredValue::Enveloped(STANDARD.encode(sealed)));
    }
    let request = kms::EncryptRequest {
        key_id: key_id.to_owned(),
        plaintext: value.as_bytes().to_vec().into(),
        encryption_context: Some(context),
        ..Default::default()
    };
    let answer = cx.call::<kms::Encrypt>(request).await.map_err(errors::of_kms)?;
    Ok(StoredValue::Encrypted(STANDARD.encode(answer.ciphertext_blob.unwrap_or_default())))
}

/// A value as an answer tells it: in the clear if it is not encrypted or that is asked for.
///
/// # Errors
/// `InvalidKeyId`, `AccessDeniedException`.
pub async fn reveal(cx: &Ctx, arn: &str, value: &StoredValue, decrypt: bool) -> Result<String, Error> {
    let encrypted = match value {
        StoredValue::Plain(text) => return Ok(text.clone()),
        StoredValue::Encrypted(text) | StoredValue::Enveloped(text) if !decrypt => return Ok(text.clone()),
        StoredValue::Encrypted(text) | StoredValue::Enveloped(text) => {
            STANDARD.decode(text).map_err(|_| unreadable())?
        }
    };
    let bytes = if matches!(value, StoredValue::Enveloped(_)) {
        envelope::open(cx, &context(arn), &encrypted).await.map_err(errors::of_kms)?
    } else {
        let request = kms::DecryptRequest {
            ciphertext_blob: Some(encrypted.into()),
            encryption_context: Some(context(arn)),
            ..Default::default()
        };
        let answer = cx.call::<kms::Decrypt>(request).await.map_err(errors::of_kms)?;
        Zeroizing::new(answer.plaintext.unwrap_or_default().to_vec())
    };
    std::str::from_utf8(&bytes).map(str::to_owned).map_err(|_| unreadable())
}

fn context(arn: &str) -> EncryptionContext {
    EncryptionContext::from([("PARAMETER_ARN".to_owned(), arn.to_owned())])
}

fn unreadable() -> Error {
    let unreadable: Result<(), StoreError> = Err(StoreError::Read("an encrypted value cannot be read".into()));
    unreadable.or_failure().expect_err("it is an error")
}
