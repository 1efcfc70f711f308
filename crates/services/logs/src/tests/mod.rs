//! What clients see, operation by operation.

mod events;
mod filter;
mod groups;
mod streams;
mod sweep;
mod tags;
