//! IAM's policy language: documents, their compiled form, and the decision. No I/O, no clock, no state.
//!
//! [`Policy::parse`] checks a document the way IAM does and compiles it once: patterns split, numbers, dates and networks
//! read, actions sorted. [`decide`] then answers a [`Request`] from the [`Policies`] that bear on it, in AWS's order of
//! evaluation, and its [`Verdict`] names the statement that decided or the layer that was silent.

mod action;
mod arn;
mod caller;
mod condition;
mod context;
mod decide;
mod document;
mod identity_grammar;
mod instant;
mod json;
mod malformed;
mod network;
mod operator;
mod pattern;
mod policy;
mod principal;
mod resource_grammar;
mod statement;
mod value_type;
mod verdict;

pub use caller::Caller;
pub use context::{Context, Values};
pub use decide::{Authority, NamedPolicy, Policies, Request, decide};
pub use malformed::{Cause, Malformed};
pub use policy::{Kind, Policy, ResourceRules};
pub use principal::Principal;
pub use statement::{Effect, Statement};
pub use value_type::ValueType;
pub use verdict::{DecidingStatement, Denial, Grant, Layer, Verdict};
