//! Errors in AWS's words.

use api::iam::errors;
use wire::Error;
use wire::error::common;

use crate::records::Kind;

pub use api::iam::errors::{
    credential_report_expired_exception as report_expired, invalid_input_exception as invalid_input,
    limit_exceeded_exception as limit_exceeded, malformed_policy_document_exception as malformed_policy,
    no_such_entity_exception as no_such_entity,
};

/// A parameter that does not hold.
pub fn invalid(text: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(&common::VALIDATION_ERROR, text)
}

/// No such user, group or role.
pub fn identity_absent(kind: Kind, name: &str) -> Error {
    no_such_entity(format!("The {} with name {name} cannot be found.", kind.word()))
}

/// The name of a user, group or role is taken.
pub fn identity_exists(kind: Kind, name: &str) -> Error {
    exists(format!("{} with name {name} already exists.", kind.title()))
}

/// Something of that name is there already.
pub fn exists(text: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    errors::entity_already_exists_exception(text)
}

/// No such managed policy.
pub fn policy_absent(arn: &str) -> Error {
    no_such_entity(format!("Policy {arn} was not found."))
}

/// No such managed policy to attach.
pub fn policy_not_attachable(arn: &str) -> Error {
    no_such_entity(format!("Policy {arn} does not exist or is not attachable."))
}

/// No such version of a managed policy.
pub fn policy_version_absent(arn: &str, version: &str) -> Error {
    no_such_entity(format!("Policy {arn} version {version} does not exist or is not attachable."))
}

/// No such inline policy.
pub fn inline_policy_absent(kind: Kind, policy: &str) -> Error {
    no_such_entity(format!("The {} policy with name {policy} cannot be found.", kind.word()))
}

/// A quota is used up.
pub fn quota(name: &str, max: impl std::fmt::Display) -> Error {
    limit_exceeded(format!("Cannot exceed quota for {name}: {max}"))
}

/// Something still hangs on what is to be deleted: `what` is to be done first.
pub fn still_in_use(what: &str) -> Error {
    errors::delete_conflict_exception(format!("Cannot delete entity, must {what} first."))
}

/// Why something cannot be deleted.
pub fn delete_conflict(text: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    errors::delete_conflict_exception(text)
}

/// A service-linked role, which only its service may change.
pub fn protected_role(name: &str) -> Error {
    errors::unmodifiable_entity_exception(format!(
        "Cannot perform the operation on the protected role '{name}' - this role is only modifiable by AWS"
    ))
}

/// A service role's policy on something else.
pub fn service_role_policy() -> Error {
    errors::policy_not_attachable_exception("Cannot attach a Service Role Policy to a Customer Role.")
}

/// A password that the account's policy refuses.
pub fn password_refused(text: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    errors::password_policy_violation_exception(text)
}

/// One-time codes that are wrong.
pub fn wrong_codes() -> Error {
    errors::invalid_authentication_code_exception("Authentication code for device is not valid")
}

/// An access key of nobody, or of another account: which of both is not told.
pub fn key_not_visible(caller: &str, access_key_id: &str) -> Error {
    Error::new(
        &common::ACCESS_DENIED,
        format!(
            "User: {caller} is not authorized to perform iam:GetAccessKeyLastUsed on resource: access key {access_key_id}"
        ),
    )
}

/// Something that belongs to AWS.
pub fn not_yours(caller: &str, action: &str, policy_arn: &str) -> Error {
    Error::new(
        &common::ACCESS_DENIED,
        format!("User: {caller} is not authorized to perform: {action} on resource: policy {policy_arn}"),
    )
}

/// There is no credential report.
pub fn no_report() -> Error {
    Error { message: None, ..errors::credential_report_not_present_exception("") }
}

/// A caller who is no user and has to say whom is meant.
pub fn user_name_needed() -> Error {
    invalid("Must specify userName when calling with non-User credentials")
}
