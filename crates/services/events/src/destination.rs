//! Calling an API destination.

use std::sync::Arc;
use std::time::Duration;

use api::events::PutEvents;
use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, RANGE, RETRY_AFTER,
};
use http::header::{TRANSFER_ENCODING, USER_AGENT};
use http::{HeaderName, HeaderValue, Method};
use outbound::{Answer, Bounds, FetchError, Outgoing};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use platform::{Need, Principal};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::connection::{self, AUTHORIZED, Connection, Credentials, Parameter};
use crate::deliver::{Delivery, Failure};
use crate::limits::{ANSWER_BYTES_MAX, DESTINATION_TIME, PACE_WAIT_MAX};
use crate::oauth;
use crate::records::HttpParameters;
use crate::service::Events;

/// What stays as it is in a path (RFC 3986, "unreserved").
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Headers that are not the caller's to set: they belong to the connection.
const OWN_HEADERS: [HeaderName; 4] = [CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING];

/// An API destination.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiDestination {
    /// Tells it from one of the same name that was made before.
    pub id: String,
    /// Unique within account and region.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// ARN of the connection.
    pub connection: String,
    /// Where it is; `*` stands for path parameters.
    pub endpoint: String,
    /// How it is called.
    pub method: String,
    /// Most calls a second.
    pub per_second: i32,
    /// When it was made, in milliseconds since 1970.
    pub created: i64,
    /// When it was changed, in milliseconds since 1970.
    pub modified: i64,
}

impl ApiDestination {
    /// Its ARN.
    pub fn arn(&self, account: &str, region: &str) -> String {
        format!("arn:aws:events:{region}:{account}:api-destination/{}/{}", self.name, self.id)
    }
}

/// Sends an event to an API destination.
///
/// # Errors
/// Why it does not have the event.
pub async fn call(
    service: &Arc<Events>,
    delivery: &Delivery,
    principal: Principal,
    has_place: bool,
) -> Result<(), Failure> {
    let arn = &delivery.target.arn;
    let (account, region) = (&delivery.event.bus.account, &delivery.event.bus.region);
    let need = Need::new("events:InvokeApiDestination", &**arn);
    service.platform.allow_as::<PutEvents>(principal, account, region, need).await?;
    let name = arn.split('/').nth(1).unwrap_or_default();
    let destination = service.api_destination(account, region, name).await?;
    let destination = destination.filter(|found| found.arn(account, region) == *arn);
    let destination = destination.ok_or_else(|| Failure::lost(format!("The api-destination {arn} does not exist.")))?;
    let connection = service.connection_of(account, region, &destination.connection).await?;
    let connection = connection
        .ok_or_else(|| Failure::lost(format!("The connection {} does not exist.", destination.connection)))?;
    if connection.state != AUTHORIZED {
        return Err(Failure::later("CONNECTION_FAILURE", format!("The connection is {}.", connection.state)));
    }
    if !has_place {
        wait_for_place(service, &destination, arn).await?;
    }
    let credentials = connection::credentials(service, account, region, &connection).await?;
    let request = request(service, delivery, &destination, &connection, &credentials).await?;
    let bounds = Bounds { time: DESTINATION_TIME, body_bytes: ANSWER_BYTES_MAX };
    let answer = outbound::send(&service.platform.config.egress, request, bounds).await.map_err(unreachable)?;
    if matches!(answer.status, 401 | 407) {
        service.tokens.forget(&connection.id);
    }
    judge(&answer)
}

/// Waits for the destination's next free place; one that is far away is waited for on a timer.
async fn wait_for_place(service: &Events, destination: &ApiDestination, arn: &str) -> Result<(), Failure> {
    let clock = &service.platform.clock;
    let wait = service.pace.reserve(arn, destination.per_second.unsigned_abs(), clock.monotonic());
    if wait > PACE_WAIT_MAX {
        let text = "The destination has as many calls a second as it may have.".to_owned();
        let seconds = wait.as_secs() as i64 + 1;
        return Err(Failure { retry_after: Some(seconds), has_place: true, ..Failure::later("THROTTLING", text) });
    }
    clock.sleep(wait).await;
    Ok(())
}

fn unreachable(error: FetchError) -> Failure {
    match error {
        FetchError::Slow => Failure::later("TIMEOUT", error.to_string()),
        FetchError::Url | FetchError::Forbidden => {
            Failure { is_final: true, ..Failure::later("SDK_CLIENT_ERROR", error.to_string()) }
        }
        _ => Failure::later("CONNECTION_FAILURE", error.to_string()),
    }
}

/// What an answer means (user guide, "How EventBridge handles errors from API destinations"): 401, 407, 409, 429 and those
/// of servers may pass, all others not.
fn judge(answer: &Answer) -> Result<(), Failure> {
    let text = format!("The endpoint answered with status {}.", answer.status);
    let passes = match answer.status {
        200..=299 => return Ok(()),
        401 | 407 | 409 | 429 | 500.. => true,
        _ => false,
    };
    let asked = answer.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse::<i64>().ok());
    // Less than nothing means never.
    let is_final = !passes || asked.is_some_and(|seconds| seconds < 0);
    let code = if answer.status == 429 { "THROTTLING" } else { "ERROR_FROM_TARGET" };
    Err(Failure { is_final, retry_after: asked.filter(|_| !is_final), ..Failure::later(code, text) })
}

async fn request(
    service: &Events,
    delivery: &Delivery,
    destination: &ApiDestination,
    connection: &Connection,
    credentials: &Credentials,
) -> Result<Outgoing, Failure> {
    let event = Value::Object(delivery.event.document.clone());
    let own = delivery.target.http.clone().unwrap_or_default();
    let own = own.resolved(&event);
    let shared = credentials.invocation_http_parameters.clone().unwrap_or_default();
    let mut headers = vec![
        (USER_AGENT, HeaderValue::from_static("Amazon/EventBridge/ApiDestinations")),
        (CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8")),
        (RANGE, HeaderValue::from_static("bytes=0-1048575")),
        (ACCEPT_ENCODING, HeaderValue::from_static("gzip,deflate")),
    ];
    // What the connection says goes before what the target says, and how it authorises before both.
    own.headers.iter().for_each(|(name, value)| set(&mut headers, name, value));
    for parameter in shared.header_parameters.iter().flatten() {
        set(&mut headers, &parameter.key, parameter.value.as_deref().unwrap_or_default());
    }
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    match connection.kind.as_str() {
        "BASIC" => {
            let value = oauth::basic(&text(&credentials.username), &text(&credentials.password));
            set(&mut headers, AUTHORIZATION.as_str(), &value);
        }
        "API_KEY" => set(&mut headers, &text(&credentials.api_key_name), &text(&credentials.api_key_value)),
        _ => {
            let token = oauth::authorization(service, connection, credentials).await;
            let token = token.map_err(|refused| Failure::later("CONNECTION_FAILURE", refused.reason))?;
            set(&mut headers, AUTHORIZATION.as_str(), &token);
        }
    }
    let mut query: Vec<(String, String)> = own.query;
    for parameter in shared.query_string_parameters.iter().flatten() {
        query.retain(|(key, _)| *key != parameter.key);
        query.push((parameter.key.clone(), text(&parameter.value)));
    }
    Ok(Outgoing {
        method: Method::from_bytes(destination.method.as_bytes()).unwrap_or(Method::POST),
        url: oauth::with_query(&with_path(&destination.endpoint, &own.path), &query),
        headers,
        body: body(delivery.text(), shared.body_parameters.as_deref().unwrap_or_default()),
    })
}

fn set(headers: &mut Vec<(HeaderName, HeaderValue)>, name: &str, value: &str) {
    let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) else { return };
    if OWN_HEADERS.contains(&name) {
        return;
    }
    headers.retain(|(known, _)| *known != name);
    headers.push((name, value));
}

/// An address whose asterisks are replaced, one after the other.
fn with_path(endpoint: &str, values: &[String]) -> String {
    let mut parts = endpoint.split('*');
    let mut url = parts.next().unwrap_or_default().to_owned();
    for (place, part) in parts.enumerate() {
        match values.get(place) {
            Some(value) => url.extend(utf8_percent_encode(value, UNRESERVED)),
            None => url.push('*'),
        }
        url.push_str(part);
    }
    url
}

/// The event's text; one that is a JSON object has the connection's parameters in it.
fn body(text: String, parameters: &[Parameter]) -> Bytes {
    if parameters.is_empty() {
        return text.into();
    }
    match serde_json::from_str(&text) {
        Ok(Value::Object(mut document)) => {
            for parameter in parameters {
                document.insert(parameter.key.clone(), Value::String(parameter.value.clone().unwrap_or_default()));
            }
            Value::Object(document).to_string().into()
        }
        _ => text.into(),
    }
}

/// A target's own parameters for one event.
struct Resolved {
    path: Vec<String>,
    headers: Vec<(String, String)>,
    query: Vec<(String, String)>,
}

impl HttpParameters {
    /// Paths (`$.detail.id`) stand for values of the event.
    fn resolved(self, event: &Value) -> Resolved {
        let resolve = |text: String| {
            if !text.starts_with('$') || !pattern::template::is_path(&text) {
                return text;
            }
            match pattern::template::at(event, &text) {
                Some(Value::String(text)) => text,
                Some(value) => value.to_string(),
                None => String::new(),
            }
        };
        Resolved {
            path: self.path.into_iter().map(resolve).collect(),
            headers: self.headers.into_iter().map(|(name, value)| (name, resolve(value))).collect(),
            query: self.query.into_iter().map(|(name, value)| (name, resolve(value))).collect(),
        }
    }
}

/// The pause that an endpoint asked for, within the time that an event has left.
pub fn asked_pause(failure: &Failure, left: Duration) -> Duration {
    Duration::from_secs(failure.retry_after.unwrap_or_default().max(0).unsigned_abs()).min(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, retry_after: Option<&str>) -> Result<(), Failure> {
        let mut headers = http::HeaderMap::new();
        if let Some(value) = retry_after {
            headers.insert(RETRY_AFTER, value.parse().unwrap());
        }
        judge(&Answer { status, headers, body: Bytes::new(), is_whole: outbound::Whole::Yes })
    }

    #[test]
    fn some_answers_may_pass_and_others_not() {
        for status in [200, 204, 299] {
            assert_eq!(answer(status, None), Ok(()));
        }
        for status in [401, 407, 409, 429, 500, 503, 599] {
            assert!(!answer(status, None).unwrap_err().is_final, "{status}");
        }
        for status in [100, 301, 307, 400, 403, 404, 410] {
            assert!(answer(status, None).unwrap_err().is_final, "{status}");
        }
        assert_eq!(answer(503, Some("90")).unwrap_err().retry_after, Some(90));
        assert!(answer(503, Some("-1")).unwrap_err().is_final);
    }

    #[test]
    fn asterisks_are_replaced_in_order() {
        let values = ["a b".to_owned(), "c/d".to_owned()];
        assert_eq!(with_path("https://host/*/x/*?q=*", &values), "https://host/a%20b/x/c%2Fd?q=*");
        assert_eq!(with_path("https://host/", &values), "https://host/");
    }

    #[test]
    fn parameters_go_into_documents_only() {
        let parameters = [Parameter { key: "team".to_owned(), value: Some("a".to_owned()), is_value_secret: true }];
        assert_eq!(body(r#"{"b":1}"#.to_owned(), &parameters), r#"{"b":1,"team":"a"}"#);
        assert_eq!(body("[1]".to_owned(), &parameters), "[1]");
    }
}
