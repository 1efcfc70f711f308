//! Passwords of users.

use api::Empty;
use api::iam::{
    ChangePasswordRequest, CreateLoginProfileRequest, CreateLoginProfileResponse, DeleteLoginProfileRequest,
    GetLoginProfileRequest, GetLoginProfileResponse, LoginProfile, UpdateLoginProfileRequest, errors as modelled,
};
use platform::{Ctx, Principal};
use wire::Error;
use wire::error::common;

use super::password_policy;
use super::users::change_user;
use crate::errors;
use crate::passwords;
use crate::records::{Login, User};
use crate::rows;
use crate::service::Iam;
use crate::view;

/// Gives a user a password.
pub async fn create_login_profile(
    service: &Iam,
    cx: &Ctx,
    input: CreateLoginProfileRequest,
) -> Result<CreateLoginProfileResponse, Error> {
    let name = service.meant_user(cx, input.user_name).await?;
    let snapshot = service.snapshot().await?;
    let user: User = rows::get_identity(&snapshot, &cx.account, &name).await?;
    if user.part.login.is_some() {
        return Err(taken(&name));
    }
    let password = input.password.ok_or_else(|| errors::invalid("Password is required."))?;
    passwords::check(&password, password_policy::read(&snapshot, &cx.account).await?.as_ref())?;
    let hash = passwords::hash(&service.platform.ids, password).await?;
    let now = service.now();
    let reset_required = input.password_reset_required.unwrap_or(false);
    let login = Login { created: now, changed: now, reset_required, hashes: vec![hash] };
    let shown = profile(&name, &login);
    let account = cx.account.clone();
    service
        .change(&cx.account, move |rows| {
            change_user(rows, &account, &name, |_, user| {
                if user.part.login.is_some() {
                    return Err(taken(&name).into());
                }
                user.part.login = Some(login.clone());
                Ok(())
            })
        })
        .await?;
    Ok(CreateLoginProfileResponse { login_profile: shown })
}

/// Tells that a user has a password.
pub async fn get_login_profile(
    service: &Iam,
    cx: &Ctx,
    input: GetLoginProfileRequest,
) -> Result<GetLoginProfileResponse, Error> {
    let name = service.meant_user(cx, input.user_name).await?;
    let user: User = rows::get_identity(&service.snapshot().await?, &cx.account, &name).await?;
    let login = user.part.login.ok_or_else(|| absent(&name))?;
    Ok(GetLoginProfileResponse { login_profile: profile(&name, &login) })
}

/// Gives a user another password, or has the user set one.
pub async fn update_login_profile(service: &Iam, cx: &Ctx, input: UpdateLoginProfileRequest) -> Result<Empty, Error> {
    let name = input.user_name;
    let snapshot = service.snapshot().await?;
    let user: User = rows::get_identity(&snapshot, &cx.account, &name).await?;
    let login = user.part.login.ok_or_else(|| absent(&name))?;
    let hash = match input.password {
        Some(password) => {
            let policy = password_policy::read(&snapshot, &cx.account).await?;
            passwords::check(&password, policy.as_ref())?;
            let prevented = passwords::prevented(&login, policy.as_ref()).to_vec();
            check_not_reused(prevented, password.clone()).await?;
            Some(passwords::hash(&service.platform.ids, password).await?)
        }
        None => None,
    };
    let (account, now) = (cx.account.clone(), service.now());
    service
        .change(&cx.account, move |rows| {
            change_user(rows, &account, &name, |_, user| {
                let login = user.part.login.as_mut().ok_or_else(|| absent(&name))?;
                if let Some(hash) = &hash {
                    passwords::remember(login, hash.clone());
                    login.changed = now;
                }
                if let Some(reset_required) = input.password_reset_required {
                    login.reset_required = reset_required;
                }
                Ok(())
            })
        })
        .await?;
    Ok(Empty)
}

/// Takes a user's password away.
pub async fn delete_login_profile(service: &Iam, cx: &Ctx, input: DeleteLoginProfileRequest) -> Result<Empty, Error> {
    let name = service.meant_user(cx, input.user_name).await?;
    let account = cx.account.clone();
    service
        .change(&cx.account, move |rows| {
            change_user(rows, &account, &name, |_, user| match user.part.login.take() {
                Some(_) => Ok(()),
                None => Err(absent(&name).into()),
            })
        })
        .await?;
    Ok(Empty)
}

/// Gives the calling user another password.
pub async fn change_password(service: &Iam, cx: &Ctx, input: ChangePasswordRequest) -> Result<Empty, Error> {
    if !matches!(cx.principal, Principal::User { .. }) {
        return Err(modelled::invalid_user_type_exception("Only IAM Users can change their own password"));
    }
    let name = service.meant_user(cx, None).await?;
    let snapshot = service.snapshot().await?;
    let user: User = rows::get_identity(&snapshot, &cx.account, &name).await?;
    let login = user.part.login.ok_or_else(|| absent(&name))?;
    let Some(current) = login.hashes.first().cloned() else { return Err(absent(&name)) };
    if passwords::find(vec![current.clone()], input.old_password).await?.is_none() {
        return Err(Error::new(&common::ACCESS_DENIED, "The old password was incorrect."));
    }
    let policy = password_policy::read(&snapshot, &cx.account).await?;
    passwords::check(&input.new_password, policy.as_ref())?;
    let prevented = passwords::prevented(&login, policy.as_ref()).to_vec();
    check_not_reused(prevented, input.new_password.clone()).await?;
    let hash = passwords::hash(&service.platform.ids, input.new_password).await?;
    let (account, now) = (cx.account.clone(), service.now());
    service
        .change(&cx.account, move |rows| {
            change_user(rows, &account, &name, |_, user| {
                let login = user.part.login.as_mut().ok_or_else(|| absent(&name))?;
                if login.hashes.first() != Some(&current) {
                    let text = "The password was changed meanwhile.";
                    return Err(modelled::entity_temporarily_unmodifiable_exception(text).into());
                }
                passwords::remember(login, hash.clone());
                (login.changed, login.reset_required) = (now, false);
                Ok(())
            })
        })
        .await?;
    Ok(Empty)
}

async fn check_not_reused(prevented: Vec<crate::records::PasswordHash>, password: String) -> Result<(), Error> {
    match passwords::find(prevented, password).await? {
        Some(_) => Err(errors::password_refused("Password was used before and cannot be used again")),
        None => Ok(()),
    }
}

fn profile(user: &str, login: &Login) -> LoginProfile {
    LoginProfile {
        user_name: user.to_owned(),
        create_date: view::at(login.created),
        password_reset_required: Some(login.reset_required),
    }
}

fn taken(user: &str) -> Error {
    errors::exists(format!("Login Profile for user {user} already exists."))
}

fn absent(user: &str) -> Error {
    errors::no_such_entity(format!("Login Profile for User {user} cannot be found."))
}
