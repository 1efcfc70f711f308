//! `Query` and `Scan`.

pub mod page;
pub mod query;
pub mod scan;
pub mod source;

#[cfg(test)]
mod tests;
