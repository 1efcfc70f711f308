//! The wire: how AWS clients spell their requests and expect their answers.
//!
//! Protocols (`json`, `query`, `ec2`, `rest-json`, `rest-xml`, `cbor`), SigV4, `aws-chunked` bodies, event streams,
//! model-derived validation and error rendering, all driven by the static definitions in [`schema`].
//!
//! **Invariants.** This crate does no I/O and knows no async runtime; it knows no service: all that is particular to one
//! stands in its definition.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may fail where it unwraps"))]

pub mod body;
pub mod chunked;
pub mod codec;
pub mod compression;
pub mod error;
pub mod event_stream;
pub mod form_upload;
pub mod protocol;
pub mod router;
pub mod schema;
pub mod sigv4;
pub mod timestamp;
pub mod validate;

pub use body::Body;
pub use error::Error;
pub use timestamp::Timestamp;
