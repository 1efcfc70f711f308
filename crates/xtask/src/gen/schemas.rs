//! `schemas.rs` of a service: the static schema of every shape that a built operation or an error needs.

use std::fmt::Write;

use super::load::Service;
use super::model::{Reference, Shape, XmlNamespace};
use super::scope::Scope;
use super::text::{self, quoted, quoted_option};
use crate::failure::{Failure, Outcome};

/// The file's text, or nothing if no shape is in use.
pub fn render(service: &Service, scope: &Scope) -> Outcome<Option<String>> {
    let mut out = text::header("Schemas of the shapes in use.");
    out.push_str("use crate::support::*;\n\n");
    for name in &scope.schemas {
        let shape = service.model.shape(name);
        let names = service.names.get(name);
        if shape.kind == "structure" && !shape.document {
            let members = members(service, shape, shape.members.iter())?;
            let count = shape.members.iter().count();
            let _ = writeln!(out, "pub(crate) static {}_MEMBERS: [Member; {count}] = {members};\n", names.schema);
        }
        let _ = writeln!(out, "pub(crate) static {}: Shape = {};\n", names.schema, schema(service, name, shape)?);
    }
    Ok((!scope.schemas.is_empty()).then_some(out))
}

/// A `[Member]` literal of some members of a shape.
pub fn members<'a>(
    service: &Service,
    shape: &Shape,
    members: impl Iterator<Item = (&'a str, &'a Reference)>,
) -> Outcome<String> {
    let mut out = String::from("[\n");
    for (name, reference) in members {
        let _ = writeln!(out, "    {},", member(service, shape, name, reference)?);
    }
    out.push(']');
    Ok(out)
}

fn schema(service: &Service, name: &str, shape: &Shape) -> Outcome<String> {
    let kind = kind(service, name, shape)?;
    let mut fields = String::new();
    let constraints = constraints(shape);
    if !constraints.is_empty() {
        let _ = write!(fields, "constraints: &Constraints {{ {constraints}..Constraints::NONE }}, ");
    }
    if shape.sensitive {
        fields.push_str("sensitive: true, ");
    }
    let plain = format!("shape({}, {kind})", quoted(name));
    Ok(if fields.is_empty() { plain } else { format!("Shape {{ {fields}..{plain} }}") })
}

fn kind(service: &Service, name: &str, shape: &Shape) -> Outcome<String> {
    let part = |name: &str, reference: &Option<Reference>| {
        let reference = reference.as_ref().ok_or_else(|| Failure::new(format!("{}: no {name}", service.id)))?;
        member(service, shape, name, reference)
    };
    let flattened = shape.flattened;
    Ok(match shape.kind.as_str() {
        "string" => "Kind::String".to_owned(),
        "blob" => "Kind::Blob".to_owned(),
        "boolean" => "Kind::Boolean".to_owned(),
        "integer" => "Kind::Integer".to_owned(),
        "long" => "Kind::Long".to_owned(),
        "float" => "Kind::Float".to_owned(),
        "double" => "Kind::Double".to_owned(),
        "timestamp" => format!("Kind::Timestamp({})", timestamp_format(&shape.timestamp_format)?),
        "list" => format!("Kind::List {{ member: &{}, flattened: {flattened} }}", part("member", &shape.member)?),
        "map" => format!(
            "Kind::Map {{ key: &{}, value: &{}, flattened: {flattened} }}",
            part("key", &shape.key)?,
            part("value", &shape.value)?
        ),
        "structure" if shape.document => "Kind::Document".to_owned(),
        "structure" => {
            let kind = if shape.is_union() { "Union" } else { "Structure" };
            format!("Kind::{kind} {{ members: &{}_MEMBERS }}", service.names.get(name).schema)
        }
        other => return Err(Failure::new(format!("{}: {name} has the unknown type {other}", service.id))),
    })
}

fn constraints(shape: &Shape) -> String {
    let mut out = String::new();
    if let Some(min) = shape.min {
        let _ = write!(out, "min: Some({min:?}), ");
    }
    if let Some(max) = shape.max {
        let _ = write!(out, "max: Some({max:?}), ");
    }
    if let Some(pattern) = &shape.pattern {
        let _ = write!(out, "pattern: Some({}), ", quoted(pattern));
    }
    if !shape.values.is_empty() {
        let _ = write!(out, "one_of: &{}, ", text::list(&shape.values));
    }
    out
}

/// A `Member` literal that spells out only what differs from a plain body member. Traits of the target shape count where
/// the reference says nothing.
fn member(service: &Service, holder: &Shape, name: &str, reference: &Reference) -> Outcome<String> {
    let target = service.model.shape(&reference.shape);
    let mut fields = Vec::new();
    if let Some(wire_name) = reference.location_name.as_ref().or(target.location_name.as_ref()) {
        fields.push(format!("renamed: Some({})", quoted(wire_name)));
    }
    if reference.query_name.is_some() {
        fields.push(format!("query_name: {}", quoted_option(&reference.query_name)));
    }
    if let Some(location) = location(holder, name, reference)? {
        fields.push(format!("location: Location::{location}"));
    }
    let namespace = reference.xml_namespace.as_ref().or(target.xml_namespace.as_ref());
    if let Some(namespace) = namespace {
        fields.push(format!("xml_namespace: Some(&{})", xml_namespace(namespace)));
    }
    let format = reference.timestamp_format.as_ref().or(target.timestamp_format.as_ref()).cloned();
    if format.is_some() {
        fields.push(format!("timestamp_format: {}", timestamp_format(&format)?));
    }
    let flags = [
        ("required", holder.required.iter().any(|required| required == name)),
        ("flattened", reference.flattened || target.flattened),
        ("xml_attribute", reference.xml_attribute),
        ("streaming", reference.streaming || target.streaming),
        ("event_stream", target.eventstream),
        ("event_header", reference.eventheader),
        ("event_payload", reference.eventpayload),
        ("idempotency_token", reference.idempotency_token),
    ];
    fields.extend(flags.iter().filter(|(_, set)| *set).map(|(flag, _)| format!("{flag}: true")));
    let plain = format!("member({}, &super::schemas::{})", quoted(name), service.names.get(&reference.shape).schema);
    Ok(if fields.is_empty() { plain } else { format!("Member {{ {}, ..{plain} }}", fields.join(", ")) })
}

fn location(holder: &Shape, name: &str, reference: &Reference) -> Outcome<Option<&'static str>> {
    if holder.payload.as_deref() == Some(name) {
        return Ok(Some("Payload"));
    }
    Ok(Some(match reference.location.as_deref() {
        None => return Ok(None),
        Some("header") => "Header",
        Some("headers") => "Headers",
        Some("querystring") => "Query",
        Some("uri") => "Uri",
        Some("statusCode") => "Status",
        Some(other) => return Err(Failure::new(format!("{name} has the unknown location {other}"))),
    }))
}

fn timestamp_format(format: &Option<String>) -> Outcome<&'static str> {
    Ok(match format.as_deref() {
        None => "None",
        Some("unixTimestamp") => "Some(TimestampFormat::UnixTimestamp)",
        Some("iso8601") => "Some(TimestampFormat::Iso8601)",
        Some("rfc822") => "Some(TimestampFormat::Rfc822)",
        Some(other) => return Err(Failure::new(format!("unknown timestamp format {other}"))),
    })
}

/// An `XmlNamespace` literal.
pub fn xml_namespace(namespace: &XmlNamespace) -> String {
    let (uri, prefix) = match namespace {
        XmlNamespace::Uri(uri) => (uri, &None),
        XmlNamespace::Prefixed { uri, prefix } => (uri, prefix),
    };
    format!("XmlNamespace {{ uri: {}, prefix: {} }}", quoted(uri), quoted_option(prefix))
}
