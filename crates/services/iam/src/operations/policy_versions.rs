//! Versions of managed policies.

use api::Empty;
use api::iam::{
    CreatePolicyVersionRequest, CreatePolicyVersionResponse, DeletePolicyVersionRequest, GetPolicyVersionRequest,
    GetPolicyVersionResponse, ListPolicyVersionsRequest, ListPolicyVersionsResponse, PolicyVersion,
    SetDefaultPolicyVersionRequest,
};
use platform::Ctx;
use store::Transaction;
use wire::Error;

use super::policies::check_own;
use crate::documents::{self, encoded};
use crate::errors;
use crate::keys;
use crate::limits::{POLICY_VERSIONS_IN_USE_MAX, POLICY_VERSIONS_MAX};
use crate::managed::{self, AwsPolicy};
use crate::names::{self, AWS};
use crate::paging::Page;
use crate::records::ManagedPolicy;
use crate::rows::{self, Outcome};
use crate::service::Iam;
use crate::view;

/// Adds a version.
pub async fn create_policy_version(
    service: &Iam,
    cx: &Ctx,
    input: CreatePolicyVersionRequest,
) -> Result<CreatePolicyVersionResponse, Error> {
    check_own(cx, &input.policy_arn)?;
    documents::check_managed(&input.policy_document)?;
    let (account, now) = (cx.account.clone(), service.now());
    let becomes_default = input.set_as_default.unwrap_or(false);
    let version = service
        .change(&cx.account, move |rows| {
            let arn = &input.policy_arn;
            let mut policy = rows::policy(rows, &account, arn)?.ok_or_else(|| errors::policy_absent(arn))?;
            if policy.versions.len() >= POLICY_VERSIONS_MAX {
                let text = format!(
                    "A managed policy can have up to {POLICY_VERSIONS_MAX} versions. Before you create a new version, \
                     you must delete an existing version."
                );
                return Err(errors::limit_exceeded(text).into());
            }
            let in_use = ("PolicyVersionsInUse", POLICY_VERSIONS_IN_USE_MAX);
            rows::count_one_more(rows, &account, now, in_use, |counts| &mut counts.policy_versions)?;
            let version = policy.next_version;
            policy.next_version += 1;
            policy.versions.insert(version, now);
            policy.updated = now;
            if becomes_default {
                policy.default_version = version;
            }
            rows::put(rows, &keys::policy_version(&account, &policy.name, version), &input.policy_document)?;
            rows::put(rows, &keys::policy(&account, &policy.name), &policy)?;
            Ok(version)
        })
        .await?;
    let shown = PolicyVersion {
        version_id: Some(view::version_id(version)),
        is_default_version: Some(becomes_default),
        create_date: Some(view::at(now)),
        document: None,
    };
    Ok(CreatePolicyVersionResponse { policy_version: Some(shown) })
}

/// Shows a version and its document.
pub async fn get_policy_version(
    service: &Iam,
    cx: &Ctx,
    input: GetPolicyVersionRequest,
) -> Result<GetPolicyVersionResponse, Error> {
    let (arn, version) = (&input.policy_arn, &input.version_id);
    let absent = || errors::policy_version_absent(arn, version);
    let (owner, _, _) = names::policy_arn(arn)?;
    let shown = if owner == AWS {
        managed::find(arn).filter(|policy| policy.version == version).map(aws_version).ok_or_else(absent)?
    } else {
        let snapshot = service.snapshot().await?;
        let policy = rows::get_policy(&snapshot, &cx.account, arn).await?.ok_or_else(absent)?;
        let number = view::read_version_id(version).ok_or_else(absent)?;
        let mut shown = shown(&policy, number).ok_or_else(absent)?;
        let document = service.version_document(&snapshot, &cx.account, &policy, number).await?;
        shown.document = Some(encoded(&document));
        shown
    };
    Ok(GetPolicyVersionResponse { policy_version: Some(shown) })
}

/// Lists the versions, latest first.
pub async fn list_policy_versions(
    service: &Iam,
    cx: &Ctx,
    input: ListPolicyVersionsRequest,
) -> Result<ListPolicyVersionsResponse, Error> {
    let page = Page::of(input.marker.as_deref(), input.max_items)?;
    let arn = &input.policy_arn;
    let (owner, _, _) = names::policy_arn(arn)?;
    let versions = if owner == AWS {
        let policy = managed::find(arn).ok_or_else(|| errors::policy_absent(arn))?;
        vec![PolicyVersion { document: None, ..aws_version(policy) }]
    } else {
        let policy = rows::get_policy(&service.snapshot().await?, &cx.account, arn).await?;
        versions(&policy.ok_or_else(|| errors::policy_absent(arn))?)
    };
    let page = page.cut(versions, |version| version.version_id.as_deref().unwrap_or_default());
    Ok(ListPolicyVersionsResponse {
        is_truncated: page.is_truncated(),
        versions: Some(page.items),
        marker: page.marker,
    })
}

/// Removes a version that is not the default one.
pub async fn delete_policy_version(service: &Iam, cx: &Ctx, input: DeletePolicyVersionRequest) -> Result<Empty, Error> {
    check_own(cx, &input.policy_arn)?;
    let (account, now) = (cx.account.clone(), service.now());
    service
        .change(&cx.account, move |rows| {
            let (mut policy, version) = version_of(rows, &account, &input.policy_arn, &input.version_id)?;
            if version == policy.default_version {
                return Err(errors::delete_conflict("Cannot delete the default version of a policy.").into());
            }
            policy.versions.remove(&version);
            policy.updated = now;
            rows.delete(&keys::policy_version(&account, &policy.name, version));
            rows::put(rows, &keys::policy(&account, &policy.name), &policy)?;
            rows::count_one_less(rows, &account, now, |counts| &mut counts.policy_versions)
        })
        .await?;
    Ok(Empty)
}

/// Puts a version in force.
pub async fn set_default_policy_version(
    service: &Iam,
    cx: &Ctx,
    input: SetDefaultPolicyVersionRequest,
) -> Result<Empty, Error> {
    check_own(cx, &input.policy_arn)?;
    let (account, now) = (cx.account.clone(), service.now());
    service
        .change(&cx.account, move |rows| {
            let (mut policy, version) = version_of(rows, &account, &input.policy_arn, &input.version_id)?;
            policy.default_version = version;
            policy.updated = now;
            rows::put(rows, &keys::policy(&account, &policy.name), &policy)
        })
        .await?;
    Ok(Empty)
}

/// The versions of a customer managed policy, latest first, without their documents.
pub fn versions(policy: &ManagedPolicy) -> Vec<PolicyVersion> {
    policy.versions.keys().rev().filter_map(|version| shown(policy, *version)).collect()
}

/// The version of one of AWS's policies, with its document.
pub fn aws_version(policy: &AwsPolicy) -> PolicyVersion {
    PolicyVersion {
        document: Some(encoded(policy.document)),
        version_id: Some(policy.version.to_owned()),
        is_default_version: Some(true),
        create_date: Some(view::at(policy.updated)),
    }
}

fn shown(policy: &ManagedPolicy, version: u32) -> Option<PolicyVersion> {
    let created = policy.versions.get(&version)?;
    Some(PolicyVersion {
        document: None,
        version_id: Some(view::version_id(version)),
        is_default_version: Some(version == policy.default_version),
        create_date: Some(view::at(*created)),
    })
}

fn version_of(rows: &mut dyn Transaction, account: &str, arn: &str, id: &str) -> Outcome<(ManagedPolicy, u32)> {
    let policy = rows::policy(rows, account, arn)?;
    let version = view::read_version_id(id);
    let found = policy.zip(version).filter(|(policy, version)| policy.versions.contains_key(version));
    Ok(found.ok_or_else(|| errors::policy_version_absent(arn, id))?)
}
