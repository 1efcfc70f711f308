//! Signed requests to the server, tried again while it cannot be reached.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, header};
use outbound::{Answer, Bounds, Egress, FetchError, Outgoing, Reach, Whole};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use wire::sigv4::{Dialect, Signer};

use super::{Remote, listing};
use crate::error::BlobError;
use crate::limits::{ANSWER_BYTES_MAX, ATTEMPTS_MAX, REQUEST_TIME, RETRY_DELAY};

/// What is not escaped in a query string that is signed (RFC 3986, section 2.3).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A value of a query string.
pub(super) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, ESCAPED).to_string()
}

/// What an answer that refuses says.
pub(super) fn refusal(action: &'static str, answer: &Answer) -> BlobError {
    let code = listing::element(&answer.body, "Code").unwrap_or_default();
    let space = if code.is_empty() { "" } else { " " };
    BlobError::Remote(format!("{action}: the server answered {}{space}{code}", answer.status))
}

impl Remote {
    /// Sends a request about a key, or about the bucket where that is empty. Of an answer, at most so many bytes of its
    /// body are expected.
    pub(super) async fn request(
        &self,
        method: Method,
        key: &str,
        query: &str,
        headers: Vec<(HeaderName, HeaderValue)>,
        body: Bytes,
        expected_bytes: usize,
    ) -> Result<Answer, BlobError> {
        let mut delay = RETRY_DELAY;
        for attempt in 1.. {
            let outgoing = self.signed(&method, key, query, &headers, body.clone())?;
            // The operator named the server: where it is is nobody else's business.
            let egress = Egress::new(Reach::Local, Vec::new(), Vec::new());
            let bounds = Bounds { time: REQUEST_TIME, body_bytes: expected_bytes.max(ANSWER_BYTES_MAX) };
            let reason = match outbound::send(&egress, outgoing, bounds).await {
                Ok(answer) if answer.is_whole == Whole::Yes && answer.status < 500 && answer.status != 429 => {
                    return Ok(answer);
                }
                Ok(answer) => format!("the server answered {}", answer.status),
                Err(error @ (FetchError::Unreachable | FetchError::Slow)) => error.to_string(),
                Err(error) => return Err(BlobError::Remote(error.to_string())),
            };
            if attempt == ATTEMPTS_MAX {
                return Err(BlobError::Remote(reason));
            }
            tokio::time::sleep(delay).await;
            delay *= 2;
        }
        Err(BlobError::Interrupted)
    }

    fn signed(
        &self,
        method: &Method,
        key: &str,
        query: &str,
        headers: &[(HeaderName, HeaderValue)],
        body: Bytes,
    ) -> Result<Outgoing, BlobError> {
        let config = &self.config;
        let mark = if query.is_empty() { "" } else { "?" };
        let path = format!("/{}/{key}{mark}{query}", config.bucket);
        let host = config.endpoint.split_once("://").map_or("", |(_, host)| host);
        let mut request = Request::builder().method(method).uri(&path).header(header::HOST, host);
        if let Some(token) = &config.session_token {
            request = request.header("x-amz-security-token", token);
        }
        let request = request.body(()).map_err(|error| BlobError::Remote(error.to_string()))?;
        let (mut parts, ()) = request.into_parts();
        let signer =
            Signer { access_key: &config.access_key, secret: &config.secret, region: &config.region, service: "s3" };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs();
        signer.sign(&mut parts, Dialect::S3, &body, now as i64);
        let own = parts.headers.iter().filter(|(name, _)| **name != header::HOST);
        let headers = own.map(|(name, value)| (name.clone(), value.clone())).chain(headers.iter().cloned()).collect();
        Ok(Outgoing { method: method.clone(), url: format!("{}{path}", config.endpoint), headers, body })
    }
}
