//! The operations, by what they are about.

pub mod delete;
pub mod describe;
pub mod get;
pub mod history;
pub mod labels;
pub mod path;
pub mod put;
pub mod resource_policies;
pub mod secrets;
pub mod tags;
