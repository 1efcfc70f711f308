//! The contract between generated structs and document formats.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;

use crate::body::Body;
use crate::schema::{Kind, Member, Shape};
use crate::timestamp::Timestamp;

/// Why a document could not be read. The text is the one that goes into a `SerializationException` (or the protocol's
/// equivalent); which error that becomes is decided once, in [`error`](crate::error).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadError {
    /// AWS's text, or empty where AWS sends none.
    pub message: String,
}

impl ReadError {
    /// An error with AWS's text.
    pub fn new(message: impl Into<String>) -> ReadError {
        ReadError { message: message.into() }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for ReadError {}

/// Result of reading.
pub type ReadResult<T> = Result<T, ReadError>;

/// Takes values out of a document, one at a time, in the order in which the document has them.
///
/// A reader stands at one value. Exactly one method is called for it; for a composite value the callback is called once
/// for every element that is present and not null, with the reader standing at that element.
pub trait Reader {
    /// Reads a structure or union of the given shape: the callback gets the index of each member that is present.
    /// Unknown members are skipped.
    fn structure(
        &mut self,
        shape: &'static Shape,
        each: &mut dyn FnMut(usize, &mut dyn Reader) -> ReadResult<()>,
    ) -> ReadResult<()>;
    /// Reads a list; `member` is the element's pseudo-member, `at` the member (or pseudo-member) that refers to the list.
    fn list(&mut self, at: &'static Member, each: &mut dyn FnMut(&mut dyn Reader) -> ReadResult<()>) -> ReadResult<()>;
    /// Reads a map.
    fn map(
        &mut self,
        at: &'static Member,
        each: &mut dyn FnMut(String, &mut dyn Reader) -> ReadResult<()>,
    ) -> ReadResult<()>;
    /// Reads text.
    fn string(&mut self, at: &'static Member) -> ReadResult<String>;
    /// Reads an integer; `at.shape` tells the width, which is checked.
    fn integer(&mut self, at: &'static Member) -> ReadResult<i64>;
    /// Reads a float (an integer will do).
    fn float(&mut self, at: &'static Member) -> ReadResult<f64>;
    /// Reads a boolean.
    fn boolean(&mut self, at: &'static Member) -> ReadResult<bool>;
    /// Reads bytes.
    fn blob(&mut self, at: &'static Member) -> ReadResult<Bytes>;
    /// Reads a timestamp.
    fn timestamp(&mut self, at: &'static Member) -> ReadResult<Timestamp>;
    /// Reads a free-form JSON document.
    fn document(&mut self, at: &'static Member) -> ReadResult<serde_json::Value>;
    /// Reads a streaming payload. Only the HTTP binding has one.
    fn body(&mut self, at: &'static Member) -> ReadResult<Body> {
        self.blob(at).map(Body::from)
    }
}

/// Puts values into a document.
///
/// Every value is preceded by [`Writer::member`] (in a structure), [`Writer::item`] (in a list) or [`Writer::key`] (in a
/// map), except the root.
pub trait Writer {
    /// The next value is this member of the current structure.
    fn member(&mut self, member: &'static Member);
    /// The next value is an element of the current list.
    fn item(&mut self, member: &'static Member);
    /// The next value belongs to this key of the current map.
    fn key(&mut self, key: &str, value: &'static Member);
    /// Starts a structure or union.
    fn begin_structure(&mut self, shape: &'static Shape);
    /// Ends it.
    fn end_structure(&mut self);
    /// Starts a list; `at` is the member that refers to it.
    fn begin_list(&mut self, at: &'static Member, length: usize);
    /// Ends it.
    fn end_list(&mut self);
    /// Starts a map.
    fn begin_map(&mut self, at: &'static Member, length: usize);
    /// Ends it.
    fn end_map(&mut self);
    /// Text.
    fn string(&mut self, at: &'static Member, value: &str);
    /// An integer.
    fn integer(&mut self, at: &'static Member, value: i64);
    /// A float.
    fn float(&mut self, at: &'static Member, value: f64);
    /// A boolean.
    fn boolean(&mut self, at: &'static Member, value: bool);
    /// Bytes.
    fn blob(&mut self, at: &'static Member, value: &Bytes);
    /// A timestamp.
    fn timestamp(&mut self, at: &'static Member, value: Timestamp);
    /// A JSON document.
    fn document(&mut self, at: &'static Member, value: &serde_json::Value);
    /// The member is required and was not given. Only the validator cares; documents leave it out.
    fn missing(&mut self, member: &'static Member) {
        let _ = member;
    }
    /// A streaming payload; the HTTP binding takes it from the structure itself, so documents never see one.
    fn body(&mut self, at: &'static Member, value: &Body) {
        let _ = (at, value);
    }
}

/// A structure of an API, typed. Implemented by generated code.
pub trait Structure: Any + Send {
    /// Its shape.
    fn shape(&self) -> &'static Shape;
    /// Hands every member that is present to the writer, in the model's order, and says which required ones are missing.
    fn write_members(&self, writer: &mut dyn Writer);
    /// Takes a streaming payload out of the structure (an output about to be sent, an input about to be checked).
    fn take_body(&mut self) -> Option<Body> {
        None
    }
    /// For getting the concrete type back.
    fn into_any(self: Box<Self>) -> Box<dyn Any + Send>;
}

/// A type that can be read from a document. `at` is the member that refers to the value.
pub trait ReadValue: Sized {
    /// Reads the value the reader stands at.
    fn read(reader: &mut dyn Reader, at: &'static Member) -> ReadResult<Self>;
}

/// A type that can be written to a document.
pub trait WriteValue {
    /// Writes it as the value just announced.
    fn write(&self, writer: &mut dyn Writer, at: &'static Member);
}

/// Which required members of a structure that was read were absent (bit = index of the member). Structures built by our
/// own code have none missing. Members beyond the 128th are never required in any model we carry.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Missing(u128);

impl Missing {
    /// All required members of a shape: the state before reading.
    pub const fn all_required(shape: &'static Shape) -> Missing {
        let members = shape.members();
        let (mut bits, mut index) = (0, 0);
        while index < members.len() && index < 128 {
            bits |= (members[index].required as u128) << index;
            index += 1;
        }
        Missing(bits)
    }

    /// Notes that a member is there.
    pub fn found(&mut self, index: usize) {
        if index < 128 {
            self.0 &= !(1 << index);
        }
    }

    /// Whether the member is required and absent.
    pub fn has(&self, index: usize) -> bool {
        index < 128 && self.0 & (1 << index) != 0
    }
}

impl fmt::Debug for Missing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Missing({:b})", self.0)
    }
}

macro_rules! scalar {
    ($type:ty, $read:ident, |$value:ident| $convert:expr, |$this:ident| $back:expr) => {
        impl ReadValue for $type {
            fn read(reader: &mut dyn Reader, at: &'static Member) -> ReadResult<Self> {
                reader.$read(at).map(|$value| $convert)
            }
        }
        impl WriteValue for $type {
            fn write(&self, writer: &mut dyn Writer, at: &'static Member) {
                let $this = self;
                writer.$read(at, $back);
            }
        }
    };
}

scalar!(String, string, |value| value, |this| this);
scalar!(bool, boolean, |value| value, |this| *this);
scalar!(i32, integer, |value| value as i32, |this| i64::from(*this));
scalar!(i64, integer, |value| value, |this| *this);
scalar!(f32, float, |value| value as f32, |this| f64::from(*this));
scalar!(f64, float, |value| value, |this| *this);
scalar!(Bytes, blob, |value| value, |this| this);
scalar!(Timestamp, timestamp, |value| value, |this| *this);
scalar!(serde_json::Value, document, |value| value, |this| this);
scalar!(Body, body, |value| value, |this| this);

impl<T: ReadValue> ReadValue for Box<T> {
    fn read(reader: &mut dyn Reader, at: &'static Member) -> ReadResult<Self> {
        T::read(reader, at).map(Box::new)
    }
}

impl<T: WriteValue> WriteValue for Box<T> {
    fn write(&self, writer: &mut dyn Writer, at: &'static Member) {
        (**self).write(writer, at);
    }
}

/// The pseudo-members of a list (`None`, element) or map (key, value).
fn parts(at: &'static Member) -> (Option<&'static Member>, &'static Member) {
    match &at.shape.kind {
        Kind::List { member, .. } => (None, member),
        Kind::Map { key, value, .. } => (Some(key), value),
        _ => unreachable!("the generator gives Vec and BTreeMap only to list and map shapes"),
    }
}

impl<T: ReadValue> ReadValue for Vec<T> {
    fn read(reader: &mut dyn Reader, at: &'static Member) -> ReadResult<Self> {
        let (_, element) = parts(at);
        let mut list = Vec::new();
        reader.list(at, &mut |reader| {
            list.push(T::read(reader, element)?);
            Ok(())
        })?;
        Ok(list)
    }
}

impl<T: WriteValue> WriteValue for Vec<T> {
    fn write(&self, writer: &mut dyn Writer, at: &'static Member) {
        let (_, element) = parts(at);
        writer.begin_list(at, self.len());
        for value in self {
            writer.item(element);
            value.write(writer, element);
        }
        writer.end_list();
    }
}

impl<T: ReadValue> ReadValue for BTreeMap<String, T> {
    fn read(reader: &mut dyn Reader, at: &'static Member) -> ReadResult<Self> {
        let (_, value) = parts(at);
        let mut map = BTreeMap::new();
        reader.map(at, &mut |key, reader| {
            map.insert(key, T::read(reader, value)?);
            Ok(())
        })?;
        Ok(map)
    }
}

impl<T: WriteValue> WriteValue for BTreeMap<String, T> {
    fn write(&self, writer: &mut dyn Writer, at: &'static Member) {
        let (_, member) = parts(at);
        writer.begin_map(at, self.len());
        for (key, value) in self {
            writer.key(key, member);
            value.write(writer, member);
        }
        writer.end_map();
    }
}
