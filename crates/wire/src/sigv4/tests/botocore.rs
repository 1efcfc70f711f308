//! Requests as botocore signs them (`fixtures/sign_with_botocore.py`).

use std::collections::BTreeMap;

use serde_json::Value;

use super::*;

struct Fixture {
    name: String,
    service: String,
    parts: Parts,
    body: String,
}

/// A form's name and its fields.
type Form = (String, BTreeMap<String, String>);

/// Requests, forms, and the time at which they were signed, in seconds since 1970.
fn fixtures() -> (Vec<Fixture>, Vec<Form>, i64) {
    let all: Value = serde_json::from_str(include_str!("../fixtures/botocore.json")).unwrap();
    assert_eq!(all["secret"], SECRET);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let map = |value: &Value| -> BTreeMap<String, String> {
        value.as_object().unwrap().iter().map(|(key, value)| (key.clone(), text(value))).collect()
    };
    let (mut requests, mut forms) = (Vec::new(), Vec::new());
    for fixture in all["requests"].as_array().unwrap() {
        let name = text(&fixture["name"]);
        if fixture.get("form").is_some() {
            forms.push((name, map(&fixture["form"])));
            continue;
        }
        let uri: http::Uri = text(&fixture["url"]).parse().unwrap();
        let path = uri.path_and_query().unwrap().to_string();
        let headers = map(&fixture["headers"]);
        let mut headers: Vec<(&str, &str)> = headers.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        headers.push(("host", uri.authority().unwrap().as_str()));
        let parts = head(&text(&fixture["method"]), &path, &headers);
        requests.push(Fixture { name, service: text(&fixture["service"]), parts, body: text(&fixture["body"]) });
    }
    (requests, forms, all["now"].as_i64().unwrap())
}

fn dialect_of(service: &str) -> Dialect {
    match service {
        "s3" => Dialect::S3,
        "sts" => Dialect::Query,
        "ec2" => Dialect::Ec2,
        "lambda" | "apigateway" => Dialect::RestJson,
        _ => Dialect::Json,
    }
}

#[test]
fn requests_that_botocore_signed_hold_and_break_with_another_secret() {
    let (requests, _, now) = fixtures();
    assert_eq!(requests.len(), 16);
    for fixture in requests {
        let mut rules = rules(dialect_of(&fixture.service), &fixture.service);
        let virtual_hosted = fixture.parts.headers["host"].to_str().unwrap().starts_with("bucket.");
        rules.host_bucket = virtual_hosted.then_some("bucket");
        let body = BodyHash::Known(sha256(fixture.body.as_bytes()));
        let result = check(&fixture.parts, SECRET, body, &rules, now);
        assert!(result.is_ok(), "{}: {result:#?}", fixture.name);
        assert_eq!(parse_credentials(&fixture.parts).unwrap().access_key(), Some(ACCESS_KEY), "{}", fixture.name);

        let error = check(&fixture.parts, "another secret", body, &rules, now).unwrap_err();
        assert!(matches!(error, SignatureError::Invalid(Invalid::Mismatch(_))), "{}: {error}", fixture.name);
    }
}

#[test]
fn every_part_of_a_request_is_signed() {
    let (requests, _, now) = fixtures();
    for fixture in requests {
        let rules = rules(dialect_of(&fixture.service), &fixture.service);
        let body = BodyHash::Known(sha256(fixture.body.as_bytes()));
        let mut other_method = fixture.parts.clone();
        other_method.method = http::Method::PATCH;
        let mut other_path = fixture.parts.clone();
        let uri = &fixture.parts.uri;
        other_path.uri = format!("/x{}?{}", uri.path(), uri.query().unwrap_or("")).parse().unwrap();
        let mut other_header = fixture.parts.clone();
        other_header.headers.insert("x-amz-acl", "public-read".parse().unwrap());
        for (what, parts) in [("method", &other_method), ("path", &other_path)] {
            assert!(check(parts, SECRET, body, &rules, now).is_err(), "{}: {what}", fixture.name);
        }
        if rules.dialect == Dialect::S3 {
            assert!(check(&other_header, SECRET, body, &rules, now).is_err(), "{}: header", fixture.name);
        } else {
            let other_body = BodyHash::Known(sha256(b"other"));
            assert!(check(&fixture.parts, SECRET, other_body, &rules, now).is_err(), "{}: body", fixture.name);
        }
    }
}

#[test]
fn forms_that_botocore_signed_hold_and_break_with_another_policy() {
    let (_, forms, now) = fixtures();
    assert_eq!(forms.len(), 2);
    let (rules, keys) = (rules(Dialect::S3, "s3"), SigningKeys::default());
    for (name, fields) in forms {
        let find = |fields: &BTreeMap<String, String>, name: &str| {
            fields.iter().find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone())
        };
        let read = |fields: &BTreeMap<String, String>| {
            let fields: Vec<(String, String)> = fields.clone().into_iter().collect();
            parse_form_credentials(|name| {
                fields.iter().find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
            })
            .unwrap()
        };
        let credentials = read(&fields);
        assert_eq!(credentials.access_key(), Some(ACCESS_KEY));
        assert_eq!(credentials.token().map(str::to_owned), find(&fields, "x-amz-security-token"));
        verify_form(&credentials, SECRET, &rules, &keys, now).unwrap_or_else(|error| panic!("{name}: {error}"));

        let mut forged = fields.clone();
        forged.insert("policy".to_owned(), "e30=".to_owned());
        let error = verify_form(&read(&forged), SECRET, &rules, &keys, now).unwrap_err();
        assert!(matches!(error, SignatureError::Invalid(Invalid::Mismatch(_))), "{name}: {error}");
    }
    let anonymous = parse_form_credentials(|_| None).unwrap();
    assert_eq!(anonymous, FormCredentials::Anonymous);
}
