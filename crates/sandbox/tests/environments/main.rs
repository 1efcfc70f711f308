//! Real environments, from the outside: what the platform gets and what a function can do.

mod bounds;
mod common;
mod isolation;
mod lifecycle;
mod outcomes;
