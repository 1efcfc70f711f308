//! Requests made of anything: each has a route or an error, and neither takes long nor panics.

use proptest::prelude::*;

use super::*;

fn pieces() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "/",
        "//",
        "2015-03-31",
        "functions",
        "service",
        "operation",
        "%2F",
        "%",
        "%zz",
        "+",
        "..",
        "bucket",
        "restapis",
        "v2",
        "apis",
        "arn:aws:x",
        "123456789012",
        "GraniteServiceVersion20100801",
        "é",
        "tags",
    ]);
    prop::collection::vec(prop_oneof![words.prop_map(str::to_owned), "[!-~]{0,6}"], 0..8)
        .prop_map(|words| words.concat())
}

fn queries() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "Action=",
        "Version=2012-11-05",
        "&",
        "=",
        "uploads",
        "list-type=2",
        "SendMessage",
        "%41ction=x",
        "X-Amz-Credential=",
        "AWSAccessKeyId=x",
        "X-Amz-Algorithm=",
        "%",
    ]);
    prop::collection::vec(prop_oneof![words.prop_map(str::to_owned), "[!-~]{0,4}"], 0..6)
        .prop_map(|words| words.concat())
}

fn headers() -> impl Strategy<Value = Vec<(&'static str, String)>> {
    let name = prop::sample::select(vec![
        "host",
        "x-amz-target",
        "smithy-protocol",
        "content-type",
        "authorization",
        "x-amz-account-id",
        "x-amz-date",
    ]);
    let value = prop_oneof![
        "[ -~]{0,12}",
        prop::sample::select(vec![
            "rpc-v2-cbor",
            "DynamoDB_20120810.GetItem",
            "bucket.s3.localhost",
            "lambda.localhost",
            "s3.",
            ".s3.",
            ".localhost",
            "application/x-www-form-urlencoded",
            "multipart/form-data",
            "20240229T123456Z",
        ])
        .prop_map(str::to_owned),
        prop::sample::select(vec!["s3", "lambda", "sqs", "dynamodb", "apigateway", "s3express", "x"]).prop_map(scope),
    ];
    prop::collection::vec((name, value), 0..5)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, ..ProptestConfig::default() })]

    #[test]
    fn any_request_has_a_route_or_an_error(
        method in "GET|PUT|POST|HEAD|DELETE|OPTIONS|CONNECT|X",
        path in pieces(),
        query in queries(),
        headers in headers(),
        form in prop::option::of(queries()),
    ) {
        let uri = format!("/{path}?{query}");
        let Ok(uri) = http::Uri::try_from(uri) else { return Ok(()) };
        let mut parts = head(&method, "/", &[]);
        parts.uri = uri;
        for (name, value) in headers {
            if let Ok(value) = http::HeaderValue::from_str(&value) {
                parts.headers.append(name, value);
            }
        }
        if let Ok(route) = route_form(&parts, form.as_deref()) {
            prop_assert!(route.service.protocols.contains(&route.protocol));
            prop_assert!(std::ptr::eq(route.service.operation(route.operation.name).expect("its own"), route.operation));
        }
    }
}
