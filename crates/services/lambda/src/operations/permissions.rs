//! `AddPermission`, `RemovePermission` and `GetPolicy`.

use std::mem;
use std::sync::Arc;

use api::Empty;
use api::lambda::{
    AddPermissionRequest, AddPermissionResponse, GetPolicyRequest, GetPolicyResponse, RemovePermissionRequest,
};
use platform::Ctx;
use store::{Abort, Transaction};
use wire::Error;

use crate::function::{Alias, Version, VersionRecord};
use crate::functions::rows;
use crate::names::Target;
use crate::permission::{Grant, POLICY_BYTES_MAX, ResourcePolicy, Statement, is_principal};
use crate::{FunctionId, Lambda, errors, keys, names};

/// Adds a statement to the policy of a function, a version or an alias.
pub async fn add_permission(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: AddPermissionRequest,
) -> Result<AddPermissionResponse, Error> {
    let target = target(cx, &input.function_name, input.qualifier.as_deref())?;
    if !is_principal(&input.principal) {
        return Err(errors::invalid_principal());
    }
    let resource = arn(&target);
    let grant = Grant {
        id: &input.statement_id,
        action: &input.action,
        resource: &resource,
        principal: &input.principal,
        source_arn: input.source_arn.as_deref(),
        source_account: input.source_account.as_deref(),
        event_source_token: input.event_source_token.as_deref(),
        organization: input.principal_org_id.as_deref(),
        url_auth_type: input.function_url_auth_type.as_deref(),
        is_via_url: input.invoked_via_function_url,
    };
    let statement = Statement { id: input.statement_id.clone(), json: grant.json() };
    let answer = statement.json.clone();
    edit(lambda, target, input.revision_id, move |policy| {
        if policy.statements.iter().any(|other| other.id == statement.id) {
            return Err(errors::statement_exists(&statement.id));
        }
        policy.statements.push(statement.clone());
        let bytes = policy.document().len();
        if bytes > POLICY_BYTES_MAX { Err(errors::policy_too_long(bytes, POLICY_BYTES_MAX)) } else { Ok(()) }
    })
    .await?;
    Ok(AddPermissionResponse { statement: Some(answer) })
}

/// Removes a statement.
pub async fn remove_permission(lambda: &Arc<Lambda>, cx: &Ctx, input: RemovePermissionRequest) -> Result<Empty, Error> {
    let target = target(cx, &input.function_name, input.qualifier.as_deref())?;
    if lambda.functions.function(&target.function).await?.is_none() {
        return Err(errors::not_found(format!("No policy found for: {}", target.function.arn())));
    }
    let id = input.statement_id;
    edit(lambda, target, input.revision_id, move |policy| {
        if policy.statements.is_empty() {
            return Err(errors::not_found("No policy is associated with the given resource."));
        }
        let before = policy.statements.len();
        policy.statements.retain(|statement| statement.id != id);
        if policy.statements.len() == before {
            return Err(errors::not_found(format!("Statement {id} is not found in resource policy.")));
        }
        Ok(())
    })
    .await?;
    Ok(Empty)
}

/// The policy of a function, a version or an alias, and the revision of what it belongs to.
pub async fn get_policy(lambda: &Arc<Lambda>, cx: &Ctx, input: GetPolicyRequest) -> Result<GetPolicyResponse, Error> {
    let target = names::target(cx, &input.function_name, input.qualifier.as_deref())?;
    let (function, qualifier) = (&target.function, target.qualifier.as_deref());
    let version = lambda.functions.version(function, Version::Latest).await?;
    let latest = version.ok_or_else(|| errors::function_not_found(function, None))?.described;
    let policy: Option<ResourcePolicy> = lambda.functions.row(&keys::policy(function, qualifier)).await?;
    let policy = policy.ok_or_else(|| errors::not_found("The resource you requested does not exist."))?;
    let revision_id = match qualifier {
        None => Some(latest.revision_id),
        Some(name) => match names::version(name) {
            Some(version) => {
                lambda.functions.version(function, version).await?.map(|record| record.described.revision_id)
            }
            None => lambda.functions.alias(function, name).await?.map(|alias| alias.revision_id),
        },
    };
    Ok(GetPolicyResponse { policy: Some(policy.document()), revision_id })
}

/// What is named: a function, a version or an alias that can have a policy.
pub(super) fn target(cx: &Ctx, name: &str, qualifier: Option<&str>) -> Result<Target, Error> {
    let target = names::target(cx, name, qualifier)?;
    if target.qualifier.as_deref() == Some("$LATEST") {
        return Err(errors::invalid_parameter("We currently do not support adding policies for $LATEST."));
    }
    Ok(target)
}

fn arn(target: &Target) -> String {
    target.qualifier.as_ref().map_or_else(|| target.function.arn(), |name| target.function.qualified_arn(name))
}

/// Changes a policy, and with it the revision of what it belongs to, which is answered. One without statements is none.
pub(super) async fn edit<F>(lambda: &Lambda, target: Target, seen: Option<String>, apply: F) -> Result<String, Error>
where
    F: Fn(&mut ResourcePolicy) -> Result<(), Error> + Send + Sync + 'static,
{
    let (function, revision_id) = (target.function.clone(), lambda.platform.ids.uuid());
    let closure = move |rows: &mut dyn Transaction| {
        let (function, qualifier) = (&target.function, target.qualifier.as_deref());
        check_exists(rows, function, qualifier)?;
        let before = renew_revision(rows, function, qualifier, &revision_id)?;
        if seen.as_ref().is_some_and(|seen| *seen != before) {
            return Err(errors::stale_revision().into());
        }
        let key = keys::policy(function, qualifier);
        let mut policy: ResourcePolicy = rows::read(rows, &key)?.unwrap_or_default();
        apply(&mut policy)?;
        if policy.statements.is_empty() {
            rows.delete(&key);
        } else {
            rows::put(rows, &key, &policy)?;
        }
        Ok(revision_id.clone())
    };
    lambda.functions.commit(&function, None, closure).await
}

/// Gives a function, a version or an alias that exists a new revision; answers the one it had.
fn renew_revision(
    rows: &mut dyn Transaction,
    function: &FunctionId,
    qualifier: Option<&str>,
    revision_id: &str,
) -> Result<String, Abort<Error>> {
    let version = qualifier.map_or(Some(Version::Latest), names::version);
    let absent = || errors::function_not_found(function, qualifier);
    if let Some(version) = version {
        let key = keys::version(function, version);
        let mut record: VersionRecord = rows::read(rows, &key)?.ok_or_else(absent)?;
        let before = mem::replace(&mut record.described.revision_id, revision_id.to_owned());
        rows::put(rows, &key, &record)?;
        return Ok(before);
    }
    let key = keys::alias(function, qualifier.unwrap_or_default());
    let mut alias: Alias = rows::read(rows, &key)?.ok_or_else(absent)?;
    let before = mem::replace(&mut alias.revision_id, revision_id.to_owned());
    rows::put(rows, &key, &alias)?;
    Ok(before)
}

/// Checks that there is such a function, version or alias.
pub fn check_exists(
    rows: &mut dyn Transaction,
    function: &FunctionId,
    qualifier: Option<&str>,
) -> Result<(), Abort<Error>> {
    if exists(rows, function, qualifier)? {
        return Ok(());
    }
    // A qualifier with a dollar sign can be neither a version nor an alias.
    let names_alias = qualifier.is_some_and(|name| names::version(name).is_none() && !name.contains('$'));
    let has_function = rows.get(&keys::function(function))?.is_some();
    let error = match qualifier {
        Some(name) if names_alias && has_function => errors::alias_not_found(function, name),
        Some(_) if !has_function => errors::function_not_found(function, None),
        qualifier => errors::function_not_found(function, qualifier),
    };
    Err(error.into())
}

/// Whether there is such a function, version or alias.
pub fn exists(
    rows: &mut dyn Transaction,
    function: &FunctionId,
    qualifier: Option<&str>,
) -> Result<bool, Abort<Error>> {
    let key = match qualifier.map(|name| (name, names::version(name))) {
        None => keys::function(function),
        Some((_, Some(version))) => keys::version(function, version),
        Some((name, None)) => keys::alias(function, name),
    };
    Ok(rows.get(&key)?.is_some())
}
