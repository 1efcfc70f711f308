//! EventBridge: buses, their rules and targets, archives and replays.
//!
//! **Invariants.** An accepted event is in the platform's store before its publisher hears of it, and stays there until
//! every target that a rule sends it to has it, or has used up its attempts and the event lies with the dead letters. So
//! it is delivered at least once. A schedule fires once for each time that has come: its event and its next timer are
//! written in one transaction. Whether a target may be called is decided where it lives.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may fail where it unwraps"))]

pub mod limits;

mod compiled;
mod connection;
mod deliver;
mod destination;
mod dispatch;
mod errors;
mod event;
mod firing;
mod guard;
mod input;
mod keys;
mod names;
mod oauth;
mod operations;
mod pace;
mod records;
mod replaying;
mod retention;
mod retry;
mod role;
mod rows;
mod service;

#[cfg(test)]
mod tests;

pub use service::{Events, registration};
