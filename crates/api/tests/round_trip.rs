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

/// A structure with every member.
fn sample(shape: &'static Shape, depth: usize) -> Dynamic {
    let mut structure = Dynamic::new(shape);
    let union = matches!(shape.kind, Kind::Union { .. });
    for member in shape.members() {
        let recursive = depth >= SAMPLE_DEPTH && !member.required;
        if recursive && !union {
            continue;
        }
        structure.set(member.name, sample_of(member, depth + 1)).expect("the member exists");
        if union {
            break;
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
            // Keys that are names of headers are lower case.
            let keys = ["key", "other"].map(str::to_owned);
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
fn received(service: &'static ServiceDef, protocol: Protocol, request: RequestParts) -> (String, Box<dyn Structure>) {
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
    let route = Router::new(&SERVICES).route(&parts, &Credentials::Anonymous, form).expect("the request has a route");
    assert_eq!((route.service.id, route.protocol), (service.id, protocol));
    let query = parts.uri.query().unwrap_or_default();
    let view = RequestView { method: &parts.method, labels: &route.labels, query, headers: &parts.headers };
    let input = read_input(route.service, route.operation, route.protocol, &view, body).expect("the input is read");
    (route.operation.name.to_owned(), input)
}

#[test]
fn inputs_are_read_as_they_were_written() {
    assert!(exchanges().next().is_some(), "something is built");
    for (service, operation, protocol) in exchanges() {
        let codec = operation.codec.expect("the operation is built");
        let mut expected = sample(codec.input, 0);
        let request = write_input(service, operation, protocol, &mut sample(codec.input, 0));
        let (name, mut input) = received(service, protocol, request);
        let what = format!("{}.{} in {protocol:?}", service.id, operation.name);
        assert_eq!(name, operation.name, "{what}");
        assert_eq!(body_of(&mut *input), body_of(&mut expected), "{what}");
        assert_eq!(members(&*input), members(&expected), "{what}");
    }
}

#[test]
fn inputs_without_optional_members_are_read_as_they_were_written() {
    for (service, operation, protocol) in exchanges() {
        let codec = operation.codec.expect("the operation is built");
        let required = || sample(codec.input, SAMPLE_DEPTH);
        let request = write_input(service, operation, protocol, &mut required());
        let (name, input) = received(service, protocol, request);
        let what = format!("{}.{} in {protocol:?}", service.id, operation.name);
        assert_eq!((name.as_str(), members(&*input)), (operation.name, members(&required())), "{what}");
    }
}

#[test]
fn outputs_are_read_as_they_were_written() {
    for (service, operation, protocol) in exchanges() {
        let codec = operation.codec.expect("the operation is built");
        for depth in [0, SAMPLE_DEPTH] {
            let mut expected = sample(codec.output, depth);
            let answer = write_output(service, operation, protocol, &mut sample(codec.output, depth), &CONTEXT);
            let mut output = Dynamic::new(codec.output);
            let outcome = read_output(operation, protocol, answer, &mut |reader| {
                output = Dynamic::read(reader, codec.output)?;
                Ok(())
            });
            let what = format!("{}.{} in {protocol:?}", service.id, operation.name);
            outcome.unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!(body_of(&mut output), body_of(&mut expected), "{what}");
            let (mut output, expected) = (members(&output), members(&expected));
            if depth > 0 {
                // The status is always there, whether the output names one or not.
                let status = codec.output.members().iter().find(|member| member.location == Location::Status);
                status.and_then(|status| output.as_object_mut()?.remove(status.wire_name));
            }
            assert_eq!(output, expected, "{what}");
        }
    }
}
