//! `operations.rs` of a service: a marker type and the codec of every built operation.

use std::fmt::Write;

use super::load::Service;
use super::model::Root;
use super::names;
use super::text;

/// The file's text, or nothing if nothing is built.
pub fn render(service: &Service) -> Option<String> {
    if service.built.is_empty() {
        return None;
    }
    let mut out = text::header("The operations that are built.");
    out.push_str("use super::{schemas, types};\nuse crate::support::built_operation;\n\n");
    for (index, (name, operation)) in service.model.operations.iter().enumerate() {
        if service.built.contains(name) {
            let (input, output) = (type_of(service, &operation.input), type_of(service, &operation.output));
            let constant = names::screaming(name);
            let _ = writeln!(
                out,
                "built_operation! {{\n    {name}, {constant}, {index},\n    {input},\n    {output}\n}}\n"
            );
        }
    }
    Some(out)
}

/// The type and the schema.
fn type_of(service: &Service, root: &Option<Root>) -> String {
    let Some(root) = root else { return "crate::Empty: crate::operation::EMPTY".to_owned() };
    let names = service.names.get(&root.shape);
    format!("types::{}: schemas::{}", names.type_name, names.schema)
}
