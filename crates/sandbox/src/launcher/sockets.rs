//! The sockets inside an environment that the platform serves from outside, and the one network interface they are
//! reached by.

use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, UdpSocket};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use super::failure::{NameStep, Step};
use super::interface;
use crate::limits;
use crate::network::{INSIDE, PLATFORM, RELAY};

/// All of them at most.
pub(crate) const SOCKETS_MAX: usize = 9;

/// Port of resolvers, over UDP and TCP.
const NAMES_PORT: u16 = 53;
const PLAIN_PORT: u16 = 80;
const ENCRYPTED_PORT: u16 = 443;

/// The sockets of one environment.
#[derive(Debug)]
pub(crate) struct Sockets {
    pub(crate) runtime_api: OwnedFd,
    pub(crate) endpoint: OwnedFd,
    pub(crate) plain: OwnedFd,
    pub(crate) encrypted: OwnedFd,
    pub(crate) names: OwnedFd,
    pub(crate) name_streams: OwnedFd,
    /// There if there is a way outside.
    pub(crate) outside: Option<OutsideSockets>,
}

/// The sockets of the way outside.
#[derive(Debug)]
pub(crate) struct OutsideSockets {
    /// Receives what goes to hosts outside.
    pub(crate) tap: OwnedFd,
    /// Sends what comes from them.
    pub(crate) injector: OwnedFd,
    /// Listens for connections that are sent back.
    pub(crate) relay: OwnedFd,
}

impl Sockets {
    /// Brings the interface of this network namespace up and makes the sockets.
    pub(crate) fn make(endpoint_port: u16, has_outside: bool) -> Step<Sockets> {
        interface::up().step("bring loopback up")?;
        Ok(Sockets {
            runtime_api: listen(SocketAddrV4::new(Ipv4Addr::LOCALHOST, limits::RUNTIME_API_PORT))?,
            endpoint: listen(SocketAddrV4::new(Ipv4Addr::LOCALHOST, endpoint_port))?,
            plain: listen(SocketAddrV4::new(PLATFORM, PLAIN_PORT))?,
            encrypted: listen(SocketAddrV4::new(PLATFORM, ENCRYPTED_PORT))?,
            names: UdpSocket::bind((Ipv4Addr::LOCALHOST, NAMES_PORT)).step("bind the port for names")?.into(),
            name_streams: listen(SocketAddrV4::new(Ipv4Addr::LOCALHOST, NAMES_PORT))?,
            outside: has_outside.then(OutsideSockets::make).transpose()?,
        })
    }

    /// As they are sent from process to process.
    pub(crate) fn numbers(&self) -> Vec<RawFd> {
        let always = [&self.runtime_api, &self.endpoint, &self.plain, &self.encrypted, &self.names, &self.name_streams];
        let outside = self.outside.iter().flat_map(|outside| [&outside.tap, &outside.injector, &outside.relay]);
        always.into_iter().chain(outside).map(AsRawFd::as_raw_fd).collect()
    }

    /// As they arrive. `None` if they are not as many as there are.
    pub(crate) fn from_descriptors(descriptors: Vec<OwnedFd>) -> Option<Sockets> {
        let mut descriptors = descriptors.into_iter();
        let mut next = || descriptors.next();
        let (runtime_api, endpoint, plain, encrypted) = (next()?, next()?, next()?, next()?);
        let (names, name_streams) = (next()?, next()?);
        let outside = match (next(), next(), next()) {
            (None, ..) => None,
            (tap, injector, relay) => Some(OutsideSockets { tap: tap?, injector: injector?, relay: relay? }),
        };
        Some(Sockets { runtime_api, endpoint, plain, encrypted, names, name_streams, outside })
    }
}

impl OutsideSockets {
    /// Makes loopback the way outside. It must be up.
    pub(crate) fn make() -> Step<OutsideSockets> {
        interface::add_address(INSIDE).step("add an address to loopback")?;
        interface::add_default_route().step("route packets for hosts outside to loopback")?;
        Ok(OutsideSockets {
            tap: interface::tap().step("receive packets for hosts outside")?,
            injector: interface::injector().step("make a socket for packets")?,
            relay: listen(RELAY)?,
        })
    }
}

fn listen(address: SocketAddrV4) -> Step<OwnedFd> {
    TcpListener::bind(address).map(OwnedFd::from).step(format!("listen on {address}"))
}
