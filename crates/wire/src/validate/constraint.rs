//! The constraints of one shape: whether they hold, and their texts.

use super::pattern;
use crate::codec::value::Value;
use crate::schema::{Constraints, Kind, Shape};

/// Whether a string's enum, length and pattern hold.
pub(super) fn string_holds(shape: &Shape, value: &str) -> bool {
    let Constraints { min, max, pattern, one_of } = &shape.constraints;
    if !one_of.is_empty() {
        return one_of.contains(&value);
    }
    let bounded = min.is_some() || max.is_some();
    (!bounded || length_holds(shape, value.chars().count()))
        && pattern.is_none_or(|pattern| pattern::matches(pattern, value))
}

/// Whether a length (characters, bytes, elements) is within bounds.
pub(super) fn length_holds(shape: &Shape, length: usize) -> bool {
    number_holds(shape, length as f64)
}

/// Whether a number is within bounds.
pub(super) fn number_holds(shape: &Shape, value: f64) -> bool {
    shape.constraints.min.is_none_or(|min| value >= min) && shape.constraints.max.is_none_or(|max| value <= max)
}

/// Which of a shape's constraints a value breaks, in the order in which AWS names them.
pub(super) fn broken(shape: &Shape, value: &Value) -> Vec<String> {
    let constraints = &shape.constraints;
    if let (Value::String(value), false) = (value, constraints.one_of.is_empty()) {
        return if constraints.one_of.contains(&value.as_str()) { Vec::new() } else { vec![one_of(constraints)] };
    }
    let mut texts = Vec::new();
    if let (Value::String(value), Some(pattern)) = (value, constraints.pattern)
        && !pattern::matches(pattern, value)
    {
        texts.push(pattern_text(pattern));
    }
    let Some(measure) = measure(value) else { return texts };
    if let Some(max) = constraints.max.filter(|max| measure.is_nan() || measure > *max) {
        texts.push(bound(shape, "less", max));
    }
    if let Some(min) = constraints.min.filter(|min| measure.is_nan() || measure < *min) {
        texts.push(bound(shape, "greater", min));
    }
    texts
}

/// All of a shape's constraints, upper bound first: how they are listed for a list's elements and a map's keys and
/// values.
pub(super) fn all(shape: &Shape) -> Vec<String> {
    let constraints = &shape.constraints;
    if !constraints.one_of.is_empty() {
        return vec![one_of(constraints)];
    }
    let upper = constraints.max.map(|max| bound(shape, "less", max));
    let lower = constraints.min.map(|min| bound(shape, "greater", min));
    upper.into_iter().chain(lower).chain(constraints.pattern.map(pattern_text)).collect()
}

/// What the bounds of a value's shape are about: its length, or itself.
fn measure(value: &Value) -> Option<f64> {
    Some(match value {
        Value::String(text) => text.chars().count() as f64,
        Value::Blob(bytes) => bytes.len() as f64,
        Value::List(items) => items.len() as f64,
        Value::Map(entries) => entries.len() as f64,
        Value::Integer(value) => *value as f64,
        Value::Float(value) => *value,
        Value::Boolean(_) | Value::Timestamp(_) | Value::Document(_) | Value::Structure(_) | Value::Body(_) => {
            return None;
        }
    })
}

fn one_of(constraints: &Constraints) -> String {
    format!("Member must satisfy enum value set: [{}]", constraints.one_of.join(", "))
}

fn pattern_text(pattern: &str) -> String {
    format!("Member must satisfy regular expression pattern: {pattern}")
}

fn bound(shape: &Shape, direction: &str, bound: f64) -> String {
    match shape.kind {
        Kind::Float | Kind::Double => format!("Member must have value {direction} than or equal to {bound:?}"),
        Kind::Integer | Kind::Long => format!("Member must have value {direction} than or equal to {}", bound as i64),
        _ => format!("Member must have length {direction} than or equal to {}", bound as i64),
    }
}
