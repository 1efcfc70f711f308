//! JSON documents: one pass, no tree in between.

mod reader;
mod scan;
mod wording;
mod writer;

pub use reader::JsonReader;
pub use wording::Wording;
pub use writer::JsonWriter;

/// Deepest nesting of a document that is read. DynamoDB, the deepest AWS takes, stops at 32 levels of values, each of
/// which is two levels of JSON; other services refuse far less.
pub const NESTING_LIMIT: usize = 128;
