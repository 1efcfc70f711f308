//! Typed outputs to answers.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, StatusCode};

use super::binding_writer::{BindingWriter, Document};
use super::{AnswerContext, ResponseParts};
use crate::body::Body;
use crate::codec::cbor::{CborWriter, Flavour};
use crate::codec::json::JsonWriter;
use crate::codec::xml::{XmlStyle, XmlWriter};
use crate::codec::{Structure, Writer};
use crate::event_stream;
use crate::schema::{Kind, Location, Member, OperationDef, Protocol, ServiceDef, XmlNamespace};

/// What XML documents begin with; some clients look for the line break after it.
pub(super) const XML_DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// Renders the output of an operation.
pub fn write_output(
    service: &'static ServiceDef,
    operation: &'static OperationDef,
    protocol: Protocol,
    output: &mut dyn Structure,
    context: &AnswerContext<'_>,
) -> ResponseParts {
    let stream = output.take_body();
    let streams_events = output.shape().members().iter().any(|member| member.event_stream);
    let mut parts = match protocol {
        Protocol::RestJson | Protocol::RestXml => write_bound(service, operation, protocol, output),
        _ => write_document(service, operation, protocol, output, context),
    };
    if streams_events && !matches!(protocol, Protocol::RestJson | Protocol::RestXml) {
        // Where no header can carry the other members, the first event does.
        let document = std::mem::take(&mut parts.body);
        parts.body = stream.unwrap_or_default().preceded_by(initial_response(service, protocol, document));
    } else if let Some(stream) = stream {
        parts.body = stream;
    }
    if streams_events {
        parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static(event_stream::CONTENT_TYPE));
    }
    identify(protocol, context, &mut parts.headers);
    if context.head || matches!(parts.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
        parts.body = Body::Empty;
    }
    parts
}

/// The event that carries an output's members other than its events.
fn initial_response(service: &'static ServiceDef, protocol: Protocol, document: Body) -> Bytes {
    let Body::Bytes(document) = document else { return Bytes::new() };
    let media_type = content_type(Some(service), protocol);
    // Only a document beyond the format's 16 MiB has no frame, and none of these outputs has more than a few names.
    event_stream::Message::initial_response(media_type, document).encode().unwrap_or_default()
}

/// The request's ids, under the names that the service's clients look for.
pub(super) fn identify(protocol: Protocol, context: &AnswerContext<'_>, headers: &mut HeaderMap) {
    if protocol == Protocol::RestXml {
        put(headers, "x-amz-request-id", context.request_id);
        put(headers, "x-amz-id-2", context.host_id);
    } else {
        put(headers, "x-amzn-requestid", context.request_id);
    }
}

/// Sets a header. What cannot stand in one (line breaks and other control characters) becomes a blank: a value must
/// never end its header.
pub(super) fn put(headers: &mut HeaderMap, name: &str, value: &str) {
    let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else { return };
    let value = HeaderValue::from_str(value).or_else(|_| HeaderValue::from_bytes(value.as_bytes())).or_else(|_| {
        let clean: Vec<u8> = value.bytes().map(|byte| if byte < 0x20 || byte == 0x7f { b' ' } else { byte }).collect();
        HeaderValue::from_bytes(&clean)
    });
    if let Ok(value) = value {
        headers.append(name, value);
    }
}

/// Media type of the protocol's documents.
pub(super) fn content_type(service: Option<&ServiceDef>, protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Json if service.is_some_and(|service| service.json_version == "1.0") => "application/x-amz-json-1.0",
        Protocol::Json => "application/x-amz-json-1.1",
        Protocol::RestJson => "application/json",
        Protocol::RestXml => "application/xml",
        Protocol::Query => "text/xml",
        Protocol::Ec2 => "text/xml;charset=UTF-8",
        Protocol::Cbor => "application/cbor",
        Protocol::CborTarget => "application/x-amz-cbor-1.1",
    }
}

fn write_whole(output: &dyn Structure, writer: &mut dyn Writer) {
    writer.begin_structure(output.shape());
    output.write_members(writer);
    writer.end_structure();
}

/// The protocols in which the document is the whole answer.
fn write_document(
    service: &'static ServiceDef,
    operation: &'static OperationDef,
    protocol: Protocol,
    output: &dyn Structure,
    context: &AnswerContext<'_>,
) -> ResponseParts {
    let mut headers = HeaderMap::new();
    let json_answer = protocol == Protocol::Query && context.json_answer;
    let media_type = if json_answer { "application/json" } else { content_type(Some(service), protocol) };
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    let unit = output.shape().is_unit();
    let body = match protocol {
        Protocol::Cbor | Protocol::CborTarget => {
            let rpc = protocol == Protocol::Cbor;
            if rpc {
                headers.insert("smithy-protocol", HeaderValue::from_static("rpc-v2-cbor"));
            }
            let mut writer = CborWriter::new(if rpc { Flavour::RpcV2 } else { Flavour::Target });
            write_whole(output, &mut writer);
            Bytes::from(writer.finish())
        }
        Protocol::Query if json_answer => write_query_json(operation, output, context.request_id).into(),
        Protocol::Query => write_query(service, operation, output, context.request_id).into(),
        Protocol::Ec2 => write_ec2(service, operation, output, context.request_id).into(),
        _ if unit => Bytes::new(),
        _ => {
            let mut writer = JsonWriter::new();
            write_whole(output, &mut writer);
            writer.finish().into()
        }
    };
    ResponseParts { status: StatusCode::OK, headers, body: Body::from(body) }
}

fn open_root(writer: &mut XmlWriter, name: &str, namespace: Option<XmlNamespace>) {
    let out = writer.raw();
    out.push('<');
    out.push_str(name);
    if let Some(namespace) = namespace {
        out.push_str(" xmlns=\"");
        out.push_str(namespace.uri);
        out.push('"');
    }
    out.push('>');
}

fn write_query(service: &ServiceDef, operation: &OperationDef, output: &dyn Structure, request_id: &str) -> String {
    let root = format!("{}Response", operation.name);
    let mut writer = XmlWriter::new(XmlStyle::Query);
    open_root(&mut writer, &root, service.xml_namespace);
    if !output.shape().is_unit() {
        if let Some(wrapper) = operation.result_wrapper {
            writer.root(wrapper, None);
        }
        write_whole(output, &mut writer);
    }
    let mut out = writer.finish();
    out.push_str("<ResponseMetadata><RequestId>");
    out.push_str(request_id);
    out.push_str("</RequestId></ResponseMetadata></");
    out.push_str(&root);
    out.push('>');
    out
}

/// What query services answer to clients that ask for JSON: the same levels as in XML.
fn write_query_json(operation: &OperationDef, output: &dyn Structure, request_id: &str) -> String {
    let mut writer = JsonWriter::new();
    writer.open('{');
    writer.name(&format!("{}Response", operation.name));
    writer.open('{');
    if let (Some(wrapper), false) = (operation.result_wrapper, output.shape().is_unit()) {
        writer.name(wrapper);
        write_whole(output, &mut writer);
    }
    writer.name("ResponseMetadata");
    writer.open('{');
    writer.name("RequestId");
    writer.text(request_id);
    writer.close('}');
    writer.close('}');
    writer.close('}');
    writer.finish()
}

fn write_ec2(service: &ServiceDef, operation: &OperationDef, output: &dyn Structure, request_id: &str) -> String {
    let root = format!("{}Response", operation.name);
    let mut writer = XmlWriter::new(XmlStyle::Ec2);
    writer.raw().push_str(XML_DECLARATION);
    open_root(&mut writer, &root, service.xml_namespace);
    let out = writer.raw();
    out.push_str("<requestId>");
    out.push_str(request_id);
    out.push_str("</requestId>");
    if output.shape().is_unit() {
        out.push_str("<return>true</return>");
    } else {
        write_whole(output, &mut writer);
    }
    let mut out = writer.finish();
    out.push_str("</");
    out.push_str(&root);
    out.push('>');
    out
}

/// The REST protocols: members travel in the status, in headers and in the body.
fn write_bound(
    service: &'static ServiceDef,
    operation: &'static OperationDef,
    protocol: Protocol,
    output: &dyn Structure,
) -> ResponseParts {
    let shape = output.shape();
    let document = match protocol {
        Protocol::RestXml => {
            let mut writer = XmlWriter::new(XmlStyle::Rest);
            writer.root(operation.output_root.unwrap_or(shape.name), service.xml_namespace);
            Document::Xml(writer)
        }
        _ => Document::Json(JsonWriter::new()),
    };
    let mut writer = BindingWriter::new(shape, document, service.xml_namespace);
    if operation.unwrapped_output {
        writer.unwrap_root();
    }
    write_whole(output, &mut writer);
    let all_elsewhere = !shape.members().is_empty() && !writer.whole_document();
    let empty = shape.is_unit() || all_elsewhere && !writer.has_document;
    let mut headers = HeaderMap::new();
    for (name, value) in &writer.headers {
        put(&mut headers, name, value);
    }
    let code = writer.status.unwrap_or(operation.http.status);
    let mut status = StatusCode::from_u16(code).unwrap_or(StatusCode::OK);
    if status == StatusCode::OK && headers.contains_key("content-range") {
        // The model has no place for the status of a partial answer, but nothing else carries this header.
        status = StatusCode::PARTIAL_CONTENT;
    }
    let body = if let Some(raw) = writer.raw {
        if !headers.contains_key(CONTENT_TYPE) && shape.payload().is_some_and(|member| !member.streaming) {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(raw_content_type(shape.payload(), &raw)));
        }
        raw
    } else if operation.unwrapped_output && !writer.has_document {
        write_empty_root(operation, service.xml_namespace, &mut headers).into()
    } else if empty || protocol == Protocol::RestXml && shape.members().is_empty() {
        let tells_media_type = |member: &Member| {
            member.location == Location::Header && member.wire_name().eq_ignore_ascii_case("content-type")
        };
        if protocol == Protocol::RestXml
            && operation.http.method == "HEAD"
            && !shape.members().iter().any(tells_media_type)
        {
            // S3 names its media type even where there is no document to follow, as for a bucket.
            headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static(content_type(Some(service), protocol)));
        }
        Bytes::new()
    } else {
        headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static(content_type(Some(service), protocol)));
        let document = writer.document.finish();
        if protocol == Protocol::RestXml { format!("{XML_DECLARATION}{document}").into() } else { document.into() }
    };
    ResponseParts { status, headers, body: Body::from(body) }
}

/// Media type of a body that is no document of the protocol's. S3's text payloads are policies, which are JSON.
fn raw_content_type(payload: Option<&Member>, body: &[u8]) -> &'static str {
    match payload.map(|member| &member.shape.kind) {
        Some(Kind::String | Kind::JsonValue) if body.first() == Some(&b'{') => "application/json",
        Some(Kind::String | Kind::JsonValue) => "text/plain",
        _ => "application/octet-stream",
    }
}

/// The root element of an answer that is its text, where there is no text.
fn write_empty_root(operation: &OperationDef, namespace: Option<XmlNamespace>, headers: &mut HeaderMap) -> String {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    let name = operation.output_root.unwrap_or_default();
    let mut writer = XmlWriter::new(XmlStyle::Rest);
    writer.raw().push_str(XML_DECLARATION);
    open_root(&mut writer, name, namespace);
    let mut out = writer.finish();
    out.push_str("</");
    out.push_str(name);
    out.push('>');
    out
}
