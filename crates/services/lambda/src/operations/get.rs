//! `GetFunction` and `GetFunctionConfiguration`.

use std::sync::Arc;

use api::lambda::{
    Concurrency, FunctionCodeLocation, FunctionConfiguration, GetFunctionConfigurationRequest, GetFunctionRequest,
    GetFunctionResponse,
};
use platform::Ctx;
use wire::Error;

use super::concurrency;
use crate::function::FunctionVersion;
use crate::names::{self, Target};
use crate::{Lambda, errors, view};

/// A version with its tags and a place to download its package from.
pub async fn get_function(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: GetFunctionRequest,
) -> Result<GetFunctionResponse, Error> {
    let target = names::target(cx, &input.function_name, input.qualifier.as_deref())?;
    let version = describe(lambda, &target).await?;
    let function = lambda.functions.function(&target.function).await?;
    let tags = function.ok_or_else(|| errors::function_not_found(&target.function, None))?.tags;
    let reserved = concurrency::reserved(lambda, &target.function).await?;
    let location = match &version.code.image {
        Some(image) => FunctionCodeLocation {
            repository_type: Some("ECR".to_owned()),
            image_uri: Some(image.uri.clone()),
            resolved_image_uri: Some(image.resolved_uri(&version.code.digest)),
            ..FunctionCodeLocation::default()
        },
        None => FunctionCodeLocation {
            repository_type: Some("S3".to_owned()),
            location: Some(lambda.code_locations.url(
                &cx.endpoint,
                &version.code.digest,
                cx.platform.clock.now().seconds,
            )),
            ..FunctionCodeLocation::default()
        },
    };
    Ok(GetFunctionResponse {
        configuration: Some(view::full(cx, &version, arn(&target)).await),
        code: Some(location),
        concurrency: reserved.map(|reserved| Concurrency { reserved_concurrent_executions: Some(reserved) }),
        tags: (!tags.is_empty()).then_some(tags),
        ..GetFunctionResponse::default()
    })
}

/// A version.
pub async fn get_function_configuration(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: GetFunctionConfigurationRequest,
) -> Result<FunctionConfiguration, Error> {
    let target = names::target(cx, &input.function_name, input.qualifier.as_deref())?;
    let version = describe(lambda, &target).await?;
    Ok(view::full(cx, &version, arn(&target)).await)
}

async fn describe(lambda: &Lambda, target: &Target) -> Result<FunctionVersion, Error> {
    let qualifier = target.qualifier.as_deref();
    let not_found = || errors::function_not_found(&target.function, qualifier);
    let name = qualifier.unwrap_or("$LATEST");
    let version = match names::version(name) {
        Some(version) => version,
        None => lambda.functions.alias(&target.function, name).await?.ok_or_else(not_found)?.version,
    };
    let record = lambda.functions.version(&target.function, version).await?;
    Ok(record.ok_or_else(not_found)?.described)
}

fn arn(target: &Target) -> String {
    target.qualifier.as_ref().map_or_else(|| target.function.arn(), |name| target.function.qualified_arn(name))
}
