//! Tables: what they are, and the operations on them.

pub mod account;
pub mod create;
pub mod describe;
pub mod insights;
pub mod key;
pub mod list;
pub mod policy;
pub mod record;
pub mod remove;
pub mod schema;
pub mod tags;
pub mod time_to_live;
pub mod update;

#[cfg(test)]
mod tests;

pub use key::{KeyAttribute, KeySchema};
pub use record::{Index, Projection, Table};
