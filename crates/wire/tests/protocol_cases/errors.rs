//! Error cases: an error with the case's members is written, and the answer must say what a client looks for.

use serde_json::Value as Json;
use traca_wire::Body;
use traca_wire::codec::Reader;
use traca_wire::codec::cbor::{CborReader, Flavour};
use traca_wire::error::{Error, Scalar};
use traca_wire::protocol::write_error;
use traca_wire::schema::{ErrorDef, Fault, Kind, Location, Member, Protocol, Shape};

use crate::Case;
use crate::inputs::expect;
use crate::outputs::CONTEXT;
use crate::schema::{Model, UNIT, leak, operation, protocol, service, text};

fn definition(model: &Model<'_>, name: &str, code: &str, status: u16) -> &'static ErrorDef {
    let members = model.shape(name).members();
    let message = members.iter().find(|member| member.name.eq_ignore_ascii_case("message"));
    leak(ErrorDef {
        name: text(name),
        code: text(code),
        status,
        fault: if status < 500 { Fault::Client } else { Fault::Server },
        message_member: message.map_or("message", |member| member.wire_name()),
        members: Vec::leak(
            members.iter().filter(|member| !member.name.eq_ignore_ascii_case("message")).copied().collect(),
        ),
        query_code: None,
    })
}

/// The shape that a code stands for: by name, or by the code the model gives it.
fn shape_of<'a>(case: &'a Case<'_>, code: &'a str) -> &'a str {
    let shapes = case.suite["shapes"].as_object().expect("shapes");
    let by_code = shapes.iter().find(|(_, shape)| shape["error"]["code"] == code);
    by_code.map_or(code, |(name, _)| name.as_str())
}

pub fn check(case: &Case<'_>) -> Result<(), String> {
    let model = Model { shapes: &case.suite["shapes"] };
    let protocol = protocol(&case.suite["metadata"]);
    let service = service(&case.suite["metadata"], protocol);
    let operation = operation(&model, &case.case["given"], &UNIT);
    let code = case.case["errorCode"].as_str().ok_or("the case has no code")?;
    let name = shape_of(case, code);
    if case.suite["shapes"].get(name).is_none() {
        return Err(format!("{code} is not modelled"));
    }
    let status = case.case["response"]["status_code"].as_u64().unwrap_or(400) as u16;
    let mut error = Error::bare(definition(&model, name, code, status));
    error.message = case.case["errorMessage"].as_str().map(|message| message.to_owned().into());
    for (member, value) in case.case["error"].as_object().into_iter().flatten() {
        if !member.eq_ignore_ascii_case("message") {
            error.members.push((text(member), Scalar::Document(wire_names(&model, name, member, value))));
        }
    }
    let answer = write_error(Some(service), Some(operation), protocol, &error, &CONTEXT);
    if answer.status.as_u16() != status {
        return Err(format!("answered {}, expected {status}", answer.status));
    }
    let Body::Bytes(body) = &answer.body else { return Err("no body".to_owned()) };
    let (actual_code, document) = understand(protocol, &answer.headers, body)?;
    if actual_code != code && actual_code != name {
        return Err(format!("said {actual_code}, expected {code}"));
    }
    let expected_message = case.case["errorMessage"].as_str().map_or(Json::Null, Json::from);
    let message = document.get("message").or(document.get("Message")).cloned().unwrap_or_default();
    expect("the message was", &message, &expected_message)?;
    for (member, value) in &error.members {
        let expected = match value {
            Scalar::Document(value) => value,
            _ => continue,
        };
        let model_member = error.definition.members.iter().find(|it| it.name == *member).ok_or("unknown member")?;
        let actual = match model_member.location {
            Location::Header => {
                let value = answer.headers.get(model_member.wire_name()).ok_or("a header is missing")?;
                Json::from(value.to_str().expect("text").trim_matches('"'))
            }
            _ => document.get(model_member.wire_name()).cloned().unwrap_or_default(),
        };
        expect(member, &actual, expected)?;
    }
    Ok(())
}

/// The value of a member with the names that travel.
fn wire_names(model: &Model<'_>, error: &str, member: &str, value: &Json) -> Json {
    let shape = model.shape(error);
    let Some(member) = shape.members().iter().find(|it| it.name == member) else { return value.clone() };
    renamed(member, value)
}

fn renamed(at: &Member, value: &Json) -> Json {
    match (&at.shape.kind, value) {
        (Kind::Structure { members }, Json::Object(entries)) => entries
            .iter()
            .map(|(name, value)| match members.iter().find(|member| member.name == name) {
                Some(member) => (member.wire_name().to_owned(), renamed(member, value)),
                None => (name.clone(), value.clone()),
            })
            .collect(),
        _ => value.clone(),
    }
}

/// Code and members of an error, as a client reads them.
fn understand(protocol: Protocol, headers: &http::HeaderMap, body: &[u8]) -> Result<(String, Json), String> {
    let document = match protocol {
        Protocol::Json | Protocol::RestJson => serde_json::from_slice(body).map_err(|error| error.to_string())?,
        Protocol::Cbor => cbor(body)?,
        _ => crate::compare::xml_as_json(std::str::from_utf8(body).expect("UTF-8"))?,
    };
    let type_name = match protocol {
        Protocol::RestJson => headers.get("x-amzn-errortype").and_then(|it| it.to_str().ok()).unwrap_or_default(),
        Protocol::Json | Protocol::Cbor => document["__type"].as_str().unwrap_or_default(),
        _ => document["Code"].as_str().unwrap_or_default(),
    };
    let code = type_name.rsplit('#').next().unwrap_or_default().to_owned();
    Ok((code, document))
}

fn cbor(body: &[u8]) -> Result<Json, String> {
    let member: &'static Member = leak(Member::new("document", leak(Shape { kind: Kind::Document, ..UNIT })));
    CborReader::new(body, Flavour::RpcV2).document(member).map_err(|error| error.to_string())
}
