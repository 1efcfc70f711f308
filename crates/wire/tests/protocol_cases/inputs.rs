//! Input cases.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use percent_encoding::percent_decode_str;
use serde_json::Value as Json;
use traca_wire::Body;
use traca_wire::codec::value::Dynamic;
use traca_wire::protocol::{RequestParts, RequestView, read_input_with, write_input};
use traca_wire::schema::{Kind, Location, OperationDef, Protocol, Segment, ServiceDef, Shape};

use crate::schema::{Model, UNIT, operation, protocol, service};
use crate::values::{json_of, same, structure_from};
use crate::{Case, compare};

pub fn headers(json: &Json) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in json.as_object().into_iter().flatten() {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a header name");
        headers.append(name, HeaderValue::from_str(value.as_str().expect("text")).expect("a header value"));
    }
    headers
}

/// The labels of a path, decoded once.
fn labels(path: &str, segments: &'static [Segment]) -> Vec<(&'static str, String)> {
    let decode = |text: &str| percent_decode_str(text).decode_utf8().expect("UTF-8").into_owned();
    let pieces: Vec<&str> = path.split('/').skip(1).collect();
    let after_greedy = segments.iter().rev().take_while(|it| !matches!(it, Segment::Greedy(_))).count();
    let mut labels = Vec::new();
    let mut position = 0;
    for segment in segments {
        match segment {
            Segment::Literal(_) => position += 1,
            Segment::Label(name) => {
                labels.push((*name, decode(pieces[position])));
                position += 1;
            }
            Segment::Greedy(name) => {
                let end = pieces.len() - after_greedy;
                labels.push((*name, decode(&pieces[position..end].join("/"))));
                position = end;
            }
        }
    }
    labels
}

struct Subject {
    service: &'static ServiceDef,
    operation: &'static OperationDef,
    protocol: Protocol,
    shape: &'static Shape,
}

impl Subject {
    fn read(&self, method: &str, target: &str, headers: &HeaderMap, body: Body) -> Result<Json, String> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let labels = labels(path, self.operation.http.segments);
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let view = RequestView { method: &method, labels: &labels, query, headers };
        let mut input = None;
        read_input_with(self.service, self.operation, self.protocol, &view, body, &mut |reader| {
            input = Some(Dynamic::read(reader, self.shape)?);
            Ok(())
        })
        .map_err(|error| format!("cannot be read: {error}"))?;
        Ok(without_bound_keys(self.shape, json_of(&input.expect("the reader was called"))))
    }
}

pub fn check(case: &Case<'_>) -> Result<(), String> {
    let model = Model { shapes: &case.suite["shapes"] };
    let given = &case.case["given"];
    let protocol = protocol(&case.suite["metadata"]);
    let shape = given["input"]["shape"].as_str().map_or(&UNIT, |name| model.shape(name));
    let subject = Subject {
        service: service(&case.suite["metadata"], protocol),
        operation: operation(&model, given, &UNIT),
        protocol,
        shape,
    };
    let (params, serialized) = (&case.case["params"], &case.case["serialized"]);
    let method = serialized["method"].as_str().unwrap_or(subject.operation.http.method);
    let target = serialized["uri"].as_str().unwrap_or("/");
    let body = body(serialized, protocol);
    let params = &without_bound_keys(shape, params.clone());
    let read = subject.read(method, target, &headers(&serialized["headers"]), Body::from(body.clone()))?;
    expect("the request was read as", &read, params)?;
    let written = write_input(subject.service, subject.operation, protocol, &mut structure_from(shape, params));
    let content = match &written.body {
        Body::Bytes(bytes) => bytes.clone(),
        _ => Bytes::new(),
    };
    compare_request(&written, &content, serialized, &body, protocol)?;
    let again = subject.read(written.method.as_str(), &written.target, &written.headers, Body::from(content))?;
    expect("what was written was read as", &again, params)
}

/// A map of query parameters holds, read by a server, also those that are members of their own; most cases leave them out
/// of their parameters.
fn without_bound_keys(shape: &'static Shape, mut params: Json) -> Json {
    let bound: Vec<_> = shape.members().iter().filter(|member| member.location == Location::Query).collect();
    for map in bound.iter().filter(|member| matches!(member.shape.kind, Kind::Map { .. })) {
        let Some(entries) = params.get_mut(map.name).and_then(Json::as_object_mut) else { continue };
        entries.retain(|key, _| !bound.iter().any(|member| member.wire_name() == key));
        if entries.is_empty() {
            params[map.name] = Json::Null;
        }
    }
    params
}

fn body(serialized: &Json, protocol: Protocol) -> Bytes {
    use base64::Engine;
    let text = serialized["body"].as_str().unwrap_or_default();
    if protocol == Protocol::Cbor {
        return base64::engine::general_purpose::STANDARD.decode(text).expect("base64").into();
    }
    Bytes::from(text.to_owned())
}

pub fn expect(what: &str, actual: &Json, expected: &Json) -> Result<(), String> {
    if same(actual, expected) { Ok(()) } else { Err(format!("{what} {actual}, expected {expected}")) }
}

fn sorted(form: &str) -> Vec<&str> {
    let mut pairs: Vec<&str> = form.split('&').filter(|pair| !pair.is_empty()).collect();
    pairs.sort_unstable();
    pairs
}

fn compare_request(
    written: &RequestParts,
    content: &[u8],
    serialized: &Json,
    body: &[u8],
    protocol: Protocol,
) -> Result<(), String> {
    let target = serialized["uri"].as_str().unwrap_or("/");
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (written_path, written_query) = written.target.split_once('?').unwrap_or((&written.target, ""));
    if path != written_path || sorted(query) != sorted(written_query) {
        return Err(format!("wrote {}, expected {target}", written.target));
    }
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (actual, expected) = (text(content), text(body));
    match protocol {
        _ if expected.is_empty() || actual == expected => Ok(()),
        Protocol::Query | Protocol::Ec2 if sorted(&actual) == sorted(&expected) => Ok(()),
        Protocol::Json => compare::json(&actual, &expected),
        Protocol::RestJson if expected.starts_with('{') => compare::json(&actual, &expected),
        Protocol::RestXml if expected.trim_start().starts_with('<') => compare::xml(&actual, &expected),
        // Maps in CBOR have no order; reading back compares them.
        Protocol::Cbor => Ok(()),
        _ => Err(format!("wrote {actual}, expected {expected}")),
    }
}
