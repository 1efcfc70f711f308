//! CloudWatch Logs: log groups, log streams and their events.
//!
//! All state lives in the platform's telemetry store: it survives the end of the process, and after a power cut the
//! latest events may be missing. What it keeps is bounded. Events older than their group's retention are never returned
//! and are removed in the background. All events of all accounts together may hold [`limits::HELD_BYTES_MAX`] on disk
//! ([`limits::HELD_BYTES_MAX_IN_MEMORY`] in memory mode); beyond that the oldest events go first, whatever group they
//! are in. Writes that arrive faster than old events can be removed are told that the service is unavailable.
//!
//! **Invariants.** An event is stored once, in its group's order of time, so that searching a group is one range scan
//! however many streams it has; a stream is an index into it. Every page of every operation does a bounded amount of
//! work. The filter language ([`pattern`]) knows nothing of the store.

pub mod limits;
pub mod pattern;

mod cursor;
mod errors;
mod guard;
mod keys;
mod names;
mod operations;
mod records;
mod rows;
mod service;
mod sweep;
mod token;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use service::{Logs, registration};
