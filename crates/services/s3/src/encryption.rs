//! Which encryption a new object gets: what the request asks for, else what its bucket does by default.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use platform::Ctx;
use serde::{Deserialize, Serialize};
use wire::Error;

use crate::bucket::Bucket;
use crate::customer_key::CustomerKey;
use crate::envelope::Envelope;
use crate::errors::{argument, unsupported};
use crate::kms_keys::{self, Wanted};
use crate::limits::CONTEXT_BYTES_MAX;
use crate::service::S3;

/// What a bucket does with objects whose request says nothing about encryption.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefaultEncryption {
    /// `AES256`, `aws:kms` or `aws:kms:dsse`.
    pub algorithm: String,
    /// The key of KMS, as it was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Whether objects under a key of KMS share the bucket's context.
    pub has_bucket_key: bool,
    /// Kinds of encryption that the bucket refuses: `SSE-C`, or `NONE`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocked: Vec<String>,
}

impl Default for DefaultEncryption {
    fn default() -> DefaultEncryption {
        DefaultEncryption { algorithm: "AES256".to_owned(), key: None, has_bucket_key: false, blocked: Vec::new() }
    }
}

/// What a request asks for.
#[derive(Default)]
pub struct Asked {
    /// `x-amz-server-side-encryption`.
    pub algorithm: Option<String>,
    /// `…-aws-kms-key-id`.
    pub key: Option<String>,
    /// `…-context`.
    pub context: Option<String>,
    /// `…-bucket-key-enabled`.
    pub bucket_key: Option<bool>,
    /// The customer's key.
    pub customer: Option<CustomerKey>,
}

/// What the input of an operation asks for.
macro_rules! asked {
    ($input:expr) => {
        $crate::encryption::Asked {
            algorithm: $input.server_side_encryption.clone(),
            key: $input.ssekms_key_id.clone(),
            context: $input.ssekms_encryption_context.clone(),
            bucket_key: $input.bucket_key_enabled,
            customer: $crate::customer_key::customer_key!($input)?,
        }
    };
}

pub(crate) use asked;

const HEADER: &str = "x-amz-server-side-encryption";

/// The encryption of a new object.
///
/// # Errors
/// `InvalidArgument`, `AccessDenied` where the bucket blocks it, and what KMS says.
pub async fn chosen(
    service: &S3,
    cx: &Ctx,
    bucket: &Bucket,
    (name, key): (&str, &str),
    asked: &Asked,
) -> Result<Envelope, Error> {
    let default = bucket.encryption.clone().unwrap_or_default();
    check(asked)?;
    if let Some(customer) = &asked.customer {
        if default.blocked.iter().any(|blocked| blocked == "SSE-C") {
            return Err(api::s3::errors::access_denied("Access Denied"));
        }
        return Ok(Envelope::customer(service, customer));
    }
    let algorithm = asked.algorithm.as_deref().unwrap_or(&default.algorithm);
    if algorithm == "AES256" {
        return Ok(Envelope::installation());
    }
    // A request that names the method but no key gets the key that AWS manages.
    let by_default = default.key.filter(|_| asked.algorithm.is_none());
    let is_dual = algorithm == "aws:kms:dsse";
    let is_bucket_key = asked.bucket_key.unwrap_or(default.has_bucket_key) && !is_dual;
    let context = asked.context.as_deref().map(read_context).transpose()?.unwrap_or_default();
    let wanted = Wanted { key: asked.key.clone().or(by_default), context, is_bucket_key, is_dual };
    kms_keys::generate(cx, &bucket.region, name, key, wanted).await
}

/// Refuses headers that contradict each other.
fn check(asked: &Asked) -> Result<(), Error> {
    let algorithm = asked.algorithm.as_deref();
    if let Some(other) = algorithm.filter(|name| !["AES256", "aws:kms", "aws:kms:dsse"].contains(name)) {
        if other == "aws:fsx" {
            return Err(unsupported(HEADER));
        }
        return Err(argument("The encryption method specified is not supported", HEADER, other));
    }
    if let (Some(algorithm), Some(_)) = (algorithm, &asked.customer) {
        let text =
            "Server Side Encryption with Customer provided key is incompatible with the encryption method specified";
        return Err(argument(text, HEADER, algorithm));
    }
    let is_kms = algorithm.is_some_and(|algorithm| algorithm.starts_with("aws:kms"));
    if asked.key.is_some() && !is_kms {
        let text = "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms";
        return Err(argument(text, HEADER, algorithm.unwrap_or("null")));
    }
    if asked.context.is_some() && algorithm == Some("AES256") {
        let text = "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms";
        return Err(argument(text, HEADER, "AES256"));
    }
    Ok(())
}

/// Reads the context of a request: JSON in base64, texts by texts.
fn read_context(header: &str) -> Result<BTreeMap<String, String>, Error> {
    let document = STANDARD.decode(header).ok().filter(|document| document.len() <= CONTEXT_BYTES_MAX);
    document.and_then(|document| serde_json::from_slice(&document).ok()).ok_or_else(|| {
        let text = "The header 'x-amz-server-side-encryption-context' shall be Base64-encoded UTF-8 string holding JSON \
                    which represents a string-string map";
        argument(text, "x-amz-server-side-encryption-context", header)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_is_a_map_of_texts() {
        let read = |document: &str| read_context(&STANDARD.encode(document));
        assert_eq!(read(r#"{"a":"b"}"#).unwrap().get("a").map(String::as_str), Some("b"));
        for document in ["", "[]", r#"{"a":1}"#, r#"{"a":{"b":"c"}}"#] {
            assert!(read(document).unwrap_err().is("InvalidArgument"), "{document}");
        }
        assert!(read_context("not base64").unwrap_err().is("InvalidArgument"));
    }

    #[test]
    fn headers_must_not_contradict_each_other() {
        let asked = |algorithm: Option<&str>, key: Option<&str>| Asked {
            algorithm: algorithm.map(str::to_owned),
            key: key.map(str::to_owned),
            ..Asked::default()
        };
        for right in [asked(None, None), asked(Some("aws:kms"), Some("k")), asked(Some("aws:kms:dsse"), None)] {
            assert!(check(&right).is_ok());
        }
        for wrong in [asked(Some("AES128"), None), asked(Some("AES256"), Some("k")), asked(None, Some("k"))] {
            assert!(check(&wrong).unwrap_err().is("InvalidArgument"));
        }
    }
}
