//! `CreateCodeSigningConfig` and its kin, and the configurations that functions have.

use std::sync::Arc;

use api::Empty;
use api::lambda::{
    AllowedPublishers, CodeSigningConfig as Described, CodeSigningPolicies, CreateCodeSigningConfigRequest,
    CreateCodeSigningConfigResponse, DeleteCodeSigningConfigRequest, DeleteCodeSigningConfigResponse,
    DeleteFunctionCodeSigningConfigRequest, GetCodeSigningConfigRequest, GetCodeSigningConfigResponse,
    GetFunctionCodeSigningConfigRequest, GetFunctionCodeSigningConfigResponse, ListCodeSigningConfigsRequest,
    ListCodeSigningConfigsResponse, ListFunctionsByCodeSigningConfigRequest, ListFunctionsByCodeSigningConfigResponse,
    PutFunctionCodeSigningConfigRequest, PutFunctionCodeSigningConfigResponse, UpdateCodeSigningConfigRequest,
    UpdateCodeSigningConfigResponse,
};
use platform::Ctx;
use store::{Direction, Transaction};
use wire::Error;

use super::{marker, tags};
use crate::code_signing::{self, CodeSigningConfig, id_of_arn, in_use, unknown};
use crate::functions::rows;
use crate::{FunctionId, Lambda, errors, keys, names, view};

/// Characters of an id behind `csc-`.
const ID_CHARACTERS: usize = 17;

/// Most functions looked at for those that have a configuration; an account has no more with one in a region.
const FUNCTIONS_MAX: usize = 10_000;

/// Makes a configuration.
pub async fn create_code_signing_config(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: CreateCodeSigningConfigRequest,
) -> Result<CreateCodeSigningConfigResponse, Error> {
    let tags = input.tags.unwrap_or_default();
    tags::check(&tags)?;
    let config = CodeSigningConfig {
        id: format!("csc-{}", cx.platform.ids.hex(ID_CHARACTERS)),
        account: cx.account.clone(),
        region: cx.region.clone(),
        description: input.description,
        publishers: input.allowed_publishers.signing_profile_version_arns,
        is_enforced: is_enforced(input.code_signing_policies.as_ref()).unwrap_or(false),
        tags,
        last_modified: cx.platform.clock.milliseconds(),
    };
    let new = config.clone();
    let closure = move |rows: &mut dyn Transaction| {
        rows::put(rows, &keys::code_signing(&new.account, &new.region, &new.id), &new)
    };
    lambda.functions.change(closure).await?;
    Ok(CreateCodeSigningConfigResponse { code_signing_config: describe(config) })
}

/// Changes a configuration; it counts from the next deployment on.
pub async fn update_code_signing_config(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: UpdateCodeSigningConfigRequest,
) -> Result<UpdateCodeSigningConfigResponse, Error> {
    let id = id(cx, &input.code_signing_config_arn)?;
    let (key, now) = (keys::code_signing(&cx.account, &cx.region, &id), cx.platform.clock.milliseconds());
    let closure = move |rows: &mut dyn Transaction| {
        let found: Option<CodeSigningConfig> = rows::read(rows, &key)?;
        let mut config = found.ok_or_else(|| unknown(&input.code_signing_config_arn))?;
        if let Some(description) = &input.description {
            config.description = Some(description.clone());
        }
        if let Some(publishers) = &input.allowed_publishers {
            config.publishers.clone_from(&publishers.signing_profile_version_arns);
        }
        config.is_enforced = is_enforced(input.code_signing_policies.as_ref()).unwrap_or(config.is_enforced);
        config.last_modified = now;
        rows::put(rows, &key, &config)?;
        Ok(config)
    };
    let config = lambda.functions.change(closure).await?;
    Ok(UpdateCodeSigningConfigResponse { code_signing_config: describe(config) })
}

/// A configuration.
pub async fn get_code_signing_config(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: GetCodeSigningConfigRequest,
) -> Result<GetCodeSigningConfigResponse, Error> {
    let config = find(lambda, cx, &input.code_signing_config_arn).await?;
    Ok(GetCodeSigningConfigResponse { code_signing_config: describe(config) })
}

/// Deletes a configuration that no function has.
pub async fn delete_code_signing_config(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: DeleteCodeSigningConfigRequest,
) -> Result<DeleteCodeSigningConfigResponse, Error> {
    let arn = input.code_signing_config_arn;
    let id = id(cx, &arn)?;
    let key = keys::code_signing(&cx.account, &cx.region, &id);
    let users = keys::functions_code_signing(&cx.account, &cx.region).range();
    let closure = move |rows: &mut dyn Transaction| {
        if rows.get(&key)?.is_none() {
            return Err(unknown(&arn).into());
        }
        for (_, row) in rows.scan(users.clone(), Direction::Forward, FUNCTIONS_MAX)? {
            if rows::decode::<String>(&row)? == id {
                return Err(in_use(&arn).into());
            }
        }
        rows.delete(&key);
        Ok(())
    };
    lambda.functions.change(closure).await?;
    Ok(DeleteCodeSigningConfigResponse {})
}

/// The configurations of an account.
pub async fn list_code_signing_configs(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: ListCodeSigningConfigsRequest,
) -> Result<ListCodeSigningConfigsResponse, Error> {
    let limit = marker::page_items(input.max_items);
    let mut range = keys::code_signings(&cx.account, &cx.region).range();
    if let Some(after) = input.marker.as_deref().map(marker::read_name).transpose()? {
        range = range.after(&keys::code_signing(&cx.account, &cx.region, &after));
    }
    let mut rows = lambda.functions.rows::<CodeSigningConfig>(range, limit + 1).await?;
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let next_marker = rows.last().filter(|_| has_more).map(|(_, config)| marker::write_name(&config.id));
    let configs = rows.into_iter().map(|(_, config)| describe(config)).collect();
    Ok(ListCodeSigningConfigsResponse { next_marker, code_signing_configs: Some(configs) })
}

/// The functions that have a configuration.
pub async fn list_functions_by_code_signing_config(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: ListFunctionsByCodeSigningConfigRequest,
) -> Result<ListFunctionsByCodeSigningConfigResponse, Error> {
    let config = find(lambda, cx, &input.code_signing_config_arn).await?;
    let function = |name: String| FunctionId { account: cx.account.clone(), region: cx.region.clone(), name };
    let limit = marker::page_items(input.max_items);
    let mut range = keys::functions_code_signing(&cx.account, &cx.region).range();
    if let Some(after) = input.marker.as_deref().map(marker::read_name).transpose()? {
        range = range.after(&keys::function_code_signing(&function(after)));
    }
    let mut functions = Vec::new();
    for (key, id) in lambda.functions.all_rows::<String>(range).await? {
        if id == config.id {
            functions.push(keys::read_owner(&key).map_err(crate::store_failure)?);
        }
    }
    let has_more = functions.len() > limit;
    functions.truncate(limit);
    Ok(ListFunctionsByCodeSigningConfigResponse {
        next_marker: functions.last().filter(|_| has_more).map(|function| marker::write_name(&function.name)),
        function_arns: Some(functions.iter().map(FunctionId::arn).collect()),
    })
}

/// Gives a function a configuration; it counts from the next deployment on.
pub async fn put_function_code_signing_config(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: PutFunctionCodeSigningConfigRequest,
) -> Result<PutFunctionCodeSigningConfigResponse, Error> {
    let function = names::whole_function(cx, &input.function_name)?;
    let (key, arn) = (function.clone(), input.code_signing_config_arn.clone());
    let closure = move |rows: &mut dyn Transaction| {
        let config = code_signing::read(rows, &key.account, &key.region, &arn)?;
        rows::function(rows, &key)?;
        rows::put(rows, &keys::function_code_signing(&key), &config.id)
    };
    lambda.functions.change(closure).await?;
    Ok(PutFunctionCodeSigningConfigResponse {
        code_signing_config_arn: input.code_signing_config_arn,
        function_name: function.name,
    })
}

/// The configuration that a function has; nothing at all if it has none.
pub async fn get_function_code_signing_config(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: GetFunctionCodeSigningConfigRequest,
) -> Result<GetFunctionCodeSigningConfigResponse, Error> {
    let function = names::whole_function(cx, &input.function_name)?;
    if lambda.functions.function(&function).await?.is_none() {
        return Err(errors::function_not_found(&function, None));
    }
    let config = code_signing::of_function(lambda, &function).await?;
    Ok(GetFunctionCodeSigningConfigResponse {
        function_name: config.is_some().then_some(function.name),
        code_signing_config_arn: config.as_ref().map(CodeSigningConfig::arn),
    })
}

/// Takes the configuration from a function; it need not have one.
pub async fn delete_function_code_signing_config(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: DeleteFunctionCodeSigningConfigRequest,
) -> Result<Empty, Error> {
    let function = names::whole_function(cx, &input.function_name)?;
    let closure = move |rows: &mut dyn Transaction| {
        rows::function(rows, &function)?;
        rows.delete(&keys::function_code_signing(&function));
        Ok(())
    };
    lambda.functions.change(closure).await?;
    Ok(Empty)
}

fn id(cx: &Ctx, arn: &str) -> Result<String, Error> {
    id_of_arn(&cx.account, &cx.region, arn).map(str::to_owned).ok_or_else(|| unknown(arn))
}

async fn find(lambda: &Lambda, cx: &Ctx, arn: &str) -> Result<CodeSigningConfig, Error> {
    let key = keys::code_signing(&cx.account, &cx.region, &id(cx, arn)?);
    lambda.functions.row(&key).await?.ok_or_else(|| unknown(arn))
}

fn is_enforced(policies: Option<&CodeSigningPolicies>) -> Option<bool> {
    policies?.untrusted_artifact_on_deployment.as_deref().map(|policy| policy == "Enforce")
}

fn describe(config: CodeSigningConfig) -> Described {
    Described {
        code_signing_config_arn: config.arn(),
        code_signing_config_id: config.id,
        description: config.description,
        allowed_publishers: AllowedPublishers { signing_profile_version_arns: config.publishers, ..Default::default() },
        code_signing_policies: CodeSigningPolicies {
            untrusted_artifact_on_deployment: Some(if config.is_enforced { "Enforce" } else { "Warn" }.to_owned()),
        },
        last_modified: view::date(config.last_modified),
    }
}
