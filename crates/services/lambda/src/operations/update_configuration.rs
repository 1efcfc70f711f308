//! `UpdateFunctionConfiguration`.

use std::sync::Arc;

use api::lambda::{FunctionConfiguration, UpdateFunctionConfigurationRequest};
use platform::Ctx;
use wire::Error;

use crate::function::FunctionVersion;
use crate::functions::Edit;
use crate::{Lambda, code_signing, configuration, deployment, layers, names, role, view};

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
    // What cannot be set is refused where the change is applied.
    let environment = input.environment.as_ref().and_then(|given| configuration::environment::check(given).ok());
    let sealed = environment.map(|environment| environment.seal(&cx.platform.sealing, &id));
    let apply = move |mut latest: FunctionVersion| {
        configuration::check_package_type(&input, latest.code.image.is_some())?;
        latest.configuration = configuration::apply(&input, latest.configuration)?;
        if sealed.is_some() {
            latest.configuration.environment.clone_from(&sealed);
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
    Ok(view::full(&cx.platform.sealing, &change.latest, change.latest.arn()))
}
