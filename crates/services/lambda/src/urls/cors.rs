//! What browsers are told about other origins.

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD,
    HeaderName, HeaderValue, ORIGIN, VARY,
};
use http::request::Parts;
use http::{HeaderMap, Method};

use super::CorsRules;

/// Whether a browser asks before it sends a request.
pub fn is_preflight(request: &Parts) -> bool {
    request.method == Method::OPTIONS
        && request.headers.contains_key(ORIGIN)
        && request.headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// The answer to such a question; nothing for origins that may not ask.
pub fn preflight(rules: &CorsRules, request: &Parts) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if !allow_origin(rules, request, &mut headers) {
        return headers;
    }
    list(&mut headers, ACCESS_CONTROL_ALLOW_METHODS, rules.allow_methods.as_deref());
    list(&mut headers, ACCESS_CONTROL_ALLOW_HEADERS, rules.allow_headers.as_deref());
    if let Some(seconds) = rules.max_age {
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from(seconds));
    }
    headers
}

/// Sets what browsers are told with an answer. What the function itself has said about it gives way, as on AWS.
pub fn decorate(rules: &CorsRules, request: &Parts, headers: &mut HeaderMap) {
    for name in [
        ACCESS_CONTROL_ALLOW_ORIGIN,
        ACCESS_CONTROL_ALLOW_CREDENTIALS,
        ACCESS_CONTROL_ALLOW_METHODS,
        ACCESS_CONTROL_ALLOW_HEADERS,
        ACCESS_CONTROL_EXPOSE_HEADERS,
        ACCESS_CONTROL_MAX_AGE,
    ] {
        headers.remove(name);
    }
    if allow_origin(rules, request, headers) {
        list(headers, ACCESS_CONTROL_EXPOSE_HEADERS, rules.expose_headers.as_deref());
    }
}

/// Whether the request's origin may ask; says so in that case.
fn allow_origin(rules: &CorsRules, request: &Parts, headers: &mut HeaderMap) -> bool {
    let Some(origin) = request.headers.get(ORIGIN) else { return false };
    let allowed = rules.allow_origins.as_deref().unwrap_or_default();
    let is_for_all = allowed.iter().any(|one| one == "*");
    let is_named = || allowed.iter().any(|one| origin.to_str().is_ok_and(|origin| one.eq_ignore_ascii_case(origin)));
    if !is_for_all && !is_named() {
        return false;
    }
    let with_credentials = rules.allow_credentials == Some(true);
    if is_for_all && !with_credentials {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    } else {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(VARY, HeaderValue::from_static("Origin"));
    }
    if with_credentials {
        headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    }
    true
}

fn list(headers: &mut HeaderMap, name: HeaderName, values: Option<&[String]>) {
    let Some(values) = values.filter(|values| !values.is_empty()) else { return };
    if let Ok(value) = HeaderValue::from_str(&values.join(",")) {
        headers.insert(name, value);
    }
}
