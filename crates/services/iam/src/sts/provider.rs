//! The identity providers that accounts trust.

use api::sts::errors;
use platform::Config;
use wire::Error;

use super::Sts;

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
pub async fn provider_of(sts: &Sts, account: &str, issuer: &str) -> Result<Provider, Error> {
    let host = issuer.split_once("://").map_or(issuer, |(_, rest)| rest);
    let arn = format!("arn:{}:iam::{account}:oidc-provider/{host}", Config::PARTITION);
    let found = if host.is_empty() { None } else { sts.iam.oidc_provider(account, &arn).await? };
    let known = found.ok_or_else(|| {
        let text = format!("No OpenIDConnect provider found in your account for {issuer}");
        errors::invalid_identity_token_exception(text)
    })?;
    Ok(Provider {
        arn,
        issuer: issuer.to_owned(),
        host: known.url,
        client_ids: known.client_ids,
        thumbprints: known.thumbprints,
    })
}
