//! Kinesis Data Streams: streams, their shards, and the records in them.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may fail where it unwraps"))]

mod service;

pub use service::{Kinesis, registration};
