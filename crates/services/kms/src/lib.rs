//! KMS: keys, and the cryptography under them.
//!
//! Keys and their policies, aliases, grants and tags are rows of the platform's store, in a partition per account. Key
//! material is sealed under the installation's key before it gets there ([`vault`]): a copy of the store alone gives up
//! nothing. Material is kept by generations, and every ciphertext names the generation it was made with ([`blob`]), so
//! that rotation leaves nothing unreadable.
//!
//! **Invariants.** [`crypto`] knows bytes and keys, never requests or rows. A key's record says whether it can be used;
//! unwrapped material in memory is never asked. What a request calls a key becomes a key in one place ([`resolve`]).

pub mod blob;
pub mod crypto;
mod errors;
mod guard;
mod keys;
mod limits;
mod managed;
mod metadata;
mod names;
mod operations;
mod paging;
mod policy_document;
mod records;
mod resolve;
mod rows;
mod service;
pub mod spec;
mod timers;
mod vault;

#[cfg(test)]
mod tests;

pub use service::{Kms, registration};
