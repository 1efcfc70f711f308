//! An ordered, transactional key-value store: all of the platform's state, in one of several engines.
//!
//! Keys live in [`Partition`]s and are ordered by their bytes. [`Store::transact`] runs a pure closure over one
//! partition as a serialisable transaction; [`Store::snapshot`] reads one state without delaying writers;
//! [`Store::watch`] tells that something under a prefix was committed. [`keys`] and [`value`] build what is stored.
//!
//! One thread per store writes. It runs all waiting transactions on one open batch and commits them together, so that
//! the cost of reaching the disk is shared. `docs/durability.md` says what an acknowledgement promises.

mod engine;
mod error;
mod job;
pub mod keys;
pub mod limits;
mod memory;
mod overlay;
mod partition;
mod range;
mod readers;
mod snapshot;
mod sqlite;
mod stats;
mod store;
mod transaction;
pub mod value;
mod watch;
mod writer;

#[cfg(test)]
mod conformance;

pub use error::{Limit, OpenError, StoreError, TransactError};
pub use partition::Partition;
pub use range::{Direction, KeyRange};
pub use snapshot::Snapshot;
pub use stats::Stats;
pub use store::{Profile, Store};
pub use transaction::{Abort, Pending, Transaction};
pub use watch::Watch;
