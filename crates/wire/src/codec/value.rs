//! A value of any shape, for code that knows its schema only at run time: protocol tests, and callers that take an
//! operation's name from a document.

use std::any::Any;
use std::collections::BTreeMap;

use bytes::Bytes;

use crate::body::Body;
use crate::codec::{Missing, ReadResult, Reader, Structure, Writer};
use crate::schema::{Kind, Member, Shape};
use crate::timestamp::Timestamp;

/// A value of any kind.
#[derive(Debug)]
pub enum Value {
    /// Text, enums and JSON values included.
    String(String),
    /// A whole number of either width.
    Integer(i64),
    /// A float of either width.
    Float(f64),
    /// True or false.
    Boolean(bool),
    /// Bytes.
    Blob(Bytes),
    /// A point in time.
    Timestamp(Timestamp),
    /// Free-form JSON.
    Document(serde_json::Value),
    /// A list.
    List(Vec<Value>),
    /// A map.
    Map(BTreeMap<String, Value>),
    /// A structure or union.
    Structure(Dynamic),
    /// A streaming payload.
    Body(Body),
}

/// A structure or union of any shape.
#[derive(Debug)]
pub struct Dynamic {
    shape: &'static Shape,
    /// Members that are set, by their index in the shape, in the model's order.
    members: BTreeMap<usize, Value>,
    missing: Missing,
}

impl Dynamic {
    /// A structure without members.
    pub fn new(shape: &'static Shape) -> Dynamic {
        Dynamic { shape, members: BTreeMap::new(), missing: Missing::all_required(shape) }
    }

    /// Reads a structure of the given shape.
    pub fn read(reader: &mut dyn Reader, shape: &'static Shape) -> ReadResult<Dynamic> {
        let mut structure = Dynamic::new(shape);
        reader.structure(shape, &mut |index, reader| {
            structure.set_index(index, Value::read(reader, &shape.members()[index])?);
            Ok(())
        })?;
        Ok(structure)
    }

    /// Sets a member by its name in the model. Gives the value back if there is no such member.
    pub fn set(&mut self, name: &str, value: Value) -> Result<(), Value> {
        match self.shape.members().iter().position(|member| member.name == name) {
            Some(index) => {
                self.set_index(index, value);
                Ok(())
            }
            None => Err(value),
        }
    }

    /// A member by its name in the model.
    pub fn get(&self, name: &str) -> Option<&Value> {
        let index = self.shape.members().iter().position(|member| member.name == name)?;
        self.members.get(&index)
    }

    /// All members that are set, in the model's order.
    pub fn members(&self) -> impl Iterator<Item = (&'static Member, &Value)> {
        self.members.iter().map(|(index, value)| (&self.shape.members()[*index], value))
    }

    /// All members of the shape, in the model's order, set or not.
    pub fn all_members(&self) -> impl Iterator<Item = (&'static Member, Option<&Value>)> {
        self.shape.members().iter().enumerate().map(|(index, member)| (member, self.members.get(&index)))
    }

    fn set_index(&mut self, index: usize, value: Value) {
        self.missing.found(index);
        self.members.insert(index, value);
    }
}

impl Structure for Dynamic {
    fn shape(&self) -> &'static Shape {
        self.shape
    }

    fn write_members(&self, writer: &mut dyn Writer) {
        for (index, member) in self.shape.members().iter().enumerate() {
            match self.members.get(&index) {
                // A streaming payload that has been taken belongs in no document.
                Some(Value::Body(Body::Empty)) => {}
                Some(value) => {
                    writer.member(member);
                    value.write(writer, member);
                }
                None if self.missing.has(index) => writer.missing(member),
                None => {}
            }
        }
    }

    fn take_body(&mut self) -> Option<Body> {
        self.members.values_mut().find_map(|value| match value {
            Value::Body(body) => Some(std::mem::take(body)),
            _ => None,
        })
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
        self
    }
}

impl Value {
    /// Reads a value of the member's shape.
    pub fn read(reader: &mut dyn Reader, at: &'static Member) -> ReadResult<Value> {
        Ok(match &at.shape.kind {
            _ if at.streaming || at.event_stream => Value::Body(reader.body(at)?),
            Kind::String | Kind::JsonValue => Value::String(reader.string(at)?),
            Kind::Blob => Value::Blob(reader.blob(at)?),
            Kind::Boolean => Value::Boolean(reader.boolean(at)?),
            Kind::Integer | Kind::Long => Value::Integer(reader.integer(at)?),
            Kind::Float | Kind::Double => Value::Float(reader.float(at)?),
            Kind::Timestamp(_) => Value::Timestamp(reader.timestamp(at)?),
            Kind::Document => Value::Document(reader.document(at)?),
            Kind::List { member, .. } => {
                let mut items = Vec::new();
                reader.list(at, &mut |reader| {
                    items.push(Value::read(reader, member)?);
                    Ok(())
                })?;
                Value::List(items)
            }
            Kind::Map { value, .. } => {
                let mut entries = BTreeMap::new();
                reader.map(at, &mut |key, reader| {
                    entries.insert(key, Value::read(reader, value)?);
                    Ok(())
                })?;
                Value::Map(entries)
            }
            Kind::Structure { .. } | Kind::Union { .. } => Value::Structure(Dynamic::read(reader, at.shape)?),
        })
    }

    /// Writes the value as the one just announced. A value that does not fit the member's shape is written as what it is.
    pub fn write(&self, writer: &mut dyn Writer, at: &'static Member) {
        match (self, &at.shape.kind) {
            (Value::String(value), _) => writer.string(at, value),
            (Value::Integer(value), _) => writer.integer(at, *value),
            (Value::Float(value), _) => writer.float(at, *value),
            (Value::Boolean(value), _) => writer.boolean(at, *value),
            (Value::Blob(value), _) => writer.blob(at, value),
            (Value::Timestamp(value), _) => writer.timestamp(at, *value),
            (Value::Document(value), _) => writer.document(at, value),
            (Value::Body(value), _) => writer.body(at, value),
            (Value::Structure(value), _) => {
                writer.begin_structure(value.shape);
                value.write_members(writer);
                writer.end_structure();
            }
            (Value::List(items), Kind::List { member, .. }) => {
                writer.begin_list(at, items.len());
                for item in items {
                    writer.item(member);
                    item.write(writer, member);
                }
                writer.end_list();
            }
            (Value::Map(entries), Kind::Map { value: member, .. }) => {
                writer.begin_map(at, entries.len());
                for (key, value) in entries {
                    writer.key(key, member);
                    value.write(writer, member);
                }
                writer.end_map();
            }
            (Value::List(_) | Value::Map(_), _) => {
                debug_assert!(false, "a list or map was set on {}, which is neither", at.name);
            }
        }
    }
}
