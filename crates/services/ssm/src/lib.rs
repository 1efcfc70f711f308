//! SSM Parameter Store: parameters in hierarchies, with versions, labels, tiers and policies.
//!
//! All parameters of an account lie in one partition of the store. A parameter's row holds its latest version, so that
//! reading one or many takes one row each; every version has a row of its own besides. Values of secure strings are
//! encrypted through KMS with the caller's rights, bound to the parameter's ARN.
//!
//! **Invariants.** Every page of every operation looks at a bounded number of rows; one that found too little on them
//! answers what it has and a token. Values are in texts that are never printed ([`records::StoredValue`]).

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may fail where it unwraps"))]

mod encryption;
mod errors;
mod filters;
mod guard;
mod keys;
mod limits;
mod names;
mod operations;
mod page;
mod parameter_policies;
mod records;
mod rows;
mod service;

#[cfg(test)]
mod tests;

pub use service::{ParameterStore, registration};
