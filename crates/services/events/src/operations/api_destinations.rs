//! `CreateApiDestination`, `UpdateApiDestination`, `DeleteApiDestination`, `DescribeApiDestination`,
//! `ListApiDestinations`.

use std::sync::Arc;

use api::events::{
    self as model, CreateApiDestinationRequest, CreateApiDestinationResponse, DeleteApiDestinationRequest,
    DeleteApiDestinationResponse, DescribeApiDestinationRequest, DescribeApiDestinationResponse,
    ListApiDestinationsRequest, ListApiDestinationsResponse, UpdateApiDestinationRequest, UpdateApiDestinationResponse,
};
use platform::Ctx;
use wire::{Error, Timestamp};

use crate::connection::AUTHORIZED;
use crate::destination::ApiDestination;
use crate::errors::{destination_exists, invalid, no_destination, no_such_connection, too_many};
use crate::keys;
use crate::limits::{API_DESTINATIONS_MAX, INVOCATIONS_PER_SECOND};
use crate::operations::page::{self, Listing};
use crate::rows;
use crate::service::Events;

/// Makes an API destination.
///
/// # Errors
/// `ResourceNotFoundException` for the connection, `ResourceAlreadyExistsException`, `LimitExceededException`,
/// `ValidationException`.
pub async fn create_api_destination(
    service: &Arc<Events>,
    cx: &Ctx,
    input: CreateApiDestinationRequest,
) -> Result<CreateApiDestinationResponse, Error> {
    check_endpoint(&input.invocation_endpoint)?;
    let state =
        state(service, cx, &input.connection_arn).await?.ok_or_else(|| no_such_connection(&input.connection_arn))?;
    let now = service.now();
    let made = ApiDestination {
        id: service.platform.ids.uuid(),
        name: input.name,
        description: input.description,
        connection: input.connection_arn,
        endpoint: input.invocation_endpoint,
        method: input.http_method,
        per_second: input.invocation_rate_limit_per_second.unwrap_or(INVOCATIONS_PER_SECOND),
        created: now,
        modified: now,
    };
    let arn = made.arn(&cx.account, &cx.region);
    let key = keys::api_destination(&cx.account, &cx.region, &made.name);
    let all = keys::api_destinations(&cx.account, &cx.region);
    let written = service.transact(move |rows| {
        if rows.get(&key)?.is_some() {
            return Err(destination_exists(&made.name).into());
        }
        if rows.scan(all.range(), store::Direction::Forward, API_DESTINATIONS_MAX)?.len() == API_DESTINATIONS_MAX {
            return Err(too_many().into());
        }
        rows::put(rows, &key, &made)
    });
    written.await?;
    Ok(CreateApiDestinationResponse {
        api_destination_arn: Some(arn),
        api_destination_state: Some(state),
        creation_time: Some(Timestamp::from_milliseconds(now)),
        last_modified_time: Some(Timestamp::from_milliseconds(now)),
    })
}

/// An address of HTTP. The model's own pattern lets other schemes pass.
fn check_endpoint(endpoint: &str) -> Result<(), Error> {
    let rest = endpoint.strip_prefix("https://").or_else(|| endpoint.strip_prefix("http://"));
    match rest {
        Some(rest) if !rest.is_empty() && !rest.starts_with('/') => Ok(()),
        _ => Err(invalid("InvocationEndpoint", "The endpoint must be an HTTPS address.")),
    }
}

/// Whether destinations of a connection are active; `None` if there is no such connection.
async fn state(service: &Events, cx: &Ctx, connection: &str) -> Result<Option<String>, Error> {
    let found = service.connection_of(&cx.account, &cx.region, connection).await?;
    Ok(found.map(|found| if found.state == AUTHORIZED { "ACTIVE" } else { "INACTIVE" }.to_owned()))
}

/// Changes an API destination. What is not named stays.
///
/// # Errors
/// `ResourceNotFoundException`, `ValidationException`.
pub async fn update_api_destination(
    service: &Arc<Events>,
    cx: &Ctx,
    input: UpdateApiDestinationRequest,
) -> Result<UpdateApiDestinationResponse, Error> {
    if let Some(endpoint) = &input.invocation_endpoint {
        check_endpoint(endpoint)?;
    }
    if let Some(connection) = &input.connection_arn {
        state(service, cx, connection).await?.ok_or_else(|| no_such_connection(connection))?;
    }
    let (now, key) = (service.now(), keys::api_destination(&cx.account, &cx.region, &input.name));
    let changed = service.transact(move |rows| {
        let known: Option<ApiDestination> = rows::read(rows, &key)?;
        let known = known.ok_or_else(|| no_destination("update", &input.name))?;
        let changed = ApiDestination {
            description: input.description.clone().or(known.description),
            connection: input.connection_arn.clone().unwrap_or(known.connection),
            endpoint: input.invocation_endpoint.clone().unwrap_or(known.endpoint),
            method: input.http_method.clone().unwrap_or(known.method),
            per_second: input.invocation_rate_limit_per_second.unwrap_or(known.per_second),
            modified: now,
            ..known
        };
        rows::put(rows, &key, &changed)?;
        Ok(changed)
    });
    let changed = changed.await?;
    Ok(UpdateApiDestinationResponse {
        api_destination_arn: Some(changed.arn(&cx.account, &cx.region)),
        api_destination_state: Some(state_or_inactive(service, cx, &changed.connection).await?),
        creation_time: Some(Timestamp::from_milliseconds(changed.created)),
        last_modified_time: Some(Timestamp::from_milliseconds(changed.modified)),
    })
}

async fn state_or_inactive(service: &Events, cx: &Ctx, connection: &str) -> Result<String, Error> {
    Ok(state(service, cx, connection).await?.unwrap_or_else(|| "INACTIVE".to_owned()))
}

/// Deletes an API destination.
///
/// # Errors
/// `ResourceNotFoundException`.
pub async fn delete_api_destination(
    service: &Arc<Events>,
    cx: &Ctx,
    input: DeleteApiDestinationRequest,
) -> Result<DeleteApiDestinationResponse, Error> {
    let key = keys::api_destination(&cx.account, &cx.region, &input.name);
    let deleted = service.transact(move |rows| {
        if rows.get(&key)?.is_none() {
            return Err(no_destination("delete", &input.name).into());
        }
        rows.delete(&key);
        Ok(())
    });
    deleted.await?;
    Ok(DeleteApiDestinationResponse::default())
}

/// Describes an API destination.
///
/// # Errors
/// `ResourceNotFoundException`.
pub async fn describe_api_destination(
    service: &Arc<Events>,
    cx: &Ctx,
    input: DescribeApiDestinationRequest,
) -> Result<DescribeApiDestinationResponse, Error> {
    let found = service.api_destination(&cx.account, &cx.region, &input.name).await?;
    let found = found.ok_or_else(|| no_destination("describe", &input.name))?;
    Ok(DescribeApiDestinationResponse {
        api_destination_arn: Some(found.arn(&cx.account, &cx.region)),
        api_destination_state: Some(state_or_inactive(service, cx, &found.connection).await?),
        creation_time: Some(Timestamp::from_milliseconds(found.created)),
        last_modified_time: Some(Timestamp::from_milliseconds(found.modified)),
        name: Some(found.name),
        description: found.description,
        connection_arn: Some(found.connection),
        invocation_endpoint: Some(found.endpoint),
        http_method: Some(found.method),
        invocation_rate_limit_per_second: Some(found.per_second),
    })
}

/// Lists API destinations.
///
/// # Errors
/// `ValidationException`.
pub async fn list_api_destinations(
    service: &Arc<Events>,
    cx: &Ctx,
    input: ListApiDestinationsRequest,
) -> Result<ListApiDestinationsResponse, Error> {
    let listing = Listing {
        all: keys::api_destinations(&cx.account, &cx.region),
        name_prefix: input.name_prefix.as_deref(),
        limit: input.limit,
        token: input.next_token.as_deref(),
    };
    let wanted =
        |found: &ApiDestination| input.connection_arn.as_ref().is_none_or(|connection| *connection == found.connection);
    let (found, next_token) = page::read::<ApiDestination>(service, listing, wanted).await?;
    let mut listed = Vec::with_capacity(found.len());
    for (_, found) in found {
        listed.push(model::ApiDestination {
            api_destination_arn: Some(found.arn(&cx.account, &cx.region)),
            api_destination_state: Some(state_or_inactive(service, cx, &found.connection).await?),
            creation_time: Some(Timestamp::from_milliseconds(found.created)),
            last_modified_time: Some(Timestamp::from_milliseconds(found.modified)),
            name: Some(found.name),
            connection_arn: Some(found.connection),
            invocation_endpoint: Some(found.endpoint),
            http_method: Some(found.method),
            invocation_rate_limit_per_second: Some(found.per_second),
        });
    }
    Ok(ListApiDestinationsResponse { api_destinations: Some(listed), next_token })
}
