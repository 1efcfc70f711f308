//! Bodies that are handed on without being copied: known bytes, or a stream of them.

use std::fmt;
use std::io;
use std::pin::Pin;

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
    },
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
