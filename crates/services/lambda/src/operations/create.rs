//! `CreateFunction`.

use std::sync::Arc;

use api::lambda::{CreateFunctionRequest, FunctionConfiguration};
use platform::Ctx;
use wire::Error;

use super::code::Fate;
use super::{code, tags};
use crate::functions::NewFunction;
use crate::{Lambda, configuration, deployment, errors, layers, names, role, variables, view};

/// Answers as soon as the function is durable; it is pending until its package is unpacked and its runtime is ready.
pub async fn create_function(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: CreateFunctionRequest,
) -> Result<FunctionConfiguration, Error> {
    configuration::check_creation(&input)?;
    let settings = configuration::settings(&input);
    let id = names::new_function(cx, &input.function_name)?;
    let is_image = input.package_type.as_deref() == Some("Image");
    let mut configuration = configuration::create(&settings, &id.name, input.architectures.as_deref(), is_image)?;
    configuration.has_role = role::check(cx, &configuration.role, &id.arn()).await?;
    role::check_dead_letters(cx, &id, &configuration).await?;
    let tags = input.tags.unwrap_or_default();
    tags::check(&tags)?;
    let source = code::source(input.code)?;
    if source.is_image() != is_image {
        return Err(errors::invalid_parameter("Please provide a source for function code."));
    }
    configuration.layers = layers::attach(lambda, cx, settings.layers.as_deref().unwrap_or_default()).await?;
    // Said before the package is read, which is expensive; the transaction decides.
    if lambda.functions.function(&id).await?.is_some() {
        return Err(errors::conflict(format!("Function already exist: {}", id.name)));
    }
    variables::seal(cx, &id, &mut configuration).await?;
    let code = code::take(lambda, cx, source, &configuration.architecture, Fate::Kept).await?;
    layers::check_total(&configuration, &code)?;
    let arn = id.arn();
    let publish = input.publish.unwrap_or(false);
    let code_signing = input.code_signing_config_arn.filter(|arn| !arn.is_empty());
    let new = NewFunction { id, configuration, code, tags, publish, code_signing };
    let change = deployment::deploy(lambda, |lambda| async move { lambda.functions.create(new).await }).await?;
    let described = change.published.map_or(change.latest, |published| published.version);
    Ok(view::full(cx, &described, arn).await)
}
