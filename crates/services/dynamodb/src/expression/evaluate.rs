//! Whether a condition holds for an item.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::condition::{Comparator, Condition};
use super::parser::{Call, Operand};
use crate::number::Number;
use crate::value::{Item, Kind, Value};

impl Condition {
    /// Whether it holds. An item that does not exist is an empty one.
    pub fn holds(&self, item: &Item) -> bool {
        match self {
            Condition::And(left, right) => left.holds(item) && right.holds(item),
            Condition::Or(left, right) => left.holds(item) || right.holds(item),
            Condition::Not(inner) => !inner.holds(item),
            Condition::Compare(comparator, left, right) => {
                compare(*comparator, resolve(left, item).as_deref(), resolve(right, item).as_deref())
            }
            Condition::Between(value, low, high) => {
                let value = resolve(value, item);
                compare(Comparator::GreaterOrEqual, value.as_deref(), resolve(low, item).as_deref())
                    && compare(Comparator::LessOrEqual, value.as_deref(), resolve(high, item).as_deref())
            }
            Condition::In(value, choices) => resolve(value, item)
                .is_some_and(|value| choices.iter().any(|choice| resolve(choice, item).as_ref() == Some(&value))),
            Condition::Function(call) => function(call, item),
        }
    }
}

/// What an operand stands for; nothing if its path leads nowhere.
fn resolve<'a>(operand: &'a Operand, item: &'a Item) -> Option<Cow<'a, Value>> {
    match operand {
        Operand::Path(path) => path.get(item).map(Cow::Borrowed),
        Operand::Value(value) => Some(Cow::Borrowed(value)),
        Operand::Call(call) => size(&*resolve(call.operands.first()?, item)?).map(Cow::Owned),
    }
}

/// Compares two values. What is missing is unequal to everything; only strings, numbers and byte strings have an order.
pub fn compare(comparator: Comparator, left: Option<&Value>, right: Option<&Value>) -> bool {
    let order = || left.zip(right).and_then(|(left, right)| left.order(right));
    match comparator {
        Comparator::Equal => left.is_some() && left == right,
        Comparator::NotEqual => left.is_none() || left != right,
        Comparator::Less => order() == Some(Ordering::Less),
        Comparator::LessOrEqual => order().is_some_and(Ordering::is_le),
        Comparator::Greater => order() == Some(Ordering::Greater),
        Comparator::GreaterOrEqual => order().is_some_and(Ordering::is_ge),
    }
}

/// `size`: characters of a string, bytes of a binary, elements of a set, list or map.
fn size(value: &Value) -> Option<Value> {
    let size = match value {
        Value::S(text) => text.encode_utf16().count(),
        Value::B(bytes) => bytes.len(),
        Value::Ss(set) => set.len(),
        Value::Ns(set) => set.len(),
        Value::Bs(set) => set.len(),
        Value::L(list) => list.len(),
        Value::M(map) => map.len(),
        Value::N(_) | Value::Bool(_) | Value::Null => return None,
    };
    Some(Value::N(Number::from_u64(size as u64)))
}

fn function(call: &Call, item: &Item) -> bool {
    let operand = |index: usize| call.operands.get(index).and_then(|operand| resolve(operand, item));
    let both = || operand(0).zip(operand(1));
    match call.name.as_str() {
        "attribute_exists" => operand(0).is_some(),
        "attribute_not_exists" => operand(0).is_none(),
        "attribute_type" => both().is_some_and(|(value, kind)| match kind.as_ref() {
            Value::S(kind) => Kind::named(kind) == Some(value.kind()),
            _ => false,
        }),
        "begins_with" => both().is_some_and(|(value, start)| begins_with(&value, &start)),
        "contains" => both().is_some_and(|(value, part)| contains(&value, &part)),
        _ => false,
    }
}

/// Whether a string or byte string begins with another.
pub fn begins_with(value: &Value, start: &Value) -> bool {
    match (value, start) {
        (Value::S(value), Value::S(start)) => value.starts_with(start.as_str()),
        (Value::B(value), Value::B(start)) => value.starts_with(start),
        _ => false,
    }
}

/// Whether a string or byte string holds another, or a set or list an element.
pub fn contains(value: &Value, part: &Value) -> bool {
    match (value, part) {
        (Value::S(value), Value::S(part)) => value.contains(part.as_str()),
        (Value::B(value), Value::B(part)) => {
            part.is_empty() || value.windows(part.len()).any(|window| window == part.as_ref())
        }
        (Value::Ss(set), Value::S(part)) => set.contains(part),
        (Value::Ns(set), Value::N(part)) => set.contains(part),
        (Value::Bs(set), Value::B(part)) => set.contains(part),
        (Value::L(list), part) => list.contains(part),
        _ => false,
    }
}
