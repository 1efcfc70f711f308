//! The policy simulator: what policies would say to calls that nobody makes.
//!
//! It speaks the same language as the pipeline, by the same engine, and puts the answers together as AWS's simulator
//! does. That differs from live calls in one point: within an account, a resource policy that allows is enough, even
//! where it names but the account.

mod conclusion;
mod position;
mod simulation;
mod sources;
#[cfg(test)]
mod tests;

use api::iam::{
    GetContextKeysForCustomPolicyRequest, GetContextKeysForPolicyResponse, GetContextKeysForPrincipalPolicyRequest,
    SimulateCustomPolicyRequest, SimulatePolicyResponse, SimulatePrincipalPolicyRequest,
};
use platform::Ctx;
use wire::Error;

use crate::errors;
use crate::paging::Page;
use crate::service::Iam;
use simulation::{Parameters, Simulation};
use sources::{Entity, Source};

/// Most times that a statement is compared with an action on a resource for one answer, which so stays below some 20 MB.
/// What is left goes to the next page.
const COMPARISONS_MAX: usize = 100_000;

/// Simulates policies that the request holds.
pub async fn simulate_custom_policy(
    service: &Iam,
    cx: &Ctx,
    input: SimulateCustomPolicyRequest,
) -> Result<SimulatePolicyResponse, Error> {
    let page = Page::of(input.marker.as_deref(), input.max_items)?;
    let parameters = Parameters {
        policies: input.policy_input_list,
        boundaries: input.permissions_boundary_policy_input_list.unwrap_or_default(),
        controls: input.ordered_organization_policy_input_list.unwrap_or_default(),
        actions: input.action_names,
        resources: input.resource_arns.unwrap_or_default(),
        resource_policy: input.resource_policy,
        resource_owner: input.resource_owner,
        caller: input.caller_arn,
        context: input.context_entries.unwrap_or_default(),
        resource_handling: input.resource_handling_option,
    };
    answer(&Simulation::new(service, cx, parameters, None)?, &page)
}

/// Simulates the policies of a user, group or role, and those that the request adds.
pub async fn simulate_principal_policy(
    service: &Iam,
    cx: &Ctx,
    input: SimulatePrincipalPolicyRequest,
) -> Result<SimulatePolicyResponse, Error> {
    let page = Page::of(input.marker.as_deref(), input.max_items)?;
    let mut entity = Entity::read(service, cx, &input.policy_source_arn).await?;
    entity.exclude(&input.policy_exclusion_list.unwrap_or_default())?;
    let parameters = Parameters {
        policies: input.policy_input_list.unwrap_or_default(),
        boundaries: input.permissions_boundary_policy_input_list.unwrap_or_default(),
        controls: Vec::new(),
        actions: input.action_names,
        resources: input.resource_arns.unwrap_or_default(),
        resource_policy: input.resource_policy,
        resource_owner: input.resource_owner,
        caller: input.caller_arn.or_else(|| entity.caller_arn()),
        context: input.context_entries.unwrap_or_default(),
        resource_handling: input.resource_handling_option,
    };
    answer(&Simulation::new(service, cx, parameters, Some(entity))?, &page)
}

/// The actions of one page, decided.
fn answer(simulation: &Simulation, page: &Page) -> Result<SimulatePolicyResponse, Error> {
    let comparisons = simulation.comparisons();
    if comparisons > COMPARISONS_MAX {
        let message = format!("{comparisons} statements times resources are more than {COMPARISONS_MAX}.");
        return Err(errors::invalid_input(message));
    }
    let items_max = page.items_max.min(COMPARISONS_MAX / comparisons);
    let page = Page { after: page.after.clone(), items_max };
    let numbered = simulation.actions.iter().enumerate();
    let actions: Vec<(String, &String)> = numbered.map(|(place, action)| (format!("{place:08}"), action)).collect();
    let paged = page.cut(actions, |(place, _)| place);
    let is_truncated = paged.is_truncated();
    let results = paged.items.iter().map(|(_, action)| simulation.result(action)).collect();
    Ok(SimulatePolicyResponse { evaluation_results: Some(results), is_truncated, marker: paged.marker })
}

/// The condition keys that policies look at.
pub async fn get_context_keys_for_custom_policy(
    _: &Iam,
    _: &Ctx,
    input: GetContextKeysForCustomPolicyRequest,
) -> Result<GetContextKeysForPolicyResponse, Error> {
    let sources = sources::given(input.policy_input_list, "PolicyInputList")?;
    Ok(context_keys(&sources))
}

/// The condition keys that the policies of a user, group or role look at, and those that the request adds.
pub async fn get_context_keys_for_principal_policy(
    service: &Iam,
    cx: &Ctx,
    input: GetContextKeysForPrincipalPolicyRequest,
) -> Result<GetContextKeysForPolicyResponse, Error> {
    let mut sources = sources::given(input.policy_input_list.unwrap_or_default(), "PolicyInputList")?;
    let entity = Entity::read(service, cx, &input.policy_source_arn).await?;
    sources.extend(entity.policies);
    sources.extend(entity.boundary);
    Ok(context_keys(&sources))
}

/// Each key once, in the order of the documents.
fn context_keys(sources: &[Source]) -> GetContextKeysForPolicyResponse {
    let mut names: Vec<String> = Vec::new();
    for key in sources.iter().flat_map(Source::condition_keys) {
        if !names.iter().any(|name| name.eq_ignore_ascii_case(key)) {
            names.push(key.to_owned());
        }
    }
    GetContextKeysForPolicyResponse { context_key_names: Some(names) }
}
