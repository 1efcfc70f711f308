//! PartiQL: SQL-like statements on items (Developer Guide, "PartiQL - a SQL-compatible query language").
//!
//! A statement becomes the same conditions, updates and reads that the other operations use.

mod call;
mod check;
pub mod lexer;
pub mod operations;
pub mod parser;
pub mod select;
pub mod statement;
pub mod write;

#[cfg(test)]
mod tests;
