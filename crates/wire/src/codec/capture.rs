//! A typed structure as a dynamic one.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::codec::value::{Dynamic, Value};
use crate::codec::{Structure, Writer};
use crate::schema::{Member, Shape};
use crate::timestamp::Timestamp;

impl Dynamic {
    /// A copy of a structure of any type. Streaming payloads are not copied.
    pub fn of(structure: &dyn Structure) -> Dynamic {
        let mut capture =
            Capture { levels: vec![Level::Structure(Dynamic::new(structure.shape()))], slots: Vec::new() };
        structure.write_members(&mut capture);
        match capture.levels.pop() {
            Some(Level::Structure(whole)) => whole,
            // Every level that write_members opens it also closes.
            _ => Dynamic::new(structure.shape()),
        }
    }
}

/// A composite value that is being put together.
enum Level {
    Structure(Dynamic),
    List(Vec<Value>),
    Map(BTreeMap<String, Value>),
}

/// Where the next value goes.
enum Slot {
    Member(&'static str),
    Item,
    Key(String),
}

struct Capture {
    levels: Vec<Level>,
    /// The slots of all values that are open, innermost last.
    slots: Vec<Slot>,
}

impl Capture {
    fn put(&mut self, value: Value) {
        match (self.levels.last_mut(), self.slots.pop()) {
            (Some(Level::Structure(structure)), Some(Slot::Member(name))) => drop(structure.set(name, value)),
            (Some(Level::List(items)), Some(Slot::Item)) => items.push(value),
            (Some(Level::Map(entries)), Some(Slot::Key(key))) => drop(entries.insert(key, value)),
            _ => debug_assert!(false, "a value was written without being announced"),
        }
    }

    fn end(&mut self) {
        match self.levels.pop() {
            Some(Level::Structure(structure)) => self.put(Value::Structure(structure)),
            Some(Level::List(items)) => self.put(Value::List(items)),
            Some(Level::Map(entries)) => self.put(Value::Map(entries)),
            None => {}
        }
    }
}

impl Writer for Capture {
    fn member(&mut self, member: &'static Member) {
        self.slots.push(Slot::Member(member.name));
    }

    fn item(&mut self, _: &'static Member) {
        self.slots.push(Slot::Item);
    }

    fn key(&mut self, key: &str, _: &'static Member) {
        self.slots.push(Slot::Key(key.to_owned()));
    }

    fn begin_structure(&mut self, shape: &'static Shape) {
        self.levels.push(Level::Structure(Dynamic::new(shape)));
    }

    fn end_structure(&mut self) {
        self.end();
    }

    fn begin_list(&mut self, _: &'static Member, _: usize) {
        self.levels.push(Level::List(Vec::new()));
    }

    fn end_list(&mut self) {
        self.end();
    }

    fn begin_map(&mut self, _: &'static Member, _: usize) {
        self.levels.push(Level::Map(BTreeMap::new()));
    }

    fn end_map(&mut self) {
        self.end();
    }

    fn string(&mut self, _: &'static Member, value: &str) {
        self.put(Value::String(value.to_owned()));
    }

    fn integer(&mut self, _: &'static Member, value: i64) {
        self.put(Value::Integer(value));
    }

    fn float(&mut self, _: &'static Member, value: f64) {
        self.put(Value::Float(value));
    }

    fn boolean(&mut self, _: &'static Member, value: bool) {
        self.put(Value::Boolean(value));
    }

    fn blob(&mut self, _: &'static Member, value: &Bytes) {
        self.put(Value::Blob(value.clone()));
    }

    fn timestamp(&mut self, _: &'static Member, value: Timestamp) {
        self.put(Value::Timestamp(value));
    }

    fn document(&mut self, _: &'static Member, value: &serde_json::Value) {
        self.put(Value::Document(value.clone()));
    }

    fn body(&mut self, _: &'static Member, _: &crate::body::Body) {
        self.put(Value::Body(crate::body::Body::Empty));
    }
}
