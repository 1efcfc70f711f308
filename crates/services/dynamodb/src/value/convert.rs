//! From the API's values to ours, with AWS's checks, and back.

use std::collections::BTreeMap;

use api::dynamodb::AttributeValue;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;

use super::{DEPTH_MAX, Item, Value};
use crate::number::Number;

/// An item as the API has it.
pub type Answer = BTreeMap<String, AttributeValue>;

/// The item of a request.
///
/// # Errors
/// AWS's text of what is wrong with the first attribute that is not valid.
pub fn read_item(item: Answer) -> Result<Item, String> {
    item.into_iter().map(|(name, value)| Ok((name, read_value(value)?))).collect()
}

/// A value of a request.
///
/// # Errors
/// AWS's text.
pub fn read_value(value: AttributeValue) -> Result<Value, String> {
    read_nested(value, 0)
}

fn read_nested(value: AttributeValue, depth: usize) -> Result<Value, String> {
    if depth > DEPTH_MAX {
        return Err("Nesting Levels have exceeded supported limits: \
                    Attributes in the item have nested levels beyond supported limit"
            .to_owned());
    }
    Ok(match value {
        AttributeValue::Unset => {
            return Err("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes".into());
        }
        AttributeValue::Several => {
            let text = "Supplied AttributeValue has more than one datatypes set, \
                        must contain exactly one of the supported datatypes";
            return Err(text.into());
        }
        AttributeValue::S(text) => Value::S(text),
        AttributeValue::N(text) => Value::N(read_number(&text)?),
        AttributeValue::B(bytes) => Value::B(bytes),
        AttributeValue::BOOL(value) => Value::Bool(value),
        AttributeValue::NULL(true) => Value::Null,
        AttributeValue::NULL(false) => {
            return Err(format!("{INVALID} Null attribute value types must have the value of true"));
        }
        AttributeValue::SS(set) => Value::Ss(read_strings(set)?),
        AttributeValue::NS(set) => Value::Ns(read_numbers(&set)?),
        AttributeValue::BS(set) => Value::Bs(read_binaries(set)?),
        AttributeValue::L(list) => {
            Value::L(list.into_iter().map(|value| read_nested(value, depth + 1)).collect::<Result<_, _>>()?)
        }
        AttributeValue::M(map) => {
            let read = |(name, value)| Ok::<_, String>((name, read_nested(value, depth + 1)?));
            Value::M(map.into_iter().map(read).collect::<Result<_, _>>()?)
        }
    })
}

fn read_number(text: &str) -> Result<Number, String> {
    Number::parse(text).map_err(|error| error.to_string())
}

const INVALID: &str = "One or more parameter values were invalid:";

fn read_strings(set: Vec<String>) -> Result<Vec<String>, String> {
    if set.is_empty() {
        return Err(format!("{INVALID} An string set  may not be empty"));
    }
    let shown = |set: &[String]| format!("[{}]", set.join(", "));
    let mut sorted = set.clone();
    sorted.sort_unstable();
    if has_duplicates(&sorted) {
        return Err(format!("{INVALID} Input collection {} contains duplicates.", shown(&set)));
    }
    Ok(sorted)
}

fn read_numbers(set: &[String]) -> Result<Vec<Number>, String> {
    if set.is_empty() {
        return Err(format!("{INVALID} An number set  may not be empty"));
    }
    let mut numbers = set.iter().map(|text| read_number(text)).collect::<Result<Vec<_>, _>>()?;
    numbers.sort_unstable();
    if has_duplicates(&numbers) {
        return Err("Input collection contains duplicates".to_owned());
    }
    Ok(numbers)
}

fn read_binaries(set: Vec<Bytes>) -> Result<Vec<Bytes>, String> {
    if set.is_empty() {
        return Err(format!("{INVALID} Binary sets should not be empty"));
    }
    let mut sorted = set.clone();
    sorted.sort_unstable();
    if has_duplicates(&sorted) {
        let shown: Vec<String> = set.iter().map(|bytes| BASE64.encode(bytes)).collect();
        return Err(format!("{INVALID} Input collection [{}]of type BS contains duplicates.", shown.join(", ")));
    }
    Ok(sorted)
}

fn has_duplicates<T: PartialEq>(sorted: &[T]) -> bool {
    sorted.windows(2).any(|pair| pair[0] == pair[1])
}

/// The item of an answer.
pub fn write_item(item: Item) -> Answer {
    item.into_iter().map(|(name, value)| (name, write_value(value))).collect()
}

/// The value of an answer.
pub fn write_value(value: Value) -> AttributeValue {
    match value {
        Value::S(text) => AttributeValue::S(text),
        Value::N(number) => AttributeValue::N(number.to_string()),
        Value::B(bytes) => AttributeValue::B(bytes),
        Value::Bool(value) => AttributeValue::BOOL(value),
        Value::Null => AttributeValue::NULL(true),
        Value::Ss(set) => AttributeValue::SS(set),
        Value::Ns(set) => AttributeValue::NS(set.iter().map(Number::to_string).collect()),
        Value::Bs(set) => AttributeValue::BS(set),
        Value::L(list) => AttributeValue::L(list.into_iter().map(write_value).collect()),
        Value::M(map) => AttributeValue::M(write_item(map)),
    }
}

/// The attributes of DynamoDB's JSON, as errors carry them.
pub fn item_of_json(json: &serde_json::Value) -> Option<Answer> {
    json.as_object()?.iter().map(|(name, value)| Some((name.clone(), value_of_json(value)?))).collect()
}

fn value_of_json(json: &serde_json::Value) -> Option<AttributeValue> {
    let (kind, value) = json.as_object()?.iter().next()?;
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    let texts = || value.as_array()?.iter().map(text).collect::<Option<Vec<_>>>();
    let bytes = |value: &serde_json::Value| BASE64.decode(value.as_str()?).ok().map(Bytes::from);
    Some(match kind.as_str() {
        "S" => AttributeValue::S(text(value)?),
        "N" => AttributeValue::N(text(value)?),
        "B" => AttributeValue::B(bytes(value)?),
        "SS" => AttributeValue::SS(texts()?),
        "NS" => AttributeValue::NS(texts()?),
        "BS" => AttributeValue::BS(value.as_array()?.iter().map(bytes).collect::<Option<_>>()?),
        "M" => AttributeValue::M(item_of_json(value)?),
        "L" => AttributeValue::L(value.as_array()?.iter().map(value_of_json).collect::<Option<_>>()?),
        "NULL" => AttributeValue::NULL(value.as_bool()?),
        "BOOL" => AttributeValue::BOOL(value.as_bool()?),
        _ => return None,
    })
}
