//! One connection: who is at its other end, and its requests one by one.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::FutureExt;
use http::header::HOST;
use http::request::Parts;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use platform::{DataRequest, Served};
use tokio::io::{AsyncRead, AsyncWrite};
use wire::protocol::ResponseParts;

use crate::admin;
use crate::answer::Answer;
use crate::body::{AnswerBody, RequestBody};
use crate::cross_origin::resource_path;
use crate::gateway::Inner;
use crate::limits::{self, HEAD_BYTES_MAX, HEAD_TIMEOUT, HEADERS_MAX, PING_INTERVAL, STREAMS_MAX};
use crate::pipeline::{Exchange, internal_failure};

/// Who is at the other end of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A client on the network.
    Client(SocketAddr),
    /// A function that calls from inside its environment; the text names it in logs.
    Function(Arc<str>),
}

/// What is known of a connection before its first request.
#[derive(Debug, Clone)]
pub struct ConnectionInfo {
    /// Who is at the other end.
    pub source: Source,
    /// Whether the connection is encrypted.
    pub is_tls: bool,
}

impl ConnectionInfo {
    /// The client's address; `None` for functions.
    pub fn source_ip(&self) -> Option<IpAddr> {
        match &self.source {
            Source::Client(address) => Some(address.ip()),
            Source::Function(_) => None,
        }
    }

    /// Address under which this client reached the platform: by the name it used, so that links in answers work for it.
    pub(crate) fn endpoint(&self, parts: &Parts, default: &str) -> String {
        let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
        let host = host.or_else(|| parts.uri.authority().map(|authority| authority.as_str()));
        let scheme = if self.is_tls { "https" } else { "http" };
        match host.filter(|host| !host.is_empty() && host.bytes().all(is_host_byte)) {
            Some(host) => format!("{scheme}://{host}"),
            None => default.to_owned(),
        }
    }
}

fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'[' | b']')
}

/// The host a request names, without its port.
pub(crate) fn host_of(parts: &Parts) -> &str {
    let header = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
    let host = header.or_else(|| parts.uri.authority().map(|authority| authority.as_str())).unwrap_or_default();
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Serves a connection until it ends. On shutdown it finishes the requests at work.
pub(crate) async fn serve<S>(gateway: Arc<Inner>, stream: S, info: ConnectionInfo)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let stopping = gateway.stopping.clone();
    let builder = builder();
    let info = Arc::new(info);
    let has_begun = Arc::new(AtomicBool::new(false));
    let begins = Arc::clone(&has_begun);
    let service = service_fn(move |request| {
        begins.store(true, Ordering::Relaxed);
        let (gateway, info) = (Arc::clone(&gateway), Arc::clone(&info));
        async move { Ok::<_, Infallible>(respond(&gateway, &info, request).await) }
    });
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let outcome = tokio::select! {
        outcome = connection.as_mut() => outcome,
        () = never_begins(&has_begun) => return,
        () = stopping.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(error, "a connection ended early");
    }
}

/// Ends if no request has come by the time a head may take: until the first bytes tell the version of HTTP, no other
/// timeout is in force.
async fn never_begins(has_begun: &AtomicBool) {
    tokio::time::sleep(HEAD_TIMEOUT).await;
    if has_begun.load(Ordering::Relaxed) {
        std::future::pending::<()>().await;
    }
}

fn builder() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_BYTES_MAX);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(HEAD_BYTES_MAX as u32)
        .max_concurrent_streams(STREAMS_MAX)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_INTERVAL);
    builder
}

/// Answers one request, whatever happens on the way.
async fn respond(gateway: &Arc<Inner>, info: &ConnectionInfo, request: Request<Incoming>) -> Response<AnswerBody> {
    let started = gateway.platform.clock.stopwatch();
    let request_id = gateway.platform.ids.uuid();
    let (parts, incoming) = request.into_parts();
    let body = RequestBody::new(incoming);
    let received = body.expected_bytes();
    let work = AssertUnwindSafe(handle(gateway, info, &parts, &body, &request_id));
    let answer = work.catch_unwind().await.unwrap_or_else(|_| {
        tracing::error!(request = request_id, "answering a request panicked");
        Answer::new(internal_failure(&request_id), None)
    });
    let reusable = body.drain().await && !awaits_no_body(&parts, received);
    let duration = gateway.platform.clock.stopwatch().saturating_sub(started);
    gateway.platform.metrics.request(answer.service, answer.operation, answer.status(), duration);
    log(info, &parts, &answer, &request_id, received, duration);
    tell(gateway, info, &parts, &answer, &request_id, duration);
    answer.into_response(reusable || parts.version == http::Version::HTTP_2)
}

/// Whether the client waits to be told to go on with a body that has no bytes. It is answered at once, and botocore reads
/// the next answer of such a connection wrongly.
fn awaits_no_body(parts: &Parts, expected: Option<u64>) -> bool {
    expected == Some(0) && parts.headers.contains_key(http::header::EXPECT)
}

async fn handle(
    gateway: &Arc<Inner>,
    info: &ConnectionInfo,
    parts: &Parts,
    body: &RequestBody,
    request_id: &str,
) -> Answer {
    let path = parts.uri.path();
    let host = host_of(parts).to_ascii_lowercase();
    if let Some(data_plane) = gateway.platform.services().data_plane(&host, path) {
        let exchange = Exchange { gateway, info, parts, body: body.clone(), request_id };
        let (caller, body) = match data_plane.signed_as(&host, path) {
            Some(service) => exchange.signer(service).await,
            None => (Ok(None), body.stream(limits::DATA_PLANE_BYTES_MAX)),
        };
        let request = DataRequest {
            head: parts.clone(),
            body,
            caller,
            source_ip: info.source_ip(),
            endpoint: info.endpoint(parts, &gateway.platform.config.endpoint),
            request_id: request_id.to_owned(),
        };
        let (head, body) = data_plane.serve(request).await.into_parts();
        return Answer::own(ResponseParts { status: head.status, headers: head.headers, body }, "DataPlane");
    }
    if path.starts_with(admin::PREFIX) {
        return admin::answer(gateway, info, parts).await;
    }
    Exchange { gateway, info, parts, body: body.clone(), request_id }.answer().await
}

/// Tells the service of its request, if it wants to know.
fn tell(
    gateway: &Inner,
    info: &ConnectionInfo,
    parts: &Parts,
    answer: &Answer,
    request_id: &str,
    duration: std::time::Duration,
) {
    let Some(witness) = gateway.platform.services().witness(answer.service) else { return };
    witness.served(&Served {
        operation: answer.operation,
        path: resource_path(parts, &gateway.bucket_domains),
        target: parts.uri.path_and_query().map_or("/", |target| target.as_str()),
        query: parts.uri.query().unwrap_or_default(),
        method: &parts.method,
        headers: &parts.headers,
        status: answer.status(),
        error: answer.error,
        bytes: answer.length(),
        duration,
        caller: answer.caller.as_ref().map(|(arn, _)| arn.as_str()),
        source_ip: info.source_ip(),
        request_id,
    });
}

/// One line per request. Never a query string or a header: both may carry secrets.
fn log(
    info: &ConnectionInfo,
    parts: &Parts,
    answer: &Answer,
    request_id: &str,
    received: Option<u64>,
    duration: std::time::Duration,
) {
    let (principal, access_key_id) = match &answer.caller {
        Some((principal, key)) => (principal.as_str(), key.as_deref()),
        None => ("unknown", None),
    };
    tracing::info!(
        target: "traca::access",
        source = ?info.source,
        principal,
        access_key_id,
        method = %parts.method,
        path = parts.uri.path(),
        service = answer.service,
        operation = answer.operation,
        status = answer.status(),
        error = answer.error,
        request_bytes = received,
        response_bytes = answer.length(),
        microseconds = duration.as_micros() as u64,
        request = request_id,
        "request"
    );
}
