//! What clients and services do on the wire that a simple codec gets wrong, one test each.

mod answering;
mod reading;

use bytes::Bytes;
use http::{HeaderMap, Method};
use traca_wire::codec::value::{Dynamic, Value};
use traca_wire::protocol::{AnswerContext, RequestView, ResponseParts, read_input_with, write_output};
use traca_wire::schema::*;
use traca_wire::{Body, Error};

const fn shape(name: &'static str, kind: Kind) -> Shape {
    Shape { name, kind, constraints: &Constraints::NONE, sensitive: false }
}

/// A member that a REST protocol binds under a name of its own.
const fn bound(name: &'static str, shape: &'static Shape, location: Location, wire_name: &'static str) -> Member {
    Member { location, renamed: Some(wire_name), ..Member::new(name, shape) }
}

static TEXT: Shape = shape("Text", Kind::String);
static NUMBER: Shape = shape("Number", Kind::Integer);
static REAL: Shape = shape("Real", Kind::Double);
static BYTES: Shape = shape("Bytes", Kind::Blob);
static TIME: Shape = shape("Time", Kind::Timestamp(None));
static JSON: Shape = shape("Json", Kind::JsonValue);
static TEXTS: Shape = shape("Texts", Kind::List { member: &Member::new("member", &TEXT), flattened: false });
static FLAT_TEXTS: Shape = shape("FlatTexts", Kind::List { member: &Member::new("member", &TEXT), flattened: true });
static TEXT_MAP: Shape = shape(
    "TextMap",
    Kind::Map { key: &Member::new("key", &TEXT), value: &Member::new("value", &TEXT), flattened: false },
);
static UNIT: Shape = shape(Shape::UNIT, Kind::Structure { members: &[] });

const NAMESPACE: XmlNamespace = XmlNamespace { uri: "http://example.amazonaws.com/doc/", prefix: None };

static SERVICE: ServiceDef = ServiceDef {
    id: "example",
    service_id: "Example",
    signing_name: "example",
    endpoint_prefix: "example",
    target_prefix: Some("Example"),
    api_version: "2020-01-01",
    json_version: "1.1",
    protocols: &[Protocol::Json],
    xml_namespace: Some(NAMESPACE),
    query_compatible: false,
    error_namespace: "",
    error_namespaces: &[],
    query_member_names: false,
    validation: Validation::Own { code: "ValidationException" },
    operations: &[],
    errors: &[],
};

static OPERATION: OperationDef = OperationDef {
    name: "Describe",
    index: 0,
    http: &HttpBinding::ROOT,
    unsigned: false,
    host_prefix: None,
    compressed_requests: false,
    result_wrapper: Some("DescribeResult"),
    input_root: None,
    output_root: None,
    unwrapped_output: false,
    deprecated: false,
    validation_code: None,
    always_allowed: false,
    actions: &[],
    actions_by_content: &[],
    codec: None,
};

const CONTEXT: AnswerContext<'static> = AnswerContext {
    request_id: "the-id",
    host_id: "the-host",
    resource: None,
    head: false,
    query_mode: false,
    json_answer: false,
};

/// Reads an input of the given shape out of a request.
fn read(
    protocol: Protocol,
    shape: &'static Shape,
    query: &str,
    headers: &HeaderMap,
    body: impl Into<Bytes>,
) -> Result<Dynamic, Error> {
    let view = RequestView { method: &Method::GET, labels: &[], query, headers };
    let mut input = Dynamic::new(shape);
    read_input_with(&SERVICE, &OPERATION, protocol, &view, Body::from(body.into()), &mut |reader| {
        input = Dynamic::read(reader, shape)?;
        Ok(())
    })?;
    Ok(input)
}

/// Reads an input whose request is nothing but a body.
fn read_body(protocol: Protocol, shape: &'static Shape, body: impl Into<Bytes>) -> Dynamic {
    read(protocol, shape, "", &HeaderMap::new(), body).expect("the request can be read")
}

fn write(operation: &'static OperationDef, protocol: Protocol, mut output: Dynamic) -> ResponseParts {
    write_output(&SERVICE, operation, protocol, &mut output, &CONTEXT)
}

fn set(mut structure: Dynamic, name: &str, value: Value) -> Dynamic {
    structure.set(name, value).expect("the shape has such a member");
    structure
}

fn text(value: &str) -> Value {
    Value::String(value.to_owned())
}

fn body(parts: &ResponseParts) -> &str {
    match &parts.body {
        Body::Bytes(bytes) => std::str::from_utf8(bytes).expect("the body is text"),
        _ => "",
    }
}

fn header<'a>(parts: &'a ResponseParts, name: &str) -> Option<&'a str> {
    parts.headers.get(name).map(|value| value.to_str().expect("the header is text"))
}

/// A value in words: text as it is, lists in brackets, maps in braces, all else as Rust shows it.
fn told(value: Option<&Value>) -> String {
    match value {
        None => "absent".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::List(items)) => {
            let items: Vec<String> = items.iter().map(|item| told(Some(item))).collect();
            format!("[{}]", items.join(" "))
        }
        Some(Value::Map(entries)) => {
            let entries: Vec<String> =
                entries.iter().map(|(key, value)| format!("{key}={}", told(Some(value)))).collect();
            format!("{{{}}}", entries.join(" "))
        }
        Some(Value::Integer(value)) => value.to_string(),
        Some(Value::Float(value)) => value.to_string(),
        Some(Value::Timestamp(time)) => time.as_seconds().to_string(),
        Some(other) => format!("{other:?}"),
    }
}
