//! Reading and writing typed values in every protocol.
//!
//! Generated structs know only how to hand their members to a [`Writer`] and how to take them from a [`Reader`]. One
//! reader and one writer per document format does the rest, driven by the static [`schema`](crate::schema). So there
//! is one copy of each codec whatever the number of operations, and a service never sees a protocol.

mod capture;
pub mod cbor;
pub mod json;
pub mod query;
pub(crate) mod text;
mod traits;
pub mod value;
pub mod xml;

pub use traits::{Missing, ReadError, ReadResult, ReadValue, Reader, Structure, WriteValue, Writer};
