//! `PutProvisionedConcurrencyConfig`, `GetProvisionedConcurrencyConfig`, `ListProvisionedConcurrencyConfigs` and
//! `DeleteProvisionedConcurrencyConfig`.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use api::Empty;
use api::lambda::{
    DeleteProvisionedConcurrencyConfigRequest, GetProvisionedConcurrencyConfigRequest,
    GetProvisionedConcurrencyConfigResponse, ListProvisionedConcurrencyConfigsRequest,
    ListProvisionedConcurrencyConfigsResponse, ProvisionedConcurrencyConfigListItem,
    PutProvisionedConcurrencyConfigRequest, PutProvisionedConcurrencyConfigResponse,
};
use platform::Ctx;
use store::{Abort, Direction, Transaction};
use wire::Error;

use super::account::CONCURRENT_EXECUTIONS_MAX;
use super::concurrency::{Bespoken, UNRESERVED_MIN};
use super::{marker, permissions};
use crate::function::{Alias, ProvisionedConcurrency, Version};
use crate::functions::{ALIASES_MAX, rows};
use crate::names::Target;
use crate::{FunctionId, Lambda, errors, keys, names, view};

/// Keeps environments of a version initialised, or of what an alias stands for.
pub async fn put_provisioned_concurrency_config(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: PutProvisionedConcurrencyConfigRequest,
) -> Result<PutProvisionedConcurrencyConfigResponse, Error> {
    let unpublished = "Provisioned Concurrency Configs cannot be applied to unpublished function versions.";
    let (id, qualifier) = place(cx, &input.function_name, &input.qualifier, unpublished)?;
    let requested = input.provisioned_concurrent_executions.unsigned_abs();
    let config = ProvisionedConcurrency { requested, last_modified: cx.platform.clock.milliseconds() };
    let (function, new) = (id.clone(), config.clone());
    let closure = move |rows: &mut dyn Transaction| {
        check_exists(rows, &function, &qualifier)?;
        check_number(rows, &function, &qualifier, new.requested)?;
        check_alone(rows, &function, &qualifier)?;
        rows::put(rows, &keys::provisioned(&function, &qualifier), &new)
    };
    lambda.functions.commit(&id, None, closure).await?;
    refresh(lambda, &id).await?;
    Ok(PutProvisionedConcurrencyConfigResponse {
        requested_provisioned_concurrent_executions: Some(requested as i32),
        allocated_provisioned_concurrent_executions: Some(0),
        available_provisioned_concurrent_executions: Some(0),
        status: Some("IN_PROGRESS".to_owned()),
        status_reason: None,
        last_modified: Some(view::date_in_seconds(config.last_modified)),
    })
}

/// What is provisioned for a version or an alias, and how much of it is there.
pub async fn get_provisioned_concurrency_config(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: GetProvisionedConcurrencyConfigRequest,
) -> Result<GetProvisionedConcurrencyConfigResponse, Error> {
    let (id, qualifier) = place(cx, &input.function_name, &input.qualifier, NOT_PUBLISHED)?;
    let config = lambda.functions.row::<ProvisionedConcurrency>(&keys::provisioned(&id, &qualifier)).await?;
    let Some(config) = config else {
        lambda.functions.change(move |rows| check_exists(rows, &id, &qualifier)).await?;
        return Err(api::lambda::errors::provisioned_concurrency_config_not_found_exception(
            "No Provisioned Concurrency Config found for this function",
        )
        .with("Type", "User".into()));
    };
    let described = describe(lambda, &id, &qualifier, &config).await?;
    Ok(GetProvisionedConcurrencyConfigResponse {
        requested_provisioned_concurrent_executions: described.requested_provisioned_concurrent_executions,
        allocated_provisioned_concurrent_executions: described.allocated_provisioned_concurrent_executions,
        available_provisioned_concurrent_executions: described.available_provisioned_concurrent_executions,
        status: described.status,
        status_reason: described.status_reason,
        last_modified: described.last_modified,
    })
}

/// What is provisioned for the versions and aliases of a function.
pub async fn list_provisioned_concurrency_configs(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: ListProvisionedConcurrencyConfigsRequest,
) -> Result<ListProvisionedConcurrencyConfigsResponse, Error> {
    let id = names::whole_function(cx, &input.function_name)?;
    if lambda.functions.function(&id).await?.is_none() {
        return Err(errors::function_not_found(&id, None));
    }
    let mut range = keys::provisioned_of(&id).range();
    if let Some(after) = input.marker.as_deref().map(marker::read_name).transpose()? {
        range = range.after(&keys::provisioned(&id, &after));
    }
    let limit = marker::page_items(input.max_items);
    let rows = lambda.functions.rows::<ProvisionedConcurrency>(range, limit + 1).await?;
    let mut configs = Vec::new();
    let mut last = None;
    for (key, config) in rows.iter().take(limit) {
        let qualifier = keys::read_qualifier(key).map_err(crate::store_failure)?;
        configs.push(describe(lambda, &id, &qualifier, config).await?);
        last = Some(qualifier);
    }
    Ok(ListProvisionedConcurrencyConfigsResponse {
        provisioned_concurrency_configs: Some(configs),
        next_marker: last.filter(|_| rows.len() > limit).map(|name| marker::write_name(&name)),
    })
}

/// Lets the environments of a version or an alias go; there need not be any.
pub async fn delete_provisioned_concurrency_config(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: DeleteProvisionedConcurrencyConfigRequest,
) -> Result<Empty, Error> {
    let (id, qualifier) = place(cx, &input.function_name, &input.qualifier, NOT_PUBLISHED)?;
    let function = id.clone();
    let closure = move |rows: &mut dyn Transaction| {
        check_exists(rows, &function, &qualifier)?;
        rows.delete(&keys::provisioned(&function, &qualifier));
        Ok(())
    };
    lambda.functions.commit(&id, None, closure).await?;
    refresh(lambda, &id).await?;
    Ok(Empty)
}

/// Makes invocations keep to what is provisioned for a function now. Whoever comes last reads what is stored last.
///
/// # Errors
/// When the store cannot be read.
pub async fn refresh(lambda: &Lambda, id: &FunctionId) -> Result<(), Error> {
    let _alone = lambda.reservations.lock().await;
    let mut wanted: HashMap<Version, u32> = HashMap::new();
    for (key, config) in lambda.functions.all_rows::<ProvisionedConcurrency>(keys::provisioned_of(id).range()).await? {
        let qualifier = keys::read_qualifier(&key).map_err(crate::store_failure)?;
        for (version, share) in shares(lambda, id, &qualifier, config.requested).await? {
            *wanted.entry(version).or_default() += share;
        }
    }
    lambda.invoker.provision(id, &wanted);
    Ok(())
}

/// Begins to initialise all that is provisioned, at start.
///
/// # Errors
/// When the store cannot be read.
pub async fn load(lambda: &Lambda) -> Result<(), Error> {
    let rows = lambda.functions.all_rows::<ProvisionedConcurrency>(keys::all_provisioned()).await?;
    let functions: HashSet<FunctionId> = rows.iter().filter_map(|(key, _)| keys::read_owner(key).ok()).collect();
    for function in functions {
        refresh(lambda, &function).await?;
    }
    Ok(())
}

/// What AWS says of `$LATEST` where nothing can be provisioned.
const NOT_PUBLISHED: &str = "The function resource provided must be an alias or a published version.";

fn place(cx: &Ctx, name: &str, qualifier: &str, unpublished: &str) -> Result<(FunctionId, String), Error> {
    let target: Target = names::target(cx, name, Some(qualifier))?;
    let qualifier = target.qualifier.unwrap_or_default();
    if qualifier == "$LATEST" {
        return Err(errors::invalid_parameter(unpublished));
    }
    Ok((target.function, qualifier))
}

/// Here, unlike elsewhere, AWS names the version or alias even if there is no such function.
fn check_exists(rows: &mut dyn Transaction, id: &FunctionId, qualifier: &str) -> Result<(), Abort<Error>> {
    if permissions::exists(rows, id, Some(qualifier))? {
        return Ok(());
    }
    let is_alias = names::version(qualifier).is_none();
    let error =
        if is_alias { errors::alias_not_found(id, qualifier) } else { errors::function_not_found(id, Some(qualifier)) };
    Err(error.into())
}

/// The function's reservation and the account's limit leave room for it.
fn check_number(
    rows: &mut dyn Transaction,
    id: &FunctionId,
    qualifier: &str,
    requested: u32,
) -> Result<(), Abort<Error>> {
    let mut bespoken = Bespoken::read(rows, &id.account, &id.region)?;
    let before: Option<ProvisionedConcurrency> = rows::read(rows, &keys::provisioned(id, qualifier))?;
    let all = bespoken.provisioned.entry(id.name.clone()).or_default();
    *all = all.saturating_sub(before.map_or(0, |before| before.requested)).saturating_add(requested);
    let account_max = CONCURRENT_EXECUTIONS_MAX.unsigned_abs();
    let text = if bespoken.reserved.get(&id.name).is_some_and(|reserved| reserved < all) {
        "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function"
            .to_owned()
    } else if requested > account_max {
        format!(
            "Specified ConcurrentExecutions for function is greater than account's unreserved concurrency \
             [{account_max}]."
        )
    } else if bespoken.total().saturating_add(UNRESERVED_MIN) > account_max {
        format!(
            "Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its \
             minimum value of [{UNRESERVED_MIN}]."
        )
    } else {
        return Ok(());
    };
    Err(errors::invalid_parameter(text).into())
}

/// A version and an alias that stands for it do not both have provisioned concurrency.
fn check_alone(rows: &mut dyn Transaction, id: &FunctionId, qualifier: &str) -> Result<(), Abort<Error>> {
    let Some(version) = names::version(qualifier) else {
        let alias: Option<Alias> = rows::read(rows, &keys::alias(id, qualifier))?;
        let version = alias.map(|alias| alias.version.to_string()).unwrap_or_default();
        if rows.get(&keys::provisioned(id, &version))?.is_some() {
            return Err(errors::conflict(
                "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version",
            )
            .into());
        }
        return Ok(());
    };
    for (_, row) in rows.scan(keys::aliases(id).range(), Direction::Forward, ALIASES_MAX)? {
        let alias: Alias = rows::decode(&row)?;
        if alias.refers_to(version) && rows.get(&keys::provisioned(id, &alias.name))?.is_some() {
            return Err(errors::conflict("Version is pointed by a Provisioned Concurrency alias").into());
        }
    }
    Ok(())
}

/// The versions that a version or an alias stands for, each with its share of the environments.
async fn shares(
    lambda: &Lambda,
    id: &FunctionId,
    qualifier: &str,
    requested: u32,
) -> Result<Vec<(Version, u32)>, Error> {
    if let Some(version) = names::version(qualifier) {
        return Ok(vec![(version, requested)]);
    }
    let Some(alias) = lambda.functions.alias(id, qualifier).await? else { return Ok(Vec::new()) };
    let Some((second, weight)) = alias.second else { return Ok(vec![(alias.version, requested)]) };
    let of_second = (f64::from(requested) * weight).round() as u32;
    Ok(vec![(alias.version, requested.saturating_sub(of_second)), (second, of_second.min(requested))])
}

async fn describe(
    lambda: &Lambda,
    id: &FunctionId,
    qualifier: &str,
    config: &ProvisionedConcurrency,
) -> Result<ProvisionedConcurrencyConfigListItem, Error> {
    let (mut allocated, mut available, mut failure) = (0, 0, None);
    for (version, share) in shares(lambda, id, qualifier, config.requested).await? {
        let progress = lambda.invoker.provisioned.progress(id, version);
        allocated += progress.allocated.min(share);
        available += progress.available.min(share);
        failure = failure.or(progress.failure);
    }
    let status = match failure {
        _ if available >= config.requested => "READY",
        Some(_) => "FAILED",
        None => "IN_PROGRESS",
    };
    Ok(ProvisionedConcurrencyConfigListItem {
        function_arn: Some(id.qualified_arn(qualifier)),
        requested_provisioned_concurrent_executions: Some(config.requested as i32),
        available_provisioned_concurrent_executions: Some(available as i32),
        allocated_provisioned_concurrent_executions: Some(allocated as i32),
        status: Some(status.to_owned()),
        status_reason: failure.filter(|_| status == "FAILED").map(str::to_owned),
        last_modified: Some(view::date_in_seconds(config.last_modified)),
    })
}
