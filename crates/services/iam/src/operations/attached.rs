//! Managed policies on users, groups and roles.

use api::Empty;
use api::iam::{
    AttachGroupPolicyRequest, AttachRolePolicyRequest, AttachUserPolicyRequest, AttachedPolicy,
    DetachGroupPolicyRequest, DetachRolePolicyRequest, DetachUserPolicyRequest, ListAttachedGroupPoliciesRequest,
    ListAttachedGroupPoliciesResponse, ListAttachedRolePoliciesRequest, ListAttachedRolePoliciesResponse,
    ListAttachedUserPoliciesRequest, ListAttachedUserPoliciesResponse,
};
use platform::Ctx;
use store::Transaction;
use wire::Error;

use crate::errors;
use crate::keys;
use crate::limits::ATTACHED_POLICIES_MAX;
use crate::managed;
use crate::names::{self, AWS, SERVICE_ROLE_PATH};
use crate::paging::{Page, Paged};
use crate::records::{GroupPart, Identity, Kind, Part, RolePart, UserPart};
use crate::rows::{self, Outcome};
use crate::service::Iam;
use crate::view;

/// Attaches a managed policy to a group.
pub async fn attach_group_policy(service: &Iam, cx: &Ctx, input: AttachGroupPolicyRequest) -> Result<Empty, Error> {
    attach::<GroupPart>(service, cx, input.group_name, input.policy_arn).await
}

/// Attaches a managed policy to a role.
pub async fn attach_role_policy(service: &Iam, cx: &Ctx, input: AttachRolePolicyRequest) -> Result<Empty, Error> {
    attach::<RolePart>(service, cx, input.role_name, input.policy_arn).await
}

/// Attaches a managed policy to a user.
pub async fn attach_user_policy(service: &Iam, cx: &Ctx, input: AttachUserPolicyRequest) -> Result<Empty, Error> {
    attach::<UserPart>(service, cx, input.user_name, input.policy_arn).await
}

/// Detaches a managed policy from a group.
pub async fn detach_group_policy(service: &Iam, cx: &Ctx, input: DetachGroupPolicyRequest) -> Result<Empty, Error> {
    detach::<GroupPart>(service, cx, input.group_name, input.policy_arn).await
}

/// Detaches a managed policy from a role.
pub async fn detach_role_policy(service: &Iam, cx: &Ctx, input: DetachRolePolicyRequest) -> Result<Empty, Error> {
    detach::<RolePart>(service, cx, input.role_name, input.policy_arn).await
}

/// Detaches a managed policy from a user.
pub async fn detach_user_policy(service: &Iam, cx: &Ctx, input: DetachUserPolicyRequest) -> Result<Empty, Error> {
    detach::<UserPart>(service, cx, input.user_name, input.policy_arn).await
}

/// Lists the managed policies of a group.
pub async fn list_attached_group_policies(
    service: &Iam,
    cx: &Ctx,
    input: ListAttachedGroupPoliciesRequest,
) -> Result<ListAttachedGroupPoliciesResponse, Error> {
    let page = Page::of(input.marker.as_deref(), input.max_items)?;
    let page = list::<GroupPart>(service, cx, &input.group_name, &page, input.path_prefix).await?;
    Ok(ListAttachedGroupPoliciesResponse {
        is_truncated: page.is_truncated(),
        attached_policies: Some(page.items),
        marker: page.marker,
    })
}

/// Lists the managed policies of a role.
pub async fn list_attached_role_policies(
    service: &Iam,
    cx: &Ctx,
    input: ListAttachedRolePoliciesRequest,
) -> Result<ListAttachedRolePoliciesResponse, Error> {
    let page = Page::of(input.marker.as_deref(), input.max_items)?;
    let page = list::<RolePart>(service, cx, &input.role_name, &page, input.path_prefix).await?;
    Ok(ListAttachedRolePoliciesResponse {
        is_truncated: page.is_truncated(),
        attached_policies: Some(page.items),
        marker: page.marker,
    })
}

/// Lists the managed policies of a user.
pub async fn list_attached_user_policies(
    service: &Iam,
    cx: &Ctx,
    input: ListAttachedUserPoliciesRequest,
) -> Result<ListAttachedUserPoliciesResponse, Error> {
    let page = Page::of(input.marker.as_deref(), input.max_items)?;
    let page = list::<UserPart>(service, cx, &input.user_name, &page, input.path_prefix).await?;
    Ok(ListAttachedUserPoliciesResponse {
        is_truncated: page.is_truncated(),
        attached_policies: Some(page.items),
        marker: page.marker,
    })
}

/// Refuses to change the role of a service; users and groups are nobody's but the account's.
pub fn check_changeable<P: Part>(identity: &Identity<P>) -> Result<(), Error> {
    if P::KIND == Kind::Role && identity.path.starts_with(SERVICE_ROLE_PATH) {
        return Err(errors::protected_role(&identity.name));
    }
    Ok(())
}

async fn attach<P: Part>(service: &Iam, cx: &Ctx, name: String, arn: String) -> Result<Empty, Error> {
    names::policy_arn(&arn)?;
    let account = cx.account.clone();
    service
        .change(&cx.account, move |rows| {
            let mut identity: Identity<P> = rows::identity(rows, &account, &name)?;
            check_changeable(&identity)?;
            check_attachable(rows, &account, &arn)?;
            put_on(rows, &account, &mut identity, &arn)
        })
        .await?;
    Ok(Empty)
}

/// Attaches a policy to an identity and writes it. One that is attached already stays so.
pub fn put_on<P: Part>(
    rows: &mut dyn Transaction,
    account: &str,
    identity: &mut Identity<P>,
    arn: &str,
) -> Outcome<()> {
    if !identity.attached.insert(arn.to_owned()) {
        return Ok(());
    }
    if identity.attached.len() > ATTACHED_POLICIES_MAX {
        let quota = format!("PoliciesPer{}", P::KIND.title());
        return Err(errors::quota(&quota, ATTACHED_POLICIES_MAX).into());
    }
    rows::put(rows, &keys::attached(account, arn, P::KIND, &identity.name), &identity.name)?;
    rows::count_policy_use(rows, account, arn, |count| count.attachments += 1)?;
    rows::put_identity(rows, account, identity)
}

/// Detaches a policy from an identity and writes it.
pub fn take_off<P: Part>(
    rows: &mut dyn Transaction,
    account: &str,
    identity: &mut Identity<P>,
    arn: &str,
) -> Outcome<()> {
    if !identity.attached.remove(arn) {
        return Err(errors::policy_absent(arn).into());
    }
    rows.delete(&keys::attached(account, arn, P::KIND, &identity.name));
    rows::count_policy_use(rows, account, arn, |count| count.attachments = count.attachments.saturating_sub(1))?;
    rows::put_identity(rows, account, identity)
}

fn check_attachable(rows: &mut dyn Transaction, account: &str, arn: &str) -> Outcome<()> {
    if names::policy_arn(arn)?.0 == AWS {
        let policy = managed::find(arn).ok_or_else(|| errors::policy_not_attachable(arn))?;
        return if policy.is_for_service_roles() { Err(errors::service_role_policy().into()) } else { Ok(()) };
    }
    match rows::policy(rows, account, arn)? {
        Some(_) => Ok(()),
        None => Err(errors::policy_not_attachable(arn).into()),
    }
}

async fn detach<P: Part>(service: &Iam, cx: &Ctx, name: String, arn: String) -> Result<Empty, Error> {
    names::policy_arn(&arn)?;
    let account = cx.account.clone();
    service
        .change(&cx.account, move |rows| {
            let mut identity: Identity<P> = rows::identity(rows, &account, &name)?;
            check_changeable(&identity)?;
            take_off(rows, &account, &mut identity, &arn)
        })
        .await?;
    Ok(Empty)
}

async fn list<P: Part>(
    service: &Iam,
    cx: &Ctx,
    name: &str,
    page: &Page,
    path_prefix: Option<String>,
) -> Result<Paged<AttachedPolicy>, Error> {
    let identity: Identity<P> = rows::get_identity(&service.snapshot().await?, &cx.account, name).await?;
    let prefix = path_prefix.unwrap_or_default();
    let of_path = |arn: &String| names::policy_arn(arn).is_ok_and(|(_, path, _)| path.starts_with(&prefix));
    let arns = identity.attached.into_iter().filter(of_path).collect();
    let cut = page.cut(arns, |arn: &String| arn.as_str());
    Ok(Paged { items: cut.items.iter().map(|arn| view::attached_policy(arn)).collect(), marker: cut.marker })
}
