//! Listeners: which addresses may be served, and connections as they come.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use platform::Mode;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::authority::Authority;
use crate::awake::Awake;
use crate::connection::{self, ConnectionInfo, Source};
use crate::gateway::{Gateway, Inner};
use crate::limits::{ACCEPT_RETRY, HANDSHAKE_TIMEOUT};

/// Files of a TLS listener, in PEM.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// The certificate and what it is signed by, in this order.
    pub certificates: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// A listener to be.
#[derive(Debug, Clone)]
pub struct Listen {
    /// Where; port 0 takes a free one.
    pub address: SocketAddr,
    /// With TLS, if given.
    pub tls: Option<TlsFiles>,
}

/// Why an address cannot be served. Each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Others could reach the address, and anybody could do anything.
    #[error("{address} can be reached from other machines: {missing} needed there")]
    Exposed {
        /// The address.
        address: SocketAddr,
        /// What is missing.
        missing: &'static str,
    },
    /// Somebody else listens there.
    #[error("{0} is taken: another process listens there")]
    Taken(SocketAddr),
    /// The system refused for another reason.
    #[error("cannot listen on {address}: {source}")]
    Io {
        /// The address.
        address: SocketAddr,
        /// The system's reason.
        source: io::Error,
    },
    /// A file of the TLS listener is of no use.
    #[error("cannot use {path} for TLS: {reason}")]
    Tls {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

/// A listener that does not accept yet.
pub struct Bound {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<TlsAcceptor>,
}

impl Bound {
    /// Where it listens, with the port that was taken.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Listen {
    /// Takes the address, so that the platform can be told where it will be. Any but loopback is refused unless every
    /// signature is verified and the connection encrypted.
    pub async fn bind(&self, mode: Mode) -> Result<Bound, ListenError> {
        let address = self.address;
        check_exposure(address, mode, self.tls.is_some())?;
        let tls = self.tls.as_ref().map(acceptor).transpose()?;
        let refused = |source: io::Error| match source.kind() {
            io::ErrorKind::AddrInUse => ListenError::Taken(address),
            _ => ListenError::Io { address, source },
        };
        let listener = TcpListener::bind(address).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        Ok(Bound { listener, address, tls })
    }
}

impl Gateway {
    /// Accepts and serves until [`Gateway::shutdown`].
    pub fn serve(&self, bound: Bound) {
        let gateway = Arc::clone(&self.0);
        self.0.tasks.spawn(async move { accept(gateway, bound.listener, bound.tls).await });
    }

    /// Serves listeners that were made elsewhere, such as those inside a function's environment: all their connections
    /// come from `source`. It ends when the answer is dropped, or with [`Gateway::shutdown`].
    pub fn serve_inside(&self, doors: Doors, source: Source) -> Served {
        let gateway = Arc::clone(&self.0);
        let ended = tokio_util::sync::CancellationToken::new();
        let served = Served(ended.clone().drop_guard());
        self.0.tasks.spawn(async move {
            ended.run_until_cancelled(accept_inside(gateway, doors, source)).await;
        });
        served
    }

    /// Serves one connection that was accepted elsewhere.
    pub fn serve_stream<S>(&self, stream: S, info: ConnectionInfo)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        start(&self.0, move |gateway| connection::serve(gateway, stream, info));
    }
}

/// Listeners that were made elsewhere.
pub struct Doors {
    /// Without TLS.
    pub plain: [TcpListener; 2],
    /// With TLS.
    pub encrypted: TcpListener,
    /// Who vouches for the names asked for there; asked with the first connection.
    pub authority: Arc<Authority>,
}

/// Keeps handed-over listeners served; connections under way are finished when it is dropped.
pub struct Served(#[expect(dead_code, reason = "dropping it ends the listener")] tokio_util::sync::DropGuard);

fn check_exposure(address: SocketAddr, mode: Mode, has_tls: bool) -> Result<(), ListenError> {
    let missing = match (mode, has_tls) {
        _ if address.ip().is_loopback() => return Ok(()),
        (Mode::Verify, true) => return Ok(()),
        (Mode::Verify, false) => "TLS (a certificate and its key) is",
        (Mode::Open, true) => "verification of signatures (--verify) is",
        (Mode::Open, false) => "verification of signatures (--verify) and TLS (a certificate and its key) are",
    };
    Err(ListenError::Exposed { address, missing })
}

fn acceptor(files: &TlsFiles) -> Result<TlsAcceptor, ListenError> {
    fn unusable(path: &Path) -> impl Fn(&dyn std::fmt::Display) -> ListenError + '_ {
        move |reason| ListenError::Tls { path: path.to_owned(), reason: reason.to_string() }
    }
    let (bad_certificate, bad_key) = (unusable(&files.certificates), unusable(&files.key));
    let certificates = CertificateDer::pem_file_iter(&files.certificates).map_err(|error| bad_certificate(&error))?;
    let certificates = certificates.collect::<Result<Vec<_>, _>>().map_err(|error| bad_certificate(&error))?;
    if certificates.is_empty() {
        return Err(bad_certificate(&"it holds no certificate"));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| bad_key(&error))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| bad_certificate(&error))?;
    let mut config =
        builder.with_no_client_auth().with_single_cert(certificates, key).map_err(|error| bad_key(&error))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

async fn accept(gateway: Arc<Inner>, listener: TcpListener, tls: Option<TlsAcceptor>) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = gateway.stopping.cancelled() => return,
        };
        match accepted {
            Ok((stream, peer)) => {
                take(&gateway, stream, tls.clone(), Source::Client(peer));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_RETRY).await;
            }
        }
    }
}

async fn accept_inside(gateway: Arc<Inner>, doors: Doors, source: Source) {
    let Doors { plain: [first, second], encrypted, authority } = doors;
    loop {
        let (accepted, is_encrypted) = tokio::select! {
            accepted = first.accept() => (accepted, false),
            accepted = second.accept() => (accepted, false),
            accepted = encrypted.accept() => (accepted, true),
            () = gateway.stopping.cancelled() => return,
        };
        let tls = if is_encrypted { authority.acceptor().map(Some) } else { Ok(None) };
        match accepted.and_then(|(stream, _)| Ok((stream, tls?))) {
            Ok((stream, tls)) => take(&gateway, stream, tls, source.clone()),
            Err(error) => {
                tracing::warn!(%error, "a function's connection could not be accepted");
                tokio::time::sleep(ACCEPT_RETRY).await;
            }
        }
    }
}

fn take(gateway: &Arc<Inner>, stream: TcpStream, tls: Option<TlsAcceptor>, source: Source) {
    // Without this, answers that span packets wait for the client's delayed acknowledgement: 40 ms each.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection ended before it was served");
        return;
    }
    start(gateway, move |gateway| async move {
        let Some(tls) = tls else {
            return connection::serve(gateway, stream, ConnectionInfo { source, is_tls: false }).await;
        };
        match tokio::time::timeout(HANDSHAKE_TIMEOUT, tls.accept(stream)).await {
            Ok(Ok(stream)) => connection::serve(gateway, stream, ConnectionInfo { source, is_tls: true }).await,
            Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
            Err(_) => tracing::debug!("a TLS handshake took too long"),
        }
    });
}

/// Runs a connection within the bounds of all connections.
fn start<F, Fut>(gateway: &Arc<Inner>, serve: F)
where
    F: FnOnce(Arc<Inner>) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let Ok(permit) = Arc::clone(&gateway.connections).try_acquire_owned() else {
        gateway.platform.metrics.connection_refused();
        return;
    };
    let shared = Arc::clone(gateway);
    gateway.tasks.spawn(async move {
        let _permit = permit;
        shared.platform.metrics.connections().inc();
        let aborting = shared.aborting.clone();
        aborting.run_until_cancelled(Awake::new(serve(Arc::clone(&shared)))).await;
        shared.platform.metrics.connections().dec();
    });
}
