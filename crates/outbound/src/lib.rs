//! Requests to hosts outside: bounded in time and size, over TLS that is checked.
//!
//! **Invariants.** Redirects are not followed: who asks decides which host is asked. Every connection serves one request
//! and is closed behind it.

mod error;
mod post;
mod trust;

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::uri::Scheme;
use http::{Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

pub use error::FetchError;
pub use post::post;
use trust::{ChainVerifier, provider};

/// Longest address that is asked for, in bytes.
pub const URL_BYTES_MAX: usize = 2_048;

/// Hosts that can be asked without encryption: nobody is between them and us.
const LOCAL_HOSTS: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// How much a request may cost.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// For all of it, from looking up the name to the last byte.
    pub time: Duration,
    /// Longest answer, in bytes.
    pub body_bytes: usize,
}

/// Reads a document with `GET`.
///
/// The address has to begin with `https://`, or with `http://` for a host on this machine. The server's certificate is trusted if it is signed by an authority that the
/// operating system trusts, or by a certificate of its chain whose SHA-1 digest (40 hexadecimal digits) is among
/// `thumbprints`.
///
/// # Errors
/// When there is no such document within the bounds; an answer with another status than 200 is an error too.
pub async fn get(url: &str, thumbprints: &[String], bounds: Bounds) -> Result<Bytes, FetchError> {
    tokio::time::timeout(bounds.time, fetch(url, thumbprints, bounds.body_bytes)).await.map_err(|_| FetchError::Slow)?
}

async fn fetch(url: &str, thumbprints: &[String], body_bytes_max: usize) -> Result<Bytes, FetchError> {
    if url.len() > URL_BYTES_MAX {
        return Err(FetchError::Url);
    }
    let uri: Uri = url.parse().map_err(|_| FetchError::Url)?;
    let host = uri.host().unwrap_or_default();
    let bare_host = host.trim_start_matches('[').trim_end_matches(']');
    let name = ServerName::try_from(bare_host.to_owned()).map_err(|_| FetchError::Url)?;
    let is_encrypted = uri.scheme() == Some(&Scheme::HTTPS);
    let is_local = uri.scheme() == Some(&Scheme::HTTP) && LOCAL_HOSTS.contains(&bare_host);
    if !(is_encrypted || is_local) {
        return Err(FetchError::Url);
    }
    let port = uri.port_u16().unwrap_or(if is_encrypted { 443 } else { 80 });
    let stream = TcpStream::connect((bare_host, port)).await.map_err(|_| FetchError::Unreachable)?;
    if !is_encrypted {
        return exchange(stream, &uri, body_bytes_max).await;
    }
    exchange(encrypted(stream, name, thumbprints).await?, &uri, body_bytes_max).await
}

async fn encrypted(
    stream: TcpStream,
    name: ServerName<'static>,
    thumbprints: &[String],
) -> Result<TlsStream<TcpStream>, FetchError> {
    let verifier = Arc::new(ChainVerifier::new(thumbprints));
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("the provider speaks the protocol versions that it was built with")
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.map_err(|error| {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(rustls::Error::InvalidCertificate(_)) => FetchError::Certificate,
            _ => FetchError::Unreachable,
        }
    })
}

/// One request and its answer.
async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    uri: &Uri,
    body_bytes_max: usize,
) -> Result<Bytes, FetchError> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|_| FetchError::Unreachable)?;
    let authority = uri.authority().map(http::uri::Authority::as_str).ok_or(FetchError::Url)?;
    let path = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let request = Request::get(path)
        .header(header::HOST, authority)
        .header(header::ACCEPT, "application/json")
        .header(header::CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(|_| FetchError::Url)?;
    let answer = async {
        let response = sender.send_request(request).await.map_err(|_| FetchError::Unreachable)?;
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status(response.status().as_u16()));
        }
        let mut body = response.into_body();
        let mut read = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| FetchError::Unreachable)?;
            let Ok(data) = frame.into_data() else { continue };
            if read.len() + data.len() > body_bytes_max {
                return Err(FetchError::TooLarge);
            }
            read.extend_from_slice(&data);
        }
        Ok(read.freeze())
    };
    // The connection works as long as somebody waits for its answer, and ends with that.
    tokio::pin!(connection);
    tokio::pin!(answer);
    tokio::select! {
        biased;
        answered = &mut answer => answered,
        _ = &mut connection => answer.await,
    }
}

#[cfg(test)]
mod tests;
