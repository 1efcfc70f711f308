//! The answers of the Runtime API, in AWS's words.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::Full;
use serde::Serialize;

use crate::limits;
use crate::outcome::Invocation;

pub(super) type Answer = Response<Full<Bytes>>;

const REQUEST_ID: HeaderName = HeaderName::from_static("lambda-runtime-aws-request-id");
const DEADLINE: HeaderName = HeaderName::from_static("lambda-runtime-deadline-ms");
const FUNCTION_ARN: HeaderName = HeaderName::from_static("lambda-runtime-invoked-function-arn");
const TRACE_ID: HeaderName = HeaderName::from_static("lambda-runtime-trace-id");
const CLIENT_CONTEXT: HeaderName = HeaderName::from_static("lambda-runtime-client-context");
const COGNITO_IDENTITY: HeaderName = HeaderName::from_static("lambda-runtime-cognito-identity");

/// Why a request of the runtime is not accepted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The path names an invocation that is not the current one.
    InvalidRequestId,
    /// The request does not fit where the runtime is.
    InvalidTransition { from: &'static str, to: &'static str },
    /// The response mode is neither empty nor `streaming`.
    InvalidResponseMode,
    /// The body ended before it was complete.
    TruncatedRequest,
    /// The answer is larger than allowed.
    TooLarge,
    /// The Extensions API does not accept it, for a reason that has a name.
    Extension { error_type: &'static str, message: String },
    /// No such path.
    NotFound,
    /// The path exists, with another method.
    MethodNotAllowed,
}

impl Refusal {
    pub(super) fn transition(from: &'static str, to: &'static str) -> Refusal {
        Refusal::InvalidTransition { from, to }
    }

    pub(crate) fn extension(error_type: &'static str, message: String) -> Refusal {
        Refusal::Extension { error_type, message }
    }

    pub(super) fn into_answer(self) -> Answer {
        let (status, error_type, message) = match self {
            Refusal::InvalidRequestId => (StatusCode::BAD_REQUEST, "InvalidRequestID", "Invalid request ID".to_owned()),
            Refusal::InvalidTransition { from, to } => (
                StatusCode::FORBIDDEN,
                "InvalidStateTransition",
                format!(
                    "State transition from {from} to {to} failed for runtime. Error: State transition is not allowed"
                ),
            ),
            Refusal::InvalidResponseMode => {
                (StatusCode::BAD_REQUEST, "InvalidFunctionResponseMode", "Invalid function response mode".to_owned())
            }
            Refusal::TruncatedRequest => {
                (StatusCode::BAD_REQUEST, "TruncatedHTTPRequest", "HTTP request detected as truncated".to_owned())
            }
            Refusal::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "RequestEntityTooLarge",
                format!("Exceeded maximum allowed payload size ({} bytes).", limits::RESPONSE_BYTES_MAX),
            ),
            Refusal::Extension { error_type, message } => (StatusCode::FORBIDDEN, error_type, message),
            Refusal::NotFound => return plain(StatusCode::NOT_FOUND, "404 page not found\n"),
            Refusal::MethodNotAllowed => return plain(StatusCode::METHOD_NOT_ALLOWED, ""),
        };
        let body = serde_json::json!({ "errorMessage": message, "errorType": error_type });
        json(status, Bytes::from(format!("{body}\n")))
    }
}

/// `200 OK` with a document.
pub(super) fn document(document: &impl Serialize) -> Answer {
    json(StatusCode::OK, serde_json::to_vec(document).unwrap_or_default().into())
}

/// `202 Accepted`, as every accepted report is answered.
pub(super) fn accepted() -> Answer {
    json(StatusCode::ACCEPTED, Bytes::from_static(b"{\"status\":\"OK\"}\n"))
}

/// An event for the runtime.
pub(super) fn event(invocation: &Invocation) -> Answer {
    let mut answer = json(StatusCode::OK, invocation.payload.clone());
    let headers = answer.headers_mut();
    let mut set = |name: HeaderName, value: &str| {
        // What cannot be a header value could not have come in through a header either; AWS drops such values too.
        if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
            headers.insert(name, value);
        }
    };
    set(REQUEST_ID, &invocation.request_id);
    set(DEADLINE, &invocation.deadline_ms.to_string());
    set(FUNCTION_ARN, &invocation.invoked_function_arn);
    for (name, value) in [
        (TRACE_ID, &invocation.trace_id),
        (CLIENT_CONTEXT, &invocation.client_context),
        (COGNITO_IDENTITY, &invocation.cognito_identity),
    ] {
        if let Some(value) = value.as_deref().filter(|value| !value.is_empty()) {
            set(name, value);
        }
    }
    answer
}

/// `200 OK`, for the liveness path runtimes may ask.
pub(super) fn pong() -> Answer {
    plain(StatusCode::OK, "pong")
}

pub(super) fn json(status: StatusCode, body: Bytes) -> Answer {
    with_type(status, "application/json", body)
}

fn plain(status: StatusCode, body: &'static str) -> Answer {
    with_type(status, "text/plain; charset=utf-8", Bytes::from_static(body.as_bytes()))
}

fn with_type(status: StatusCode, content_type: &'static str, body: Bytes) -> Answer {
    let mut answer = Response::new(Full::new(body));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}
