//! Parsed statements.

use crate::expression::{Condition, Path, Update};
use crate::value::Item;

/// A statement.
#[derive(Debug, Clone, PartialEq)]
pub enum Statement {
    /// `SELECT`, and `EXISTS(SELECT …)`.
    Select(Select),
    /// `INSERT`.
    Insert {
        /// The table.
        table: String,
        /// The item.
        item: Item,
    },
    /// `UPDATE`.
    Update {
        /// The table.
        table: String,
        /// The changes.
        update: Update,
        /// Which item, and what has to hold of it.
        condition: Option<Condition>,
        /// What is answered.
        returning: Option<Returning>,
    },
    /// `DELETE`.
    Delete {
        /// The table.
        table: String,
        /// Which item, and what has to hold of it.
        condition: Option<Condition>,
        /// What is answered.
        returning: Option<Returning>,
    },
}

/// A `SELECT`.
#[derive(Debug, Clone, PartialEq)]
pub struct Select {
    /// The attributes; all without.
    pub paths: Option<Vec<Path>>,
    /// The table.
    pub table: String,
    /// The index.
    pub index: Option<String>,
    /// Which items.
    pub condition: Option<Condition>,
    /// Attributes of `ORDER BY`, each with whether it is ascending.
    pub order: Vec<(String, bool)>,
    /// Whether it stands in `EXISTS`.
    pub exists: bool,
}

/// What `RETURNING` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Returning {
    /// `ALL OLD *`
    AllOld,
    /// `MODIFIED OLD *`
    ModifiedOld,
    /// `ALL NEW *`
    AllNew,
    /// `MODIFIED NEW *`
    ModifiedNew,
}

impl Returning {
    /// As it is written.
    pub fn text(self) -> &'static str {
        match self {
            Returning::AllOld => "RETURNING ALL OLD *",
            Returning::ModifiedOld => "RETURNING MODIFIED OLD *",
            Returning::AllNew => "RETURNING ALL NEW *",
            Returning::ModifiedNew => "RETURNING MODIFIED NEW *",
        }
    }
}

impl Statement {
    /// The table it is on.
    pub fn table(&self) -> &str {
        match self {
            Statement::Select(select) => &select.table,
            Statement::Insert { table, .. } | Statement::Update { table, .. } | Statement::Delete { table, .. } => {
                table
            }
        }
    }

    /// The IAM action it needs.
    pub fn action(&self) -> &'static str {
        match self {
            Statement::Select(_) => "dynamodb:PartiQLSelect",
            Statement::Insert { .. } => "dynamodb:PartiQLInsert",
            Statement::Update { .. } => "dynamodb:PartiQLUpdate",
            Statement::Delete { .. } => "dynamodb:PartiQLDelete",
        }
    }
}
