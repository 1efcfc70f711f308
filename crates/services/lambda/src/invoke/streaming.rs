//! Answers that callers read while the function still writes them.

use std::io;
use std::sync::Arc;

use api::lambda::{InvokeWithResponseStreamRequest, InvokeWithResponseStreamResponse};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::{Stream, stream};
use platform::Ctx;
use sandbox::StreamPiece;
use serde_json::json;
use tokio::sync::mpsc::{self, Receiver};
use tokio::task::JoinHandle;
use wire::body::Trailers;
use wire::error::common;
use wire::event_stream::Message;
use wire::{Body, Error};

use super::Invoker;
use super::operation::{client_context, event, require_active};
use super::run::{Outcome, Request};
use crate::function::FunctionVersion;
use crate::package::Packages;
use crate::{Lambda, functions, names, store_failure};

/// Pieces of an answer that wait for its reader; each is at most what is read from the runtime at once. Beyond them the
/// function waits in its own write.
const WAITING_PIECES_MAX: usize = 8;

/// Status of an answer and of a dry run.
const OK: i32 = 200;
const NO_CONTENT: i32 = 204;

/// Media type of an answer that came in one piece.
const ONE_PIECE: &str = "application/json";

/// The event stream's own media types.
const BYTES: &str = "application/octet-stream";
const JSON: &str = "application/json";

/// An answer under way.
pub struct Streamed {
    /// The media type that the function gave it.
    pub content_type: Option<String>,
    /// Whether the function streams it; otherwise it is already here.
    pub is_streamed: bool,
    pieces: Receiver<StreamPiece>,
    run: Option<JoinHandle<Result<Outcome, Error>>>,
    outcome: Option<Outcome>,
}

/// What comes next of an answer.
pub enum Part {
    /// A piece of it.
    Data(Bytes),
    /// How the invocation has ended; nothing follows. The payload is an error document, or has been handed on.
    End(Outcome),
}

impl Invoker {
    /// Runs a function, and answers as soon as it has begun to answer. The run goes on when the reader goes away, as on
    /// AWS.
    ///
    /// # Errors
    /// As [`Invoker::run`].
    pub async fn stream(
        self: &Arc<Invoker>,
        packages: &Arc<Packages>,
        version: Arc<FunctionVersion>,
        request: Request,
    ) -> Result<Streamed, Error> {
        let (sender, mut pieces) = mpsc::channel(WAITING_PIECES_MAX);
        let (invoker, packages) = (Arc::clone(self), Arc::clone(packages));
        // A task of its own, so that a reader who is slow or gone holds up neither the time limit nor the log.
        let run = async move { invoker.run_into(&packages, version, request, Some(sender)).await };
        let mut run = tokio::spawn(run);
        let (head, outcome) = tokio::select! {
            biased;
            head = pieces.recv() => (head, None),
            ended = &mut run => (pieces.try_recv().ok(), Some(ended.map_err(store_failure)??)),
        };
        let (is_streamed, content_type) = match head {
            Some(StreamPiece::Head(content_type)) => (true, content_type),
            Some(StreamPiece::Data(_)) | None => (false, None),
        };
        let outcome = match outcome {
            // The sender is gone, so that the end is here.
            None if !is_streamed => Some((&mut run).await.map_err(store_failure)??),
            outcome => outcome,
        };
        let run = outcome.is_none().then_some(run);
        Ok(Streamed { content_type, is_streamed, pieces, run, outcome })
    }
}

impl Streamed {
    /// What comes next; nothing after the end.
    pub async fn next(&mut self) -> Option<Part> {
        loop {
            if let Some(run) = &mut self.run {
                tokio::select! {
                    biased;
                    Some(piece) = self.pieces.recv() => match piece {
                        StreamPiece::Data(data) => return Some(Part::Data(data)),
                        StreamPiece::Head(_) => {}
                    },
                    ended = run => {
                        self.run = None;
                        self.outcome = Some(ended.map_err(store_failure).and_then(|ended| ended).unwrap_or_else(broken));
                    }
                }
                continue;
            }
            // What was still on its way when the invocation ended.
            match self.pieces.try_recv() {
                Ok(StreamPiece::Data(data)) => return Some(Part::Data(data)),
                Ok(StreamPiece::Head(_)) => {}
                Err(_) => return self.last(),
            }
        }
    }

    /// An answer that came in one piece, then the end.
    fn last(&mut self) -> Option<Part> {
        let outcome = self.outcome.as_mut()?;
        if !outcome.failed && !outcome.payload.is_empty() {
            return Some(Part::Data(std::mem::take(&mut outcome.payload)));
        }
        self.outcome.take().map(Part::End)
    }
}

/// The end of an invocation that the platform could not carry through.
fn broken(error: Error) -> Outcome {
    let text = error.message.as_deref().unwrap_or(error.definition.code);
    let document = json!({ "errorType": error.definition.name, "errorMessage": text });
    Outcome { payload: document.to_string().into(), failed: true, tail: None }
}

/// Runs a function and hands on its answer while it is written.
pub async fn invoke_with_response_stream(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: InvokeWithResponseStreamRequest,
) -> Result<InvokeWithResponseStreamResponse, Error> {
    if input.tenant_id.is_some() {
        let text = "Traca does not support TenantId of the InvokeWithResponseStream operation of Lambda yet.";
        return Err(Error::new(&common::NOT_IMPLEMENTED, text));
    }
    let target = names::target(cx, &input.function_name, input.qualifier.as_deref())?;
    let version = functions::resolve(lambda, &target.function, target.qualifier.as_deref()).await?;
    let payload = event(input.payload, "RequestResponse")?;
    let client_context = input.client_context.as_deref().map(client_context).transpose()?;
    require_active(&version)?;
    let executed_version = Some(version.version.to_string());
    if input.invocation_type.as_deref() == Some("DryRun") {
        return Ok(InvokeWithResponseStreamResponse { status_code: Some(NO_CONTENT), ..Default::default() });
    }
    let request = Request {
        request_id: cx.request_id.clone(),
        payload,
        invoked_arn: target.arn(),
        client_context,
        trace_id: cx.trace_header.clone(),
        tail: input.log_type.as_deref() == Some("Tail"),
    };
    let streamed = lambda.invoker.stream(&lambda.packages, version, request).await?;
    let content_type = streamed.content_type.clone();
    Ok(InvokeWithResponseStreamResponse {
        status_code: Some(OK),
        executed_version,
        response_stream_content_type: Some(content_type.unwrap_or_else(|| ONE_PIECE.to_owned())),
        event_stream: body(frames(streamed)),
    })
}

/// A body that is written as it becomes known.
pub fn body(stream: impl Stream<Item = io::Result<Bytes>> + Send + Sync + 'static) -> Body {
    Body::Stream { stream: Box::pin(stream), length: None, trailers: Trailers::default() }
}

/// The event stream of an answer.
fn frames(streamed: Streamed) -> impl Stream<Item = io::Result<Bytes>> + Send + Sync + use<> {
    stream::unfold(streamed, |mut streamed| async move {
        let message = match streamed.next().await? {
            Part::Data(data) => Message::event("PayloadChunk", BYTES, data),
            Part::End(outcome) => Message::event("InvokeComplete", JSON, complete(&outcome)),
        };
        Some((message.encode().map_err(io::Error::other), streamed))
    })
}

/// The last event: what a caller of `Invoke` is told in headers.
fn complete(outcome: &Outcome) -> Bytes {
    let details = || String::from_utf8_lossy(&outcome.payload).into_owned();
    let members = [
        ("ErrorCode", outcome.failed.then(|| "Unhandled".to_owned())),
        ("ErrorDetails", outcome.failed.then(details)),
        ("LogResult", outcome.tail.as_ref().map(|tail| STANDARD.encode(tail))),
    ];
    let present = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value?))));
    serde_json::Value::Object(present.collect()).to_string().into()
}
