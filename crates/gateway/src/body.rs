//! Bodies: requests' as they arrive, answers' as they leave.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use parking_lot::Mutex;
use tokio::time::timeout;
use wire::Body;
use wire::body::{ByteStream, Trailers};

use crate::limits::{BODY_PAUSE_MAX, DRAIN_BYTES_MAX, DRAIN_TIME_MAX};

/// Why a body was not read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BodyFault {
    /// Longer than the operation takes.
    #[error("the body is too large")]
    TooLarge,
    /// The client paused for longer than [`BODY_PAUSE_MAX`].
    #[error("the client stopped sending")]
    Paused,
    /// The connection ended, or its framing is broken.
    #[error("the body ended early")]
    Broken,
}

/// A request's body that may outlive the handler it was given to, so that what is left of it can be drained.
#[derive(Clone)]
pub(crate) struct RequestBody(Arc<Mutex<Source>>);

struct Source {
    incoming: Option<Incoming>,
    fault: Option<BodyFault>,
}

impl RequestBody {
    pub fn new(incoming: Incoming) -> RequestBody {
        RequestBody(Arc::new(Mutex::new(Source { incoming: Some(incoming), fault: None })))
    }

    /// Length in bytes, where the client declares it.
    pub fn expected_bytes(&self) -> Option<u64> {
        self.0.lock().incoming.as_ref().and_then(|incoming| incoming.size_hint().exact())
    }

    /// The whole body, if it is no longer than `limit` bytes.
    pub async fn collect(&self, limit: u64) -> Result<Bytes, BodyFault> {
        let Some(mut incoming) = self.0.lock().incoming.take() else { return Ok(Bytes::new()) };
        let collected = collect(&mut incoming, limit).await;
        let mut source = self.0.lock();
        source.fault = collected.as_ref().err().copied();
        source.incoming = Some(incoming);
        collected
    }

    /// The body as a stream, which fails beyond `limit` bytes.
    pub fn stream(&self, limit: u64) -> Body {
        let mut source = self.0.lock();
        let Some(incoming) = source.incoming.take() else { return Body::Empty };
        if incoming.is_end_stream() {
            return Body::Empty;
        }
        let length = incoming.size_hint().exact();
        drop(source);
        let stream = IncomingStream { incoming: Some(incoming), pause: None, left: limit, home: self.clone() };
        Body::Stream { stream: Box::pin(stream), length, trailers: Trailers::default() }
    }

    /// What kept the body from being read to its end.
    pub fn fault(&self) -> Option<BodyFault> {
        self.0.lock().fault
    }

    /// Reads what is left of the body, within bounds. Returns whether the connection can be used again.
    pub async fn drain(&self) -> bool {
        if matches!(self.fault(), Some(BodyFault::Paused | BodyFault::Broken)) {
            return false;
        }
        let Some(mut incoming) = self.0.lock().incoming.take() else { return true };
        if incoming.is_end_stream() {
            return true;
        }
        if incoming.size_hint().lower() > DRAIN_BYTES_MAX {
            return false;
        }
        let drained = timeout(DRAIN_TIME_MAX, async {
            let mut read = 0;
            while let Some(frame) = incoming.frame().await {
                read += frame.ok()?.data_ref().map_or(0, |data| data.len() as u64);
                if read > DRAIN_BYTES_MAX {
                    return None;
                }
            }
            Some(())
        });
        matches!(drained.await, Ok(Some(())))
    }
}

async fn collect(incoming: &mut Incoming, limit: u64) -> Result<Bytes, BodyFault> {
    let expected = incoming.size_hint().lower();
    if expected > limit {
        return Err(BodyFault::TooLarge);
    }
    let mut whole: Option<Bytes> = None;
    let mut pieces = BytesMut::new();
    while let Some(frame) = timeout(BODY_PAUSE_MAX, incoming.frame()).await.map_err(|_| BodyFault::Paused)? {
        let Ok(data) = frame.map_err(|_| BodyFault::Broken)?.into_data() else { continue };
        let so_far = whole.as_ref().map_or(pieces.len(), Bytes::len);
        if (so_far + data.len()) as u64 > limit {
            return Err(BodyFault::TooLarge);
        }
        match (whole.take(), pieces.is_empty()) {
            // The usual body is a single piece, which is handed on uncopied.
            (None, true) => whole = Some(data),
            (first, _) => {
                if let Some(first) = first {
                    pieces.extend_from_slice(&first);
                }
                pieces.extend_from_slice(&data);
            }
        }
    }
    Ok(whole.unwrap_or_else(|| pieces.freeze()))
}

/// A body on its way to a handler. Dropped, it goes back to where it can be drained.
struct IncomingStream {
    incoming: Option<Incoming>,
    pause: Option<Pin<Box<tokio::time::Sleep>>>,
    left: u64,
    home: RequestBody,
}

impl IncomingStream {
    fn fail(&mut self, fault: BodyFault) -> Poll<Option<io::Result<Bytes>>> {
        self.home.0.lock().fault = Some(fault);
        Poll::Ready(Some(Err(io::Error::other(fault))))
    }
}

impl Stream for IncomingStream {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        loop {
            if self.home.fault().is_some() {
                return Poll::Ready(None);
            }
            let Some(incoming) = &mut self.incoming else { return Poll::Ready(None) };
            match Pin::new(incoming).poll_frame(cx) {
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Ready(Some(Err(_))) => return self.fail(BodyFault::Broken),
                Poll::Ready(Some(Ok(frame))) => {
                    self.pause = None;
                    let Ok(data) = frame.into_data() else { continue };
                    let Some(left) = self.left.checked_sub(data.len() as u64) else {
                        return self.fail(BodyFault::TooLarge);
                    };
                    self.left = left;
                    return Poll::Ready(Some(Ok(data)));
                }
                Poll::Pending => {
                    let pause = self.pause.get_or_insert_with(|| Box::pin(tokio::time::sleep(BODY_PAUSE_MAX)));
                    if pause.as_mut().poll(cx).is_ready() {
                        return self.fail(BodyFault::Paused);
                    }
                    return Poll::Pending;
                }
            }
        }
    }
}

impl Drop for IncomingStream {
    fn drop(&mut self) {
        self.home.0.lock().incoming = self.incoming.take();
    }
}

/// An answer's body in the form that hyper sends.
pub(crate) enum AnswerBody {
    /// All of it.
    Whole(Option<Bytes>),
    /// As it is made. Length in bytes, if known.
    Stream(ByteStream, Option<u64>),
}

impl From<Body> for AnswerBody {
    fn from(body: Body) -> AnswerBody {
        match body {
            Body::Empty => AnswerBody::Whole(None),
            Body::Bytes(bytes) => AnswerBody::Whole(Some(bytes)),
            Body::Stream { stream, length, .. } => AnswerBody::Stream(stream, length),
        }
    }
}

impl HttpBody for AnswerBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match &mut *self {
            AnswerBody::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            AnswerBody::Stream(stream, _) => {
                stream.as_mut().poll_next(cx).map(|piece| piece.map(|piece| piece.map(Frame::data)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, AnswerBody::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            AnswerBody::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            AnswerBody::Stream(_, Some(length)) => SizeHint::with_exact(*length),
            AnswerBody::Stream(_, None) => SizeHint::default(),
        }
    }
}
