//! Writing query parameters: the client's side.

use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{Rules, element_name, is_flat, own_name};
use crate::codec::{Writer, text};
use crate::schema::{Kind, Member, Shape, TimestampFormat};
use crate::timestamp::Timestamp;

/// Everything but RFC 3986's unreserved characters is encoded.
pub(crate) const FORM_ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A composite value being written.
enum Level {
    Structure,
    List { written: usize },
    Map { written: usize, key_name: &'static str, value_name: &'static str },
}

/// Writes `key=value&…`.
pub struct QueryWriter {
    out: String,
    prefix: String,
    /// Open composite values, each with the prefix length to return to when it ends.
    levels: Vec<(Level, usize)>,
    rules: Rules,
}

impl QueryWriter {
    /// A form that begins with the operation's name.
    pub fn new(action: &str, version: &str, rules: Rules) -> QueryWriter {
        let out = format!("Action={action}&Version={version}");
        QueryWriter { out, prefix: String::new(), levels: Vec::new(), rules }
    }

    /// The form.
    pub fn finish(self) -> String {
        self.out
    }

    /// Cuts the prefix back to the composite value's own and appends a name.
    fn descend(&mut self, names: &[&str]) {
        let length = self.levels.last().map_or(0, |(_, length)| *length);
        self.prefix.truncate(length);
        for name in names {
            if !self.prefix.is_empty() {
                self.prefix.push('.');
            }
            self.prefix.push_str(name);
        }
    }

    fn push(&mut self, level: Level) {
        self.levels.push((level, self.prefix.len()));
    }

    fn put(&mut self, value: &str) {
        self.out.push('&');
        self.out.extend(utf8_percent_encode(&self.prefix, FORM_ENCODED));
        self.out.push('=');
        self.out.extend(utf8_percent_encode(value, FORM_ENCODED));
    }
}

impl Writer for QueryWriter {
    fn member(&mut self, member: &'static Member) {
        if self.rules == Rules::Query {
            return self.descend(&[element_name(member, true)]);
        }
        match member.query_name {
            Some(name) => self.descend(&[name]),
            None => {
                let (first, rest) = member.wire_name().split_at(1);
                self.descend(&[&format!("{}{rest}", first.to_ascii_uppercase())]);
            }
        }
    }

    fn item(&mut self, _: &'static Member) {
        if let Some((Level::List { written }, _)) = self.levels.last_mut() {
            *written += 1;
            let index = written.to_string();
            self.descend(&[&index]);
        }
    }

    fn key(&mut self, key: &str, _: &'static Member) {
        if let Some((Level::Map { written, key_name, value_name }, _)) = self.levels.last_mut() {
            *written += 1;
            let (index, key_name, value_name) = (written.to_string(), *key_name, *value_name);
            self.descend(&[&index, key_name]);
            self.put(key);
            self.descend(&[&index, value_name]);
        }
    }

    fn begin_structure(&mut self, _: &'static Shape) {
        self.push(Level::Structure);
    }

    fn end_structure(&mut self) {
        self.levels.pop();
    }

    fn begin_list(&mut self, at: &'static Member, length: usize) {
        // EC2 has no way to send an empty list.
        if length == 0 && self.rules == Rules::Query {
            self.put("");
        }
        if let (Rules::Query, false, Kind::List { member, .. }) = (self.rules, is_flat(at), &at.shape.kind) {
            self.prefix.push('.');
            self.prefix.push_str(member.wire_name());
        }
        self.push(Level::List { written: 0 });
    }

    fn end_list(&mut self) {
        self.levels.pop();
    }

    fn begin_map(&mut self, at: &'static Member, _: usize) {
        let (mut key_name, mut value_name) = ("key", "value");
        if let Kind::Map { key, value, .. } = &at.shape.kind {
            let query = self.rules == Rules::Query;
            (key_name, value_name) = (own_name(key, query), own_name(value, query));
        }
        if !is_flat(at) {
            self.prefix.push_str(".entry");
        }
        self.push(Level::Map { written: 0, key_name, value_name });
    }

    fn end_map(&mut self) {
        self.levels.pop();
    }

    fn string(&mut self, _: &'static Member, value: &str) {
        self.put(value);
    }

    fn integer(&mut self, _: &'static Member, value: i64) {
        self.put(itoa::Buffer::new().format(value));
    }

    fn float(&mut self, at: &'static Member, value: f64) {
        let mut text = String::new();
        text::write_float_of(at, value, &mut text);
        self.put(&text);
    }

    fn boolean(&mut self, _: &'static Member, value: bool) {
        self.put(if value { "true" } else { "false" });
    }

    fn blob(&mut self, _: &'static Member, value: &Bytes) {
        let mut text = String::new();
        text::write_base64(value, &mut text);
        self.put(&text);
    }

    fn timestamp(&mut self, at: &'static Member, value: Timestamp) {
        let mut text = String::new();
        value.write(text::timestamp_format(at, TimestampFormat::Iso8601), &mut text);
        self.put(&text);
    }

    fn document(&mut self, _: &'static Member, value: &serde_json::Value) {
        self.put(&value.to_string());
    }
}
