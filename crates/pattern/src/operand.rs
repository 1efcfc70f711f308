//! What a single value can be compared with.

use std::cmp::Ordering;

use serde_json::{Number, Value};

use crate::cidr::Cidr;
use crate::wildcard::Wildcard;

/// One of a leaf's alternatives.
#[derive(Debug, Clone, PartialEq)]
pub enum Operand {
    /// This very value.
    Equal(Value),
    /// A text that begins so.
    Prefix(String),
    /// A text that begins so, in any case; kept folded.
    PrefixIgnoringCase(String),
    /// A text that ends so.
    Suffix(String),
    /// A text that ends so, in any case; kept folded.
    SuffixIgnoringCase(String),
    /// This text, in any case; kept folded.
    EqualIgnoringCase(String),
    /// A text of this form.
    Wildcard(Wildcard),
    /// A number in this range.
    Numeric(Range),
    /// An address in this range.
    Cidr(Cidr),
    /// A value to which none of these applies.
    AnythingBut(Vec<Operand>),
    /// Any value.
    Present,
    /// No value.
    Absent,
}

/// A range of numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Range {
    /// The lower end, and whether it belongs to the range.
    pub bottom: Option<(Number, bool)>,
    /// The upper end, likewise.
    pub top: Option<(Number, bool)>,
}

impl Operand {
    /// Whether it applies to a value, which is neither an object nor an array.
    pub fn applies(&self, value: &Value) -> bool {
        match (self, value) {
            (Operand::Present, _) => true,
            (Operand::Absent, _) => false,
            (Operand::AnythingBut(others), _) => !others.iter().any(|other| other.applies(value)),
            (Operand::Equal(Value::Number(number)), Value::Number(value)) => compare(number, value) == Ordering::Equal,
            (Operand::Equal(expected), _) => expected == value,
            (Operand::Numeric(range), Value::Number(number)) => range.contains(number),
            (_, Value::String(text)) => self.applies_to_text(text),
            _ => false,
        }
    }

    fn applies_to_text(&self, text: &str) -> bool {
        match self {
            Operand::Prefix(prefix) => text.starts_with(prefix.as_str()),
            Operand::PrefixIgnoringCase(prefix) => fold(text).starts_with(prefix.as_str()),
            Operand::Suffix(suffix) => text.ends_with(suffix.as_str()),
            Operand::SuffixIgnoringCase(suffix) => fold(text).ends_with(suffix.as_str()),
            Operand::EqualIgnoringCase(other) => fold(text) == *other,
            Operand::Wildcard(wildcard) => wildcard.matches(text),
            Operand::Cidr(cidr) => cidr.contains(text),
            _ => false,
        }
    }
}

impl Range {
    fn contains(&self, number: &Number) -> bool {
        let above = self.bottom.as_ref().is_none_or(|(bottom, closed)| match compare(number, bottom) {
            Ordering::Greater => true,
            Ordering::Equal => *closed,
            Ordering::Less => false,
        });
        let below = self.top.as_ref().is_none_or(|(top, closed)| match compare(number, top) {
            Ordering::Less => true,
            Ordering::Equal => *closed,
            Ordering::Greater => false,
        });
        above && below
    }
}

/// A text whose case no longer matters.
pub fn fold(text: &str) -> String {
    text.to_lowercase()
}

/// Compares numbers exactly where both are whole, and as floating-point numbers otherwise.
pub fn compare(one: &Number, other: &Number) -> Ordering {
    let whole = |number: &Number| number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
    match (whole(one), whole(other)) {
        (Some(one), Some(other)) => one.cmp(&other),
        // Numbers of JSON are finite.
        _ => one.as_f64().unwrap_or_default().total_cmp(&other.as_f64().unwrap_or_default()),
    }
}
