//! Function URL configurations.

use std::sync::Arc;

use api::Empty;
use api::lambda::{
    CreateFunctionUrlConfigRequest, CreateFunctionUrlConfigResponse, DeleteFunctionUrlConfigRequest, FunctionUrlConfig,
    GetFunctionUrlConfigRequest, GetFunctionUrlConfigResponse, ListFunctionUrlConfigsRequest,
    ListFunctionUrlConfigsResponse, UpdateFunctionUrlConfigRequest, UpdateFunctionUrlConfigResponse,
};
use platform::Ctx;
use store::{Abort, Transaction};
use wire::Error;

use super::{marker, permissions};
use crate::functions::rows;
use crate::names::Target;
use crate::urls::{CorsRules, FunctionUrl};
use crate::{FunctionId, Lambda, errors, keys, names, view};

/// Characters of an id: each is one of 36, so that ids cannot be guessed.
const ID_CHARACTERS: usize = 32;

/// Stands before the alias in a marker: the function's own address has none, and a marker is never empty.
const AT: char = '@';

/// Gives a function or an alias an address.
pub async fn create_function_url_config(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: CreateFunctionUrlConfigRequest,
) -> Result<CreateFunctionUrlConfigResponse, Error> {
    let target = target(cx, &input.function_name, input.qualifier.as_deref())?;
    let (now, names_mode) = (cx.platform.clock.milliseconds(), input.invoke_mode.is_some());
    let url = FunctionUrl {
        id: id(lambda),
        function: target.function.clone(),
        alias: target.qualifier,
        is_signed: input.auth_type == "AWS_IAM",
        is_streamed: input.invoke_mode.as_deref() == Some("RESPONSE_STREAM"),
        cors: input.cors.map(CorsRules::from),
        created: now,
        modified: now,
    };
    let made = url.clone();
    let closure = move |rows: &mut dyn Transaction| {
        check_exists(rows, &url)?;
        if rows.get(&keys::url(&url.function, url.alias.as_deref()))?.is_some() {
            return Err(errors::conflict(format!(
                "Failed to create function url config for [functionArn = {}]. Error message:  FunctionUrlConfig exists \
                 for this Lambda function",
                url.target_arn()
            ))
            .into());
        }
        put(rows, &url)
    };
    lambda.functions.commit(&target.function, None, closure).await?;
    let config = described(cx, made);
    Ok(CreateFunctionUrlConfigResponse {
        function_url: config.function_url,
        function_arn: config.function_arn,
        auth_type: config.auth_type,
        cors: config.cors,
        creation_time: config.creation_time,
        // AWS answers a creation with the mode only if it was given.
        invoke_mode: config.invoke_mode.filter(|_| names_mode),
    })
}

/// Changes what an address does.
pub async fn update_function_url_config(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: UpdateFunctionUrlConfigRequest,
) -> Result<UpdateFunctionUrlConfigResponse, Error> {
    let target = target(cx, &input.function_name, input.qualifier.as_deref())?;
    let (function, now) = (target.function.clone(), cx.platform.clock.milliseconds());
    let closure = move |rows: &mut dyn Transaction| {
        let found = rows::read::<FunctionUrl>(rows, &keys::url(&target.function, target.qualifier.as_deref()))?;
        if found.is_none() && !permissions::exists(rows, &target.function, target.qualifier.as_deref())? {
            return Err(no_function().into());
        }
        let mut url = found.ok_or_else(unknown)?;
        if let Some(auth_type) = &input.auth_type {
            url.is_signed = auth_type == "AWS_IAM";
        }
        if let Some(mode) = &input.invoke_mode {
            url.is_streamed = mode == "RESPONSE_STREAM";
        }
        if let Some(cors) = &input.cors {
            url.cors = Some(CorsRules::from(cors.clone()));
        }
        url.modified = now;
        put(rows, &url)?;
        Ok(url)
    };
    let config = described(cx, lambda.functions.commit(&function, None, closure).await?);
    Ok(UpdateFunctionUrlConfigResponse {
        function_url: config.function_url,
        function_arn: config.function_arn,
        auth_type: config.auth_type,
        cors: config.cors,
        creation_time: config.creation_time,
        last_modified_time: config.last_modified_time,
        invoke_mode: config.invoke_mode,
    })
}

/// The address of a function or an alias.
pub async fn get_function_url_config(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: GetFunctionUrlConfigRequest,
) -> Result<GetFunctionUrlConfigResponse, Error> {
    let target = target(cx, &input.function_name, input.qualifier.as_deref())?;
    let key = keys::url(&target.function, target.qualifier.as_deref());
    let url = lambda.functions.row::<FunctionUrl>(&key).await?.ok_or_else(unknown)?;
    let config = described(cx, url);
    Ok(GetFunctionUrlConfigResponse {
        function_url: config.function_url,
        function_arn: config.function_arn,
        auth_type: config.auth_type,
        cors: config.cors,
        creation_time: config.creation_time,
        last_modified_time: config.last_modified_time,
        invoke_mode: config.invoke_mode,
    })
}

/// Takes an address away.
pub async fn delete_function_url_config(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: DeleteFunctionUrlConfigRequest,
) -> Result<Empty, Error> {
    let target = target(cx, &input.function_name, input.qualifier.as_deref())?;
    let function = target.function.clone();
    let closure = move |rows: &mut dyn Transaction| {
        if delete(rows, &target.function, target.qualifier.as_deref())? { Ok(()) } else { Err(unknown().into()) }
    };
    lambda.functions.commit(&function, None, closure).await?;
    Ok(Empty)
}

/// The addresses of a function and its aliases.
pub async fn list_function_url_configs(
    lambda: &Arc<Lambda>,
    cx: &Ctx,
    input: ListFunctionUrlConfigsRequest,
) -> Result<ListFunctionUrlConfigsResponse, Error> {
    let function = names::whole_function(cx, &input.function_name)?;
    if lambda.functions.function(&function).await?.is_none() {
        return Err(no_function());
    }
    let mut range = keys::urls(&function).range();
    if let Some(marker) = &input.marker {
        let alias = marker::read_name(marker)?;
        let alias = alias.strip_prefix(AT).ok_or_else(marker::invalid)?;
        range = range.after(&keys::url(&function, Some(alias)));
    }
    let limit = marker::page_items(input.max_items);
    let mut found = lambda.functions.rows::<FunctionUrl>(range, limit + 1).await?;
    let is_more = found.len() > limit;
    found.truncate(limit);
    let last = found.last().map(|(_, url)| format!("{AT}{}", url.alias.as_deref().unwrap_or_default()));
    Ok(ListFunctionUrlConfigsResponse {
        next_marker: last.filter(|_| is_more).as_deref().map(marker::write_name),
        function_url_configs: found.into_iter().map(|(_, url)| described(cx, url)).collect(),
    })
}

/// Deletes the address of a function or an alias; answers whether there was one.
pub fn delete(rows: &mut dyn Transaction, function: &FunctionId, alias: Option<&str>) -> Result<bool, Abort<Error>> {
    let key = keys::url(function, alias);
    let Some(url) = rows::read::<FunctionUrl>(rows, &key)? else { return Ok(false) };
    rows.delete(&key);
    rows.delete(&keys::url_by_id(&url.id));
    Ok(true)
}

fn put(rows: &mut dyn Transaction, url: &FunctionUrl) -> Result<(), Abort<Error>> {
    rows::put(rows, &keys::url(&url.function, url.alias.as_deref()), url)?;
    rows::put(rows, &keys::url_by_id(&url.id), url)
}

fn check_exists(rows: &mut dyn Transaction, url: &FunctionUrl) -> Result<(), Abort<Error>> {
    let key = match &url.alias {
        Some(alias) => keys::alias(&url.function, alias),
        None => keys::function(&url.function),
    };
    if rows.get(&key)?.is_some() { Ok(()) } else { Err(no_function().into()) }
}

/// Versions have no addresses, and `$LATEST` is what the plain function means.
fn target(cx: &Ctx, name: &str, qualifier: Option<&str>) -> Result<Target, Error> {
    let target = names::target(cx, name, qualifier)?;
    if let Some(given) = target.qualifier.as_deref().filter(|given| names::version(given).is_some()) {
        return Err(errors::validation(&[format!(
            "Value '{given}' at 'qualifier' failed to satisfy constraint: \
             Member must satisfy regular expression pattern: ((?!^\\d+$)^[0-9a-zA-Z-_]+$)"
        )]));
    }
    Ok(target)
}

fn no_function() -> Error {
    errors::not_found("Function does not exist")
}

fn unknown() -> Error {
    errors::not_found("The resource you requested does not exist.")
}

fn id(lambda: &Lambda) -> String {
    let ids = &lambda.platform.ids;
    (0..ID_CHARACTERS).filter_map(|_| char::from_digit(ids.below(36) as u32, 36)).collect()
}

fn described(cx: &Ctx, url: FunctionUrl) -> FunctionUrlConfig {
    // Times are written as AWS writes them here: to the microsecond and with a `Z`.
    let time = |milliseconds| view::date(milliseconds).replace("+0000", "000Z");
    FunctionUrlConfig {
        function_url: url.address(&cx.endpoint),
        function_arn: url.target_arn(),
        creation_time: time(url.created),
        last_modified_time: time(url.modified),
        auth_type: url.auth_type().to_owned(),
        invoke_mode: Some(url.invoke_mode().to_owned()),
        cors: url.cors.map(api::lambda::Cors::from),
    }
}
