//! What clients are told: codes, statuses and words of each family.

use super::*;

const NOW: &str = "20150830T124500Z";

fn signed_with(authorization: &str) -> Parts {
    head("POST", "/", &[("host", "localhost"), ("x-amz-date", "20150830T123600Z"), ("authorization", authorization)])
}

fn header(credential: &str) -> Parts {
    signed_with(&format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host;x-amz-date, Signature=00"))
}

fn refusal(parts: &Parts, dialect: Dialect, service: &str) -> Refusal {
    refusal_at(parts, dialect, service, at("20150830T123600Z"))
}

fn refusal_at(parts: &Parts, dialect: Dialect, service: &str, now: i64) -> Refusal {
    let rules = SigningRules { region: Some("us-east-1"), ..rules(dialect, service) };
    check(parts, SECRET, BodyHash::Known([0; 32]), &rules, now).unwrap_err().refusal(dialect)
}

fn told(refusal: &Refusal) -> (&str, u16, &str) {
    (refusal.code, refusal.status, &refusal.message)
}

#[test]
fn an_unsigned_request_misses_its_token() {
    let parts = head("POST", "/", &[("host", "localhost")]);
    let expected = [
        (Dialect::Json, "MissingAuthenticationTokenException", 400, "Request is missing Authentication Token"),
        (Dialect::RestJson, "MissingAuthenticationTokenException", 403, "Missing Authentication Token"),
        (Dialect::Query, "MissingAuthenticationToken", 403, "Request is missing Authentication Token"),
        (Dialect::Ec2, "MissingParameter", 400, "The request must contain the parameter AWSAccessKeyId"),
        (Dialect::S3, "AccessDenied", 403, "Access Denied"),
    ];
    for (dialect, code, status, message) in expected {
        assert_eq!(told(&refusal(&parts, dialect, "x")), (code, status, message), "{dialect:?}");
    }
}

#[test]
fn a_wrong_signature_does_not_match() {
    let parts = header("AKID/20150830/us-east-1/x/aws4_request");
    let words = "The request signature we calculated does not match the signature you provided. Check your AWS Secret \
                 Access Key and signing method. Consult the service documentation for details.";
    let expected = [
        (Dialect::Json, "InvalidSignatureException", 400, words),
        (Dialect::RestJson, "InvalidSignatureException", 403, words),
        (Dialect::Query, "SignatureDoesNotMatch", 403, words),
        (Dialect::Ec2, "AuthFailure", 401, "AWS was not able to validate the provided access credentials"),
    ];
    for (dialect, code, status, message) in expected {
        assert_eq!(told(&refusal(&parts, dialect, "x")), (code, status, message), "{dialect:?}");
    }
}

#[test]
fn s3_shows_both_sides_of_a_signature_that_does_not_match() {
    let parts = head(
        "GET",
        "/key",
        &[
            ("host", "localhost"),
            ("x-amz-date", "20150830T123600Z"),
            ("x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
            (
                "authorization",
                "AWS4-HMAC-SHA256 Credential=AKID/20150830/us-east-1/s3/aws4_request, \
                 SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=00",
            ),
        ],
    );
    let refusal = refusal(&parts, Dialect::S3, "s3");
    let words = "The request signature we calculated does not match the signature you provided. Check your key and signing method.";
    assert_eq!(told(&refusal), ("SignatureDoesNotMatch", 403, words));
    let names: Vec<_> = refusal.fields.iter().map(|(name, _)| *name).collect();
    assert_eq!(
        names,
        [
            "AWSAccessKeyId",
            "StringToSign",
            "SignatureProvided",
            "StringToSignBytes",
            "CanonicalRequest",
            "CanonicalRequestBytes"
        ]
    );
    assert!(refusal.fields[4].1.starts_with("GET\n/key\n\nhost:localhost\n"));
    assert!(refusal.fields[5].1.starts_with("47 45 54 0a"));
}

#[test]
fn a_signature_of_the_past_or_the_future_names_the_times() {
    let parts = header("AKID/20150830/us-east-1/x/aws4_request");
    let late = refusal_at(&parts, Dialect::Json, "x", at(NOW));
    assert_eq!(
        told(&late),
        (
            "InvalidSignatureException",
            400,
            "Signature expired: 20150830T123600Z is now earlier than 20150830T124000Z (20150830T124500Z - 5 min.)"
        )
    );
    let early = refusal_at(&parts, Dialect::Query, "x", at("20150830T122000Z"));
    assert_eq!(
        told(&early),
        (
            "SignatureDoesNotMatch",
            403,
            "Signature not yet current: 20150830T123600Z is still later than 20150830T123500Z (20150830T122000Z + 15 \
             min.)"
        )
    );
    let in_time = refusal_at(&parts, Dialect::Query, "x", at(NOW));
    assert!(in_time.message.starts_with("The request signature we calculated"), "{}", in_time.message);
}

#[test]
fn s3_looks_at_the_time_only_when_the_signature_holds() {
    let skewed = SignatureError::from(Invalid::Expired {
        signed: RequestTime::parse_basic("20170428T070106Z").unwrap(),
        now: RequestTime::parse_basic("20170428T071720Z").unwrap(),
        tolerance: MAX_SKEW_SECONDS,
        mechanism: Mechanism::Header,
    });
    let refusal = skewed.refusal(Dialect::S3);
    let words = "The difference between the request time and the current time is too large.";
    assert_eq!(told(&refusal), ("RequestTimeTooSkewed", 403, words));
    let fields = [
        ("RequestTime", "20170428T070106Z".to_owned()),
        ("ServerTime", "2017-04-28T07:17:20Z".to_owned()),
        ("MaxAllowedSkewMilliseconds", "900000".to_owned()),
    ];
    assert_eq!(refusal.fields, fields);

    let mut parts = header("AKID/20150830/us-east-1/s3/aws4_request");
    parts.headers.insert("x-amz-content-sha256", "UNSIGNED-PAYLOAD".parse().unwrap());
    let refusal = refusal_at(&parts, Dialect::S3, "s3", at("20160101T000000Z"));
    assert_eq!(refusal.code, "SignatureDoesNotMatch");
}

#[test]
fn every_fault_of_a_scope_is_named_at_once() {
    let parts = header("AKID/20150831/us-west-1/sns/aws5_request");
    let refused = refusal(&parts, Dialect::Json, "sqs");
    let words = "Credential should be scoped to a valid region. Credential should be scoped to correct service: 'sqs'. \
                 Credential should be scoped with a valid terminator: 'aws4_request', not 'aws5_request'. Date in \
                 Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20150831' != \
                 '20150830', from '20150830T123600Z'.";
    assert_eq!(told(&refused), ("InvalidSignatureException", 400, words));

    let region = refusal(&header("AKID/20150830/us-west-1/s3/aws4_request"), Dialect::S3, "s3");
    let words = "The authorization header is malformed; the region 'us-west-1' is wrong; expecting 'us-east-1'";
    assert_eq!(told(&region), ("AuthorizationHeaderMalformed", 400, words));
    assert_eq!(region.fields, [("Region", "us-east-1".to_owned())]);
    let service = refusal(&header("AKID/20150830/us-east-1/ec2/aws4_request"), Dialect::S3, "s3");
    assert_eq!(
        service.message,
        "The authorization header is malformed; incorrect service \"ec2\". This endpoint belongs to \"s3\"."
    );
}

#[test]
fn an_incomplete_header_says_what_it_lacks() {
    let parts = signed_with("AWS4-HMAC-SHA256 SignedHeaders=host");
    let refused = refusal(&parts, Dialect::Query, "x");
    assert_eq!((refused.code, refused.status), ("IncompleteSignature", 400));
    let words = "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' \
                 parameter. (Hashed with SHA-256 and encoded with Base64) Authorization=";
    assert!(refused.message.starts_with(words), "{}", refused.message);
    assert!(!refused.message.contains("SignedHeaders=host"), "the header itself is not shown");

    let s3 = refusal(&parts, Dialect::S3, "s3");
    assert_eq!(s3.code, "AuthorizationHeaderMalformed");

    let undated = head("GET", "/", &[("authorization", "AWS4-HMAC-SHA256 Credential=a, SignedHeaders=b, Signature=c")]);
    let s3 = refusal(&undated, Dialect::S3, "s3");
    assert_eq!(told(&s3), ("AccessDenied", 403, "AWS authentication requires a valid Date or x-amz-date header"));
}

#[test]
fn another_scheme_is_not_an_aws_signature() {
    let bearer = signed_with("Bearer token");
    let refused = refusal(&bearer, Dialect::RestJson, "x");
    assert_eq!((refused.code, refused.status), ("IncompleteSignatureException", 403));
    assert!(refused.message.starts_with("Invalid key=value pair (missing equal-sign) in Authorization header"));
    let s3 = refusal(&bearer, Dialect::S3, "s3");
    assert_eq!(told(&s3), ("InvalidArgument", 400, "Unsupported Authorization Type"));
    let version2 = refusal(&signed_with("AWS AKID:signature="), Dialect::S3, "s3");
    assert_eq!(version2.code, "InvalidRequest");
    assert_eq!(parse_credentials(&signed_with(" ")), Ok(Credentials::Anonymous));
}

#[test]
fn a_credential_has_five_parts() {
    let refused = refusal(&header("a/b/c/d"), Dialect::Json, "x");
    let words =
        "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got 'a/b/c/d'";
    assert_eq!(told(&refused), ("IncompleteSignatureException", 400, words));
    let long = format!("{}/20150830/us-east-1/x/aws4_request", "A".repeat(MAX_CREDENTIAL_BYTES));
    assert_eq!(refusal(&header(&long), Dialect::Json, "x").code, "IncompleteSignatureException");
}

#[test]
fn presigned_parameters_are_complete_and_within_bounds() {
    let uri = |name: &str, value: &str| {
        let defaults = [
            ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
            ("X-Amz-Credential", "AKID/20150830/us-east-1/s3/aws4_request"),
            ("X-Amz-Date", "20150830T123600Z"),
            ("X-Amz-Expires", "60"),
            ("X-Amz-SignedHeaders", "host"),
            ("X-Amz-Signature", "00"),
        ];
        let pairs = defaults.map(|(key, default)| if key == name { (key, value) } else { (key, default) });
        let present = pairs.iter().filter(|(_, value)| !value.is_empty());
        format!("/?{}", present.map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join("&"))
    };
    let s3 = |name, value| refusal(&head("GET", &uri(name, value), &[("host", "h")]), Dialect::S3, "s3");
    for (name, value, message) in [
        ("X-Amz-Expires", "1h", "X-Amz-Expires should be a number"),
        ("X-Amz-Expires", "-1", "X-Amz-Expires must be non-negative"),
        ("X-Amz-Date", "2015", "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\""),
    ] {
        assert_eq!(told(&s3(name, value)), ("AuthorizationQueryParametersError", 400, message));
    }
    for value in ["604801", "99999999999999999999"] {
        assert!(s3("X-Amz-Expires", value).message.starts_with("X-Amz-Expires must be less than a week"));
    }
    for name in ["X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders"] {
        let refused = s3(name, "");
        assert!(refused.message.starts_with("Query-string authentication version 4 requires"), "{name}: {refused:?}");
    }
    let parts = head("GET", &uri("X-Amz-SignedHeaders", ""), &[("host", "h")]);
    let refused = refusal(&parts, Dialect::Query, "s3");
    let words =
        "AWS query-string parameters must include 'X-Amz-SignedHeaders'. Re-examine the query-string parameters.";
    assert_eq!(told(&refused), ("IncompleteSignature", 400, words));
    assert_eq!(s3("none", "").code, "SignatureDoesNotMatch");
}

#[test]
fn one_request_is_signed_in_one_way() {
    let uri = "/?X-Amz-Algorithm=AWS4-HMAC-SHA256";
    let parts = head("GET", uri, &[("host", "h"), ("authorization", "AWS4-HMAC-SHA256 a")]);
    let words = "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.";
    assert_eq!(told(&refusal(&parts, Dialect::Json, "x")), ("InvalidSignatureException", 400, words));
    assert_eq!(refusal(&parts, Dialect::S3, "s3").code, "InvalidArgument");
}

#[test]
fn s3_wants_its_headers_signed() {
    let mut parts = header("AKID/20150830/us-east-1/s3/aws4_request");
    parts.headers.insert("x-amz-meta-color", "red".parse().unwrap());
    parts.headers.insert("content-md5", "x".parse().unwrap());
    let refused = refusal(&parts, Dialect::S3, "s3");
    assert_eq!(refused.code, "AccessDenied");
    assert_eq!(refused.fields, [("HeadersNotSigned", "content-md5, x-amz-meta-color".to_owned())]);

    let hostless = signed_with(
        "AWS4-HMAC-SHA256 Credential=AKID/20150830/us-east-1/x/aws4_request, SignedHeaders=x-amz-date, Signature=00",
    );
    let words = "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.";
    assert_eq!(refusal(&hostless, Dialect::Query, "x").message, words);
}

#[test]
fn s3_wants_a_payload_hash_that_it_knows() {
    let mut parts = header("AKID/20150830/us-east-1/s3/aws4_request");
    let words = "Missing required header for this request: x-amz-content-sha256";
    assert_eq!(told(&refusal(&parts, Dialect::S3, "s3")), ("InvalidRequest", 400, words));
    parts.headers.insert("x-amz-content-sha256", "STREAMING-NOTHING".parse().unwrap());
    assert_eq!(refusal(&parts, Dialect::S3, "s3").code, "InvalidArgument");
}

#[test]
fn a_signer_that_is_not_known_is_not_recognised() {
    let unknown = SignatureError::from(Unrecognized::AccessKey { access_key: "AKID".to_owned() });
    let words = "The security token included in the request is invalid.";
    assert_eq!(told(&unknown.refusal(Dialect::Json)), ("UnrecognizedClientException", 400, words));
    assert_eq!(told(&unknown.refusal(Dialect::Query)), ("InvalidClientTokenId", 403, words));
    let s3 = unknown.refusal(Dialect::S3);
    assert_eq!((s3.code, s3.status), ("InvalidAccessKeyId", 403));
    let expired = SignatureError::from(Unrecognized::ExpiredToken { token: "t".to_owned() });
    assert_eq!(expired.refusal(Dialect::RestJson).code, "ExpiredTokenException");
    assert_eq!(expired.refusal(Dialect::Ec2).code, "RequestExpired");
    assert_eq!(expired.refusal(Dialect::S3).code, "ExpiredToken");
}

#[test]
fn a_presigned_query_request_lives_as_long_as_a_signed_one() {
    let uri = "/?Action=GetCallerIdentity&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2F20150830%2Fus-east-1%2F\
               sts%2Faws4_request&X-Amz-Date=20150830T123600Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&\
               X-Amz-Signature=00";
    let parts = head("GET", uri, &[("host", "h")]);
    let last = refusal_at(&parts, Dialect::Query, "sts", at("20150830T125100Z"));
    assert!(last.message.starts_with("The request signature we calculated"), "{}", last.message);
    let late = refusal_at(&parts, Dialect::Query, "sts", at("20150830T125101Z"));
    assert!(late.message.starts_with("Signature expired"), "{}", late.message);
    let json = refusal_at(&parts, Dialect::Json, "sts", at("20150830T123701Z"));
    assert!(json.message.starts_with("Signature expired"), "{}", json.message);
}

#[test]
fn version_4a_is_recognised_but_not_verified() {
    let parts = signed_with(
        "AWS4-ECDSA-P256-SHA256 Credential=AKID/20150830/sts/aws4_request, SignedHeaders=host, Signature=00",
    );
    let credentials = parse_credentials(&parts).unwrap();
    assert_eq!((credentials.access_key(), credentials.service()), (Some("AKID"), Some("sts")));
    let refused = refusal(&parts, Dialect::Query, "sts");
    assert_eq!(refused.code, "IncompleteSignature");
    assert!(refused.message.contains("AWS4-ECDSA-P256-SHA256"));
}

#[test]
fn version_2_is_for_s3_alone() {
    let uri = "/bucket/key?AWSAccessKeyId=AKID&Signature=x&Expires=4102444800";
    let parts = head("GET", uri, &[("host", "h")]);
    assert_eq!(refusal(&parts, Dialect::Query, "x").code, "IncompleteSignature");
    assert_eq!(refusal(&parts, Dialect::S3, "s3").code, "SignatureDoesNotMatch");
    let incomplete = head("GET", "/bucket/key?AWSAccessKeyId=AKID&Signature=x", &[("host", "h")]);
    let words = "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters";
    assert_eq!(told(&refusal(&incomplete, Dialect::S3, "s3")), ("AccessDenied", 403, words));
}
