//! Reading query parameters.

use bytes::Bytes;

use super::{Form, NESTING_LIMIT, Rules, element_name, is_flat, own_name};
use crate::codec::text::TextReader;
use crate::codec::{ReadError, ReadResult, Reader};
use crate::schema::{Kind, Member, Shape};
use crate::timestamp::Timestamp;

/// Reads a structure out of query parameters. It stands at all keys that begin with its prefix.
pub struct QueryReader<'a> {
    form: &'a Form<'a>,
    prefix: String,
    depth: usize,
    rules: Rules,
    /// Members may be spelled by their model names as well.
    member_names: bool,
}

impl<'a> QueryReader<'a> {
    /// A reader of the operation's whole input.
    pub fn new(form: &'a Form<'a>, rules: Rules) -> QueryReader<'a> {
        QueryReader { form, prefix: String::new(), depth: 0, rules, member_names: false }
    }

    /// As [`QueryReader::new`], for a service whose clients also spell members by their model names: SQS, whose
    /// JSON and query names differ, takes either.
    pub fn with_member_names(form: &'a Form<'a>, member_names: bool) -> QueryReader<'a> {
        QueryReader { member_names, ..QueryReader::new(form, Rules::Query) }
    }

    /// Whether there is anything under the prefix: a value of its own, or a deeper one.
    fn present(&mut self) -> bool {
        if self.form.get(&self.prefix).is_some() {
            return true;
        }
        self.prefix.push('.');
        let deeper = self.form.has_prefix(&self.prefix);
        self.prefix.pop();
        deeper
    }

    fn push(&mut self, name: &str) {
        if !self.prefix.is_empty() {
            self.prefix.push('.');
        }
        self.prefix.push_str(name);
    }

    fn push_capitalised(&mut self, name: &str) {
        let start = self.prefix.len() + usize::from(!self.prefix.is_empty());
        self.push(name);
        // Names are ASCII identifiers, so the case change keeps the length.
        if let Some(first) = self.prefix.get_mut(start..start + 1) {
            first.make_ascii_uppercase();
        }
    }

    fn push_index(&mut self, index: usize) {
        self.push(itoa::Buffer::new().format(index));
    }

    /// Moves to a member under the first of its names that is there.
    fn enter(&mut self, member: &'static Member) -> bool {
        let length = self.prefix.len();
        if self.rules == Rules::Ec2 {
            match member.query_name {
                Some(name) => self.push(name),
                None => self.push_capitalised(member.wire_name()),
            }
            if self.present() {
                return true;
            }
            // Clients leave a name as the model has it where that gives it no other.
            self.prefix.truncate(length);
            self.push(member.name);
            return self.present();
        }
        // A flat list may come under its own name as well as under its elements'.
        let own = own_name(member, true);
        let names = [element_name(member, true), own, if self.member_names { member.wire_name() } else { own }];
        for (index, name) in names.iter().enumerate() {
            if names[..index].contains(name) {
                continue;
            }
            self.push(name);
            if self.present() {
                return true;
            }
            self.prefix.truncate(length);
        }
        false
    }

    fn value(&self) -> ReadResult<TextReader<'_>> {
        match self.form.get(&self.prefix) {
            Some(value) => Ok(TextReader::new(value)),
            None => Err(ReadError::new("Unexpected complex element termination")),
        }
    }

    fn deeper(&mut self) -> ReadResult<()> {
        self.depth += 1;
        if self.depth > NESTING_LIMIT { Err(ReadError::new("Parameters are nested too deeply")) } else { Ok(()) }
    }
}

impl Reader for QueryReader<'_> {
    fn structure(
        &mut self,
        shape: &'static Shape,
        each: &mut dyn FnMut(usize, &mut dyn Reader) -> ReadResult<()>,
    ) -> ReadResult<()> {
        self.deeper()?;
        let length = self.prefix.len();
        for (index, member) in shape.members().iter().enumerate() {
            if self.enter(member) {
                each(index, self)?;
            }
            self.prefix.truncate(length);
        }
        self.depth -= 1;
        Ok(())
    }

    fn list(&mut self, at: &'static Member, each: &mut dyn FnMut(&mut dyn Reader) -> ReadResult<()>) -> ReadResult<()> {
        self.deeper()?;
        let length = self.prefix.len();
        if let (Rules::Query, false, Kind::List { member, .. }) = (self.rules, is_flat(at), &at.shape.kind) {
            self.push(member.wire_name());
        }
        let list_length = self.prefix.len();
        for index in 1.. {
            self.push_index(index);
            // A gap ends the list.
            if !self.present() {
                break;
            }
            each(self)?;
            self.prefix.truncate(list_length);
        }
        self.prefix.truncate(length);
        self.depth -= 1;
        Ok(())
    }

    fn map(
        &mut self,
        at: &'static Member,
        each: &mut dyn FnMut(String, &mut dyn Reader) -> ReadResult<()>,
    ) -> ReadResult<()> {
        let Kind::Map { key: key_member, value: value_member, .. } = &at.shape.kind else {
            return Err(ReadError::new("Unexpected map"));
        };
        self.deeper()?;
        let query = self.rules == Rules::Query;
        let length = self.prefix.len();
        if !is_flat(at) {
            self.push("entry");
        }
        let map_length = self.prefix.len();
        for index in 1.. {
            self.push_index(index);
            let entry_length = self.prefix.len();
            self.push(own_name(key_member, query));
            let Some(key) = self.form.get(&self.prefix).map(str::to_owned) else { break };
            self.prefix.truncate(entry_length);
            self.push(own_name(value_member, query));
            if self.present() {
                each(key, self)?;
            }
            self.prefix.truncate(map_length);
        }
        self.prefix.truncate(length);
        self.depth -= 1;
        Ok(())
    }

    fn string(&mut self, at: &'static Member) -> ReadResult<String> {
        self.value()?.string(at)
    }

    fn integer(&mut self, at: &'static Member) -> ReadResult<i64> {
        self.value()?.integer(at)
    }

    fn float(&mut self, at: &'static Member) -> ReadResult<f64> {
        self.value()?.float(at)
    }

    fn boolean(&mut self, at: &'static Member) -> ReadResult<bool> {
        self.value()?.boolean(at)
    }

    fn blob(&mut self, at: &'static Member) -> ReadResult<Bytes> {
        self.value()?.blob(at)
    }

    fn timestamp(&mut self, at: &'static Member) -> ReadResult<Timestamp> {
        self.value()?.timestamp(at)
    }

    fn document(&mut self, at: &'static Member) -> ReadResult<serde_json::Value> {
        self.value()?.document(at)
    }
}
