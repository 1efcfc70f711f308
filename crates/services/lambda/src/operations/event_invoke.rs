//! How asynchronous invocations are treated: `PutFunctionEventInvokeConfig` and its kin.

use std::sync::Arc;

use api::Empty;
use api::lambda::{
    DeleteFunctionEventInvokeConfigRequest, DestinationConfig, FunctionEventInvokeConfig,
    GetFunctionEventInvokeConfigRequest, ListFunctionEventInvokeConfigsRequest, ListFunctionEventInvokeConfigsResponse,
    OnFailure, OnSuccess, PutFunctionEventInvokeConfigRequest, UpdateFunctionEventInvokeConfigRequest,
};
use platform::Ctx;
use store::Transaction;
use wire::{Error, Timestamp};

use super::{marker, permissions};
use crate::destination::Destination;
use crate::function::EventInvokeConfig;
use crate::functions::{self, rows};
use crate::{FunctionId, Lambda, errors, keys, names, role};

/// What a request sets.
struct Settings {
    retries: Option<i32>,
    age_seconds: Option<i32>,
    destinations: Option<DestinationConfig>,
}

/// Replaces a configuration.
pub async fn put_function_event_invoke_config(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: PutFunctionEventInvokeConfigRequest,
) -> Result<FunctionEventInvokeConfig, Error> {
    let (id, qualifier) = place(cx, &input.function_name, input.qualifier.as_deref())?;
    let settings = Settings {
        retries: input.maximum_retry_attempts,
        age_seconds: input.maximum_event_age_in_seconds,
        destinations: input.destination_config,
    };
    write(lambda, cx, (id, qualifier), settings, false).await
}

/// Changes a configuration.
pub async fn update_function_event_invoke_config(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: UpdateFunctionEventInvokeConfigRequest,
) -> Result<FunctionEventInvokeConfig, Error> {
    let (id, qualifier) = place(cx, &input.function_name, input.qualifier.as_deref())?;
    let settings = Settings {
        retries: input.maximum_retry_attempts,
        age_seconds: input.maximum_event_age_in_seconds,
        destinations: input.destination_config,
    };
    write(lambda, cx, (id, qualifier), settings, true).await
}

/// A configuration.
pub async fn get_function_event_invoke_config(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: GetFunctionEventInvokeConfigRequest,
) -> Result<FunctionEventInvokeConfig, Error> {
    let (id, qualifier) = place(cx, &input.function_name, input.qualifier.as_deref())?;
    let config = lambda.functions.row(&keys::event_invoke(&id, &qualifier)).await?;
    Ok(describe(&id, &qualifier, config.ok_or_else(|| absent(&id, &qualifier))?))
}

/// The configurations of a function.
pub async fn list_function_event_invoke_configs(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: ListFunctionEventInvokeConfigsRequest,
) -> Result<ListFunctionEventInvokeConfigsResponse, Error> {
    let id = names::whole_function(cx, &input.function_name)?;
    if lambda.functions.function(&id).await?.is_none() {
        return Err(errors::not_found("The function doesn't exist."));
    }
    let mut range = keys::event_invokes(&id).range();
    if let Some(after) = input.marker.as_deref().map(marker::read_name).transpose()? {
        range = range.after(&keys::event_invoke(&id, &after));
    }
    let limit = marker::page_items(input.max_items);
    let rows = lambda.functions.rows::<EventInvokeConfig>(range, limit + 1).await?;
    let mut configs = Vec::new();
    let mut last = None;
    for (key, config) in rows.iter().take(limit) {
        let qualifier = keys::read_qualifier(key).map_err(crate::store_failure)?;
        configs.push(describe(&id, &qualifier, config.clone()));
        last = Some(qualifier);
    }
    let next_marker = last.filter(|_| rows.len() > limit).map(|name| marker::write_name(&name));
    Ok(ListFunctionEventInvokeConfigsResponse { function_event_invoke_configs: Some(configs), next_marker })
}

/// Deletes a configuration.
pub async fn delete_function_event_invoke_config(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: DeleteFunctionEventInvokeConfigRequest,
) -> Result<Empty, Error> {
    let (id, qualifier) = place(cx, &input.function_name, input.qualifier.as_deref())?;
    let (key, error) = (keys::event_invoke(&id, &qualifier), absent(&id, &qualifier));
    let closure = move |rows: &mut dyn Transaction| {
        if rows.get(&key)?.is_none() {
            return Err(error.clone().into());
        }
        rows.delete(&key);
        Ok(())
    };
    lambda.functions.commit(&id, None, closure).await?;
    Ok(Empty)
}

async fn write(
    lambda: &Lambda,
    cx: &Ctx,
    (id, qualifier): (FunctionId, String),
    settings: Settings,
    is_update: bool,
) -> Result<FunctionEventInvokeConfig, Error> {
    if settings.retries.is_none() && settings.age_seconds.is_none() && settings.destinations.is_none() {
        return Err(errors::invalid_parameter(
            "You must specify at least one of error handling or destination setting.",
        ));
    }
    let named = check_destinations(&id, settings.destinations.as_ref())?;
    if let Some(destinations) = &settings.destinations {
        check_rights(lambda, cx, &id, &qualifier, destinations).await?;
    }
    let (key, function, name) = (keys::event_invoke(&id, &qualifier), id.clone(), qualifier.clone());
    let now = lambda.platform.clock.milliseconds();
    let closure = move |rows: &mut dyn Transaction| {
        if !permissions::exists(rows, &function, Some(&name))? {
            return Err(errors::not_found("The function doesn't exist.").into());
        }
        for (destination, arn) in &named {
            if rows.get(&keys::function(destination))?.is_none() {
                return Err(errors::invalid_parameter(format!("The destination ARN {arn} is invalid.")).into());
            }
        }
        let before: Option<EventInvokeConfig> = rows::read(rows, &key)?;
        let mut config = match before {
            Some(before) if is_update => before,
            None if is_update => return Err(absent(&function, &name).into()),
            Some(_) | None => EventInvokeConfig::default(),
        };
        config.retries = settings.retries.map(i32::unsigned_abs).or(config.retries);
        config.age_seconds = settings.age_seconds.map(i32::unsigned_abs).or(config.age_seconds);
        if let Some(destinations) = &settings.destinations {
            let (success, failure) = arns(destinations);
            if destinations.on_success.is_some() || !is_update {
                config.on_success = success.map(str::to_owned);
            }
            if destinations.on_failure.is_some() || !is_update {
                config.on_failure = failure.map(str::to_owned);
            }
        }
        config.last_modified = now;
        rows::put(rows, &key, &config)?;
        Ok(config)
    };
    let config = lambda.functions.commit(&id, None, closure).await?;
    Ok(describe(&id, &qualifier, config))
}

/// The ARNs that are set; an empty one takes a destination away.
fn arns(destinations: &DestinationConfig) -> (Option<&str>, Option<&str>) {
    let success = destinations.on_success.as_ref().and_then(|on| on.destination.as_deref());
    let failure = destinations.on_failure.as_ref().and_then(|on| on.destination.as_deref());
    (success.filter(|arn| !arn.is_empty()), failure.filter(|arn| !arn.is_empty()))
}

/// Checks what can be told of the destinations without the store, and answers the functions among them that have to
/// exist: those of the same account and region.
fn check_destinations(
    function: &FunctionId,
    destinations: Option<&DestinationConfig>,
) -> Result<Vec<(FunctionId, String)>, Error> {
    let Some(destinations) = destinations else { return Ok(Vec::new()) };
    let (success, failure) = arns(destinations);
    let is_unfit = |arn: &str, is_success: bool| {
        Destination::of_arn(arn).is_none_or(|destination| is_success && destination.is_for_failures_alone())
    };
    if success.is_some_and(|arn| is_unfit(arn, true)) || failure.is_some_and(|arn| is_unfit(arn, false)) {
        let part = |name: &str, arn: Option<&str>| {
            arn.map_or_else(|| "null".to_owned(), |arn| format!("{name}(destination={arn})"))
        };
        let (success, failure) = (part("OnSuccess", success), part("OnFailure", failure));
        return Err(errors::invalid_parameter(format!(
            "The provided destination config DestinationConfig(onSuccess={success}, onFailure={failure}) is invalid."
        )));
    }
    let mut functions = Vec::new();
    for arn in [failure, success].into_iter().flatten() {
        let Some((named, _)) = names::parts_of_arn(arn) else { continue };
        if named == *function {
            return Err(errors::invalid_parameter("You can't specify the function as a destination for itself."));
        }
        if (&named.account, &named.region) == (&function.account, &function.region) {
            functions.push((named, arn.to_owned()));
        }
    }
    Ok(functions)
}

/// Checks that the function's role may send to the destinations. What does not exist is refused later.
async fn check_rights(
    lambda: &Lambda,
    cx: &Ctx,
    id: &FunctionId,
    qualifier: &str,
    destinations: &DestinationConfig,
) -> Result<(), Error> {
    let version = match functions::resolve(lambda, id, Some(qualifier)).await {
        Ok(version) => version,
        Err(error) if error.is("ResourceNotFoundException") => return Ok(()),
        Err(error) => return Err(error),
    };
    let (success, failure) = arns(destinations);
    for arn in [success, failure].into_iter().flatten() {
        let Some(way) = Destination::of_arn(arn).and_then(|destination| destination.way()) else { continue };
        if !role::may(cx, id, &version.configuration, &way).await? {
            let call = way.call();
            return Err(errors::invalid_parameter(format!(
                "The function's execution role does not have permissions to call {call} on {arn}"
            )));
        }
    }
    Ok(())
}

fn place(cx: &Ctx, name: &str, qualifier: Option<&str>) -> Result<(FunctionId, String), Error> {
    let target = names::target(cx, name, qualifier)?;
    Ok((target.function, target.qualifier.unwrap_or_else(|| "$LATEST".to_owned())))
}

fn absent(id: &FunctionId, qualifier: &str) -> Error {
    errors::not_found(format!("The function {} doesn't have an EventInvokeConfig", id.qualified_arn(qualifier)))
}

fn describe(id: &FunctionId, qualifier: &str, config: EventInvokeConfig) -> FunctionEventInvokeConfig {
    FunctionEventInvokeConfig {
        last_modified: Some(Timestamp::from_milliseconds(config.last_modified)),
        function_arn: Some(id.qualified_arn(qualifier)),
        maximum_retry_attempts: config.retries.map(|retries| retries as i32),
        maximum_event_age_in_seconds: config.age_seconds.map(|age| age as i32),
        destination_config: Some(DestinationConfig {
            on_success: Some(OnSuccess { destination: config.on_success }),
            on_failure: Some(OnFailure { destination: config.on_failure }),
        }),
    }
}
