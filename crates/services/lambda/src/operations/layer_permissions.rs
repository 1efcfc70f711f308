//! `AddLayerVersionPermission`, `RemoveLayerVersionPermission` and `GetLayerVersionPolicy`.

use std::sync::Arc;

use api::Empty;
use api::lambda::{
    AddLayerVersionPermissionRequest, AddLayerVersionPermissionResponse, GetLayerVersionPolicyRequest,
    GetLayerVersionPolicyResponse, RemoveLayerVersionPermissionRequest,
};
use platform::Ctx;
use store::Transaction;
use wire::Error;

use super::layers::number;
use crate::functions::rows;
use crate::layers::LayerId;
use crate::permission::{Grant, POLICY_BYTES_MAX, ResourcePolicy, Statement};
use crate::{FunctionId, Lambda, errors, keys};

/// A layer version with its number.
struct Place {
    layer: LayerId,
    number: u64,
}

/// Adds a statement to the policy of a layer version.
pub async fn add_layer_version_permission(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: AddLayerVersionPermissionRequest,
) -> Result<AddLayerVersionPermissionResponse, Error> {
    let place = Place { layer: LayerId::of(cx, &input.layer_name), number: number(input.version_number)? };
    if input.organization_id.is_some() && input.principal != "*" {
        return Err(errors::invalid_parameter("The principal must be * when an organization ID is specified."));
    }
    let resource = place.layer.version_arn(place.number);
    let grant = Grant {
        id: &input.statement_id,
        action: &input.action,
        resource: &resource,
        principal: &input.principal,
        organization: input.organization_id.as_deref(),
        ..Grant::default()
    };
    let statement = Statement { id: input.statement_id.clone(), json: grant.json() };
    let answer = statement.json.clone();
    let revision_id = edit(lambda, place, input.revision_id, move |policy| {
        if policy.statements.iter().any(|other| other.id == statement.id) {
            return Err(errors::statement_exists(&statement.id));
        }
        policy.statements.push(statement.clone());
        let bytes = policy.document().len();
        if bytes > POLICY_BYTES_MAX { Err(errors::policy_too_long(bytes, POLICY_BYTES_MAX)) } else { Ok(()) }
    })
    .await?;
    Ok(AddLayerVersionPermissionResponse { statement: Some(answer), revision_id: Some(revision_id) })
}

/// Removes a statement.
pub async fn remove_layer_version_permission(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: RemoveLayerVersionPermissionRequest,
) -> Result<Empty, Error> {
    let place = Place { layer: LayerId::of(cx, &input.layer_name), number: number(input.version_number)? };
    let id = input.statement_id;
    edit(lambda, place, input.revision_id, move |policy| {
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

/// The policy of a layer version.
pub async fn get_layer_version_policy(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: GetLayerVersionPolicyRequest,
) -> Result<GetLayerVersionPolicyResponse, Error> {
    let (layer, number) = (LayerId::of(cx, &input.layer_name), number(input.version_number)?);
    if lambda.functions.layer_version(&layer, number).await?.is_none() {
        return Err(unknown(&layer, number));
    }
    let policy: Option<ResourcePolicy> = lambda.functions.row(&keys::layer_policy(&layer, number)).await?;
    let policy = policy.ok_or_else(|| errors::not_found("No policy is associated with the given resource."))?;
    Ok(GetLayerVersionPolicyResponse { policy: Some(policy.document()), revision_id: Some(policy.revision_id) })
}

fn unknown(layer: &LayerId, number: u64) -> Error {
    errors::not_found(format!("Layer version {} does not exist.", layer.version_arn(number)))
}

/// Changes a policy and answers its revision. One without statements is none.
async fn edit<F>(lambda: &Lambda, place: Place, seen: Option<String>, apply: F) -> Result<String, Error>
where
    F: Fn(&mut ResourcePolicy) -> Result<(), Error> + Send + Sync + 'static,
{
    let Place { layer, number } = place;
    let revision_id = lambda.platform.ids.uuid();
    let owner = FunctionId { account: layer.account.clone(), region: layer.region.clone(), name: String::new() };
    let closure = move |rows: &mut dyn Transaction| {
        if rows.get(&keys::layer_version(&layer, number))?.is_none() {
            return Err(unknown(&layer, number).into());
        }
        let key = keys::layer_policy(&layer, number);
        let mut policy: ResourcePolicy = rows::read(rows, &key)?.unwrap_or_default();
        if seen.as_ref().is_some_and(|seen| *seen != policy.revision_id) {
            return Err(errors::stale_layer_policy_revision().into());
        }
        apply(&mut policy)?;
        policy.revision_id.clone_from(&revision_id);
        if policy.statements.is_empty() {
            rows.delete(&key);
        } else {
            rows::put(rows, &key, &policy)?;
        }
        Ok(revision_id.clone())
    };
    lambda.functions.commit(&owner, None, closure).await
}
