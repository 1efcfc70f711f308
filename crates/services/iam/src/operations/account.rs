//! The account as a whole: its alias, what it has, what its tokens are like.

use std::collections::BTreeMap;

use api::Empty;
use api::iam::{
    CreateAccountAliasRequest, DeleteAccountAliasRequest, GetAccountSummaryResponse, ListAccountAliasesRequest,
    ListAccountAliasesResponse, SetSecurityTokenServicePreferencesRequest,
};
use platform::Ctx;
use wire::Error;

use crate::errors;
use crate::keys;
use crate::limits::{
    ACCESS_KEYS_MAX, ATTACHED_POLICIES_MAX, GROUP_POLICY_CHARACTERS_MAX, GROUPS_MAX, GROUPS_PER_USER_MAX,
    INSTANCE_PROFILES_MAX, MANAGED_POLICY_CHARACTERS_MAX, POLICIES_MAX, POLICY_VERSIONS_IN_USE_MAX,
    POLICY_VERSIONS_MAX, ROLE_POLICY_CHARACTERS_MAX, ROLES_MAX, TRUST_POLICY_CHARACTERS_MAX,
    USER_POLICY_CHARACTERS_MAX, USERS_MAX,
};
use crate::paging::Page;
use crate::records::Account;
use crate::rows;
use crate::service::Iam;
use crate::view::count;

/// Gives the account an alias, in place of the one it has. No two accounts share one.
pub async fn create_account_alias(service: &Iam, cx: &Ctx, input: CreateAccountAliasRequest) -> Result<Empty, Error> {
    let (account, now) = (cx.account.clone(), service.now());
    service
        .change(&cx.account, move |rows| {
            let alias = &input.account_alias;
            let owner: Option<String> = rows::read(rows, &keys::alias(alias))?;
            if owner.is_some_and(|owner| owner != account) {
                return Err(errors::exists(format!("The account alias {alias} already exists.")).into());
            }
            let before = rows::change_account(rows, &account, now, |record| Ok(record.alias.replace(alias.clone())))?;
            if let Some(before) = before {
                rows.delete(&keys::alias(&before));
            }
            rows::put(rows, &keys::alias(alias), &account)
        })
        .await?;
    Ok(Empty)
}

/// Takes the account's alias away.
pub async fn delete_account_alias(service: &Iam, cx: &Ctx, input: DeleteAccountAliasRequest) -> Result<Empty, Error> {
    let (account, now) = (cx.account.clone(), service.now());
    service
        .change(&cx.account, move |rows| {
            let alias = &input.account_alias;
            rows::change_account(rows, &account, now, |record| {
                if record.alias.as_ref() != Some(alias) {
                    let text = format!("The account alias with name {alias} cannot be found.");
                    return Err(errors::no_such_entity(text).into());
                }
                record.alias = None;
                Ok(())
            })?;
            rows.delete(&keys::alias(alias));
            Ok(())
        })
        .await?;
    Ok(Empty)
}

/// Lists the account's alias: there is one at most.
pub async fn list_account_aliases(
    service: &Iam,
    cx: &Ctx,
    input: ListAccountAliasesRequest,
) -> Result<ListAccountAliasesResponse, Error> {
    let page = Page::of(input.marker.as_deref(), input.max_items)?;
    let record = read(service, cx).await?;
    let page = page.cut(record.alias.into_iter().collect(), |alias: &String| alias.as_str());
    Ok(ListAccountAliasesResponse {
        is_truncated: page.is_truncated(),
        account_aliases: page.items,
        marker: page.marker,
    })
}

/// Says which version of tokens the global endpoint of STS hands out.
pub async fn set_security_token_service_preferences(
    service: &Iam,
    cx: &Ctx,
    input: SetSecurityTokenServicePreferencesRequest,
) -> Result<Empty, Error> {
    let version = if input.global_endpoint_token_version == "v2Token" { 2 } else { 1 };
    let (account, now) = (cx.account.clone(), service.now());
    service
        .change(&cx.account, move |rows| {
            rows::change_account(rows, &account, now, |record| {
                record.token_version = version;
                Ok(())
            })
        })
        .await?;
    Ok(Empty)
}

/// Counts what the account has, beside its quotas.
pub async fn get_account_summary(service: &Iam, cx: &Ctx, _: Empty) -> Result<GetAccountSummaryResponse, Error> {
    let record = read(service, cx).await?;
    let mut summary: BTreeMap<String, i32> =
        quotas().into_iter().map(|(name, quota)| (name.to_owned(), quota)).collect();
    for (name, number) in present(&record) {
        summary.insert(name.to_owned(), number);
    }
    Ok(GetAccountSummaryResponse { summary_map: Some(summary) })
}

fn present(record: &Account) -> [(&'static str, i32); 15] {
    let counts = &record.counts;
    let flag = |present: bool| i32::from(present);
    [
        ("AccountAccessKeysPresent", flag(!record.root_access_keys.is_empty())),
        ("AccountMFAEnabled", flag(!record.root_mfa_devices.is_empty())),
        ("AccountPasswordPresent", 0),
        ("AccountSigningCertificatesPresent", 0),
        ("GlobalEndpointTokenVersion", record.token_version),
        ("Groups", count(counts.groups)),
        ("InstanceProfiles", count(counts.instance_profiles)),
        ("MFADevices", count(counts.mfa_devices)),
        ("MFADevicesInUse", count(counts.mfa_devices_in_use)),
        ("Policies", count(counts.policies)),
        ("PolicyVersionsInUse", count(counts.policy_versions)),
        ("Providers", count(counts.oidc_providers + counts.saml_providers)),
        ("Roles", count(counts.roles + counts.linked_roles)),
        ("ServerCertificates", 0),
        ("Users", count(counts.users)),
    ]
}

fn quotas() -> [(&'static str, i32); 19] {
    let of = |quota: usize| i32::try_from(quota).unwrap_or(i32::MAX);
    [
        ("AccessKeysPerUserQuota", of(ACCESS_KEYS_MAX)),
        ("AssumeRolePolicySizeQuota", of(TRUST_POLICY_CHARACTERS_MAX)),
        ("AttachedPoliciesPerGroupQuota", of(ATTACHED_POLICIES_MAX)),
        ("AttachedPoliciesPerRoleQuota", of(ATTACHED_POLICIES_MAX)),
        ("AttachedPoliciesPerUserQuota", of(ATTACHED_POLICIES_MAX)),
        ("GroupPolicySizeQuota", of(GROUP_POLICY_CHARACTERS_MAX)),
        ("GroupsPerUserQuota", of(GROUPS_PER_USER_MAX)),
        ("GroupsQuota", count(GROUPS_MAX)),
        ("InstanceProfilesQuota", count(INSTANCE_PROFILES_MAX)),
        ("PoliciesQuota", count(POLICIES_MAX)),
        ("PolicySizeQuota", of(MANAGED_POLICY_CHARACTERS_MAX)),
        ("PolicyVersionsInUseQuota", count(POLICY_VERSIONS_IN_USE_MAX)),
        ("RolePolicySizeQuota", of(ROLE_POLICY_CHARACTERS_MAX)),
        ("RolesQuota", count(ROLES_MAX)),
        // Server and signing certificates are not built; the quotas are what AWS's answers say.
        ("ServerCertificatesQuota", 20),
        ("SigningCertificatesPerUserQuota", 2),
        ("UserPolicySizeQuota", of(USER_POLICY_CHARACTERS_MAX)),
        ("UsersQuota", count(USERS_MAX)),
        ("VersionsPerPolicyQuota", of(POLICY_VERSIONS_MAX)),
    ]
}

/// The account as it is; an empty one of which nothing was written yet.
pub async fn read(service: &Iam, cx: &Ctx) -> Result<Account, Error> {
    let record = rows::get(&service.snapshot().await?, &keys::account(&cx.account)).await?;
    Ok(record.unwrap_or_else(|| rows::new_account(service.now())))
}
