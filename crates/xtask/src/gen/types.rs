//! `types.rs` of a service: a plain struct or enum for every structure and union that a built operation reaches, and the
//! glue that lets readers and writers drive them.

use std::fmt::Write;

use super::load::Service;
use super::model::{Reference, Shape};
use super::names;
use super::scope::{self, Scope};
use super::text;
use crate::failure::{Failure, Outcome};

/// The file's text, or nothing if nothing is built.
pub fn render(service: &Service, scope: &Scope) -> Outcome<Option<String>> {
    let mut out = text::header("Inputs, outputs and what they consist of.");
    out.push_str("use super::schemas;\nuse crate::support::*;\n\n");
    let mut any = false;
    for name in &scope.types {
        let shape = service.model.shape(name);
        if shape.rust_type.is_some() {
            continue;
        }
        if shape.is_structure() {
            out.push_str(&Structure::new(service, scope, name)?.render());
            any = true;
        } else if shape.is_union() {
            out.push_str(&union(service, name, shape)?);
            any = true;
        }
    }
    Ok(any.then_some(out))
}

/// The Rust type of a shape.
fn type_of(service: &Service, name: &str) -> Outcome<String> {
    let shape = service.model.shape(name);
    if let Some(path) = &shape.rust_type {
        return Ok(path.clone());
    }
    let element = |reference: &Option<Reference>| {
        let reference = reference.as_ref().ok_or_else(|| Failure::new(format!("{}: {name} of what?", service.id)))?;
        type_of(service, &reference.shape)
    };
    Ok(match shape.kind.as_str() {
        "string" => "String".to_owned(),
        "blob" => "Bytes".to_owned(),
        "boolean" => "bool".to_owned(),
        "integer" => "i32".to_owned(),
        "long" => "i64".to_owned(),
        "float" => "f32".to_owned(),
        "double" => "f64".to_owned(),
        "timestamp" => "Timestamp".to_owned(),
        "list" => format!("Vec<{}>", element(&shape.member)?),
        "map" => format!("BTreeMap<String, {}>", element(&shape.value)?),
        "structure" if shape.document => "serde_json::Value".to_owned(),
        "structure" => service.names.get(name).type_name.clone(),
        other => return Err(Failure::new(format!("{}: {name} has the unknown type {other}", service.id))),
    })
}

/// A field of a structure.
struct Field {
    name: String,
    type_name: String,
    wire_name: String,
    required: bool,
    body: bool,
    sensitive: bool,
}

/// A structure about to be written down.
struct Structure {
    shape: String,
    type_name: String,
    schema: String,
    fields: Vec<Field>,
    /// It may arrive without members that it needs.
    incomplete: bool,
    plain: bool,
}

impl Structure {
    fn new(service: &Service, scope: &Scope, name: &str) -> Outcome<Structure> {
        let shape = service.model.shape(name);
        let mut fields = Vec::new();
        for (member, reference) in shape.members.iter() {
            fields.push(field(service, name, shape, member, reference)?);
        }
        let names = service.names.get(name);
        Ok(Structure {
            shape: name.to_owned(),
            type_name: names.type_name.clone(),
            schema: names.schema.clone(),
            incomplete: scope.inputs.contains(name) && fields.iter().any(|field| field.required),
            plain: fields.iter().all(|field| !field.body),
            fields,
        })
    }

    fn render(&self) -> String {
        let mut out = self.declaration();
        if self.fields.iter().any(|field| field.sensitive) {
            out.push_str(&self.debug());
        }
        out.push_str(&self.structure());
        out.push_str(&self.read());
        let _ = writeln!(out, "structure_value!({});\n", self.type_name);
        out
    }

    fn declaration(&self) -> String {
        let mut derives = Vec::new();
        if self.plain {
            derives.push("Clone");
        }
        if !self.fields.iter().any(|field| field.sensitive) {
            derives.push("Debug");
        }
        derives.push("Default");
        if self.plain {
            derives.push("PartialEq");
        }
        let mut out =
            format!("/// `{}`.\n#[derive({})]\npub struct {}", self.shape, derives.join(", "), self.type_name);
        if self.fields.is_empty() {
            return out + " {}\n\n";
        }
        out.push_str(" {\n");
        for field in &self.fields {
            let _ = writeln!(out, "    /// `{}`", field.wire_name);
            let _ = writeln!(out, "    pub {}: {},", field.name, field.declared());
        }
        if self.incomplete {
            out.push_str("    /// Required members that a caller left out; leave it at its default.\n");
            out.push_str("    pub missing: Missing,\n");
        }
        out + "}\n\n"
    }

    fn debug(&self) -> String {
        let mut out = format!(
            "impl fmt::Debug for {} {{\n    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {{\n        \
             formatter\n            .debug_struct({:?})\n",
            self.type_name, self.type_name
        );
        for field in &self.fields {
            let name = field.name.trim_start_matches("r#");
            let value = match (field.sensitive, field.required) {
                (false, _) => format!("&self.{}", field.name),
                (true, true) => "&Hidden".to_owned(),
                (true, false) => format!("&self.{}.as_ref().map(|_| Hidden)", field.name),
            };
            let _ = writeln!(out, "            .field({name:?}, {value})");
        }
        out + "            .finish()\n    }\n}\n\n"
    }

    fn structure(&self) -> String {
        let mut out = format!(
            "impl Structure for {} {{\n    fn shape(&self) -> &'static Shape {{\n        &schemas::{}\n    }}\n",
            self.type_name, self.schema
        );
        let writer = if self.fields.is_empty() { "_writer" } else { "writer" };
        let _ = writeln!(out, "    fn write_members(&self, {writer}: &mut dyn Writer) {{");
        for (index, field) in self.fields.iter().enumerate() {
            let member = format!("&schemas::{}_MEMBERS[{index}]", self.schema);
            let name = &field.name;
            let _ = match (field.required, self.incomplete) {
                _ if field.body => writeln!(out, "        put_body(writer, {member}, &self.{name});"),
                (true, true) => {
                    writeln!(out, "        put_needed(writer, {member}, &self.{name}, self.missing.has({index}));")
                }
                (true, false) => writeln!(out, "        put(writer, {member}, &self.{name});"),
                (false, _) => writeln!(out, "        put_optional(writer, {member}, &self.{name});"),
            };
        }
        out.push_str("    }\n");
        if let Some(body) = self.fields.iter().find(|field| field.body) {
            let _ = writeln!(out, "    fn take_body(&mut self) -> Option<Body> {{");
            let _ = writeln!(out, "        Some(std::mem::take(&mut self.{}))\n    }}", body.name);
        }
        out.push_str("    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {\n        self\n    }\n}\n\n");
        out
    }

    fn read(&self) -> String {
        let mut out = format!("impl ReadStructure for {} {{\n", self.type_name);
        let _ = writeln!(out, "    fn schema() -> &'static Shape {{\n        &schemas::{}\n    }}", self.schema);
        if self.incomplete {
            out.push_str("    fn unread() -> Self {\n        ");
            let _ = writeln!(
                out,
                "Self {{ missing: const {{ Missing::all_required(&schemas::{}) }}, ..Default::default() }}\n    }}",
                self.schema
            );
        }
        let arguments = if self.fields.is_empty() { "_index: usize, _reader" } else { "index: usize, reader" };
        let _ = writeln!(out, "    fn read_member(&mut self, {arguments}: &mut dyn Reader) -> ReadResult<()> {{");
        if self.incomplete {
            out.push_str("        self.missing.found(index);\n");
        }
        if !self.fields.is_empty() {
            out.push_str("        match index {\n");
            for (index, field) in self.fields.iter().enumerate() {
                let value = format!("ReadValue::read(reader, &schemas::{}_MEMBERS[{index}])?", self.schema);
                let value = if field.required || field.body { value } else { format!("Some({value})") };
                let _ = writeln!(out, "            {index} => self.{} = {value},", field.name);
            }
            out.push_str("            _ => {}\n        }\n");
        }
        out + "        Ok(())\n    }\n}\n\n"
    }
}

impl Field {
    fn declared(&self) -> String {
        if self.required || self.body { self.type_name.clone() } else { format!("Option<{}>", self.type_name) }
    }
}

fn field(service: &Service, holder: &str, shape: &Shape, name: &str, reference: &Reference) -> Outcome<Field> {
    let body = scope::is_body(&service.model, shape, name);
    let type_name = if body { "Body".to_owned() } else { boxed_type(service, holder, reference)? };
    Ok(Field {
        name: names::field(name),
        type_name,
        wire_name: name.to_owned(),
        required: shape.required.iter().any(|required| required == name),
        body,
        sensitive: !body && scope::is_sensitive(&service.model, &reference.shape),
    })
}

fn boxed_type(service: &Service, holder: &str, reference: &Reference) -> Outcome<String> {
    let plain = type_of(service, &reference.shape)?;
    let boxed = scope::needs_box(&service.model, holder, &reference.shape);
    Ok(if boxed { format!("Box<{plain}>") } else { plain })
}

fn union(service: &Service, name: &str, shape: &Shape) -> Outcome<String> {
    let names = service.names.get(name);
    let (type_name, schema) = (&names.type_name, &names.schema);
    let mut declared = String::new();
    let (mut reads, mut writes, mut debugs) = (String::new(), String::new(), String::new());
    let mut sensitive = false;
    for (index, (member, reference)) in shape.members.iter().enumerate() {
        let variant = names::variant(member);
        let value = boxed_type(service, name, reference)?;
        let at = format!("&schemas::{schema}_MEMBERS[{index}]");
        let _ = writeln!(declared, "    /// `{member}`\n    {variant}({value}),");
        let _ = writeln!(reads, "            {index} => {type_name}::{variant}(ReadValue::read(reader, {at})?),");
        let _ = writeln!(writes, "            {type_name}::{variant}(value) => put(writer, {at}, value),");
        let secret = scope::is_sensitive(&service.model, &reference.shape);
        sensitive |= secret;
        let (binding, shown) = if secret { ("_", "&Hidden") } else { ("value", "value") };
        let _ = writeln!(
            debugs,
            "            {type_name}::{variant}({binding}) => formatter.debug_tuple({variant:?}).field({shown}).finish(),"
        );
    }
    let derived_debug = if sensitive { "" } else { "Debug, " };
    let (mut read, mut several) = ("read_union", String::new());
    if shape.lenient {
        declared.push_str("    /// More than one of them, which no caller may send.\n    Several,\n");
        let _ = writeln!(writes, "            {type_name}::Several => {{}}");
        let _ = writeln!(debugs, "            {type_name}::Several => formatter.write_str(\"Several\"),");
        (read, several) = ("read_lenient_union", format!("{type_name}::Several, "));
    }
    let mut out = format!(
        "/// `{name}`: exactly one of these.\n#[derive(Clone, {derived_debug}Default, PartialEq)]\npub enum {type_name} {{\n    \
         /// None of them, which no caller may send.\n    #[default]\n    Unset,\n{declared}}}\n\n"
    );
    if sensitive {
        let _ = writeln!(
            out,
            "impl fmt::Debug for {type_name} {{\n    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {{\n        \
             match self {{\n            {type_name}::Unset => formatter.write_str(\"Unset\"),\n{debugs}        }}\n    }}\n}}\n"
        );
    }
    let _ = writeln!(
        out,
        "impl ReadValue for {type_name} {{\n    fn read(reader: &mut dyn Reader, _: &'static Member) -> ReadResult<Self> {{\n        \
         {read}(&schemas::{schema}, reader, {several}&mut |index, reader| Ok(match index {{\n{reads}            \
         _ => {type_name}::Unset,\n        }}))\n    }}\n}}\n"
    );
    let _ = writeln!(
        out,
        "impl WriteValue for {type_name} {{\n    fn write(&self, writer: &mut dyn Writer, _: &'static Member) {{\n        \
         writer.begin_structure(&schemas::{schema});\n        match self {{\n            {type_name}::Unset => {{}}\n{writes}        }}\n        \
         writer.end_structure();\n    }}\n}}\n"
    );
    Ok(out)
}
