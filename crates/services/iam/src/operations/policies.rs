//! Managed policies: the account's own, and AWS's to look at.

use std::collections::{BTreeMap, HashMap};

use api::Empty;
use api::iam::{
    CreatePolicyRequest, CreatePolicyResponse, DeletePolicyRequest, GetPolicyRequest, GetPolicyResponse,
    ListPoliciesRequest, ListPoliciesResponse, Policy as Shown,
};
use platform::Ctx;
use store::Snapshot;
use wire::Error;

use crate::documents;
use crate::errors;
use crate::keys;
use crate::limits::{POLICIES_MAX, POLICY_VERSIONS_IN_USE_MAX};
use crate::managed;
use crate::names::{self, AWS};
use crate::paging::Page;
use crate::records::{ManagedPolicy, PolicyUse};
use crate::rows;
use crate::service::Iam;
use crate::tags::{Case, Tags};
use crate::view::{self, Extent};

/// What the unique ids of managed policies begin with.
const ID_PREFIX: &str = "ANPA";

/// Makes a policy; its document is version 1.
pub async fn create_policy(service: &Iam, cx: &Ctx, input: CreatePolicyRequest) -> Result<CreatePolicyResponse, Error> {
    names::check_name("policyName", &input.policy_name)?;
    documents::check_managed(&input.policy_document)?;
    let now = service.now();
    let policy = ManagedPolicy {
        path: names::path("path", input.path)?,
        id: service.unique_id(ID_PREFIX),
        created: now,
        updated: now,
        description: input.description.filter(|text| !text.is_empty()),
        default_version: 1,
        versions: BTreeMap::from([(1, now)]),
        next_version: 2,
        tags: Tags::new(input.tags.as_deref(), Case::Sensitive)?,
        name: input.policy_name,
    };
    let shown = Shown {
        tags: input.tags.filter(|tags| !tags.is_empty()),
        ..view::policy(&cx.account, &policy, PolicyUse::default(), Extent::Brief)
    };
    let account = cx.account.clone();
    service
        .change(&cx.account, move |rows| {
            let key = keys::policy(&account, &policy.name);
            if rows.get(&key)?.is_some() {
                let text = format!("A policy called {} already exists. Duplicate names are not allowed.", policy.name);
                return Err(errors::exists(text).into());
            }
            rows::count_one_more(rows, &account, now, ("PoliciesPerAccount", POLICIES_MAX), |counts| {
                &mut counts.policies
            })?;
            let versions = ("PolicyVersionsInUse", POLICY_VERSIONS_IN_USE_MAX);
            rows::count_one_more(rows, &account, now, versions, |counts| &mut counts.policy_versions)?;
            rows::put(rows, &keys::policy_version(&account, &policy.name, 1), &input.policy_document)?;
            rows::put(rows, &key, &policy)
        })
        .await?;
    Ok(CreatePolicyResponse { policy: Some(shown) })
}

/// Shows a policy.
pub async fn get_policy(service: &Iam, cx: &Ctx, input: GetPolicyRequest) -> Result<GetPolicyResponse, Error> {
    let arn = &input.policy_arn;
    let (owner, _, _) = names::policy_arn(arn)?;
    let snapshot = service.snapshot().await?;
    let used = rows::get(&snapshot, &keys::policy_use(&cx.account, arn)).await?.unwrap_or_default();
    let shown = if owner == AWS {
        managed::find(arn).map(|policy| view::aws_policy(policy, used, Extent::Full))
    } else {
        let policy = rows::get_policy(&snapshot, &cx.account, arn).await?;
        policy.map(|policy| view::policy(&cx.account, &policy, used, Extent::Full))
    };
    match shown {
        Some(policy) => Ok(GetPolicyResponse { policy: Some(policy) }),
        None => Err(errors::policy_absent(arn)),
    }
}

/// Lists policies: the account's own by name, then AWS's by name.
pub async fn list_policies(service: &Iam, cx: &Ctx, input: ListPoliciesRequest) -> Result<ListPoliciesResponse, Error> {
    let page = Page::of(input.marker.as_deref(), input.max_items)?;
    let scope = input.scope.as_deref().unwrap_or("All");
    let snapshot = service.snapshot().await?;
    let uses = uses(&snapshot, &cx.account).await?;
    let used = |arn: &str| uses.get(arn).copied().unwrap_or_default();
    let mut policies = Vec::new();
    if scope != "AWS" {
        let own: Vec<(_, ManagedPolicy)> = rows::all(&snapshot, &keys::policies(&cx.account)).await?;
        policies.extend(
            own.iter()
                .map(|(_, policy)| view::policy(&cx.account, policy, used(&policy.arn(&cx.account)), Extent::Listed)),
        );
    }
    if scope != "Local" {
        policies
            .extend(managed::all().iter().map(|policy| view::aws_policy(policy, used(&policy.arn()), Extent::Listed)));
    }
    let prefix = input.path_prefix.unwrap_or_default();
    let only_attached = input.only_attached.unwrap_or(false);
    policies.retain(|policy| {
        let (attached, bounding) = (policy.attachment_count, policy.permissions_boundary_usage_count);
        let (attached, bounding) = (attached.unwrap_or(0) > 0, bounding.unwrap_or(0) > 0);
        let of_use = match input.policy_usage_filter.as_deref() {
            Some("PermissionsPolicy") => attached,
            Some("PermissionsBoundary") => bounding,
            _ => true,
        };
        of_use && (attached || !only_attached) && policy.path.as_deref().unwrap_or_default().starts_with(&prefix)
    });
    let page = page.cut(policies, |policy| policy.arn.as_deref().unwrap_or_default());
    Ok(ListPoliciesResponse { is_truncated: page.is_truncated(), policies: Some(page.items), marker: page.marker })
}

/// How the managed policies are used in an account, by ARN; those that are not used are not in it.
pub async fn uses(snapshot: &Snapshot, account: &str) -> Result<HashMap<String, PolicyUse>, Error> {
    let mut uses = HashMap::new();
    for (key, used) in rows::all(snapshot, &keys::policy_uses(account)).await? {
        uses.insert(rows::key_part(keys::read_policy_use(&key))?, used);
    }
    Ok(uses)
}

/// Removes a policy that has no other version than its default one and is on nobody.
pub async fn delete_policy(service: &Iam, cx: &Ctx, input: DeletePolicyRequest) -> Result<Empty, Error> {
    check_own(cx, &input.policy_arn)?;
    let (account, now) = (cx.account.clone(), service.now());
    service
        .change(&cx.account, move |rows| {
            let arn = &input.policy_arn;
            let policy = rows::policy(rows, &account, arn)?.ok_or_else(|| errors::policy_absent(arn))?;
            let used: Option<PolicyUse> = rows::read(rows, &keys::policy_use(&account, arn))?;
            if used.is_some() {
                return Err(errors::delete_conflict("Cannot delete a policy attached to entities.").into());
            }
            if policy.versions.len() > 1 {
                let text = "This policy has more than one version. Before you delete a policy, you must delete the \
                            policy's versions. The default version is deleted with the policy.";
                return Err(errors::delete_conflict(text).into());
            }
            rows.delete_range(keys::policy_versions(&account, &policy.name).range());
            rows.delete(&keys::policy(&account, &policy.name));
            rows::count_one_less(rows, &account, now, |counts| &mut counts.policies)?;
            rows::count_one_less(rows, &account, now, |counts| &mut counts.policy_versions)
        })
        .await?;
    Ok(Empty)
}

/// Refuses to change AWS's own policies.
pub fn check_own(cx: &Ctx, arn: &str) -> Result<(), Error> {
    let (owner, _, _) = names::policy_arn(arn)?;
    if owner == AWS {
        return Err(errors::not_yours(&cx.principal.arn(), &format!("iam:{}", cx.operation.name), arn));
    }
    Ok(())
}
