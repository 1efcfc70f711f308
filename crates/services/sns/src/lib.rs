//! SNS: topics, their subscriptions, and the messages between them.
//!
//! **Invariants.** A published message is in the platform's store before its publisher hears of it, and stays there until
//! every subscriber that wants it has it, or has used up its attempts and the message lies with the dead letters. So it
//! is delivered at least once. What a subscriber is told comes from here; whether it may be told is decided where it
//! lives, by its own policy.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may fail where it unwraps"))]

pub mod limits;

mod arn;
mod deliver;
mod delivery_policy;
mod dispatch;
mod envelope;
mod errors;
mod filter;
mod guard;
mod keys;
mod message;
mod operations;
mod pages;
mod protection;
mod push;
mod retry;
mod rows;
mod service;
mod signing;
mod subscription;
mod topic;

#[cfg(test)]
mod tests;

pub use service::{Sns, registration};
