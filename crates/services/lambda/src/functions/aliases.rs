//! Aliases in the store.

use store::{Abort, Direction, Transaction};
use wire::Error;

use super::{Functions, rows};
use crate::errors;
use crate::function::{Alias, FunctionId, Version, VersionRecord};
use crate::keys;
use crate::operations::urls;

/// Most aliases of a function, so that deleting it stays one transaction. AWS names no number.
pub const ALIASES_MAX: usize = 1_000;

/// An alias to be made.
#[derive(Debug, Clone)]
pub struct NewAlias {
    /// Its name.
    pub name: String,
    /// The version it stands for.
    pub version: Version,
    /// Its description.
    pub description: String,
    /// Another version and its share.
    pub second: Option<(Version, f64)>,
}

/// A change of an alias; what is absent stays.
#[derive(Debug, Clone, Default)]
pub struct AliasEdit {
    /// The revision the caller has seen.
    pub revision_id: Option<String>,
    /// The version it stands for.
    pub version: Option<Version>,
    /// Its description.
    pub description: Option<String>,
    /// Another version and its share; `Some(None)` takes it away.
    pub second: Option<Option<(Version, f64)>>,
}

impl Functions {
    /// An alias as it is stored.
    pub async fn alias(&self, id: &FunctionId, name: &str) -> Result<Option<Alias>, Error> {
        self.row(&keys::alias(id, name)).await
    }

    /// Makes an alias.
    ///
    /// # Errors
    /// `ResourceConflictException` if there is one of this name, `ResourceNotFoundException` without the versions.
    pub async fn create_alias(&self, id: &FunctionId, new: NewAlias) -> Result<Alias, Error> {
        let (key, revision_id) = (id.clone(), self.platform.ids.uuid());
        self.commit(id, None, move |rows| {
            rows::function(rows, &key)?;
            if rows.get(&keys::alias(&key, &new.name))?.is_some() {
                let text = format!("Alias already exists: {}", key.qualified_arn(&new.name));
                return Err(errors::conflict(text).into());
            }
            if rows.scan(keys::aliases(&key).range(), Direction::Forward, ALIASES_MAX)?.len() >= ALIASES_MAX {
                let text = format!("The function has {ALIASES_MAX} aliases, which is the most it can have.");
                return Err(api::lambda::errors::alias_limit_exceeded_exception(text).into());
            }
            let alias = Alias {
                name: new.name.clone(),
                version: new.version,
                description: new.description.clone(),
                second: new.second,
                revision_id: revision_id.clone(),
            };
            put(rows, &key, alias)
        })
        .await
    }

    /// Changes an alias.
    ///
    /// # Errors
    /// `ResourceNotFoundException`, `PreconditionFailedException`, `InvalidParameterValueException` for versions that do
    /// not go together.
    pub async fn edit_alias(&self, id: &FunctionId, name: &str, edit: AliasEdit) -> Result<Alias, Error> {
        let (key, name, revision_id) = (id.clone(), name.to_owned(), self.platform.ids.uuid());
        self.commit(id, None, move |rows| {
            rows::function(rows, &key)?;
            let found: Option<Alias> = rows::read(rows, &keys::alias(&key, &name))?;
            let mut alias = found.ok_or_else(|| errors::alias_not_found(&key, &name))?;
            if edit.revision_id.as_ref().is_some_and(|seen| *seen != alias.revision_id) {
                return Err(errors::stale_revision().into());
            }
            alias.version = edit.version.unwrap_or(alias.version);
            alias.second = edit.second.unwrap_or(alias.second);
            if let Some(description) = &edit.description {
                alias.description.clone_from(description);
            }
            alias.revision_id.clone_from(&revision_id);
            put(rows, &key, alias)
        })
        .await
    }

    /// Deletes an alias with its policy and configurations; it need not exist.
    pub async fn delete_alias(&self, id: &FunctionId, name: &str) -> Result<(), Error> {
        let (key, name) = (id.clone(), name.to_owned());
        self.commit(id, None, move |rows| {
            rows::function(rows, &key)?;
            rows.delete(&keys::alias(&key, &name));
            rows.delete(&keys::policy(&key, Some(&name)));
            rows.delete(&keys::event_invoke(&key, &name));
            rows.delete(&keys::provisioned(&key, &name));
            urls::delete(rows, &key, Some(&name))?;
            Ok(())
        })
        .await
    }
}

/// Refuses to delete a version that aliases stand for.
pub fn check_unreferenced(rows: &mut dyn Transaction, id: &FunctionId, version: Version) -> Result<(), Abort<Error>> {
    let mut names = Vec::new();
    for (_, row) in rows.scan(keys::aliases(id).range(), Direction::Forward, ALIASES_MAX)? {
        let alias: Alias = rows::decode(&row)?;
        if alias.refers_to(version) {
            names.push(alias.name);
        }
    }
    if names.is_empty() {
        return Ok(());
    }
    let text = format!("Unable to delete version because the following aliases reference it: [{}]", names.join(", "));
    Err(errors::conflict(text).into())
}

/// Checks that the versions of an alias exist and go together, and keeps it.
fn put(rows: &mut dyn Transaction, id: &FunctionId, alias: Alias) -> Result<Alias, Abort<Error>> {
    if let Some((second, _)) = alias.second {
        check_pair(alias.version, second)?;
    }
    for version in [Some(alias.version), alias.second.map(|(second, _)| second)].into_iter().flatten() {
        let found: Option<VersionRecord> = rows::read(rows, &keys::version(id, version))?;
        found.ok_or_else(|| errors::function_not_found(id, Some(&version.to_string())))?;
    }
    rows::put(rows, &keys::alias(id, &alias.name), &alias)?;
    Ok(alias)
}

fn check_pair(version: Version, second: Version) -> Result<(), Error> {
    if version == second {
        return Err(errors::invalid_parameter(format!(
            "Invalid function version {second}. Function version {second} is already included in routing configuration."
        )));
    }
    if version == Version::Latest || second == Version::Latest {
        return Err(errors::invalid_parameter("$LATEST is not supported for an alias pointing to more than 1 version"));
    }
    Ok(())
}
