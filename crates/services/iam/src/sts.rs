//! STS: temporary credentials and who holds them.

mod assume_role;
mod authorization_message;
mod caller;
mod federation;
mod federation_token;
mod guard;
mod issuer_keys;
mod jwt;
mod mfa;
mod provider;
mod refusals;
mod role_arn;
mod saml;
mod session;
mod session_token;
mod web_identity;

use std::sync::Arc;

use platform::{Registration, operations};

use crate::service::Iam;
use issuer_keys::IssuerKeys;

/// What the operations of STS share.
pub struct Sts {
    /// Who and what there is.
    iam: Arc<Iam>,
    issuer_keys: IssuerKeys,
}

/// The offer of STS.
pub fn registration(iam: &Arc<Iam>) -> Registration {
    let mut registration = Registration::new(&api::sts::SERVICE);
    let issuer_keys = IssuerKeys::new(iam.platform.config.egress.clone());
    let service = Arc::new(Sts { iam: Arc::clone(iam), issuer_keys });
    operations!(registration, service, api::sts, {
        AssumeRole => assume_role::assume_role,
        AssumeRoleWithSAML => saml::assume_role_with_saml,
        AssumeRoleWithWebIdentity => web_identity::assume_role_with_web_identity,
        DecodeAuthorizationMessage => authorization_message::decode_authorization_message,
        GetAccessKeyInfo => caller::get_access_key_info,
        GetCallerIdentity => caller::get_caller_identity,
        GetFederationToken => federation_token::get_federation_token,
        GetSessionToken => session_token::get_session_token,
    });
    registration.with_guard(Arc::new(guard::StsGuard))
}

#[cfg(test)]
mod tests;
