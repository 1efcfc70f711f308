//! SQS: queues.
//!
//! **Invariants.** What is acknowledged is in the platform's store: a message before its sender hears of it, the fact
//! that it was received before its receiver does. No operation looks at more rows than it has messages to handle, so a
//! queue with a million messages costs what an empty one does. All queues of an account in a region lie in one partition
//! of the store; `keys.rs` and `contents/` say how.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may fail where it unwraps"))]

pub mod limits;

mod address;
mod attribute_set;
mod binary;
mod contents;
mod digest;
mod errors;
mod guard;
mod keys;
mod message;
mod message_attributes;
mod move_task;
mod numbers;
mod operations;
mod outgoing;
mod payload;
mod policy_document;
mod poll;
mod protection;
mod queue;
mod receipt;
mod redrive;
mod remember;
mod service;
mod sweep;

#[cfg(test)]
mod tests;

pub use service::{Sqs, registration};
