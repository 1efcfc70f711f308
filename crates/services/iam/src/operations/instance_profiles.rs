//! Instance profiles: what hands a role to a virtual machine.

use api::Empty;
use api::iam::{
    AddRoleToInstanceProfileRequest, CreateInstanceProfileRequest, CreateInstanceProfileResponse,
    DeleteInstanceProfileRequest, GetInstanceProfileRequest, GetInstanceProfileResponse, InstanceProfile as Shown,
    ListInstanceProfilesForRoleRequest, ListInstanceProfilesForRoleResponse, ListInstanceProfilesRequest,
    ListInstanceProfilesResponse, RemoveRoleFromInstanceProfileRequest,
};
use platform::Ctx;
use store::{Snapshot, Transaction};
use wire::Error;

use super::roles::check_not_linked;
use crate::errors;
use crate::keys;
use crate::limits::{INSTANCE_PROFILES_MAX, ROLES_PER_INSTANCE_PROFILE_MAX};
use crate::names;
use crate::paging::Page;
use crate::records::{InstanceProfile, Role};
use crate::rows::{self, Outcome};
use crate::service::Iam;
use crate::tags::{Case, Tags};
use crate::view;

/// What the unique ids of instance profiles begin with.
const ID_PREFIX: &str = "AIPA";

/// Makes an instance profile without a role.
pub async fn create_instance_profile(
    service: &Iam,
    cx: &Ctx,
    input: CreateInstanceProfileRequest,
) -> Result<CreateInstanceProfileResponse, Error> {
    names::check_name("instanceProfileName", &input.instance_profile_name)?;
    let profile = InstanceProfile {
        path: names::path("path", input.path)?,
        id: service.unique_id(ID_PREFIX),
        created: service.now(),
        roles: Vec::new(),
        tags: Tags::new(input.tags.as_deref(), Case::Sensitive)?,
        name: input.instance_profile_name,
    };
    let shown = Shown {
        tags: input.tags.filter(|tags| !tags.is_empty()),
        ..view::instance_profile(&cx.account, &profile, &[], false)
    };
    let (account, now) = (cx.account.clone(), service.now());
    service
        .change(&cx.account, move |rows| {
            let key = keys::instance_profile(&account, &profile.name);
            if rows.get(&key)?.is_some() {
                return Err(errors::exists(format!("Instance Profile {} already exists.", profile.name)).into());
            }
            let quota = ("InstanceProfilesPerAccount", INSTANCE_PROFILES_MAX);
            rows::count_one_more(rows, &account, now, quota, |counts| &mut counts.instance_profiles)?;
            rows::put(rows, &key, &profile)
        })
        .await?;
    Ok(CreateInstanceProfileResponse { instance_profile: shown })
}

/// Shows an instance profile.
pub async fn get_instance_profile(
    service: &Iam,
    cx: &Ctx,
    input: GetInstanceProfileRequest,
) -> Result<GetInstanceProfileResponse, Error> {
    let name = &input.instance_profile_name;
    names::check_name("instanceProfileName", name)?;
    let snapshot = service.snapshot().await?;
    let profile: Option<InstanceProfile> = rows::get(&snapshot, &keys::instance_profile(&cx.account, name)).await?;
    let profile = profile.filter(|profile| profile.name == *name).ok_or_else(|| absent(name))?;
    let shown = shown(&snapshot, &cx.account, &profile, true).await?;
    Ok(GetInstanceProfileResponse { instance_profile: shown })
}

/// Lists instance profiles by name.
pub async fn list_instance_profiles(
    service: &Iam,
    cx: &Ctx,
    input: ListInstanceProfilesRequest,
) -> Result<ListInstanceProfilesResponse, Error> {
    let page = Page::of(input.marker.as_deref(), input.max_items)?;
    let prefix = input.path_prefix.unwrap_or_default();
    let snapshot = service.snapshot().await?;
    let wanted = |profile: &InstanceProfile| profile.path.starts_with(&prefix);
    let page = rows::page(&snapshot, &keys::instance_profiles(&cx.account), &page, wanted).await?;
    let mut listed = Vec::with_capacity(page.items.len());
    for profile in &page.items {
        listed.push(shown(&snapshot, &cx.account, profile, false).await?);
    }
    Ok(ListInstanceProfilesResponse {
        instance_profiles: listed,
        is_truncated: page.is_truncated(),
        marker: page.marker,
    })
}

/// Lists the instance profiles that a role is in, by name.
pub async fn list_instance_profiles_for_role(
    service: &Iam,
    cx: &Ctx,
    input: ListInstanceProfilesForRoleRequest,
) -> Result<ListInstanceProfilesForRoleResponse, Error> {
    let page = Page::of(input.marker.as_deref(), input.max_items)?;
    let snapshot = service.snapshot().await?;
    let role: Role = rows::get_identity(&snapshot, &cx.account, &input.role_name).await?;
    let prefix = keys::role_profiles(&cx.account, &role.name);
    let page = rows::page(&snapshot, &prefix, &page, |_: &String| true).await?;
    let mut listed = Vec::with_capacity(page.items.len());
    for name in &page.items {
        let profile = rows::get(&snapshot, &keys::instance_profile(&cx.account, name)).await?;
        let profile = profile.ok_or_else(|| absent(name))?;
        listed.push(shown(&snapshot, &cx.account, &profile, false).await?);
    }
    Ok(ListInstanceProfilesForRoleResponse {
        instance_profiles: listed,
        is_truncated: page.is_truncated(),
        marker: page.marker,
    })
}

/// Puts a role into an instance profile, which has room for one.
pub async fn add_role_to_instance_profile(
    service: &Iam,
    cx: &Ctx,
    input: AddRoleToInstanceProfileRequest,
) -> Result<Empty, Error> {
    let account = cx.account.clone();
    service
        .change(&cx.account, move |rows| {
            let mut profile = profile(rows, &account, &input.instance_profile_name)?;
            let role: Role = rows::identity(rows, &account, &input.role_name)?;
            check_not_linked(&role)?;
            if profile.roles.len() >= ROLES_PER_INSTANCE_PROFILE_MAX {
                let max = ROLES_PER_INSTANCE_PROFILE_MAX;
                return Err(errors::quota("InstanceSessionsPerInstanceProfile", max).into());
            }
            rows::put(rows, &keys::role_profile(&account, &role.name, &profile.name), &profile.name)?;
            profile.roles.push(role.name);
            rows::put(rows, &keys::instance_profile(&account, &profile.name), &profile)
        })
        .await?;
    Ok(Empty)
}

/// Takes a role out of an instance profile.
pub async fn remove_role_from_instance_profile(
    service: &Iam,
    cx: &Ctx,
    input: RemoveRoleFromInstanceProfileRequest,
) -> Result<Empty, Error> {
    let account = cx.account.clone();
    service
        .change(&cx.account, move |rows| {
            let mut profile = profile(rows, &account, &input.instance_profile_name)?;
            let role: Role = rows::identity(rows, &account, &input.role_name)?;
            if !profile.roles.contains(&role.name) {
                return Err(errors::identity_absent(crate::records::Kind::Role, &role.name).into());
            }
            profile.roles.retain(|name| *name != role.name);
            rows.delete(&keys::role_profile(&account, &role.name, &profile.name));
            rows::put(rows, &keys::instance_profile(&account, &profile.name), &profile)
        })
        .await?;
    Ok(Empty)
}

/// Removes an instance profile without a role.
pub async fn delete_instance_profile(
    service: &Iam,
    cx: &Ctx,
    input: DeleteInstanceProfileRequest,
) -> Result<Empty, Error> {
    let (account, now) = (cx.account.clone(), service.now());
    service
        .change(&cx.account, move |rows| {
            let profile = profile(rows, &account, &input.instance_profile_name)?;
            if !profile.roles.is_empty() {
                return Err(errors::still_in_use("remove roles from instance profile").into());
            }
            rows.delete(&keys::instance_profile(&account, &profile.name));
            rows::count_one_less(rows, &account, now, |counts| &mut counts.instance_profiles)
        })
        .await?;
    Ok(Empty)
}

/// An instance profile with its roles.
pub async fn shown(snapshot: &Snapshot, account: &str, profile: &InstanceProfile, full: bool) -> Result<Shown, Error> {
    let mut roles: Vec<Role> = Vec::with_capacity(profile.roles.len());
    for name in &profile.roles {
        roles.push(rows::get_identity(snapshot, account, name).await?);
    }
    Ok(view::instance_profile(account, profile, &roles, full))
}

/// No such instance profile.
pub fn absent(name: &str) -> Error {
    errors::no_such_entity(format!("Instance Profile {name} cannot be found."))
}

/// The instance profile of that name inside a transaction.
pub fn profile(rows: &mut dyn Transaction, account: &str, name: &str) -> Outcome<InstanceProfile> {
    names::check_name("instanceProfileName", name)?;
    let found: Option<InstanceProfile> = rows::read(rows, &keys::instance_profile(account, name))?;
    Ok(found.filter(|profile| profile.name == name).ok_or_else(|| absent(name))?)
}
