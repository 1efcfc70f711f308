//! Pages of other origins: what a service's resources let them do (https://fetch.spec.whatwg.org, "CORS protocol").

use std::future::Future;
use std::pin::Pin;

use http::{HeaderMap, Method};
use wire::Error;

/// A browser's request for a page of another origin.
pub struct ForeignRequest {
    /// Its path as received, with the resource that the host names (a bucket of S3) in front.
    pub path: String,
    /// Its method.
    pub method: Method,
    /// Its headers.
    pub headers: HeaderMap,
}

/// The headers of an answer, under way.
pub type CrossOriginFuture<'a> = Pin<Box<dyn Future<Output = Result<HeaderMap, Error>> + Send + 'a>>;

/// What a service says about pages of other origins.
pub trait CrossOrigin: Send + Sync + 'static {
    /// Answers a preflight (`OPTIONS`), which carries no credentials and is never authorised.
    fn preflight<'a>(&'a self, request: &'a ForeignRequest) -> CrossOriginFuture<'a>;

    /// The headers that are added to the answer of a request with an `Origin`; none if the page may not read it.
    fn headers<'a>(&'a self, request: &'a ForeignRequest) -> CrossOriginFuture<'a>;
}
