//! The roles under which targets are called.

use platform::{Ctx, Platform, Principal, ServiceRole, Trust};
use wire::Error;
use wire::error::common;

use crate::errors::validation;

/// The service's name as a principal.
pub const SERVICE: &str = "events.amazonaws.com";

/// Checks a role that a rule or a target is given. Answers whether it exists: in open mode the root may name one that was
/// never created, and targets are called as by the root then.
///
/// # Errors
/// `ValidationException` for a role that does not exist, does not trust the service, or belongs to another account.
pub async fn check(cx: &Ctx, role_arn: &str, rule_arn: &str) -> Result<bool, Error> {
    let role = ServiceRole { service: SERVICE, account: &cx.account, role_arn, source_arn: rule_arn };
    match role.check(cx).await? {
        Trust::Given => Ok(true),
        Trust::Unconfined => Ok(false),
        Trust::Refused => {
            Err(validation(format!("Provided role '{role_arn}' cannot be assumed by principal '{SERVICE}'.")))
        }
    }
}

/// As whom the targets of a rule are called that has a role.
///
/// # Errors
/// `AccessDeniedException` when the role is gone or trusts the service no more.
pub async fn session(
    platform: &Platform,
    account: &str,
    role_arn: &str,
    has_role: bool,
    rule_arn: &str,
) -> Result<Principal, Error> {
    let role = ServiceRole { service: SERVICE, account, role_arn, source_arn: rule_arn };
    let session = role.session(platform, has_role, "EventBridge").await?;
    session.ok_or_else(|| Error::new(&common::ACCESS_DENIED, format!("{SERVICE} cannot assume {role_arn}")))
}
