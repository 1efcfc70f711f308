//! What users, groups and roles have in common: names that are taken once, and policies that hang on them.

use store::{Abort, Transaction};
use wire::Error;

use crate::errors;
use crate::keys;
use crate::names;
use crate::records::{Identity, Kind, Part};
use crate::rows::{self, Outcome};

/// Another name or path.
#[derive(Debug, Clone)]
pub struct Move {
    name: Option<String>,
    path: Option<String>,
}

impl Move {
    /// Checks what was given.
    ///
    /// # Errors
    /// AWS's texts for names and paths.
    pub fn new(kind: Kind, name: Option<String>, path: Option<String>) -> Result<Move, Error> {
        if let Some(name) = &name {
            let parameter = match kind {
                Kind::User => "newUserName",
                Kind::Group => "newGroupName",
                Kind::Role => "newRoleName",
            };
            names::check_name(parameter, name)?;
        }
        let path = path.map(|path| names::own_path("newPath", Some(path))).transpose()?;
        Ok(Move { name, path })
    }
}

/// Refuses a name that is taken, in whatever case.
pub fn check_free<P: Part>(rows: &mut dyn Transaction, account: &str, name: &str) -> Outcome<()> {
    match rows.get(&keys::identity(account, P::KIND, name))? {
        Some(_) => Err(errors::identity_exists(P::KIND, name).into()),
        None => Ok(()),
    }
}

/// Refuses to remove what policies hang on.
pub fn check_no_policies<P: Part>(identity: &Identity<P>) -> Result<(), Error> {
    if !identity.attached.is_empty() {
        return Err(errors::still_in_use("detach all policies"));
    }
    if !identity.inline.is_empty() {
        return Err(errors::still_in_use("delete policies"));
    }
    Ok(())
}

/// Moves an identity and all rows that name it, but for those that only its kind has. Answers the moved one.
pub fn move_to<P: Part>(
    rows: &mut dyn Transaction,
    account: &str,
    from: &Identity<P>,
    to: &Move,
) -> Result<Identity<P>, Abort<Error>> {
    let mut moved = from.clone();
    if let Some(path) = &to.path {
        moved.path.clone_from(path);
    }
    if let Some(name) = &to.name {
        moved.name.clone_from(name);
    }
    if !moved.name.eq_ignore_ascii_case(&from.name) {
        check_free::<P>(rows, account, &moved.name)?;
    }
    rows.delete(&keys::identity(account, P::KIND, &from.name));
    for policy in from.inline.keys() {
        let key = keys::inline(account, P::KIND, &from.name, policy);
        let document: Option<String> = rows::read(rows, &key)?;
        rows.delete(&key);
        rows::put(rows, &keys::inline(account, P::KIND, &moved.name, policy), &document)?;
    }
    for arn in &from.attached {
        rows.delete(&keys::attached(account, arn, P::KIND, &from.name));
        rows::put(rows, &keys::attached(account, arn, P::KIND, &moved.name), &moved.name)?;
    }
    if let Some(arn) = &from.boundary {
        rows.delete(&keys::bound(account, arn, P::KIND, &from.name));
        rows::put(rows, &keys::bound(account, arn, P::KIND, &moved.name), &moved.name)?;
    }
    rows::put_identity(rows, account, &moved)?;
    Ok(moved)
}
