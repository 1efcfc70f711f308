//! Errors to answers.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, StatusCode};

use super::output::{XML_DECLARATION, content_type, identify, put};
use super::{AnswerContext, ResponseParts};
use crate::body::Body;
use crate::codec::cbor::{CborWriter, Flavour};
use crate::codec::json::JsonWriter;
use crate::codec::xml::write_text;
use crate::error::{Error, Scalar, common};
use crate::schema::{ErrorDef, Fault, Location, OperationDef, Protocol, ServiceDef};

/// Renders an error. `service` and `operation` are `None` where routing failed before they were known.
pub fn write_error(
    service: Option<&'static ServiceDef>,
    operation: Option<&'static OperationDef>,
    protocol: Protocol,
    error: &Error,
    context: &AnswerContext<'_>,
) -> ResponseParts {
    let definition = error.definition;
    let mut headers = HeaderMap::new();
    let json_answer = protocol == Protocol::Query && context.json_answer;
    let media_type = if json_answer { "application/json" } else { content_type(service, protocol) };
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    match protocol {
        Protocol::RestJson => put(&mut headers, "x-amzn-errortype", definition.name),
        Protocol::Cbor => put(&mut headers, "smithy-protocol", "rpc-v2-cbor"),
        _ => {}
    }
    if let (Some(service), Protocol::Json | Protocol::Cbor) = (service, protocol) {
        write_query_error(service, definition, &mut headers);
    }
    identify(protocol, context, &mut headers);
    for (name, value) in &error.headers {
        put(&mut headers, name, value);
    }
    let (in_headers, in_body): (Vec<_>, Vec<_>) =
        error.members.iter().partition(|(name, _)| travels_in_header(definition, name));
    for (name, value) in in_headers {
        put(&mut headers, member_name(definition, name), &scalar_text(value));
    }
    let status = status(service, protocol, definition, context);
    let head = context.head || operation.is_some_and(|operation| operation.http.method == "HEAD");
    let body = if head || status == StatusCode::NOT_MODIFIED {
        Bytes::new()
    } else {
        match protocol {
            Protocol::Json => write_json(Some(type_name(service, definition)), error, &in_body).into(),
            Protocol::RestJson => write_json(None, error, &in_body).into(),
            Protocol::Cbor => write_cbor(service, Flavour::RpcV2, error, &in_body).into(),
            Protocol::CborTarget => write_cbor(service, Flavour::Target, error, &in_body).into(),
            Protocol::Query if json_answer => write_query_json(error, context.request_id).into(),
            Protocol::Query => write_query(service, error, &in_body, context.request_id).into(),
            Protocol::Ec2 => write_ec2(error, &in_body, context.request_id).into(),
            Protocol::RestXml => write_s3(error, &in_body, context).into(),
        }
    };
    ResponseParts { status, headers, body: Body::from(body) }
}

/// JSON protocols answer 400 to every mistake of the client's, except to clients that know the statuses of the query
/// protocol a service once had and ask for them.
fn status(
    service: Option<&ServiceDef>,
    protocol: Protocol,
    definition: &ErrorDef,
    context: &AnswerContext<'_>,
) -> StatusCode {
    let query_statuses = service.is_some_and(|service| service.query_compatible) && context.query_mode;
    let by_target = matches!(protocol, Protocol::Json | Protocol::Cbor | Protocol::CborTarget);
    let status = StatusCode::from_u16(definition.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if by_target && !query_statuses && status.is_client_error() && status != StatusCode::PAYLOAD_TOO_LARGE {
        return StatusCode::BAD_REQUEST;
    }
    status
}

/// `AWS.SimpleQueueService.NonExistentQueue;Sender`, for clients of a service that once spoke the query protocol.
fn write_query_error(service: &ServiceDef, definition: &ErrorDef, headers: &mut HeaderMap) {
    if service.query_compatible {
        let value = format!("{};{}", definition.query_code.unwrap_or(definition.code), fault(definition));
        put(headers, "x-amzn-query-error", &value);
    }
}

fn fault(definition: &ErrorDef) -> &'static str {
    match definition.fault {
        Fault::Client => "Sender",
        Fault::Server => "Receiver",
    }
}

/// The error's name with the namespace that the service puts before it.
fn type_name(service: Option<&ServiceDef>, definition: &ErrorDef) -> String {
    let name = definition.name;
    let Some(service) = service else { return name.to_owned() };
    let special = service.error_namespaces.iter().find(|(code, _)| *code == name).map(|(_, namespace)| *namespace);
    match special.unwrap_or(service.error_namespace) {
        "" => name.to_owned(),
        namespace => format!("{namespace}#{name}"),
    }
}

/// What a member of an error is called on the wire.
fn member_name(definition: &ErrorDef, name: &'static str) -> &'static str {
    definition.members.iter().find(|member| member.name == name).map_or(name, |member| member.wire_name())
}

/// Members of an error that are in its document.
type Members<'a> = &'a [&'a (&'static str, Scalar)];

fn travels_in_header(definition: &ErrorDef, name: &str) -> bool {
    definition.members.iter().any(|member| member.name == name && member.location == Location::Header)
}

fn scalar_text(value: &Scalar) -> String {
    match value {
        Scalar::String(value) => value.clone(),
        Scalar::Integer(value) => value.to_string(),
        Scalar::Boolean(value) => value.to_string(),
        Scalar::Document(value) => value.to_string(),
    }
}

/// `{"__type":…,"message":…}`; REST errors have their type in a header.
fn write_json(type_name: Option<String>, error: &Error, members: Members<'_>) -> String {
    let mut writer = JsonWriter::new();
    writer.open('{');
    if let Some(type_name) = type_name {
        writer.name("__type");
        writer.text(&type_name);
    }
    for (name, value) in members {
        writer.name(member_name(error.definition, name));
        match value {
            Scalar::String(value) => writer.text(value),
            Scalar::Integer(value) => writer.value(&(*value).into()),
            Scalar::Boolean(value) => writer.value(&(*value).into()),
            Scalar::Document(value) => writer.value(value),
        }
    }
    if let Some(message) = &error.message {
        writer.name(error.definition.message_member);
        writer.text(message);
    }
    writer.close('}');
    writer.finish()
}

fn write_cbor(service: Option<&ServiceDef>, flavour: Flavour, error: &Error, members: Members<'_>) -> Vec<u8> {
    let mut writer = CborWriter::new(flavour);
    writer.open_map();
    writer.text("__type");
    writer.text(&type_name(service, error.definition));
    for (name, value) in members {
        writer.text(member_name(error.definition, name));
        match value {
            Scalar::String(value) => writer.text(value),
            Scalar::Integer(value) => writer.number(*value),
            Scalar::Boolean(value) => writer.truth(*value),
            Scalar::Document(value) => writer.value(value),
        }
    }
    if let Some(message) = &error.message {
        writer.text(error.definition.message_member);
        writer.text(message);
    }
    writer.close();
    writer.finish()
}

fn element(name: &str, value: &str, out: &mut String) {
    out.push('<');
    out.push_str(name);
    out.push('>');
    write_text(value, out);
    out.push_str("</");
    out.push_str(name);
    out.push('>');
}

/// The further members of an error as XML elements. Where a value is deeper than one level, so is the element.
fn write_elements(error: &Error, members: Members<'_>, out: &mut String) {
    for (name, value) in members {
        let name = member_name(error.definition, name);
        match value {
            Scalar::Document(value) => write_json_element(name, value, out),
            scalar => element(name, &scalar_text(scalar), out),
        }
    }
}

/// A JSON value as an element: objects as elements by key, lists in `member` elements.
fn write_json_element(name: &str, value: &serde_json::Value, out: &mut String) {
    out.push('<');
    out.push_str(name);
    out.push('>');
    match value {
        serde_json::Value::Object(entries) => {
            entries.iter().for_each(|(key, value)| write_json_element(key, value, out));
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| write_json_element("member", item, out)),
        serde_json::Value::String(text) => write_text(text, out),
        serde_json::Value::Null => {}
        scalar => out.push_str(&scalar.to_string()),
    }
    out.push_str("</");
    out.push_str(name);
    out.push('>');
}

/// The code that query clients know an error by.
fn query_code(definition: &'static ErrorDef) -> &'static str {
    definition.query_code.unwrap_or(definition.code)
}

/// Namespace of query errors that come before a service knows the request.
const FAULT_NAMESPACE: &str = "http://webservices.amazon.com/AWSFault/2005-15-09";

/// All that AWS says to a request from which no operation can be told.
const UNKNOWN_OPERATION_DOCUMENT: &str = "<UnknownOperationException/>\n";

fn write_query(service: Option<&ServiceDef>, error: &Error, members: Members<'_>, request_id: &str) -> String {
    let definition = error.definition;
    if definition.name == common::UNKNOWN_OPERATION.name {
        return UNKNOWN_OPERATION_DOCUMENT.to_owned();
    }
    let namespace = service.and_then(|service| service.xml_namespace);
    let namespace = namespace.filter(|_| definition.name != common::INVALID_ACTION.name);
    let mut out = String::from("<ErrorResponse xmlns=\"");
    out.push_str(namespace.map_or(FAULT_NAMESPACE, |namespace| namespace.uri));
    out.push_str("\"><Error>");
    element("Type", fault(error.definition), &mut out);
    element("Code", query_code(error.definition), &mut out);
    if let Some(message) = &error.message {
        element("Message", message, &mut out);
    }
    write_elements(error, members, &mut out);
    out.push_str("</Error>");
    element("RequestId", request_id, &mut out);
    out.push_str("</ErrorResponse>");
    out
}

fn write_query_json(error: &Error, request_id: &str) -> String {
    let mut writer = JsonWriter::new();
    writer.open('{');
    writer.name("Error");
    writer.open('{');
    let message = error.message.as_deref().unwrap_or_default();
    for (name, value) in
        [("Code", query_code(error.definition)), ("Message", message), ("Type", fault(error.definition))]
    {
        writer.name(name);
        writer.text(value);
    }
    writer.close('}');
    writer.name("RequestId");
    writer.text(request_id);
    writer.close('}');
    writer.finish()
}

fn write_ec2(error: &Error, members: Members<'_>, request_id: &str) -> String {
    let mut out = format!("{XML_DECLARATION}<Response><Errors><Error>");
    element("Code", error.definition.code, &mut out);
    if let Some(message) = &error.message {
        element("Message", message, &mut out);
    }
    write_elements(error, members, &mut out);
    out.push_str("</Error></Errors>");
    element("RequestID", request_id, &mut out);
    out.push_str("</Response>");
    out
}

fn write_s3(error: &Error, members: Members<'_>, context: &AnswerContext<'_>) -> String {
    let mut out = format!("{XML_DECLARATION}<Error>");
    element("Code", error.definition.code, &mut out);
    if let Some(message) = &error.message {
        element("Message", message, &mut out);
    }
    write_elements(error, members, &mut out);
    let names_resource = error.definition.members.iter().any(|member| member.name == "Resource");
    if let (Some(resource), true) = (context.resource, names_resource) {
        element("Resource", resource, &mut out);
    }
    element("RequestId", context.request_id, &mut out);
    element("HostId", context.host_id, &mut out);
    out.push_str("</Error>");
    out
}

/// The answer to a request of which not even the protocol can be told.
pub fn write_unroutable(context: &AnswerContext<'_>) -> ResponseParts {
    let mut headers = HeaderMap::new();
    identify(Protocol::Json, context, &mut headers);
    let body = if context.head { "" } else { UNKNOWN_OPERATION_DOCUMENT };
    ResponseParts { status: StatusCode::NOT_FOUND, headers, body: Body::from(Bytes::from_static(body.as_bytes())) }
}
