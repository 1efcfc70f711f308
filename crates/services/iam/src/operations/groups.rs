//! Groups of users.

use std::collections::BTreeSet;

use api::Empty;
use api::iam::{
    CreateGroupRequest, CreateGroupResponse, DeleteGroupRequest, GetGroupRequest, GetGroupResponse, ListGroupsRequest,
    ListGroupsResponse, UpdateGroupRequest,
};
use platform::Ctx;
use wire::Error;

use super::identities::{self, Move};
use crate::errors;
use crate::keys;
use crate::limits::GROUPS_MAX;
use crate::names;
use crate::paging::{Page, Paged};
use crate::records::{Group, GroupPart, Kind, User};
use crate::rows;
use crate::service::Iam;
use crate::tags::Tags;
use crate::view::{self, Extent};

/// Makes a group.
pub async fn create_group(service: &Iam, cx: &Ctx, input: CreateGroupRequest) -> Result<CreateGroupResponse, Error> {
    names::check_name("groupName", &input.group_name)?;
    let group = Group {
        path: names::own_path("path", input.path)?,
        id: service.unique_id(Kind::Group.id_prefix()),
        created: service.now(),
        inline: Default::default(),
        attached: BTreeSet::new(),
        boundary: None,
        tags: Tags::default(),
        part: GroupPart::default(),
        name: input.group_name,
    };
    let shown = view::group(&cx.account, &group);
    let (account, now) = (cx.account.clone(), service.now());
    service
        .change(&cx.account, move |rows| {
            identities::check_free::<GroupPart>(rows, &account, &group.name)?;
            rows::count_one_more(rows, &account, now, ("GroupsPerAccount", GROUPS_MAX), |counts| &mut counts.groups)?;
            rows::put(rows, &keys::unique_id(&account, &group.id), &group.name)?;
            rows::put_identity(rows, &account, &group)
        })
        .await?;
    Ok(CreateGroupResponse { group: shown })
}

/// Shows a group and its members, by name.
pub async fn get_group(service: &Iam, cx: &Ctx, input: GetGroupRequest) -> Result<GetGroupResponse, Error> {
    let page = Page::of(input.marker.as_deref(), input.max_items)?;
    let snapshot = service.snapshot().await?;
    let group: Group = rows::get_identity(&snapshot, &cx.account, &input.group_name).await?;
    let members: Paged<String> =
        rows::page(&snapshot, &keys::members(&cx.account, &group.id), &page, |_: &String| true).await?;
    let mut users = Vec::with_capacity(members.items.len());
    for name in &members.items {
        let user: User = rows::get_identity(&snapshot, &cx.account, name).await?;
        users.push(view::user(&cx.account, &user, Extent::Listed));
    }
    Ok(GetGroupResponse {
        group: view::group(&cx.account, &group),
        users,
        is_truncated: members.is_truncated(),
        marker: members.marker,
    })
}

/// Lists groups by name.
pub async fn list_groups(service: &Iam, cx: &Ctx, input: ListGroupsRequest) -> Result<ListGroupsResponse, Error> {
    let page = Page::of(input.marker.as_deref(), input.max_items)?;
    let prefix = input.path_prefix.unwrap_or_default();
    let snapshot = service.snapshot().await?;
    let wanted = |group: &Group| group.path.starts_with(&prefix);
    let page = rows::page(&snapshot, &keys::identities(&cx.account, Kind::Group), &page, wanted).await?;
    Ok(ListGroupsResponse {
        is_truncated: page.is_truncated(),
        groups: page.items.iter().map(|group| view::group(&cx.account, group)).collect(),
        marker: page.marker,
    })
}

/// Gives a group another name or path.
pub async fn update_group(service: &Iam, cx: &Ctx, input: UpdateGroupRequest) -> Result<Empty, Error> {
    let to = Move::new(Kind::Group, input.new_group_name, input.new_path)?;
    let account = cx.account.clone();
    service
        .change(&cx.account, move |rows| {
            let group: Group = rows::identity(rows, &account, &input.group_name)?;
            let moved = identities::move_to(rows, &account, &group, &to)?;
            rows::put(rows, &keys::unique_id(&account, &moved.id), &moved.name)
        })
        .await?;
    Ok(Empty)
}

/// Removes a group without members and policies.
pub async fn delete_group(service: &Iam, cx: &Ctx, input: DeleteGroupRequest) -> Result<Empty, Error> {
    let (account, now) = (cx.account.clone(), service.now());
    service
        .change(&cx.account, move |rows| {
            let group: Group = rows::identity(rows, &account, &input.group_name)?;
            if !rows::is_empty(rows, keys::members(&account, &group.id).range())? {
                return Err(errors::still_in_use("remove users from group").into());
            }
            identities::check_no_policies(&group)?;
            rows.delete(&keys::identity(&account, Kind::Group, &group.name));
            rows.delete(&keys::unique_id(&account, &group.id));
            rows::count_one_less(rows, &account, now, |counts| &mut counts.groups)
        })
        .await?;
    Ok(Empty)
}
