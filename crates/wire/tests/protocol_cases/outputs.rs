//! Output cases.

use base64::Engine;
use bytes::Bytes;
use http::{HeaderValue, StatusCode};
use serde_json::Value as Json;
use traca_wire::Body;
use traca_wire::codec::value::Dynamic;
use traca_wire::protocol::{AnswerContext, ResponseParts, read_output, write_output};
use traca_wire::schema::{Location, OperationDef, Protocol, Shape};

use crate::inputs::{expect, headers};
use crate::schema::{Model, UNIT, operation, protocol, service};
use crate::values::{json_of, structure_from};
use crate::{Case, compare, errors};

pub const CONTEXT: AnswerContext<'static> = AnswerContext {
    request_id: "request-id",
    host_id: "host-id",
    resource: None,
    head: false,
    query_mode: true,
    json_answer: false,
};

pub fn body(response: &Json, protocol: Protocol) -> Bytes {
    let text = response["body"].as_str().unwrap_or_default();
    if protocol == Protocol::Cbor {
        return base64::engine::general_purpose::STANDARD.decode(text).expect("base64").into();
    }
    // A query answer always has a document.
    let text = if text.is_empty() && matches!(protocol, Protocol::Query | Protocol::Ec2) { "<xml/>" } else { text };
    Bytes::from(text.to_owned())
}

fn read(
    operation: &'static OperationDef,
    protocol: Protocol,
    shape: &'static Shape,
    response: ResponseParts,
) -> Result<Json, String> {
    let mut output = None;
    read_output(operation, protocol, response, &mut |reader| {
        output = Some(Dynamic::read(reader, shape)?);
        Ok(())
    })
    .map_err(|error| format!("cannot be read: {error}"))?;
    Ok(output.map_or(Json::Null, |output| json_of(&output)))
}

pub fn check(case: &Case<'_>) -> Result<(), String> {
    if case.case.get("error").is_some() {
        return errors::check(case);
    }
    let model = Model { shapes: &case.suite["shapes"] };
    let given = &case.case["given"];
    let protocol = protocol(&case.suite["metadata"]);
    let shape = given["output"]["shape"].as_str().map_or(&UNIT, |name| model.shape(name));
    let operation = operation(&model, given, shape);
    let service = service(&case.suite["metadata"], protocol);
    let (result, response) = (&case.case["result"], &case.case["response"]);
    let answer = ResponseParts {
        status: StatusCode::from_u16(response["status_code"].as_u64().unwrap_or(200) as u16).expect("a status"),
        headers: headers(&response["headers"]),
        body: Body::from(body(response, protocol)),
    };
    let read_result = read(operation, protocol, shape, answer)?;
    expect("the answer was read as", &read_result, result)?;
    let written = write_output(service, operation, protocol, &mut structure_from(shape, result), &CONTEXT);
    compare_answer(&written, response, shape, protocol)?;
    let mut written = written;
    written.headers.remove("x-amzn-requestid");
    let again = read(operation, protocol, shape, written)?;
    expect("what was written was read as", &again, result)
}

fn compare_answer(
    written: &ResponseParts,
    response: &Json,
    shape: &'static Shape,
    protocol: Protocol,
) -> Result<(), String> {
    let status = response["status_code"].as_u64().unwrap_or(200) as u16;
    if written.status.as_u16() != status {
        return Err(format!("answered {}, expected {status}", written.status));
    }
    let bound = |name: &str| {
        let members = shape.members().iter().filter(|member| member.location == Location::Header);
        members.map(|member| member.wire_name()).any(|bound| bound.eq_ignore_ascii_case(name))
    };
    let has_body = !matches!(written.body, Body::Empty);
    for (name, value) in &headers(&response["headers"]) {
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let media_type = |value: &str| value.split(';').next().unwrap_or_default().to_owned();
        let actual = written.headers.get(name).map(text).unwrap_or_default();
        let expected = text(value);
        let wrong = match name.as_str() {
            "content-type" => has_body && media_type(&actual) != media_type(&expected),
            name => bound(name) && actual != expected,
        };
        if wrong {
            return Err(format!("answered {name}: {actual:?}, expected {expected}"));
        }
    }
    let Body::Bytes(actual) = &written.body else { return Ok(()) };
    let actual = String::from_utf8_lossy(actual).into_owned();
    let expected = response["body"].as_str().unwrap_or_default();
    match protocol {
        Protocol::Json | Protocol::RestJson if expected.starts_with('{') && has_body => {
            compare::json(&actual, expected)
        }
        _ => Ok(()),
    }
}
