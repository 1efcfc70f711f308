//! Data keys from KMS, with the caller's rights, and what S3 makes of KMS's errors.

use std::collections::BTreeMap;

use api::kms::{Decrypt, DecryptRequest, GenerateDataKey, GenerateDataKeyRequest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use platform::{Ctx, OrFailure};
use store::StoreError;
use wire::Error;
use wire::schema::{ErrorDef, Fault};
use zeroize::Zeroizing;

use crate::envelope::{Envelope, Kms};

/// The alias of the key that AWS manages for S3.
const MANAGED: &str = "alias/aws/s3";

/// The key of the context under which S3 asks for data keys.
const CONTEXT_KEY: &str = "aws:s3:arn";

/// What a new object asks of KMS.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Id, alias or ARN of the key; `None` for the one that AWS manages.
    pub key: Option<String>,
    /// What the client adds to the context.
    pub context: BTreeMap<String, String>,
    /// Whether the context is the bucket's.
    pub is_bucket_key: bool,
    /// Whether bodies are encrypted twice.
    pub is_dual: bool,
}

/// Asks KMS, as the caller, for a data key for an object.
///
/// # Errors
/// What KMS says.
pub async fn generate(cx: &Ctx, region: &str, bucket: &str, key: &str, wanted: Wanted) -> Result<Envelope, Error> {
    let arn = match wanted.is_bucket_key {
        true => format!("arn:aws:s3:::{bucket}"),
        false => format!("arn:aws:s3:::{bucket}/{key}"),
    };
    let mut context = wanted.context;
    context.insert(CONTEXT_KEY.to_owned(), arn);
    let request = GenerateDataKeyRequest {
        key_id: wanted.key.unwrap_or_else(|| MANAGED.to_owned()),
        encryption_context: Some(context.clone()),
        key_spec: Some("AES_256".to_owned()),
        ..GenerateDataKeyRequest::default()
    };
    if let Some(other) = request.key_id.strip_prefix("arn:aws:kms:").and_then(|arn| arn.split(':').next())
        && other != region
    {
        return Err(Error::new(&NOT_FOUND, format!("Invalid arn {other}")));
    }
    let made = cx.in_region(region).call::<GenerateDataKey>(request).await.map_err(told)?;
    let missing = || StoreError::Read("KMS answered without a data key".into());
    let (Some(sealed), Some(plain), Some(key)) = (made.ciphertext_blob, made.plaintext, made.key_id) else {
        return Err(missing()).or_failure();
    };
    let plain = Zeroizing::new(plain.to_vec());
    let data_key = STANDARD.encode(sealed);
    let kms = Kms { key, context, is_bucket_key: wanted.is_bucket_key, is_dual: wanted.is_dual, data_key };
    Ok(Envelope::kms(kms, &plain))
}

/// Has KMS, as the caller, open an object's data key.
///
/// # Errors
/// What KMS says.
pub async fn decrypt(cx: &Ctx, kms: &Kms) -> Result<Zeroizing<Vec<u8>>, Error> {
    let missing = || StoreError::Read("the data key of an object is damaged".into());
    let sealed = STANDARD.decode(&kms.data_key).ok().ok_or_else(missing).or_failure()?;
    let request = DecryptRequest {
        ciphertext_blob: Some(sealed.into()),
        encryption_context: Some(kms.context.clone()),
        key_id: Some(kms.key.clone()),
        ..DecryptRequest::default()
    };
    // `arn:aws:kms:region:…`
    let region = kms.key.split(':').nth(3).unwrap_or(&cx.region);
    let opened = cx.in_region(region).call::<Decrypt>(request).await.map_err(told)?;
    let plain = opened.plaintext.ok_or_else(missing).or_failure()?;
    Ok(Zeroizing::new(plain.to_vec()))
}

const fn define(name: &'static str) -> ErrorDef {
    ErrorDef {
        name,
        code: name,
        status: 400,
        fault: Fault::Client,
        message_member: "Message",
        members: &[],
        query_code: None,
    }
}

static NOT_FOUND: ErrorDef = define("KMS.NotFoundException");
static DISABLED: ErrorDef = define("KMS.DisabledException");
static INVALID_STATE: ErrorDef = define("KMS.KMSInvalidStateException");
static UNAVAILABLE: ErrorDef = define("KMS.KeyUnavailableException");
static INVALID_USAGE: ErrorDef = define("KMS.InvalidKeyUsageException");
static INCORRECT: ErrorDef = define("KMS.IncorrectKeyException");
static UNREADABLE: ErrorDef = define("KMS.InvalidCiphertextException");
static REFUSED: ErrorDef = define("KMS.ValidationException");

/// An error of KMS as S3 tells it: under its code behind `KMS.`, but for denials.
fn told(error: Error) -> Error {
    let definition = match error.definition.name {
        "AccessDeniedException" => {
            return api::s3::errors::access_denied(error.message.unwrap_or("Access Denied".into()));
        }
        "NotFoundException" => &NOT_FOUND,
        "DisabledException" => &DISABLED,
        "KMSInvalidStateException" => &INVALID_STATE,
        "KeyUnavailableException" => &UNAVAILABLE,
        "InvalidKeyUsageException" => &INVALID_USAGE,
        "IncorrectKeyException" => &INCORRECT,
        "InvalidCiphertextException" => &UNREADABLE,
        "ValidationException" => &REFUSED,
        _ => return error,
    };
    match error.message {
        Some(message) => Error::new(definition, message),
        None => Error::bare(definition),
    }
}
