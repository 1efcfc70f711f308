//! `CreateConnection`, `UpdateConnection`, `DeauthorizeConnection`, `DeleteConnection`, `DescribeConnection`,
//! `ListConnections`.

use std::sync::Arc;

use api::events::{
    self as model, CreateConnectionRequest, CreateConnectionResponse, DeauthorizeConnectionRequest,
    DeauthorizeConnectionResponse, DeleteConnectionRequest, DeleteConnectionResponse, DescribeConnectionRequest,
    DescribeConnectionResponse, ListConnectionsRequest, ListConnectionsResponse, UpdateConnectionRequest,
    UpdateConnectionResponse,
};
use platform::{Ctx, OrFailure};
use wire::{Error, Timestamp};

use crate::connection::{self, AUTHORIZED, AUTHORIZING, Connection, Credentials, DEAUTHORIZED};
use crate::errors::{connection_exists, no_connection, too_many, unsupported, validation};
use crate::keys;
use crate::limits::CONNECTIONS_MAX;
use crate::oauth;
use crate::operations::page::{self, Listing};
use crate::rows;
use crate::service::Events;

const OAUTH: &str = "OAUTH_CLIENT_CREDENTIALS";

/// Makes a connection.
///
/// # Errors
/// `ResourceAlreadyExistsException`, `LimitExceededException`, `ValidationException`.
pub async fn create_connection(
    service: &Arc<Events>,
    cx: &Ctx,
    input: CreateConnectionRequest,
) -> Result<CreateConnectionResponse, Error> {
    let given = input.auth_parameters;
    refuse_private(input.invocation_connectivity_parameters.is_some(), given.connectivity_parameters.is_some())?;
    if input.kms_key_identifier.is_some() {
        return Err(unsupported("KmsKeyIdentifier"));
    }
    let credentials = Credentials {
        invocation_http_parameters: given.invocation_http_parameters.map(Into::into),
        ..of_kind(
            &input.authorization_type,
            given.basic_auth_parameters,
            given.api_key_auth_parameters,
            given.oauth_parameters,
        )?
    };
    let key = keys::connection(&cx.account, &cx.region, &input.name);
    let (all, now) = (keys::connections(&cx.account, &cx.region), service.now());
    let known = service.store().scan(&keys::partition(), all.range(), store::Direction::Forward, CONNECTIONS_MAX).await;
    if known.or_failure()?.len() == CONNECTIONS_MAX {
        return Err(too_many());
    }
    if service.store().get(&keys::partition(), &key).await.or_failure()?.is_some() {
        return Err(connection_exists(&input.name));
    }
    let mut made = Connection {
        id: service.platform.ids.uuid(),
        name: input.name,
        description: input.description,
        state: first_state(&input.authorization_type).to_owned(),
        kind: input.authorization_type,
        shown: credentials.shown(),
        created: now,
        modified: now,
        authorized: now,
        ..Connection::default()
    };
    made.secret = connection::keep_secret(service, &cx.account, &cx.region, &made, &credentials).await?;
    let (secret, answered) = (made.secret.clone(), made.clone());
    let written = write(service, cx, made, true).await;
    if let (Err(_), Some(secret)) = (&written, secret) {
        connection::drop_secret(service, &cx.account, &cx.region, &secret).await?;
    }
    written?;
    Ok(CreateConnectionResponse {
        connection_arn: Some(answered.arn(&cx.account, &cx.region)),
        connection_state: Some(answered.state),
        creation_time: Some(Timestamp::from_milliseconds(answered.created)),
        last_modified_time: Some(Timestamp::from_milliseconds(answered.modified)),
    })
}

/// Writes a connection, and has a token asked for if it needs one.
async fn write(service: &Arc<Events>, cx: &Ctx, connection: Connection, is_new: bool) -> Result<(), Error> {
    let key = keys::connection(&cx.account, &cx.region, &connection.name);
    let partition = service.platform.timers.partition(&keys::partition()).await.or_failure()?;
    let asks = (connection.state == AUTHORIZING).then(|| oauth::timer(&partition, cx, &connection, service.now()));
    let written = service.transact(move |rows| {
        let known: Option<Connection> = rows::read(rows, &key)?;
        match known {
            Some(_) if is_new => return Err(connection_exists(&connection.name).into()),
            Some(known) if known.id == connection.id => {}
            _ if is_new => {}
            _ => return Err(no_connection("update", &connection.name).into()),
        }
        if let Some(timer) = &asks {
            partition.set(rows, timer)?;
        }
        rows::put(rows, &key, &connection)
    });
    written.await
}

fn first_state(kind: &str) -> &'static str {
    if kind == OAUTH { AUTHORIZING } else { AUTHORIZED }
}

fn refuse_private(invocation: bool, authorization: bool) -> Result<(), Error> {
    match (invocation, authorization) {
        (true, _) => Err(unsupported("InvocationConnectivityParameters")),
        (_, true) => Err(unsupported("ConnectivityParameters")),
        _ => Ok(()),
    }
}

/// The credentials of a kind, which have to be there.
fn of_kind(
    kind: &str,
    basic: Option<model::CreateConnectionBasicAuthRequestParameters>,
    key: Option<model::CreateConnectionApiKeyAuthRequestParameters>,
    oauth: Option<model::CreateConnectionOAuthRequestParameters>,
) -> Result<Credentials, Error> {
    match (kind, basic, key, oauth) {
        ("BASIC", Some(given), None, None) => {
            Ok(Credentials { username: Some(given.username), password: Some(given.password), ..Credentials::default() })
        }
        ("API_KEY", None, Some(given), None) => Ok(Credentials {
            api_key_name: Some(given.api_key_name),
            api_key_value: Some(given.api_key_value),
            ..Credentials::default()
        }),
        (OAUTH, None, None, Some(given)) => Ok(Credentials {
            client_id: Some(given.client_parameters.client_id),
            client_secret: Some(given.client_parameters.client_secret),
            authorization_endpoint: Some(given.authorization_endpoint),
            http_method: Some(given.http_method),
            oauth_http_parameters: given.oauth_http_parameters.map(Into::into),
            ..Credentials::default()
        }),
        _ => Err(mismatch(kind)),
    }
}

fn mismatch(kind: &str) -> Error {
    validation(format!("Authorization parameters do not match the authorization type {kind}."))
}

/// Changes a connection. What is not named stays.
///
/// # Errors
/// `ResourceNotFoundException`, `ValidationException`.
pub async fn update_connection(
    service: &Arc<Events>,
    cx: &Ctx,
    input: UpdateConnectionRequest,
) -> Result<UpdateConnectionResponse, Error> {
    if input.kms_key_identifier.is_some() {
        return Err(unsupported("KmsKeyIdentifier"));
    }
    let given = input.auth_parameters.unwrap_or_default();
    refuse_private(input.invocation_connectivity_parameters.is_some(), given.connectivity_parameters.is_some())?;
    let mut changed = find(service, cx, "update", &input.name).await?;
    let before = connection::credentials(service, &cx.account, &cx.region, &changed).await?;
    let kind = input.authorization_type.unwrap_or_else(|| changed.kind.clone());
    let kept = if kind == changed.kind { before.clone() } else { Credentials::default() };
    let credentials = Credentials {
        invocation_http_parameters: given
            .invocation_http_parameters
            .map(Into::into)
            .or(before.invocation_http_parameters),
        ..merged(&kind, kept, given.basic_auth_parameters, given.api_key_auth_parameters, given.oauth_parameters)?
    };
    changed.secret = connection::keep_secret(service, &cx.account, &cx.region, &changed, &credentials).await?;
    let now = service.now();
    changed.description = input.description.or(changed.description);
    changed.state = first_state(&kind).to_owned();
    (changed.kind, changed.reason, changed.shown) = (kind, None, credentials.shown());
    (changed.modified, changed.authorized) = (now, now);
    service.tokens.forget(&changed.id);
    write(service, cx, changed.clone(), false).await?;
    Ok(UpdateConnectionResponse {
        connection_arn: Some(changed.arn(&cx.account, &cx.region)),
        connection_state: Some(changed.state.clone()),
        creation_time: Some(Timestamp::from_milliseconds(changed.created)),
        last_modified_time: Some(Timestamp::from_milliseconds(changed.modified)),
        last_authorized_time: changed.authorized_at(),
    })
}

/// Credentials with what was given in the place of what was kept.
fn merged(
    kind: &str,
    kept: Credentials,
    basic: Option<model::UpdateConnectionBasicAuthRequestParameters>,
    key: Option<model::UpdateConnectionApiKeyAuthRequestParameters>,
    oauth: Option<model::UpdateConnectionOAuthRequestParameters>,
) -> Result<Credentials, Error> {
    let merged = match (kind, basic, key, oauth) {
        (_, None, None, None) => kept,
        ("BASIC", Some(given), None, None) => Credentials {
            username: given.username.or(kept.username),
            password: given.password.or(kept.password),
            ..Credentials::default()
        },
        ("API_KEY", None, Some(given), None) => Credentials {
            api_key_name: given.api_key_name.or(kept.api_key_name),
            api_key_value: given.api_key_value.or(kept.api_key_value),
            ..Credentials::default()
        },
        (OAUTH, None, None, Some(given)) => {
            let client = given.client_parameters.unwrap_or_default();
            Credentials {
                client_id: client.client_id.or(kept.client_id),
                client_secret: client.client_secret.or(kept.client_secret),
                authorization_endpoint: given.authorization_endpoint.or(kept.authorization_endpoint),
                http_method: given.http_method.or(kept.http_method),
                oauth_http_parameters: given.oauth_http_parameters.map(Into::into).or(kept.oauth_http_parameters),
                ..Credentials::default()
            }
        }
        _ => return Err(mismatch(kind)),
    };
    let is_whole = match kind {
        "BASIC" => merged.username.is_some() && merged.password.is_some(),
        "API_KEY" => merged.api_key_name.is_some() && merged.api_key_value.is_some(),
        _ => {
            let client = merged.client_id.is_some() && merged.client_secret.is_some();
            client && merged.authorization_endpoint.is_some() && merged.http_method.is_some()
        }
    };
    if is_whole { Ok(merged) } else { Err(mismatch(kind)) }
}

/// Takes the credentials from a connection, which can be given others.
///
/// # Errors
/// `ResourceNotFoundException`.
pub async fn deauthorize_connection(
    service: &Arc<Events>,
    cx: &Ctx,
    input: DeauthorizeConnectionRequest,
) -> Result<DeauthorizeConnectionResponse, Error> {
    let mut changed = find(service, cx, "deauthorize", &input.name).await?;
    let secret = changed.secret.take();
    (changed.state, changed.modified) = (DEAUTHORIZED.to_owned(), service.now());
    service.tokens.forget(&changed.id);
    write(service, cx, changed.clone(), false).await?;
    if let Some(secret) = secret {
        connection::drop_secret(service, &cx.account, &cx.region, &secret).await?;
    }
    Ok(DeauthorizeConnectionResponse {
        connection_arn: Some(changed.arn(&cx.account, &cx.region)),
        connection_state: Some(changed.state.clone()),
        creation_time: Some(Timestamp::from_milliseconds(changed.created)),
        last_modified_time: Some(Timestamp::from_milliseconds(changed.modified)),
        last_authorized_time: changed.authorized_at(),
    })
}

/// Deletes a connection and its secret. Destinations that used it cannot be called any more.
///
/// # Errors
/// `ResourceNotFoundException`.
pub async fn delete_connection(
    service: &Arc<Events>,
    cx: &Ctx,
    input: DeleteConnectionRequest,
) -> Result<DeleteConnectionResponse, Error> {
    let key = keys::connection(&cx.account, &cx.region, &input.name);
    let name = input.name.clone();
    let deleted = service.transact(move |rows| {
        let known: Option<Connection> = rows::read(rows, &key)?;
        rows.delete(&key);
        known.ok_or_else(|| no_connection("delete", &name).into())
    });
    let deleted = deleted.await?;
    service.tokens.forget(&deleted.id);
    if let Some(secret) = &deleted.secret {
        connection::drop_secret(service, &cx.account, &cx.region, secret).await?;
    }
    Ok(DeleteConnectionResponse {
        connection_arn: Some(deleted.arn(&cx.account, &cx.region)),
        connection_state: Some("DELETING".to_owned()),
        creation_time: Some(Timestamp::from_milliseconds(deleted.created)),
        last_modified_time: Some(Timestamp::from_milliseconds(deleted.modified)),
        last_authorized_time: deleted.authorized_at(),
    })
}

/// Describes a connection, without what is secret.
///
/// # Errors
/// `ResourceNotFoundException`.
pub async fn describe_connection(
    service: &Arc<Events>,
    cx: &Ctx,
    input: DescribeConnectionRequest,
) -> Result<DescribeConnectionResponse, Error> {
    let found = find(service, cx, "describe", &input.name).await?;
    Ok(DescribeConnectionResponse {
        connection_arn: Some(found.arn(&cx.account, &cx.region)),
        connection_state: Some(found.state.clone()),
        state_reason: found.reason.clone(),
        creation_time: Some(Timestamp::from_milliseconds(found.created)),
        last_modified_time: Some(Timestamp::from_milliseconds(found.modified)),
        last_authorized_time: found.authorized_at(),
        auth_parameters: Some(found.shown.described()),
        name: Some(found.name),
        description: found.description,
        authorization_type: Some(found.kind),
        secret_arn: found.secret,
        ..Default::default()
    })
}

async fn find(service: &Arc<Events>, cx: &Ctx, verb: &str, name: &str) -> Result<Connection, Error> {
    let found = service.connection(&cx.account, &cx.region, name).await?;
    found.ok_or_else(|| no_connection(verb, name))
}

/// Lists connections.
///
/// # Errors
/// `ValidationException`.
pub async fn list_connections(
    service: &Arc<Events>,
    cx: &Ctx,
    input: ListConnectionsRequest,
) -> Result<ListConnectionsResponse, Error> {
    let listing = Listing {
        all: keys::connections(&cx.account, &cx.region),
        name_prefix: input.name_prefix.as_deref(),
        limit: input.limit,
        token: input.next_token.as_deref(),
    };
    let wanted =
        |connection: &Connection| input.connection_state.as_ref().is_none_or(|state| *state == connection.state);
    let (found, next_token) = page::read::<Connection>(service, listing, wanted).await?;
    let view = |(_, found): (String, Connection)| model::Connection {
        connection_arn: Some(found.arn(&cx.account, &cx.region)),
        connection_state: Some(found.state.clone()),
        state_reason: found.reason.clone(),
        creation_time: Some(Timestamp::from_milliseconds(found.created)),
        last_modified_time: Some(Timestamp::from_milliseconds(found.modified)),
        last_authorized_time: found.authorized_at(),
        name: Some(found.name),
        authorization_type: Some(found.kind),
    };
    Ok(ListConnectionsResponse { connections: Some(found.into_iter().map(view).collect()), next_token })
}
