//! Pages of other origins: services say what their resources let them do, the gateway answers preflights and adds headers.

use http::header::ORIGIN;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use platform::ForeignRequest;
use platform::ids::host_id;
use wire::protocol::ResponseParts;
use wire::router::{Route, virtual_host_bucket};
use wire::schema::{Protocol, ServiceDef};
use wire::{Body, Error};

use crate::answer::Answer;
use crate::connection::host_of;
use crate::failure;
use crate::pipeline::Exchange;

/// The path of a request, with the bucket that its host names in front.
pub(crate) fn resource_path(parts: &Parts, domains: &[String]) -> String {
    match virtual_host_bucket(host_of(parts), domains) {
        Some(bucket) => format!("/{bucket}{}", parts.uri.path()),
        None => parts.uri.path().to_owned(),
    }
}

impl Exchange<'_> {
    /// The request as a service judges it, with the bucket that the host names in front of the path.
    fn foreign(&self) -> ForeignRequest {
        let path = resource_path(self.parts, &self.gateway.bucket_domains);
        ForeignRequest { path, method: self.parts.method.clone(), headers: self.parts.headers.clone() }
    }

    /// Answers a preflight.
    ///
    /// # Errors
    /// What the service refuses it with.
    pub(crate) async fn preflight(&self, service: &'static ServiceDef) -> Result<Answer, Error> {
        let Some(rules) = self.gateway.platform.services().cross_origin(service) else {
            return Err(failure::preflight());
        };
        let mut headers = rules.preflight(&self.foreign()).await?;
        if service.protocols.contains(&Protocol::RestXml) {
            let ids = [("x-amz-request-id", self.request_id.to_owned()), ("x-amz-id-2", host_id(self.request_id))];
            for (name, value) in ids {
                headers.extend(HeaderValue::from_str(&value).map(|value| (http::HeaderName::from_static(name), value)));
            }
        }
        Ok(Answer::new(ResponseParts { status: StatusCode::OK, headers, body: Body::Empty }, None))
    }

    /// Adds to an answer what lets a page of another origin read it.
    pub(crate) async fn with_cross_origin(&self, answer: Answer, route: &Route) -> Answer {
        let rules = self.gateway.platform.services().cross_origin(route.service);
        let Some(rules) = rules.filter(|_| self.parts.headers.contains_key(ORIGIN)) else { return answer };
        let headers = rules.headers(&self.foreign()).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "rules for other origins could not be read");
            HeaderMap::new()
        });
        answer.with_headers(headers)
    }
}
