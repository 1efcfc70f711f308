//! What an environment finds beyond its own processes: names, the platform under the names of AWS, and hosts outside.
//!
//! An environment has one network interface, its own loopback. All sockets of this module were made inside and are
//! served from here, so that nothing of the machine's network is within reach but what is carried there packet by packet.

mod machine;
mod names;
mod outside;
mod packet;
mod resolver;

use std::fmt;
use std::future::pending;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::os::fd::AsRawFd;
use std::sync::Arc;

use nix::sys::socket::{MsgFlags, recv};
use tokio::io::Interest;
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

pub use machine::is_of_this_machine;

use crate::error::SandboxError;
use crate::launcher::sockets::Sockets;
use crate::limits;
use outside::Way;
use resolver::Resolver;

/// Where the platform's own names lead to inside an environment.
pub(crate) const PLATFORM: Ipv4Addr = Ipv4Addr::LOCALHOST;
/// The address an environment speaks to hosts outside from, as on AWS; there if there is a way outside. All link-local
/// addresses are its own then.
pub(crate) const INSIDE: Ipv4Addr = Ipv4Addr::new(169, 254, 76, 1);
/// The address that connections to hosts outside seem to come from where they are relayed: nobody's (RFC 7600).
pub(crate) const RELAYED: Ipv4Addr = Ipv4Addr::new(192, 0, 0, 8);
/// Where connections to hosts outside are relayed. No function can take a port below 1024.
pub(crate) const RELAY: SocketAddrV4 = SocketAddrV4::new(INSIDE, 1);

/// The certificate of the platform's authority alone, inside an environment.
pub const AUTHORITY_FILE: &str = "/etc/traca/authority.pem";
/// It, and all that this machine trusts.
pub const BUNDLE_FILE: &str = "/etc/traca/bundle.pem";

/// What environments find beyond their own walls.
#[derive(Clone, Default)]
pub struct Network {
    /// Domains, in lower case, whose names and those below stand for the platform.
    pub own_domains: Vec<String>,
    /// The authority that vouches for the platform under these names, trusted inside only.
    pub authority: Option<Authority>,
    /// Hosts outside; without, there are no others.
    pub outside: Option<Outside>,
}

/// Tells the certificate of an authority, in PEM; asked once, when the first environments are to be made.
#[derive(Clone)]
pub struct Authority(pub Arc<dyn Fn() -> io::Result<String> + Send + Sync>);

/// Which hosts outside may be reached, and by which names.
#[derive(Clone)]
pub struct Outside {
    /// Whether functions may connect and send to an address. What is of one host or link alone (loopback, link-local,
    /// multicast) is never asked for and never reached.
    pub may_reach: Arc<dyn Fn(SocketAddr) -> bool + Send + Sync>,
    /// Who is asked for names; the machine's own resolvers if nobody is named.
    pub nameservers: Option<Vec<SocketAddr>>,
}

impl fmt::Debug for Network {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("Network");
        shown.field("own_domains", &self.own_domains).field("outside", &self.outside.is_some()).finish_non_exhaustive()
    }
}

/// The network of all environments of one sandbox.
pub(crate) struct Shared {
    network: Network,
    /// Connections and datagram sockets outside that may be open at the same time.
    flows: Arc<Semaphore>,
}

impl Shared {
    pub(crate) fn new(network: Network) -> Shared {
        Shared { network, flows: Arc::new(Semaphore::new(limits::FLOWS_MAX)) }
    }
}

/// Sockets inside an environment whose connections are the platform's to serve: whatever connects there is this
/// environment's function.
#[derive(Debug)]
pub struct Listeners {
    /// Behind the configured port.
    pub endpoint: TcpListener,
    /// Behind port 80 of the platform's own names.
    pub plain: TcpListener,
    /// Behind port 443 of the platform's own names, for TLS.
    pub encrypted: TcpListener,
}

/// Serves names and the way outside to one environment until it is dropped.
pub(crate) struct Served(JoinHandle<()>);

impl Drop for Served {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Takes over the sockets of an environment: its Runtime API, those of the platform, and the service for the rest.
pub(crate) fn serve(shared: &Arc<Shared>, sockets: Sockets) -> Result<(TcpListener, Listeners, Served), SandboxError> {
    let listener = |socket| tokio_listener(socket).map_err(SandboxError::io("serve the environment's network"));
    let runtime_api = listener(sockets.runtime_api)?;
    let listeners = Listeners {
        endpoint: listener(sockets.endpoint)?,
        plain: listener(sockets.plain)?,
        encrypted: listener(sockets.encrypted)?,
    };
    let streams = listener(sockets.name_streams)?;
    let datagrams = std::net::UdpSocket::from(sockets.names);
    let failed = SandboxError::io("serve the environment's network");
    let resolver = datagrams
        .set_nonblocking(true)
        .and_then(|()| UdpSocket::from_std(datagrams))
        .map(|datagrams| Resolver::new(datagrams, streams, Arc::clone(shared)))
        .map_err(failed)?;
    let way = sockets.outside.map(|outside| Way::new(outside, Arc::clone(shared))).transpose();
    let way = way.map_err(SandboxError::io("serve the environment's way outside"))?;
    let served = tokio::spawn(async move {
        let outside = async {
            match way {
                Some(way) => way.run().await,
                None => pending().await,
            }
        };
        tokio::join!(resolver.run(), outside);
    });
    Ok((runtime_api, listeners, Served(served)))
}

/// Waits until a connected socket has a datagram, or the news that nobody receives at the other end.
async fn arrival(socket: &UdpSocket) -> io::Result<()> {
    socket.ready(Interest::READABLE | Interest::ERROR).await.map(|_| ())
}

/// What a connected socket has, if anything.
fn try_receive(socket: &UdpSocket, buffer: &mut [u8]) -> io::Result<usize> {
    let mut received = || recv(socket.as_raw_fd(), buffer, MsgFlags::MSG_DONTWAIT).map_err(io::Error::from);
    // One after the other: tokio takes one kind of readiness at a time here.
    match socket.try_io(Interest::READABLE, &mut received) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => socket.try_io(Interest::ERROR, received),
        done => done,
    }
}

pub(crate) fn tokio_listener(socket: std::os::fd::OwnedFd) -> io::Result<TcpListener> {
    let listener = std::net::TcpListener::from(socket);
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Were the news left as it is, whoever waits would never rest.
    #[tokio::test]
    async fn the_news_that_nobody_receives_is_taken_once() {
        let closed = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        let address = closed.local_addr().expect("its address");
        drop(closed);
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        socket.connect(address).await.expect("connected");
        socket.send(b"?").await.expect("sent");
        let mut refused = false;
        while !refused {
            arrival(&socket).await.expect("news");
            while let Err(error) = try_receive(&socket, &mut [0; 16]) {
                if error.kind() == io::ErrorKind::WouldBlock {
                    break;
                }
                refused |= error.kind() == io::ErrorKind::ConnectionRefused;
            }
        }
        let again = tokio::time::timeout(Duration::from_millis(20), arrival(&socket)).await;
        assert!(again.is_err(), "there is nothing more to take");
    }
}
