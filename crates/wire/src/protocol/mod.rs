//! From an HTTP request to a typed input, from a typed output or an error to an HTTP answer, in the protocol that the
//! request spoke.
//!
//! The functions here choose the document format, put REST members where they travel and add what surrounds a document
//! (wrappers, namespaces, request ids). All facts come from the static definitions.

mod binding_reader;
mod binding_writer;
mod client;
mod error;
mod input;
mod output;
mod payload;
mod refusal;
#[cfg(test)]
mod tests;

use http::{HeaderMap, Method, StatusCode};

use crate::body::Body;
use crate::codec::{ReadResult, Reader};

pub use client::{read_output, write_input};
pub use error::{write_error, write_unroutable};
pub use input::{read_input, read_input_with, streams_input};
pub use output::write_output;
pub(crate) use refusal::named;
pub use refusal::{NamedAction, access_denied, not_implemented, signature_refused, unknown_operation};

/// Called with a reader that stands at the structure to be read.
pub type Read<'a> = &'a mut dyn FnMut(&mut dyn Reader) -> ReadResult<()>;

/// What an input is read from, apart from the body.
#[derive(Debug, Clone, Copy)]
pub struct RequestView<'a> {
    /// Method of the request.
    pub method: &'a Method,
    /// Path labels of a REST operation, percent-decoded once, by label name.
    pub labels: &'a [(&'static str, String)],
    /// Query string as received: without the `?`, still encoded, empty if there is none.
    pub query: &'a str,
    /// Headers of the request.
    pub headers: &'a HeaderMap,
}

/// An answer ready to be sent.
#[derive(Debug)]
pub struct ResponseParts {
    /// HTTP status.
    pub status: StatusCode,
    /// All headers but `content-length` of a body of known length, which the sender adds. An answer to `HEAD` may carry
    /// one of its own.
    pub headers: HeaderMap,
    /// The body.
    pub body: Body,
}

/// What an answer needs to know of the request it answers.
#[derive(Debug, Clone, Copy)]
pub struct AnswerContext<'a> {
    /// The request's id, which clients show to their users.
    pub request_id: &'a str,
    /// S3's second id (`x-amz-id-2`, `HostId`).
    pub host_id: &'a str,
    /// The path that was asked for: S3 names it in its errors.
    pub resource: Option<&'a str>,
    /// The request was a `HEAD`: the answer has no body.
    pub head: bool,
    /// The client wants legacy query statuses and codes (`x-amzn-query-mode: true`).
    pub query_mode: bool,
    /// The client of a query service asked for JSON (`Accept: application/json` or `ContentType=JSON`).
    pub json_answer: bool,
}

impl<'a> AnswerContext<'a> {
    /// What the answer needs to know of a request. Only the query string is searched for `ContentType=JSON`.
    pub fn of(request: &RequestView<'_>, request_id: &'a str, host_id: &'a str) -> AnswerContext<'a> {
        let header_is = |name: &str, value: &str| {
            request.headers.get(name).is_some_and(|found| found.as_bytes().eq_ignore_ascii_case(value.as_bytes()))
        };
        let asks_for_json = request.query.split('&').any(|pair| pair == "ContentType=JSON");
        AnswerContext {
            request_id,
            host_id,
            resource: None,
            head: request.method == Method::HEAD,
            query_mode: header_is("x-amzn-query-mode", "true"),
            json_answer: asks_for_json || header_is("accept", "application/json"),
        }
    }
}

/// A request ready to be sent.
#[derive(Debug)]
pub struct RequestParts {
    /// HTTP method.
    pub method: Method,
    /// Encoded path and query.
    pub target: String,
    /// All headers but `host`, `content-length` and those of the signature.
    pub headers: HeaderMap,
    /// The body.
    pub body: Body,
}
