//! Requests of extensions.

use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use http::{Method, Request, StatusCode};
use hyper::body::Incoming;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::super::answer::{self, Answer, Refusal};
use super::super::server::{Collected, collect, header};
use super::super::state::RuntimeApi;
use super::registry::{Event, Phase};
use crate::extension::ExtensionEvents;
use crate::limits::EXTENSION_BODY_BYTES_MAX;

/// The version prefix of the Extensions API.
const PREFIX: &str = "/2020-01-01/extension/";

const IDENTIFIER: HeaderName = HeaderName::from_static("lambda-extension-identifier");
const EVENT_IDENTIFIER: HeaderName = HeaderName::from_static("lambda-extension-event-identifier");
const ERROR_TYPE: &str = "Lambda-Extension-Function-Error-Type";

/// Where extensions ask for logs and events to be sent to them, and AWS's name of each.
const SUBSCRIPTIONS: [(&str, &str); 2] = [("/2020-08-15/logs", "Logs"), ("/2022-07-01/telemetry", "Telemetry")];

/// Answers what is not of the Runtime API itself.
pub(in super::super) async fn route(api: &RuntimeApi, request: &mut Request<Incoming>) -> Result<Answer, Refusal> {
    let (path, method) = (request.uri().path().to_owned(), request.method().clone());
    if let Some((_, kind)) = SUBSCRIPTIONS.iter().find(|(subscription, _)| *subscription == path) {
        return if method == Method::PUT {
            subscribe(api, request, kind).await
        } else {
            Err(Refusal::MethodNotAllowed)
        };
    }
    match path.strip_prefix(PREFIX) {
        Some("register") if method == Method::POST => register(api, request).await,
        Some("event/next") if method == Method::GET => {
            let id = identifier(request)?;
            Ok(event(api, &api.extension_next(&id).await?))
        }
        Some("init/error") if method == Method::POST => report(api, request, Phase::InitError).await,
        Some("exit/error") if method == Method::POST => report(api, request, Phase::ExitError).await,
        Some("register" | "event/next" | "init/error" | "exit/error") => Err(Refusal::MethodNotAllowed),
        _ => Err(Refusal::NotFound),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Registration {
    #[serde(default)]
    events: Option<Vec<String>>,
    #[serde(default)]
    configuration_keys: Option<Vec<String>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Registered<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<&'a str>,
    function_name: &'a str,
    function_version: &'a str,
    handler: &'a str,
}

async fn register(api: &RuntimeApi, request: &mut Request<Incoming>) -> Result<Answer, Refusal> {
    let name = header(request.headers(), "lambda-extension-name").unwrap_or_default();
    if name.is_empty() {
        return Err(Refusal::extension("Extension.InvalidExtensionName", "Empty extension name".to_owned()));
    }
    let features = header(request.headers(), "lambda-extension-accept-feature").unwrap_or_default();
    let wants_account = features.split(',').any(|feature| feature.trim() == "accountId");
    let events = wanted_events(&body(request).await?, api.extensions(|registry| registry.is_external(&name)))?;
    let introduction = api.introduction().ok_or(Refusal::NotFound)?;
    let id = introduction.host.new_id();
    api.register(&name, events, id.clone())?;
    let function = &introduction.function;
    let mut answer = answer::document(&Registered {
        account_id: wants_account.then_some(function.account_id.as_str()),
        function_name: &function.name,
        function_version: &function.version,
        handler: &function.handler,
    });
    set(&mut answer, IDENTIFIER, &id);
    Ok(answer)
}

/// Says that nothing will be sent, as AWS's own emulator does: in a way that does not make extensions give up.
async fn subscribe(api: &RuntimeApi, request: &mut Request<Incoming>, kind: &str) -> Result<Answer, Refusal> {
    let id = identifier(request)?;
    if !api.extensions(|registry| registry.knows(&id)) {
        return Err(Refusal::extension("Extension.UnknownExtensionIdentifier", format!("Unknown extension {id}")));
    }
    body(request).await?;
    let document = json!({
        "errorMessage": format!("{kind} API is not supported"), "errorType": format!("{kind}.NotSupported"),
    });
    let mut answer = answer::document(&document);
    *answer.status_mut() = StatusCode::ACCEPTED;
    Ok(answer)
}

async fn body(request: &mut Request<Incoming>) -> Result<Bytes, Refusal> {
    match collect(request.body_mut(), EXTENSION_BODY_BYTES_MAX).await? {
        Collected::Whole { payload, .. } => Ok(payload),
        Collected::TooLarge { .. } => Err(Refusal::TooLarge),
    }
}

/// What a registration asks for. Errors of form are worded as the JSON reader of AWS's supervisor words the commonest.
fn wanted_events(body: &[u8], is_external: bool) -> Result<ExtensionEvents, Refusal> {
    let malformed = |text: &str| Refusal::extension("InvalidRequestFormat", text.to_owned());
    let registration: Registration = serde_json::from_slice(body).map_err(|error| match error.classify() {
        serde_json::error::Category::Eof => malformed("unexpected end of JSON input"),
        _ => malformed(&error.to_string()),
    })?;
    if registration.configuration_keys.is_some_and(|keys| !keys.is_empty()) {
        return Err(malformed("configurationKeys are deprecated; use environment variables instead"));
    }
    let mut events = ExtensionEvents::default();
    for event in registration.events.unwrap_or_default() {
        match event.as_str() {
            "INVOKE" => events.invoke = true,
            "SHUTDOWN" if is_external => events.shutdown = true,
            _ => {
                let text = format!("{event}: ErrorInvalidEventType");
                return Err(Refusal::extension("Extension.InvalidEventType", text));
            }
        }
    }
    Ok(events)
}

/// The identifier of the extension that asks. Whether it is known is for whoever looks it up.
fn identifier(request: &Request<Incoming>) -> Result<String, Refusal> {
    let id = header(request.headers(), IDENTIFIER.as_str()).unwrap_or_default();
    if id.is_empty() {
        let text = "Missing Lambda-Extension-Identifier header".to_owned();
        return Err(Refusal::extension("Extension.MissingExtensionIdentifier", text));
    }
    let is_uuid = id.len() == 36
        && id.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        });
    if !is_uuid {
        let text = "Invalid Lambda-Extension-Identifier".to_owned();
        return Err(Refusal::extension("Extension.InvalidExtensionIdentifier", text));
    }
    Ok(id.to_ascii_lowercase())
}

async fn report(api: &RuntimeApi, request: &mut Request<Incoming>, to: Phase) -> Result<Answer, Refusal> {
    let id = identifier(request)?;
    let error_type = header(request.headers(), &ERROR_TYPE.to_ascii_lowercase()).unwrap_or_default();
    if error_type.is_empty() {
        return Err(Refusal::extension("Extension.MissingHeader", format!("{ERROR_TYPE} not found")));
    }
    // The document is for logs at AWS, which nobody sees; it is read so that the connection can go on.
    body(request).await?;
    api.extensions(|registry| registry.report(&id, to, error_type))?;
    Ok(answer::accepted())
}

fn event(api: &RuntimeApi, event: &Event) -> Answer {
    match event {
        Event::Invoke(invocation) => {
            let mut document = json!({
                "eventType": "INVOKE",
                "deadlineMs": invocation.deadline_ms,
                "requestId": invocation.request_id,
                "invokedFunctionArn": invocation.invoked_function_arn,
            });
            if let Some(value) = invocation.trace_id.as_deref().filter(|value| !value.is_empty()) {
                document["tracing"] = json!({ "type": "X-Amzn-Trace-Id", "value": value });
            }
            let mut answer = answer::document(&document);
            if let Some(introduction) = api.introduction() {
                set(&mut answer, EVENT_IDENTIFIER, &introduction.host.new_id());
            }
            answer
        }
        Event::Shutdown { reason, deadline_ms } => answer::document(&json!({
            "eventType": "SHUTDOWN", "deadlineMs": deadline_ms, "shutdownReason": reason,
        })),
    }
}

fn set(answer: &mut Answer, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.headers_mut().insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(body: &str, is_external: bool) -> String {
        match wanted_events(body.as_bytes(), is_external).unwrap_err() {
            Refusal::Extension { error_type, message } => format!("{error_type}: {message}"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn events_are_those_that_the_kind_of_extension_may_have() {
        let both = wanted_events(br#"{"events": ["INVOKE", "SHUTDOWN"]}"#, true).unwrap();
        assert_eq!(both, ExtensionEvents { invoke: true, shutdown: true });
        assert_eq!(wanted_events(b"{}", false).unwrap(), ExtensionEvents::default());
        assert_eq!(wanted_events(br#"{"events": null}"#, true).unwrap(), ExtensionEvents::default());
        let internal = message(r#"{"events": ["SHUTDOWN"]}"#, false);
        assert_eq!(internal, "Extension.InvalidEventType: SHUTDOWN: ErrorInvalidEventType");
        assert_eq!(message("", true), "InvalidRequestFormat: unexpected end of JSON input");
        assert_eq!(
            message(r#"{"configurationKeys": ["a"]}"#, true),
            "InvalidRequestFormat: configurationKeys are deprecated; use environment variables instead"
        );
    }
}
