//! Comparing a request's signature with the one that the secret gives.

use http::request::Parts;
use subtle::ConstantTimeEq;

use crate::sigv4::canonical::{canonical_request, string_to_sign};
use crate::sigv4::credentials::SignatureV4;
use crate::sigv4::encoding::{hex, hmac_sha256};
use crate::sigv4::payload::{PayloadKind, payload};
use crate::sigv4::scope::{check_scope, check_time};
use crate::sigv4::{
    BodyCheck, BodyHash, ChunkSigner, Credentials, Dialect, Invalid, Mismatch, SignatureError, SigningKeys,
    SigningRules, version2,
};

/// Verifies a request that claims `credentials`, whose secret is `secret`. `now` is in Unix seconds.
///
/// # Errors
/// The first rule that is broken, in the order in which the family of the service checks them.
pub fn verify(
    parts: &Parts,
    credentials: &Credentials,
    secret: &str,
    body: BodyHash,
    rules: &SigningRules<'_>,
    keys: &SigningKeys,
    now: i64,
) -> Result<BodyCheck, SignatureError> {
    check_scope(parts, credentials, rules, now)?;
    let check = match credentials {
        Credentials::Header(signature) => verify_version4(parts, signature, false, secret, body, rules, keys)?,
        Credentials::Presigned { signature, .. } => verify_version4(parts, signature, true, secret, body, rules, keys)?,
        Credentials::Version2(signature) => {
            version2::verify_query(parts, signature, secret, rules.host_bucket)?;
            BodyCheck::Done
        }
        Credentials::Anonymous | Credentials::Version4A(_) => return Err(SignatureError::MissingCredentials),
    };
    if rules.dialect == Dialect::S3 {
        check_time(credentials, rules, now)?;
    }
    Ok(check)
}

fn verify_version4(
    parts: &Parts,
    signature: &SignatureV4,
    is_presigned: bool,
    secret: &str,
    body: BodyHash,
    rules: &SigningRules<'_>,
    keys: &SigningKeys,
) -> Result<BodyCheck, SignatureError> {
    let payload = payload(parts, rules.dialect, is_presigned, body)?;
    let canonical = canonical_request(parts, rules.dialect, &signature.signed_headers, &payload.hash);
    let to_sign = string_to_sign(&signature.time, signature.credential.scope(), &canonical);
    let signing_key = keys.signing_key(&signature.credential, secret);
    let expected = hex(&hmac_sha256(&signing_key, to_sign.as_bytes()));
    if !signatures_equal(&expected, &signature.signature) {
        return Err(Invalid::Mismatch(Box::new(Mismatch {
            access_key: signature.credential.access_key().to_owned(),
            signature_provided: signature.signature.clone(),
            string_to_sign: to_sign,
            canonical_request: Some(canonical),
        }))
        .into());
    }
    match (payload.kind, body) {
        (PayloadKind::Hashed | PayloadKind::Unsigned, _) => Ok(BodyCheck::Done),
        (PayloadKind::Declared(declared), BodyHash::Known(computed)) if declared != computed => {
            Err(Invalid::PayloadMismatch { declared: payload.hash, computed: hex(&computed) }.into())
        }
        (PayloadKind::Declared(_), BodyHash::Known(_)) => Ok(BodyCheck::Done),
        (PayloadKind::Declared(declared), BodyHash::Unread) => Ok(BodyCheck::Sha256(declared)),
        (PayloadKind::Streaming(streaming), _) => {
            let signer = streaming
                .signed
                .then(|| ChunkSigner::new(signing_key, &signature.credential, &signature.time, expected));
            Ok(BodyCheck::Chunked { payload: streaming, signer })
        }
    }
}

/// Compares hexadecimal signatures in constant time; upper case is as good as lower.
pub(crate) fn signatures_equal(expected: &str, provided: &str) -> bool {
    expected.as_bytes().ct_eq(provided.to_ascii_lowercase().as_bytes()).into()
}
