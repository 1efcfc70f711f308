//! Whether an input is valid: one walk that stops caring at the first failure and renders nothing.

use bytes::Bytes;

use super::constraint;
use crate::codec::{Structure, Writer};
use crate::schema::{Kind, Member, Shape};
use crate::timestamp::Timestamp;

/// Whether every constraint of the model holds, or, if only those count, whether no required member is missing.
pub(super) fn holds(input: &dyn Structure, only_missing: bool) -> bool {
    let mut check = Check { failed: false, only_missing, maps: Vec::new() };
    input.write_members(&mut check);
    !check.failed
}

struct Check {
    failed: bool,
    only_missing: bool,
    /// Key members of the maps that are open.
    maps: Vec<&'static Member>,
}

impl Check {
    fn require(&mut self, holds: impl FnOnce() -> bool) {
        if !self.failed && !self.only_missing && !holds() {
            self.failed = true;
        }
    }
}

impl Writer for Check {
    fn member(&mut self, _: &'static Member) {}

    fn item(&mut self, _: &'static Member) {}

    fn key(&mut self, key: &str, _: &'static Member) {
        if let Some(member) = self.maps.last().copied() {
            self.require(|| constraint::string_holds(member.shape, key));
        }
    }

    fn begin_structure(&mut self, _: &'static Shape) {}

    fn end_structure(&mut self) {}

    fn begin_list(&mut self, at: &'static Member, length: usize) {
        self.require(|| constraint::length_holds(at.shape, length));
    }

    fn end_list(&mut self) {}

    fn begin_map(&mut self, at: &'static Member, length: usize) {
        self.require(|| constraint::length_holds(at.shape, length));
        if let Kind::Map { key, .. } = &at.shape.kind {
            self.maps.push(key);
        }
    }

    fn end_map(&mut self) {
        self.maps.pop();
    }

    fn string(&mut self, at: &'static Member, value: &str) {
        self.require(|| constraint::string_holds(at.shape, value));
    }

    fn integer(&mut self, at: &'static Member, value: i64) {
        self.require(|| constraint::number_holds(at.shape, value as f64));
    }

    fn float(&mut self, at: &'static Member, value: f64) {
        self.require(|| constraint::number_holds(at.shape, value));
    }

    fn boolean(&mut self, _: &'static Member, _: bool) {}

    fn blob(&mut self, at: &'static Member, value: &Bytes) {
        self.require(|| constraint::length_holds(at.shape, value.len()));
    }

    fn timestamp(&mut self, _: &'static Member, _: Timestamp) {}

    fn document(&mut self, _: &'static Member, _: &serde_json::Value) {}

    fn missing(&mut self, _: &'static Member) {
        self.failed = true;
    }
}
