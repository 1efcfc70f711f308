//! Requests to hosts outside: bounded in time and size, over TLS that is checked, to addresses that may be reached.
//!
//! **Invariants.** Redirects are not followed: who asks decides which host is asked. Every connection serves one request
//! and is closed behind it. Only an address that the operator's [`Egress`] allows is ever connected to.

mod download;
mod egress;
mod error;
mod exchange;
mod trust;

use std::time::Duration;

use bytes::Bytes;
use http::uri::Scheme;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};

pub use download::Download;
pub use egress::{Egress, Network, NotANetwork, Reach};
pub use error::FetchError;
use exchange::{exchange, open};

/// Longest address that is asked for, in bytes: what registries send clients to for a layer is signed, and long.
pub const URL_BYTES_MAX: usize = 8_192;

/// Hosts that can be asked without encryption: nobody is between them and us.
const LOCAL_HOSTS: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// How much a request may cost.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// For all of it, from looking up the name to the last byte.
    pub time: Duration,
    /// Longest answer, in bytes.
    pub body_bytes: usize,
}

/// A request.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// The method.
    pub method: Method,
    /// Begins with `http://` or `https://`.
    pub url: String,
    /// Headers besides `Host`, `Connection` and `Content-Length`.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The body.
    pub body: Bytes,
}

/// What a host answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, as much of it as came within the bounds.
    pub body: Bytes,
    /// Whether that is all of it.
    pub is_whole: Whole,
}

/// Whether a body is all of what was to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whole {
    /// It is.
    Yes,
    /// It is longer than the bounds.
    TooLong,
    /// The connection broke.
    Broken,
}

/// Sends a request, and answers what came back; any status is an answer.
///
/// # Errors
/// When there was no answer within the bounds, or the host's address may not be reached.
pub async fn send(egress: &Egress, request: Outgoing, bounds: Bounds) -> Result<Answer, FetchError> {
    within(bounds, exchange(egress, request, &[], bounds.body_bytes)).await
}

/// Sends a request, and answers when the answer has begun; its body is read piece by piece.
///
/// # Errors
/// As [`send`]; `within` that time there has to be a head.
pub async fn download(egress: &Egress, request: Outgoing, within: Duration) -> Result<Download, FetchError> {
    tokio::time::timeout(within, open(egress, request, &[])).await.map_err(|_| FetchError::Slow)?
}

/// Reads a document with `GET`.
///
/// The address has to begin with `https://`, or with `http://` for a host on this machine. The server's certificate is
/// trusted if it is signed by an authority that the operating system trusts, or by a certificate of its chain whose SHA-1
/// digest (40 hexadecimal digits) is among `thumbprints`.
///
/// # Errors
/// When there is no such document within the bounds; an answer with another status than 200 is an error too.
pub async fn get(egress: &Egress, url: &str, thumbprints: &[String], bounds: Bounds) -> Result<Bytes, FetchError> {
    let uri: Uri = url.parse().map_err(|_| FetchError::Url)?;
    let is_local = uri.scheme() == Some(&Scheme::HTTP) && LOCAL_HOSTS.contains(&exchange::bare_host(&uri));
    if !(uri.scheme() == Some(&Scheme::HTTPS) || is_local) {
        return Err(FetchError::Url);
    }
    let headers = vec![(header::ACCEPT, HeaderValue::from_static("application/json"))];
    let request = Outgoing { method: Method::GET, url: url.to_owned(), headers, body: Bytes::new() };
    let answer = within(bounds, exchange(egress, request, thumbprints, bounds.body_bytes)).await?;
    match answer.is_whole {
        _ if answer.status != StatusCode::OK.as_u16() => Err(FetchError::Status(answer.status)),
        Whole::Yes => Ok(answer.body),
        Whole::TooLong => Err(FetchError::TooLarge),
        Whole::Broken => Err(FetchError::Unreachable),
    }
}

async fn within<T>(bounds: Bounds, work: impl Future<Output = Result<T, FetchError>>) -> Result<T, FetchError> {
    tokio::time::timeout(bounds.time, work).await.map_err(|_| FetchError::Slow)?
}

#[cfg(test)]
mod tests;
