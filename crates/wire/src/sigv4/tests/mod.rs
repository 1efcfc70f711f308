//! Tests of signature checking.

#![allow(clippy::unwrap_used, reason = "a test may fail where it unwraps")]

mod botocore;
mod documents;
mod keys;
mod mutations;
mod refusals;
mod round_trip;

use http::request::Parts;

use super::*;

pub(super) const ACCESS_KEY: &str = "AKIAIOSFODNN7EXAMPLE";
pub(super) const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

/// Rules for a service of any region.
pub(super) fn rules(dialect: Dialect, service: &str) -> SigningRules<'_> {
    SigningRules { dialect, service, region: None, host_bucket: None }
}

/// A request's head.
pub(super) fn head(method: &str, uri: &str, headers: &[(&str, &str)]) -> Parts {
    let mut request = http::Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

/// Seconds since 1970 of a basic ISO time.
pub(super) fn at(basic: &str) -> i64 {
    RequestTime::parse_basic(basic).unwrap().unix_seconds
}

/// Reads and verifies in one step.
pub(super) fn check(
    parts: &Parts,
    secret: &str,
    body: BodyHash,
    rules: &SigningRules<'_>,
    now: i64,
) -> Result<BodyCheck, SignatureError> {
    verify(parts, &parse_credentials(parts)?, secret, body, rules, &SigningKeys::default(), now)
}
