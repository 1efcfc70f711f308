//! What is wrong with an input, in AWS's words.

use super::{MAX_FAILURES, constraint};
use crate::codec::query::element_name;
use crate::codec::value::{Dynamic, Value};
use crate::schema::{Kind, Location, Member, Shape};

/// The name with its first letter in lower case, as messages spell members and operations.
pub(super) fn lower_first(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// What a service's wording has of its own.
#[derive(Clone, Copy)]
pub(super) struct Wording {
    /// The value itself is not repeated.
    pub(super) omit_value: bool,
    /// Constraints of elements and keys end with "Member must not be null".
    pub(super) elements_not_null: bool,
}

const NOT_NULL: &str = "Member must not be null";

/// A constraint that an input breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Where, for example `tags.1.member.key`.
    pub path: String,
    /// `Value … at '…' failed to satisfy constraint: …`
    pub text: String,
}

/// The first failures of an input, in the model's order.
pub(super) fn failures(input: &Dynamic, wording: Wording, body_prefix: Option<&str>) -> Vec<Failure> {
    let mut report = Report { failures: Vec::new(), path: Vec::new(), wording };
    report.structure(input, body_prefix);
    report.failures
}

struct Report<'a> {
    failures: Vec<Failure>,
    path: Vec<std::borrow::Cow<'a, str>>,
    wording: Wording,
}

impl<'a> Report<'a> {
    fn fail(&mut self, shape: &Shape, value: Option<&Value>, constraint: &str) {
        if self.failures.len() == MAX_FAILURES {
            return;
        }
        let mut text = String::from("Value");
        match value {
            None => text.push_str(" null"),
            Some(_) if shape.sensitive || self.wording.omit_value => {}
            Some(value) => {
                text.push_str(" '");
                show(value, shape, &mut text);
                text.push('\'');
            }
        }
        let path = self.path.join(".");
        text.push_str(&format!(" at '{path}' failed to satisfy constraint: {constraint}"));
        self.failures.push(Failure { path, text });
    }

    fn structure(&mut self, structure: &'a Dynamic, body_prefix: Option<&'a str>) {
        for (member, value) in structure.all_members() {
            let depth = self.path.len();
            if let (Some(prefix), Location::Body) = (body_prefix, member.location) {
                self.path.push(prefix.into());
            }
            self.path.push(lower_first(member.name).into());
            match value {
                Some(value) => self.value(value, member),
                None if member.required => self.fail(member.shape, None, NOT_NULL),
                None => {}
            }
            self.path.truncate(depth);
        }
    }

    fn value(&mut self, value: &'a Value, at: &'static Member) {
        for constraint in constraint::broken(at.shape, value) {
            self.fail(at.shape, Some(value), &constraint);
        }
        match (value, &at.shape.kind) {
            (Value::Structure(structure), _) => self.structure(structure, None),
            (Value::List(items), Kind::List { member, .. }) => self.list(value, items, member, at),
            (Value::Map(entries), Kind::Map { key, value: member, .. }) => {
                let bad_key = |name: &String| !constraint::string_holds(key.shape, name);
                if entries.keys().any(bad_key) {
                    let all = self.all(key.shape);
                    self.fail(at.shape, Some(value), &format!("Map keys must satisfy constraint: [{all}]"));
                }
                if entries.values().any(|entry| !constraint::broken(member.shape, entry).is_empty()) {
                    let mut all = constraint::all(member.shape);
                    all.push(NOT_NULL.to_owned());
                    let all = all.join(", ");
                    self.fail(at.shape, Some(value), &format!("Map value must satisfy constraint: [{all}]"));
                } else if is_composite(member.shape) {
                    for (name, entry) in entries {
                        self.element(name.as_str().into(), entry, member);
                    }
                }
            }
            _ => {}
        }
    }

    fn list(&mut self, list: &Value, items: &'a [Value], member: &'static Member, at: &'static Member) {
        if is_composite(member.shape) {
            for (index, item) in items.iter().enumerate() {
                self.element((index + 1).to_string().into(), item, member);
            }
        } else if items.iter().any(|item| !constraint::broken(member.shape, item).is_empty()) {
            let all = self.all(member.shape);
            self.fail(at.shape, Some(list), &format!("Member must satisfy constraint: [{all}]"));
        }
    }

    /// All constraints of an element or a key.
    fn all(&self, shape: &Shape) -> String {
        let mut all = constraint::all(shape);
        all.extend(self.wording.elements_not_null.then(|| NOT_NULL.to_owned()));
        all.join(", ")
    }

    /// An element of a list or map that has members or elements of its own.
    fn element(&mut self, step: std::borrow::Cow<'a, str>, value: &'a Value, member: &'static Member) {
        self.path.push(step);
        self.path.push("member".into());
        self.value(value, member);
        self.path.truncate(self.path.len() - 2);
    }
}

fn is_composite(shape: &Shape) -> bool {
    matches!(shape.kind, Kind::Structure { .. } | Kind::Union { .. } | Kind::List { .. } | Kind::Map { .. })
}

/// A value the way Java prints it.
pub fn show(value: &Value, shape: &Shape, out: &mut String) {
    match value {
        _ if shape.sensitive => out.push_str("***Sensitive Data Redacted***"),
        Value::String(text) => out.push_str(text),
        Value::Integer(value) => out.push_str(&value.to_string()),
        Value::Float(value) => out.push_str(&format!("{value:?}")),
        Value::Boolean(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Timestamp(value) => value.write(crate::schema::TimestampFormat::Iso8601, out),
        Value::Document(value) => out.push_str(&value.to_string()),
        Value::Blob(bytes) => {
            let length = bytes.len();
            out.push_str(&format!("java.nio.HeapByteBuffer[pos=0 lim={length} cap={length}]"));
        }
        Value::Body(_) => out.push_str("java.io.InputStream"),
        Value::List(items) => {
            let Kind::List { member, .. } = &shape.kind else { return };
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { ", " });
                show(item, member.shape, out);
            }
            out.push(']');
        }
        Value::Map(entries) => {
            let Kind::Map { value: member, .. } = &shape.kind else { return };
            out.push('{');
            for (index, (key, entry)) in entries.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { ", " });
                out.push_str(key);
                out.push('=');
                show(entry, member.shape, out);
            }
            out.push('}');
        }
        Value::Structure(structure) => show_structure(structure, shape, out),
    }
}

/// `Name(first=1, second=null)`: every member, also those that are not set.
fn show_structure(structure: &Dynamic, shape: &Shape, out: &mut String) {
    out.push_str(shape.name);
    out.push('(');
    for (index, (member, value)) in structure.all_members().enumerate() {
        out.push_str(if index == 0 { "" } else { ", " });
        out.push_str(&lower_first(member.name));
        out.push('=');
        match value {
            Some(value) => show(value, member.shape, out),
            None => out.push_str("null"),
        }
    }
    out.push(')');
}

/// The first required member that is missing, as a query client spells it (`Entries.1.Id`).
pub(super) fn first_missing(input: &Dynamic) -> Option<String> {
    for (member, value) in input.all_members() {
        let name = element_name(member, true);
        match value {
            None if member.required => return Some(name.to_owned()),
            None => {}
            Some(value) => {
                if let Some(rest) = missing_in(value) {
                    return Some(format!("{name}.{rest}"));
                }
            }
        }
    }
    None
}

fn missing_in(value: &Value) -> Option<String> {
    let with = |step: &str, value: &Value| missing_in(value).map(|rest| format!("{step}.{rest}"));
    match value {
        Value::Structure(structure) => first_missing(structure),
        Value::List(items) => items.iter().enumerate().find_map(|(index, item)| with(&(index + 1).to_string(), item)),
        Value::Map(entries) => entries.iter().find_map(|(key, entry)| with(key, entry)),
        _ => None,
    }
}
