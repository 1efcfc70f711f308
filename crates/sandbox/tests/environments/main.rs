//! Real environments, from the outside: what the platform gets and what a function can do.

#![allow(clippy::unwrap_used)]

mod ahead;
mod bounds;
mod common;
mod isolation;
mod lifecycle;
mod names;
mod official_client;
mod outcomes;
