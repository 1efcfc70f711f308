//! What remains to be checked of a body after its head was verified: a declared hash, or the framing and signatures of
//! `aws-chunked`.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use http::request::Parts;
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use wire::body::{ByteStream, Trailers};
use wire::chunked::{ChunkDecoder, ChunkError};
use wire::sigv4::{BodyCheck, Invalid, SignatureError, StreamingPayload, hex};
use wire::{Body, Error};

use crate::failure;

/// Declares the length of an `aws-chunked` body without its framing, in bytes.
const DECODED_LENGTH: &str = "x-amz-decoded-content-length";

/// Where the reason is left that a streamed body was refused for: the handler only sees that reading failed.
#[derive(Clone, Default)]
pub(crate) struct Refusal(Arc<Mutex<Option<Error>>>);

impl Refusal {
    /// Leaves the reason.
    pub fn put(&self, error: Error) {
        *self.0.lock() = Some(error);
    }

    /// The reason, if the body was refused.
    pub fn take(&self) -> Option<Error> {
        self.0.lock().take()
    }
}

/// What to do with a body while it is read.
enum Check {
    /// Hash it and compare at the end.
    Hash(Sha256, [u8; 32]),
    /// Take the framing off.
    Chunks(Box<ChunkDecoder>),
}

/// The check that is left after verification; for requests that are not verified, only the framing is taken off.
fn check(parts: &Parts, verified: Option<BodyCheck>) -> Result<Option<Check>, Error> {
    match verified {
        Some(BodyCheck::Done) => Ok(None),
        Some(BodyCheck::Sha256(declared)) => Ok(Some(Check::Hash(Sha256::new(), declared))),
        Some(BodyCheck::Chunked { payload, signer }) => {
            Ok(Some(Check::Chunks(Box::new(ChunkDecoder::new(payload, signer, decoded_length(parts)?)))))
        }
        None => match StreamingPayload::of(parts) {
            Some(payload) => {
                Ok(Some(Check::Chunks(Box::new(ChunkDecoder::new(payload, None, decoded_length(parts)?)))))
            }
            None => Ok(None),
        },
    }
}

fn decoded_length(parts: &Parts) -> Result<u64, Error> {
    let value = parts.headers.get(DECODED_LENGTH).and_then(|value| value.to_str().ok());
    value.and_then(|value| value.parse().ok()).ok_or_else(failure::missing_content_length)
}

/// Checks a body that is here already.
pub(crate) fn checked_bytes(parts: &Parts, verified: Option<BodyCheck>, mut body: Bytes) -> Result<Bytes, Error> {
    match check(parts, verified)? {
        None => Ok(body),
        Some(Check::Hash(mut hasher, declared)) => {
            hasher.update(&body);
            compare(hasher, declared).map(|()| body)
        }
        Some(Check::Chunks(mut decoder)) => {
            let mut decoded = Vec::with_capacity(body.len());
            while let Some(piece) = decoder.decode(&mut body).map_err(chunk_error)? {
                decoded.extend_from_slice(&piece);
            }
            decoder.finish().map_err(chunk_error)?;
            Ok(decoded.into())
        }
    }
}

/// Checks a body while it is read. A reader that has not reached the end must not commit anything.
pub(crate) fn checked_stream(
    parts: &Parts,
    verified: Option<BodyCheck>,
    body: Body,
    refusal: &Refusal,
) -> Result<Body, Error> {
    let Some(check) = check(parts, verified)? else { return Ok(body) };
    let length = match &check {
        Check::Hash(..) => body.length(),
        Check::Chunks(_) => Some(decoded_length(parts)?),
    };
    let source = match body {
        Body::Empty => None,
        Body::Bytes(bytes) => return checked_whole(check, bytes),
        Body::Stream { stream, .. } => Some(stream),
    };
    let refusal = refusal.clone();
    let announced = parts.headers.get("x-amz-trailer").and_then(|value| value.to_str().ok());
    let trailers = Trailers::announced_by(announced);
    let stream = CheckedStream { source, check: Some(check), piece: Bytes::new(), refusal, trailers: trailers.clone() };
    Ok(Body::Stream { stream: Box::pin(stream), length, trailers })
}

fn checked_whole(check: Check, bytes: Bytes) -> Result<Body, Error> {
    let refusal = Refusal::default();
    let mut stream =
        CheckedStream { source: None, check: Some(check), piece: bytes, refusal, trailers: Trailers::default() };
    let mut whole = Vec::new();
    while let Some(piece) = stream.next_piece()? {
        whole.extend_from_slice(&piece);
    }
    stream.finish().map(|()| Body::from(Bytes::from(whole)))
}

struct CheckedStream {
    source: Option<ByteStream>,
    check: Option<Check>,
    /// What the decoder has not looked at yet.
    piece: Bytes,
    refusal: Refusal,
    /// Where the headers after the body are left.
    trailers: Trailers,
}

impl CheckedStream {
    /// The next part of the body within the piece at hand.
    fn next_piece(&mut self) -> Result<Option<Bytes>, Error> {
        match &mut self.check {
            Some(Check::Chunks(decoder)) => decoder.decode(&mut self.piece).map_err(chunk_error),
            Some(Check::Hash(hasher, _)) if !self.piece.is_empty() => {
                hasher.update(&self.piece);
                Ok(Some(std::mem::take(&mut self.piece)))
            }
            _ => Ok(None),
        }
    }

    fn finish(&mut self) -> Result<(), Error> {
        match self.check.take() {
            Some(Check::Chunks(decoder)) => {
                self.trailers.receive(decoder.finish().map_err(chunk_error)?);
                Ok(())
            }
            Some(Check::Hash(hasher, declared)) => compare(hasher, declared),
            None => Ok(()),
        }
    }

    fn refuse(&mut self, reason: Error) -> Poll<Option<io::Result<Bytes>>> {
        self.check = None;
        self.source = None;
        let text = reason.to_string();
        *self.refusal.0.lock() = Some(reason);
        Poll::Ready(Some(Err(io::Error::other(text))))
    }
}

impl Stream for CheckedStream {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        loop {
            match self.next_piece() {
                Ok(Some(piece)) => return Poll::Ready(Some(Ok(piece))),
                Ok(None) => {}
                Err(reason) => return self.refuse(reason),
            }
            let next = match &mut self.source {
                Some(source) => ready!(source.as_mut().poll_next(cx)),
                None => None,
            };
            match next {
                Some(Ok(piece)) => self.piece = piece,
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => {
                    self.source = None;
                    return match self.finish() {
                        Ok(()) => Poll::Ready(None),
                        Err(reason) => self.refuse(reason),
                    };
                }
            }
        }
    }
}

fn compare(hasher: Sha256, declared: [u8; 32]) -> Result<(), Error> {
    let computed: [u8; 32] = hasher.finalize().into();
    if computed == declared {
        return Ok(());
    }
    let mismatch = Invalid::PayloadMismatch { declared: hex(&declared), computed: hex(&computed) };
    Err(failure::s3_signature(&SignatureError::from(mismatch)))
}

fn chunk_error(error: ChunkError) -> Error {
    failure::chunks(&error)
}

#[cfg(test)]
mod tests;
