//! EventBridge Scheduler: schedules, their groups, and what they call when they are due.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may fail where it unwraps"))]

mod service;

pub use service::{Scheduler, registration};
