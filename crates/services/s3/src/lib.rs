//! S3: buckets and objects.
//!
//! **Invariants.** Everything of a bucket lies in one partition of the store, named by the bucket, so that one
//! transaction decides about an object and all its versions. A body is durable before the row that names it; bodies of up
//! to [`limits::INLINE_BYTES_MAX`] bytes lie in the store beside their row. Copies share their body. A row that names no
//! body any more frees it; the sweep removes what no row names.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may fail where it unwraps"))]

pub mod limits;

mod access;
mod access_log;
mod body_writer;
mod bucket;
mod charge;
mod checksum;
mod cipher;
mod condition;
mod content;
mod cors;
mod customer_key;
mod deliver;
mod digests;
mod encryption;
mod envelope;
mod errors;
mod event;
mod guard;
mod keys;
mod kms_keys;
mod lifecycle;
mod listing;
mod lock;
mod names;
mod notification;
mod offer;
mod operations;
mod range;
mod receive;
mod replicate;
mod replication;
mod rows;
mod service;
mod settings;
mod tags;
mod version;
mod versions;
mod website;

#[cfg(test)]
mod tests;

pub use service::{S3, registration};
