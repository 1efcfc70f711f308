//! An answer on its way out, with what the access log and the metrics say about it.

use http::header::CONNECTION;
use http::{HeaderMap, HeaderValue, Response};
use platform::Ctx;
use wire::Error;
use wire::protocol::ResponseParts;
use wire::router::Route;

use crate::body::AnswerBody;

/// What stands in logs and metrics where nothing is known.
pub(crate) const UNKNOWN: &str = "unknown";

/// An answer, and what is known of the request.
pub(crate) struct Answer {
    parts: ResponseParts,
    /// Name of the service in the catalogue, or another static word.
    pub service: &'static str,
    /// Name of the operation, or another static word.
    pub operation: &'static str,
    /// ARN of the caller and, if any, its access key id.
    pub caller: Option<(String, Option<String>)>,
    /// Name of the error.
    pub error: Option<&'static str>,
}

impl Answer {
    /// An answer to a call, as far as there was one.
    pub fn new(parts: ResponseParts, call: Option<Ctx>) -> Answer {
        let answer = Answer { parts, service: UNKNOWN, operation: UNKNOWN, caller: None, error: None };
        match call {
            Some(cx) => answer.called_by(cx),
            None => answer,
        }
    }

    pub fn called_by(mut self, cx: Ctx) -> Answer {
        self.caller = Some((cx.principal.arn(), cx.access_key_id.clone()));
        self
    }

    pub fn named(mut self, route: Option<&Route>) -> Answer {
        if let Some(route) = route {
            (self.service, self.operation) = (route.service.id, route.operation.name);
        }
        self
    }

    /// An answer of the gateway's own pages.
    pub fn own(parts: ResponseParts, operation: &'static str) -> Answer {
        Answer { service: "traca", operation, ..Answer::new(parts, None) }
    }

    pub fn with_error(mut self, error: &Error) -> Answer {
        self.error = Some(error.definition.name);
        self
    }

    /// Adds headers.
    pub fn with_headers(mut self, headers: HeaderMap) -> Answer {
        self.parts.headers.extend(headers);
        self
    }

    pub fn status(&self) -> u16 {
        self.parts.status.as_u16()
    }

    /// Bytes of the body, if known.
    pub fn length(&self) -> Option<u64> {
        self.parts.body.length()
    }

    /// What hyper sends. `reusable` tells whether the connection can take another request.
    pub fn into_response(self, reusable: bool) -> Response<AnswerBody> {
        let mut response = Response::new(AnswerBody::from(self.parts.body));
        *response.status_mut() = self.parts.status;
        *response.headers_mut() = self.parts.headers;
        if !reusable {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}
