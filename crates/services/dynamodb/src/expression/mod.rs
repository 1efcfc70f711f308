//! Expressions: conditions, filters, key conditions, projections and updates, and the parameters they replaced.
//!
//! This part knows values and items, and nothing of tables or of the store.

pub mod apply;
pub mod condition;
pub mod context;
pub mod evaluate;
pub mod key_condition;
pub mod legacy;
pub mod parameters;
pub mod parser;
pub mod path;
pub mod projection;
pub mod reserved;
pub mod token;
pub mod update;

#[cfg(test)]
mod tests;

pub use condition::{Comparator, Condition, Use};
pub use context::Context;
pub use path::{Path, Selection, Step};
pub use update::{Action, Change, Update};
