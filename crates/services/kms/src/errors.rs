//! Errors in AWS's words.

use api::kms::errors;
use platform::Ctx;
use wire::Error;
use wire::error::common;
use wire::schema::{ErrorDef, Fault};

/// No key of that ARN.
pub fn key_not_found(arn: &str) -> Error {
    errors::not_found_exception(format!("Key '{arn}' does not exist"))
}

/// Not the id, ARN or alias of a key.
pub fn invalid_key_id(key_id: &str) -> Error {
    errors::not_found_exception(format!("Invalid keyId '{key_id}'"))
}

/// An ARN of another region or service. AWS names the part that is wrong.
pub fn invalid_arn(part: &str) -> Error {
    errors::not_found_exception(format!("Invalid arn {part}"))
}

/// No alias of that ARN.
pub fn alias_not_found(arn: &str) -> Error {
    errors::not_found_exception(format!("Alias {arn} is not found."))
}

/// A ciphertext's key is not there, or not here.
pub fn ciphertext_key_not_found() -> Error {
    Error::new(
        &common::ACCESS_DENIED,
        "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are \
         not allowed to access.",
    )
}

/// The key is disabled.
pub fn disabled(arn: &str) -> Error {
    errors::disabled_exception(format!("{arn} is disabled."))
}

/// The key is in a state in which the operation cannot be done.
pub fn invalid_state(arn: &str, state: &str) -> Error {
    errors::kms_invalid_state_exception(format!("{arn} is {state}."))
}

/// The key is not for this operation.
pub fn wrong_usage(arn: &str, usage: &str, operation: &str) -> Error {
    errors::invalid_key_usage_exception(format!("{arn} key usage is {usage} which is not valid for {operation}."))
}

/// The key's spec does not have this algorithm.
pub fn wrong_algorithm(algorithm: &str, spec: &str) -> Error {
    errors::invalid_key_usage_exception(format!("Algorithm {algorithm} is incompatible with key spec {spec}."))
}

/// The key's origin rules the operation out.
pub fn wrong_origin(arn: &str, origin: &str) -> Error {
    unsupported_operation(format!("{arn} origin is {origin} which is not valid for this operation."))
}

/// The key's spec rules the operation out.
pub fn wrong_spec(arn: &str, spec: &str) -> Error {
    unsupported_operation(format!("{arn} key spec is {spec} which is not valid for this operation."))
}

/// Something that cannot be done.
pub fn unsupported_operation(text: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    errors::unsupported_operation_exception(text)
}

/// A parameter that does not hold.
pub fn invalid(text: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(&common::VALIDATION, text)
}

/// A parameter of AWS's that has no effect here, and is refused rather than ignored.
pub fn unsupported_parameter(parameter: &str) -> Error {
    invalid(format!("The parameter {parameter} is not supported."))
}

/// A parameter that goes over a bound, as the generic validator says it.
pub fn above(member: &str, value: impl std::fmt::Display, max: usize) -> Error {
    invalid(format!(
        "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: Member must have \
         value less than or equal to {max}"
    ))
}

/// All checks passed, and nothing was to be done.
pub fn dry_run() -> Error {
    errors::dry_run_operation_exception("The request would have succeeded, but the DryRun option is set.")
}

/// Ciphertext that was altered, or was encrypted in another context.
pub fn invalid_ciphertext() -> Error {
    Error::bare(&errors::INVALID_CIPHERTEXT_EXCEPTION)
}

/// A key of AWS's own, which the account cannot change. AWS says so through the key's policy.
pub fn managed_key(cx: &Ctx, arn: &str) -> Error {
    let action = cx.operation.actions.first().copied().unwrap_or(cx.operation.name);
    let caller = cx.principal.arn();
    Error::new(
        &common::ACCESS_DENIED,
        format!(
            "User: {caller} is not authorized to perform: {action} on resource: {arn} because no resource-based policy \
             allows the {action} action"
        ),
    )
}

/// The cryptographic library failed on input that was checked before.
pub fn cryptography(what: &'static str) -> Error {
    tracing::error!(what, "the cryptographic library refused valid input");
    Error::bare(&common::INTERNAL_FAILURE)
}

/// AWS's answer to whoever would make or change one of its own aliases; the model does not list it.
static NOT_AUTHORIZED: ErrorDef = ErrorDef {
    name: "NotAuthorizedException",
    code: "NotAuthorizedException",
    status: 400,
    fault: Fault::Client,
    message_member: "message",
    members: &[],
    query_code: None,
};

/// An alias that begins with `alias/aws/`.
pub fn reserved_alias() -> Error {
    Error::bare(&NOT_AUTHORIZED)
}

/// A key of another account, in an operation that works on the caller's own only.
pub fn foreign_key(cx: &Ctx, arn: &str) -> Error {
    let action = cx.operation.actions.first().copied().unwrap_or(cx.operation.name);
    let caller = cx.principal.arn();
    Error::new(
        &common::ACCESS_DENIED,
        format!(
            "User: {caller} is not authorized to perform: {action} on resource: {arn} because the resource does not \
             exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly \
             denies access"
        ),
    )
}

/// No grant of that id on the key.
pub fn grant_not_found(id: &str) -> Error {
    errors::not_found_exception(format!("Grant ID {id} not found"))
}
