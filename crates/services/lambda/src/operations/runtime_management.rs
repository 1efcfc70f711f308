//! `PutRuntimeManagementConfig` and `GetRuntimeManagementConfig`. There is one version of each runtime here, which a
//! function may be pinned to.

use std::sync::Arc;

use api::lambda::{
    GetRuntimeManagementConfigRequest, GetRuntimeManagementConfigResponse, PutRuntimeManagementConfigRequest,
    PutRuntimeManagementConfigResponse,
};
use platform::Ctx;
use store::Transaction;
use wire::Error;

use crate::configuration::runtime_version_arn;
use crate::function::{RuntimeManagement, Version};
use crate::functions::rows;
use crate::{FunctionId, Lambda, errors, keys, names};

/// A version stays with the runtime version that is named.
const MANUAL: &str = "Manual";
/// What holds unless something was set.
const AUTO: &str = "Auto";

/// Says how the runtime of a version is kept current.
pub async fn put_runtime_management_config(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: PutRuntimeManagementConfigRequest,
) -> Result<PutRuntimeManagementConfigResponse, Error> {
    let (id, version) = place(cx, &input.function_name, input.qualifier.as_deref())?;
    let record = lambda.functions.version(&id, version).await?;
    let record = record.ok_or_else(|| errors::function_not_found(&id, input.qualifier.as_deref()))?;
    let current = runtime_version_arn(&id.region, &record.described.configuration.runtime);
    check(&input, &current)?;
    let management = RuntimeManagement {
        update_on: input.update_runtime_on.clone(),
        runtime_version: input.runtime_version_arn.clone(),
    };
    let key = id.clone();
    let closure = move |rows: &mut dyn Transaction| {
        rows::function(rows, &key)?;
        rows::put(rows, &keys::runtime_management(&key, version), &management)
    };
    lambda.functions.commit(&id, None, closure).await?;
    Ok(PutRuntimeManagementConfigResponse {
        update_runtime_on: input.update_runtime_on,
        function_arn: id.qualified_arn(version),
        runtime_version_arn: input.runtime_version_arn,
    })
}

/// How the runtime of a version is kept current.
pub async fn get_runtime_management_config(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: GetRuntimeManagementConfigRequest,
) -> Result<GetRuntimeManagementConfigResponse, Error> {
    let (id, version) = place(cx, &input.function_name, input.qualifier.as_deref())?;
    if lambda.functions.version(&id, version).await?.is_none() {
        return Err(errors::function_not_found(&id, input.qualifier.as_deref()));
    }
    let found: Option<RuntimeManagement> = lambda.functions.row(&keys::runtime_management(&id, version)).await?;
    let found = found.unwrap_or_else(|| RuntimeManagement { update_on: AUTO.to_owned(), runtime_version: None });
    Ok(GetRuntimeManagementConfigResponse {
        update_runtime_on: Some(found.update_on),
        function_arn: Some(id.qualified_arn(version)),
        runtime_version_arn: found.runtime_version,
    })
}

fn place(cx: &Ctx, name: &str, qualifier: Option<&str>) -> Result<(FunctionId, Version), Error> {
    let target = names::target(cx, name, qualifier)?;
    let qualifier = target.qualifier.as_deref().unwrap_or("$LATEST");
    let version = names::version(qualifier);
    let version = version.ok_or_else(|| errors::function_not_found(&target.function, Some(qualifier)))?;
    Ok((target.function, version))
}

fn check(input: &PutRuntimeManagementConfigRequest, current: &str) -> Result<(), Error> {
    match (input.update_runtime_on.as_str(), input.runtime_version_arn.as_deref()) {
        (MANUAL, None) => {
            Err(errors::invalid_parameter("RuntimeVersionArn is required when the runtime update mode is Manual."))
        }
        (MANUAL, Some(given)) if given != current => {
            Err(errors::invalid_parameter(format!("Runtime Version {given} is invalid.")))
        }
        (MANUAL, Some(_)) | (_, None) => Ok(()),
        (_, Some(_)) => {
            Err(errors::invalid_parameter("RuntimeVersionArn can only be set when the runtime update mode is Manual."))
        }
    }
}
