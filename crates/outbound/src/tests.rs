//! What is fetched from a server with a certificate of its own, and what is not.

use std::net::SocketAddr;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sha1::{Digest, Sha1};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::trust::provider;

const BOUNDS: Bounds = Bounds { time: Duration::from_secs(20), body_bytes: 64 };

fn local() -> Egress {
    Egress::new(Reach::Local, Vec::new(), Vec::new())
}

/// A server that answers every request alike.
struct Server {
    address: SocketAddr,
    thumbprint: String,
}

async fn server(answer: &'static str) -> Server {
    let mut params = CertificateParams::new(Vec::new()).expect("no names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an authority");
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
    let own = params.signed_by(&key, &authority).expect("a certificate");
    let root: CertificateDer<'static> = authority.der().clone();
    let thumbprint = Sha1::digest(&root).iter().map(|byte| format!("{byte:02X}")).collect();
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    let config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![own.der().clone(), root], key)
        .expect("a server's configuration");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    Server { address, thumbprint }
}

async fn ask(server: &Server, thumbprints: &[String]) -> Result<Bytes, FetchError> {
    get(&local(), &format!("https://localhost:{}/keys", server.address.port()), thumbprints, BOUNDS).await
}

#[tokio::test]
async fn a_known_thumbprint_is_trusted_and_no_other() {
    let server = server("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").await;
    assert_eq!(ask(&server, std::slice::from_ref(&server.thumbprint)).await.expect("trusted"), "{}");
    assert_eq!(ask(&server, &[]).await, Err(FetchError::Certificate));
    assert_eq!(ask(&server, &["0".repeat(40)]).await, Err(FetchError::Certificate));
    let other_name = format!("https://127.0.0.1:{}/keys", server.address.port());
    let refused = get(&local(), &other_name, std::slice::from_ref(&server.thumbprint), BOUNDS).await;
    assert_eq!(refused, Err(FetchError::Certificate), "the certificate is of another host");
}

#[tokio::test]
async fn only_the_document_itself_counts_and_only_up_to_its_bound() {
    for (answer, expected) in [
        ("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", FetchError::Status(404)),
        ("HTTP/1.1 302 Found\r\nLocation: https://localhost/\r\nContent-Length: 0\r\n\r\n", FetchError::Status(302)),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 65\r\n\r\n\
             aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            FetchError::TooLarge,
        ),
        ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort", FetchError::Unreachable),
    ] {
        let server = server(answer).await;
        assert_eq!(ask(&server, std::slice::from_ref(&server.thumbprint)).await, Err(expected));
    }
}

#[tokio::test]
async fn a_host_on_this_machine_needs_no_encryption() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://localhost:{}/keys?all", listener.local_addr().expect("an address").port());
    let asked = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut request = [0; 1024];
        let length = stream.read(&mut request).await.expect("a request");
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").await.expect("answered");
        String::from_utf8_lossy(&request[..length]).into_owned()
    });
    assert_eq!(get(&local(), &url, &[], BOUNDS).await.expect("answered"), "{}");
    assert!(asked.await.expect("served").starts_with("GET /keys?all HTTP/1.1\r\n"));
}

#[tokio::test]
async fn other_schemes_and_hosts_that_do_not_listen_are_refused() {
    for url in ["http://example.com/", "http://10.0.0.1/", "ftp://localhost/", "localhost", "", "https://"] {
        assert_eq!(get(&local(), url, &[], BOUNDS).await, Err(FetchError::Url), "{url}");
    }
    let free = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address").port();
    assert_eq!(get(&local(), &format!("https://localhost:{free}/"), &[], BOUNDS).await, Err(FetchError::Unreachable));
}

#[tokio::test]
async fn a_host_that_never_answers_costs_only_so_much_time() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("https://localhost:{}/", listener.local_addr().expect("an address").port());
    let bounds = Bounds { time: Duration::from_millis(50), ..BOUNDS };
    assert_eq!(get(&local(), &url, &[], bounds).await, Err(FetchError::Slow));
}

/// A server without TLS that answers one request, and what it was sent.
async fn plain(answer: String) -> (String, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://localhost:{}", listener.local_addr().expect("an address").port());
    let asked = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let mut request = [0; 1024];
        let length = stream.read(&mut request).await.expect("a request");
        let _ = stream.write_all(answer.as_bytes()).await;
        String::from_utf8_lossy(&request[..length]).into_owned()
    });
    (url, asked)
}

fn outgoing(method: Method, url: String) -> Outgoing {
    Outgoing { method, url, headers: Vec::new(), body: Bytes::from_static(b"text") }
}

#[tokio::test]
async fn any_status_is_an_answer_and_of_a_long_body_the_beginning_is_read() {
    let long = "a".repeat(1_000_000);
    let (url, asked) =
        plain(format!("HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nContent-Length: 1000000\r\n\r\n{long}")).await;
    let answer = send(&local(), outgoing(Method::PUT, format!("{url}/a?b=c")), BOUNDS).await.expect("an answer");
    assert_eq!((answer.status, answer.body.len(), answer.is_whole), (429, 64, Whole::TooLong));
    assert_eq!(answer.headers["retry-after"], "7");
    let request = asked.await.expect("served");
    assert!(request.starts_with("PUT /a?b=c HTTP/1.1\r\n") && request.ends_with("\r\n\r\ntext"), "{request}");
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_not_followed() {
    let (aim, reached) = plain("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_owned()).await;
    let (url, _) = plain(format!("HTTP/1.1 307 There\r\nLocation: {aim}\r\nContent-Length: 0\r\n\r\n")).await;
    let answer = send(&local(), outgoing(Method::POST, url), BOUNDS).await.expect("an answer");
    assert_eq!(answer.status, 307);
    assert!(!reached.is_finished(), "nobody asked there");
}

#[tokio::test]
async fn an_address_out_of_reach_is_not_connected_to() {
    let (url, reached) = plain("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_owned()).await;
    let public = Egress::new(Reach::Public, Vec::new(), Vec::new());
    let refused = send(&public, outgoing(Method::POST, url.clone()), BOUNDS).await;
    assert_eq!(refused.err(), Some(FetchError::Forbidden), "the name stands for an address of this machine");
    assert_eq!(get(&public, &url, &[], BOUNDS).await, Err(FetchError::Forbidden));
    let metadata = outgoing(Method::GET, "http://169.254.169.254/latest/meta-data/".to_owned());
    assert_eq!(send(&local(), metadata, BOUNDS).await.err(), Some(FetchError::Forbidden));
    assert!(!reached.is_finished(), "nobody asked there");
}
