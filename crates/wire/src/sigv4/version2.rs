//! Signature Version 2 in query strings and POST forms: old SDKs still presign S3 URLs with it.
//!
//! Rules: Amazon S3 Developer Guide, "Signing and Authenticating REST Requests".

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http::request::Parts;
use sha1::Sha1;
use subtle::ConstantTimeEq;

use crate::sigv4::encoding::{decode_query_text, query_pairs};
use crate::sigv4::{Invalid, Mismatch, SignatureV2};

/// Query keys that are part of the signed resource, sorted.
const SUBRESOURCES: [&str; 35] = [
    "accelerate",
    "acl",
    "analytics",
    "cors",
    "defaultObjectAcl",
    "delete",
    "inventory",
    "lifecycle",
    "location",
    "logging",
    "metrics",
    "notification",
    "object-lock",
    "partNumber",
    "policy",
    "replication",
    "requestPayment",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "restore",
    "select",
    "select-type",
    "storageClass",
    "tagging",
    "torrent",
    "uploadId",
    "uploads",
    "versionId",
    "versioning",
    "versions",
    "website",
];

/// Verifies a presigned URL.
pub(crate) fn verify_query(
    parts: &Parts,
    signature: &SignatureV2,
    secret: &str,
    host_bucket: Option<&str>,
) -> Result<(), Invalid> {
    let string_to_sign = string_to_sign(parts, signature, host_bucket);
    check(&signature.access_key, &signature.signature, secret, string_to_sign)
}

/// Compares base64 of HMAC-SHA-1 of `string_to_sign` with `provided`, in constant time.
pub(crate) fn check(access_key: &str, provided: &str, secret: &str, string_to_sign: String) -> Result<(), Invalid> {
    let mut mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(string_to_sign.as_bytes());
    let expected = STANDARD.encode(mac.finalize().into_bytes());
    if bool::from(expected.as_bytes().ct_eq(provided.as_bytes())) {
        return Ok(());
    }
    Err(Invalid::Mismatch(Box::new(Mismatch {
        access_key: access_key.to_owned(),
        signature_provided: provided.to_owned(),
        string_to_sign,
        canonical_request: None,
    })))
}

/// Presigning moves `Content-MD5`, `Content-Type` and `x-amz-*` headers into the query; both places are read.
fn string_to_sign(parts: &Parts, signature: &SignatureV2, host_bucket: Option<&str>) -> String {
    let mut out = String::new();
    let query = parts.uri.query().unwrap_or("");
    let header = |name: &str| {
        let in_header = parts.headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        in_header.or_else(|| {
            let (_, value) = query_pairs(query).find(|(key, _)| key.eq_ignore_ascii_case(name))?;
            Some(decode_query_text(value).into_owned())
        })
    };
    for line in [
        parts.method.as_str(),
        &header("content-md5").unwrap_or_default(),
        &header("content-type").unwrap_or_default(),
        &signature.expires.to_string(),
    ] {
        out.push_str(line);
        out.push('\n');
    }
    push_amz_headers(&mut out, parts, query);
    if let Some(bucket) = host_bucket {
        out.push('/');
        out.push_str(bucket);
    }
    out.push_str(parts.uri.path());
    push_subresources(&mut out, query);
    out
}

fn push_amz_headers(out: &mut String, parts: &Parts, query: &str) {
    let mut lines: Vec<(String, String)> = Vec::new();
    for name in parts.headers.keys().filter(|name| name.as_str().starts_with("x-amz-")) {
        let values = parts.headers.get_all(name).iter();
        let values: Vec<_> = values.map(|value| String::from_utf8_lossy(value.as_bytes()).trim().to_owned()).collect();
        lines.push((name.as_str().to_owned(), values.join(",")));
    }
    for (name, value) in query_pairs(query) {
        let name = name.to_ascii_lowercase();
        if name.starts_with("x-amz-") && !lines.iter().any(|(existing, _)| *existing == name) {
            lines.push((name, decode_query_text(value).trim().to_owned()));
        }
    }
    lines.sort_unstable();
    for (name, value) in lines {
        out.push_str(&name);
        out.push(':');
        out.push_str(&value);
        out.push('\n');
    }
}

fn push_subresources(out: &mut String, query: &str) {
    let is_signed = |key: &str| SUBRESOURCES.binary_search(&key).is_ok();
    let mut pairs: Vec<(&str, &str)> = query_pairs(query).filter(|(key, _)| is_signed(key)).collect();
    pairs.sort_unstable();
    for (index, (key, value)) in pairs.into_iter().enumerate() {
        out.push(if index == 0 { '?' } else { '&' });
        out.push_str(key);
        if !value.is_empty() {
            out.push('=');
            out.push_str(&decode_query_text(value));
        }
    }
}
