//! `UpdateFunctionConfiguration`.

use std::sync::Arc;

use api::lambda::{FunctionConfiguration, UpdateFunctionConfigurationRequest};
use platform::Ctx;
use wire::Error;

use crate::function::{Configuration, EnvironmentVariables, FunctionId, FunctionVersion, Version};
use crate::functions::Edit;
use crate::{Lambda, code_signing, configuration, deployment, errors, layers, names, role, variables, view};

/// Answers as soon as the change is durable; invocations run the configuration before it until the new one is ready.
pub async fn update_function_configuration(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: UpdateFunctionConfigurationRequest,
) -> Result<FunctionConfiguration, Error> {
    let id = names::whole_function(cx, &input.function_name)?;
    let edit = Edit { revision_id: input.revision_id.clone(), publish: false };
    let has_role = match &input.role {
        Some(role) => Some(role::check(cx, role, &id.arn()).await?),
        None => None,
    };
    let attached = match &input.layers {
        Some(arns) => {
            if !arns.is_empty() {
                code_signing::check(lambda, &id).await?;
            }
            Some(layers::attach(lambda, cx, arns).await?)
        }
        None => None,
    };
    check_dead_letters(lambda, cx, &id, &input, has_role).await?;
    let resealed = resealed(lambda, cx, &id, &input, has_role).await?;
    let apply = move |mut latest: FunctionVersion| {
        configuration::check_package_type(&input, latest.code.image.is_some())?;
        if let Some(Resealed { from, .. }) = &resealed
            && (&latest.configuration.environment, &latest.configuration.kms_key) != (&from.environment, &from.kms_key)
        {
            return Err(errors::update_in_progress(&latest.arn()));
        }
        latest.configuration = configuration::apply(&input, latest.configuration)?;
        if let Some(Resealed { variables, .. }) = &resealed {
            latest.configuration.environment.clone_from(variables);
        }
        if let Some(attached) = &attached {
            latest.configuration.layers.clone_from(attached);
            layers::check_total(&latest.configuration, &latest.code)?;
        }
        latest.configuration.has_role = has_role.unwrap_or(latest.configuration.has_role);
        Ok(latest)
    };
    let change =
        deployment::deploy(lambda, |lambda| async move { lambda.functions.edit(&id, edit, apply).await }).await?;
    Ok(view::full(cx, &change.latest, change.latest.arn()).await)
}

/// Checks the role's right to send to a dead-letter target that is given. What cannot be set is refused where the change
/// is applied.
async fn check_dead_letters(
    lambda: &Lambda,
    cx: &Ctx,
    id: &FunctionId,
    input: &UpdateFunctionConfigurationRequest,
    has_role: Option<bool>,
) -> Result<(), Error> {
    if input.dead_letter_config.is_none() {
        return Ok(());
    }
    let Some(record) = lambda.functions.version(id, Version::Latest).await? else { return Ok(()) };
    let from = record.described.configuration;
    let had_role = from.has_role;
    let Ok(mut configuration) = configuration::apply(input, from) else { return Ok(()) };
    configuration.has_role = has_role.unwrap_or(had_role);
    role::check_dead_letters(cx, id, &configuration).await
}

/// Variables as they will be kept.
struct Resealed {
    /// What they were made from.
    from: Configuration,
    variables: Option<EnvironmentVariables>,
}

/// The variables, if they are to be sealed anew: others are given, or there is another key, or another role that is to use
/// the key. `None` also for what cannot be set: it is refused where the change is applied.
async fn resealed(
    lambda: &Lambda,
    cx: &Ctx,
    id: &FunctionId,
    input: &UpdateFunctionConfigurationRequest,
    has_role: Option<bool>,
) -> Result<Option<Resealed>, Error> {
    let Some(record) = lambda.functions.version(id, Version::Latest).await? else { return Ok(None) };
    let from = record.described.configuration;
    let Ok(mut configuration) = configuration::apply(input, from.clone()) else { return Ok(None) };
    configuration.has_role = has_role.unwrap_or(from.has_role);
    let has_moved = configuration.kms_key != from.kms_key || configuration.role != from.role;
    match &from.environment {
        Some(kept) if input.environment.is_none() && has_moved => {
            configuration.environment = Some(EnvironmentVariables::Clear(variables::reveal(cx, id, kept).await?));
        }
        _ if input.environment.is_none() => return Ok(None),
        _ => {}
    }
    variables::seal(cx, id, &mut configuration).await?;
    Ok(Some(Resealed { from, variables: configuration.environment }))
}
