//! Scalars written as bare text: header values, query values, path labels, XML text, form values.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;

use crate::codec::{ReadError, ReadResult, Reader};
use crate::schema::{Kind, Member, TimestampFormat};
use crate::timestamp::Timestamp;

/// The format a member's timestamps are written in: its own, else its shape's, else the protocol's.
pub(crate) fn timestamp_format(at: &Member, protocol_default: TimestampFormat) -> TimestampFormat {
    match (at.timestamp_format, &at.shape.kind) {
        (Some(format), _) => format,
        (None, Kind::Timestamp(Some(format))) => *format,
        _ => protocol_default,
    }
}

/// Checks that an integer fits the width of its shape.
pub(crate) fn fits(at: &Member, value: i64) -> bool {
    !matches!(at.shape.kind, Kind::Integer) || i32::try_from(value).is_ok()
}

/// Appends a float the way JSON and XML spell it, special values by name.
pub(crate) fn write_float(value: f64, out: &mut String) {
    if value.is_nan() {
        out.push_str("NaN");
    } else if value.is_infinite() {
        out.push_str(if value > 0.0 { "Infinity" } else { "-Infinity" });
    } else {
        out.push_str(ryu::Buffer::new().format_finite(value));
    }
}

/// A float is written with the digits of its own width: an `f32` of 0.1 as `0.1`, not `0.10000000149011612`.
pub(crate) fn write_float_of(at: &Member, value: f64, out: &mut String) {
    if matches!(at.shape.kind, Kind::Float) && value.is_finite() {
        out.push_str(ryu::Buffer::new().format(value as f32));
    } else {
        write_float(value, out);
    }
}

/// Appends a scalar's bytes as base64.
pub(crate) fn write_base64(value: &[u8], out: &mut String) {
    BASE64.encode_string(value, out);
}

/// Reads a float, special values by name.
pub(crate) fn parse_float(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        // The standard parser also takes `inf`, `nan` and `infinity`, which no AWS service does.
        _ if text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E')) => {
            text.parse().ok()
        }
        _ => None,
    }
}

/// A value that is one piece of text. Composite values are refused.
pub(crate) struct TextReader<'a> {
    text: &'a str,
    /// A `jsonvalue` is base64 here (headers), not bare.
    base64_json: bool,
}

impl<'a> TextReader<'a> {
    /// A reader of form values, XML text, query values and path labels.
    pub(crate) fn new(text: &'a str) -> TextReader<'a> {
        TextReader { text, base64_json: false }
    }

    /// A reader of header values.
    pub(crate) fn header(text: &'a str) -> TextReader<'a> {
        TextReader { text, base64_json: true }
    }

    fn refuse<T>(&self, at: &Member, wanted: &str) -> ReadResult<T> {
        let shown = if at.shape.sensitive { "***" } else { self.text };
        Err(ReadError::new(format!("Value '{shown}' at '{}' is not a valid {wanted}", at.name)))
    }
}

impl Reader for TextReader<'_> {
    fn structure(
        &mut self,
        _: &'static crate::schema::Shape,
        _: &mut dyn FnMut(usize, &mut dyn Reader) -> ReadResult<()>,
    ) -> ReadResult<()> {
        Err(ReadError::new("Structure found where text was expected"))
    }

    fn list(&mut self, at: &'static Member, _: &mut dyn FnMut(&mut dyn Reader) -> ReadResult<()>) -> ReadResult<()> {
        self.refuse(at, "list")
    }

    fn map(
        &mut self,
        at: &'static Member,
        _: &mut dyn FnMut(String, &mut dyn Reader) -> ReadResult<()>,
    ) -> ReadResult<()> {
        self.refuse(at, "map")
    }

    fn string(&mut self, at: &'static Member) -> ReadResult<String> {
        if self.base64_json && matches!(at.shape.kind, Kind::JsonValue) {
            let decoded = BASE64.decode(self.text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            return decoded.map_or_else(|| self.refuse(at, "base64 value"), Ok);
        }
        Ok(self.text.to_owned())
    }

    fn integer(&mut self, at: &'static Member) -> ReadResult<i64> {
        match self.text.trim().parse() {
            Ok(value) if fits(at, value) => Ok(value),
            _ => self.refuse(at, if matches!(at.shape.kind, Kind::Integer) { "integer" } else { "long" }),
        }
    }

    fn float(&mut self, at: &'static Member) -> ReadResult<f64> {
        parse_float(self.text.trim()).map_or_else(|| self.refuse(at, "double"), Ok)
    }

    fn boolean(&mut self, at: &'static Member) -> ReadResult<bool> {
        let text = self.text.trim();
        if text.eq_ignore_ascii_case("true") || text == "1" {
            Ok(true)
        } else if text.eq_ignore_ascii_case("false") || text == "0" {
            Ok(false)
        } else {
            self.refuse(at, "boolean")
        }
    }

    fn blob(&mut self, at: &'static Member) -> ReadResult<Bytes> {
        BASE64.decode(self.text.trim()).map(Bytes::from).or_else(|_| self.refuse(at, "base64 value"))
    }

    fn timestamp(&mut self, at: &'static Member) -> ReadResult<Timestamp> {
        Timestamp::parse(self.text).map_or_else(|| self.refuse(at, "timestamp"), Ok)
    }

    fn document(&mut self, at: &'static Member) -> ReadResult<serde_json::Value> {
        serde_json::from_str(self.text).or_else(|_| self.refuse(at, "JSON document"))
    }
}
