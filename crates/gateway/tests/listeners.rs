//! Which addresses are served, and TLS.

#![allow(clippy::unwrap_used, reason = "a test may fail where it unwraps")]

mod support;

use std::path::Path;
use std::sync::Arc;

use platform::Mode;
use rustls::pki_types::ServerName;
use support::{Client, Fixture, Request};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use traca_gateway::{Bound, Listen, ListenError, TlsFiles};

/// A certificate for `localhost` that signs itself, as PEM files, and its trust anchor.
fn certificate(directory: &Path) -> (TlsFiles, rustls::RootCertStore) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let files = TlsFiles { certificates: directory.join("certificate.pem"), key: directory.join("key.pem") };
    std::fs::write(&files.certificates, made.cert.pem()).unwrap();
    std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    (files, roots)
}

async fn bind(fixture: &Fixture, address: &str, tls: Option<TlsFiles>) -> Result<Bound, ListenError> {
    Listen { address: address.parse().unwrap(), tls }.bind(fixture.platform.config.mode).await
}

#[tokio::test]
async fn tls_speaks_both_versions_of_http() {
    let directory = tempfile::tempdir().unwrap();
    let (files, roots) = certificate(directory.path());
    let fixture = Fixture::start().await;
    let listen = Listen { address: "127.0.0.1:0".parse().unwrap(), tls: Some(files) };
    let bound = listen.bind(Mode::Open).await.unwrap();
    let address = bound.address();
    fixture.gateway.serve(bound);
    for protocol in ["h2", "http/1.1"] {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config =
            rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let mut config = config.with_root_certificates(roots.clone()).with_no_client_auth();
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        let stream = TcpStream::connect(address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(protocol.as_bytes()));
        if protocol == "http/1.1" {
            let reply = Client::new(stream).send(&Request::identity()).await;
            assert_eq!(reply.status, 200);
            assert!(reply.text().contains("of https://localhost:4566"), "{}", reply.text());
        }
    }
    let mut plain = Client::new(TcpStream::connect(address).await.unwrap());
    plain.write(&Request::identity().head()).await;
    assert!(!plain.closed().await.starts_with(b"HTTP"), "nothing is answered in the clear");
}

#[tokio::test]
async fn an_address_that_others_reach_needs_verification_and_tls() {
    let directory = tempfile::tempdir().unwrap();
    let (files, _) = certificate(directory.path());
    let open = Fixture::start().await;
    let verifying = Fixture::with(Mode::Verify, |services| services).await;
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        for (fixture, tls) in [(&open, None), (&open, Some(files.clone())), (&verifying, None)] {
            let refused = bind(fixture, address, tls).await.err();
            assert!(matches!(refused, Some(ListenError::Exposed { .. })), "{address}: {refused:?}");
        }
    }
    assert!(bind(&verifying, "0.0.0.0:0", Some(files)).await.is_ok());
    assert!(bind(&open, "127.0.0.2:0", None).await.is_ok());
}

#[tokio::test]
async fn what_cannot_be_bound_is_said_clearly() {
    let fixture = Fixture::start().await;
    let taken = bind(&fixture, &fixture.address.to_string(), None).await.err().unwrap();
    assert_eq!(taken.to_string(), format!("{} is taken: another process listens there", fixture.address));
    let directory = tempfile::tempdir().unwrap();
    let (files, _) = certificate(directory.path());
    let missing = TlsFiles { key: directory.path().join("missing.pem"), ..files.clone() };
    let swapped = TlsFiles { certificates: files.key.clone(), key: files.certificates.clone() };
    for unusable in [missing, swapped] {
        let refused = bind(&fixture, "127.0.0.1:0", Some(unusable)).await.err();
        assert!(matches!(refused, Some(ListenError::Tls { .. })), "{refused:?}");
    }
}
