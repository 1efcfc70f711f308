//! `cargo xtask gen`: writes `crates/api/src/` and the page of what is built from `models/`, or checks that they are up
//! to date.

mod compatibility;
mod definition;
mod enums;
mod errors;
mod load;
mod model;
mod names;
mod operations;
mod output;
mod schemas;
mod scope;
mod text;
mod types;

use std::fmt::Write;
use std::path::Path;

use crate::failure::{Failure, Outcome};
use load::Service;
use output::Output;
use scope::Scope;

/// Shapes of the model are what they are: some have one member, some alternatives are much larger than others.
const TYPES_LINTS: &str =
    "#[allow(clippy::single_match, clippy::large_enum_variant, reason = \"the model decides\")]\n";

/// Writes the generated files.
pub fn write(repository: &Path) -> Outcome<()> {
    let services = load::services(&repository.join("models"))?;
    let changed = render(&services)?.write(repository)?;
    let operations: usize = services.iter().map(|service| service.model.operations.len()).sum();
    let built: usize = services.iter().map(|service| service.built.len()).sum();
    println!("{} services, {operations} operations, {built} built; {changed} files changed", services.len());
    Ok(())
}

/// The generated files that differ from what the models say.
pub fn differing(repository: &Path) -> Outcome<Vec<String>> {
    render(&load::services(&repository.join("models"))?)?.differing(repository)
}

/// Fails if the generated files differ from what the models say.
pub fn check(repository: &Path) -> Outcome<()> {
    let differing = differing(repository)?;
    if differing.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!("not what models/ says (run `cargo xtask gen`): {}", differing.join(", "))))
}

fn render(services: &[Service]) -> Outcome<Output> {
    let mut output = Output::default();
    for service in services {
        let scope = Scope::of(service);
        let files = [
            ("definition", Some(definition::render(service)?)),
            ("enums", enums::render(service, &scope)),
            ("errors", Some(errors::render(service, &scope)?)),
            ("operations", operations::render(service)),
            ("schemas", schemas::render(service, &scope)?),
            ("types", types::render(service, &scope)?),
        ];
        let files: Vec<(&str, String)> =
            files.into_iter().filter_map(|(file, text)| text.map(|text| (file, text))).collect();
        output.add(&service.module, "mod", root(service, &files));
        for (file, text) in files {
            output.add(&service.module, file, text);
        }
    }
    output.add_root("catalogue", catalogue(services));
    output.add_page(compatibility::PATH, compatibility::render(services));
    Ok(output)
}

/// `mod.rs` of a service.
fn root(service: &Service, files: &[(&str, String)]) -> String {
    let metadata = &service.model.metadata;
    let about = format!("{} ({}), version {}.", metadata.service_id, metadata.protocol, metadata.api_version);
    let mut modules = String::new();
    let mut exports = String::from("pub use definition::SERVICE;\n");
    for (file, _) in files {
        let visibility = match *file {
            "enums" | "errors" => "pub ",
            "schemas" => "pub(crate) ",
            _ => "",
        };
        if *file == "types" {
            modules.push_str(TYPES_LINTS);
        }
        let _ = writeln!(modules, "{visibility}mod {file};");
        if matches!(*file, "operations" | "types") {
            let _ = writeln!(exports, "pub use {file}::*;");
        }
    }
    format!("{}{modules}\n{exports}", text::header(&about))
}

fn catalogue(services: &[Service]) -> String {
    let mut out = text::header("The services of the catalogue.");
    let count = services.len();
    out.push_str("use wire::schema::ServiceDef;\n\n/// Every service, sorted by id.\n");
    let _ = writeln!(out, "pub static SERVICES: [&ServiceDef; {count}] = [");
    for service in services {
        let _ = writeln!(out, "    &crate::{}::SERVICE,", service.module);
    }
    out + "];\n"
}
