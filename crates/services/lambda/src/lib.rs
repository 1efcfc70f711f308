//! AWS Lambda: functions, their versions and packages, and their invocation.
//!
//! **Invariants.** What was answered is in the store and the blob store; memory holds copies that every change of this
//! process invalidates. A parameter that has no effect here is refused by name.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may fail where it unwraps"))]

pub mod asynchronous;
pub mod code_location;
pub mod code_signing;
pub mod configuration;
pub mod container;
pub mod deployment;
pub mod destination;
pub mod durable;
pub mod errors;
pub mod event_source;
pub mod function;
pub mod functions;
mod guard;
pub mod invoke;
pub mod keys;
pub mod layers;
pub mod mapping;
pub mod names;
pub mod operations;
pub mod package;
pub mod permission;
pub mod role;
pub mod sweep;
pub mod urls;
mod variables;

mod service;
#[cfg(test)]
mod testing;
mod view;

pub use function::{FunctionId, FunctionVersion, Version};
pub use invoke::{EndpointServer, InvokeSettings};
pub use service::{Lambda, StartError};

use service::{store_failure, to_the_end};
