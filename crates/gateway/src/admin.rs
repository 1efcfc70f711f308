//! Traca's own pages under `/_traca/`, for operators and tests.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};
use platform::{Mode, metrics};
use serde_json::{Value, json};
use wire::Body;
use wire::protocol::ResponseParts;

use crate::answer::Answer;
use crate::browser;
use crate::connection::ConnectionInfo;
use crate::gateway::Inner;

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
        "health" | "version" | "metrics" | "reset" => {
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
    let is_local = gateway.platform.config.mode == Mode::Open && info.source_ip().is_some_and(|ip| ip.is_loopback());
    if !is_local || browser::is_foreign(parts, &gateway.domains) {
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

fn failure(status: StatusCode, message: &str) -> ResponseParts {
    document(status, &json!({ "message": message }))
}

fn document(status: StatusCode, value: &Value) -> ResponseParts {
    response(status, "application/json", format!("{value}\n").into())
}

fn response(status: StatusCode, content_type: &'static str, body: Bytes) -> ResponseParts {
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(content_type))]);
    ResponseParts { status, headers, body: Body::from(body) }
}
