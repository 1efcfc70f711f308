//! How large items are, as AWS measures it (Developer Guide, "DynamoDB item sizes and formats").

use super::{Item, Value};

/// Bytes that a list or map counts for besides what is in it.
const DOCUMENT_BYTES: usize = 3;
/// Bytes that each element of a list or map counts for besides its name and value.
const ELEMENT_BYTES: usize = 1;

/// The size of an item: names and values.
pub fn item_size(item: &Item) -> usize {
    item.iter().map(|(name, value)| name.len() + value_size(value)).sum()
}

/// The size of a value.
pub fn value_size(value: &Value) -> usize {
    match value {
        Value::S(text) => text.len(),
        Value::N(number) => number.size(),
        Value::B(bytes) => bytes.len(),
        Value::Bool(_) | Value::Null => 1,
        Value::Ss(set) => set.iter().map(String::len).sum(),
        Value::Ns(set) => set.iter().map(|number| number.size()).sum(),
        Value::Bs(set) => set.iter().map(|bytes| bytes.len()).sum(),
        Value::L(list) => DOCUMENT_BYTES + list.iter().map(|value| ELEMENT_BYTES + value_size(value)).sum::<usize>(),
        Value::M(map) => DOCUMENT_BYTES + map.len() * ELEMENT_BYTES + item_size(map),
    }
}
