//! Values as the cases spell them: blobs as text, times as seconds since 1970, special floats by name.

use bytes::Bytes;
use serde_json::{Map, Value as Json, json};
use traca_wire::codec::value::{Dynamic, Value};
use traca_wire::schema::{Kind, Member, Shape};
use traca_wire::{Body, Timestamp};

pub fn structure_from(shape: &'static Shape, json: &Json) -> Dynamic {
    let mut structure = Dynamic::new(shape);
    for member in shape.members() {
        if let Some(value) = json.get(member.name).filter(|value| !value.is_null()) {
            structure.set(member.name, value_from(member, value)).expect("the member exists");
        }
    }
    structure
}

fn value_from(at: &'static Member, json: &Json) -> Value {
    let text = || json.as_str().map(str::to_owned).unwrap_or_else(|| json.to_string());
    match &at.shape.kind {
        _ if at.streaming => Value::Body(Body::from(Bytes::from(text()))),
        Kind::String | Kind::JsonValue => Value::String(text()),
        Kind::Blob => Value::Blob(Bytes::from(text())),
        Kind::Boolean => Value::Boolean(json.as_bool().expect("a boolean")),
        Kind::Integer | Kind::Long => Value::Integer(json.as_i64().expect("an integer")),
        Kind::Float | Kind::Double => Value::Float(match json.as_str() {
            Some("NaN") => f64::NAN,
            Some("Infinity") => f64::INFINITY,
            Some("-Infinity") => f64::NEG_INFINITY,
            _ => json.as_f64().expect("a number"),
        }),
        Kind::Timestamp(_) => {
            let seconds = json.as_f64().expect("seconds");
            Value::Timestamp(Timestamp::from_seconds(seconds).expect("a time"))
        }
        Kind::Document => Value::Document(json.clone()),
        Kind::List { member, .. } => {
            let items = json.as_array().expect("a list").iter().filter(|item| !item.is_null());
            Value::List(items.map(|item| value_from(member, item)).collect())
        }
        Kind::Map { value, .. } => {
            let entries = json.as_object().expect("a map").iter().filter(|(_, item)| !item.is_null());
            Value::Map(entries.map(|(key, item)| (key.clone(), value_from(value, item))).collect())
        }
        Kind::Structure { .. } | Kind::Union { .. } => Value::Structure(structure_from(at.shape, json)),
    }
}

pub fn json_of(structure: &Dynamic) -> Json {
    Json::Object(structure.members().map(|(member, value)| (member.name.to_owned(), value_of(member, value))).collect())
}

fn float(value: f64) -> Json {
    if value.is_nan() {
        json!("NaN")
    } else if value.is_infinite() {
        json!(if value > 0.0 { "Infinity" } else { "-Infinity" })
    } else {
        json!(value)
    }
}

fn value_of(at: &'static Member, value: &Value) -> Json {
    match value {
        Value::String(text) if matches!(at.shape.kind, Kind::JsonValue) => {
            serde_json::from_str(text).unwrap_or_else(|_| json!(text))
        }
        Value::String(text) => json!(text),
        Value::Integer(value) => json!(value),
        Value::Float(value) => float(*value),
        Value::Boolean(value) => json!(value),
        Value::Blob(bytes) => json!(String::from_utf8_lossy(bytes)),
        Value::Timestamp(time) => json!(time.as_seconds()),
        Value::Document(json) => json.clone(),
        Value::List(items) => {
            let Kind::List { member, .. } = &at.shape.kind else { panic!("a list where there is none") };
            Json::Array(items.iter().map(|item| value_of(member, item)).collect())
        }
        Value::Map(entries) => {
            let Kind::Map { value: member, .. } = &at.shape.kind else { panic!("a map where there is none") };
            let entries = entries.iter().map(|(key, item)| (key.clone(), value_of(member, item)));
            Json::Object(entries.collect::<Map<_, _>>())
        }
        Value::Structure(structure) => json_of(structure),
        Value::Body(Body::Bytes(bytes)) => json!(String::from_utf8_lossy(bytes)),
        Value::Body(_) => json!(""),
    }
}

/// Whether two values mean the same: numbers by value, to a microsecond; a member that is null is absent.
pub fn same(left: &Json, right: &Json) -> bool {
    match (left, right) {
        (Json::Number(left), Json::Number(right)) => {
            let (left, right) = (left.as_f64().expect("a number"), right.as_f64().expect("a number"));
            left == right || (left - right).abs() < 1e-6 || (left as f32) == (right as f32)
        }
        (Json::Array(left), Json::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same(left, right))
        }
        (Json::Object(left), Json::Object(right)) => {
            let within = |one: &Map<String, Json>, other: &Map<String, Json>| {
                one.iter().all(|(key, value)| {
                    value.is_null() || key == "__type" || same(value, other.get(key).unwrap_or(&Json::Null))
                })
            };
            within(left, right) && within(right, left)
        }
        // A JSON value in a string: what it says counts.
        (Json::String(text), other) | (other, Json::String(text)) => {
            left == right
                || serde_json::from_str::<Json>(text).is_ok_and(|parsed| !parsed.is_string() && same(&parsed, other))
        }
        _ => left == right,
    }
}
