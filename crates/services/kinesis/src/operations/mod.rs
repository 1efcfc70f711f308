//! The operations, one family per file.

pub mod account;
pub mod consumers;
pub mod create;
pub mod delete;
pub mod describe;
pub mod encryption;
pub mod iterators;
pub mod list;
pub mod mode;
pub mod monitoring;
pub mod policies;
pub mod put;
pub mod records;
pub mod reshard;
pub mod retention;
pub mod shards;
pub mod subscribe;
pub mod tags;
