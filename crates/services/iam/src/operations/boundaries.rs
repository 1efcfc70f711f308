//! Permissions boundaries of users and roles.

use api::Empty;
use api::iam::{
    DeleteRolePermissionsBoundaryRequest, DeleteUserPermissionsBoundaryRequest, PutRolePermissionsBoundaryRequest,
    PutUserPermissionsBoundaryRequest,
};
use platform::Ctx;
use store::Transaction;
use wire::Error;

use super::attached::check_changeable;
use crate::errors;
use crate::keys;
use crate::managed;
use crate::names::{self, AWS};
use crate::records::{Identity, Part, RolePart, UserPart};
use crate::rows::{self, Outcome};
use crate::service::Iam;

/// A managed policy that is to bound an identity.
#[derive(Debug, Clone)]
pub struct Boundary(String);

impl Boundary {
    /// Checks the ARN.
    ///
    /// # Errors
    /// AWS's text for what is not the ARN of a policy.
    pub fn parse(arn: String) -> Result<Boundary, Error> {
        match names::policy_arn(&arn) {
            Ok(_) => Ok(Boundary(arn)),
            Err(error) => Err(errors::invalid_input(error.message.unwrap_or_default())),
        }
    }
}

/// Bounds a role.
pub async fn put_role_permissions_boundary(
    service: &Iam,
    cx: &Ctx,
    input: PutRolePermissionsBoundaryRequest,
) -> Result<Empty, Error> {
    put::<RolePart>(service, cx, input.role_name, input.permissions_boundary).await
}

/// Bounds a user.
pub async fn put_user_permissions_boundary(
    service: &Iam,
    cx: &Ctx,
    input: PutUserPermissionsBoundaryRequest,
) -> Result<Empty, Error> {
    put::<UserPart>(service, cx, input.user_name, input.permissions_boundary).await
}

/// Takes a role's boundary away.
pub async fn delete_role_permissions_boundary(
    service: &Iam,
    cx: &Ctx,
    input: DeleteRolePermissionsBoundaryRequest,
) -> Result<Empty, Error> {
    delete::<RolePart>(service, cx, input.role_name).await
}

/// Takes a user's boundary away.
pub async fn delete_user_permissions_boundary(
    service: &Iam,
    cx: &Ctx,
    input: DeleteUserPermissionsBoundaryRequest,
) -> Result<Empty, Error> {
    delete::<UserPart>(service, cx, input.user_name).await
}

async fn put<P: Part>(service: &Iam, cx: &Ctx, name: String, arn: String) -> Result<Empty, Error> {
    let boundary = Boundary::parse(arn)?;
    let account = cx.account.clone();
    service
        .change(&cx.account, move |rows| {
            let mut identity: Identity<P> = rows::identity(rows, &account, &name)?;
            check_changeable(&identity)?;
            set(rows, &account, &mut identity, &boundary)?;
            rows::put_identity(rows, &account, &identity)
        })
        .await?;
    Ok(Empty)
}

async fn delete<P: Part>(service: &Iam, cx: &Ctx, name: String) -> Result<Empty, Error> {
    let account = cx.account.clone();
    service
        .change(&cx.account, move |rows| {
            let mut identity: Identity<P> = rows::identity(rows, &account, &name)?;
            check_changeable(&identity)?;
            if identity.boundary.is_none() {
                let text = format!("{} {name} does not have a permissions boundary.", P::KIND.title());
                return Err(errors::no_such_entity(text).into());
            }
            clear(rows, &account, &mut identity)?;
            rows::put_identity(rows, &account, &identity)
        })
        .await?;
    Ok(Empty)
}

/// Bounds an identity, which is still to be written.
pub fn set<P: Part>(
    rows: &mut dyn Transaction,
    account: &str,
    identity: &mut Identity<P>,
    boundary: &Boundary,
) -> Outcome<()> {
    let arn = &boundary.0;
    let known = match names::policy_arn(arn)?.0 {
        AWS => managed::find(arn).is_some_and(|policy| !policy.is_for_service_roles()),
        _ => rows::policy(rows, account, arn)?.is_some(),
    };
    if !known {
        let text = format!("Scope ARN: {arn} does not exist or is not attachable.");
        return Err(errors::no_such_entity(text).into());
    }
    clear(rows, account, identity)?;
    rows::put(rows, &keys::bound(account, arn, P::KIND, &identity.name), &identity.name)?;
    rows::count_policy_use(rows, account, arn, |count| count.boundaries += 1)?;
    identity.boundary = Some(arn.clone());
    Ok(())
}

/// Takes an identity's boundary away; the identity is still to be written.
pub fn clear<P: Part>(rows: &mut dyn Transaction, account: &str, identity: &mut Identity<P>) -> Outcome<()> {
    let Some(arn) = identity.boundary.take() else { return Ok(()) };
    rows.delete(&keys::bound(account, &arn, P::KIND, &identity.name));
    rows::count_policy_use(rows, account, &arn, |count| count.boundaries = count.boundaries.saturating_sub(1))
}
