//! Errors in AWS's words.

use std::borrow::Cow;

use api::ssm::errors;
use wire::Error;

/// No such parameter. AWS says no more than the code.
pub fn parameter_not_found() -> Error {
    Error::bare(&errors::PARAMETER_NOT_FOUND)
}

/// No such version of a parameter.
pub fn version_not_found(name: &str, version: impl std::fmt::Display) -> Error {
    errors::parameter_version_not_found(format!(
        "Systems Manager could not find version {version} of {name}. Verify the version and try again."
    ))
}

/// A parameter that does not hold.
pub fn validation(text: impl Into<Cow<'static, str>>) -> Error {
    errors::validation_exception(text)
}

/// AWS's words for a name that is none.
pub const PARAMETER_NAME_RULE: &str = "Parameter name: can't be prefixed with \"ssm\" (case-insensitive). If formed as a \
    path, it can consist of sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers \
    and the following 3 symbols .-_";

/// AWS's words for a path that is none.
pub const PATH_RULE: &str = "The parameter doesn't meet the parameter name requirements. The parameter name must begin \
    with a forward slash \"/\". It can't be prefixed with \\\"aws\\\" or \\\"ssm\\\" (case-insensitive). It must use only \
    letters, numbers, or the following symbols: . (period), - (hyphen), _ (underscore). Special characters are not \
    allowed. All sub-paths, if specified, must use the forward slash symbol \"/\". Valid example: \
    /get/parameters2-/by1./path0_.";

/// A token of a page that no answer of ours carried.
pub fn next_token() -> Error {
    errors::invalid_next_token("The specified token isn't valid.")
}

/// A resource to be tagged that there is not.
pub fn resource_id() -> Error {
    errors::invalid_resource_id("The resource ID isn't valid. Verify that you entered the correct ID and try again.")
}

/// A refusal of KMS: denials as they are, everything else as a key that cannot be used.
pub fn of_kms(error: Error) -> Error {
    if error.is("AccessDeniedException") || error.definition.status >= 500 {
        return error;
    }
    let text = error.message.unwrap_or_default();
    errors::invalid_key_id(format!("{text} (Service: AWSKMS; Error Code: {})", error.definition.name))
}
