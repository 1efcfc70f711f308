//! Roles.

use api::Empty;
use api::iam::{
    CreateRoleRequest, CreateRoleResponse, DeleteRoleRequest, GetRoleRequest, GetRoleResponse, ListRolesRequest,
    ListRolesResponse, Role as Shown, UpdateAssumeRolePolicyRequest, UpdateRoleDescriptionRequest,
    UpdateRoleDescriptionResponse, UpdateRoleRequest, UpdateRoleResponse,
};
use platform::Ctx;
use store::{Abort, Transaction};
use wire::Error;

use super::boundaries::{self, Boundary};
use super::identities;
use crate::documents;
use crate::errors;
use crate::keys;
use crate::limits::{ROLES_MAX, SESSION_SECONDS_DEFAULT};
use crate::names;
use crate::paging::Page;
use crate::records::{Kind, Role, RolePart};
use crate::rows;
use crate::service::Iam;
use crate::tags::{Case, Tags};
use crate::view::{self, Extent};

/// Makes a role.
pub async fn create_role(service: &Iam, cx: &Ctx, input: CreateRoleRequest) -> Result<CreateRoleResponse, Error> {
    names::check_name("roleName", &input.role_name)?;
    documents::check_trust(&input.assume_role_policy_document)?;
    let role = Role {
        path: names::own_path("path", input.path)?,
        id: service.unique_id(Kind::Role.id_prefix()),
        created: service.now(),
        inline: Default::default(),
        attached: Default::default(),
        boundary: None,
        tags: Tags::new(input.tags.as_deref(), Case::Insensitive)?,
        part: RolePart {
            trust: input.assume_role_policy_document,
            description: input.description.filter(|text| !text.is_empty()),
            session_seconds_max: input.max_session_duration.unwrap_or(SESSION_SECONDS_DEFAULT),
            linked_service: None,
        },
        name: input.role_name,
    };
    let boundary = input.permissions_boundary.map(Boundary::parse).transpose()?;
    let (account, now) = (cx.account.clone(), service.now());
    let role = service
        .change(&cx.account, move |rows| {
            let mut role = role.clone();
            identities::check_free::<RolePart>(rows, &account, &role.name)?;
            rows::count_one_more(rows, &account, now, ("RolesPerAccount", ROLES_MAX), |counts| &mut counts.roles)?;
            if let Some(boundary) = &boundary {
                boundaries::set(rows, &account, &mut role, boundary)?;
            }
            rows::put_identity(rows, &account, &role)?;
            Ok(role)
        })
        .await?;
    let shown = Shown {
        permissions_boundary: view::boundary(role.boundary.as_ref()),
        tags: input.tags.filter(|tags| !tags.is_empty()),
        ..view::role(&cx.account, &role, Extent::Brief, None)
    };
    Ok(CreateRoleResponse { role: shown })
}

/// Shows a role.
pub async fn get_role(service: &Iam, cx: &Ctx, input: GetRoleRequest) -> Result<GetRoleResponse, Error> {
    let role: Role = rows::get_identity(&service.snapshot().await?, &cx.account, &input.role_name).await?;
    let used = service.last_use(&keys::role_use(&cx.account, &role.id)).await?;
    Ok(GetRoleResponse { role: view::role(&cx.account, &role, Extent::Full, used) })
}

/// Lists roles by name.
pub async fn list_roles(service: &Iam, cx: &Ctx, input: ListRolesRequest) -> Result<ListRolesResponse, Error> {
    let page = Page::of(input.marker.as_deref(), input.max_items)?;
    let prefix = input.path_prefix.unwrap_or_default();
    let snapshot = service.snapshot().await?;
    let wanted = |role: &Role| role.path.starts_with(&prefix);
    let page = rows::page(&snapshot, &keys::identities(&cx.account, Kind::Role), &page, wanted).await?;
    Ok(ListRolesResponse {
        is_truncated: page.is_truncated(),
        roles: page.items.iter().map(|role| view::role(&cx.account, role, Extent::Listed, None)).collect(),
        marker: page.marker,
    })
}

/// Changes what a role is for and how long its sessions may live; what is not given stays as it is.
pub async fn update_role(service: &Iam, cx: &Ctx, input: UpdateRoleRequest) -> Result<UpdateRoleResponse, Error> {
    let account = cx.account.clone();
    service
        .change(&cx.account, move |rows| {
            change_role(rows, &account, &input.role_name, |_, role| {
                if let Some(description) = &input.description {
                    role.part.description = Some(description.clone()).filter(|text| !text.is_empty());
                }
                if let Some(seconds) = input.max_session_duration {
                    role.part.session_seconds_max = seconds;
                }
                Ok(())
            })
        })
        .await?;
    Ok(UpdateRoleResponse::default())
}

/// Changes what a role is for.
pub async fn update_role_description(
    service: &Iam,
    cx: &Ctx,
    input: UpdateRoleDescriptionRequest,
) -> Result<UpdateRoleDescriptionResponse, Error> {
    let account = cx.account.clone();
    let role = service
        .change(&cx.account, move |rows| {
            change_role(rows, &account, &input.role_name, |_, role| {
                role.part.description = Some(input.description.clone()).filter(|text| !text.is_empty());
                Ok(role.clone())
            })
        })
        .await?;
    let shown =
        Shown { description: role.part.description.clone(), ..view::role(&cx.account, &role, Extent::Brief, None) };
    Ok(UpdateRoleDescriptionResponse { role: Some(shown) })
}

/// Replaces a role's trust policy.
pub async fn update_assume_role_policy(
    service: &Iam,
    cx: &Ctx,
    input: UpdateAssumeRolePolicyRequest,
) -> Result<Empty, Error> {
    documents::check_trust(&input.policy_document)?;
    let account = cx.account.clone();
    service
        .change(&cx.account, move |rows| {
            change_role(rows, &account, &input.role_name, |_, role| {
                role.part.trust.clone_from(&input.policy_document);
                Ok(())
            })
        })
        .await?;
    Ok(Empty)
}

/// Removes a role that nothing hangs on any more.
pub async fn delete_role(service: &Iam, cx: &Ctx, input: DeleteRoleRequest) -> Result<Empty, Error> {
    let (account, now) = (cx.account.clone(), service.now());
    service
        .change(&cx.account, move |rows| {
            let role: Role = rows::identity(rows, &account, &input.role_name)?;
            check_not_linked(&role)?;
            if !rows::is_empty(rows, keys::role_profiles(&account, &role.name).range())? {
                return Err(errors::still_in_use("remove roles from instance profile").into());
            }
            identities::check_no_policies(&role)?;
            remove(rows, &account, &role)?;
            rows::count_one_less(rows, &account, now, |counts| &mut counts.roles)
        })
        .await?;
    Ok(Empty)
}

/// Removes the rows of a role without policies.
pub fn remove(rows: &mut dyn Transaction, account: &str, role: &Role) -> Result<(), Abort<Error>> {
    boundaries::clear(rows, account, &mut role.clone())?;
    rows.delete(&keys::identity(account, Kind::Role, &role.name));
    rows.delete(&keys::role_use(account, &role.id));
    Ok(())
}

/// Refuses to change a service's own role.
pub fn check_not_linked(role: &Role) -> Result<(), Error> {
    match role.part.linked_service {
        Some(_) => Err(errors::protected_role(&role.name)),
        None => Ok(()),
    }
}

/// The role of that name, changed and written.
fn change_role<R>(
    rows: &mut dyn Transaction,
    account: &str,
    name: &str,
    change: impl FnOnce(&mut dyn Transaction, &mut Role) -> Result<R, Abort<Error>>,
) -> Result<R, Abort<Error>> {
    let mut role: Role = rows::identity(rows, account, name)?;
    check_not_linked(&role)?;
    let result = change(rows, &mut role)?;
    rows::put_identity(rows, account, &role)?;
    Ok(result)
}
