//! HTTP for one environment: accepts the runtime's connections and turns requests into state changes.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::{Bytes, BytesMut};
use futures_util::stream::{FuturesUnordered, StreamExt};
use http::{HeaderMap, Method, Request};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Sleep;

use super::answer::{self, Answer, Refusal};
use super::extensions;
use super::held::{Held, Hold};
use super::state::RuntimeApi;
use super::streaming;
use crate::limits;
use crate::outcome::{InvokeOutcome, ReportedError, ResponseMode};

/// The version prefix of every path.
const PREFIX: &str = "/2018-06-01";

/// The server of one environment. It has no task of its own: whoever drives the environment drives it, so that an event
/// and its answer wake nobody but the one who waits for them. What the runtime sends meanwhile waits in its socket.
pub(crate) struct Server {
    listener: TcpListener,
    api: Arc<RuntimeApi>,
    connections: FuturesUnordered<Connection>,
    /// Set while nothing can be accepted, for want of descriptors or memory: what is open gets a chance to end.
    retry: Option<Pin<Box<Sleep>>>,
}

type Connection = Pin<Box<dyn Future<Output = ()> + Send>>;

/// How long a failed accept waits before it is tried again.
const ACCEPT_RETRY: Duration = Duration::from_millis(10);

impl Server {
    /// Answers for `api` on the listener, once it is driven.
    pub(crate) fn new(listener: TcpListener, api: Arc<RuntimeApi>) -> Server {
        Server { listener, api, connections: FuturesUnordered::new(), retry: None }
    }

    /// Serves as long as it is polled. May be dropped at any time, and called again.
    pub(crate) async fn drive(&mut self) -> Infallible {
        poll_fn(|context| self.poll(context)).await
    }

    /// Whoever drove it last is woken no more for what the runtime does: nobody waits for that now.
    pub(crate) fn rest(&mut self) {
        let _ = self.poll(&mut Context::from_waker(Waker::noop()));
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Infallible> {
        loop {
            self.accept(context);
            let was_full = self.is_full();
            while let Poll::Ready(Some(())) = self.connections.poll_next_unpin(context) {}
            if !was_full || self.is_full() {
                return Poll::Pending;
            }
        }
    }

    /// Beyond the limit, connections wait in the listener's backlog until an open one ends.
    fn is_full(&self) -> bool {
        self.connections.len() >= limits::RUNTIME_API_CONNECTIONS_MAX
    }

    fn accept(&mut self, context: &mut Context<'_>) {
        while !self.is_full() {
            if let Some(retry) = &mut self.retry {
                if retry.as_mut().poll(context).is_pending() {
                    return;
                }
                self.retry = None;
            }
            match self.listener.poll_accept(context) {
                Poll::Pending => return,
                Poll::Ready(Ok((stream, _))) => {
                    self.connections.push(Box::pin(serve_connection(stream, Arc::clone(&self.api))));
                }
                Poll::Ready(Err(_)) => self.retry = Some(Box::pin(tokio::time::sleep(ACCEPT_RETRY))),
            }
        }
    }
}

async fn serve_connection(stream: TcpStream, api: Arc<RuntimeApi>) {
    // Without this the answer to `next` may wait for the acknowledgement of the one before.
    let _ = stream.set_nodelay(true);
    let hold = Hold::default();
    let held = Held::new(stream, hold.clone());
    let service = service_fn(move |request| {
        let (api, hold) = (Arc::clone(&api), hold.clone());
        async move { Ok::<_, Infallible>(handle(&api, &hold, request).await) }
    });
    let served = http1::Builder::new()
        // Scripts look for the names as AWS writes them.
        .title_case_headers(true)
        .max_buf_size(limits::RUNTIME_API_HEAD_BYTES_MAX)
        // What a runtime has asked for already is looked at before the answer to what it asked first goes out.
        .pipeline_flush(true)
        .serve_connection(TokioIo::new(held), service)
        .await;
    if let Err(error) = served {
        // Garbage or a broken connection: the function's own affair, and its invocation then times out.
        tracing::debug!(%error, "runtime API connection ended");
    }
}

async fn handle(api: &RuntimeApi, hold: &Hold, mut request: Request<Incoming>) -> Answer {
    match route(api, hold, &mut request).await {
        Ok(answer) => answer,
        Err(refusal) => {
            // Many clients write a body without looking for an answer first, and fail when nobody reads it.
            while let Some(Ok(_)) = request.body_mut().frame().await {}
            refusal.into_answer()
        }
    }
}

async fn route(api: &RuntimeApi, hold: &Hold, request: &mut Request<Incoming>) -> Result<Answer, Refusal> {
    let Some(path) = request.uri().path().strip_prefix(PREFIX) else {
        return extensions::route(api, request).await;
    };
    let path = path.to_owned();
    let get = request.method() == Method::GET;
    let post = request.method() == Method::POST;
    match path.as_str() {
        "/runtime/invocation/next" if get => {
            let _holding = hold.begin();
            Ok(answer::event(&*api.next().await?))
        }
        "/runtime/init/error" if post => init_error(api, request).await,
        "/ping" if get => Ok(answer::pong()),
        "/runtime/invocation/next" | "/runtime/init/error" | "/ping" => Err(Refusal::MethodNotAllowed),
        _ => {
            let rest = path.strip_prefix("/runtime/invocation/").ok_or(Refusal::NotFound)?;
            match rest.split_once('/') {
                Some((request_id, "response")) if post => response(api, request_id, request).await,
                Some((request_id, "error")) if post => invocation_error(api, request_id, request).await,
                Some((_, "response" | "error")) => Err(Refusal::MethodNotAllowed),
                _ => Err(Refusal::NotFound),
            }
        }
    }
}

async fn response(api: &RuntimeApi, request_id: &str, request: &mut Request<Incoming>) -> Result<Answer, Refusal> {
    let mode = match header(request.headers(), "lambda-runtime-function-response-mode").as_deref() {
        None | Some("") => ResponseMode::Buffered,
        Some("streaming") => ResponseMode::Streaming,
        Some(_) => return Err(Refusal::InvalidResponseMode),
    };
    let answering = api.begin_answer(request_id, "InvocationResponse")?;
    let content_type = header(request.headers(), "content-type");
    if let Some(stream) = answering.stream().filter(|_| mode == ResponseMode::Streaming) {
        return streaming::forward(answering, request.body_mut(), content_type, &stream).await;
    }
    match collect(request.body_mut(), limits::RESPONSE_BYTES_MAX).await? {
        Collected::Whole { payload, trailers } => {
            answering.complete(match broken_off(&trailers) {
                Some(error) => InvokeOutcome::FunctionError(error),
                None => InvokeOutcome::Response { payload, content_type, mode },
            });
            Ok(answer::accepted())
        }
        Collected::TooLarge { bytes } => {
            answering.complete(InvokeOutcome::ResponseTooLarge { bytes });
            Err(Refusal::TooLarge)
        }
    }
}

async fn invocation_error(
    api: &RuntimeApi,
    request_id: &str,
    request: &mut Request<Incoming>,
) -> Result<Answer, Refusal> {
    let answering = api.begin_answer(request_id, "InvocationErrorResponse")?;
    match reported_error(request).await? {
        Ok(error) => {
            answering.complete(InvokeOutcome::FunctionError(error));
            Ok(answer::accepted())
        }
        Err(bytes) => {
            answering.complete(InvokeOutcome::ResponseTooLarge { bytes });
            Err(Refusal::TooLarge)
        }
    }
}

async fn init_error(api: &RuntimeApi, request: &mut Request<Incoming>) -> Result<Answer, Refusal> {
    let Ok(error) = reported_error(request).await? else { return Err(Refusal::TooLarge) };
    api.init_error(error)?;
    Ok(answer::accepted())
}

/// The error document and its headers, or the size of a document that is too large.
async fn reported_error(request: &mut Request<Incoming>) -> Result<Result<ReportedError, u64>, Refusal> {
    let error_type = header(request.headers(), "lambda-runtime-function-error-type");
    let xray_cause = header(request.headers(), "lambda-runtime-function-xray-error-cause");
    Ok(match collect(request.body_mut(), limits::ERROR_BODY_BYTES_MAX).await? {
        Collected::Whole { payload, .. } => Ok(ReportedError { payload, error_type, xray_cause }),
        Collected::TooLarge { bytes } => Err(bytes),
    })
}

/// The error of a function that failed while its answer was already on the way: a runtime says so behind the body, with
/// the document in base64.
pub(super) fn broken_off(trailers: &HeaderMap) -> Option<ReportedError> {
    let error_type = header(trailers, "lambda-runtime-function-error-type")?;
    let encoded = header(trailers, "lambda-runtime-function-error-body").unwrap_or_default();
    // A document that is not base64 is handed on as it came rather than lost.
    let payload = BASE64_STANDARD.decode(&encoded).unwrap_or_else(|_| encoded.into_bytes());
    Some(ReportedError { payload: payload.into(), error_type: Some(error_type), xray_cause: None })
}

pub(super) fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

pub(super) enum Collected {
    Whole { payload: Bytes, trailers: HeaderMap },
    TooLarge { bytes: u64 },
}

/// Reads a body. One that is too large is read to its end but not kept, so that the client can read the answer; the
/// deadline of the invocation bounds how long that may go on.
pub(super) async fn collect(body: &mut Incoming, most: usize) -> Result<Collected, Refusal> {
    let announced = body.size_hint().exact();
    let (mut kept, mut trailers) = (BytesMut::new(), HeaderMap::new());
    let mut bytes = 0_u64;
    while let Some(frame) = body.frame().await {
        let data = match frame.map_err(|_| Refusal::TruncatedRequest)?.into_data() {
            Ok(data) => data,
            Err(frame) => {
                trailers = frame.into_trailers().unwrap_or_default();
                continue;
            }
        };
        bytes += data.len() as u64;
        if Some(data.len() as u64) == announced && data.len() <= most {
            // The whole body in one piece, as nearly always: hand it on without a copy.
            return Ok(Collected::Whole { payload: data, trailers });
        }
        if bytes > most as u64 {
            kept = BytesMut::new();
        } else {
            kept.extend_from_slice(&data);
        }
    }
    if bytes > most as u64 {
        return Ok(Collected::TooLarge { bytes });
    }
    Ok(Collected::Whole { payload: kept.freeze(), trailers })
}
