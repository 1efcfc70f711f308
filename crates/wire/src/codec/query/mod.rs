//! The form encoding of the query protocols: `Action=…&Attribute.1.Name=…`.

mod form;
mod reader;
mod writer;

pub use form::Form;
pub use reader::QueryReader;
pub(crate) use writer::FORM_ENCODED;
pub use writer::QueryWriter;

use crate::schema::{Kind, Member};

/// Which of the two query protocols' naming rules apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rules {
    /// Wrapped lists as `Name.member.N`, maps as `Name.entry.N.key`.
    Query,
    /// EC2: every list is flat, names begin with a capital.
    Ec2,
}

/// Deepest nesting of a structure that is read. No query API has recursive inputs; the deepest goes seven levels.
pub const NESTING_LIMIT: usize = 32;

/// Whether a list or map is written without a level of its own.
pub(crate) fn is_flat(at: &Member) -> bool {
    match at.shape.kind {
        Kind::List { flattened, .. } | Kind::Map { flattened, .. } => flattened || at.flattened,
        _ => false,
    }
}

/// The name under which a member's value (or, if flat, its elements) appears in XML and in query parameters.
///
/// A flat list has no level of its own. If its shape carries the trait, the elements have the name the shape gives them
/// (SQS); if the member carries it, the elements have the member's name.
pub(crate) fn element_name(at: &Member, query: bool) -> &'static str {
    if let (Kind::List { member: element, flattened: true }, false) = (&at.shape.kind, at.flattened)
        && element.renamed.is_some()
    {
        return element.wire_name();
    }
    own_name(at, query)
}

/// The name of a value itself, or of a map's keys or values.
pub(crate) fn own_name(at: &Member, query: bool) -> &'static str {
    match at.query_name {
        Some(name) if query => name,
        _ => at.wire_name(),
    }
}
