//! From an HTTP request to a typed input, from a typed output or an error to an HTTP answer, in the protocol that the
//! request spoke.
//!
//! The functions here choose the document format, put REST members where they travel and add what surrounds a document
//! (wrappers, namespaces, request ids). All facts come from the static definitions.

mod error;
mod input;
mod output;

use http::{HeaderMap, Method, StatusCode};

use crate::body::Body;

pub use error::write_error;
pub use input::{read_input, streams_input};
pub use output::write_output;

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
