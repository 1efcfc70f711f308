//! Errors in AWS's words.

use api::logs::errors;
use wire::Error;

/// No such group in the caller's account and region.
pub fn group_not_found() -> Error {
    errors::resource_not_found_exception("The specified log group does not exist.")
}

/// No such stream in the group.
pub fn stream_not_found() -> Error {
    errors::resource_not_found_exception("The specified log stream does not exist.")
}

/// The name is taken.
pub fn group_exists() -> Error {
    errors::resource_already_exists_exception("The specified log group already exists")
}

/// The name is taken.
pub fn stream_exists() -> Error {
    errors::resource_already_exists_exception("The specified log stream already exists")
}

/// A quota is used up.
pub fn limit_exceeded() -> Error {
    errors::limit_exceeded_exception("Resource limit exceeded.")
}

/// A token that no answer of ours carried.
pub fn invalid_token() -> Error {
    invalid("The specified nextToken is invalid.")
}

/// A parameter that does not hold.
pub fn invalid(text: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    errors::invalid_parameter_exception(text)
}

/// A parameter of AWS's that has no effect here, and is refused rather than ignored.
pub fn unsupported(parameter: &str) -> Error {
    invalid(format!("The parameter {parameter} is not supported."))
}
