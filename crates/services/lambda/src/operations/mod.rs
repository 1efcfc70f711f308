//! The control plane's operations, one family a file.

pub mod account;
pub mod aliases;
pub mod code_signing;
pub mod concurrency;
pub mod create;
pub mod delete;
pub mod durable;
pub mod event_invoke;
pub mod event_sources;
pub mod get;
pub mod layer_permissions;
pub mod layers;
pub mod list;
pub mod permissions;
pub mod provisioned_concurrency;
pub mod recursion;
pub mod resource_policies;
pub mod runtime_management;
pub mod tags;
pub mod update_code;
pub mod update_configuration;
pub mod urls;
pub mod versions;

mod code;
mod marker;

#[cfg(test)]
mod tests;
