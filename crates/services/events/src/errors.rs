//! Errors in AWS's words.

use std::borrow::Cow;

use api::events::errors;
use wire::Error;
use wire::error::common;

use crate::names::BusId;

/// `ValidationException`.
pub fn validation(text: impl Into<Cow<'static, str>>) -> Error {
    Error::new(&common::VALIDATION, text)
}

/// A parameter that does not hold.
pub fn invalid(parameter: &str, reason: &str) -> Error {
    validation(format!("Parameter {parameter} is not valid. Reason: {reason}"))
}

/// A parameter of AWS's that has no effect here, and is refused rather than ignored.
pub fn unsupported(parameter: &str) -> Error {
    invalid(parameter, "This parameter is not supported.")
}

/// No such bus.
pub fn no_bus(name: &str) -> Error {
    errors::resource_not_found_exception(format!("Event bus {name} does not exist."))
}

/// No such rule.
pub fn no_rule(bus: &BusId, name: &str) -> Error {
    errors::resource_not_found_exception(format!("Rule {name} does not exist on EventBus {}.", bus.name))
}

/// No such archive, replay or the like.
pub fn missing(kind: &str, name: &str) -> Error {
    errors::resource_not_found_exception(format!("{kind} {name} does not exist."))
}

/// The name is taken.
pub fn exists(kind: &str, name: &str) -> Error {
    errors::resource_already_exists_exception(format!("{kind} {name} already exists."))
}

/// A quota is used up.
pub fn too_many() -> Error {
    errors::limit_exceeded_exception("The requested resource exceeds the maximum number allowed.")
}

/// A text that is no pattern.
pub fn pattern(malformed: &pattern::Malformed) -> Error {
    errors::invalid_event_pattern_exception(format!("Event pattern is not valid. Reason: {malformed}"))
}

/// No such connection, for an operation (`describe`) on it.
pub fn no_connection(verb: &str, name: &str) -> Error {
    let text = format!("Failed to {verb} the connection(s). Connection '{name}' does not exist.");
    errors::resource_not_found_exception(text)
}

/// No such API destination, for an operation (`describe`) on it.
pub fn no_destination(verb: &str, name: &str) -> Error {
    let text = format!("Failed to {verb} the api-destination(s). An api-destination '{name}' does not exist.");
    errors::resource_not_found_exception(text)
}

/// An API destination names a connection that there is not.
pub fn no_such_connection(arn: &str) -> Error {
    errors::resource_not_found_exception(format!("Connection '{arn}' does not exist."))
}

/// The name of a connection is taken.
pub fn connection_exists(name: &str) -> Error {
    errors::resource_already_exists_exception(format!("Connection {name} already exists."))
}

/// The name of an API destination is taken.
pub fn destination_exists(name: &str) -> Error {
    errors::resource_already_exists_exception(format!("An api-destination '{name}' already exists."))
}
