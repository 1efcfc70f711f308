//! From the API's values to ours, with AWS's checks, and back.

use std::collections::BTreeMap;

use api::dynamodb::AttributeValue;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;

use super::{DEPTH_MAX, Item, Value};
use crate::number::{Number, NumberError};

/// An item as the API has it.
pub type Answer = BTreeMap<String, AttributeValue>;

/// In which of AWS's two wordings an operation tells what is wrong with values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wording {
    /// `PutItem`, `UpdateItem`, `DeleteItem`, `GetItem`, `BatchGetItem` and `Query`.
    Current,
    /// `BatchWriteItem`, `Scan`, transactions, and statements.
    Older,
}

/// The item of a request.
///
/// # Errors
/// AWS's text of what is wrong with the first attribute that is not valid.
pub fn read_item(item: Answer, wording: Wording) -> Result<Item, String> {
    if item.contains_key("") {
        return Err("Empty attribute name".to_owned());
    }
    item.into_iter().map(|(name, value)| Ok((name, read_value(value, wording)?))).collect()
}

/// A value of a request.
///
/// # Errors
/// AWS's text.
pub fn read_value(value: AttributeValue, wording: Wording) -> Result<Value, String> {
    read_nested(value, wording, 1)
}

fn read_nested(value: AttributeValue, wording: Wording, level: usize) -> Result<Value, String> {
    if level > DEPTH_MAX {
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
        AttributeValue::N(text) => Value::N(read_number(&text, wording)?),
        AttributeValue::B(bytes) => Value::B(bytes),
        AttributeValue::BOOL(value) => Value::Bool(value),
        AttributeValue::NULL(true) => Value::Null,
        AttributeValue::NULL(false) => {
            return Err(format!("{INVALID} Null attribute value types must have the value of true"));
        }
        AttributeValue::SS(set) => Value::Ss(read_strings(set, wording)?),
        AttributeValue::NS(set) => Value::Ns(read_numbers(&set, wording)?),
        AttributeValue::BS(set) => Value::Bs(read_binaries(set, wording)?),
        AttributeValue::L(list) => {
            Value::L(list.into_iter().map(|value| read_nested(value, wording, level + 1)).collect::<Result<_, _>>()?)
        }
        AttributeValue::M(map) => {
            let read = |(name, value)| Ok::<_, String>((name, read_nested(value, wording, level + 1)?));
            Value::M(map.into_iter().map(read).collect::<Result<_, _>>()?)
        }
    })
}

fn read_number(text: &str, wording: Wording) -> Result<Number, String> {
    let read = match wording {
        Wording::Current => Number::parse(text),
        Wording::Older => Number::parse_wrapping(text),
    };
    read.map_err(|error| match (wording, error) {
        (Wording::Older, NumberError::NotANumber(text)) if text.is_empty() => NOT_NUMERIC.to_owned(),
        (_, error) => error.to_string(),
    })
}

const NOT_NUMERIC: &str = "The parameter cannot be converted to a numeric value";
const INVALID: &str = "One or more parameter values were invalid:";

fn read_strings(set: Vec<String>, wording: Wording) -> Result<Vec<String>, String> {
    if set.is_empty() {
        return Err(format!("{INVALID} An string set  may not be empty"));
    }
    let mut sorted = set.clone();
    sorted.sort_unstable();
    if has_duplicates(&sorted) {
        let shown = match wording {
            Wording::Current => shown_to_repeat(set, |text| format!("\"{text}\"")).join(", "),
            Wording::Older => set.join(", "),
        };
        return Err(format!("{INVALID} Input collection [{shown}] contains duplicates."));
    }
    Ok(sorted)
}

fn read_numbers(set: &[String], wording: Wording) -> Result<Vec<Number>, String> {
    if set.is_empty() {
        return Err(format!("{INVALID} An number set  may not be empty"));
    }
    let mut numbers = set.iter().map(|text| read_number(text, wording)).collect::<Result<Vec<_>, _>>()?;
    numbers.sort_unstable();
    if has_duplicates(&numbers) {
        return Err(match wording {
            Wording::Current => format!("{INVALID} Input collection contains duplicates."),
            Wording::Older => "Input collection contains duplicates".to_owned(),
        });
    }
    Ok(numbers)
}

fn read_binaries(set: Vec<Bytes>, wording: Wording) -> Result<Vec<Bytes>, String> {
    if set.is_empty() {
        return Err(format!("{INVALID} Binary sets should not be empty"));
    }
    let mut sorted = set.clone();
    sorted.sort_unstable();
    if has_duplicates(&sorted) {
        let shown = match wording {
            Wording::Current => shown_to_repeat(set, |bytes| format!("\"{}\"", BASE64.encode(bytes))).join(","),
            Wording::Older => set.iter().map(|bytes| BASE64.encode(bytes)).collect::<Vec<_>>().join(", "),
        };
        return Err(format!("{INVALID} Input collection [{shown}]of type BS contains duplicates."));
    }
    Ok(sorted)
}

/// The members of a set in which one is repeated: those in front of the repetition in order, and the others as they
/// were sent.
fn shown_to_repeat<T: Ord>(set: Vec<T>, show: impl Fn(&T) -> String) -> Vec<String> {
    let repeated = (0..set.len()).find(|&index| set[..index].contains(&set[index])).unwrap_or(set.len());
    let mut set = set;
    set[..repeated].sort_unstable();
    set.iter().map(show).collect()
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
