//! OIDC providers: issuers of web identities.

use api::Empty;
use api::iam::{
    AddClientIDToOpenIDConnectProviderRequest, CreateOpenIDConnectProviderRequest, CreateOpenIDConnectProviderResponse,
    DeleteOpenIDConnectProviderRequest, GetOpenIDConnectProviderRequest, GetOpenIDConnectProviderResponse,
    ListOpenIDConnectProvidersRequest, ListOpenIDConnectProvidersResponse, OpenIDConnectProviderListEntry,
    RemoveClientIDFromOpenIDConnectProviderRequest, UpdateOpenIDConnectProviderThumbprintRequest,
};
use platform::Ctx;
use wire::Error;

use crate::errors;
use crate::keys;
use crate::limits::{CLIENT_IDS_MAX, OIDC_PROVIDERS_MAX, THUMBPRINTS_MAX};
use crate::names;
use crate::records::OidcProvider;
use crate::rows::{self, Outcome};
use crate::service::Iam;
use crate::tags::{Case, Tags};
use crate::view;

/// What stands in front of the URL in a provider's ARN, behind the account.
const RESOURCE: &str = "oidc-provider/";

/// Makes a provider.
pub async fn create_provider(
    service: &Iam,
    cx: &Ctx,
    input: CreateOpenIDConnectProviderRequest,
) -> Result<CreateOpenIDConnectProviderResponse, Error> {
    let url = check_url(&input.url)?;
    let client_ids = input.client_id_list.unwrap_or_default();
    if client_ids.len() > CLIENT_IDS_MAX {
        return Err(errors::quota("ClientIdsPerOpenIdConnectProvider", CLIENT_IDS_MAX));
    }
    let thumbprints = input.thumbprint_list.unwrap_or_default();
    check_thumbprints(&thumbprints)?;
    let tags = Tags::new(input.tags.as_deref(), Case::Sensitive)?;
    let created = service.now();
    let provider = OidcProvider { url: url.to_owned(), client_ids, thumbprints, created, tags };
    let arn = arn(&cx.account, &provider);
    let (account, given) = (cx.account.clone(), input.url.clone());
    service
        .change(&cx.account, move |rows| {
            let key = keys::oidc_provider(&account, &provider.url);
            if rows.get(&key)?.is_some() {
                return Err(errors::exists(format!("Provider with url {given} already exists.")).into());
            }
            let quota = ("OpenIdConnectProvidersPerAccount", OIDC_PROVIDERS_MAX);
            rows::count_one_more(rows, &account, created, quota, |counts| &mut counts.oidc_providers)?;
            rows::put(rows, &key, &provider)
        })
        .await?;
    Ok(CreateOpenIDConnectProviderResponse {
        open_id_connect_provider_arn: Some(arn),
        tags: input.tags.filter(|tags| !tags.is_empty()),
    })
}

/// Shows a provider.
pub async fn get_provider(
    service: &Iam,
    cx: &Ctx,
    input: GetOpenIDConnectProviderRequest,
) -> Result<GetOpenIDConnectProviderResponse, Error> {
    let arn = &input.open_id_connect_provider_arn;
    let provider = service.oidc_provider(&cx.account, arn).await?.ok_or_else(|| absent(arn))?;
    Ok(GetOpenIDConnectProviderResponse {
        tags: Some(provider.tags.list()),
        url: Some(provider.url),
        client_id_list: Some(provider.client_ids),
        thumbprint_list: Some(provider.thumbprints),
        create_date: Some(view::at(provider.created)),
    })
}

/// Lists the providers' ARNs.
pub async fn list_providers(
    service: &Iam,
    cx: &Ctx,
    _: ListOpenIDConnectProvidersRequest,
) -> Result<ListOpenIDConnectProvidersResponse, Error> {
    let snapshot = service.snapshot().await?;
    let providers: Vec<(_, OidcProvider)> = rows::all(&snapshot, &keys::oidc_providers(&cx.account)).await?;
    let entry = |provider: &OidcProvider| OpenIDConnectProviderListEntry { arn: Some(arn(&cx.account, provider)) };
    let listed = providers.iter().map(|(_, provider)| entry(provider)).collect();
    Ok(ListOpenIDConnectProvidersResponse { open_id_connect_provider_list: Some(listed) })
}

/// Adds an audience; one that is there already stays.
pub async fn add_client_id(
    service: &Iam,
    cx: &Ctx,
    input: AddClientIDToOpenIDConnectProviderRequest,
) -> Result<Empty, Error> {
    change(service, cx, input.open_id_connect_provider_arn, move |provider| {
        if !provider.client_ids.contains(&input.client_id) {
            provider.client_ids.push(input.client_id.clone());
        }
        if provider.client_ids.len() > CLIENT_IDS_MAX {
            return Err(errors::quota("ClientIdsPerOpenIdConnectProvider", CLIENT_IDS_MAX).into());
        }
        Ok(())
    })
    .await
}

/// Removes an audience; one that is not there is of no account.
pub async fn remove_client_id(
    service: &Iam,
    cx: &Ctx,
    input: RemoveClientIDFromOpenIDConnectProviderRequest,
) -> Result<Empty, Error> {
    change(service, cx, input.open_id_connect_provider_arn, move |provider| {
        provider.client_ids.retain(|id| *id != input.client_id);
        Ok(())
    })
    .await
}

/// Replaces the thumbprints.
pub async fn update_thumbprints(
    service: &Iam,
    cx: &Ctx,
    input: UpdateOpenIDConnectProviderThumbprintRequest,
) -> Result<Empty, Error> {
    check_thumbprints(&input.thumbprint_list)?;
    change(service, cx, input.open_id_connect_provider_arn, move |provider| {
        provider.thumbprints.clone_from(&input.thumbprint_list);
        Ok(())
    })
    .await
}

/// Removes a provider.
pub async fn delete_provider(
    service: &Iam,
    cx: &Ctx,
    input: DeleteOpenIDConnectProviderRequest,
) -> Result<Empty, Error> {
    let (account, now) = (cx.account.clone(), service.now());
    let arn = input.open_id_connect_provider_arn;
    url_of_arn(&arn)?;
    service
        .change(&cx.account, move |rows| {
            let key = keys::oidc_provider(&account, url_of_arn(&arn)?);
            if names::split_arn(&arn).is_none_or(|(owner, _)| owner != account) || rows.get(&key)?.is_none() {
                let text = format!("OpenId connect Provider {arn} cannot be found.");
                return Err(errors::no_such_entity(text).into());
            }
            rows.delete(&key);
            rows::count_one_less(rows, &account, now, |counts| &mut counts.oidc_providers)
        })
        .await?;
    Ok(Empty)
}

impl Iam {
    /// The OIDC provider of that ARN.
    ///
    /// # Errors
    /// AWS's text for what is not the ARN of a provider.
    pub async fn oidc_provider(&self, account: &str, arn: &str) -> Result<Option<OidcProvider>, Error> {
        let url = url_of_arn(arn)?;
        if names::split_arn(arn).is_none_or(|(owner, _)| owner != account) {
            return Ok(None);
        }
        rows::get(&self.snapshot().await?, &keys::oidc_provider(account, url)).await
    }
}

/// A provider's ARN.
pub fn arn(account: &str, provider: &OidcProvider) -> String {
    names::arn(account, RESOURCE, "", &provider.url)
}

/// The URL, without its scheme, in a provider's ARN.
///
/// # Errors
/// AWS's text for another ARN.
pub fn url_of_arn(arn: &str) -> Result<&str, Error> {
    let url = names::split_arn(arn).and_then(|(_, resource)| resource.strip_prefix(RESOURCE));
    url.filter(|url| !url.is_empty()).ok_or_else(|| errors::invalid(format!("Invalid ARN: {arn}")))
}

/// No such provider.
pub fn absent(arn: &str) -> Error {
    errors::no_such_entity(format!("OpenIDConnect Provider not found for arn {arn}"))
}

async fn change(
    service: &Iam,
    cx: &Ctx,
    arn: String,
    edit: impl Fn(&mut OidcProvider) -> Outcome<()> + Send + Sync + 'static,
) -> Result<Empty, Error> {
    let account = cx.account.clone();
    url_of_arn(&arn)?;
    service
        .change(&cx.account, move |rows| {
            let key = keys::oidc_provider(&account, url_of_arn(&arn)?);
            let provider: Option<OidcProvider> = rows::read(rows, &key)?;
            let provider = provider.filter(|_| names::split_arn(&arn).is_some_and(|(owner, _)| owner == account));
            let mut provider = provider.ok_or_else(|| absent(&arn))?;
            edit(&mut provider)?;
            rows::put(rows, &key, &provider)
        })
        .await?;
    Ok(Empty)
}

/// The URL of an issuer without its scheme: `https`, or `http` on this machine, where tests have their issuers.
fn check_url(url: &str) -> Result<&str, Error> {
    let invalid = || errors::invalid("Invalid Open ID Connect Provider URL");
    let (rest, secure) = match url.strip_prefix("https://") {
        Some(rest) => (rest, true),
        None => (url.strip_prefix("http://").ok_or_else(invalid)?, false),
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let local = matches!(name, "localhost" | "127.0.0.1" | "[::1]");
    let readable = rest.bytes().all(|byte| byte.is_ascii_graphic()) && !rest.contains(['?', '#', '@']);
    if name.is_empty() || !readable || !(secure || local) {
        return Err(invalid());
    }
    Ok(rest)
}

fn check_thumbprints(thumbprints: &[String]) -> Result<(), Error> {
    if thumbprints.len() > THUMBPRINTS_MAX {
        let text = format!("Thumbprint list must contain fewer than {THUMBPRINTS_MAX} entries.");
        return Err(errors::invalid_input(text));
    }
    if thumbprints.iter().any(|print| !print.bytes().all(|byte| byte.is_ascii_hexdigit())) {
        return Err(errors::invalid("Thumbprint must be 40 hexadecimal characters."));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issuers_are_reached_safely_or_on_this_machine() {
        assert_eq!(check_url("https://a.example.com/path").unwrap(), "a.example.com/path");
        assert_eq!(check_url("http://127.0.0.1:8080").unwrap(), "127.0.0.1:8080");
        for url in ["test", "test.org", "http://a.example.com", "https://", "https://a b", "https://a?q=1", "ftp://a"] {
            let error = check_url(url).unwrap_err().to_string();
            assert_eq!(error, "ValidationError: Invalid Open ID Connect Provider URL", "{url}");
        }
    }
}
