//! The errors of STS that its model does not list, and those that several operations share.

use std::borrow::Cow;

use platform::Ctx;
use wire::Error;
use wire::error::common;

/// Any parameter that STS words itself.
pub fn invalid(text: impl Into<Cow<'static, str>>) -> Error {
    Error::new(&common::VALIDATION_ERROR, text)
}

/// Session tags that do not go together.
pub fn invalid_tags(text: &'static str) -> Error {
    Error::new(&common::INVALID_PARAMETER_VALUE, text)
}

/// The caller may not do it.
pub fn denied(text: impl Into<Cow<'static, str>>) -> Error {
    Error::new(&common::ACCESS_DENIED, text)
}

/// The caller may not do it to that role, which may not even exist: STS never tells.
pub fn denied_on(cx: &Ctx, action: &str, role_arn: &str) -> Error {
    let caller = cx.principal.arn();
    denied(format!("User: {caller} is not authorized to perform: {action} on resource: {role_arn}"))
}

/// A parameter that is not built.
pub fn unsupported(operation: &str, parameter: &str) -> Error {
    invalid(format!("Traca does not support {parameter} of {operation} yet."))
}
