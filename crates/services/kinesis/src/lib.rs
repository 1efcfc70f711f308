//! Kinesis Data Streams: streams, their shards, and the records in them.
//!
//! A shard's records are numbered one after the other, in the transaction that writes them, so their order is that of
//! their numbers. A stream's ring of hash keys is shared by its open shards; a shard that is split or merged is closed
//! and read to its end, and its children go on.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may fail where it unwraps"))]

mod encryption;
mod errors;
mod guard;
mod hash;
mod iterator;
mod keys;
mod limits;
mod names;
mod operations;
mod rate;
mod reading;
mod record;
mod reshard;
mod rows;
mod sequence;
mod service;
mod shard;
mod stream;
mod subscriptions;
mod timers;
mod token;

#[cfg(test)]
mod tests;

pub use service::{Kinesis, registration};
