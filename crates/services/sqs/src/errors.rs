//! Errors in AWS's words.

use std::borrow::Cow;
use std::fmt::Display;

use api::sqs::errors;
use platform::Ctx;
use wire::Error;
use wire::error::common;
use wire::schema::{ErrorDef, Fault, Protocol};

/// A parameter's value does not hold. Not in the model; SDKs know its query code.
static INVALID_PARAMETER_VALUE: ErrorDef = unmodelled("InvalidParameterValueException", "InvalidParameterValue");

/// A parameter is missing. Not in the model either.
static MISSING_PARAMETER: ErrorDef = unmodelled("MissingRequiredParameterException", "MissingParameter");

const fn unmodelled(name: &'static str, code: &'static str) -> ErrorDef {
    let fault = Fault::Client;
    ErrorDef { name, code, status: 400, fault, message_member: "message", members: &[], query_code: None }
}

/// No such queue. The query protocol's text names the version of the interface.
pub fn queue_does_not_exist(cx: &Ctx) -> Error {
    errors::queue_does_not_exist(match cx.protocol {
        Some(Protocol::Query) => "The specified queue does not exist for this wsdl version.",
        _ => "The specified queue does not exist.",
    })
}

/// A URL that is not one of a queue of this region.
pub fn invalid_address(url: &str) -> Error {
    errors::invalid_address(format!("The address {url} is not valid for this endpoint."))
}

/// A call that only the queue's own account may make.
pub fn not_the_owner(url: &str) -> Error {
    Error::new(&common::ACCESS_DENIED, format!("Access to the resource {url} is denied."))
}

/// In the given words.
pub fn invalid_parameter(text: impl Into<Cow<'static, str>>) -> Error {
    Error::new(&INVALID_PARAMETER_VALUE, text)
}

/// A value that is refused, and why.
pub fn invalid_value(value: impl Display, parameter: &str, reason: impl Display) -> Error {
    invalid_parameter(format!("Value {value} for parameter {parameter} is invalid. Reason: {reason}"))
}

/// A parameter that is not there.
pub fn missing_parameter(name: &str) -> Error {
    Error::new(&MISSING_PARAMETER, format!("The request must contain the parameter {name}."))
}

/// A queue attribute that does not exist, or not for this type of queue.
pub fn unknown_attribute(name: &str) -> Error {
    errors::invalid_attribute_name(format!("Unknown Attribute {name}."))
}

/// A value that a queue attribute cannot have.
pub fn invalid_attribute(name: &str) -> Error {
    errors::invalid_attribute_value(format!("Invalid value for the parameter {name}."))
}

/// A value that a queue attribute cannot have, and why.
pub fn invalid_attribute_because(name: &str, reason: &str) -> Error {
    errors::invalid_attribute_value(format!("Invalid value for the parameter {name}. Reason: {reason}"))
}

/// A text that is no receipt handle of this queue.
pub fn invalid_receipt(handle: &str) -> Error {
    errors::receipt_handle_is_invalid(format!("The input receipt handle \"{handle}\" is not a valid receipt handle."))
}

/// The code by which batches report an entry's error.
pub fn code_of(error: &Error) -> &'static str {
    error.definition.query_code.unwrap_or(error.definition.code)
}
