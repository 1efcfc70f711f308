//! A body that is not a document: bytes, text or a stream.

use bytes::Bytes;

use crate::body::Body;
use crate::codec::{ReadError, ReadResult, Reader};
use crate::schema::Member;

/// Implements the methods of [`Reader`] that make no sense where a reader stands. The generated glue never calls them;
/// a model that binds a value where it cannot travel would.
macro_rules! refuse_scalars {
    ($($method:ident)*) => { $( $crate::protocol::payload::refuse_scalars!(@ $method); )* };
    (@ structure) => {
        fn structure(
            &mut self,
            shape: &'static $crate::schema::Shape,
            _: &mut dyn FnMut(usize, &mut dyn Reader) -> ReadResult<()>,
        ) -> ReadResult<()> {
            Err($crate::codec::ReadError::new(format!("Unexpected {}", shape.name)))
        }
    };
    (@ list) => {
        fn list(
            &mut self,
            at: &'static Member,
            _: &mut dyn FnMut(&mut dyn Reader) -> ReadResult<()>,
        ) -> ReadResult<()> {
            Err($crate::protocol::payload::unexpected(at))
        }
    };
    (@ map) => {
        fn map(
            &mut self,
            at: &'static Member,
            _: &mut dyn FnMut(String, &mut dyn Reader) -> ReadResult<()>,
        ) -> ReadResult<()> {
            Err($crate::protocol::payload::unexpected(at))
        }
    };
    (@ string) => { $crate::protocol::payload::refuse_scalars!(@@ string, String); };
    (@ integer) => { $crate::protocol::payload::refuse_scalars!(@@ integer, i64); };
    (@ float) => { $crate::protocol::payload::refuse_scalars!(@@ float, f64); };
    (@ boolean) => { $crate::protocol::payload::refuse_scalars!(@@ boolean, bool); };
    (@ blob) => { $crate::protocol::payload::refuse_scalars!(@@ blob, bytes::Bytes); };
    (@ timestamp) => { $crate::protocol::payload::refuse_scalars!(@@ timestamp, $crate::timestamp::Timestamp); };
    (@ document) => { $crate::protocol::payload::refuse_scalars!(@@ document, serde_json::Value); };
    (@@ $method:ident, $type:ty) => {
        fn $method(&mut self, at: &'static Member) -> ReadResult<$type> {
            Err($crate::protocol::payload::unexpected(at))
        }
    };
}
pub(super) use refuse_scalars;

/// Reads a whole body as one value.
pub(super) struct PayloadReader {
    /// The body, taken when it is read.
    pub(super) body: Body,
}

impl PayloadReader {
    fn bytes(&mut self) -> ReadResult<Bytes> {
        match std::mem::take(&mut self.body) {
            Body::Empty => Ok(Bytes::new()),
            Body::Bytes(bytes) => Ok(bytes),
            Body::Stream { .. } => {
                Err(ReadError::new("The body of this operation must be collected before it is read"))
            }
        }
    }
}

impl Reader for PayloadReader {
    fn string(&mut self, _: &'static Member) -> ReadResult<String> {
        String::from_utf8(self.bytes()?.to_vec()).map_err(|_| ReadError::new("The body is not valid UTF-8"))
    }

    fn blob(&mut self, _: &'static Member) -> ReadResult<Bytes> {
        self.bytes()
    }

    fn body(&mut self, _: &'static Member) -> ReadResult<Body> {
        Ok(std::mem::take(&mut self.body))
    }

    refuse_scalars!(structure list map integer float boolean timestamp document);
}

/// The value of this member cannot travel where the model puts it.
pub(super) fn unexpected(at: &Member) -> ReadError {
    ReadError::new(format!("Unexpected value at '{}'", at.name))
}
