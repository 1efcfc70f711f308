//! EventBridge Pipes: from one source, through a filter and an enrichment, to one target.
//!
//! What a pipe is and how far it has read a stream is in the store; the task that runs it holds nothing else. A message
//! leaves its queue, and the place in a stream moves on, only when the target has what came of it, or when it lies with
//! the dead letters: so everything is delivered at least once.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may fail where it unwraps"))]

mod document;
mod errors;
mod events;
mod guard;
mod keys;
mod limits;
mod names;
mod operations;
mod record;
mod rows;
mod running;
mod service;
mod source;
mod target;
mod timers;

#[cfg(test)]
mod tests;

pub use service::{Pipes, registration};
