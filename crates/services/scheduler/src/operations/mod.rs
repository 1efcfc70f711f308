//! The operations, one family per file.

pub mod groups;
pub mod lists;
pub mod schedules;
pub mod tags;
