//! EventBridge Pipes: from a source through a filter and an enrichment to a target.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may fail where it unwraps"))]

mod service;

pub use service::{Pipes, registration};
