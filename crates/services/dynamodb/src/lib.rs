//! DynamoDB and its streams.
//!
//! **Invariants.** All tables of an account in a region lie in one partition of the store, so that one transaction
//! reaches all of them; an item, its index entries, its stream record and all else that follows from a change are
//! written in that one transaction. Keys are laid out so that `Query` and `Scan` read in order and never sort. What
//! takes long is done in the background, in transactions of bounded size, and is noted in the store first. The parts
//! [`number`], [`value`] and [`expression`] know nothing of the store.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may fail where it unwraps"))]

pub mod expression;
pub mod limits;
pub mod number;
pub mod value;

mod background;
mod backup;
mod constraints;
mod destination;
mod encryption;
mod errors;
mod guard;
mod item;
mod keys;
mod names;
mod partiql;
mod read;
mod rows;
mod service;
mod stream;
mod table;
mod throttle;
mod transfer;

#[cfg(test)]
mod exactness;
#[cfg(test)]
mod testing;

pub use partiql::parser::parse as parse_statement;
pub use service::DynamoDb;
pub use stream::operations::registrations;
