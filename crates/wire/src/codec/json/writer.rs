//! Writing JSON.

use bytes::Bytes;

use super::scan::plain_length;
use crate::codec::{Writer, text};
use crate::schema::{Kind, Member, Shape, TimestampFormat};
use crate::timestamp::Timestamp;

/// Writes one JSON value.
#[derive(Default)]
pub struct JsonWriter {
    out: String,
    /// The current composite value already has an element.
    comma: bool,
}

impl JsonWriter {
    /// An empty document.
    pub fn new() -> JsonWriter {
        JsonWriter { out: String::with_capacity(256), comma: false }
    }

    /// The document.
    pub fn finish(self) -> String {
        self.out
    }

    /// Writes a name of our own making before a value.
    pub(crate) fn name(&mut self, name: &str) {
        self.separate();
        write_string(name, &mut self.out);
        self.out.push(':');
    }

    /// Writes a string value.
    pub(crate) fn text(&mut self, value: &str) {
        write_string(value, &mut self.out);
    }

    /// Writes any JSON value.
    pub(crate) fn value(&mut self, value: &serde_json::Value) {
        self.out.push_str(&value.to_string());
    }

    /// Starts an object.
    pub(crate) fn open(&mut self, bracket: char) {
        self.out.push(bracket);
        self.comma = false;
    }

    /// Ends it.
    pub(crate) fn close(&mut self, bracket: char) {
        self.out.push(bracket);
        self.comma = true;
    }

    fn separate(&mut self) {
        if self.comma {
            self.out.push(',');
        }
        self.comma = true;
    }
}

/// Appends a quoted, escaped string.
pub(crate) fn write_string(value: &str, out: &mut String) {
    out.push('"');
    let mut rest = value;
    loop {
        let length = plain_length(rest.as_bytes());
        out.push_str(&rest[..length]);
        let Some(byte) = rest.as_bytes().get(length) else { break };
        write_escape(*byte, out);
        rest = &rest[length + 1..];
    }
    out.push('"');
}

/// Appends a quote, backslash or control character the way JSON spells it.
fn write_escape(byte: u8, out: &mut String) {
    match byte {
        b'"' => out.push_str("\\\""),
        b'\\' => out.push_str("\\\\"),
        b'\n' => out.push_str("\\n"),
        b'\r' => out.push_str("\\r"),
        b'\t' => out.push_str("\\t"),
        _ => {
            const DIGITS: &[u8; 16] = b"0123456789abcdef";
            out.push_str("\\u00");
            out.push(char::from(DIGITS[usize::from(byte >> 4)]));
            out.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
    }
}

impl Writer for JsonWriter {
    fn member(&mut self, member: &'static Member) {
        if member.event_stream {
            // Its events follow the document; it has no place in it.
            return;
        }
        self.separate();
        // Names in models are identifiers: nothing to escape.
        self.out.push('"');
        self.out.push_str(member.wire_name());
        self.out.push_str("\":");
    }

    fn item(&mut self, _: &'static Member) {
        self.separate();
    }

    fn key(&mut self, key: &str, _: &'static Member) {
        self.name(key);
    }

    fn begin_structure(&mut self, _: &'static Shape) {
        self.open('{');
    }

    fn end_structure(&mut self) {
        self.close('}');
    }

    fn begin_list(&mut self, _: &'static Member, _: usize) {
        self.open('[');
    }

    fn end_list(&mut self) {
        self.close(']');
    }

    fn begin_map(&mut self, _: &'static Member, _: usize) {
        self.open('{');
    }

    fn end_map(&mut self) {
        self.close('}');
    }

    fn string(&mut self, _: &'static Member, value: &str) {
        self.text(value);
    }

    fn integer(&mut self, _: &'static Member, value: i64) {
        self.out.push_str(itoa::Buffer::new().format(value));
    }

    fn float(&mut self, at: &'static Member, value: f64) {
        if value.is_finite() {
            text::write_float_of(at, value, &mut self.out);
        } else {
            self.out.push('"');
            text::write_float(value, &mut self.out);
            self.out.push('"');
        }
    }

    fn boolean(&mut self, _: &'static Member, value: bool) {
        self.out.push_str(if value { "true" } else { "false" });
    }

    fn blob(&mut self, _: &'static Member, value: &Bytes) {
        self.out.push('"');
        text::write_base64(value, &mut self.out);
        self.out.push('"');
    }

    fn timestamp(&mut self, at: &'static Member, value: Timestamp) {
        match text::timestamp_format(at, TimestampFormat::UnixTimestamp) {
            TimestampFormat::UnixTimestamp => value.write(TimestampFormat::UnixTimestamp, &mut self.out),
            format => {
                self.out.push('"');
                value.write(format, &mut self.out);
                self.out.push('"');
            }
        }
    }

    fn document(&mut self, at: &'static Member, value: &serde_json::Value) {
        debug_assert!(matches!(at.shape.kind, Kind::Document));
        self.value(value);
    }
}
