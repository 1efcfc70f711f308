//! A request as a function sees it: payload format 2.0.

use std::collections::BTreeMap;
use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, COOKIE, USER_AGENT};
use http::request::Parts;
use platform::Principal;
use serde_json::{Map, Value, json};
use wire::Timestamp;

use super::FunctionUrl;

/// Media types whose bodies are handed on as text, besides those that begin with `text/`. Developer guide, "Invoking
/// Lambda function URLs", request payload format.
const TEXT_TYPES: [&str; 4] =
    ["application/json", "application/javascript", "application/xml", "application/x-amz-json-1.0"];

/// A request to a function URL.
pub struct UrlRequest<'a> {
    /// The URL.
    pub url: &'a FunctionUrl,
    /// Method, query and headers.
    pub head: &'a Parts,
    /// The path as the function sees it.
    pub path: &'a str,
    /// The host that was asked.
    pub host: &'a str,
    /// The body.
    pub body: Bytes,
    /// The client's address.
    pub source_ip: Option<IpAddr>,
    /// Who signed it, with the access key.
    pub caller: Option<(&'a Principal, &'a str)>,
    /// Its id.
    pub request_id: &'a str,
    /// When it came.
    pub at: Timestamp,
}

/// The event for the function.
pub fn event(request: &UrlRequest<'_>) -> Bytes {
    let mut event = Map::new();
    let mut set = |name: &str, value: Value| event.insert(name.to_owned(), value);
    set("version", json!("2.0"));
    set("routeKey", json!("$default"));
    set("rawPath", json!(request.path));
    let query = request.head.uri.query().unwrap_or_default();
    set("rawQueryString", json!(query));
    let cookies = cookies(request.head);
    if !cookies.is_empty() {
        set("cookies", json!(cookies));
    }
    set("headers", json!(headers(request)));
    let parameters = parameters(query);
    if !parameters.is_empty() {
        set("queryStringParameters", json!(parameters));
    }
    set("requestContext", context(request));
    let is_text = is_text(request.head);
    let text = std::str::from_utf8(&request.body).ok().filter(|_| is_text);
    if !request.body.is_empty() {
        set("body", text.map_or_else(|| json!(STANDARD.encode(&request.body)), |text| json!(text)));
    }
    set("isBase64Encoded", json!(!request.body.is_empty() && text.is_none()));
    Value::Object(event).to_string().into()
}

fn is_text(head: &Parts) -> bool {
    let media_type = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    media_type.starts_with("text/") || TEXT_TYPES.contains(&media_type.as_str())
}

fn cookies(head: &Parts) -> Vec<String> {
    let lines = head.headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    lines
        .flat_map(|line| line.split(';'))
        .map(|cookie| cookie.trim().to_owned())
        .filter(|one| !one.is_empty())
        .collect()
}

/// Names in lower case; several of a name are one, separated by commas. Cookies have their own place.
fn headers(request: &UrlRequest<'_>) -> BTreeMap<String, String> {
    let mut headers: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in &request.head.headers {
        if name == COOKIE {
            continue;
        }
        let value = String::from_utf8_lossy(value.as_bytes());
        match headers.get_mut(name.as_str()) {
            Some(known) => *known = format!("{known},{value}"),
            None => {
                headers.insert(name.as_str().to_owned(), value.into_owned());
            }
        }
    }
    headers.insert("host".to_owned(), request.host.to_owned());
    if let Some(address) = request.source_ip {
        headers.insert("x-forwarded-for".to_owned(), address.to_string());
    }
    let port = request.host.rsplit_once(':').map_or("80", |(_, port)| port);
    headers.insert("x-forwarded-port".to_owned(), port.to_owned());
    headers.insert("x-forwarded-proto".to_owned(), "http".to_owned());
    headers
}

/// Decoded; several of a name are one, separated by commas.
fn parameters(query: &str) -> BTreeMap<String, String> {
    let mut parameters: BTreeMap<String, String> = BTreeMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (decoded(name), decoded(value));
        match parameters.get_mut(&name) {
            Some(known) => *known = format!("{known},{value}"),
            None => {
                parameters.insert(name, value);
            }
        }
    }
    parameters
}

/// A part of a query string: `+` is a space, `%` begins a byte.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut result = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hexadecimal = bytes.get(at + 1..at + 3).and_then(|digits| std::str::from_utf8(digits).ok());
        match (bytes[at], hexadecimal.and_then(|digits| u8::from_str_radix(digits, 16).ok())) {
            (b'%', Some(byte)) => {
                result.push(byte);
                at += 3;
                continue;
            }
            (b'+', _) => result.push(b' '),
            (byte, _) => result.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&result).into_owned()
}

fn context(request: &UrlRequest<'_>) -> Value {
    let user_agent = request.head.headers.get(USER_AGENT).and_then(|value| value.to_str().ok());
    let time = jiff::Timestamp::from_millisecond(request.at.milliseconds()).unwrap_or_default();
    let account = request.caller.and_then(|(principal, _)| principal.account()).unwrap_or("anonymous");
    let domain = request.host.split(':').next().unwrap_or_default();
    let mut context = json!({
        "accountId": account,
        "apiId": request.url.id,
        "domainName": domain,
        "domainPrefix": request.url.id,
        "http": {
            "method": request.head.method.as_str(),
            "path": request.path,
            "protocol": "HTTP/1.1",
            "sourceIp": request.source_ip.map(|address| address.to_string()).unwrap_or_default(),
            "userAgent": user_agent.unwrap_or_default(),
        },
        "requestId": request.request_id,
        "routeKey": "$default",
        "stage": "$default",
        "time": time.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string(),
        "timeEpoch": request.at.milliseconds(),
    });
    if let Some((principal, access_key)) = request.caller {
        context["authorizer"] = json!({
            "iam": {
                "accessKey": access_key,
                "accountId": account,
                "callerId": principal.user_id(),
                "cognitoIdentity": null,
                "principalOrgId": null,
                "userArn": principal.arn(),
                "userId": principal.user_id(),
            }
        });
    }
    context
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_decoded_and_gathered() {
        let parameters = parameters("a=1&b=x%20y+z&a=2&flag&bad=%zz");
        let expected = [("a", "1,2"), ("b", "x y z"), ("bad", "%zz"), ("flag", "")];
        assert_eq!(parameters.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect::<Vec<_>>(), expected);
    }
}
