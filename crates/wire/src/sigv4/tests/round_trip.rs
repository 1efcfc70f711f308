//! Requests signed by AWS's own Rust signer.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials as SignerCredentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use proptest::prelude::*;

use super::*;

const NOW: i64 = 1_700_000_000;

#[derive(Debug, Clone)]
struct Sample {
    method: &'static str,
    uri: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    token: Option<String>,
    is_s3: bool,
    is_presigned: bool,
}

fn samples() -> impl Strategy<Value = Sample> {
    let segment = prop_oneof!["[a-zA-Z0-9_~-][a-zA-Z0-9_.~-]{0,7}", "(%20|%2B|%3A|%25|%40|%C3%BC|[a-z]){1,6}"];
    let path = prop::collection::vec(segment, 0..4).prop_map(|segments| format!("/{}", segments.join("/")));
    let query = prop::collection::vec(("[a-zA-Z-]{1,6}", "([a-z0-9]|%2F|%20|%3D){0,6}"), 0..4);
    let headers =
        prop::collection::btree_map("x-amz-meta-[a-z]{1,5}", "[a-zA-Z0-9]{1,4}( {1,3}[a-z/+=]{1,4}){0,2}", 0..3);
    let method = prop::sample::select(vec!["GET", "PUT", "POST", "DELETE", "HEAD"]);
    let body = prop::collection::vec(any::<u8>(), 0..64);
    let token = prop::option::of("[a-zA-Z0-9+/=]{1,20}");
    (method, path, query, headers, body, token, any::<bool>(), any::<bool>()).prop_map(
        |(method, path, query, headers, body, token, is_s3, is_presigned)| {
            let query: Vec<String> = query.into_iter().map(|(key, value)| format!("{key}={value}")).collect();
            let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
            let uri = format!("{path}{query}");
            Sample { method, uri, headers: headers.into_iter().collect(), body, token, is_s3, is_presigned }
        },
    )
}

/// The sample's head after signing.
fn signed(sample: &Sample) -> Parts {
    let identity = SignerCredentials::new(ACCESS_KEY, SECRET, sample.token.clone(), None, "test").into();
    let mut settings = SigningSettings::default();
    if sample.is_s3 {
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    }
    let mut body = SignableBody::Bytes(&sample.body);
    if sample.is_presigned {
        settings.signature_location = SignatureLocation::QueryParams;
        settings.payload_checksum_kind = PayloadChecksumKind::NoHeader;
        settings.expires_in = Some(Duration::from_secs(900));
        if sample.is_s3 {
            body = SignableBody::UnsignedPayload;
        }
    }
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region("eu-west-1")
        .name(if sample.is_s3 { "s3" } else { "lambda" })
        .time(SystemTime::UNIX_EPOCH + Duration::from_secs(NOW as u64))
        .settings(settings)
        .build()
        .unwrap()
        .into();
    let mut request =
        http::Request::builder().method(sample.method).uri(format!("http://localhost:4566{}", sample.uri));
    request = request.header("host", "localhost:4566");
    for (name, value) in &sample.headers {
        request = request.header(name, value);
    }
    let mut request = request.body(()).unwrap();
    let uri = request.uri().to_string();
    let headers: Vec<_> = request.headers().iter().map(|(k, v)| (k.as_str(), v.to_str().unwrap())).collect();
    let signable = SignableRequest::new(sample.method, uri, headers.into_iter(), body).unwrap();
    let (instructions, _) = sign(signable, &parameters).unwrap().into_parts();
    instructions.apply_to_request_http1x(&mut request);
    request.into_parts().0
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn what_the_sdk_signs_holds_and_nothing_else_does(sample in samples()) {
        let parts = signed(&sample);
        let credentials = parse_credentials(&parts).unwrap();
        prop_assert_eq!(credentials.access_key(), Some(ACCESS_KEY));
        prop_assert_eq!(credentials.region(), Some("eu-west-1"));
        prop_assert_eq!(credentials.token(), sample.token.as_deref());
        let rules = if sample.is_s3 { rules(Dialect::S3, "s3") } else { rules(Dialect::RestJson, "lambda") };
        let body = BodyHash::Known(sha256(&sample.body));
        let result = check(&parts, SECRET, body, &rules, NOW);
        prop_assert!(result.is_ok(), "{:#?}", result);
        prop_assert!(check(&parts, "other", body, &rules, NOW).is_err());
        if !(sample.is_s3 && sample.is_presigned) {
            let other = BodyHash::Known(sha256(b"a body that no sample has, longer than sixty-four bytes in all, surely"));
            prop_assert!(check(&parts, SECRET, other, &rules, NOW).is_err());
        }
    }
}
