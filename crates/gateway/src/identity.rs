//! Who is calling: from what a request claims to who it is, before and after its signature is checked.

use platform::credentials::{CredentialError, LONG_TERM_PREFIX};
use platform::{Mode, Platform, Principal};
use wire::Error;
use wire::sigv4::{Credentials, SignatureError, Unrecognized};

use crate::connection::Source;

/// A caller.
#[derive(Debug)]
pub(crate) struct Caller {
    /// Who calls.
    pub principal: Principal,
    /// The account whose resources are meant: 12 digits.
    pub account: String,
    /// The secret that the signature has to be made with; `None` where it is unknown and nothing is verified.
    pub secret: Option<Secret>,
}

/// A secret access key, which never reaches a log.
pub(crate) struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Secret")
    }
}

/// Why a caller cannot be told.
pub(crate) enum Unidentified {
    /// The credentials do not hold.
    Refused(SignatureError),
    /// They could not be looked up.
    Failed(Error),
}

impl From<Unrecognized> for Unidentified {
    fn from(reason: Unrecognized) -> Unidentified {
        Unidentified::Refused(reason.into())
    }
}

/// Finds the caller that a request claims:
///
/// 1. no credentials: nobody;
/// 2. a long-term key of a user or of the account root that was made here: that principal, whose secret the signature
///    has to fit; not if it is inactive or was deleted;
/// 3. a temporary key minted here: the principal of its session token, likewise;
/// 4. in open mode, unless a function asks or the request may come from a foreign web page (`is_foreign`): a key of 12
///    digits is the root of that account, any other key the root of the default account;
/// 5. any other key is unknown.
pub(crate) async fn identify(
    platform: &Platform,
    credentials: &Credentials,
    source: &Source,
    is_foreign: impl FnOnce() -> bool,
) -> Result<Caller, Unidentified> {
    identify_key(platform, credentials.access_key(), credentials.token(), source, is_foreign).await
}

/// As [`identify`], for the access key and the session token that are claimed.
pub(crate) async fn identify_key(
    platform: &Platform,
    access_key: Option<&str>,
    claimed_token: Option<&str>,
    source: &Source,
    is_foreign: impl FnOnce() -> bool,
) -> Result<Caller, Unidentified> {
    let default = &platform.config.account;
    let Some(access_key) = access_key else {
        return Ok(Caller { principal: Principal::Anonymous, account: default.clone(), secret: None });
    };
    let verified = |principal: Principal, secret: String| {
        let account = principal.account().unwrap_or(default).to_owned();
        Ok(Caller { principal, account, secret: Some(Secret(secret)) })
    };
    let token = || claimed_token.unwrap_or_default().to_owned();
    let unknown = || Unrecognized::AccessKey { access_key: access_key.to_owned() };
    let is_long_term = access_key.starts_with(LONG_TERM_PREFIX);
    if is_long_term && let Some(key) = platform.access_key(access_key).await.map_err(Unidentified::Failed)? {
        // A long-term key has no token.
        return match claimed_token {
            Some(_) => Err(Unrecognized::Token { token: token() }.into()),
            None if key.active => verified(key.principal, key.secret),
            None => Err(unknown().into()),
        };
    }
    match platform.issuer.check(access_key, claimed_token, platform.clock.now()) {
        Ok(session) => verified(session.principal, session.secret),
        // A key that was made here, and was deleted since.
        Err(CredentialError::InvalidToken) if is_long_term => Err(unknown().into()),
        Err(CredentialError::InvalidToken) => Err(Unrecognized::Token { token: token() }.into()),
        Err(CredentialError::ExpiredToken) => Err(Unrecognized::ExpiredToken { token: token() }.into()),
        Err(CredentialError::Unknown) => {
            let is_trusted = platform.config.mode == Mode::Open && matches!(source, Source::Client(_)) && !is_foreign();
            if !is_trusted {
                return Err(unknown().into());
            }
            let names_account = access_key.len() == 12 && access_key.bytes().all(|byte| byte.is_ascii_digit());
            let account = if names_account { access_key } else { default }.to_owned();
            Ok(Caller { principal: Principal::Root { account: account.clone() }, account, secret: None })
        }
    }
}
