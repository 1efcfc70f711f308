//! Identity: who calls, with what credentials, and what they may do.
//!
//! **Invariants.** All state is in the platform's store, in rows by account; what is in memory ([`Iam`]'s cache) is read
//! again after every change to the account. A secret (of an access key, an MFA device, a SAML provider) is in the store
//! only as sealed under the installation's key, a password only as a hash. Names are told apart without regard to case,
//! and found only as they are spelled.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may fail where it unwraps"))]

mod cache;
mod directory;
mod documents;
mod errors;
mod guard;
mod keys;
mod limits;
mod managed;
mod names;
mod operations;
mod paging;
mod passwords;
mod qr;
mod records;
mod rows;
mod saml_metadata;
mod service;
mod simulate;
mod sts;
mod tags;
mod totp;
mod uses;
mod view;

#[cfg(test)]
mod tests;

pub use service::Iam;
pub use sts::registration as sts;
