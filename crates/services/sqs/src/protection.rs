//! Payloads at rest: encrypted under the installation's key, or under a key of KMS with the caller's rights, or as they
//! are, as the queue is set.

use platform::envelope::{self, EncryptionContext};
use platform::{Ctx, OrFailure};
use store::StoreError;
use wire::Error;

use crate::payload::Payload;
use crate::queue::Settings;

/// The key that SQS manages itself: what is encrypted under it needs no permission of the caller's.
const OWN_ALIAS: &str = "alias/aws/sqs";

/// What a sealed payload is bound to.
const SEALED_FOR: &str = "sqs/payload";

/// First bytes of stored payloads.
const PLAIN: u8 = 0;
const SEALED: u8 = 1;
const ENVELOPE: u8 = 2;

/// How a queue keeps its payloads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Protection {
    /// As they are.
    None,
    /// Under the installation's key.
    Managed,
    /// Under a key of KMS.
    Key(String),
}

impl Protection {
    /// What a queue is set to.
    pub fn of(settings: &Settings) -> Protection {
        match &settings.kms_key {
            Some(key) if !key.ends_with(OWN_ALIAS) => Protection::Key(key.clone()),
            Some(_) => Protection::Managed,
            None if settings.managed_encryption => Protection::Managed,
            None => Protection::None,
        }
    }
}

/// A payload as it is stored.
///
/// # Errors
/// Those of KMS.
pub async fn protect(cx: &Ctx, protection: &Protection, payload: &[u8]) -> Result<Vec<u8>, Error> {
    let (kind, bytes) = match protection {
        Protection::None => (PLAIN, payload.to_vec()),
        Protection::Managed => (SEALED, cx.platform.sealing.seal(SEALED_FOR, payload)),
        Protection::Key(key) => {
            let sealed = envelope::seal(cx, key, &EncryptionContext::new(), payload).await;
            (ENVELOPE, sealed.map_err(of_kms)?)
        }
    };
    Ok([&[kind], bytes.as_slice()].concat())
}

/// A stored payload as it was handed over.
///
/// # Errors
/// Those of KMS, and `InternalFailure` for one that cannot be read.
pub async fn open(cx: &Ctx, stored: &[u8]) -> Result<Payload, Error> {
    let payload = match stored.split_first() {
        Some((&PLAIN, payload)) => Payload::decode(payload),
        Some((&SEALED, sealed)) => {
            cx.platform.sealing.open(SEALED_FOR, sealed).ok().and_then(|payload| Payload::decode(&payload))
        }
        Some((&ENVELOPE, sealed)) => {
            let opened = envelope::open(cx, &EncryptionContext::new(), sealed).await.map_err(of_kms)?;
            Payload::decode(&opened)
        }
        _ => None,
    };
    payload.ok_or_else(|| StoreError::Read("a payload cannot be read".into())).or_failure()
}

/// An error of KMS as SQS reports it.
fn of_kms(error: Error) -> Error {
    use api::sqs::errors;
    let text = error.message.clone().unwrap_or_default();
    match error.definition.name {
        "NotFoundException" => errors::kms_not_found(text),
        "DisabledException" => errors::kms_disabled(text),
        "KMSInvalidStateException" => errors::kms_invalid_state(text),
        "InvalidKeyUsageException" => errors::kms_invalid_key_usage(text),
        "AccessDeniedException" => errors::kms_access_denied(text),
        _ => error,
    }
}
