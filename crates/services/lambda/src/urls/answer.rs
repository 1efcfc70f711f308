//! What a function answers, as the HTTP answer of its URL.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue, SET_COOKIE, TRANSFER_ENCODING};
use http::{HeaderMap, Response, StatusCode};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use wire::Body;

/// Media type of answers that say none.
const JSON: &str = "application/json";

/// Media type of a streamed answer that begins with its status and headers.
pub const INTEGRATION: &str = "application/vnd.awslambda.http-integration-response";

/// Bytes of zero between those and the body.
pub const PRELUDE_END: &[u8] = &[0; 8];

/// Longest such beginning, in bytes: as much as other clients' headers may be.
pub const PRELUDE_BYTES_MAX: usize = 64 * 1024;

/// An answer in AWS's form.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Formatted {
    status_code: Option<Value>,
    headers: Option<Map<String, Value>>,
    cookies: Option<Vec<String>>,
    body: Option<Value>,
    is_base64_encoded: Option<bool>,
}

/// The HTTP answer for a function's document; `None` if it cannot be one.
pub fn buffered(document: &Bytes) -> Option<Response<Body>> {
    let formatted = formatted(document).filter(|answer| answer.status_code.is_some());
    let Some(answer) = formatted else { return Some(plain(document)) };
    let (status, mut headers) = head(&answer)?;
    let body = match answer.body {
        None | Some(Value::Null) => Bytes::new(),
        Some(Value::String(text)) if answer.is_base64_encoded == Some(true) => STANDARD.decode(text).ok()?.into(),
        Some(Value::String(text)) => Bytes::from(text),
        Some(other) => Bytes::from(other.to_string()),
    };
    headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    Some(response(status, headers, Body::from(body)))
}

/// Status and headers from the beginning of a streamed answer; `None` if it cannot be one.
pub fn prelude(document: &[u8]) -> Option<(StatusCode, HeaderMap)> {
    let mut answer: Formatted = serde_json::from_slice(document).ok()?;
    answer.status_code.get_or_insert(Value::from(StatusCode::OK.as_u16()));
    head(&answer)
}

/// Objects alone have a form.
fn formatted(document: &[u8]) -> Option<Formatted> {
    let is_object = document.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
    if is_object { serde_json::from_slice(document).ok() } else { None }
}

/// A document without a status: it is the body, and a text stands for itself.
fn plain(document: &Bytes) -> Response<Body> {
    let text = serde_json::from_slice::<&RawValue>(document).ok().and_then(|_| serde_json::from_slice(document).ok());
    let body = text.map_or_else(|| document.clone(), |text: String| Bytes::from(text));
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    response(StatusCode::OK, headers, Body::from(body))
}

fn head(answer: &Formatted) -> Option<(StatusCode, HeaderMap)> {
    let status = match answer.status_code.as_ref()? {
        Value::Number(number) => number.as_u64().and_then(|number| u16::try_from(number).ok()),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }?;
    let status = StatusCode::from_u16(status).ok().filter(|status| (200..600).contains(&status.as_u16()))?;
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
    for (name, value) in answer.headers.iter().flatten() {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        let text = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        // The length and the framing are those of what is really sent.
        if name != CONTENT_LENGTH && name != TRANSFER_ENCODING {
            headers.insert(name, HeaderValue::from_bytes(text.as_bytes()).ok()?);
        }
    }
    for cookie in answer.cookies.iter().flatten() {
        headers.append(SET_COOKIE, HeaderValue::from_bytes(cookie.as_bytes()).ok()?);
    }
    Some((status, headers))
}

/// An error of the platform's own, with its code in a header as AWS sends it.
pub fn error(status: StatusCode, code: &'static str, body: impl Into<Bytes>) -> Response<Body> {
    let body = body.into();
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    headers.insert(HeaderName::from_static("x-amzn-errortype"), HeaderValue::from_static(code));
    response(status, headers, Body::from(body))
}

/// A whole answer.
pub fn response(status: StatusCode, headers: HeaderMap, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(document: &'static str) -> (u16, String, Bytes) {
        let (head, body) = buffered(&Bytes::from_static(document.as_bytes())).expect("an answer").into_parts();
        let Body::Bytes(body) = body else { return (head.status.as_u16(), String::new(), Bytes::new()) };
        (head.status.as_u16(), head.headers[CONTENT_TYPE].to_str().expect("text").to_owned(), body)
    }

    #[test]
    fn documents_become_answers() {
        assert_eq!(answer(r#"{"message": 1}"#), (200, JSON.into(), Bytes::from_static(br#"{"message": 1}"#)));
        assert_eq!(answer(r#""text""#), (200, JSON.into(), Bytes::from_static(b"text")));
        let formatted = r#"{"statusCode": 201, "headers": {"Content-Type": "text/html"}, "body": "<p>"}"#;
        assert_eq!(answer(formatted), (201, "text/html".into(), Bytes::from_static(b"<p>")));
        let encoded = r#"{"statusCode": "200", "body": "AAE=", "isBase64Encoded": true}"#;
        assert_eq!(answer(encoded), (200, JSON.into(), Bytes::from_static(&[0, 1])));
        assert!(buffered(&Bytes::from_static(br#"{"statusCode": "never"}"#)).is_none());
        assert!(buffered(&Bytes::from_static(br#"{"statusCode": 200, "headers": {"a b": "c"}}"#)).is_none());
    }
}
