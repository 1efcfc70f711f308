//! A client of the platform's public API, for commands that use it as any client does.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use wire::sigv4::{Dialect, Signer};

use crate::failure::Failure;
use crate::root_key::RootKey;

/// Longest time of one exchange; a function may take 15 minutes.
const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(960);

/// Signs and sends requests to one platform, over one connection.
pub struct Client {
    address: SocketAddr,
    access_key: String,
    secret: String,
    region: String,
    sender: http1::SendRequest<Full<Bytes>>,
}

/// An answer whose status is not an error.
pub struct Reply {
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl Reply {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

impl Client {
    /// Connects, to act as the root: with its access key, or with the account's id, which open mode takes for it.
    pub async fn connect(
        address: SocketAddr,
        key: Option<&RootKey>,
        account: &str,
        region: &str,
    ) -> Result<Client, Failure> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let (access_key, secret) = key.map_or((account, account), |key| (key.id.as_str(), key.secret.as_str()));
        let (access_key, secret) = (access_key.to_owned(), secret.to_owned());
        Ok(Client { address, access_key, secret, region: region.to_owned(), sender })
    }

    /// Calls an operation of a REST service.
    pub async fn rest(
        &mut self,
        service: &str,
        method: &str,
        path: &str,
        headers: &[(&'static str, &str)],
        body: impl Into<Bytes>,
    ) -> Result<Reply, Failure> {
        let request = Request::builder().method(method).uri(path);
        self.send(service, request, headers, body.into()).await
    }

    async fn send(
        &mut self,
        service: &str,
        request: http::request::Builder,
        headers: &[(&'static str, &str)],
        body: Bytes,
    ) -> Result<Reply, Failure> {
        let request = request.header("host", self.address.to_string());
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let (mut parts, body) = request.body(body)?.into_parts();
        let signer = Signer { access_key: &self.access_key, secret: &self.secret, region: &self.region, service };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        signer.sign(&mut parts, Dialect::RestJson, &body, now as i64);
        let exchange = async {
            self.sender.ready().await?;
            let response = self.sender.send_request(Request::from_parts(parts, Full::new(body))).await?;
            let (parts, body) = response.into_parts();
            let body = body.collect().await?.to_bytes();
            Ok::<_, Failure>((parts, body))
        };
        let (parts, body) = tokio::time::timeout(EXCHANGE_TIMEOUT, exchange).await??;
        if parts.status.is_client_error() || parts.status.is_server_error() {
            let text = String::from_utf8_lossy(&body).into_owned();
            return Err(Failure::new(Failure::GENERAL, format!("{service} answered {}: {text}", parts.status)));
        }
        Ok(Reply { headers: parts.headers, body })
    }
}
