//! Secrets Manager: secrets, their versions and staging labels, rotation, replication and resource policies.
//!
//! All secrets of an account, in all regions, lie in one partition of the store: a secret and its replicas change
//! together or not at all. A secret's row holds everything but its versions; each version has a row of its own, and its
//! value another one, encrypted under a data key of KMS that is bound to the secret's ARN and the version's id.
//!
//! **Invariants.** A value is in the clear only while a call that reads or writes it is at work, in a
//! [`SecretValue`](value::SecretValue), which tells nothing about itself. A staging label is on one version at most.
//! What is to happen later (deletions, rotations) is a timer, set in the transaction that decides on it.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may fail where it unwraps"))]

mod encryption;
mod errors;
mod guard;
mod keys;
mod limits;
mod names;
mod operations;
mod page;
mod records;
mod rotation;
mod rows;
mod service;
mod stages;
mod value;

#[cfg(test)]
mod tests;

pub use service::{Secrets, registration};
