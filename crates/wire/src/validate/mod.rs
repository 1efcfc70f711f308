//! Checking an input against the model: required members, lengths, ranges, patterns, enums.
//!
//! An input is first walked once, without noting anything, to see whether all is well; nearly always it is. Only then,
//! if something is wrong, is it copied into a dynamic value and walked again for AWS's text.

mod check;
mod constraint;
mod pattern;
mod report;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use crate::codec::Structure;
use crate::codec::value::Dynamic;
use crate::error::{Error, common};
use crate::protocol::named;
use crate::schema::{ErrorDef, OperationDef, Protocol, ServiceDef, Validation};
use report::Wording;
pub use report::{Failure, show};

/// Most failures that one message names. AWS stops at ten.
pub const MAX_FAILURES: usize = 10;

/// Checks an input the way the service's family does.
///
/// # Errors
/// The family's error: for services of the generic wording, of every constraint; for others, of the first required
/// member that is missing.
pub fn validate(
    service: &'static ServiceDef,
    operation: &'static OperationDef,
    input: &dyn Structure,
) -> Result<(), Error> {
    let only_missing = !matches!(service.validation, Validation::Generic { .. });
    if check::holds(input, only_missing) {
        return Ok(());
    }
    let input = Dynamic::of(input);
    match service.validation {
        Validation::Generic { code, omit_value, body_path_prefix, elements_not_null } => {
            let prefix = body_path_prefix.then(|| format!("{}Input", report::lower_first(operation.name)));
            let failures = report::failures(&input, Wording { omit_value, elements_not_null }, prefix.as_deref());
            let definition = definition(service, operation.validation_code.unwrap_or(code));
            Err(Error::new(definition, summary(failures.iter().map(|failure| failure.text.as_str()))))
        }
        Validation::MissingParameter => Err(missing_parameter(service, &input)),
        Validation::Own { code } => {
            let definition = definition(service, operation.validation_code.unwrap_or(code));
            Err(Error::new(definition, own_text(definition, &input)))
        }
    }
}

fn definition(service: &'static ServiceDef, code: &str) -> &'static ErrorDef {
    service.error(code).or_else(|| named(code)).unwrap_or(&common::VALIDATION)
}

/// What an input breaks, for a service that tells some of it in words of its own.
pub fn failures(input: &Dynamic) -> Vec<Failure> {
    report::failures(input, Wording { omit_value: false, elements_not_null: false }, None)
}

/// The text of an error about these failures.
pub fn summary<'t>(failures: impl Iterator<Item = &'t str>) -> String {
    let failures: Vec<&str> = failures.collect();
    let plural = if failures.len() == 1 { "" } else { "s" };
    format!("{} validation error{plural} detected: {}", failures.len(), failures.join("; "))
}

/// EC2 and SQS. SQS ends the sentence with a full stop.
fn missing_parameter(service: &'static ServiceDef, input: &Dynamic) -> Error {
    let stop = if service.protocols.first() == Some(&Protocol::Ec2) { "" } else { "." };
    let definition = service.error("MissingParameter").unwrap_or(&common::MISSING_PARAMETER);
    let name = report::first_missing(input).unwrap_or_default();
    Error::new(definition, format!("The request must contain the parameter {name}{stop}"))
}

/// Services with words of their own for every case: what they share is said here.
fn own_text(definition: &ErrorDef, input: &Dynamic) -> Cow<'static, str> {
    if definition.name == "MalformedXML" {
        return "The XML you provided was not well-formed or did not validate against our published schema".into();
    }
    let missing = report::first_missing(input).unwrap_or_default();
    format!("Missing required parameter: {missing}").into()
}
