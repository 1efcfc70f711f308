//! Users in groups.

use api::Empty;
use api::iam::{
    AddUserToGroupRequest, ListGroupsForUserRequest, ListGroupsForUserResponse, RemoveUserFromGroupRequest,
};
use platform::Ctx;
use wire::Error;

use super::users::change_user;
use crate::errors;
use crate::keys;
use crate::limits::GROUPS_PER_USER_MAX;
use crate::paging::Page;
use crate::records::{Group, User};
use crate::rows;
use crate::service::Iam;
use crate::view;

/// Adds a user to a group; one that is in it already stays there.
pub async fn add_user_to_group(service: &Iam, cx: &Ctx, input: AddUserToGroupRequest) -> Result<Empty, Error> {
    let account = cx.account.clone();
    service
        .change(&cx.account, move |rows| {
            change_user(rows, &account, &input.user_name, |rows, user| {
                let group: Group = rows::identity(rows, &account, &input.group_name)?;
                user.part.groups.insert(group.id.clone());
                if user.part.groups.len() > GROUPS_PER_USER_MAX {
                    return Err(errors::quota("GroupsPerUser", GROUPS_PER_USER_MAX).into());
                }
                rows::put(rows, &keys::member(&account, &group.id, &user.name), &user.name)
            })
        })
        .await?;
    Ok(Empty)
}

/// Takes a user out of a group; one that is not in it is of no account.
pub async fn remove_user_from_group(
    service: &Iam,
    cx: &Ctx,
    input: RemoveUserFromGroupRequest,
) -> Result<Empty, Error> {
    let account = cx.account.clone();
    service
        .change(&cx.account, move |rows| {
            change_user(rows, &account, &input.user_name, |rows, user| {
                let group: Group = rows::identity(rows, &account, &input.group_name)?;
                user.part.groups.remove(&group.id);
                rows.delete(&keys::member(&account, &group.id, &user.name));
                Ok(())
            })
        })
        .await?;
    Ok(Empty)
}

/// Lists the groups a user is in, by name.
pub async fn list_groups_for_user(
    service: &Iam,
    cx: &Ctx,
    input: ListGroupsForUserRequest,
) -> Result<ListGroupsForUserResponse, Error> {
    let page = Page::of(input.marker.as_deref(), input.max_items)?;
    let snapshot = service.snapshot().await?;
    let user: User = rows::get_identity(&snapshot, &cx.account, &input.user_name).await?;
    let groups = rows::groups_of(&snapshot, &cx.account, &user).await?;
    let page = page.cut(groups, |group| group.name.as_str());
    Ok(ListGroupsForUserResponse {
        groups: page.items.iter().map(|group| view::group(&cx.account, group)).collect(),
        is_truncated: page.is_truncated(),
        marker: page.marker,
    })
}
