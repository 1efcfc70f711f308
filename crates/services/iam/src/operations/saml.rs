//! SAML providers: identity providers of a company's own.

use api::Empty;
use api::iam::{
    CreateSAMLProviderRequest, CreateSAMLProviderResponse, DeleteSAMLProviderRequest, GetSAMLProviderRequest,
    GetSAMLProviderResponse, ListSAMLProvidersRequest, ListSAMLProvidersResponse, SAMLPrivateKey,
    SAMLProviderListEntry, UpdateSAMLProviderRequest, UpdateSAMLProviderResponse,
};
use platform::Ctx;
use store::{Snapshot, Transaction};
use wire::Error;

use crate::errors;
use crate::keys;
use crate::limits::{SAML_CHUNK_BYTES, SAML_METADATA_BYTES_MAX, SAML_PRIVATE_KEYS_MAX, SAML_PROVIDERS_MAX};
use crate::names;
use crate::records::{SamlPrivateKey, SamlProvider};
use crate::rows::{self, Outcome};
use crate::saml_metadata;
use crate::service::Iam;
use crate::tags::{Case, Tags};
use crate::view;

/// What stands in front of the name in a provider's ARN, behind the account.
const RESOURCE: &str = "saml-provider/";

/// What the unique ids of providers begin with.
const ID_PREFIX: &str = "ASAM";

/// Characters of the id of a private key.
const KEY_ID_CHARACTERS: usize = 20;

/// How long metadata hold that do not say it: a hundred years, as AWS's answers have it.
const VALID_SECONDS_DEFAULT: i64 = 100 * 365 * 86_400 + 25 * 86_400;

const ENCRYPTION_ALLOWED: &str = "Allowed";
const ENCRYPTION_REQUIRED: &str = "Required";

/// Makes a provider.
pub async fn create_provider(
    service: &Iam,
    cx: &Ctx,
    input: CreateSAMLProviderRequest,
) -> Result<CreateSAMLProviderResponse, Error> {
    let now = service.now();
    let mut provider = SamlProvider {
        id: service.unique_id(ID_PREFIX),
        created: now,
        valid_until: valid_until(&input.saml_metadata_document, now)?,
        encryption_mode: input.assertion_encryption_mode.unwrap_or_else(|| ENCRYPTION_ALLOWED.to_owned()),
        private_keys: Vec::new(),
        tags: Tags::new(input.tags.as_deref(), Case::Sensitive)?,
        name: input.name,
    };
    if let Some(pem) = input.add_private_key {
        provider.private_keys.push(private_key(service, &cx.account, &provider.name, &pem, now)?);
    }
    check_encryption(&provider)?;
    let arn = arn(&cx.account, &provider);
    let (account, document) = (cx.account.clone(), input.saml_metadata_document);
    service
        .change(&cx.account, move |rows| {
            let key = keys::saml_provider(&account, &provider.name);
            if rows.get(&key)?.is_some() {
                return Err(errors::exists(format!("SAMLProvider {} already exists.", provider.name)).into());
            }
            let quota = ("SAMLProvidersPerAccount", SAML_PROVIDERS_MAX);
            rows::count_one_more(rows, &account, now, quota, |counts| &mut counts.saml_providers)?;
            put_metadata(rows, &account, &provider.name, &document)?;
            rows::put(rows, &key, &provider)
        })
        .await?;
    Ok(CreateSAMLProviderResponse { saml_provider_arn: Some(arn), tags: input.tags.filter(|tags| !tags.is_empty()) })
}

/// Shows a provider and its metadata.
pub async fn get_provider(
    service: &Iam,
    cx: &Ctx,
    input: GetSAMLProviderRequest,
) -> Result<GetSAMLProviderResponse, Error> {
    let snapshot = service.snapshot().await?;
    let name = name_of_arn(&input.saml_provider_arn)?;
    let provider: Option<SamlProvider> = rows::get(&snapshot, &keys::saml_provider(&cx.account, name)).await?;
    let provider = provider.filter(|provider| arn(&cx.account, provider) == input.saml_provider_arn);
    let provider = provider.ok_or_else(|| absent(&input.saml_provider_arn))?;
    let shown =
        |key: &SamlPrivateKey| SAMLPrivateKey { key_id: Some(key.id.clone()), timestamp: Some(view::at(key.created)) };
    Ok(GetSAMLProviderResponse {
        saml_metadata_document: Some(metadata(&snapshot, &cx.account, &provider.name).await?),
        saml_provider_uuid: Some(provider.id),
        create_date: Some(view::at(provider.created)),
        valid_until: Some(view::at(provider.valid_until)),
        tags: Some(provider.tags.list()),
        assertion_encryption_mode: Some(provider.encryption_mode),
        private_key_list: Some(provider.private_keys.iter().map(shown).collect()),
    })
}

/// Lists the providers' ARNs and how long they hold.
pub async fn list_providers(
    service: &Iam,
    cx: &Ctx,
    _: ListSAMLProvidersRequest,
) -> Result<ListSAMLProvidersResponse, Error> {
    let snapshot = service.snapshot().await?;
    let providers: Vec<(_, SamlProvider)> = rows::all(&snapshot, &keys::saml_providers(&cx.account)).await?;
    let entry = |provider: &SamlProvider| SAMLProviderListEntry {
        arn: Some(arn(&cx.account, provider)),
        valid_until: Some(view::at(provider.valid_until)),
        create_date: Some(view::at(provider.created)),
    };
    let listed = providers.iter().map(|(_, provider)| entry(provider)).collect();
    Ok(ListSAMLProvidersResponse { saml_provider_list: Some(listed) })
}

/// Replaces a provider's metadata, or its keys.
pub async fn update_provider(
    service: &Iam,
    cx: &Ctx,
    input: UpdateSAMLProviderRequest,
) -> Result<UpdateSAMLProviderResponse, Error> {
    let (account, now) = (cx.account.clone(), service.now());
    let name = name_of_arn(&input.saml_provider_arn)?;
    let valid = input.saml_metadata_document.as_deref().map(|document| valid_until(document, now)).transpose()?;
    let added = input.add_private_key.as_deref();
    let added = added.map(|pem| private_key(service, &account, name, pem, now)).transpose()?;
    let shown = input.saml_provider_arn.clone();
    service
        .change(&cx.account, move |rows| {
            let (key, mut provider) = read(rows, &account, &input.saml_provider_arn)?;
            if let (Some(valid), Some(document)) = (valid, &input.saml_metadata_document) {
                provider.valid_until = valid;
                put_metadata(rows, &account, &provider.name, document)?;
            }
            if let Some(mode) = &input.assertion_encryption_mode {
                provider.encryption_mode.clone_from(mode);
            }
            if let Some(id) = &input.remove_private_key {
                let before = provider.private_keys.len();
                provider.private_keys.retain(|key| key.id != *id);
                if provider.private_keys.len() == before {
                    let text = format!("The private key with id {id} cannot be found.");
                    return Err(errors::no_such_entity(text).into());
                }
            }
            provider.private_keys.extend(added.clone());
            if provider.private_keys.len() > SAML_PRIVATE_KEYS_MAX {
                return Err(errors::quota("PrivateKeysPerSAMLProvider", SAML_PRIVATE_KEYS_MAX).into());
            }
            check_encryption(&provider)?;
            rows::put(rows, &key, &provider)
        })
        .await?;
    Ok(UpdateSAMLProviderResponse { saml_provider_arn: Some(shown) })
}

/// Removes a provider.
pub async fn delete_provider(service: &Iam, cx: &Ctx, input: DeleteSAMLProviderRequest) -> Result<Empty, Error> {
    let (account, now) = (cx.account.clone(), service.now());
    name_of_arn(&input.saml_provider_arn)?;
    service
        .change(&cx.account, move |rows| {
            let (key, provider) = read(rows, &account, &input.saml_provider_arn)?;
            rows.delete_range(keys::saml_metadata_pieces(&account, &provider.name).range());
            rows.delete(&key);
            rows::count_one_less(rows, &account, now, |counts| &mut counts.saml_providers)
        })
        .await?;
    Ok(Empty)
}

impl Iam {
    /// The provider of that ARN, and its metadata document.
    ///
    /// # Errors
    /// AWS's text for what is no ARN of a provider.
    pub async fn saml_provider(&self, named: &str) -> Result<Option<(SamlProvider, String)>, Error> {
        let name = name_of_arn(named)?;
        let Some((account, _)) = names::split_arn(named) else { return Ok(None) };
        let snapshot = self.snapshot().await?;
        let found: Option<SamlProvider> = rows::get(&snapshot, &keys::saml_provider(account, name)).await?;
        let Some(provider) = found.filter(|provider| arn(account, provider) == named) else { return Ok(None) };
        let document = metadata(&snapshot, account, &provider.name).await?;
        Ok(Some((provider, document)))
    }
}

/// A provider's ARN.
pub fn arn(account: &str, provider: &SamlProvider) -> String {
    names::arn(account, RESOURCE, "", &provider.name)
}

/// The name in a provider's ARN.
///
/// # Errors
/// AWS's text for another ARN.
pub fn name_of_arn(arn: &str) -> Result<&str, Error> {
    let name = names::split_arn(arn).and_then(|(_, resource)| resource.strip_prefix(RESOURCE));
    name.filter(|name| !name.is_empty()).ok_or_else(|| errors::invalid_input(format!("Invalid ARN: {arn}")))
}

/// No such provider.
pub fn absent(arn: &str) -> Error {
    errors::no_such_entity(format!("Manifest not found for arn {arn}"))
}

fn read(rows: &mut dyn Transaction, account: &str, named: &str) -> Outcome<(store::keys::Key, SamlProvider)> {
    let key = keys::saml_provider(account, name_of_arn(named)?);
    let provider: Option<SamlProvider> = rows::read(rows, &key)?;
    let provider = provider.filter(|provider| arn(account, provider) == named);
    Ok((key, provider.ok_or_else(|| absent(named))?))
}

/// Until when a document holds.
fn valid_until(document: &str, now: i64) -> Result<i64, Error> {
    if document.len() > SAML_METADATA_BYTES_MAX {
        return Err(errors::invalid_input("The metadata document is too large."));
    }
    let metadata = saml_metadata::read(document).ok_or_else(|| errors::invalid_input("Could not parse metadata"))?;
    Ok(metadata.valid_until.unwrap_or_else(|| now.saturating_add(VALID_SECONDS_DEFAULT)))
}

fn check_encryption(provider: &SamlProvider) -> Result<(), Error> {
    if provider.encryption_mode == ENCRYPTION_REQUIRED && provider.private_keys.is_empty() {
        return Err(errors::invalid_input("A private key is needed to require encrypted assertions."));
    }
    Ok(())
}

fn private_key(service: &Iam, account: &str, name: &str, pem: &str, now: i64) -> Result<SamlPrivateKey, Error> {
    if !(pem.trim_start().starts_with("-----BEGIN") && pem.trim_end().ends_with("-----")) {
        return Err(errors::invalid_input("The private key is not in PEM format."));
    }
    let id = service.platform.ids.base32(KEY_ID_CHARACTERS);
    let sealed_key = service.seal(&format!("iam/saml-key/{account}/{name}/{id}"), pem.as_bytes());
    Ok(SamlPrivateKey { id, created: now, sealed_key })
}

/// Replaces a metadata document, which may be longer than a row can be.
fn put_metadata(rows: &mut dyn Transaction, account: &str, name: &str, document: &str) -> Outcome<()> {
    rows.delete_range(keys::saml_metadata_pieces(account, name).range());
    let mut rest = document;
    for piece in 0.. {
        let (head, tail) = rest.split_at(rest.floor_char_boundary(SAML_CHUNK_BYTES));
        rows::put(rows, &keys::saml_metadata(account, name, piece), &head)?;
        rest = tail;
        if rest.is_empty() {
            break;
        }
    }
    Ok(())
}

async fn metadata(snapshot: &Snapshot, account: &str, name: &str) -> Result<String, Error> {
    let pieces: Vec<(_, String)> = rows::all(snapshot, &keys::saml_metadata_pieces(account, name)).await?;
    Ok(pieces.into_iter().map(|(_, piece)| piece).collect())
}
