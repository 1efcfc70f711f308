//! Requests to typed inputs.

use std::borrow::Cow;

use bytes::Bytes;

use super::binding_reader::BindingReader;
use super::refusal;
use super::{Read, RequestView};
use crate::body::Body;
use crate::codec::cbor::{CborReader, Flavour};
use crate::codec::json::{JsonReader, Wording};
use crate::codec::query::{Form, QueryReader, Rules};
use crate::codec::xml::{XmlReader, XmlTree};
use crate::codec::{ReadError, ReadResult, Structure};
use crate::error::{Error, Scalar, common};
use crate::schema::{Kind, Member, OperationDef, Protocol, ServiceDef};

/// Whether the operation's input has a streaming payload: such a body is handed to [`read_input`] as it arrives; every
/// other body must be collected first.
pub fn streams_input(operation: &OperationDef) -> bool {
    let payload = operation.codec.and_then(|codec| codec.input.payload());
    payload.is_some_and(|member| member.streaming || member.event_stream)
}

/// Reads the typed input of a built operation.
///
/// # Errors
/// The protocol's own error for a document that cannot be read; `NotImplementedException` for an operation that is not
/// built.
pub fn read_input(
    service: &'static ServiceDef,
    operation: &'static OperationDef,
    protocol: Protocol,
    request: &RequestView<'_>,
    body: Body,
) -> Result<Box<dyn Structure>, Error> {
    let not_built = || refusal::not_implemented(service, operation);
    let read = operation.codec.ok_or_else(not_built)?.read_input;
    let mut input = None;
    read_input_with(service, operation, protocol, request, body, &mut |reader| {
        input = Some(read(reader)?);
        Ok(())
    })?;
    input.ok_or_else(|| Error::bare(&common::INTERNAL_FAILURE))
}

/// As [`read_input`], for an input whose shape is known at run time only: `read` is called with a reader that stands at
/// the input structure.
///
/// # Errors
/// The protocol's own error for a document that cannot be read.
pub fn read_input_with(
    service: &'static ServiceDef,
    operation: &'static OperationDef,
    protocol: Protocol,
    request: &RequestView<'_>,
    body: Body,
    read: Read<'_>,
) -> Result<(), Error> {
    let outcome = match protocol {
        Protocol::RestJson | Protocol::RestXml => {
            return read_bound(service, operation, protocol, request, body, read);
        }
        Protocol::Json => collected(body).and_then(|bytes| read_json(&bytes, wording(service), read)),
        Protocol::Cbor => collected(body).and_then(|bytes| read_cbor(&bytes, Flavour::RpcV2, read)),
        Protocol::CborTarget => collected(body).and_then(|bytes| read_cbor(&bytes, Flavour::Target, read)),
        Protocol::Query | Protocol::Ec2 => {
            collected(body).and_then(|bytes| read_form(service, protocol, request.query, &bytes, read))
        }
    };
    outcome.map_err(|error| unreadable(protocol, error))
}

/// The generation of type errors a JSON service speaks: it goes with the version of its protocol.
fn wording(service: &ServiceDef) -> Wording {
    if service.json_version == "1.0" { Wording::Token } else { Wording::Class }
}

/// The bytes of a body that has been collected.
fn collected(body: Body) -> ReadResult<Bytes> {
    match body {
        Body::Empty => Ok(Bytes::new()),
        Body::Bytes(bytes) => Ok(bytes),
        Body::Stream { .. } => Err(ReadError::new("The body of this operation must be collected before it is read")),
    }
}

fn read_json(document: &[u8], wording: Wording, read: Read<'_>) -> ReadResult<()> {
    let mut reader = JsonReader::new(document, wording)?;
    read(&mut reader)?;
    reader.finish()
}

fn read_cbor(document: &[u8], flavour: Flavour, read: Read<'_>) -> ReadResult<()> {
    let mut reader = CborReader::new(document, flavour);
    read(&mut reader)?;
    reader.finish()
}

fn read_form(service: &ServiceDef, protocol: Protocol, query: &str, body: &[u8], read: Read<'_>) -> ReadResult<()> {
    let body = std::str::from_utf8(body).map_err(|_| ReadError::new("Request parameters are not valid UTF-8"))?;
    let form = Form::parse(&[query, body.trim_ascii()])?;
    if protocol == Protocol::Ec2 {
        read(&mut QueryReader::new(&form, Rules::Ec2))
    } else {
        read(&mut QueryReader::with_member_names(&form, service.query_member_names))
    }
}

fn read_bound(
    service: &'static ServiceDef,
    operation: &'static OperationDef,
    protocol: Protocol,
    request: &RequestView<'_>,
    body: Body,
    read: Read<'_>,
) -> Result<(), Error> {
    let query = Form::parse(&[request.query]).map_err(|error| unreadable(protocol, error))?;
    let payload_root = payload_root(operation);
    let mut document = |bytes: &[u8], whole: bool, read: Read<'_>| match protocol {
        Protocol::RestXml => read_rest_xml(bytes, whole, payload_root, read),
        _ => read_rest_json(bytes, whole, read),
    };
    let mut reader = BindingReader {
        labels: request.labels,
        query: &query,
        headers: request.headers,
        status: 0,
        body,
        document: &mut document,
        failed_member: None,
    };
    let outcome = read(&mut reader);
    let failed_member = reader.failed_member;
    outcome.map_err(|error| match (protocol, failed_member) {
        (Protocol::RestXml, Some(member)) => invalid_argument(service, member, error, request),
        (Protocol::RestXml, None) => {
            Error::new(service.error("MalformedXML").unwrap_or(&common::MALFORMED_XML), MALFORMED_XML_TEXT)
        }
        _ => unreadable(protocol, error),
    })
}

const MALFORMED_XML_TEXT: &str =
    "The XML you provided was not well-formed or did not validate against our published schema";

pub(super) fn read_rest_json(bytes: &[u8], whole: bool, read: Read<'_>) -> ReadResult<()> {
    let mut reader = if whole { JsonReader::for_rest(bytes)? } else { JsonReader::new(bytes, Wording::Class)? };
    read(&mut reader)?;
    reader.finish()
}

pub(super) fn read_rest_xml(bytes: &[u8], whole: bool, root: Option<&str>, read: Read<'_>) -> ReadResult<()> {
    let tree = XmlTree::parse(bytes)?;
    if root.is_some_and(|root| root != tree.root_name()) {
        return Err(ReadError::new(MALFORMED_XML_TEXT));
    }
    read(&mut if whole { XmlReader::for_rest(&tree) } else { XmlReader::new(&tree) })
}

/// The element that an XML payload must have as its root, where the model names one.
fn payload_root(operation: &OperationDef) -> Option<&'static str> {
    let payload = operation.codec.and_then(|codec| codec.input.payload());
    payload.filter(|member| member.renamed.is_some()).map(|member| member.wire_name())
}

/// A document that cannot be read, in the words of the protocol.
fn unreadable(protocol: Protocol, error: ReadError) -> Error {
    let definition = match protocol {
        Protocol::Ec2 => &common::INVALID_PARAMETER_VALUE,
        _ => &common::SERIALIZATION,
    };
    if error.message.is_empty() { Error::bare(definition) } else { Error::new(definition, error.message) }
}

/// S3's answer to a header, label or query parameter of the wrong type.
fn invalid_argument(
    service: &'static ServiceDef,
    member: &'static Member,
    error: ReadError,
    request: &RequestView<'_>,
) -> Error {
    let name = member.wire_name();
    let message = match member.shape.kind {
        Kind::Integer | Kind::Long => Cow::Owned(format!("Provided {name} not an integer or within integer range")),
        _ => Cow::Owned(error.message),
    };
    let form = Form::parse(&[request.query]).unwrap_or_default();
    let header = request.headers.get(name).map(super::binding_reader::header_text);
    let value = header.as_deref().or(form.get(name)).unwrap_or_default().to_owned();
    Error::new(service.error("InvalidArgument").unwrap_or(&common::INVALID_ARGUMENT), message)
        .with("ArgumentName", Scalar::from(name))
        .with("ArgumentValue", Scalar::from(value))
}
