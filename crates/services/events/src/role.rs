//! The roles under which targets are called.

use std::sync::Arc;

use platform::credentials::RoleArn;
use platform::{Ctx, Mode, Platform, Principal, Role, SessionFacts};
use policy::{Caller, Context};
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
    let refused = || validation(format!("Provided role '{role_arn}' cannot be assumed by principal '{SERVICE}'."));
    match find(&cx.platform, &cx.account, role_arn).await? {
        Some(role) if trusts(&role, &cx.account, rule_arn) => Ok(true),
        Some(_) => Err(refused()),
        None if cx.platform.config.mode == Mode::Open && cx.principal.acts_as_root() => Ok(false),
        None => Err(refused()),
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
    let role = find(platform, account, role_arn).await?;
    let is_unconfined = role.is_none() && !has_role && platform.config.mode == Mode::Open;
    let is_usable = role.as_ref().map_or(is_unconfined, |role| trusts(role, account, rule_arn));
    if !is_usable {
        return Err(Error::new(&common::ACCESS_DENIED, format!("{SERVICE} cannot assume {role_arn}")));
    }
    let name = role_arn.rsplit('/').next().unwrap_or_default();
    let facts = SessionFacts {
        issued_at: platform.clock.now().seconds,
        role_path: role.as_ref().map_or_else(|| "/".to_owned(), |role| role.path.clone()),
        is_unconfined,
        ..SessionFacts::default()
    };
    Ok(Principal::Session {
        account: account.to_owned(),
        role: name.to_owned(),
        // What was never created has no id; its name stands in.
        role_id: role.map_or_else(|| name.to_owned(), |role| role.id.clone()),
        session: "EventBridge".to_owned(),
        facts: Arc::new(facts),
    })
}

async fn find(platform: &Platform, account: &str, role_arn: &str) -> Result<Option<Arc<Role>>, Error> {
    let is_own = RoleArn::parse(role_arn).is_some_and(|arn| arn.account == account);
    if is_own { platform.role(role_arn).await } else { Ok(None) }
}

fn trusts(role: &Role, account: &str, rule_arn: &str) -> bool {
    let mut context = Context::new();
    context.set("aws:SourceAccount", account);
    context.set("aws:SourceArn", rule_arn);
    context.set("aws:PrincipalIsAWSService", "true");
    context.set("aws:PrincipalServiceName", SERVICE);
    role.decide(Caller::Service { name: SERVICE }, "sts:AssumeRole", &context).is_allowed()
}
