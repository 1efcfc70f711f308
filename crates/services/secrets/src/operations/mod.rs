//! The operations, by what they are about.

pub mod batch;
pub mod create;
pub mod delete;
pub mod describe;
pub mod filters;
pub mod list;
pub mod password;
pub mod policies;
pub mod replicate;
pub mod stage;
pub mod tags;
pub mod update;
pub mod values;
pub mod versions;
