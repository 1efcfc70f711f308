//! Execution roles: as whom functions run.

use std::sync::Arc;
use std::time::Duration;

use platform::credentials::RoleArn;
use platform::{Call, Ctx, Mode, Need, Platform, Principal, Role, SessionFacts};
use policy::{Caller, Context};
use wire::Error;
use wire::error::common;

use crate::destination::{Destination, Way};
use crate::errors;
use crate::function::{Configuration, FunctionId, FunctionVersion};

/// Life of the credentials an environment is given.
pub const CREDENTIALS_LIFETIME: Duration = Duration::from_secs(12 * 3_600);

/// An environment whose credentials have less than this left is not used again: no invocation, of 15 minutes at most, ever
/// sees them end.
const CREDENTIALS_LEFT_MIN: Duration = Duration::from_secs(3_600);

/// The service that roles have to trust.
const SERVICE: &str = "lambda.amazonaws.com";

/// What AWS says about a role that is not there or does not trust the service.
const UNTRUSTING: &str = "The role defined for the function cannot be assumed by Lambda.";

/// Checks the role that a function is given. Answers whether it exists: in open mode the root may name one that was never
/// created, and the function acts as the root then.
///
/// # Errors
/// `InvalidParameterValueException` for a role that does not exist or does not trust Lambda, `AccessDeniedException` for
/// one of another account.
pub async fn check(cx: &Ctx, role_arn: &str, function_arn: &str) -> Result<bool, Error> {
    let may_be_invented = cx.platform.config.mode == Mode::Open && cx.principal.acts_as_root();
    if let Some(role) = find(&cx.platform, &cx.account, role_arn).await? {
        let trusts = trusts_lambda(&role, &cx.account, function_arn);
        return if trusts { Ok(true) } else { Err(errors::invalid_parameter(UNTRUSTING)) };
    }
    if may_be_invented {
        tracing::warn!(role = role_arn, function = function_arn, "the role does not exist: the function acts as root");
        return Ok(false);
    }
    let is_foreign = RoleArn::parse(role_arn).is_some_and(|arn| arn.account != cx.account);
    if is_foreign {
        return Err(Error::new(&common::ACCESS_DENIED, "Cross-account pass role is not allowed."));
    }
    Err(errors::invalid_parameter(UNTRUSTING))
}

/// The session that new environments of a version run as.
///
/// # Errors
/// `AccessDeniedException` when the role was deleted, or does not trust Lambda any more.
pub async fn session(platform: &Platform, version: &FunctionVersion) -> Result<Principal, Error> {
    session_of(platform, &version.function, &version.configuration, version.arn()).await
}

/// The session of a function that is called `arn`.
async fn session_of(
    platform: &Platform,
    function: &FunctionId,
    configuration: &Configuration,
    arn: String,
) -> Result<Principal, Error> {
    let role = find(platform, &function.account, &configuration.role).await?;
    let is_unconfined = role.is_none() && may_be_unconfined(platform, configuration);
    let is_usable = match &role {
        Some(role) => trusts_lambda(role, &function.account, &arn),
        None => is_unconfined,
    };
    if !is_usable {
        return Err(Error::new(&common::ACCESS_DENIED, UNTRUSTING));
    }
    if is_unconfined {
        tracing::info!(role = configuration.role, function = arn, "an environment acts as root");
    }
    let name = configuration.role.rsplit('/').next().unwrap_or_default();
    let facts = SessionFacts {
        issued_at: platform.clock.now().seconds,
        role_path: role.as_ref().map_or_else(|| "/".to_owned(), |role| role.path.clone()),
        source_function_arn: Some(arn),
        is_unconfined,
        ..SessionFacts::default()
    };
    Ok(Principal::Session {
        account: function.account.clone(),
        role: name.to_owned(),
        // What was never created has no id; its name stands in.
        role_id: role.map_or_else(|| name.to_owned(), |role| role.id.clone()),
        session: function.name.clone(),
        facts: Arc::new(facts),
    })
}

/// Whether an environment that runs as `identity` may take another event: its role is the one it began with, and its
/// credentials, which end at `expires` (seconds since 1970), live long enough.
///
/// # Errors
/// When the role cannot be looked up.
pub async fn is_current(
    platform: &Platform,
    version: &FunctionVersion,
    identity: &Principal,
    expires: i64,
) -> Result<bool, Error> {
    if !outlive_an_invocation(expires, platform.clock.now().seconds) {
        return Ok(false);
    }
    let Principal::Session { role_id, .. } = identity else { return Ok(false) };
    let role = find(platform, &version.function.account, &version.configuration.role).await?;
    Ok(match role {
        Some(role) => role.id == *role_id,
        None => identity.acts_as_root() && may_be_unconfined(platform, &version.configuration),
    })
}

/// Whether the version may run without a role: it was given one that did not exist, and nothing is enforced by decree.
fn may_be_unconfined(platform: &Platform, configuration: &Configuration) -> bool {
    platform.config.mode == Mode::Open && !configuration.has_role
}

/// Whether a function's role may go that way, by its own policies and those of where it leads. A function without a role
/// may go everywhere.
///
/// # Errors
/// As [`session`], and when policies cannot be looked up.
pub async fn may(cx: &Ctx, function: &FunctionId, configuration: &Configuration, way: &Way) -> Result<bool, Error> {
    let principal = session_of(&cx.platform, function, configuration, function.arn()).await?;
    if principal.acts_as_root() {
        return Ok(true);
    }
    let call = Call {
        platform: Arc::clone(&cx.platform),
        account: function.account.clone(),
        region: function.region.clone(),
        principal,
        request_id: cx.platform.ids.uuid(),
        service: way.service,
        operation: way.operation,
        protocol: None,
        source_ip: None,
        endpoint: cx.endpoint.clone(),
        access_key_id: None,
        user_agent: None,
        trace_header: None,
        origin: platform::Origin::default(),
    };
    match Ctx::new(call).authorise(Need::new(way.action, way.arn.as_str())).await {
        Ok(()) => Ok(true),
        Err(error) if error.definition.status < 500 => Ok(false),
        Err(error) => Err(error),
    }
}

/// Checks that a function's role may send to its dead-letter target.
///
/// # Errors
/// `InvalidParameterValueException`, and those of [`may`].
pub async fn check_dead_letters(cx: &Ctx, function: &FunctionId, configuration: &Configuration) -> Result<(), Error> {
    let target = configuration.dead_letter.as_deref().and_then(Destination::of_arn);
    let Some(way) = target.and_then(|target| target.way()) else { return Ok(()) };
    if may(cx, function, configuration, &way).await? { Ok(()) } else { Err(errors::role_may_not(&way)) }
}

fn outlive_an_invocation(expires: i64, now: i64) -> bool {
    expires.saturating_sub(now) >= CREDENTIALS_LEFT_MIN.as_secs() as i64
}

/// The role of that very ARN, if it belongs to the function's account.
async fn find(platform: &Platform, account: &str, role_arn: &str) -> Result<Option<Arc<Role>>, Error> {
    let is_own = RoleArn::parse(role_arn).is_some_and(|arn| arn.account == account);
    if is_own { platform.role(role_arn).await } else { Ok(None) }
}

fn trusts_lambda(role: &Role, account: &str, function_arn: &str) -> bool {
    let mut context = Context::new();
    context.set("aws:SourceAccount", account);
    context.set("aws:SourceArn", function_arn);
    context.set("aws:PrincipalIsAWSService", "true");
    context.set("aws:PrincipalServiceName", SERVICE);
    role.decide(Caller::Service { name: SERVICE }, "sts:AssumeRole", &context).is_allowed()
}

#[cfg(test)]
mod tests;
