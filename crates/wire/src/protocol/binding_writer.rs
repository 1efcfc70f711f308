//! The HTTP binding of REST protocols, writing: each member of the root structure to where it travels.

use bytes::Bytes;
use percent_encoding::utf8_percent_encode;

use crate::codec::json::JsonWriter;
use crate::codec::query::FORM_ENCODED;
use crate::codec::xml::XmlWriter;
use crate::codec::{Writer, text};
use crate::schema::{Kind, Location, Member, Shape, TimestampFormat, XmlNamespace};
use crate::timestamp::Timestamp;

/// The document part of a REST message.
pub(super) enum Document {
    Json(JsonWriter),
    Xml(XmlWriter),
}

impl Document {
    fn writer(&mut self) -> &mut dyn Writer {
        match self {
            Document::Json(writer) => writer,
            Document::Xml(writer) => writer,
        }
    }

    pub(super) fn finish(self) -> String {
        match self {
            Document::Json(writer) => writer.finish(),
            Document::Xml(writer) => writer.finish(),
        }
    }
}

/// Where the current member of the root structure goes.
#[derive(Clone, Copy)]
enum Target {
    Document,
    /// The body is this member's bytes.
    Raw,
    Header,
    Query,
    Label(&'static str),
    Status,
}

/// Collects the parts of a REST message.
pub(super) struct BindingWriter {
    pub(super) document: Document,
    /// Namespace of a payload's root element where the member has none.
    namespace: Option<XmlNamespace>,
    /// The root structure is itself the document.
    whole: bool,
    /// This member is written as the text of the root element.
    unwrapped: bool,
    target: Target,
    depth: usize,
    /// Header or query key of the value being written.
    name: String,
    /// Length of the name without the key of the header map's current entry.
    prefix_length: usize,
    /// Query keys of the shape's own members: they win over the same keys in a map.
    query_keys: Vec<&'static str>,
    /// The map entry being written loses to a member of its own.
    outranked: bool,
    /// Elements of the header list being written.
    elements: Option<Vec<String>>,
    pub(super) headers: Vec<(String, String)>,
    /// Encoded query parameters, `&` before each.
    pub(super) query: String,
    pub(super) labels: Vec<(&'static str, String)>,
    pub(super) status: Option<u16>,
    /// Bytes of a payload that is not a document.
    pub(super) raw: Option<Bytes>,
    /// Something was written to the document.
    pub(super) has_document: bool,
}

impl BindingWriter {
    /// A writer for a structure of the given shape.
    pub(super) fn new(shape: &Shape, document: Document, namespace: Option<XmlNamespace>) -> BindingWriter {
        BindingWriter {
            document,
            namespace,
            whole: shape.payload().is_none() && shape.members().iter().any(|m| m.location == Location::Body),
            unwrapped: false,
            target: Target::Document,
            depth: 0,
            name: String::new(),
            prefix_length: 0,
            query_keys: shape
                .members()
                .iter()
                .filter(|m| m.location == Location::Query)
                .map(|m| m.wire_name())
                .collect(),
            outranked: false,
            elements: None,
            headers: Vec::new(),
            query: String::new(),
            labels: Vec::new(),
            status: None,
            raw: None,
            has_document: false,
        }
    }

    /// The structure's one member is the text of the root element.
    pub(super) fn unwrap_root(&mut self) {
        self.whole = false;
        self.unwrapped = true;
    }

    /// Whether the root structure is itself the document.
    pub(super) fn whole_document(&self) -> bool {
        self.whole
    }

    fn is_document(&self) -> bool {
        matches!(self.target, Target::Document)
    }

    /// Sends the current member of the root structure on its way.
    fn aim(&mut self, member: &'static Member) {
        self.name.clear();
        self.name.push_str(member.wire_name());
        self.outranked = false;
        self.target = match member.location {
            Location::Header | Location::Headers => Target::Header,
            Location::Query => Target::Query,
            Location::Uri => Target::Label(member.wire_name()),
            Location::Status => Target::Status,
            Location::Body => {
                self.has_document = true;
                if !self.unwrapped {
                    self.document.writer().member(member);
                }
                Target::Document
            }
            Location::Payload if is_raw(member) => Target::Raw,
            Location::Payload => {
                self.has_document = true;
                if let Document::Xml(writer) = &mut self.document {
                    let name = if member.renamed.is_some() { member.wire_name() } else { member.shape.name };
                    writer.root(name, member.xml_namespace.copied().or(self.namespace));
                }
                Target::Document
            }
        };
    }

    /// A scalar as text, in the spelling of its place.
    fn put(&mut self, value: String) {
        match self.target {
            Target::Document => {}
            Target::Raw => self.raw = Some(Bytes::from(value)),
            Target::Header => match &mut self.elements {
                Some(elements) => elements.push(value),
                None => self.headers.push((self.name.clone(), value)),
            },
            Target::Query if self.outranked => {}
            Target::Query => {
                self.query.push('&');
                self.query.extend(utf8_percent_encode(&self.name, FORM_ENCODED));
                self.query.push('=');
                self.query.extend(utf8_percent_encode(&value, FORM_ENCODED));
            }
            Target::Label(name) => self.labels.push((name, value)),
            Target::Status => self.status = value.parse().ok(),
        }
    }

    fn time_format(&self) -> TimestampFormat {
        match self.target {
            Target::Header => TimestampFormat::Rfc822,
            _ => TimestampFormat::Iso8601,
        }
    }
}

/// Whether a payload is handed on as it is rather than written as a document.
fn is_raw(member: &Member) -> bool {
    let text = matches!(member.shape.kind, Kind::Blob | Kind::String | Kind::JsonValue);
    text || member.streaming || member.event_stream
}

/// An element of a header's list; quoted if it would be split.
fn quoted(element: &str) -> String {
    if !element.contains([',', '"']) {
        return element.to_owned();
    }
    format!("\"{}\"", element.replace('\\', "\\\\").replace('"', "\\\""))
}

impl Writer for BindingWriter {
    fn member(&mut self, member: &'static Member) {
        if self.depth == 1 {
            self.aim(member);
        } else if self.is_document() {
            self.document.writer().member(member);
        }
    }

    fn item(&mut self, member: &'static Member) {
        if self.is_document() {
            self.document.writer().item(member);
        }
    }

    fn key(&mut self, key: &str, value: &'static Member) {
        match self.target {
            Target::Document => self.document.writer().key(key, value),
            Target::Header => {
                self.name.truncate(self.prefix_length);
                self.name.push_str(key);
            }
            _ => {
                self.outranked = self.query_keys.contains(&key);
                self.name.clear();
                self.name.push_str(key);
            }
        }
    }

    fn begin_structure(&mut self, shape: &'static Shape) {
        if self.depth > 0 && self.is_document() || self.depth == 0 && self.whole {
            self.document.writer().begin_structure(shape);
        }
        self.depth += 1;
    }

    fn end_structure(&mut self) {
        self.depth -= 1;
        if self.depth > 0 && self.is_document() || self.depth == 0 && self.whole {
            self.document.writer().end_structure();
        }
    }

    fn begin_list(&mut self, at: &'static Member, length: usize) {
        self.depth += 1;
        match self.target {
            Target::Document => self.document.writer().begin_list(at, length),
            Target::Header => self.elements = Some(Vec::new()),
            _ => {}
        }
    }

    fn end_list(&mut self) {
        self.depth -= 1;
        if self.is_document() {
            self.document.writer().end_list();
        } else if let Some(elements) = self.elements.take().filter(|elements| !elements.is_empty()) {
            self.put(elements.join(", "));
        }
    }

    fn begin_map(&mut self, at: &'static Member, length: usize) {
        self.depth += 1;
        self.prefix_length = self.name.len();
        if self.is_document() {
            self.document.writer().begin_map(at, length);
        }
    }

    fn end_map(&mut self) {
        self.depth -= 1;
        if self.is_document() {
            self.document.writer().end_map();
        }
    }

    fn string(&mut self, at: &'static Member, value: &str) {
        if self.is_document() {
            return self.document.writer().string(at, value);
        }
        if matches!((self.target, &at.shape.kind), (Target::Header, Kind::JsonValue)) {
            let mut encoded = String::new();
            text::write_base64(value.as_bytes(), &mut encoded);
            return self.put(encoded);
        }
        self.put(if self.elements.is_some() { quoted(value) } else { value.to_owned() });
    }

    fn integer(&mut self, at: &'static Member, value: i64) {
        if self.is_document() { self.document.writer().integer(at, value) } else { self.put(value.to_string()) }
    }

    fn float(&mut self, at: &'static Member, value: f64) {
        if self.is_document() {
            return self.document.writer().float(at, value);
        }
        let mut text = String::new();
        text::write_float_of(at, value, &mut text);
        self.put(text);
    }

    fn boolean(&mut self, at: &'static Member, value: bool) {
        if self.is_document() { self.document.writer().boolean(at, value) } else { self.put(value.to_string()) }
    }

    fn blob(&mut self, at: &'static Member, value: &Bytes) {
        match self.target {
            Target::Document => self.document.writer().blob(at, value),
            Target::Raw => self.raw = Some(value.clone()),
            _ => {
                let mut encoded = String::new();
                text::write_base64(value, &mut encoded);
                self.put(encoded);
            }
        }
    }

    fn timestamp(&mut self, at: &'static Member, value: Timestamp) {
        if self.is_document() {
            return self.document.writer().timestamp(at, value);
        }
        let mut text = String::new();
        value.write(text::timestamp_format(at, self.time_format()), &mut text);
        self.put(text);
    }

    fn document(&mut self, at: &'static Member, value: &serde_json::Value) {
        if self.is_document() { self.document.writer().document(at, value) } else { self.put(value.to_string()) }
    }
}
