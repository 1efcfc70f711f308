//! One request and its answer.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::uri::Scheme;
use http::{Request, Uri, header};
use http_body_util::Full;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::{TcpStream, lookup_host};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::trust::{ChainVerifier, provider};
use crate::{Answer, Download, Egress, FetchError, Outgoing, URL_BYTES_MAX, Whole};

/// The host of an address, without the brackets of IPv6.
pub fn bare_host(uri: &Uri) -> &str {
    uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']')
}

/// Sends a request and reads its answer, of its body no more than `body_bytes_max`.
pub async fn exchange(
    egress: &Egress,
    request: Outgoing,
    thumbprints: &[String],
    body_bytes_max: usize,
) -> Result<Answer, FetchError> {
    let mut download = open(egress, request, thumbprints).await?;
    let (body, is_whole) = read(&mut download, body_bytes_max).await;
    Ok(Answer { status: download.status, headers: download.headers, body: body.freeze(), is_whole })
}

/// Sends a request and waits for the head of its answer.
pub async fn open(egress: &Egress, request: Outgoing, thumbprints: &[String]) -> Result<Download, FetchError> {
    if request.url.len() > URL_BYTES_MAX {
        return Err(FetchError::Url);
    }
    let uri: Uri = request.url.parse().map_err(|_| FetchError::Url)?;
    let name = ServerName::try_from(bare_host(&uri).to_owned()).map_err(|_| FetchError::Url)?;
    let is_encrypted = match uri.scheme() {
        Some(scheme) if *scheme == Scheme::HTTPS => true,
        Some(scheme) if *scheme == Scheme::HTTP => false,
        _ => return Err(FetchError::Url),
    };
    let port = uri.port_u16().unwrap_or(if is_encrypted { 443 } else { 80 });
    let prepared = prepare(&uri, request)?;
    let stream = connect(egress, bare_host(&uri), port).await?;
    if is_encrypted {
        return Download::begin(encrypted(stream, name, thumbprints).await?, prepared).await;
    }
    Download::begin(stream, prepared).await
}

/// Connects to the first address of a host that may be reached and answers. The name is looked up once: what was judged is
/// what is connected to.
async fn connect(egress: &Egress, host: &str, port: u16) -> Result<TcpStream, FetchError> {
    let mut failure = FetchError::Unreachable;
    for address in lookup_host((host, port)).await.map_err(|_| FetchError::Unreachable)? {
        if !egress.allows(address.ip()) {
            failure = FetchError::Forbidden;
            continue;
        }
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(_) => failure = FetchError::Unreachable,
        }
    }
    Err(failure)
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

fn prepare(uri: &Uri, outgoing: Outgoing) -> Result<Request<Full<Bytes>>, FetchError> {
    // What stands before an `@` is no part of the host.
    let authority = uri.authority().map(|authority| authority.as_str().rsplit('@').next().unwrap_or_default());
    let path = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let mut request = Request::builder()
        .method(outgoing.method)
        .uri(path)
        .header(header::HOST, authority.ok_or(FetchError::Url)?)
        .header(header::CONNECTION, "close");
    for (name, value) in &outgoing.headers {
        request = request.header(name, value);
    }
    request.body(Full::new(outgoing.body)).map_err(|_| FetchError::Url)
}

async fn read(download: &mut Download, bytes_max: usize) -> (BytesMut, Whole) {
    let mut read = BytesMut::new();
    loop {
        let data = match download.piece().await {
            Ok(Some(data)) => data,
            Ok(None) => return (read, Whole::Yes),
            Err(_) => return (read, Whole::Broken),
        };
        let room = bytes_max - read.len();
        if data.len() > room {
            read.extend_from_slice(&data[..room]);
            return (read, Whole::TooLong);
        }
        read.extend_from_slice(&data);
    }
}
