//! `enums.rs` of a service: the known values of its enums. Fields stay strings, because the sets are open.

use std::collections::HashSet;
use std::fmt::Write;

use super::load::Service;
use super::names;
use super::scope::Scope;
use super::text::{self, quoted};

/// The file's text, or nothing if no enum is in use.
pub fn render(service: &Service, scope: &Scope) -> Option<String> {
    let mut out = text::header("Known values of enums.");
    let mut any = false;
    for name in &scope.types {
        let shape = service.model.shape(name);
        if shape.values.is_empty() {
            continue;
        }
        any = true;
        let _ = writeln!(out, "/// Values of `{name}`.\npub mod {} {{", service.names.get(name).enum_module);
        let mut used = HashSet::new();
        for value in &shape.values {
            let constant = names::constant(value, &mut used);
            let _ = writeln!(out, "    /// `{value}`\n    pub const {constant}: &str = {};", quoted(value));
        }
        out.push_str("}\n\n");
    }
    any.then_some(out)
}
