//! Addresses that the service serves itself: the certificate, the links in messages, and the outbox.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use http::header::CONTENT_TYPE;
use http::{Method, Response, StatusCode};
use percent_encoding::percent_decode_str;
use platform::{DataFuture, DataPlane, DataRequest, Mode};
use serde_json::{Value, json};
use store::Direction;
use wire::{Body, Error};

use crate::arn::{TopicArn, parse_subscription};
use crate::deliver::Sent;
use crate::envelope::PAGES;
use crate::keys;
use crate::limits::OUTBOX_MAX;
use crate::operations::subscriptions;
use crate::rows;
use crate::service::Sns;

/// Where mails and short messages are read. The query names account and region.
const OUTBOX: &str = "/_traca/outbox";

/// The service's own addresses.
pub struct Pages(pub Arc<Sns>);

impl DataPlane for Pages {
    fn handles(&self, _host: &str, path: &str) -> bool {
        path == OUTBOX || path.starts_with(PAGES)
    }

    fn serve(self: Arc<Self>, request: DataRequest) -> DataFuture {
        Box::pin(async move {
            let path = request.head.uri.path().to_owned();
            let reads = request.head.method == Method::GET || request.head.method == Method::HEAD;
            if !reads {
                return text(StatusCode::METHOD_NOT_ALLOWED, "text/plain", "this page has no such method".to_owned());
            }
            let answered = match path.strip_prefix(PAGES) {
                Some("") => self.act(&request).await,
                Some(file) => self.certificate(file).await,
                None => self.outbox(&request).await,
            };
            answered.unwrap_or_else(|error| {
                let status = StatusCode::from_u16(error.definition.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                let document = json!({ "code": error.definition.code, "message": error.message });
                text(status, "application/json", document.to_string())
            })
        })
    }
}

impl Pages {
    async fn certificate(&self, file: &str) -> Result<Response<Body>, Error> {
        let signer = self.0.signer().await?;
        if file != signer.file_name() {
            return Ok(text(StatusCode::NOT_FOUND, "text/plain", "there is no such file".to_owned()));
        }
        Ok(text(StatusCode::OK, "application/x-pem-file", signer.certificate().to_owned()))
    }

    /// Confirms or ends a subscription for whoever has the link, as AWS does.
    async fn act(&self, request: &DataRequest) -> Result<Response<Body>, Error> {
        let query = query(request);
        let field = |name: &str| query.get(name).map(String::as_str).unwrap_or_default();
        let document = match field("Action") {
            "ConfirmSubscription" => {
                let topic = TopicArn::parse("TopicArn", field("TopicArn"))?;
                let arn = subscriptions::confirm(&self.0, &topic, field("Token"), false).await?;
                json!({ "ConfirmSubscriptionResponse": { "ConfirmSubscriptionResult": { "SubscriptionArn": arn } } })
            }
            "Unsubscribe" => {
                let (topic, id) = parse_subscription(field("SubscriptionArn"))?;
                subscriptions::end(&self.0, &topic, &id, false).await?;
                json!({ "UnsubscribeResponse": {} })
            }
            _ => return Ok(text(StatusCode::NOT_FOUND, "text/plain", "there is no such page".to_owned())),
        };
        Ok(text(StatusCode::OK, "application/json", document.to_string()))
    }

    /// The latest mails and short messages of an account in a region, the latest first. They may be private, so they are
    /// only shown to whoever is on this machine, and only where every caller is trusted.
    async fn outbox(&self, request: &DataRequest) -> Result<Response<Body>, Error> {
        let config = &self.0.platform.config;
        let local = request.source_ip.is_some_and(|address: IpAddr| address.is_loopback());
        if config.mode != Mode::Open || !local {
            return Ok(text(StatusCode::FORBIDDEN, "text/plain", "the outbox is shown in open mode only".to_owned()));
        }
        let query = query(request);
        let account = query.get("account").unwrap_or(&config.account);
        let region = query.get("region").unwrap_or(&config.region);
        let plain =
            |text: &str| text.len() <= 32 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if !plain(account) || !plain(region) {
            return Ok(text(StatusCode::BAD_REQUEST, "text/plain", "account or region is none".to_owned()));
        }
        let partition = keys::partition(account, region);
        let rows = self.0.store().scan(&partition, keys::all_outbox(), Direction::Backward, OUTBOX_MAX).await;
        let rows = platform::OrFailure::or_failure(rows)?;
        let messages =
            rows.iter().map(|(_, row)| Ok(json!(rows::decode::<Sent>(row)?))).collect::<Result<Vec<Value>, Error>>()?;
        Ok(text(StatusCode::OK, "application/json", json!({ "messages": messages }).to_string()))
    }
}

fn query(request: &DataRequest) -> HashMap<String, String> {
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let pairs = request.head.uri.query().unwrap_or_default().split('&');
    pairs.filter_map(|pair| pair.split_once('=')).map(|(name, value)| (decoded(name), decoded(value))).collect()
}

fn text(status: StatusCode, kind: &str, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(bytes::Bytes::from(body)));
    *response.status_mut() = status;
    if let Ok(kind) = http::HeaderValue::from_str(kind) {
        response.headers_mut().insert(CONTENT_TYPE, kind);
    }
    response
}
