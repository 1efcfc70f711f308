//! Writing XML.

use std::fmt::Write;

use bytes::Bytes;

use crate::codec::query::{element_name, is_flat, own_name};
use crate::codec::{Writer, text};
use crate::schema::{Kind, Member, Shape, TimestampFormat, XmlNamespace};
use crate::timestamp::Timestamp;

/// What differs between the protocols that write XML.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum XmlStyle {
    /// Answers of REST XML (S3): timestamps always with milliseconds.
    Rest,
    /// Requests of REST XML.
    RestInput,
    /// Query: elements under their query names.
    Query,
    /// EC2: timestamps always with milliseconds.
    Ec2,
}

/// An element that is about to be opened.
#[derive(Clone, Copy)]
struct Pending {
    name: &'static str,
    namespace: Option<XmlNamespace>,
    attribute: bool,
}

/// A composite value being written.
enum Level {
    /// The position right after the name in the opening tag is where attributes go.
    Structure {
        name: Option<&'static str>,
        attributes_at: usize,
    },
    List {
        name: Option<&'static str>,
        element: &'static str,
    },
    Map {
        name: Option<&'static str>,
        entry: &'static str,
        key: Pending,
        value: &'static str,
    },
}

/// Writes an XML document or a piece of one.
pub struct XmlWriter {
    out: String,
    pending: Option<Pending>,
    levels: Vec<Level>,
    style: XmlStyle,
}

/// Appends text with everything escaped that may not stand in an element or attribute. `"` and CR are escaped too: SQS
/// clients compare digests of message bodies, and a parser would turn a bare CR into LF.
pub(crate) fn write_text(value: &str, out: &mut String) {
    let mut start = 0;
    for (index, byte) in value.bytes().enumerate() {
        let escape = match byte {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            b'"' => "&quot;",
            b'\r' => "&#xD;",
            b'\t' | b'\n' | 0x20.. => continue,
            0..0x20 => "",
        };
        out.push_str(&value[start..index]);
        start = index + 1;
        if escape.is_empty() {
            // Not legal XML 1.0 in any spelling; S3 sends it like this, and that is why clients ask for `encoding-type`.
            let _ = write!(out, "&#x{byte:X};");
        } else {
            out.push_str(escape);
        }
    }
    out.push_str(&value[start..]);
}

/// Appends ` name="value"`.
pub(crate) fn write_attribute(name: &str, value: &str, out: &mut String) {
    out.push(' ');
    out.push_str(name);
    out.push_str("=\"");
    write_text(value, out);
    out.push('"');
}

impl XmlWriter {
    /// An empty document.
    pub fn new(style: XmlStyle) -> XmlWriter {
        XmlWriter { out: String::with_capacity(512), pending: None, levels: Vec::new(), style }
    }

    /// The document.
    pub fn finish(self) -> String {
        self.out
    }

    /// Names the element of the next value. A root structure without a name writes its members only.
    pub fn root(&mut self, name: &'static str, namespace: Option<XmlNamespace>) {
        self.pending = Some(Pending { name, namespace, attribute: false });
    }

    /// For what surrounds the document.
    pub(crate) fn raw(&mut self) -> &mut String {
        &mut self.out
    }

    /// Opens the pending element; gives its name and the position where attributes can still be put.
    fn open(&mut self) -> (Option<&'static str>, usize) {
        let Some(Pending { name, namespace, .. }) = self.pending.take() else { return (None, self.out.len()) };
        self.out.push('<');
        self.out.push_str(name);
        if let Some(namespace) = namespace {
            match namespace.prefix {
                Some(prefix) => write_attribute(&format!("xmlns:{prefix}"), namespace.uri, &mut self.out),
                None => write_attribute("xmlns", namespace.uri, &mut self.out),
            }
        }
        let attributes_at = self.out.len();
        self.out.push('>');
        (Some(name), attributes_at)
    }

    fn close(&mut self, name: Option<&str>) {
        if let Some(name) = name {
            self.out.push_str("</");
            self.out.push_str(name);
            self.out.push('>');
        }
    }

    /// After a value: a map's entry ends with it.
    fn after_value(&mut self) {
        if let Some(Level::Map { entry, .. }) = self.levels.last() {
            let entry = *entry;
            self.close(Some(entry));
        }
    }

    /// Writes a scalar: an element around the text, or an attribute of the enclosing element.
    fn scalar(&mut self, write: impl FnOnce(&mut String)) {
        if let Some(Pending { name, attribute: true, .. }) = self.pending {
            self.pending = None;
            let mut value = String::new();
            write(&mut value);
            if let Some(Level::Structure { attributes_at, .. }) = self.levels.last_mut() {
                let mut attribute = String::new();
                // The value is escaped already, as element text is.
                let _ = write!(attribute, " {name}=\"{value}\"");
                self.out.insert_str(*attributes_at, &attribute);
                *attributes_at += attribute.len();
            }
            return;
        }
        let (name, _) = self.open();
        write(&mut self.out);
        self.close(name);
        self.after_value();
    }
}

impl Writer for XmlWriter {
    fn member(&mut self, member: &'static Member) {
        let name = element_name(member, self.style == XmlStyle::Query);
        self.pending =
            Some(Pending { name, namespace: member.xml_namespace.copied(), attribute: member.xml_attribute });
    }

    fn item(&mut self, member: &'static Member) {
        if let Some(Level::List { element, .. }) = self.levels.last() {
            self.pending = Some(Pending { name: element, namespace: member.xml_namespace.copied(), attribute: false });
        }
    }

    fn key(&mut self, key: &str, member: &'static Member) {
        if let Some(Level::Map { entry, key: key_name, value, .. }) = self.levels.last() {
            let (entry, key_name, value) = (*entry, *key_name, *value);
            let _ = write!(self.out, "<{entry}>");
            self.pending = Some(key_name);
            let (key_name, _) = self.open();
            write_text(key, &mut self.out);
            self.close(key_name);
            self.pending = Some(Pending { name: value, namespace: member.xml_namespace.copied(), attribute: false });
        }
    }

    fn begin_structure(&mut self, _: &'static Shape) {
        let (name, attributes_at) = self.open();
        self.levels.push(Level::Structure { name, attributes_at });
    }

    fn end_structure(&mut self) {
        if let Some(Level::Structure { name, .. }) = self.levels.pop() {
            self.close(name);
        }
        self.after_value();
    }

    fn begin_list(&mut self, at: &'static Member, _: usize) {
        let Kind::List { member, .. } = &at.shape.kind else { return };
        let level = if is_flat(at) {
            // The elements stand directly in the structure, under the name that was pending.
            let pending = self.pending.take();
            Level::List { name: None, element: pending.map_or(member.wire_name(), |pending| pending.name) }
        } else {
            Level::List { name: self.open().0, element: member.wire_name() }
        };
        self.levels.push(level);
    }

    fn end_list(&mut self) {
        if let Some(Level::List { name, .. }) = self.levels.pop() {
            self.close(name);
        }
        self.after_value();
    }

    fn begin_map(&mut self, at: &'static Member, _: usize) {
        let Kind::Map { key, value, .. } = &at.shape.kind else { return };
        let query = self.style == XmlStyle::Query;
        let key = Pending { name: own_name(key, query), namespace: key.xml_namespace.copied(), attribute: false };
        let value = own_name(value, query);
        let level = if is_flat(at) {
            let pending = self.pending.take();
            Level::Map { name: None, entry: pending.map_or("entry", |pending| pending.name), key, value }
        } else {
            Level::Map { name: self.open().0, entry: "entry", key, value }
        };
        self.levels.push(level);
    }

    fn end_map(&mut self) {
        if let Some(Level::Map { name, .. }) = self.levels.pop() {
            self.close(name);
        }
        self.after_value();
    }

    fn string(&mut self, _: &'static Member, value: &str) {
        self.scalar(|out| write_text(value, out));
    }

    fn integer(&mut self, _: &'static Member, value: i64) {
        self.scalar(|out| out.push_str(itoa::Buffer::new().format(value)));
    }

    fn float(&mut self, at: &'static Member, value: f64) {
        self.scalar(|out| text::write_float_of(at, value, out));
    }

    fn boolean(&mut self, _: &'static Member, value: bool) {
        self.scalar(|out| out.push_str(if value { "true" } else { "false" }));
    }

    fn blob(&mut self, _: &'static Member, value: &Bytes) {
        self.scalar(|out| text::write_base64(value, out));
    }

    fn timestamp(&mut self, at: &'static Member, value: Timestamp) {
        let format = text::timestamp_format(at, TimestampFormat::Iso8601);
        let style = matches!(self.style, XmlStyle::Rest | XmlStyle::Ec2);
        let milliseconds = style && format == TimestampFormat::Iso8601;
        self.scalar(|out| if milliseconds { value.write_iso8601_milliseconds(out) } else { value.write(format, out) });
    }

    fn document(&mut self, _: &'static Member, value: &serde_json::Value) {
        self.scalar(|out| write_text(&value.to_string(), out));
    }
}
