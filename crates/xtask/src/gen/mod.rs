//! `cargo xtask gen`: writes `crates/api/src/` from `models/`, or checks that it is up to date.

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
use definition::Files;
use load::Service;
use output::Output;
use scope::Scope;

/// Writes the generated files.
pub fn write(repository: &Path) -> Outcome<()> {
    let services = load::services(&repository.join("models"))?;
    let changed = render(&services)?.write(repository)?;
    let operations: usize = services.iter().map(|service| service.model.operations.len()).sum();
    let built: usize = services.iter().map(|service| service.built.len()).sum();
    println!("{} services, {operations} operations, {built} built; {changed} files changed", services.len());
    Ok(())
}

/// Fails if the generated files differ from what the models say.
pub fn check(repository: &Path) -> Outcome<()> {
    let differing = render(&load::services(&repository.join("models"))?)?.differing(repository)?;
    if differing.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!("not what models/ says (run `cargo xtask gen`): {}", differing.join(", "))))
}

fn render(services: &[Service]) -> Outcome<Output> {
    let mut output = Output::default();
    for service in services {
        let scope = Scope::of(service);
        let enums = enums::render(service, &scope);
        let types = types::render(service, &scope)?;
        let operations = operations::render(service);
        let schemas = schemas::render(service, &scope)?;
        let files = Files {
            schemas: schemas.is_some(),
            enums: enums.is_some(),
            types: types.is_some(),
            operations: operations.is_some(),
        };
        output.add(&service.module, "mod", Some(definition::render(service, files)?));
        output.add(&service.module, "errors", Some(errors::render(service, &scope)?));
        output.add(&service.module, "schemas", schemas);
        output.add(&service.module, "enums", enums);
        output.add(&service.module, "types", types);
        output.add(&service.module, "operations", operations);
    }
    output.add_root("catalogue", catalogue(services));
    Ok(output)
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
