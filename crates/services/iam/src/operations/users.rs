//! Users.

use api::Empty;
use api::iam::{
    CreateUserRequest, CreateUserResponse, DeleteUserRequest, GetUserRequest, GetUserResponse, ListUsersRequest,
    ListUsersResponse, UpdateUserRequest, User as Shown,
};
use platform::Ctx;
use store::{Abort, Transaction};
use wire::Error;

use super::boundaries::{self, Boundary};
use super::identities::{self, Move};
use crate::errors;
use crate::keys;
use crate::limits::USERS_MAX;
use crate::names;
use crate::paging::Page;
use crate::records::{Identity, Kind, User, UserPart};
use crate::rows;
use crate::service::{Iam, Meant};
use crate::tags::{Case, Tags};
use crate::view::{self, Extent};

/// Makes a user.
pub async fn create_user(service: &Iam, cx: &Ctx, input: CreateUserRequest) -> Result<CreateUserResponse, Error> {
    names::check_name("userName", &input.user_name)?;
    let user = User {
        path: names::own_path("path", input.path)?,
        id: service.unique_id(Kind::User.id_prefix()),
        created: service.now(),
        inline: Default::default(),
        attached: Default::default(),
        boundary: None,
        tags: Tags::new(input.tags.as_deref(), Case::Insensitive)?,
        part: UserPart::default(),
        name: input.user_name,
    };
    let boundary = input.permissions_boundary.map(Boundary::parse).transpose()?;
    let (account, now) = (cx.account.clone(), service.now());
    let user = service
        .change(&cx.account, move |rows| {
            let mut user = user.clone();
            identities::check_free::<UserPart>(rows, &account, &user.name)?;
            rows::count_one_more(rows, &account, now, ("UsersPerAccount", USERS_MAX), |counts| &mut counts.users)?;
            if let Some(boundary) = &boundary {
                boundaries::set(rows, &account, &mut user, boundary)?;
            }
            rows::put(rows, &keys::unique_id(&account, &user.id), &user.name)?;
            rows::put_identity(rows, &account, &user)?;
            Ok(user)
        })
        .await?;
    let shown = Shown {
        permissions_boundary: view::boundary(user.boundary.as_ref()),
        tags: input.tags.filter(|tags| !tags.is_empty()),
        ..view::user(&cx.account, &user, Extent::Brief)
    };
    Ok(CreateUserResponse { user: Some(shown) })
}

/// Shows a user, or the caller.
pub async fn get_user(service: &Iam, cx: &Ctx, input: GetUserRequest) -> Result<GetUserResponse, Error> {
    let user = match service.meant(cx, input.user_name).await? {
        Meant::User(name) => {
            let user: User = rows::get_identity(&service.snapshot().await?, &cx.account, &name).await?;
            view::user(&cx.account, &user, Extent::Full)
        }
        Meant::Root => root(service, cx).await?,
    };
    Ok(GetUserResponse { user })
}

/// The account's root as a user.
async fn root(service: &Iam, cx: &Ctx) -> Result<Shown, Error> {
    let (account, now) = (cx.account.clone(), service.now());
    let record =
        service.transact(move |rows| rows::change_account(rows, &account, now, |record| Ok(record.clone()))).await?;
    Ok(Shown {
        path: "/".to_owned(),
        user_name: record.alias.unwrap_or_else(|| cx.account.clone()),
        user_id: cx.account.clone(),
        arn: format!("arn:aws:iam::{}:root", cx.account),
        create_date: view::at(record.created),
        ..Default::default()
    })
}

/// Lists users by name.
pub async fn list_users(service: &Iam, cx: &Ctx, input: ListUsersRequest) -> Result<ListUsersResponse, Error> {
    let page = Page::of(input.marker.as_deref(), input.max_items)?;
    let prefix = input.path_prefix.unwrap_or_default();
    let snapshot = service.snapshot().await?;
    let wanted = |user: &User| user.path.starts_with(&prefix);
    let page = rows::page(&snapshot, &keys::identities(&cx.account, Kind::User), &page, wanted).await?;
    Ok(ListUsersResponse {
        is_truncated: page.is_truncated(),
        users: page.items.iter().map(|user| view::user(&cx.account, user, Extent::Listed)).collect(),
        marker: page.marker,
    })
}

/// Gives a user another name or path. Access keys and MFA devices go by its unique id.
pub async fn update_user(service: &Iam, cx: &Ctx, input: UpdateUserRequest) -> Result<Empty, Error> {
    let to = Move::new(Kind::User, input.new_user_name, input.new_path)?;
    let account = cx.account.clone();
    service
        .change(&cx.account, move |rows| {
            let user: User = rows::identity(rows, &account, &input.user_name)?;
            let moved = identities::move_to(rows, &account, &user, &to)?;
            for group in &user.part.groups {
                rows.delete(&keys::member(&account, group, &user.name));
                rows::put(rows, &keys::member(&account, group, &moved.name), &moved.name)?;
            }
            rows::put(rows, &keys::unique_id(&account, &moved.id), &moved.name)
        })
        .await?;
    Ok(Empty)
}

/// Removes a user that nothing hangs on any more.
pub async fn delete_user(service: &Iam, cx: &Ctx, input: DeleteUserRequest) -> Result<Empty, Error> {
    let (account, now) = (cx.account.clone(), service.now());
    service
        .change(&cx.account, move |rows| {
            let user: User = rows::identity(rows, &account, &input.user_name)?;
            check_deletable(&user)?;
            boundaries::clear(rows, &account, &mut user.clone())?;
            rows.delete(&keys::identity(&account, Kind::User, &user.name));
            rows.delete(&keys::unique_id(&account, &user.id));
            rows::count_one_less(rows, &account, now, |counts| &mut counts.users)
        })
        .await?;
    Ok(Empty)
}

fn check_deletable(user: &Identity<UserPart>) -> Result<(), Error> {
    identities::check_no_policies(user)?;
    let part = &user.part;
    let hanging = [
        (part.login.is_some(), "delete login profile"),
        (!part.access_keys.is_empty(), "delete access keys"),
        (!part.mfa_devices.is_empty(), "delete MFA device"),
        (!part.groups.is_empty(), "remove users from group"),
    ];
    match hanging.iter().find(|(hangs, _)| *hangs) {
        Some((_, what)) => Err(errors::still_in_use(what)),
        None => Ok(()),
    }
}

/// The user of that name, changed and written.
pub fn change_user<R>(
    rows: &mut dyn Transaction,
    account: &str,
    name: &str,
    change: impl FnOnce(&mut dyn Transaction, &mut User) -> Result<R, Abort<Error>>,
) -> Result<R, Abort<Error>> {
    let mut user: User = rows::identity(rows, account, name)?;
    let result = change(rows, &mut user)?;
    rows::put_identity(rows, account, &user)?;
    Ok(result)
}
