//! Attribute values and items, as the service holds them: checked, numbers parsed, sets sorted.

mod bytes;
mod convert;
mod size;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use ::bytes::Bytes;
use serde::{Deserialize, Serialize};

pub use self::bytes::{decode_item, decode_value, encode_item, encode_value};
pub use convert::{Answer, Wording, item_of_json, read_item, read_value, write_item, write_value};
pub use size::{item_size, value_size};

use crate::number::Number;

/// Most levels of values in one another: an attribute's own value is the first, and what a list or map holds is one level
/// further down (Developer Guide, "Quotas: nested attribute depth").
pub const DEPTH_MAX: usize = 32;

/// An item, or a map within one: attributes by name.
pub type Item = BTreeMap<String, Value>;

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A string.
    S(String),
    /// A number.
    N(Number),
    /// Bytes.
    B(Bytes),
    /// True or false.
    Bool(bool),
    /// Nothing, which is something else than no attribute.
    Null,
    /// A set of strings, in order.
    Ss(Vec<String>),
    /// A set of numbers, in order.
    Ns(Vec<Number>),
    /// A set of byte strings, in order.
    Bs(Vec<Bytes>),
    /// A list.
    L(Vec<Value>),
    /// A map.
    M(Item),
}

/// The type of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// String.
    S,
    /// Number.
    N,
    /// Binary.
    B,
    /// Boolean.
    Bool,
    /// Null.
    Null,
    /// String set.
    Ss,
    /// Number set.
    Ns,
    /// Binary set.
    Bs,
    /// List.
    L,
    /// Map.
    M,
}

impl Kind {
    /// The name on the wire, in `attribute_type` and in messages.
    pub fn name(self) -> &'static str {
        match self {
            Kind::S => "S",
            Kind::N => "N",
            Kind::B => "B",
            Kind::Bool => "BOOL",
            Kind::Null => "NULL",
            Kind::Ss => "SS",
            Kind::Ns => "NS",
            Kind::Bs => "BS",
            Kind::L => "L",
            Kind::M => "M",
        }
    }

    /// The name in the messages of `ADD` and `DELETE`.
    pub fn long_name(self) -> &'static str {
        match self {
            Kind::S => "STRING",
            Kind::N => "NUMBER",
            Kind::B => "BINARY",
            Kind::Bool => "BOOLEAN",
            Kind::Null => "NULL",
            Kind::Ss => "STRING_SET",
            Kind::Ns => "NUMBER_SET",
            Kind::Bs => "BINARY_SET",
            Kind::L => "LIST",
            Kind::M => "MAP",
        }
    }

    /// The type of that name.
    pub fn named(name: &str) -> Option<Kind> {
        const ALL: [Kind; 10] =
            [Kind::S, Kind::N, Kind::B, Kind::Bool, Kind::Null, Kind::Ss, Kind::Ns, Kind::Bs, Kind::L, Kind::M];
        ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether it is one of the three set types.
    pub fn is_set(self) -> bool {
        matches!(self, Kind::Ss | Kind::Ns | Kind::Bs)
    }

    /// Whether values of the type can be a key, and compared by order.
    pub fn is_ordered(self) -> bool {
        matches!(self, Kind::S | Kind::N | Kind::B)
    }
}

/// Whether the values of an item are in one another on no more than [`DEPTH_MAX`] levels.
pub fn is_within_depth(item: &Item) -> bool {
    fn levels(value: &Value) -> usize {
        match value {
            Value::L(list) => 1 + list.iter().map(levels).max().unwrap_or(0),
            Value::M(map) => 1 + map.values().map(levels).max().unwrap_or(0),
            _ => 1,
        }
    }
    item.values().all(|value| levels(value) <= DEPTH_MAX)
}

impl Value {
    /// Its type.
    pub fn kind(&self) -> Kind {
        match self {
            Value::S(_) => Kind::S,
            Value::N(_) => Kind::N,
            Value::B(_) => Kind::B,
            Value::Bool(_) => Kind::Bool,
            Value::Null => Kind::Null,
            Value::Ss(_) => Kind::Ss,
            Value::Ns(_) => Kind::Ns,
            Value::Bs(_) => Kind::Bs,
            Value::L(_) => Kind::L,
            Value::M(_) => Kind::M,
        }
    }

    /// The order of two strings, numbers or byte strings; nothing for other types and for different ones.
    pub fn order(&self, other: &Value) -> Option<std::cmp::Ordering> {
        match (self, other) {
            (Value::S(left), Value::S(right)) => Some(left.as_bytes().cmp(right.as_bytes())),
            (Value::N(left), Value::N(right)) => Some(left.cmp(right)),
            (Value::B(left), Value::B(right)) => Some(left.cmp(right)),
            _ => None,
        }
    }
}
