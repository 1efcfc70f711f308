//! On-demand backups, point-in-time recovery, and tables restored from either.

pub mod continuous;
pub mod copy;
pub mod on_demand;
pub mod restore;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::table::Table;

/// A backup. Its items hang on its number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Backup {
    /// The number on which its items hang.
    pub number: u32,
    /// The end of its ARN.
    pub id: String,
    /// The client's name for it.
    pub name: String,
    /// The table as it was.
    pub table: Table,
    /// When it was asked for, in milliseconds since 1970: its items are as they were then.
    pub created_at: i64,
    /// Whether all items are in it.
    pub complete: bool,
    /// How many there are.
    pub count: u64,
    /// Their size.
    pub bytes: u64,
    /// Whether it is only the source of an export.
    #[serde(default)]
    pub hidden: bool,
}

impl Backup {
    /// ARN of the backup.
    pub fn arn(&self) -> String {
        format!("{}/backup/{}", self.table.arn(), self.id)
    }
}
