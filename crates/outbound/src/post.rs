//! Handing something to a host outside.

use bytes::Bytes;
use http::uri::Scheme;
use http::{HeaderName, HeaderValue, Request, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::{Bounds, FetchError, URL_BYTES_MAX, encrypted};

/// Sends a body with `POST` to an address that begins with `http://` or `https://`, and answers the status. Of the
/// answer's body no more than the bounds allow is read, and nothing is kept.
///
/// # Errors
/// When there was no answer within the bounds.
pub async fn post(
    url: &str,
    headers: &[(HeaderName, HeaderValue)],
    body: Bytes,
    bounds: Bounds,
) -> Result<u16, FetchError> {
    tokio::time::timeout(bounds.time, send(url, headers, body, bounds.body_bytes))
        .await
        .map_err(|_| FetchError::Slow)?
}

async fn send(
    url: &str,
    headers: &[(HeaderName, HeaderValue)],
    body: Bytes,
    body_bytes_max: usize,
) -> Result<u16, FetchError> {
    if url.len() > URL_BYTES_MAX {
        return Err(FetchError::Url);
    }
    let uri: Uri = url.parse().map_err(|_| FetchError::Url)?;
    let host = uri.host().unwrap_or_default();
    let bare_host = host.trim_start_matches('[').trim_end_matches(']');
    let name = ServerName::try_from(bare_host.to_owned()).map_err(|_| FetchError::Url)?;
    let default_port = match uri.scheme() {
        Some(scheme) if *scheme == Scheme::HTTPS => 443,
        Some(scheme) if *scheme == Scheme::HTTP => 80,
        _ => return Err(FetchError::Url),
    };
    let port = uri.port_u16().unwrap_or(default_port);
    let stream = TcpStream::connect((bare_host, port)).await.map_err(|_| FetchError::Unreachable)?;
    if default_port == 80 {
        return exchange(stream, &uri, headers, body, body_bytes_max).await;
    }
    exchange(encrypted(stream, name, &[]).await?, &uri, headers, body, body_bytes_max).await
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    uri: &Uri,
    headers: &[(HeaderName, HeaderValue)],
    body: Bytes,
    body_bytes_max: usize,
) -> Result<u16, FetchError> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|_| FetchError::Unreachable)?;
    let authority = uri.authority().map(http::uri::Authority::as_str).ok_or(FetchError::Url)?;
    let path = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let mut request = Request::post(path).header(header::HOST, authority).header(header::CONNECTION, "close");
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let request = request.body(Full::new(body)).map_err(|_| FetchError::Url)?;
    let answer = async {
        let response = sender.send_request(request).await.map_err(|_| FetchError::Unreachable)?;
        let status = response.status().as_u16();
        let mut body = response.into_body();
        let mut read = 0;
        // Ends with the body, or where the bounds do.
        while let Some(Ok(frame)) = body.frame().await {
            read += frame.data_ref().map_or(0, Bytes::len);
            if read > body_bytes_max {
                break;
            }
        }
        Ok(status)
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
