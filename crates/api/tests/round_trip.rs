//! Inputs and outputs of every built operation through every protocol that its service speaks: what a client writes is
//! what the service reads, and the other way round.

use bytes::Bytes;
use http::Request;
use serde_json::Value as Json;
use traca_api::SERVICES;
use wire::codec::json::JsonWriter;
use wire::codec::value::{Dynamic, Value};
use wire::codec::{Structure, Writer};
use wire::protocol::{AnswerContext, RequestParts, RequestView, read_input, read_output, write_input, write_output};
use wire::router::Router;
use wire::schema::{Kind, Location, Member, OperationDef, Protocol, ServiceDef, Shape};
use wire::sigv4::Credentials;
use wire::{Body, Timestamp};

/// Deepest level at which a sample still has optional members: enough to pass through every kind of shape.
const SAMPLE_DEPTH: usize = 6;

/// Text with everything that some protocol spells specially.
const TEXT: &str = "a \"b\" <c> & d+e/f%20 ü=,;";

/// Keys of every map: lower case, as some become names of headers.
const MAP_KEYS: [&str; 2] = ["key", "other"];

/// A whole second, which every format of a time can say.
const TIME: Timestamp = Timestamp { seconds: 1_400_000_000, nanoseconds: 0 };

const CONTEXT: AnswerContext<'static> = AnswerContext {
    request_id: "request-id",
    host_id: "host-id",
    resource: None,
    head: false,
    query_mode: false,
    json_answer: false,
};

/// A structure with every member; below a certain depth, with what is required and one more, as not every protocol can
/// say that a structure is there but empty.
fn sample(shape: &'static Shape, depth: usize) -> Dynamic {
    let mut structure = Dynamic::new(shape);
    let is_union = matches!(shape.kind, Kind::Union { .. });
    let is_whole = depth < SAMPLE_DEPTH && !is_union;
    let is_root = depth == 0 || depth == SAMPLE_DEPTH;
    for (index, member) in shape.members().iter().enumerate() {
        let stands_for_all = index == 0 && !is_root && (is_union || member.shape.members().is_empty());
        if is_whole || member.required || stands_for_all {
            structure.set(member.name, sample_of(member, depth + 1)).expect("the member exists");
        }
    }
    structure
}

fn sample_of(at: &'static Member, depth: usize) -> Value {
    match &at.shape.kind {
        _ if at.streaming || at.event_stream => Value::Body(Body::from(Bytes::from_static(b"streamed"))),
        Kind::String => Value::String(TEXT.to_owned()),
        Kind::JsonValue => Value::String("{\"a\":[1]}".to_owned()),
        Kind::Blob => Value::Blob(Bytes::from_static(b"\0\xffbytes")),
        Kind::Boolean => Value::Boolean(true),
        Kind::Integer if at.location == Location::Status => Value::Integer(202),
        Kind::Integer => Value::Integer(-7),
        Kind::Long => Value::Integer(1 << 40),
        Kind::Float | Kind::Double => Value::Float(1.5),
        Kind::Timestamp(_) => Value::Timestamp(TIME),
        Kind::Document => Value::Document(serde_json::json!({"free": ["form"]})),
        Kind::List { member, .. } => Value::List(vec![sample_of(member, depth), sample_of(member, depth)]),
        Kind::Map { value, .. } => {
            let keys = MAP_KEYS.map(str::to_owned);
            Value::Map(keys.into_iter().map(|key| (key, sample_of(value, depth))).collect())
        }
        Kind::Structure { .. } | Kind::Union { .. } => Value::Structure(sample(at.shape, depth)),
    }
}

/// All members of a structure but a streaming body, whatever they travel in.
fn members(structure: &dyn Structure) -> Json {
    let mut writer = JsonWriter::new();
    writer.begin_structure(structure.shape());
    structure.write_members(&mut writer);
    writer.end_structure();
    serde_json::from_str(&writer.finish()).expect("it is JSON")
}

fn body_of(structure: &mut dyn Structure) -> Option<Bytes> {
    match structure.take_body() {
        Some(Body::Bytes(bytes)) => Some(bytes),
        _ => None,
    }
}

/// Every built operation in every protocol of its service.
fn exchanges() -> impl Iterator<Item = (&'static ServiceDef, &'static OperationDef, Protocol)> {
    let services = SERVICES.iter().copied();
    let operations = services.flat_map(|service| service.operations.iter().map(move |operation| (service, operation)));
    let built = operations.filter(|(_, operation)| operation.codec.is_some());
    built.flat_map(|(service, operation)| service.protocols.iter().map(move |protocol| (service, operation, *protocol)))
}

/// What the service reads out of a client's request, once the router has found the operation.
fn received(
    service: &'static ServiceDef,
    protocol: Protocol,
    request: RequestParts,
) -> Result<(&'static str, Box<dyn Structure>), String> {
    let RequestParts { method, target, headers, body } = request;
    let mut head = Request::builder().method(method).uri(&target);
    head.headers_mut().expect("the request is valid").extend(headers);
    let host = format!("{}.us-east-1.amazonaws.com", service.endpoint_prefix);
    let (parts, ()) = head.header("host", host).body(()).expect("the request is valid").into_parts();
    let bytes = match &body {
        Body::Bytes(bytes) => bytes.clone(),
        _ => Bytes::new(),
    };
    let form = std::str::from_utf8(&bytes).ok();
    let route = Router::new(&SERVICES).route(&parts, &Credentials::Anonymous, form);
    let route = route.map_err(|error| format!("{target}: {error}"))?;
    compare("route", &(route.service.id, route.protocol), &(service.id, protocol))?;
    let query = parts.uri.query().unwrap_or_default();
    let view = RequestView { method: &parts.method, labels: &route.labels, query, headers: &parts.headers };
    let input = read_input(route.service, route.operation, route.protocol, &view, body);
    input.map(|input| (route.operation.name, input)).map_err(|error| format!("cannot be read: {error}"))
}

/// A failed comparison in words.
fn compare<T: PartialEq + std::fmt::Debug>(what: &str, actual: &T, expected: &T) -> Result<(), String> {
    if actual == expected { Ok(()) } else { Err(format!("{what} {actual:?}, expected {expected:?}")) }
}

/// A map of query parameters holds those as well that are members of their own: what remains is the sample's.
fn without_bound_parameters(shape: &'static Shape, mut members: Json) -> Json {
    let is_parameters =
        |member: &&Member| member.location == Location::Query && matches!(member.shape.kind, Kind::Map { .. });
    for member in shape.members().iter().filter(is_parameters) {
        let Some(Json::Object(parameters)) = members.get_mut(member.wire_name()) else { continue };
        parameters.retain(|key, _| MAP_KEYS.contains(&key.as_str()));
        if parameters.is_empty() {
            members.as_object_mut().and_then(|members| members.remove(member.wire_name()));
        }
    }
    members
}

fn input_survives(
    service: &'static ServiceDef,
    operation: &'static OperationDef,
    protocol: Protocol,
    depth: usize,
) -> Result<(), String> {
    let shape = operation.codec.expect("the operation is built").input;
    let mut expected = sample(shape, depth);
    let request = write_input(service, operation, protocol, &mut sample(shape, depth));
    let (name, mut input) = received(service, protocol, request)?;
    compare("operation", &name, &operation.name)?;
    compare("body", &body_of(&mut *input), &body_of(&mut expected))?;
    compare("members", &without_bound_parameters(shape, members(&*input)), &members(&expected))
}

fn output_survives(
    service: &'static ServiceDef,
    operation: &'static OperationDef,
    protocol: Protocol,
    depth: usize,
) -> Result<(), String> {
    let shape = operation.codec.expect("the operation is built").output;
    let is_rest = matches!(protocol, Protocol::RestJson | Protocol::RestXml);
    if !is_rest && shape.members().iter().any(|member| member.event_stream) {
        // The document is an event among others, which only a reader of events can tell.
        return Ok(());
    }
    let mut expected = sample(shape, depth);
    let answer = write_output(service, operation, protocol, &mut sample(shape, depth), &CONTEXT);
    let mut output = Dynamic::new(shape);
    let outcome = read_output(operation, protocol, answer, &mut |reader| {
        output = Dynamic::read(reader, shape)?;
        Ok(())
    });
    outcome.map_err(|error| format!("cannot be read: {error}"))?;
    compare("body", &body_of(&mut output), &body_of(&mut expected))?;
    let streams_events = shape.members().iter().any(|member| member.event_stream);
    let (mut output, mut expected) = (members(&output), members(&expected));
    for member in shape.members() {
        let is_always_there = depth > 0 && member.location == Location::Status;
        let is_that_of_events = streams_events && member.wire_name().eq_ignore_ascii_case("content-type");
        if is_always_there || is_that_of_events {
            for members in [&mut output, &mut expected] {
                members.as_object_mut().and_then(|members| members.remove(member.wire_name()));
            }
        }
    }
    compare("members", &output, &expected)
}

type Survives = fn(&'static ServiceDef, &'static OperationDef, Protocol, usize) -> Result<(), String>;

/// Checks every exchange with all members and with the required ones alone.
fn check(survives: Survives) {
    let mut failures = Vec::new();
    let mut count = 0;
    for (service, operation, protocol) in exchanges() {
        for depth in [0, SAMPLE_DEPTH] {
            count += 1;
            if let Err(failure) = survives(service, operation, protocol, depth) {
                failures.push(format!("{}.{} in {protocol:?} at {depth}: {failure}", service.id, operation.name));
            }
        }
    }
    assert!(count > 0, "something is built");
    assert!(failures.is_empty(), "{} of {count} fail:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn inputs_are_read_as_they_were_written() {
    check(input_survives);
}

#[test]
fn outputs_are_read_as_they_were_written() {
    check(output_survives);
}
