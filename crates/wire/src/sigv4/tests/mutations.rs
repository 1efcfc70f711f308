//! Damaged requests: nothing panics, and no damage makes a signature hold that did not.

use proptest::prelude::*;

use super::*;

const AUTHORIZATION: &str = "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, \
                             SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, \
                             Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41";

/// Replaces, inserts or removes bytes at given places.
fn damage(text: &str, edits: &[(usize, u8, u8)]) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for &(place, kind, byte) in edits {
        let place = place % (bytes.len() + 1);
        match kind % 3 {
            0 if place < bytes.len() => bytes[place] = byte,
            1 => bytes.insert(place, byte),
            _ => bytes.truncate(place.max(1)),
        }
    }
    bytes
}

fn edits() -> impl Strategy<Value = Vec<(usize, u8, u8)>> {
    prop::collection::vec((any::<usize>(), any::<u8>(), any::<u8>()), 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_header_is_read_or_refused(edits in edits(), date in "\\PC{0,24}") {
        let Ok(authorization) = http::HeaderValue::from_bytes(&damage(AUTHORIZATION, &edits)) else { return Ok(()) };
        let mut parts = head("GET", "/test.txt", &[("host", "examplebucket.s3.amazonaws.com"), ("range", "bytes=0-9")]);
        parts.headers.insert("authorization", authorization);
        if let Ok(date) = http::HeaderValue::from_str(&date) {
            parts.headers.insert("x-amz-date", date);
        }
        for (dialect, service) in [(Dialect::S3, "s3"), (Dialect::Query, "s3"), (Dialect::Ec2, "ec2")] {
            if let Err(error) = check(&parts, SECRET, BodyHash::Known([0; 32]), &rules(dialect, service), i64::MAX) {
                prop_assert!(!error.refusal(dialect).code.is_empty());
            } else {
                prop_assert!(false, "a damaged signature must not hold");
            }
        }
    }

    #[test]
    fn a_damaged_query_is_read_or_refused(edits in edits(), now in any::<i64>()) {
        let query = "/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2F\
                     s3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&\
                     X-Amz-Signature=00&AWSAccessKeyId=A&Signature=s&Expires=1";
        let Ok(uri) = http::Uri::try_from(damage(query, &edits)) else { return Ok(()) };
        let mut parts = head("GET", "/", &[("host", "h")]);
        parts.uri = uri;
        let result = check(&parts, SECRET, BodyHash::Unread, &rules(Dialect::S3, "s3"), now);
        prop_assert!(result.is_err());
    }

    #[test]
    fn times_are_read_or_refused(text in "\\PC{0,40}", seconds in any::<i64>(), more in any::<i64>()) {
        let _ = RequestTime::parse_header(&text);
        let time = RequestTime::at(seconds).plus(more);
        prop_assert!(!time.extended().is_empty());
    }
}
