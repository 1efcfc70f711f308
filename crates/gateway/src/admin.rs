//! Traca's own pages under `/_traca/`, for operators and tests.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};
use percent_encoding::percent_decode_str;
use platform::{Mode, Principal, metrics};
use serde_json::{Value, json};
use wire::Body;
use wire::protocol::ResponseParts;
use wire::sigv4::{self, BodyHash, Dialect, SigningRules};

use crate::answer::Answer;
use crate::browser;
use crate::clock_page;
use crate::connection::ConnectionInfo;
use crate::gateway::Inner;
use crate::identity::identify;

/// What every path of ours starts with.
pub(crate) const PREFIX: &str = "/_traca/";

/// Answers a request for a path under [`PREFIX`].
pub(crate) async fn answer(gateway: &Inner, info: &ConnectionInfo, parts: &Parts) -> Answer {
    let page = &parts.uri.path()[PREFIX.len()..];
    let reads = parts.method == Method::GET || parts.method == Method::HEAD;
    match page {
        "health" if reads => Answer::own(health(gateway), "Health"),
        "version" if reads => Answer::own(document(StatusCode::OK, &json!({ "version": gateway.version })), "Version"),
        "metrics" if reads => Answer::own(figures(gateway), "Metrics"),
        "reset" if parts.method == Method::POST => Answer::own(reset(gateway, info, parts).await, "Reset"),
        "clock" if reads => Answer::own(clock_page::show(gateway), "Clock"),
        "clock" if parts.method == Method::POST => {
            Answer::own(clock_page::advance(gateway, info, parts).await, "AdvanceClock")
        }
        "denials" | "access" if reads => explained(gateway, info, parts, page).await,
        "health" | "version" | "metrics" | "reset" | "clock" | "denials" | "access" => {
            Answer::own(failure(StatusCode::METHOD_NOT_ALLOWED, "this page has no such method"), "Unknown")
        }
        _ => Answer::own(failure(StatusCode::NOT_FOUND, "there is no such page"), "Unknown"),
    }
}

/// 200 as long as the store takes writes and no shutdown has begun, 503 otherwise.
fn health(gateway: &Inner) -> ResponseParts {
    if gateway.platform.background.stopping().is_cancelled() || gateway.stopping.is_cancelled() {
        return document(StatusCode::SERVICE_UNAVAILABLE, &json!({ "status": "stopping" }));
    }
    let services: Vec<&str> = gateway.platform.services().ids().collect();
    document(StatusCode::OK, &json!({ "status": "ok", "version": gateway.version, "services": services }))
}

fn figures(gateway: &Inner) -> ResponseParts {
    let text = gateway.platform.render_metrics();
    response(StatusCode::OK, metrics::CONTENT_TYPE, text.into())
}

/// Drops all state. A function must not be able to, nor may a page in somebody's browser.
async fn reset(gateway: &Inner, info: &ConnectionInfo, parts: &Parts) -> ResponseParts {
    if !is_local_client(gateway, info, parts) {
        return failure(StatusCode::FORBIDDEN, "only local clients of a platform in open mode may reset it");
    }
    match gateway.platform.reset().await {
        Ok(()) => document(StatusCode::OK, &json!({ "status": "reset" })),
        Err(error) => {
            tracing::error!(%error, "reset failed");
            failure(StatusCode::INTERNAL_SERVER_ERROR, "the reset failed; the log says why")
        }
    }
}

/// Whether the request comes from a program on this machine that may do what it likes: not from a function, and not from
/// a page in somebody's browser.
pub(crate) fn is_local_client(gateway: &Inner, info: &ConnectionInfo, parts: &Parts) -> bool {
    let is_local = info.source_ip().is_some_and(|ip| ip.is_loopback());
    gateway.platform.config.mode == Mode::Open && is_local && !browser::is_foreign(parts, &gateway.domains)
}

/// What was refused, and what callers need: for whoever runs the platform alone.
async fn explained(gateway: &Inner, info: &ConnectionInfo, parts: &Parts, page: &str) -> Answer {
    if !is_operator(gateway, info, parts).await {
        let text = "for local clients of a platform in open mode, else for requests that the account's root has signed \
                    for the service traca";
        return Answer::own(failure(StatusCode::FORBIDDEN, text), "Refused");
    }
    let access = &gateway.platform.access;
    if page == "denials" {
        return Answer::own(document(StatusCode::OK, &json!({ "denials": access.denials() })), "Denials");
    }
    let role = query_value(parts.uri.query().unwrap_or_default(), "role");
    let answer = match role {
        None => document(StatusCode::OK, &json!({ "principals": access.principals() })),
        Some(role) => match access.least_policy(&role) {
            Some(policy) => document(StatusCode::OK, &policy),
            None => failure(StatusCode::NOT_FOUND, "nothing was allowed to this role so far"),
        },
    };
    Answer::own(answer, "Access")
}

/// The name that operators sign their requests for.
const SIGNING_NAME: &str = "traca";

/// Whether the request comes from whoever runs the platform: in open mode any program on this machine, no function and
/// no web page; in verify mode the root of the platform's own account.
async fn is_operator(gateway: &Inner, info: &ConnectionInfo, parts: &Parts) -> bool {
    let platform = &gateway.platform;
    if is_local_client(gateway, info, parts) {
        return true;
    }
    let Ok(credentials) = sigv4::parse_credentials(parts) else { return false };
    let Ok(caller) = identify(platform, &credentials, &info.source, || true).await else { return false };
    let Some(secret) = &caller.secret else { return false };
    let rules = SigningRules { dialect: Dialect::RestJson, service: SIGNING_NAME, region: None, host_bucket: None };
    let (hash, now) = (BodyHash::Known(sigv4::sha256(b"")), platform.clock.machine().seconds);
    let verified = sigv4::verify(parts, &credentials, &secret.0, hash, &rules, &gateway.signing_keys, now);
    let is_root = matches!(&caller.principal, Principal::Root { account } if *account == platform.config.account);
    verified.is_ok() && is_root
}

/// The value of a query parameter, decoded.
pub(crate) fn query_value(query: &str, name: &str) -> Option<String> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let value = pairs.into_iter().find(|(key, _)| *key == name)?.1;
    percent_decode_str(value).decode_utf8().ok().map(String::from)
}

pub(crate) fn failure(status: StatusCode, message: &str) -> ResponseParts {
    document(status, &json!({ "message": message }))
}

pub(crate) fn document(status: StatusCode, value: &Value) -> ResponseParts {
    response(status, "application/json", format!("{value}\n").into())
}

fn response(status: StatusCode, content_type: &'static str, body: Bytes) -> ResponseParts {
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(content_type))]);
    ResponseParts { status, headers, body: Body::from(body) }
}
