//! Writing CBOR.

use bytes::Bytes;

use super::{BREAK, DOUBLE, EPOCH_TAG, FALSE, Flavour, SINGLE, TRUE, major};
use crate::codec::Writer;
use crate::schema::{Kind, Member, Shape};
use crate::timestamp::Timestamp;

/// Writes one CBOR item. Structures are maps of indefinite length, as AWS sends them.
pub struct CborWriter {
    out: Vec<u8>,
    flavour: Flavour,
}

impl CborWriter {
    /// An empty document.
    pub fn new(flavour: Flavour) -> CborWriter {
        CborWriter { out: Vec::with_capacity(256), flavour }
    }

    /// The document.
    pub fn finish(self) -> Vec<u8> {
        self.out
    }

    /// Writes a text item.
    pub(crate) fn text(&mut self, value: &str) {
        self.head(major::TEXT, value.len() as u64);
        self.out.extend_from_slice(value.as_bytes());
    }

    /// Starts a map of indefinite length.
    pub(crate) fn open_map(&mut self) {
        self.out.push(major::MAP << 5 | 31);
    }

    /// Ends an item of indefinite length.
    pub(crate) fn close(&mut self) {
        self.out.push(BREAK);
    }

    /// Writes a whole number.
    pub(crate) fn number(&mut self, value: i64) {
        if value < 0 {
            self.head(major::NEGATIVE, !value as u64);
        } else {
            self.head(major::UNSIGNED, value as u64);
        }
    }

    /// Writes true or false.
    pub(crate) fn truth(&mut self, value: bool) {
        self.out.push(if value { TRUE } else { FALSE });
    }

    /// Writes any JSON value as its CBOR equivalent.
    pub(crate) fn value(&mut self, value: &serde_json::Value) {
        match value {
            serde_json::Value::Null => self.out.push(super::NULL),
            serde_json::Value::Bool(value) => self.truth(*value),
            serde_json::Value::Number(number) => match number.as_i64() {
                Some(number) => self.number(number),
                None => self.double(number.as_f64().unwrap_or(f64::NAN)),
            },
            serde_json::Value::String(text) => self.text(text),
            serde_json::Value::Array(items) => {
                self.head(major::ARRAY, items.len() as u64);
                items.iter().for_each(|item| self.value(item));
            }
            serde_json::Value::Object(entries) => {
                self.head(major::MAP, entries.len() as u64);
                for (key, item) in entries {
                    self.text(key);
                    self.value(item);
                }
            }
        }
    }

    fn double(&mut self, value: f64) {
        self.out.push(DOUBLE);
        self.out.extend_from_slice(&value.to_be_bytes());
    }

    /// An item's first byte and its argument, in the shortest form.
    fn head(&mut self, major: u8, argument: u64) {
        let top = major << 5;
        match argument {
            0..=23 => self.out.push(top | argument as u8),
            24..=0xff => self.out.extend_from_slice(&[top | 24, argument as u8]),
            0x100..=0xffff => {
                self.out.push(top | 25);
                self.out.extend_from_slice(&(argument as u16).to_be_bytes());
            }
            0x1_0000..=0xffff_ffff => {
                self.out.push(top | 26);
                self.out.extend_from_slice(&(argument as u32).to_be_bytes());
            }
            _ => {
                self.out.push(top | 27);
                self.out.extend_from_slice(&argument.to_be_bytes());
            }
        }
    }
}

impl Writer for CborWriter {
    fn member(&mut self, member: &'static Member) {
        // Events follow the document; they have no place in it.
        if !member.event_stream {
            self.text(member.wire_name());
        }
    }

    fn item(&mut self, _: &'static Member) {}

    fn key(&mut self, key: &str, _: &'static Member) {
        self.text(key);
    }

    fn begin_structure(&mut self, _: &'static Shape) {
        self.open_map();
    }

    fn end_structure(&mut self) {
        self.close();
    }

    fn begin_list(&mut self, _: &'static Member, length: usize) {
        self.head(major::ARRAY, length as u64);
    }

    fn end_list(&mut self) {}

    fn begin_map(&mut self, _: &'static Member, length: usize) {
        self.head(major::MAP, length as u64);
    }

    fn end_map(&mut self) {}

    fn string(&mut self, _: &'static Member, value: &str) {
        self.text(value);
    }

    fn integer(&mut self, _: &'static Member, value: i64) {
        self.number(value);
    }

    fn float(&mut self, at: &'static Member, value: f64) {
        if matches!(at.shape.kind, Kind::Float) {
            self.out.push(SINGLE);
            self.out.extend_from_slice(&(value as f32).to_be_bytes());
        } else {
            self.double(value);
        }
    }

    fn boolean(&mut self, _: &'static Member, value: bool) {
        self.truth(value);
    }

    fn blob(&mut self, _: &'static Member, value: &Bytes) {
        self.head(major::BYTES, value.len() as u64);
        self.out.extend_from_slice(value);
    }

    fn timestamp(&mut self, _: &'static Member, value: Timestamp) {
        match self.flavour {
            Flavour::Target => self.number(value.milliseconds()),
            Flavour::RpcV2 => {
                self.head(major::TAG, EPOCH_TAG);
                self.double(value.as_seconds());
            }
        }
    }

    fn document(&mut self, _: &'static Member, value: &serde_json::Value) {
        self.value(value);
    }
}
