//! EventBridge Scheduler: calls made once or again and again, at times in any time zone.
//!
//! A schedule has one durable timer, its next time. When that comes, one transaction sets the timer of the time after it
//! and writes down the call to be made; the call is then made until it succeeds or is given up.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may fail where it unwraps"))]

mod errors;
mod firing;
mod guard;
mod invocation;
mod keys;
mod limits;
mod names;
mod operations;
mod records;
mod rows;
mod service;
mod target;

#[cfg(test)]
mod tests;

pub use service::{Scheduler, registration};
