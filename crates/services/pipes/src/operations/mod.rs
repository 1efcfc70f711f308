//! The operations, one family per file.

mod check;
pub mod lists;
pub mod pipes;
pub mod tags;
