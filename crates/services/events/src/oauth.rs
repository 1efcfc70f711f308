//! Tokens of connections that use OAuth's client credentials grant (RFC 6749, 4.4).

use std::num::NonZeroUsize;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Method};
use lru::LruCache;
use outbound::{Bounds, Outgoing};
use parking_lot::Mutex;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use platform::{Ctx, Firing, Timer, TimerPartition};
use serde::Deserialize;
use serde_json::json;
use wire::{Error, Timestamp};

use crate::connection::{self, AUTHORIZED, AUTHORIZING, Connection, Credentials, DEAUTHORIZED, Parameter, Parameters};
use crate::keys;
use crate::limits::{
    AUTHORIZATIONS_MAX, DESTINATION_TIME, TOKEN_BYTES_MAX, TOKEN_MARGIN_MS, TOKEN_MS_DEFAULT, TOKENS_KEPT,
};
use crate::rows;
use crate::service::Events;

/// The kind of timer for a connection's first token.
pub const AUTHORIZE: &str = "events.authorize";

/// Tokens that were given, by the connection's id.
pub struct Tokens(Mutex<LruCache<String, Token>>);

#[derive(Clone)]
struct Token {
    /// The value of the header `Authorization`.
    header: String,
    /// In milliseconds since 1970.
    until: i64,
}

impl Default for Tokens {
    fn default() -> Tokens {
        Tokens(Mutex::new(LruCache::new(NonZeroUsize::new(TOKENS_KEPT).expect("the bound is not zero"))))
    }
}

impl Tokens {
    /// The connection's next request needs a new token.
    pub fn forget(&self, connection: &str) {
        self.0.lock().pop(connection);
    }

    /// No connection has a token.
    pub fn clear(&self) {
        self.0.lock().clear();
    }
}

/// Why there is no token.
pub struct NoToken {
    /// For people.
    pub reason: String,
    /// Asking again would not help.
    pub is_final: bool,
}

/// The value of `Authorization` for a connection: from memory, else from its authorisation endpoint.
///
/// # Errors
/// [`NoToken`].
pub async fn authorization(
    service: &Events,
    connection: &Connection,
    credentials: &Credentials,
) -> Result<String, NoToken> {
    let now = service.now();
    if let Some(token) = service.tokens.0.lock().get(&connection.id).filter(|token| token.until > now) {
        return Ok(token.header.clone());
    }
    let token = ask(service, credentials, now).await?;
    service.tokens.0.lock().put(connection.id.clone(), token.clone());
    Ok(token.header)
}

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    token_type: Option<String>,
    expires_in: Option<i64>,
}

async fn ask(service: &Events, credentials: &Credentials, now: i64) -> Result<Token, NoToken> {
    let failed = |reason: String, is_final| NoToken { reason, is_final };
    let bounds = Bounds { time: DESTINATION_TIME, body_bytes: TOKEN_BYTES_MAX };
    let sent = outbound::send(&service.platform.config.egress, request(credentials), bounds).await;
    let answer = sent.map_err(|error| failed(format!("The authorization endpoint did not answer: {error}."), false))?;
    if !(200..300).contains(&answer.status) {
        let is_final = (400..500).contains(&answer.status) && answer.status != 429;
        return Err(failed(format!("The authorization endpoint answered with status {}.", answer.status), is_final));
    }
    let granted: Granted = serde_json::from_slice(&answer.body)
        .map_err(|_| failed("The authorization endpoint answered no access token.".to_owned(), true))?;
    let kind = granted.token_type.filter(|kind| !kind.eq_ignore_ascii_case("bearer"));
    let life = granted.expires_in.map_or(TOKEN_MS_DEFAULT, |seconds| seconds.saturating_mul(1_000));
    Ok(Token {
        header: format!("{} {}", kind.as_deref().unwrap_or("Bearer"), granted.access_token),
        until: now.saturating_add(life).saturating_sub(TOKEN_MARGIN_MS),
    })
}

fn request(credentials: &Credentials) -> Outgoing {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let none = Parameters::default();
    let given = credentials.oauth_http_parameters.as_ref().unwrap_or(&none);
    let pairs = |list: &Option<Vec<Parameter>>| -> Vec<(String, String)> {
        list.iter().flatten().map(|given| (given.key.clone(), text(&given.value))).collect()
    };
    let method = text(&credentials.http_method);
    let mut body = pairs(&given.body_parameters);
    if !body.iter().any(|(key, _)| key == "grant_type") {
        body.push(("grant_type".to_owned(), "client_credentials".to_owned()));
    }
    body.push(("client_id".to_owned(), text(&credentials.client_id)));
    body.push(("client_secret".to_owned(), text(&credentials.client_secret)));
    let mut query = pairs(&given.query_string_parameters);
    let mut headers = vec![(ACCEPT, HeaderValue::from_static("application/json"))];
    if method == "GET" {
        query.append(&mut body);
    } else {
        headers.push((CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded")));
    }
    for (name, value) in pairs(&given.header_parameters) {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.retain(|(known, _)| *known != name);
            headers.push((name, value));
        }
    }
    Outgoing {
        method: Method::from_bytes(method.as_bytes()).unwrap_or(Method::POST),
        url: with_query(&text(&credentials.authorization_endpoint), &query),
        headers,
        body: form(&body).into(),
    }
}

/// Pairs as a form or a query has them.
fn form(pairs: &[(String, String)]) -> String {
    let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let pairs: Vec<String> = pairs.iter().map(|(key, value)| format!("{}={}", encode(key), encode(value))).collect();
    pairs.join("&")
}

/// An address with more parameters in its query.
pub fn with_query(url: &str, pairs: &[(String, String)]) -> String {
    if pairs.is_empty() {
        return url.to_owned();
    }
    format!("{url}{}{}", if url.contains('?') { '&' } else { '?' }, form(pairs))
}

/// The value of `Authorization` for a user and a password (RFC 7617).
pub fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

/// The timer that has a connection's first token asked for, at once.
pub fn timer(partition: &TimerPartition, cx: &Ctx, connection: &Connection, now: i64) -> Timer {
    let payload = json!({ "account": cx.account, "region": cx.region, "name": connection.name,
        "modified": connection.modified });
    partition.timer(format!("authorize/{}", connection.id), Timestamp::from_milliseconds(now), AUTHORIZE, payload)
}

/// Asks for a connection's first token: it is authorised then, or not.
///
/// # Errors
/// When another attempt is to be made later.
pub async fn authorize(service: &Arc<Events>, firing: &Firing) -> Result<(), Error> {
    let text = |name: &str| firing.payload[name].as_str().unwrap_or_default().to_owned();
    let (account, region, name) = (text("account"), text("region"), text("name"));
    let modified = firing.payload["modified"].as_i64();
    let is_meant = move |known: &Connection| known.state == AUTHORIZING && Some(known.modified) == modified;
    let found = service.connection(&account, &region, &name).await?.filter(is_meant);
    let Some(found) = found else { return Ok(()) };
    let credentials = connection::credentials(service, &account, &region, &found).await?;
    let refused = match authorization(service, &found, &credentials).await {
        Ok(_) => None,
        Err(refused) if refused.is_final || firing.failures + 1 >= AUTHORIZATIONS_MAX => Some(refused.reason),
        Err(refused) => return Err(Error::new(&wire::error::common::SERVICE_UNAVAILABLE, refused.reason)),
    };
    let (now, key) = (service.now(), keys::connection(&account, &region, &name));
    let settled = service.transact(move |rows| {
        let Some(mut known) = rows::read::<Connection>(rows, &key)?.filter(is_meant) else { return Ok(()) };
        known.state = if refused.is_none() { AUTHORIZED } else { DEAUTHORIZED }.to_owned();
        known.authorized = if refused.is_none() { now } else { known.authorized };
        known.reason.clone_from(&refused);
        rows::put(rows, &key, &known)
    });
    settled.await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_asked_for_with_a_form_or_in_the_query() {
        let parameter = |key: &str, value: &str| Parameter {
            key: key.to_owned(),
            value: Some(value.to_owned()),
            is_value_secret: false,
        };
        let mut credentials = Credentials {
            client_id: Some("me".to_owned()),
            client_secret: Some("a&b".to_owned()),
            authorization_endpoint: Some("https://host/token".to_owned()),
            http_method: Some("POST".to_owned()),
            oauth_http_parameters: Some(Parameters {
                header_parameters: Some(vec![parameter("X-Who", "me")]),
                query_string_parameters: Some(vec![parameter("a", "b c")]),
                body_parameters: Some(vec![parameter("scope", "all")]),
            }),
            ..Credentials::default()
        };
        let post = request(&credentials);
        assert_eq!(post.url, "https://host/token?a=b%20c");
        assert_eq!(post.body, "scope=all&grant%5Ftype=client%5Fcredentials&client%5Fid=me&client%5Fsecret=a%26b");
        assert!(post.headers.iter().any(|(name, value)| name == "x-who" && value == "me"));
        credentials.http_method = Some("GET".to_owned());
        let get = request(&credentials);
        assert!(get.body.is_empty() && get.url.ends_with("&client%5Fid=me&client%5Fsecret=a%26b"), "{}", get.url);
    }
}
