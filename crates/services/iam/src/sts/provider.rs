//! The identity providers that accounts trust.

use api::sts::errors;
use platform::Ctx;
use wire::Error;

/// A provider of OpenID Connect.
pub struct Provider {
    /// Its ARN in IAM.
    pub arn: String,
    /// As its tokens name it: `https://…`.
    pub issuer: String,
    /// The same without the scheme; condition keys begin with it.
    pub host: String,
    /// Audiences whose tokens are taken.
    pub client_ids: Vec<String>,
    /// Certificates its host is believed with.
    pub thumbprints: Vec<String>,
}

/// The provider of an account that issues such tokens.
///
/// # Errors
/// `InvalidIdentityToken` if the account has none.
pub async fn provider_of(cx: &Ctx, account: &str, issuer: &str) -> Result<Provider, Error> {
    let _ = (cx, account);
    Err(errors::invalid_identity_token_exception(format!(
        "No OpenIDConnect provider found in your account for {issuer}"
    )))
}
