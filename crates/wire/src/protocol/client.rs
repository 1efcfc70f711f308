//! The client's side of every protocol: requests out, answers in. It uses the same readers and writers as the server's
//! side, so a round trip exercises both.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Method, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::binding_reader::BindingReader;
use super::binding_writer::{BindingWriter, Document};
use super::input::{read_rest_json, read_rest_xml};
use super::output::{content_type, put};
use super::{Read, RequestParts, ResponseParts};
use crate::body::Body;
use crate::codec::cbor::{CborReader, CborWriter, Flavour};
use crate::codec::json::{JsonReader, JsonWriter, Wording};
use crate::codec::query::{Form, QueryWriter, Rules};
use crate::codec::xml::{XmlReader, XmlStyle, XmlTree, XmlWriter};
use crate::codec::{ReadError, ReadResult, Structure, Writer};
use crate::schema::{OperationDef, Protocol, Segment, ServiceDef};

/// Everything but RFC 3986's unreserved characters is encoded in a path segment.
const SEGMENT_ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// In a greedy label slashes stay.
const GREEDY_ENCODED: &AsciiSet = &SEGMENT_ENCODED.remove(b'/');

/// Writes the request for an operation.
pub fn write_input(
    service: &'static ServiceDef,
    operation: &'static OperationDef,
    protocol: Protocol,
    input: &mut dyn Structure,
) -> RequestParts {
    let stream = input.take_body();
    let mut parts = match protocol {
        Protocol::RestJson | Protocol::RestXml => write_bound(service, operation, protocol, input),
        _ => write_document(service, operation, protocol, input),
    };
    if let Some(stream) = stream {
        parts.body = stream;
    }
    parts
}

fn write_whole(structure: &dyn Structure, writer: &mut dyn Writer) {
    writer.begin_structure(structure.shape());
    structure.write_members(writer);
    writer.end_structure();
}

fn write_document(
    service: &'static ServiceDef,
    operation: &'static OperationDef,
    protocol: Protocol,
    input: &dyn Structure,
) -> RequestParts {
    let mut headers = HeaderMap::new();
    let mut target = "/".to_owned();
    let mut media_type = content_type(Some(service), protocol);
    let body = match protocol {
        Protocol::Query | Protocol::Ec2 => {
            media_type = "application/x-www-form-urlencoded; charset=utf-8";
            let rules = if protocol == Protocol::Ec2 { Rules::Ec2 } else { Rules::Query };
            let mut writer = QueryWriter::new(operation.name, service.api_version, rules);
            write_whole(input, &mut writer);
            Bytes::from(writer.finish())
        }
        Protocol::Cbor | Protocol::CborTarget => {
            let flavour = if protocol == Protocol::Cbor { Flavour::RpcV2 } else { Flavour::Target };
            let mut writer = CborWriter::new(flavour);
            write_whole(input, &mut writer);
            writer.finish().into()
        }
        _ => {
            let mut writer = JsonWriter::new();
            write_whole(input, &mut writer);
            writer.finish().into()
        }
    };
    put(&mut headers, "content-type", media_type);
    let prefix = service.target_prefix.unwrap_or(service.id);
    match protocol {
        Protocol::Cbor => {
            put(&mut headers, "smithy-protocol", "rpc-v2-cbor");
            put(&mut headers, "accept", media_type);
            target = format!("/service/{prefix}/operation/{}", operation.name);
        }
        Protocol::Json | Protocol::CborTarget => {
            put(&mut headers, "x-amz-target", &format!("{prefix}.{}", operation.name));
        }
        _ => {}
    }
    if service.query_compatible && protocol != Protocol::Query {
        put(&mut headers, "x-amzn-query-mode", "true");
    }
    RequestParts { method: Method::POST, target, headers, body: Body::from(body) }
}

fn write_bound(
    service: &'static ServiceDef,
    operation: &'static OperationDef,
    protocol: Protocol,
    input: &dyn Structure,
) -> RequestParts {
    let shape = input.shape();
    let (root, namespace) = operation.input_root.copied().unwrap_or((shape.name, None));
    let document = match protocol {
        Protocol::RestXml => {
            let mut writer = XmlWriter::new(XmlStyle::RestInput);
            writer.root(root, namespace.or(service.xml_namespace));
            Document::Xml(writer)
        }
        _ => Document::Json(JsonWriter::new()),
    };
    let mut writer = BindingWriter::new(shape, document, service.xml_namespace);
    write_whole(input, &mut writer);
    let mut headers = HeaderMap::new();
    for (name, value) in &writer.headers {
        put(&mut headers, name, value);
    }
    let target = request_target(operation, &writer);
    let body = if let Some(raw) = writer.raw {
        raw
    } else if writer.has_document || writer.whole_document() && protocol == Protocol::RestJson {
        headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static(content_type(Some(service), protocol)));
        writer.document.finish().into()
    } else {
        Bytes::new()
    };
    let method = Method::from_bytes(operation.http.method.as_bytes()).unwrap_or(Method::POST);
    RequestParts { method, target, headers, body: Body::from(body) }
}

/// The path template with its labels filled in, and the query string.
fn request_target(operation: &OperationDef, writer: &BindingWriter) -> String {
    let label = |name: &str| {
        let found = writer.labels.iter().find(|(label, _)| *label == name);
        found.map(|(_, value)| value.as_str()).unwrap_or_default()
    };
    let mut target = String::new();
    for segment in operation.http.segments {
        target.push('/');
        match segment {
            Segment::Literal(text) => target.push_str(text),
            Segment::Label(name) => target.extend(utf8_percent_encode(label(name), SEGMENT_ENCODED)),
            Segment::Greedy(name) => target.extend(utf8_percent_encode(label(name), GREEDY_ENCODED)),
        }
    }
    if target.is_empty() {
        target.push('/');
    }
    let mut query = String::new();
    for fixed in operation.http.query {
        query.push('&');
        query.push_str(fixed.key);
        if let Some(value) = fixed.value {
            query.push('=');
            query.push_str(value);
        }
    }
    query.push_str(&writer.query);
    if !query.is_empty() {
        target.push('?');
        target.push_str(&query[1..]);
    }
    target
}

/// Reads the output of an operation out of a successful answer.
///
/// # Errors
/// The answer cannot be read by the operation's output shape.
pub fn read_output(
    operation: &'static OperationDef,
    protocol: Protocol,
    response: ResponseParts,
    read: Read<'_>,
) -> ReadResult<()> {
    let ResponseParts { status, headers, body } = response;
    match protocol {
        Protocol::RestJson | Protocol::RestXml => return read_bound(operation, protocol, status, &headers, body, read),
        _ => {}
    }
    let bytes = match body {
        Body::Empty => Bytes::new(),
        Body::Bytes(bytes) => bytes,
        Body::Stream { .. } => return Err(ReadError::new("The body must be collected before it is read")),
    };
    match protocol {
        Protocol::Query | Protocol::Ec2 => {
            let tree = XmlTree::parse(&bytes)?;
            if protocol == Protocol::Ec2 {
                return read(&mut XmlReader::new(&tree));
            }
            read(&mut XmlReader::for_query(&tree, operation.result_wrapper))
        }
        Protocol::Cbor => read(&mut CborReader::new(&bytes, Flavour::RpcV2)),
        Protocol::CborTarget => read(&mut CborReader::new(&bytes, Flavour::Target)),
        _ => read(&mut JsonReader::new(&bytes, Wording::Class)?),
    }
}

fn read_bound(
    operation: &'static OperationDef,
    protocol: Protocol,
    status: StatusCode,
    headers: &HeaderMap,
    body: Body,
    read: Read<'_>,
) -> ReadResult<()> {
    let unwrapped = operation.unwrapped_output;
    let mut document = |bytes: &[u8], whole: bool, read: Read<'_>| match protocol {
        Protocol::RestXml if unwrapped => read_unwrapped(bytes, read),
        Protocol::RestXml => read_rest_xml(bytes, whole, None, read),
        _ => read_rest_json(bytes, whole, read),
    };
    let query = Form::default();
    read(&mut BindingReader {
        labels: &[],
        query: &query,
        headers,
        status: status.as_u16(),
        body,
        document: &mut document,
        failed_member: None,
    })
}

/// A document whose one member is the text of its root.
fn read_unwrapped(bytes: &[u8], read: Read<'_>) -> ReadResult<()> {
    let tree = XmlTree::parse(bytes)?;
    read(&mut XmlReader::for_text_root(&tree))
}
