//! Resource policies: who else may read a parameter.

use api::ssm::enums::parameter_tier;
use api::ssm::{
    DeleteResourcePolicyRequest, DeleteResourcePolicyResponse, GetResourcePoliciesRequest, GetResourcePoliciesResponse,
    GetResourcePoliciesResponseEntry, PutResourcePolicyRequest, PutResourcePolicyResponse, errors as modelled,
};
use platform::Ctx;
use policy::{Kind, Policy, ResourceRules};
use sha2::{Digest, Sha256};
use wire::Error;

use crate::limits::RESOURCE_POLICIES_MAX;
use crate::names::Reference;
use crate::records::{ParameterRecord, ResourcePolicyRecord};
use crate::rows;
use crate::service::ParameterStore;

/// Adds a policy, or changes the one with that id.
pub async fn put_resource_policy(
    service: &ParameterStore,
    cx: &Ctx,
    input: PutResourcePolicyRequest,
) -> Result<PutResourcePolicyResponse, Error> {
    let reference = parameter(cx, &input.resource_arn)?;
    let rules = ResourceRules { vendor: Some("ssm"), resource_required: true };
    Policy::parse(&input.policy, Kind::Resource(rules))
        .map_err(|malformed| modelled::malformed_resource_policy_document_exception(malformed.message))?;
    let hash = hash(&input.policy);
    let new_id = service.platform.ids.uuid();
    let account = reference.account.clone();
    let policy = service.transact(&account, move |transaction| {
        let mut record = rows::find(transaction, &reference)?.ok_or_else(|| not_found(&input.resource_arn))?;
        if record.latest.tier != parameter_tier::ADVANCED {
            return Err(modelled::resource_policy_invalid_parameter_exception(
                "Only parameters in the advanced-parameter tier can have a resource policy.",
            )
            .into());
        }
        let policy = ResourcePolicyRecord {
            id: input.policy_id.clone().unwrap_or_else(|| new_id.clone()),
            hash: hash.clone(),
            document: input.policy.clone(),
        };
        put(&mut record, &input, policy.clone())?;
        rows::put_parameter(transaction, &reference.region, &record)?;
        Ok(policy)
    });
    let policy = policy.await?;
    Ok(PutResourcePolicyResponse { policy_id: Some(policy.id), policy_hash: Some(policy.hash) })
}

fn put(
    record: &mut ParameterRecord,
    input: &PutResourcePolicyRequest,
    policy: ResourcePolicyRecord,
) -> Result<(), Error> {
    if let Some(id) = &input.policy_id {
        let existing = record.resource_policies.iter_mut().find(|existing| existing.id == *id);
        let existing = existing.ok_or_else(no_such_policy)?;
        if input.policy_hash.as_ref() != Some(&existing.hash) {
            return Err(conflict());
        }
        *existing = policy;
        return Ok(());
    }
    if record.resource_policies.len() >= RESOURCE_POLICIES_MAX {
        return Err(modelled::resource_policy_limit_exceeded_exception(format!(
            "A parameter can't have more than {RESOURCE_POLICIES_MAX} resource policy."
        )));
    }
    record.resource_policies.push(policy);
    Ok(())
}

/// The policies of a parameter: they fit on one page.
pub async fn get_resource_policies(
    service: &ParameterStore,
    cx: &Ctx,
    input: GetResourcePoliciesRequest,
) -> Result<GetResourcePoliciesResponse, Error> {
    let reference = parameter(cx, &input.resource_arn)?;
    let record = service.find(&reference).await?.ok_or_else(|| not_found(&input.resource_arn))?;
    let entry = |policy: ResourcePolicyRecord| GetResourcePoliciesResponseEntry {
        policy_id: Some(policy.id),
        policy_hash: Some(policy.hash),
        policy: Some(policy.document),
    };
    let policies = record.resource_policies.into_iter().map(entry).collect();
    Ok(GetResourcePoliciesResponse { next_token: None, policies: Some(policies) })
}

/// Takes a policy away.
pub async fn delete_resource_policy(
    service: &ParameterStore,
    cx: &Ctx,
    input: DeleteResourcePolicyRequest,
) -> Result<DeleteResourcePolicyResponse, Error> {
    let reference = parameter(cx, &input.resource_arn)?;
    if input.deletion_mode.is_some() {
        return Err(modelled::resource_policy_invalid_parameter_exception("DeletionMode is not supported."));
    }
    let account = reference.account.clone();
    service
        .transact(&account, move |transaction| {
            let mut record = rows::find(transaction, &reference)?.ok_or_else(|| not_found(&input.resource_arn))?;
            let index = record.resource_policies.iter().position(|policy| policy.id == input.policy_id);
            let index = index.ok_or_else(no_such_policy)?;
            if record.resource_policies[index].hash != input.policy_hash {
                return Err(conflict().into());
            }
            record.resource_policies.remove(index);
            rows::put_parameter(transaction, &reference.region, &record)
        })
        .await?;
    Ok(DeleteResourcePolicyResponse {})
}

fn parameter(cx: &Ctx, arn: &str) -> Result<Reference, Error> {
    let reference = Reference::parse(cx, arn).ok().filter(|reference| reference.by_arn && reference.selector.is_none());
    reference.ok_or_else(|| modelled::resource_policy_invalid_parameter_exception("The resource ARN is not valid."))
}

fn hash(document: &str) -> String {
    Sha256::digest(document).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn not_found(arn: &str) -> Error {
    modelled::resource_not_found_exception(format!("The resource {arn} could not be found."))
}

fn no_such_policy() -> Error {
    modelled::resource_policy_not_found_exception("No policies with the specified policy ID and hash could be found.")
}

fn conflict() -> Error {
    modelled::resource_policy_conflict_exception("The hash provided in the call doesn't match the stored hash.")
}
