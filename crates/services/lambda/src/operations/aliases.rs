//! `CreateAlias`, `UpdateAlias`, `GetAlias`, `ListAliases` and `DeleteAlias`.

use std::sync::Arc;

use api::Empty;
use api::lambda::{
    AliasConfiguration, AliasRoutingConfiguration, CreateAliasRequest, DeleteAliasRequest, GetAliasRequest,
    ListAliasesRequest, ListAliasesResponse, UpdateAliasRequest,
};
use platform::Ctx;
use wire::Error;

use super::{marker, provisioned_concurrency};
use crate::function::{Alias, Version};
use crate::functions::{AliasEdit, NewAlias};
use crate::{FunctionId, Lambda, errors, keys, names};

/// Makes an alias.
pub async fn create_alias(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: CreateAliasRequest,
) -> Result<AliasConfiguration, Error> {
    let id = names::whole_function(cx, &input.function_name)?;
    let new = NewAlias {
        version: version(&id, &input.function_version)?,
        second: input.routing_config.as_ref().map(|routing| second(&id, routing)).transpose()?.flatten(),
        description: input.description.unwrap_or_default(),
        name: input.name,
    };
    Ok(describe(&id, lambda.functions.create_alias(&id, new).await?))
}

/// Changes an alias.
pub async fn update_alias(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: UpdateAliasRequest,
) -> Result<AliasConfiguration, Error> {
    let id = names::whole_function(cx, &input.function_name)?;
    let edit = AliasEdit {
        revision_id: input.revision_id,
        version: input.function_version.as_deref().map(|text| version(&id, text)).transpose()?,
        description: input.description,
        second: input.routing_config.as_ref().map(|routing| second(&id, routing)).transpose()?,
    };
    let alias = lambda.functions.edit_alias(&id, &input.name, edit).await?;
    provisioned_concurrency::refresh(lambda, &id).await?;
    Ok(describe(&id, alias))
}

/// An alias.
pub async fn get_alias(lambda: &Arc<Lambda>, cx: &Ctx, input: GetAliasRequest) -> Result<AliasConfiguration, Error> {
    let id = names::whole_function(cx, &input.function_name)?;
    let alias = lambda.functions.alias(&id, &input.name).await?;
    Ok(describe(&id, alias.ok_or_else(|| errors::alias_not_found(&id, &input.name))?))
}

/// The aliases of a function, or those of them that stand for a version.
pub async fn list_aliases(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: ListAliasesRequest,
) -> Result<ListAliasesResponse, Error> {
    let id = names::whole_function(cx, &input.function_name)?;
    if lambda.functions.function(&id).await?.is_none() {
        return Err(errors::function_not_found(&id, None));
    }
    let wanted = input.function_version.as_deref().map(|text| version(&id, text)).transpose()?;
    let limit = marker::page_items(input.max_items);
    let mut range = keys::aliases(&id).range();
    if let Some(after) = input.marker.as_deref().map(marker::read_name).transpose()? {
        range = range.after(&keys::alias(&id, &after));
    }
    let aliases = lambda.functions.all_rows::<Alias>(range).await?;
    let wanted = |alias: &Alias| wanted.is_none_or(|version| alias.refers_to(version));
    let mut aliases: Vec<Alias> = aliases.into_iter().map(|(_, alias)| alias).filter(wanted).take(limit + 1).collect();
    let has_more = aliases.len() > limit;
    aliases.truncate(limit);
    let next_marker = aliases.last().filter(|_| has_more).map(|alias| marker::write_name(&alias.name));
    Ok(ListAliasesResponse {
        next_marker,
        aliases: Some(aliases.into_iter().map(|alias| describe(&id, alias)).collect()),
    })
}

/// Deletes an alias; it need not exist.
pub async fn delete_alias(lambda: &Arc<Lambda>, cx: &Ctx, input: DeleteAliasRequest) -> Result<Empty, Error> {
    let id = names::whole_function(cx, &input.function_name)?;
    lambda.functions.delete_alias(&id, &input.name).await?;
    provisioned_concurrency::refresh(lambda, &id).await?;
    Ok(Empty)
}

fn describe(id: &FunctionId, alias: Alias) -> AliasConfiguration {
    let weights = alias.second.map(|(version, weight)| AliasRoutingConfiguration {
        additional_version_weights: Some([(version.to_string(), weight)].into()),
    });
    AliasConfiguration {
        alias_arn: Some(id.qualified_arn(&alias.name)),
        name: Some(alias.name),
        function_version: Some(alias.version.to_string()),
        description: Some(alias.description),
        routing_config: weights,
        revision_id: Some(alias.revision_id),
    }
}

fn version(id: &FunctionId, text: &str) -> Result<Version, Error> {
    names::version(text).ok_or_else(|| errors::function_not_found(id, Some(text)))
}

/// The second version of an alias, of which there is one at most; none takes it away.
fn second(id: &FunctionId, routing: &AliasRoutingConfiguration) -> Result<Option<(Version, f64)>, Error> {
    let Some(weights) = &routing.additional_version_weights else { return Ok(None) };
    if weights.len() > 1 {
        return Err(errors::invalid_parameter("Number of items in AdditionalVersionWeights cannot be greater than 1"));
    }
    let Some((key, weight)) = weights.first_key_value() else { return Ok(None) };
    if !(0.0..=1.0).contains(weight) {
        return Err(errors::validation(&[format!(
            "Value '{{{key}={weight}}}' at 'routingConfig.additionalVersionWeights' failed to satisfy constraint: Map \
             value must satisfy constraint: [Member must have value less than or equal to 1.0, Member must have value \
             greater than or equal to 0.0, Member must not be null]"
        )]));
    }
    Ok(Some((version(id, key)?, *weight)))
}
