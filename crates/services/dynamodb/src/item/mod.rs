//! Operations on items.

pub mod batch_get;
pub mod batch_write;
pub mod capacity;
pub mod check;
pub mod delete;
pub mod get;
pub mod put;
pub mod transact_get;
pub mod transact_write;
pub mod update;
pub mod write;

#[cfg(test)]
mod tests;
