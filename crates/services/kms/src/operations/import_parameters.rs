//! What is needed to bring key material in: a public key to wrap it under, and a token that stands for the private one.

use api::kms::enums::wrapping_key_spec;
use api::kms::errors::{expired_import_token_exception, invalid_import_token_exception};
use api::kms::{GetParametersForImportRequest, GetParametersForImportResponse};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use platform::Ctx;
use serde::{Deserialize, Serialize};
use wire::Error;
use zeroize::Zeroizing;

use crate::crypto::{WrappingAlgorithm, WrappingKey};
use crate::errors;
use crate::limits::IMPORT_PARAMETERS_LIFETIME_MS;
use crate::names::KeyName;
use crate::operations::own_key;
use crate::records::{KeyRecord, Origin};
use crate::resolve::require_kept;
use crate::service::{Kms, timestamp};
use crate::spec::{Curve, KeySpec, RsaSize};

/// What an import token says; it is sealed, so it needs no memory here.
#[derive(Serialize, Deserialize)]
struct ImportToken {
    algorithm: WrappingAlgorithm,
    /// PKCS #8 in base 64.
    private_key: String,
    /// In milliseconds since 1970.
    expires_at: i64,
}

/// Hands out what an import needs.
pub async fn get_parameters_for_import(
    kms: &Kms,
    cx: &Ctx,
    input: GetParametersForImportRequest,
) -> Result<GetParametersForImportResponse, Error> {
    let name = own_key(cx, &input.key_id)?;
    let record = kms.find(&name).await?;
    require_importable(&record)?;
    let name_of_algorithm = &input.wrapping_algorithm;
    let algorithm = WrappingAlgorithm::parse(name_of_algorithm).ok_or_else(|| {
        errors::unsupported_operation(format!("WrappingAlgorithm {name_of_algorithm} is not supported."))
    })?;
    let size = match input.wrapping_key_spec.as_str() {
        wrapping_key_spec::RSA_2048 => RsaSize::Bits2048,
        wrapping_key_spec::RSA_3072 => RsaSize::Bits3072,
        wrapping_key_spec::RSA_4096 => RsaSize::Bits4096,
        other => return Err(errors::unsupported_operation(format!("WrappingKeySpec {other} is not supported."))),
    };
    // A private key of RSA or ML-DSA is longer than what RSA wraps, and so is one of P-521 for the smallest modulus.
    let is_long = match record.spec {
        KeySpec::Rsa(_) | KeySpec::MlDsa(_) => true,
        KeySpec::Ecc(Curve::P521) => size == RsaSize::Bits2048,
        _ => false,
    };
    if is_long && !algorithm.is_hybrid() {
        return Err(errors::invalid(format!(
            "WrappingAlgorithm {name_of_algorithm} and WrappingKeySpec {} cannot wrap key material of KeySpec {}.",
            input.wrapping_key_spec,
            record.spec.name()
        )));
    }
    let pair = kms.make_pair(KeySpec::Rsa(size)).await?;
    let expires_at = kms.now() + IMPORT_PARAMETERS_LIFETIME_MS;
    let token = ImportToken { algorithm, private_key: STANDARD.encode(&pair.secret), expires_at };
    let token = Zeroizing::new(serde_json::to_vec(&token).expect("a token is plain text and numbers"));
    Ok(GetParametersForImportResponse {
        key_id: Some(record.arn()),
        import_token: Some(kms.platform.sealing.seal(&token_context(&name), &token).into()),
        public_key: Some(pair.public.into()),
        parameters_valid_to: Some(timestamp(expires_at)),
    })
}

/// Checks that material can be imported into a key.
///
/// # Errors
/// `UnsupportedOperationException`, `KMSInvalidStateException`.
pub fn require_importable(record: &KeyRecord) -> Result<(), Error> {
    if record.origin != Origin::External {
        return Err(errors::wrong_origin(&record.arn(), record.origin.name()));
    }
    require_kept(record)
}

/// The private key behind a token.
///
/// # Errors
/// `InvalidImportTokenException` for another key's token or none of ours, `ExpiredImportTokenException`.
pub fn read_token(kms: &Kms, name: &KeyName, token: &[u8]) -> Result<WrappingKey, Error> {
    let invalid = || invalid_import_token_exception("The import token is not valid for this key.");
    let opened = kms.platform.sealing.open(&token_context(name), token).map_err(|_| invalid())?;
    let token: ImportToken = serde_json::from_slice(&opened).map_err(|_| invalid())?;
    if token.expires_at <= kms.now() {
        return Err(expired_import_token_exception("The import token has expired."));
    }
    let private_key = Zeroizing::new(STANDARD.decode(&token.private_key).map_err(|_| invalid())?);
    WrappingKey::read(token.algorithm, &private_key).map_err(|_| invalid())
}

fn token_context(name: &KeyName) -> String {
    format!("kms/import-token/{}", name.arn())
}
