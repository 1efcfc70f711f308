//! Policies written into users, groups and roles.

use api::Empty;
use api::iam::{
    DeleteGroupPolicyRequest, DeleteRolePolicyRequest, DeleteUserPolicyRequest, GetGroupPolicyRequest,
    GetGroupPolicyResponse, GetRolePolicyRequest, GetRolePolicyResponse, GetUserPolicyRequest, GetUserPolicyResponse,
    ListGroupPoliciesRequest, ListGroupPoliciesResponse, ListRolePoliciesRequest, ListRolePoliciesResponse,
    ListUserPoliciesRequest, ListUserPoliciesResponse, PutGroupPolicyRequest, PutRolePolicyRequest,
    PutUserPolicyRequest,
};
use platform::Ctx;
use store::Snapshot;
use wire::Error;

use super::attached::check_changeable;
use crate::documents::{self, encoded};
use crate::errors;
use crate::keys;
use crate::names;
use crate::paging::{Page, Paged};
use crate::records::{GroupPart, Identity, Part, RolePart, UserPart};
use crate::rows;
use crate::service::Iam;

/// Writes a policy into a group.
pub async fn put_group_policy(service: &Iam, cx: &Ctx, input: PutGroupPolicyRequest) -> Result<Empty, Error> {
    put::<GroupPart>(service, cx, input.group_name, input.policy_name, input.policy_document).await
}

/// Writes a policy into a role.
pub async fn put_role_policy(service: &Iam, cx: &Ctx, input: PutRolePolicyRequest) -> Result<Empty, Error> {
    put::<RolePart>(service, cx, input.role_name, input.policy_name, input.policy_document).await
}

/// Writes a policy into a user.
pub async fn put_user_policy(service: &Iam, cx: &Ctx, input: PutUserPolicyRequest) -> Result<Empty, Error> {
    put::<UserPart>(service, cx, input.user_name, input.policy_name, input.policy_document).await
}

/// Removes a policy from a group.
pub async fn delete_group_policy(service: &Iam, cx: &Ctx, input: DeleteGroupPolicyRequest) -> Result<Empty, Error> {
    delete::<GroupPart>(service, cx, input.group_name, input.policy_name).await
}

/// Removes a policy from a role.
pub async fn delete_role_policy(service: &Iam, cx: &Ctx, input: DeleteRolePolicyRequest) -> Result<Empty, Error> {
    delete::<RolePart>(service, cx, input.role_name, input.policy_name).await
}

/// Removes a policy from a user.
pub async fn delete_user_policy(service: &Iam, cx: &Ctx, input: DeleteUserPolicyRequest) -> Result<Empty, Error> {
    delete::<UserPart>(service, cx, input.user_name, input.policy_name).await
}

/// Shows a policy of a group.
pub async fn get_group_policy(
    service: &Iam,
    cx: &Ctx,
    input: GetGroupPolicyRequest,
) -> Result<GetGroupPolicyResponse, Error> {
    let policy_document = get::<GroupPart>(service, cx, &input.group_name, &input.policy_name).await?;
    Ok(GetGroupPolicyResponse { group_name: input.group_name, policy_name: input.policy_name, policy_document })
}

/// Shows a policy of a role.
pub async fn get_role_policy(
    service: &Iam,
    cx: &Ctx,
    input: GetRolePolicyRequest,
) -> Result<GetRolePolicyResponse, Error> {
    let policy_document = get::<RolePart>(service, cx, &input.role_name, &input.policy_name).await?;
    Ok(GetRolePolicyResponse { role_name: input.role_name, policy_name: input.policy_name, policy_document })
}

/// Shows a policy of a user.
pub async fn get_user_policy(
    service: &Iam,
    cx: &Ctx,
    input: GetUserPolicyRequest,
) -> Result<GetUserPolicyResponse, Error> {
    let policy_document = get::<UserPart>(service, cx, &input.user_name, &input.policy_name).await?;
    Ok(GetUserPolicyResponse { user_name: input.user_name, policy_name: input.policy_name, policy_document })
}

/// Lists the names of a group's policies.
pub async fn list_group_policies(
    service: &Iam,
    cx: &Ctx,
    input: ListGroupPoliciesRequest,
) -> Result<ListGroupPoliciesResponse, Error> {
    let page = Page::of(input.marker.as_deref(), input.max_items)?;
    let page = list::<GroupPart>(service, cx, &input.group_name, &page).await?;
    Ok(ListGroupPoliciesResponse { is_truncated: page.is_truncated(), policy_names: page.items, marker: page.marker })
}

/// Lists the names of a role's policies.
pub async fn list_role_policies(
    service: &Iam,
    cx: &Ctx,
    input: ListRolePoliciesRequest,
) -> Result<ListRolePoliciesResponse, Error> {
    let page = Page::of(input.marker.as_deref(), input.max_items)?;
    let page = list::<RolePart>(service, cx, &input.role_name, &page).await?;
    Ok(ListRolePoliciesResponse { is_truncated: page.is_truncated(), policy_names: page.items, marker: page.marker })
}

/// Lists the names of a user's policies.
pub async fn list_user_policies(
    service: &Iam,
    cx: &Ctx,
    input: ListUserPoliciesRequest,
) -> Result<ListUserPoliciesResponse, Error> {
    let page = Page::of(input.marker.as_deref(), input.max_items)?;
    let page = list::<UserPart>(service, cx, &input.user_name, &page).await?;
    Ok(ListUserPoliciesResponse { is_truncated: page.is_truncated(), policy_names: page.items, marker: page.marker })
}

async fn put<P: Part>(service: &Iam, cx: &Ctx, name: String, policy: String, document: String) -> Result<Empty, Error> {
    names::check_name("policyName", &policy)?;
    let characters = documents::check_inline(&document)?;
    let account = cx.account.clone();
    service
        .change(&cx.account, move |rows| {
            let mut identity: Identity<P> = rows::identity(rows, &account, &name)?;
            check_changeable(&identity)?;
            identity.inline.insert(policy.clone(), characters);
            documents::check_inline_sum(P::KIND, &name, identity.inline.values().sum())?;
            rows::put(rows, &keys::inline(&account, P::KIND, &name, &policy), &document)?;
            rows::put_identity(rows, &account, &identity)
        })
        .await?;
    Ok(Empty)
}

async fn delete<P: Part>(service: &Iam, cx: &Ctx, name: String, policy: String) -> Result<Empty, Error> {
    names::check_name("policyName", &policy)?;
    let account = cx.account.clone();
    service
        .change(&cx.account, move |rows| {
            let mut identity: Identity<P> = rows::identity(rows, &account, &name)?;
            check_changeable(&identity)?;
            if identity.inline.remove(&policy).is_none() {
                return Err(errors::inline_policy_absent(P::KIND, &policy).into());
            }
            rows.delete(&keys::inline(&account, P::KIND, &name, &policy));
            rows::put_identity(rows, &account, &identity)
        })
        .await?;
    Ok(Empty)
}

async fn get<P: Part>(service: &Iam, cx: &Ctx, name: &str, policy: &str) -> Result<String, Error> {
    names::check_name("policyName", policy)?;
    let snapshot = service.snapshot().await?;
    let identity: Identity<P> = rows::get_identity(&snapshot, &cx.account, name).await?;
    Ok(encoded(&document(&snapshot, &cx.account, &identity, policy).await?))
}

/// The document of an inline policy, as it was given.
pub async fn document<P: Part>(
    snapshot: &Snapshot,
    account: &str,
    identity: &Identity<P>,
    policy: &str,
) -> Result<String, Error> {
    let key = keys::inline(account, P::KIND, &identity.name, policy);
    rows::get(snapshot, &key).await?.ok_or_else(|| errors::inline_policy_absent(P::KIND, policy))
}

async fn list<P: Part>(service: &Iam, cx: &Ctx, name: &str, page: &Page) -> Result<Paged<String>, Error> {
    let identity: Identity<P> = rows::get_identity(&service.snapshot().await?, &cx.account, name).await?;
    Ok(page.cut(identity.inline.into_keys().collect(), |policy: &String| policy.as_str()))
}
