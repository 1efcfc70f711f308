//! STS: temporary credentials and who holds them.

use std::time::Duration;

use api::sts::{
    Credentials, GetAccessKeyInfoRequest, GetAccessKeyInfoResponse, GetCallerIdentityRequest,
    GetCallerIdentityResponse, GetSessionTokenRequest, GetSessionTokenResponse,
};
use platform::Ctx;
use platform::credentials::{Issuer, TEMPORARY_PREFIX};
use platform::failure::OrFailure;
use wire::Error;
use wire::error::common;

/// Life of a session token if the caller names none, in seconds: 12 hours (API reference of GetSessionToken).
const SESSION_SECONDS_DEFAULT: i32 = 43_200;

/// Longest life of an account root's session token, in seconds; a longer one is cut to it (the same reference).
const ROOT_SESSION_SECONDS_MAX: i32 = 3_600;

/// Tells who the caller is. Every identified caller may ask.
pub async fn get_caller_identity(
    _: &(),
    cx: &Ctx,
    _: GetCallerIdentityRequest,
) -> Result<GetCallerIdentityResponse, Error> {
    Ok(GetCallerIdentityResponse {
        account: Some(cx.principal.account().unwrap_or(&cx.account).to_owned()),
        arn: Some(cx.principal.arn()),
        user_id: Some(cx.principal.user_id()),
    })
}

/// Tells which account an access key id belongs to: the id itself carries it.
pub async fn get_access_key_info(
    _: &(),
    _: &Ctx,
    input: GetAccessKeyInfoRequest,
) -> Result<GetAccessKeyInfoResponse, Error> {
    match Issuer::account_of(&input.access_key_id) {
        Some(account) => Ok(GetAccessKeyInfoResponse { account: Some(account) }),
        None => Err(Error::new(
            &common::VALIDATION_ERROR,
            format!("Invalid value {} for parameter AccessKeyId", input.access_key_id),
        )),
    }
}

/// Mints temporary credentials of the caller.
///
/// Only long-term credentials may ask. No MFA device exists, so every token code is a wrong one.
pub async fn get_session_token(
    _: &(),
    cx: &Ctx,
    input: GetSessionTokenRequest,
) -> Result<GetSessionTokenResponse, Error> {
    let temporary = cx.access_key_id.as_deref().is_some_and(|id| id.starts_with(TEMPORARY_PREFIX));
    if temporary {
        return Err(denied("Cannot call GetSessionToken with session credentials"));
    }
    if input.serial_number.is_some() || input.token_code.is_some() {
        return Err(denied("MultiFactorAuthentication failed with invalid MFA one time pass code. "));
    }
    if input.minimum_session_token_size.is_some() {
        let text = "Traca does not support MinimumSessionTokenSize of GetSessionToken yet.";
        return Err(Error::new(&common::VALIDATION_ERROR, text));
    }
    let asked = input.duration_seconds.unwrap_or(SESSION_SECONDS_DEFAULT);
    let seconds = asked.clamp(0, ROOT_SESSION_SECONDS_MAX);
    let minted = cx.platform.issuer.mint(&cx.principal, Duration::from_secs(seconds as u64)).or_failure()?;
    Ok(GetSessionTokenResponse {
        credentials: Some(Credentials {
            access_key_id: minted.access_key_id,
            secret_access_key: minted.secret_access_key,
            session_token: minted.session_token,
            expiration: minted.expiration,
        }),
        ..Default::default()
    })
}

fn denied(text: &'static str) -> Error {
    Error::new(&common::ACCESS_DENIED, text)
}

#[cfg(test)]
mod tests;
