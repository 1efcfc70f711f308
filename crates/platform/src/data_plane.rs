//! Addresses that a service serves itself, outside the AWS APIs: downloads of function code, later the APIs that users
//! build with API Gateway. A service gets the request's head and body and answers with a head and a body; the listener
//! stays the gateway's.

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;

use wire::{Body, Error};

use crate::principal::Principal;

/// A request to an address of a data plane. Nothing about it was checked but its size limits.
pub struct DataRequest {
    /// Method, path, query and headers as received.
    pub head: http::request::Parts,
    /// The body, as it arrives.
    pub body: Body,
    /// The client's address; `None` for functions that call from inside their environment.
    pub source_ip: Option<IpAddr>,
    /// Address under which this client reached the platform, without a trailing slash.
    pub endpoint: String,
    /// Id of the request.
    pub request_id: String,
    /// Who signed it, where the data plane says what for: the signature was checked against the body. `Ok(None)` if nobody
    /// did, an error if the signature does not hold.
    pub caller: Result<Option<DataCaller>, Error>,
}

/// Who signed a request.
#[derive(Debug, Clone)]
pub struct DataCaller {
    /// Who it is.
    pub principal: Principal,
    /// The access key that was used.
    pub access_key_id: String,
}

/// An answer under way.
pub type DataFuture = Pin<Box<dyn Future<Output = http::Response<Body>> + Send>>;

/// Serves some hosts or paths.
pub trait DataPlane: Send + Sync + 'static {
    /// Whether this host (lower case, without port) and path (as received) are served here. Asked for every request, so
    /// it has to be quick.
    fn handles(&self, host: &str, path: &str) -> bool;

    /// The name of the service that requests to this host and path are signed for, if they may be signed at all.
    fn signed_as(&self, _host: &str, _path: &str) -> Option<&'static str> {
        None
    }

    /// Answers.
    fn serve(self: Arc<Self>, request: DataRequest) -> DataFuture;
}
