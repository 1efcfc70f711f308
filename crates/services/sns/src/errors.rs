//! Errors in AWS's words.

use std::fmt::Display;

use api::sns::errors;
use wire::Error;

/// `Invalid parameter: …`.
pub fn invalid(what: impl Display) -> Error {
    errors::invalid_parameter_exception(format!("Invalid parameter: {what}"))
}

/// No such topic.
pub fn no_topic() -> Error {
    errors::not_found_exception("Topic does not exist")
}

/// No such application of mobile push.
pub fn no_application() -> Error {
    errors::not_found_exception("PlatformApplication does not exist")
}

/// No such subscription.
pub fn no_subscription() -> Error {
    errors::not_found_exception("Subscription does not exist")
}

/// A message attribute that does not hold.
pub fn invalid_value(text: String) -> Error {
    errors::invalid_parameter_value_exception(text)
}

/// The caller may not do this with what belongs to another account.
pub fn not_authorized(action: &str, arn: &str) -> Error {
    errors::authorization_error_exception(format!("Not authorized to perform: {action} on resource: {arn}"))
}
