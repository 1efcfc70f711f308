//! The control plane's operations, one family a file.

pub mod account;
pub mod create;
pub mod delete;
pub mod get;
pub mod list;
pub mod tags;
pub mod update_code;
pub mod update_configuration;
pub mod versions;

mod code;
mod marker;

#[cfg(test)]
mod tests;
