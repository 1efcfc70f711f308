//! Errors in AWS's words.

use std::borrow::Cow;

use api::dynamodb::errors;
use wire::Error;
use wire::error::common;

/// A parameter that is not valid.
pub fn invalid(text: impl Into<Cow<'static, str>>) -> Error {
    Error::new(&common::VALIDATION, text)
}

/// `One or more parameter values were invalid: …`
pub fn invalid_value(reason: impl std::fmt::Display) -> Error {
    invalid(format!("One or more parameter values were invalid: {reason}"))
}

/// What is wrong with a request to write a single item, in the frame that AWS tells it in.
pub fn framed(error: Error) -> Error {
    let text = error.message.as_deref().unwrap_or_default();
    invalid(format!("1 validation error detected: {text}"))
}

/// A parameter that is not there, for operations that say so in these words.
pub fn parameter_missing(parameter: &str) -> Error {
    invalid(format!("The parameter '{parameter}' is required but was not present in the request"))
}

/// A constraint of the model that the model does not hold: in the words of those it holds.
pub fn constraint(value: &str, at: &str, constraint: &str) -> Error {
    invalid(format!(
        "1 validation error detected: Value '{value}' at '{at}' failed to satisfy constraint: {constraint}"
    ))
}

/// A parameter of AWS's that is not built here, and is refused rather than ignored.
pub fn unsupported(parameter: &str) -> Error {
    invalid_value(format!("The parameter {parameter} is not supported"))
}

/// No such table, for operations on items.
pub fn table_missing() -> Error {
    errors::resource_not_found_exception("Requested resource not found")
}

/// No such table, for operations on tables.
pub fn table_not_found(name: &str) -> Error {
    errors::resource_not_found_exception(format!("Requested resource not found: Table: {name} not found"))
}

/// The table has no index of that name.
pub fn no_such_index(name: &str) -> Error {
    invalid(format!("The table does not have the specified index: {name}"))
}

/// An ARN that names nothing which has tags or a policy.
pub fn not_a_resource(arn: &str) -> Error {
    if !arn.starts_with("arn:") {
        return invalid_value(format!("ARNs must start with 'arn:': {arn}"));
    }
    if arn.split(':').nth(2) != Some("dynamodb") {
        return invalid_value(format!("Provided Arn is not a DynamoDB resource arn: {arn}"));
    }
    invalid_value(format!(
        "Invalid resource arn provided, only table or stream is accepted. Provided resource arn: {arn}"
    ))
}

/// A row that needs a key which nobody has unlocked: the caller tries again.
pub fn locked() -> Error {
    tracing::info!("a table's key changed while a call was under way");
    errors::internal_server_error("Internal server error")
}

/// A row that cannot be read.
pub fn damaged(what: &str) -> Error {
    tracing::error!(what, "a stored row cannot be read");
    Error::bare(&common::INTERNAL_FAILURE)
}
