//! Becoming a role's session.

use std::sync::Arc;

use api::sts::{AssumeRoleRequest, AssumeRoleResponse, AssumedRoleUser};
use platform::credentials::RoleArn;
use platform::{Ctx, Mode, Principal, Role, SessionFacts};
use wire::Error;

use super::refusals::{denied, denied_on, invalid, unsupported};
use super::{Sts, mfa, role_arn, session};

/// Life of a role's session if none is named, in seconds (API reference of AssumeRole).
pub const SESSION_SECONDS_DEFAULT: i32 = 3_600;

/// Longest life of a session that another session asks for, in seconds (IAM user guide, role chaining).
const CHAINED_SECONDS_MAX: i32 = 3_600;

/// Mints credentials of a role's session. That the caller may have them was decided from the role's trust policy before.
pub async fn assume_role(sts: &Sts, cx: &Ctx, input: AssumeRoleRequest) -> Result<AssumeRoleResponse, Error> {
    refuse_unsupported(&input)?;
    let arn = role_arn::parse(&input.role_arn)?;
    match cx.principal {
        // Without `verify` a root may just be a client with invented keys, which is how emulators are used.
        Principal::Root { .. } if cx.platform.config.mode == Mode::Verify => {
            return Err(denied("Roles may not be assumed by root accounts."));
        }
        Principal::FederatedUser { .. } => return Err(denied_on(cx, "sts:AssumeRole", &input.role_arn)),
        _ => {}
    }
    let unknown = || denied_on(cx, "sts:AssumeRole", &input.role_arn);
    let arn = arn.ok_or_else(unknown)?;
    let role = cx.platform.role(&input.role_arn).await?.ok_or_else(unknown)?;
    let seconds = input.duration_seconds.unwrap_or(SESSION_SECONDS_DEFAULT);
    // AWS counts the sessions of `GetSessionToken` as links of a chain too.
    let is_chained = cx.principal.facts().is_some();
    if is_chained && seconds > CHAINED_SECONDS_MAX {
        return Err(invalid(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
        ));
    }
    check_duration(&role, seconds)?;
    let source_identity = source_identity(cx, &input)?;
    let policy_arns = session::checked_policies(cx, arn.account, input.policy.as_deref(), input.policy_arns).await?;
    let tags = session::checked_tags(
        session::pairs(input.tags),
        input.transitive_tag_keys.unwrap_or_default(),
        cx.principal.facts(),
    )?;
    // A request that is refused for another reason takes no code.
    let mfa_at = mfa::take(sts, cx, input.serial_number.as_deref(), input.token_code.as_deref()).await?;
    let facts = SessionFacts {
        issued_at: cx.platform.clock.now().seconds,
        role_path: role.path.clone(),
        policy: input.policy,
        policy_arns,
        tags: tags.tags,
        transitive_tag_keys: tags.transitive,
        source_identity: source_identity.clone(),
        mfa_at,
        ..Default::default()
    };
    // Sessions that carry neither policies nor tags are told no size.
    let packed_policy_size = Some(session::packed_percent(&facts)?).filter(|percent| *percent > 0);
    let assumed = role_session(&arn, &role, input.role_session_name, facts);
    let credentials = Some(session::credentials(cx, &assumed, seconds)?);
    let assumed_role_user = Some(assumed_role_user(&assumed));
    Ok(AssumeRoleResponse { credentials, assumed_role_user, packed_policy_size, source_identity, ..Default::default() })
}

/// # Errors
/// `ValidationError` when sessions of the role may not live that long.
pub fn check_duration(role: &Role, seconds: i32) -> Result<(), Error> {
    if seconds > role.session_seconds_max {
        return Err(invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role."));
    }
    Ok(())
}

/// A session of a role.
pub fn role_session(arn: &RoleArn<'_>, role: &Role, session: String, facts: SessionFacts) -> Principal {
    Principal::Session {
        account: arn.account.to_owned(),
        role: arn.name.to_owned(),
        role_id: role.id.clone(),
        session,
        facts: Arc::new(facts),
    }
}

/// How an answer names a session.
pub fn assumed_role_user(session: &Principal) -> AssumedRoleUser {
    AssumedRoleUser { assumed_role_id: session.user_id(), arn: session.arn() }
}

/// The source identity of the new session: a calling session hands its own on, and none can be put in its place.
fn source_identity(cx: &Ctx, input: &AssumeRoleRequest) -> Result<Option<String>, Error> {
    let inherited = cx.principal.facts().and_then(|facts| facts.source_identity.clone());
    match (inherited, &input.source_identity) {
        (Some(inherited), Some(asked)) if inherited != *asked => {
            Err(denied_on(cx, "sts:SetSourceIdentity", &input.role_arn))
        }
        (inherited, asked) => Ok(inherited.or_else(|| asked.clone())),
    }
}

fn refuse_unsupported(input: &AssumeRoleRequest) -> Result<(), Error> {
    if input.provided_contexts.is_some() {
        return Err(unsupported("AssumeRole", "ProvidedContexts"));
    }
    if input.minimum_session_token_size.is_some() {
        return Err(unsupported("AssumeRole", "MinimumSessionTokenSize"));
    }
    Ok(())
}
