//! The operations, by what they are about.

pub mod applications;
pub mod data_protection;
pub mod endpoints;
pub mod numbers;
pub mod page;
pub mod permissions;
pub mod publish;
pub mod subscriptions;
pub mod tags;
pub mod text_messages;
pub mod topics;
