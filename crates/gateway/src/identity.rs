//! Who is calling: from what a request claims to who it is, before and after its signature is checked.

use platform::credentials::CredentialError;
use platform::{Mode, Platform, Principal};
use wire::sigv4::{Credentials, SignatureError, Unrecognized};

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

/// Finds the caller that a request claims:
///
/// 1. no credentials: nobody;
/// 2. a key minted here: the principal of its session token, whose secret the signature has to fit;
/// 3. in open mode, and unless the request may come from a foreign web page (`is_foreign`): a key of 12 digits is the
///    root of that account, any other key the root of the default account;
/// 4. any other key is unknown.
pub(crate) fn identify(
    platform: &Platform,
    credentials: &Credentials,
    is_foreign: impl FnOnce() -> bool,
) -> Result<Caller, SignatureError> {
    let default = &platform.config.account;
    let Some(access_key) = credentials.access_key() else {
        return Ok(Caller { principal: Principal::Anonymous, account: default.clone(), secret: None });
    };
    let token = || credentials.token().unwrap_or_default().to_owned();
    match platform.issuer.check(access_key, credentials.token(), platform.clock.now()) {
        Ok(verified) => {
            let account = verified.principal.account().unwrap_or(default).to_owned();
            Ok(Caller { principal: verified.principal, account, secret: Some(Secret(verified.secret)) })
        }
        Err(CredentialError::InvalidToken) => Err(Unrecognized::Token { token: token() }.into()),
        Err(CredentialError::ExpiredToken) => Err(Unrecognized::ExpiredToken { token: token() }.into()),
        Err(CredentialError::Unknown) if platform.config.mode == Mode::Open && !is_foreign() => {
            let names_account = access_key.len() == 12 && access_key.bytes().all(|byte| byte.is_ascii_digit());
            let account = if names_account { access_key } else { default }.to_owned();
            Ok(Caller { principal: Principal::Root { account: account.clone() }, account, secret: None })
        }
        Err(CredentialError::Unknown) => Err(Unrecognized::AccessKey { access_key: access_key.to_owned() }.into()),
    }
}
