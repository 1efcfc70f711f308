//! Who a managed policy is on.

use api::iam::{ListEntitiesForPolicyRequest, ListEntitiesForPolicyResponse, PolicyGroup, PolicyRole, PolicyUser};
use platform::Ctx;
use store::Snapshot;
use store::keys::Key;
use wire::Error;

use crate::errors;
use crate::keys;
use crate::managed;
use crate::names::{self, AWS};
use crate::paging::Page;
use crate::records::{Group, Kind, Role, User};
use crate::rows;
use crate::service::Iam;

/// Somebody a policy is on: groups come first, then roles, then users, each by name.
struct Entity {
    /// Sorts and marks: the kind's letter and the name.
    key: String,
    kind: Kind,
    name: String,
    id: String,
}

/// Lists the users, groups and roles that a policy is attached to or bounds.
pub async fn list_entities_for_policy(
    service: &Iam,
    cx: &Ctx,
    input: ListEntitiesForPolicyRequest,
) -> Result<ListEntitiesForPolicyResponse, Error> {
    let page = Page::of(input.marker.as_deref(), input.max_items)?;
    let arn = &input.policy_arn;
    let snapshot = service.snapshot().await?;
    let known = match names::policy_arn(arn)?.0 {
        AWS => managed::find(arn).is_some(),
        _ => rows::get_policy(&snapshot, &cx.account, arn).await?.is_some(),
    };
    if !known {
        return Err(errors::policy_absent(arn));
    }
    let usage = input.policy_usage_filter.as_deref();
    let mut entities = Vec::new();
    if usage != Some("PermissionsBoundary") {
        entities.extend(read(&snapshot, cx, &keys::attachments(&cx.account, arn), &input).await?);
    }
    if usage != Some("PermissionsPolicy") {
        entities.extend(read(&snapshot, cx, &keys::bounds(&cx.account, arn), &input).await?);
    }
    entities.sort_by(|left: &Entity, right: &Entity| left.key.cmp(&right.key));
    entities.dedup_by(|left, right| left.key == right.key);
    let page = page.cut(entities, |entity| entity.key.as_str());
    let of = |kind: Kind| page.items.iter().filter(move |entity| entity.kind == kind);
    let (name, id) = (|entity: &Entity| Some(entity.name.clone()), |entity: &Entity| Some(entity.id.clone()));
    Ok(ListEntitiesForPolicyResponse {
        policy_groups: Some(
            of(Kind::Group).map(|one| PolicyGroup { group_name: name(one), group_id: id(one) }).collect(),
        ),
        policy_users: Some(of(Kind::User).map(|one| PolicyUser { user_name: name(one), user_id: id(one) }).collect()),
        policy_roles: Some(of(Kind::Role).map(|one| PolicyRole { role_name: name(one), role_id: id(one) }).collect()),
        is_truncated: page.is_truncated(),
        marker: page.marker,
    })
}

async fn read(
    snapshot: &Snapshot,
    cx: &Ctx,
    prefix: &Key,
    input: &ListEntitiesForPolicyRequest,
) -> Result<Vec<Entity>, Error> {
    let wanted = |kind: &str| input.entity_filter.as_deref().is_none_or(|filter| filter == kind);
    let path_prefix = input.path_prefix.as_deref().unwrap_or_default();
    let mut entities = Vec::new();
    for (key, name) in rows::all::<String>(snapshot, prefix).await? {
        let kind = rows::key_part(keys::read_attached(&key))?.0;
        let found = if kind == Kind::User as u8 && wanted("User") {
            let user: User = rows::get_identity(snapshot, &cx.account, &name).await?;
            Some(("c", Kind::User, user.path, user.id))
        } else if kind == Kind::Group as u8 && wanted("Group") {
            let group: Group = rows::get_identity(snapshot, &cx.account, &name).await?;
            Some(("a", Kind::Group, group.path, group.id))
        } else if kind == Kind::Role as u8 && wanted("Role") {
            let role: Role = rows::get_identity(snapshot, &cx.account, &name).await?;
            Some(("b", Kind::Role, role.path, role.id))
        } else {
            None
        };
        let found = found.filter(|(_, _, path, _)| path.starts_with(path_prefix));
        entities.extend(found.map(|(order, kind, _, id)| Entity { key: format!("{order}{name}"), kind, name, id }));
    }
    Ok(entities)
}
