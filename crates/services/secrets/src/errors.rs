//! Errors in AWS's words.

use std::borrow::Cow;

use api::secretsmanager::errors;
use wire::Error;
use wire::error::common;

/// No such secret in the account and region.
pub fn secret_not_found() -> Error {
    errors::resource_not_found_exception("Secrets Manager can't find the specified secret.")
}

/// No version has that label, or the one that has it has no value yet.
pub fn label_not_found(label: &str) -> Error {
    errors::resource_not_found_exception(format!(
        "Secrets Manager can't find the specified secret value for staging label: {label}"
    ))
}

/// No such version, or it has no value yet.
pub fn version_not_found(id: &str) -> Error {
    errors::resource_not_found_exception(format!(
        "Secrets Manager can't find the specified secret value for VersionId: {id}"
    ))
}

/// The secret can still be restored, and nothing else.
pub fn marked_for_deletion() -> Error {
    request("You can't perform this operation on the secret because it was marked for deletion.")
}

/// A change that belongs to the primary.
pub fn replica() -> Error {
    parameter("Operation not permitted on a replica secret. Call must be made in primary secret's region.")
}

/// The token is that of a version with another value.
pub fn token_used(token: &str, arn: &str) -> Error {
    errors::resource_exists_exception(format!(
        "You can't use ClientRequestToken {token} because that value is already in use for a version of secret {arn}."
    ))
}

/// What SDKs send by themselves was left out.
pub const NO_TOKEN: &str = "You must provide a ClientRequestToken value. We recommend a UUID-type value.";

/// A parameter that does not hold.
pub fn parameter(text: impl Into<Cow<'static, str>>) -> Error {
    errors::invalid_parameter_exception(text)
}

/// A request that does not fit the secret's state.
pub fn request(text: impl Into<Cow<'static, str>>) -> Error {
    errors::invalid_request_exception(text)
}

/// A quota is used up.
pub fn limit(text: impl Into<Cow<'static, str>>) -> Error {
    errors::limit_exceeded_exception(text)
}

/// A parameter of AWS's that has no effect here, and is refused rather than ignored.
pub fn unsupported(parameter_name: &str) -> Error {
    parameter(format!("The parameter {parameter_name} is not supported."))
}

/// A value that breaks a rule the model does not know.
pub fn validation(text: impl Into<Cow<'static, str>>) -> Error {
    Error::new(&common::VALIDATION, text)
}

/// A denial.
pub fn access_denied(text: impl Into<Cow<'static, str>>) -> Error {
    Error::new(&common::ACCESS_DENIED, text)
}

/// A token of a page that no answer of ours carried.
pub fn next_token() -> Error {
    errors::invalid_next_token_exception("Invalid NextToken.")
}

/// The secret changed all the time while this call tried to change it.
pub fn contended() -> Error {
    errors::internal_service_error("The secret is being changed by other requests. Try again.")
}

/// A refusal of KMS when a value was to be encrypted.
pub fn encryption(error: Error) -> Error {
    of_kms(error, |text| {
        errors::encryption_failure(format!(
            "Secrets Manager can't encrypt the protected secret text using the provided KMS key. {text}"
        ))
    })
}

/// A refusal of KMS when a value was to be decrypted.
pub fn decryption(error: Error) -> Error {
    of_kms(error, |text| {
        errors::decryption_failure(format!(
            "Secrets Manager can't decrypt the protected secret text using the provided KMS key. {text}"
        ))
    })
}

fn of_kms(error: Error, refusal: impl FnOnce(&str) -> Error) -> Error {
    if error.is("AccessDeniedException") {
        access_denied("Access to KMS is not allowed")
    } else if error.definition.status >= 500 {
        error
    } else {
        refusal(error.message.as_deref().unwrap_or_default())
    }
}
