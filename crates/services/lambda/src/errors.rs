//! The service's errors. Those that a user causes carry `"Type": "User"`; those of the generic validator do not.

use api::lambda::errors;
use wire::Error;
use wire::error::common;

use crate::destination::Way;
use crate::function::FunctionId;

/// A parameter's value cannot be used.
pub fn invalid_parameter(message: impl Into<String>) -> Error {
    by_user(errors::invalid_parameter_value_exception(message.into()))
}

/// A parameter that AWS has and this platform has not: it is refused by name rather than ignored.
pub fn unsupported(parameter: &str) -> Error {
    invalid_parameter(format!("Traca does not support {parameter} yet."))
}

/// The resource's state does not allow it.
pub fn conflict(message: impl Into<String>) -> Error {
    by_user(errors::resource_conflict_exception(message.into()))
}

/// A function is still being changed.
pub fn update_in_progress(arn: &str) -> Error {
    conflict(format!("The operation cannot be performed at this time. An update is in progress for resource: {arn}"))
}

/// Something that was named does not exist.
pub fn not_found(message: impl Into<String>) -> Error {
    by_user(errors::resource_not_found_exception(message.into()))
}

/// The function does not exist, or this version of it.
pub fn function_not_found(function: &FunctionId, qualifier: Option<&str>) -> Error {
    let arn = qualifier.map_or_else(|| function.arn(), |qualifier| function.qualified_arn(qualifier));
    not_found(format!("Function not found: {arn}"))
}

/// The alias does not exist.
pub fn alias_not_found(function: &FunctionId, name: &str) -> Error {
    not_found(format!("Cannot find alias arn: {}", function.qualified_arn(name)))
}

/// The caller's revision id of a layer version's policy is not the current one.
pub fn stale_layer_policy_revision() -> Error {
    by_user(errors::precondition_failed_exception(
        "The Revision Id provided does not match the latest Revision Id. \
         Call the GetLayerPolicy API to retrieve the latest Revision Id",
    ))
}

/// A function's role lacks a permission, told as the call and the service.
pub fn role_may_not(way: &Way) -> Error {
    let (call, service) = (way.call(), way.service_name);
    invalid_parameter(format!("The provided execution role does not have permissions to call {call} on {service}"))
}

/// A policy names somebody that cannot be.
pub fn invalid_principal() -> Error {
    invalid_parameter("The provided principal was invalid. Please check the principal and try again.")
}

/// A resource policy has a statement of this id.
pub fn statement_exists(id: &str) -> Error {
    conflict(format!(
        "The statement id ({id}) provided already exists. Please provide a new statement id, or remove the existing \
         statement."
    ))
}

/// A resource policy would be too large.
pub fn policy_too_long(bytes: usize, bytes_max: usize) -> Error {
    by_user(errors::policy_length_exceeded_exception(format!(
        "The final policy size ({bytes}) is bigger than the limit ({bytes_max})."
    )))
}

/// The caller's revision id is not the current one.
pub fn stale_revision() -> Error {
    by_user(errors::precondition_failed_exception(
        "The Revision Id provided does not match the latest Revision Id. \
         Call the GetFunction/GetAlias API to retrieve the latest Revision Id",
    ))
}

/// The packages of the account would take more than its share.
pub fn code_storage_exceeded() -> Error {
    by_user(errors::code_storage_exceeded_exception("Code storage limit exceeded."))
}

/// A constraint failure in the generic wording: `items` are complete sentences of the form
/// `Value 'v' at 'path' failed to satisfy constraint: …`.
pub fn validation(items: &[String]) -> Error {
    Error::new(&common::VALIDATION, validation_text(items))
}

/// The generic wording of constraint failures.
pub fn validation_text(items: &[String]) -> String {
    let plural = if items.len() == 1 { "" } else { "s" };
    format!("{} validation error{plural} detected: {}", items.len(), items.join("; "))
}

fn by_user(error: Error) -> Error {
    error.with("Type", "User".into())
}
