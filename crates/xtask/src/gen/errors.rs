//! `errors.rs` of a service: every error of the model and a constructor for each.

use std::fmt::Write;

use super::load::Service;
use super::model::{ErrorTrait, Shape};
use super::names;
use super::schemas;
use super::scope::{self, Scope};
use super::text::{self, quoted};
use crate::failure::Outcome;

/// The file's text.
pub fn render(service: &Service, scope: &Scope) -> Outcome<String> {
    let mut out = text::header("Errors of the service.");
    out.push_str("use crate::support::*;\n\n");
    let constants = || scope.errors.iter().map(|name| service.names.get(name).schema.as_str());
    let table: Vec<String> = constants().map(|constant| format!("&{constant}")).collect();
    let _ = writeln!(out, "/// All of them, sorted by name.");
    let _ = writeln!(out, "pub static ALL: [&ErrorDef; {}] = [{}];\n", table.len(), table.join(", "));
    for name in &scope.errors {
        let shape = service.model.shape(name);
        let constant = &service.names.get(name).schema;
        let _ =
            writeln!(out, "/// `{name}`.\npub static {constant}: ErrorDef = {};\n", definition(service, name, shape)?);
        let _ = writeln!(
            out,
            "/// `{name}` in the given words.\npub fn {}(message: impl Into<Cow<'static, str>>) -> Error {{\n    \
             Error::new(&{constant}, message)\n}}\n",
            names::field(constant)
        );
    }
    Ok(out)
}

fn definition(service: &Service, name: &str, shape: &Shape) -> Outcome<String> {
    let none = ErrorTrait::default();
    let facts = shape.error.as_ref().unwrap_or(&none);
    let status = facts.http_status_code.unwrap_or(if shape.fault { 500 } else { 400 });
    let mut fields = Vec::new();
    if let Some(code) = facts.code.as_ref().filter(|code| *code != name) {
        fields.push(format!("code: {}", quoted(code)));
    }
    if status != 400 {
        fields.push(format!("status: {status}"));
    }
    if shape.fault || (status >= 500 && !facts.sender_fault) {
        fields.push("fault: Fault::Server".to_owned());
    }
    if let Some(message) = scope::message_member(shape).filter(|message| *message != "message") {
        fields.push(format!("message_member: {}", quoted(message)));
    }
    let mut others = scope::error_members(shape).peekable();
    if others.peek().is_some() {
        fields.push(format!("members: &{}", schemas::members(service, shape, others)?));
    }
    if let Some(code) = &facts.query_code {
        fields.push(format!("query_code: Some({})", quoted(code)));
    }
    let plain = format!("error({})", quoted(name));
    Ok(if fields.is_empty() { plain } else { format!("ErrorDef {{ {}, ..{plain} }}", fields.join(", ")) })
}
