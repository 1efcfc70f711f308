//! Signing requests of our own: the other side of [`verify`](super::verify()).

use http::HeaderValue;
use http::request::Parts;

use super::canonical::{canonical_request, string_to_sign};
use super::encoding::{hex, hmac_sha256, sha256};
use super::keys::derive_signing_key;
use super::{Dialect, RequestTime};

/// The headers that are signed, in the order in which they are.
const SIGNED_HEADERS: &str = "host;x-amz-content-sha256;x-amz-date";

/// Those with a session token, where the request brings one.
const SIGNED_WITH_TOKEN: &str = "host;x-amz-content-sha256;x-amz-date;x-amz-security-token";

/// With whose credentials and for which service a request is signed.
#[derive(Clone, Copy)]
pub struct Signer<'a> {
    /// The access key id.
    pub access_key: &'a str,
    /// The secret access key.
    pub secret: &'a str,
    /// For example `us-east-1`.
    pub region: &'a str,
    /// The signing name, for example `lambda`.
    pub service: &'a str,
}

impl Signer<'_> {
    /// Adds `X-Amz-Date`, `X-Amz-Content-Sha256` and `Authorization` to a request that has a `Host` header.
    pub fn sign(&self, parts: &mut Parts, dialect: Dialect, body: &[u8], unix_seconds: i64) {
        let time = RequestTime::at(unix_seconds);
        let payload_hash = hex(&sha256(body));
        parts.headers.insert("x-amz-date", ascii(&time.basic));
        parts.headers.insert("x-amz-content-sha256", ascii(&payload_hash));
        let scope = format!("{}/{}/{}/aws4_request", time.date(), self.region, self.service);
        let has_token = parts.headers.contains_key("x-amz-security-token");
        let signed = if has_token { SIGNED_WITH_TOKEN } else { SIGNED_HEADERS };
        let canonical = canonical_request(parts, dialect, signed, &payload_hash);
        let key = derive_signing_key(self.secret, time.date(), self.region, self.service);
        let signature = hex(&hmac_sha256(&key, string_to_sign(&time, &scope, &canonical).as_bytes()));
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={signed}, Signature={signature}",
            self.access_key
        );
        parts.headers.insert(http::header::AUTHORIZATION, ascii(&authorization));
    }
}

/// Dates and digests are ASCII; an access key that is not would not be accepted anyway.
fn ascii(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sigv4::{BodyHash, SigningKeys, SigningRules, parse_credentials, verify};

    #[test]
    fn what_is_signed_verifies_and_nothing_else_does() {
        let signer =
            Signer { access_key: "AKIAIOSFODNN7EXAMPLE", secret: "s3cret", region: "eu-west-1", service: "lambda" };
        let request = http::Request::post("/2015-03-31/functions/a%3Ab/invocations?Qualifier=1")
            .header("host", "127.0.0.1:4566")
            .body(())
            .expect("a request");
        let (mut parts, ()) = request.into_parts();
        signer.sign(&mut parts, Dialect::RestJson, b"{}", 1_700_000_000);
        let credentials = parse_credentials(&parts).expect("readable");
        let keys = SigningKeys::default();
        let rules = SigningRules {
            dialect: Dialect::RestJson,
            service: "lambda",
            region: Some("eu-west-1"),
            host_bucket: None,
        };
        let check = |secret: &str, body: &[u8]| {
            verify(&parts, &credentials, secret, BodyHash::Known(sha256(body)), &rules, &keys, 1_700_000_010).is_ok()
        };
        assert!(check("s3cret", b"{}"));
        assert!(!check("other", b"{}"));
        assert!(!check("s3cret", b"[]"));
    }
}
