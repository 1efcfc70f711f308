//! What a service is told of its requests once they were answered, whatever the answer was.

use std::net::IpAddr;
use std::time::Duration;

use http::{HeaderMap, Method};

/// A request that was answered.
pub struct Served<'a> {
    /// The operation, or another word where none was found.
    pub operation: &'static str,
    /// The path, with the resource that the host names (a bucket of S3) in front.
    pub path: String,
    /// Path and query as received.
    pub target: &'a str,
    /// The query string.
    pub query: &'a str,
    /// The method.
    pub method: &'a Method,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The status of the answer.
    pub status: u16,
    /// The code of the error, if it was one.
    pub error: Option<&'static str>,
    /// Bytes of the answer's body, if known.
    pub bytes: Option<u64>,
    /// How long the answer took.
    pub duration: Duration,
    /// ARN of the caller, if it was found out.
    pub caller: Option<&'a str>,
    /// The client's address; `None` for functions.
    pub source_ip: Option<IpAddr>,
    /// Id of the request.
    pub request_id: &'a str,
}

/// Somebody who is told of requests. Asked behind every answer of the service, so it has to be quick.
pub trait Witness: Send + Sync + 'static {
    /// A request was answered.
    fn served(&self, served: &Served<'_>);
}
