//! XML documents: REST XML both ways, and the answers of the query protocols.

mod reader;
mod tree;
mod writer;

pub use reader::XmlReader;
pub use tree::XmlTree;
pub(crate) use writer::write_text;
pub use writer::{XmlStyle, XmlWriter};

/// Deepest nesting of a document that is read. The deepest AWS takes over REST XML goes about ten levels.
pub const NESTING_LIMIT: usize = 64;
