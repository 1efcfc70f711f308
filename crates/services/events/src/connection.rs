//! Connections: how an HTTP endpoint is told who asks. What is secret lies in Secrets Manager alone.

use api::events as model;
use platform::Principal;
use serde::{Deserialize, Serialize};
use wire::{Error, Timestamp};

use crate::service::Events;

/// As whom secrets of connections are kept and read (EventBridge user guide, "Service-linked role for API destinations").
const SECRET_KEEPER: &str = "apidestinations.events.amazonaws.com";

/// The credentials can be used.
pub const AUTHORIZED: &str = "AUTHORIZED";

/// A token is being asked for.
pub const AUTHORIZING: &str = "AUTHORIZING";

/// There are no credentials, or no token was given for them.
pub const DEAUTHORIZED: &str = "DEAUTHORIZED";

/// A connection.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Connection {
    /// Tells it from one of the same name that was made before.
    pub id: String,
    /// Unique within account and region.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// `BASIC`, `API_KEY` or `OAUTH_CLIENT_CREDENTIALS`.
    pub kind: String,
    /// One of the states above.
    pub state: String,
    /// Why it is in this state.
    pub reason: Option<String>,
    /// ARN of its secret, if it has one.
    pub secret: Option<String>,
    /// Its parameters without what is secret.
    pub shown: Credentials,
    /// When it was made, in milliseconds since 1970.
    pub created: i64,
    /// When it was changed, in milliseconds since 1970.
    pub modified: i64,
    /// When it was authorised, in milliseconds since 1970.
    pub authorized: i64,
}

impl Connection {
    /// Its ARN.
    pub fn arn(&self, account: &str, region: &str) -> String {
        format!("arn:aws:events:{region}:{account}:connection/{}/{}", self.name, self.id)
    }

    /// When it was authorised, for answers.
    pub fn authorized_at(&self) -> Option<Timestamp> {
        Some(Timestamp::from_milliseconds(self.authorized))
    }
}

/// The document in a connection's secret: the names are AWS's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Credentials {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_key_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_key_value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization_endpoint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_method: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oauth_http_parameters: Option<Parameters>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invocation_http_parameters: Option<Parameters>,
}

/// Parameters of requests. A list that is there and empty is shown as such.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Parameters {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header_parameters: Option<Vec<Parameter>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query_string_parameters: Option<Vec<Parameter>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_parameters: Option<Vec<Parameter>>,
}

/// One parameter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Parameter {
    pub key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    pub is_value_secret: bool,
}

impl Credentials {
    /// The same without what is secret.
    pub fn shown(&self) -> Credentials {
        let without = |parameters: &Parameters| parameters.without_secrets();
        Credentials {
            password: None,
            api_key_value: None,
            client_secret: None,
            oauth_http_parameters: self.oauth_http_parameters.as_ref().map(without),
            invocation_http_parameters: self.invocation_http_parameters.as_ref().map(without),
            ..self.clone()
        }
    }

    /// What a description says.
    pub fn described(&self) -> model::ConnectionAuthResponseParameters {
        let client = |id: &String| model::ConnectionOAuthResponseParameters {
            client_parameters: Some(model::ConnectionOAuthClientResponseParameters { client_id: Some(id.clone()) }),
            authorization_endpoint: self.authorization_endpoint.clone(),
            http_method: self.http_method.clone(),
            oauth_http_parameters: self.oauth_http_parameters.as_ref().map(Parameters::described),
        };
        model::ConnectionAuthResponseParameters {
            basic_auth_parameters: self
                .username
                .as_ref()
                .map(|name| model::ConnectionBasicAuthResponseParameters { username: Some(name.clone()) }),
            oauth_parameters: self.client_id.as_ref().map(client),
            api_key_auth_parameters: self
                .api_key_name
                .as_ref()
                .map(|name| model::ConnectionApiKeyAuthResponseParameters { api_key_name: Some(name.clone()) }),
            invocation_http_parameters: self.invocation_http_parameters.as_ref().map(Parameters::described),
            ..Default::default()
        }
    }
}

impl Parameters {
    fn without_secrets(&self) -> Parameters {
        let hide = |list: &Option<Vec<Parameter>>| {
            list.as_ref().map(|list| {
                let hidden = |parameter: &Parameter| Parameter {
                    value: parameter.value.clone().filter(|_| !parameter.is_value_secret),
                    ..parameter.clone()
                };
                list.iter().map(hidden).collect()
            })
        };
        Parameters {
            header_parameters: hide(&self.header_parameters),
            query_string_parameters: hide(&self.query_string_parameters),
            body_parameters: hide(&self.body_parameters),
        }
    }

    fn described(&self) -> model::ConnectionHttpParameters {
        fn list<T>(kept: &Option<Vec<Parameter>>, make: impl Fn(Parameter) -> T) -> Option<Vec<T>> {
            kept.as_ref().map(|kept| kept.iter().cloned().map(make).collect())
        }
        model::ConnectionHttpParameters {
            header_parameters: list(&self.header_parameters, |kept| model::ConnectionHeaderParameter {
                key: Some(kept.key),
                value: kept.value,
                is_value_secret: Some(kept.is_value_secret),
            }),
            query_string_parameters: list(&self.query_string_parameters, |kept| {
                model::ConnectionQueryStringParameter {
                    key: Some(kept.key),
                    value: kept.value,
                    is_value_secret: Some(kept.is_value_secret),
                }
            }),
            body_parameters: list(&self.body_parameters, |kept| model::ConnectionBodyParameter {
                key: Some(kept.key),
                value: kept.value,
                is_value_secret: Some(kept.is_value_secret),
            }),
        }
    }
}

impl From<model::ConnectionHttpParameters> for Parameters {
    fn from(given: model::ConnectionHttpParameters) -> Parameters {
        let parameter = |key: Option<String>, value, secret: Option<bool>| Parameter {
            key: key.unwrap_or_default(),
            value,
            is_value_secret: secret.unwrap_or_default(),
        };
        let headers = |list: Vec<model::ConnectionHeaderParameter>| {
            list.into_iter().map(|given| parameter(given.key, given.value, given.is_value_secret)).collect()
        };
        let query = |list: Vec<model::ConnectionQueryStringParameter>| {
            list.into_iter().map(|given| parameter(given.key, given.value, given.is_value_secret)).collect()
        };
        let body = |list: Vec<model::ConnectionBodyParameter>| {
            list.into_iter().map(|given| parameter(given.key, given.value, given.is_value_secret)).collect()
        };
        Parameters {
            header_parameters: given.header_parameters.map(headers),
            query_string_parameters: given.query_string_parameters.map(query),
            body_parameters: given.body_parameters.map(body),
        }
    }
}

/// Keeps credentials: in the secret that there is, else in a new one. Answers its ARN.
///
/// # Errors
/// What Secrets Manager answers.
pub async fn keep_secret(
    service: &Events,
    account: &str,
    region: &str,
    connection: &Connection,
    credentials: &Credentials,
) -> Result<Option<String>, Error> {
    let text = serde_json::to_string(credentials).expect("credentials are plain text");
    let platform = &service.platform;
    if let Some(arn) = &connection.secret {
        let input = api::secretsmanager::PutSecretValueRequest {
            secret_id: arn.clone(),
            client_request_token: Some(platform.ids.uuid()),
            secret_string: Some(text),
            ..Default::default()
        };
        platform.call_as::<api::secretsmanager::PutSecretValue>(keeper(account), account, region, input).await?;
        return Ok(Some(arn.clone()));
    }
    let input = api::secretsmanager::CreateSecretRequest {
        name: format!("events!connection/{}/{}", connection.name, platform.ids.uuid()),
        client_request_token: Some(platform.ids.uuid()),
        secret_string: Some(text),
        ..Default::default()
    };
    let made = platform.call_as::<api::secretsmanager::CreateSecret>(keeper(account), account, region, input).await?;
    Ok(made.arn)
}

/// Reads the credentials of a connection.
///
/// # Errors
/// What Secrets Manager answers; `InternalFailure` for a secret that somebody else wrote.
pub async fn credentials(
    service: &Events,
    account: &str,
    region: &str,
    connection: &Connection,
) -> Result<Credentials, Error> {
    let Some(arn) = &connection.secret else { return Ok(Credentials::default()) };
    let input = api::secretsmanager::GetSecretValueRequest { secret_id: arn.clone(), ..Default::default() };
    let answer = service
        .platform
        .call_as::<api::secretsmanager::GetSecretValue>(keeper(account), account, region, input)
        .await?;
    let text = answer.secret_string.unwrap_or_default();
    serde_json::from_str(&text).map_err(|_| {
        tracing::warn!(connection = connection.name, "the secret of a connection is none of ours");
        Error::new(&wire::error::common::INTERNAL_FAILURE, "The secret of the connection cannot be read.")
    })
}

/// Removes the secret of a connection.
///
/// # Errors
/// What Secrets Manager answers.
pub async fn drop_secret(service: &Events, account: &str, region: &str, arn: &str) -> Result<(), Error> {
    let input = api::secretsmanager::DeleteSecretRequest {
        secret_id: arn.to_owned(),
        force_delete_without_recovery: Some(true),
        ..Default::default()
    };
    service.platform.call_as::<api::secretsmanager::DeleteSecret>(keeper(account), account, region, input).await?;
    Ok(())
}

fn keeper(account: &str) -> Principal {
    Principal::Service { name: SECRET_KEEPER, account: account.to_owned(), source_arn: None }
}
