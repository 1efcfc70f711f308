//! `AddPermission`, `RemovePermission` and `GetPolicy`.

use std::sync::Arc;

use api::Empty;
use api::lambda::{
    AddPermissionRequest, AddPermissionResponse, GetPolicyRequest, GetPolicyResponse, RemovePermissionRequest,
};
use platform::Ctx;
use store::{Abort, Transaction};
use wire::Error;

use crate::function::VersionRecord;
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
        return Err(errors::invalid_parameter(
            "The provided principal was invalid. Please check the principal and try again.",
        ));
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

/// The policy of a function, a version or an alias.
pub async fn get_policy(lambda: &Arc<Lambda>, cx: &Ctx, input: GetPolicyRequest) -> Result<GetPolicyResponse, Error> {
    let target = names::target(cx, &input.function_name, input.qualifier.as_deref())?;
    let key = keys::policy(&target.function, target.qualifier.as_deref());
    let policy: Option<ResourcePolicy> = lambda.functions.row(&key).await?;
    let policy = policy.ok_or_else(|| errors::not_found("The resource you requested does not exist."))?;
    Ok(GetPolicyResponse { policy: Some(policy.document()), revision_id: Some(policy.revision_id) })
}

fn target(cx: &Ctx, name: &str, qualifier: Option<&str>) -> Result<Target, Error> {
    let target = names::target(cx, name, qualifier)?;
    if target.qualifier.as_deref() == Some("$LATEST") {
        return Err(errors::invalid_parameter("We currently do not support adding policies for $LATEST."));
    }
    Ok(target)
}

fn arn(target: &Target) -> String {
    target.qualifier.as_ref().map_or_else(|| target.function.arn(), |name| target.function.qualified_arn(name))
}

/// Changes a policy. One without statements is none.
async fn edit<F>(lambda: &Lambda, target: Target, seen: Option<String>, apply: F) -> Result<(), Error>
where
    F: Fn(&mut ResourcePolicy) -> Result<(), Error> + Send + Sync + 'static,
{
    let (function, revision_id) = (target.function.clone(), lambda.platform.ids.uuid());
    let closure = move |rows: &mut dyn Transaction| {
        check_exists(rows, &target.function, target.qualifier.as_deref())?;
        let key = keys::policy(&target.function, target.qualifier.as_deref());
        let mut policy: ResourcePolicy = rows::read(rows, &key)?.unwrap_or_default();
        if seen.as_ref().is_some_and(|seen| *seen != policy.revision_id) {
            return Err(errors::stale_policy_revision().into());
        }
        apply(&mut policy)?;
        policy.revision_id.clone_from(&revision_id);
        if policy.statements.is_empty() {
            rows.delete(&key);
            return Ok(());
        }
        rows::put(rows, &key, &policy)
    };
    lambda.functions.commit(&function, None, closure).await
}

/// Checks that there is such a function, version or alias.
pub fn check_exists(
    rows: &mut dyn Transaction,
    function: &FunctionId,
    qualifier: Option<&str>,
) -> Result<(), Abort<Error>> {
    let Some(qualifier) = qualifier else {
        rows::function(rows, function)?;
        return Ok(());
    };
    let exists = match names::version(qualifier) {
        Some(version) => rows::read::<VersionRecord>(rows, &keys::version(function, version))?.is_some(),
        None => rows.get(&keys::alias(function, qualifier))?.is_some(),
    };
    if exists {
        return Ok(());
    }
    let is_alias = names::version(qualifier).is_none();
    let error = if is_alias && rows.get(&keys::function(function))?.is_some() {
        errors::alias_not_found(function, qualifier)
    } else {
        errors::function_not_found(function, Some(qualifier))
    };
    Err(error.into())
}
