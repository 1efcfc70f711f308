//! Bodies that are handed on without being copied: known bytes, or a stream of them.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;

/// A stream of body pieces. An error means that the body ended early or was refused while it was read.
pub type ByteStream = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send + Sync>>;

/// The value of a payload member that the model marks as streaming.
#[derive(Default)]
pub enum Body {
    /// No body, or one of length zero.
    #[default]
    Empty,
    /// The whole body, already here.
    Bytes(Bytes),
    /// A body that arrives while it is read.
    Stream {
        /// The pieces.
        stream: ByteStream,
        /// Length in bytes, where it is known beforehand.
        length: Option<u64>,
        /// What follows the pieces.
        trailers: Trailers,
    },
}

/// Headers that follow a streamed body: which ones were announced, and once the stream has ended, what they say.
#[derive(Debug, Clone, Default)]
pub struct Trailers {
    announced: Option<String>,
    received: Arc<OnceLock<Vec<(String, String)>>>,
}

impl Trailers {
    /// Trailers that a header (`x-amz-trailer`) announces.
    pub fn announced_by(header: Option<&str>) -> Trailers {
        Trailers { announced: header.map(str::to_ascii_lowercase), received: Arc::default() }
    }

    /// Whether a header of this name, in lower case, was announced.
    pub fn is_announced(&self, name: &str) -> bool {
        self.announced.as_deref().is_some_and(|names| names.split(',').any(|announced| announced.trim() == name))
    }

    /// Takes note of the headers that came, names in lower case. Only the first call counts: a body ends once.
    pub fn receive(&self, headers: Vec<(String, String)>) {
        let _ = self.received.set(headers);
    }

    /// The value of a header that came; its name in lower case.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.received.get()?.iter().find(|(received, _)| received == name).map(|(_, value)| value.as_str())
    }
}

impl Body {
    /// Length in bytes, if it is known.
    pub fn length(&self) -> Option<u64> {
        match self {
            Body::Empty => Some(0),
            Body::Bytes(bytes) => Some(bytes.len() as u64),
            Body::Stream { length, .. } => *length,
        }
    }

    /// The body with some bytes before it.
    pub fn preceded_by(self, first: Bytes) -> Body {
        match self {
            Body::Empty => Body::from(first),
            Body::Bytes(rest) => Body::Bytes([first, rest].concat().into()),
            Body::Stream { stream, length, trailers } => {
                let length = length.map(|length| length + first.len() as u64);
                Body::Stream { stream: Box::pin(Preceded { first: Some(first), stream }), length, trailers }
            }
        }
    }
}

/// A stream with one piece before it.
struct Preceded {
    first: Option<Bytes>,
    stream: ByteStream,
}

impl Stream for Preceded {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match self.first.take() {
            Some(first) => Poll::Ready(Some(Ok(first))),
            None => self.stream.as_mut().poll_next(context),
        }
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Body {
        if bytes.is_empty() { Body::Empty } else { Body::Bytes(bytes) }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Body::Empty => formatter.write_str("Body::Empty"),
            Body::Bytes(bytes) => write!(formatter, "Body::Bytes({} bytes)", bytes.len()),
            Body::Stream { length, .. } => write!(formatter, "Body::Stream({length:?} bytes)"),
        }
    }
}
