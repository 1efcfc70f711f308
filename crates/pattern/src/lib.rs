//! Event patterns: the language in which rules of EventBridge, filters of Lambda and Pipes, and filter policies of SNS say
//! what they are about. A pattern is an object whose leaves are arrays of alternatives; it matches an event if every leaf
//! does.
//!
//! **Invariants.** No I/O and no clock. [`Pattern::parse`] takes time proportional to the text, and [`Pattern::matches`]
//! to the event and the pattern: wildcards never backtrack exponentially.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may fail where it unwraps"))]

mod cidr;
mod index;
mod lexer;
mod malformed;
mod matching;
mod operand;
mod parse;
pub mod template;
mod wildcard;

#[cfg(test)]
mod tests;

use serde_json::Value;

pub use index::Index;
pub use malformed::Malformed;
use operand::Operand;

/// Deepest nesting of a pattern, in objects. AWS's own patterns are bounded by their length; this bounds recursion.
pub const DEPTH_MAX: usize = 100;

/// A compiled pattern.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern {
    root: Fields,
}

/// What has to hold of an object: all of it.
#[derive(Debug, Clone, PartialEq, Default)]
struct Fields {
    fields: Vec<(String, Node)>,
    /// The alternatives of each `$or`.
    choices: Vec<Vec<Fields>>,
}

/// What has to hold of a field.
#[derive(Debug, Clone, PartialEq)]
enum Node {
    /// Of the object in it.
    Object(Fields),
    /// Of its value: one of these.
    Leaf(Vec<Operand>),
}

impl Pattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// [`Malformed`], whose text is that of AWS.
    pub fn parse(text: &str) -> Result<Pattern, Malformed> {
        parse::parse(text).map(|root| Pattern { root })
    }

    /// Whether an event matches.
    pub fn matches(&self, event: &Value) -> bool {
        matching::matches(&self.root, event)
    }

    /// How many combinations of values there are, as SNS counts them: the product over all leaves of their alternatives
    /// times their depth; alternatives of `$or` are added.
    pub fn combinations(&self) -> u64 {
        combinations(&self.root, 1)
    }

    /// How many different leaves there are.
    pub fn keys(&self) -> usize {
        keys(&self.root)
    }

    /// Whether a field holds an object, so that the pattern is about more than the first level.
    pub fn is_nested(&self) -> bool {
        nested(&self.root)
    }
}

fn combinations(fields: &Fields, depth: u64) -> u64 {
    let mut product: u64 = 1;
    for (_, node) in &fields.fields {
        let count = match node {
            Node::Object(inner) => combinations(inner, depth + 1),
            Node::Leaf(operands) => (operands.len() as u64).saturating_mul(depth),
        };
        product = product.saturating_mul(count);
    }
    for alternatives in &fields.choices {
        let sum = alternatives.iter().map(|inner| combinations(inner, depth)).fold(0, u64::saturating_add);
        product = product.saturating_mul(sum);
    }
    product
}

fn keys(fields: &Fields) -> usize {
    let own = fields.fields.iter().map(|(_, node)| match node {
        Node::Object(inner) => keys(inner),
        Node::Leaf(_) => 1,
    });
    own.sum::<usize>() + fields.choices.iter().flatten().map(keys).sum::<usize>()
}

fn nested(fields: &Fields) -> bool {
    let holds_object = |(_, node): &(String, Node)| matches!(node, Node::Object(_));
    fields.fields.iter().any(holds_object) || fields.choices.iter().flatten().any(nested)
}
