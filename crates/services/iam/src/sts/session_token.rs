//! Temporary credentials of the caller itself.

use std::sync::Arc;

use api::sts::{GetSessionTokenRequest, GetSessionTokenResponse};
use platform::credentials::TEMPORARY_PREFIX;
use platform::{Ctx, Principal, SessionFacts};
use wire::Error;

use super::refusals::{denied, unsupported};
use super::{Sts, mfa, session};

/// Life of a session token if the caller names none, in seconds: 12 hours (API reference of GetSessionToken).
const SESSION_SECONDS_DEFAULT: i32 = 43_200;

/// Longest life of an account root's session token, in seconds; a longer one is cut to it (the same reference).
pub const ROOT_SESSION_SECONDS_MAX: i32 = 3_600;

/// Mints temporary credentials of the caller, who has to hold long-term ones.
pub async fn get_session_token(
    sts: &Sts,
    cx: &Ctx,
    input: GetSessionTokenRequest,
) -> Result<GetSessionTokenResponse, Error> {
    if holds_temporary_credentials(cx) {
        return Err(denied("Cannot call GetSessionToken with session credentials"));
    }
    if input.minimum_session_token_size.is_some() {
        return Err(unsupported("GetSessionToken", "MinimumSessionTokenSize"));
    }
    let mfa_at = mfa::take(sts, cx, input.serial_number.as_deref(), input.token_code.as_deref()).await?;
    let asked = input.duration_seconds.unwrap_or(SESSION_SECONDS_DEFAULT);
    let (principal, seconds) = match &cx.principal {
        Principal::User { account, name, path, user_id, .. } => {
            let facts = SessionFacts { issued_at: cx.platform.clock.now().seconds, mfa_at, ..Default::default() };
            let (account, name) = (account.clone(), name.clone());
            let (path, user_id) = (path.clone(), user_id.clone());
            (Principal::User { account, name, path, user_id, facts: Some(Arc::new(facts)) }, asked)
        }
        other => (other.clone(), asked.min(ROOT_SESSION_SECONDS_MAX)),
    };
    let credentials = Some(session::credentials(cx, &principal, seconds)?);
    Ok(GetSessionTokenResponse { credentials, ..Default::default() })
}

/// Whether the call was signed with temporary credentials, or comes from a session.
pub fn holds_temporary_credentials(cx: &Ctx) -> bool {
    cx.principal.facts().is_some() || cx.access_key_id.as_deref().is_some_and(|id| id.starts_with(TEMPORARY_PREFIX))
}
