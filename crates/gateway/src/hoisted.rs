//! Headers that a presigned URL of S3 carries in its query string, where the signature covers them.
//!
//! Signers move the headers `x-amz-…` of a request into the URL, so that whoever has it need not send them (S3 API
//! Reference, "Authenticating Requests: Using Query Parameters"; version 2 of the signature does so with `x-amz-meta-…`).

use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;
use wire::sigv4::Credentials;

/// Parameters that are of the signature itself.
const OF_THE_SIGNATURE: [&str; 7] = [
    "x-amz-algorithm",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-expires",
    "x-amz-security-token",
    "x-amz-signature",
    "x-amz-signedheaders",
];

/// The headers of a presigned request with those of its URL; `None` if there are none in it. What was sent as a header
/// stays as it is.
pub(crate) fn hoisted(parts: &Parts, credentials: &Credentials) -> Option<HeaderMap> {
    if !matches!(credentials, Credentials::Presigned { .. } | Credentials::Version2(_)) {
        return None;
    }
    let mut headers = None;
    for (name, value) in parts.uri.query()?.split('&').filter_map(|pair| pair.split_once('=')) {
        let name = percent_decode_str(name).decode_utf8_lossy().to_ascii_lowercase();
        if !name.starts_with("x-amz-") || OF_THE_SIGNATURE.contains(&name.as_str()) {
            continue;
        }
        let value: Vec<u8> = percent_decode_str(&value.replace('+', " ")).collect();
        let header = HeaderName::from_bytes(name.as_bytes()).ok().zip(HeaderValue::from_bytes(&value).ok());
        if let Some((name, value)) = header.filter(|(name, _)| !parts.headers.contains_key(name)) {
            headers.get_or_insert_with(|| parts.headers.clone()).append(name, value);
        }
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn read(uri: &str) -> Option<HeaderMap> {
        let request = Request::builder().uri(uri).header("x-amz-acl", "private").body(()).unwrap();
        let parts = request.into_parts().0;
        hoisted(&parts, &wire::sigv4::parse_credentials(&parts).unwrap_or(Credentials::Anonymous))
    }

    #[test]
    fn headers_of_a_signed_url_are_the_requests() {
        let signed = "/b/k?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=c2ln&Expires=1900000000";
        let headers = read(&format!("{signed}&x-amz-meta-venue=a%20b&X-Amz-Acl=public-read")).unwrap();
        assert_eq!(headers["x-amz-meta-venue"], "a b");
        assert_eq!(headers["x-amz-acl"], "private");
        assert!(read(signed).is_none());
        assert!(read("/b/k?x-amz-meta-venue=1").is_none());
        assert!(read(&format!("{signed}&x-amz-meta-a=b%0d%0ac:%20d")).is_none());
    }
}
