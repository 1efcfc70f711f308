//! Credentials that a user hands to somebody else.

use std::sync::Arc;

use api::sts::{FederatedUser, GetFederationTokenRequest, GetFederationTokenResponse};
use platform::{Ctx, Principal, SessionFacts};
use wire::Error;

use super::refusals::{denied, unsupported};
use super::session_token::{ROOT_SESSION_SECONDS_MAX, holds_temporary_credentials};
use super::{Sts, session};

/// Life of a federated user's credentials if none is named, in seconds: 12 hours (API reference of GetFederationToken).
const SESSION_SECONDS_DEFAULT: i32 = 43_200;

/// Mints credentials of a federated user, who may do what the caller may and the session policies allow.
pub async fn get_federation_token(
    _: &Sts,
    cx: &Ctx,
    input: GetFederationTokenRequest,
) -> Result<GetFederationTokenResponse, Error> {
    if holds_temporary_credentials(cx) {
        return Err(denied("Cannot call GetFederationToken with session credentials"));
    }
    if input.minimum_session_token_size.is_some() {
        return Err(unsupported("GetFederationToken", "MinimumSessionTokenSize"));
    }
    let account = cx.principal.account().unwrap_or(&cx.account).to_owned();
    let policy_arns = session::checked_policies(cx, &account, input.policy.as_deref(), input.policy_arns).await?;
    let tags = session::checked_tags(session::pairs(input.tags), Vec::new(), None)?;
    let facts = SessionFacts {
        issued_at: cx.platform.clock.now().seconds,
        policy: input.policy,
        policy_arns,
        tags: tags.tags,
        ..Default::default()
    };
    let packed_policy_size = Some(session::packed_percent(&facts)?);
    let asked = input.duration_seconds.unwrap_or(SESSION_SECONDS_DEFAULT);
    let is_root = matches!(cx.principal, Principal::Root { .. });
    let seconds = if is_root { asked.min(ROOT_SESSION_SECONDS_MAX) } else { asked };
    let creator = Arc::new(cx.principal.clone());
    let federated = Principal::FederatedUser { account, name: input.name, creator, facts: Arc::new(facts) };
    let credentials = Some(session::credentials(cx, &federated, seconds)?);
    let federated_user = Some(FederatedUser { federated_user_id: federated.user_id(), arn: federated.arn() });
    Ok(GetFederationTokenResponse { credentials, federated_user, packed_policy_size, ..Default::default() })
}
