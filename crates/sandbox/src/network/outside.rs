//! The way outside of one environment.
//!
//! Packets for hosts outside go to the environment's loopback interface, whose route they take, and from there to
//! nobody but a socket of ours (the *tap*). A connection is first made outside, from here. Then the packet that opened
//! it, and all that follow, are sent back into the environment (by the *injector*) with other addresses, so that they
//! reach a listener of ours (the *relay*), and what that answers is sent back as if it came from the host. So the kernel
//! speaks TCP on both sides, in full, and what is done here is to give packets other addresses, and to copy bytes.
//! Datagrams are sent and received by sockets of ours.
//!
//! The relay sees each connection come from [`RELAYED`] at a port of its own, its number.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, SockaddrIn, recv, send, sendto, setsockopt, sockopt};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::timeout;

use super::packet::{self, Carried, Packet, Unreachable};
use super::{INSIDE, RELAY, RELAYED, Shared, arrival, try_receive};
use crate::launcher::sockets::OutsideSockets;
use crate::limits::{CONNECTIONS_OUTSIDE_MAX, DATAGRAM_PEERS_MAX};

/// Bytes of a packet of IPv4 at most.
const PACKET_BYTES_MAX: usize = 65_535;
/// Packets that are taken in one turn.
const PACKETS_MAX: usize = 64;
/// Bytes of each direction of a connection that are under way here.
const COPY_BYTES: usize = 16 * 1024;
/// How long a host outside may take to accept: Linux gives up after 127 s.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(127);
/// How long the packets of a connection that has ended still find their way.
const LINGER: Duration = Duration::from_secs(30);
/// How long answers to a datagram are waited for, after the last one.
const DATAGRAM_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a failed accept waits before it is tried again.
const ACCEPT_RETRY: Duration = Duration::from_millis(10);

/// Who sends to whom.
type Ends = (SocketAddrV4, SocketAddrV4);

/// The way outside of one environment.
pub(super) struct Way {
    tap: Tap,
    injector: Arc<Injector>,
    relay: TcpListener,
    shared: Arc<Shared>,
    connections: HashMap<u16, Connection>,
    numbers: HashMap<Ends, u16>,
    last_number: u16,
    /// Numbers of connections that have ended, and when.
    ended: VecDeque<(Instant, u16)>,
    peers: HashMap<Ends, Peer>,
    /// In the order they were first sent to.
    oldest_peers: VecDeque<(Ends, u64)>,
    made: u64,
    work: JoinSet<Event>,
    /// Room for a packet, as long as there is something to do.
    buffer: Vec<u8>,
}

/// A connection of the function to a host outside.
struct Connection {
    ends: Ends,
    state: State,
}

enum State {
    /// It is being made outside; this is the packet that waits for it.
    Connecting {
        opening: Vec<u8>,
        permit: OwnedSemaphorePermit,
    },
    /// It is there outside, and the relay has not accepted it yet.
    Connected {
        stream: TcpStream,
        permit: OwnedSemaphorePermit,
    },
    Relayed,
    Ended,
}

/// A host outside that the function sends datagrams to.
struct Peer {
    id: u64,
    socket: Arc<UdpSocket>,
    receiver: AbortHandle,
}

/// What has come of a piece of work.
enum Event {
    Connected(u16, Result<TcpStream, Option<io::ErrorKind>>),
    Ended(u16),
    Silent(Ends, u64),
}

impl Way {
    pub(super) fn new(sockets: OutsideSockets, shared: Arc<Shared>) -> io::Result<Way> {
        Ok(Way {
            tap: Tap::new(sockets.tap)?,
            injector: Arc::new(Injector(sockets.injector)),
            relay: super::tokio_listener(sockets.relay)?,
            shared,
            connections: HashMap::new(),
            numbers: HashMap::new(),
            last_number: 0,
            ended: VecDeque::new(),
            peers: HashMap::new(),
            oldest_peers: VecDeque::new(),
            made: 0,
            work: JoinSet::new(),
            buffer: Vec::new(),
        })
    }

    pub(super) async fn run(mut self) {
        loop {
            tokio::select! {
                ready = self.tap.readable() => match ready {
                    Ok(()) => self.take_packets(),
                    Err(_) => tokio::time::sleep(ACCEPT_RETRY).await,
                },
                accepted = self.relay.accept() => match accepted {
                    Ok((stream, SocketAddr::V4(peer))) => self.relay(stream, peer),
                    Ok(_) => {}
                    Err(_) => tokio::time::sleep(ACCEPT_RETRY).await,
                },
                Some(done) = self.work.join_next() => {
                    // What was aborted has nothing to tell.
                    if let Ok(event) = done {
                        self.note(event);
                    }
                }
            }
            if self.work.is_empty() {
                self.buffer = Vec::new();
            }
        }
    }

    fn take_packets(&mut self) {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.resize(PACKET_BYTES_MAX, 0);
        for _ in 0..PACKETS_MAX {
            let Some(length) = self.tap.take(&mut buffer) else { break };
            if let Some(packet) = Packet::read(&mut buffer[..length]) {
                self.carry(packet);
            }
        }
        self.buffer = buffer;
    }

    fn carry(&mut self, packet: Packet<'_>) {
        if *packet.source().ip() != INSIDE {
            return;
        }
        match packet.carried {
            Carried::Datagram => self.send_datagram(&packet),
            Carried::Segment { .. } if *packet.destination().ip() == RELAYED => self.carry_back(packet),
            Carried::Segment { opens, resets } => self.carry_forth(packet, opens, resets),
        }
    }

    /// A packet of the function to a host outside.
    fn carry_forth(&mut self, mut packet: Packet<'_>, opens: bool, resets: bool) {
        let ends = (packet.source(), packet.destination());
        let number = self.numbers.get(&ends).copied();
        let state = number.and_then(|number| self.connections.get(&number)).map(|connection| &connection.state);
        match (number, state) {
            (Some(number), Some(State::Ended)) if opens => {
                self.forget(number);
                self.open(packet);
            }
            // It is said again what is waited for.
            (Some(_), Some(State::Connecting { .. })) => {}
            (Some(number), Some(_)) => {
                packet.redirect(SocketAddrV4::new(RELAYED, number), RELAY);
                self.injector.inject(packet.bytes());
            }
            _ if opens => self.open(packet),
            _ if resets => {}
            _ => self.injector.inject(&packet.reset()),
        }
    }

    /// A packet of the relay to the function.
    fn carry_back(&mut self, mut packet: Packet<'_>) {
        let connection = self.connections.get(&packet.destination().port());
        match connection.filter(|_| packet.source() == RELAY) {
            Some(Connection { ends: (function, host), .. }) => {
                packet.redirect(*host, *function);
                self.injector.inject(packet.bytes());
            }
            None => self.injector.inject(&packet.unreachable(Unreachable::Prohibited)),
        }
    }

    /// Begins a connection outside, if it is allowed and there is room for it.
    fn open(&mut self, packet: Packet<'_>) {
        let ends = (packet.source(), packet.destination());
        if !self.may_reach(ends.1) {
            return self.injector.inject(&packet.unreachable(Unreachable::Prohibited));
        }
        self.forget_ended();
        let permit = Arc::clone(&self.shared.flows).try_acquire_owned().ok();
        let permit = permit.filter(|_| self.connections.len() < CONNECTIONS_OUTSIDE_MAX);
        let Some((permit, number)) = permit.zip(self.free_number()) else {
            return self.injector.inject(&packet.reset());
        };
        let opening = packet.bytes().to_vec();
        self.numbers.insert(ends, number);
        self.connections.insert(number, Connection { ends, state: State::Connecting { opening, permit } });
        self.work.spawn(async move {
            let connected = match timeout(CONNECT_TIMEOUT, TcpStream::connect(SocketAddr::V4(ends.1))).await {
                Ok(connected) => connected.map_err(|error| Some(error.kind())),
                Err(_) => Err(None),
            };
            Event::Connected(number, connected)
        });
    }

    fn may_reach(&self, host: SocketAddrV4) -> bool {
        let address = *host.ip();
        let is_host = !(address == RELAYED
            || address.is_loopback()
            || address.is_unspecified()
            || address.is_link_local()
            || address.is_multicast()
            || address.is_broadcast());
        is_host && self.shared.network.outside.as_ref().is_some_and(|outside| (outside.may_reach)(SocketAddr::V4(host)))
    }

    fn free_number(&mut self) -> Option<u16> {
        for _ in 0..=CONNECTIONS_OUTSIDE_MAX {
            self.last_number = self.last_number.checked_add(1).unwrap_or(1);
            if !self.connections.contains_key(&self.last_number) {
                return Some(self.last_number);
            }
        }
        None
    }

    /// Forgets connections that have ended long ago, and others that have ended when there is no room.
    fn forget_ended(&mut self) {
        while let Some((when, number)) = self.ended.front().copied() {
            if when.elapsed() < LINGER && self.connections.len() < CONNECTIONS_OUTSIDE_MAX {
                return;
            }
            self.ended.pop_front();
            if self.connections.get(&number).is_some_and(|connection| matches!(connection.state, State::Ended)) {
                self.forget(number);
            }
        }
    }

    fn forget(&mut self, number: u16) {
        if let Some(connection) = self.connections.remove(&number) {
            self.numbers.remove(&connection.ends);
        }
    }

    fn note(&mut self, event: Event) {
        match event {
            Event::Connected(number, connected) => self.note_connected(number, connected),
            Event::Ended(number) => {
                if let Some(connection) = self.connections.get_mut(&number) {
                    connection.state = State::Ended;
                    self.ended.push_back((Instant::now(), number));
                }
            }
            Event::Silent(ends, id) => {
                if self.peers.get(&ends).is_some_and(|peer| peer.id == id) {
                    self.peers.remove(&ends);
                }
            }
        }
    }

    /// A connection was made outside, or was not: the function is told.
    fn note_connected(&mut self, number: u16, connected: Result<TcpStream, Option<io::ErrorKind>>) {
        let Some(connection) = self.connections.get_mut(&number) else { return };
        let State::Connecting { mut opening, permit } = std::mem::replace(&mut connection.state, State::Ended) else {
            return;
        };
        let Some(mut packet) = Packet::read(&mut opening) else { return self.forget(number) };
        match connected {
            Ok(stream) => {
                connection.state = State::Connected { stream, permit };
                packet.redirect(SocketAddrV4::new(RELAYED, number), RELAY);
                self.injector.inject(packet.bytes());
            }
            Err(reason) => {
                match reason {
                    // It gives up by itself, as it would have without us.
                    None => {}
                    Some(io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset) => {
                        self.injector.inject(&packet.reset());
                    }
                    Some(_) => self.injector.inject(&packet.unreachable(Unreachable::Host)),
                }
                self.forget(number);
            }
        }
    }

    /// The relay has accepted a connection.
    fn relay(&mut self, inner: TcpStream, peer: SocketAddrV4) {
        // Closed at once when it is none of ours.
        let Some(connection) = self.connections.get_mut(&peer.port()).filter(|_| *peer.ip() == RELAYED) else { return };
        match std::mem::replace(&mut connection.state, State::Relayed) {
            State::Connected { stream, permit } => {
                let number = peer.port();
                self.work.spawn(async move {
                    relay(inner, stream).await;
                    drop(permit);
                    Event::Ended(number)
                });
            }
            before => connection.state = before,
        }
    }

    fn send_datagram(&mut self, packet: &Packet<'_>) {
        let ends = (packet.source(), packet.destination());
        if !self.peers.contains_key(&ends) && !self.add_peer(packet, ends) {
            return;
        }
        if let Some(peer) = self.peers.get(&ends) {
            // What cannot be sent at once is lost, as datagrams may be.
            let _ = send(peer.socket.as_raw_fd(), packet.text(), MsgFlags::MSG_DONTWAIT);
        }
    }

    fn add_peer(&mut self, packet: &Packet<'_>, ends: Ends) -> bool {
        if !self.may_reach(ends.1) {
            // Nobody is told of what was sent to many.
            if !ends.1.ip().is_multicast() && !ends.1.ip().is_broadcast() {
                self.injector.inject(&packet.unreachable(Unreachable::Prohibited));
            }
            return false;
        }
        self.make_room_for_peer();
        let Ok(permit) = Arc::clone(&self.shared.flows).try_acquire_owned() else { return false };
        let Ok(socket) = datagram_socket(ends.1) else {
            self.injector.inject(&packet.unreachable(Unreachable::Host));
            return false;
        };
        let socket = Arc::new(socket);
        self.made += 1;
        let id = self.made;
        let receiving = Receiver {
            socket: Arc::clone(&socket),
            injector: Arc::clone(&self.injector),
            ends,
            refused: packet.unreachable(Unreachable::Port),
        };
        let receiver = self.work.spawn(async move {
            receiving.run().await;
            drop(permit);
            Event::Silent(ends, id)
        });
        self.peers.insert(ends, Peer { id, socket, receiver });
        self.oldest_peers.push_back((ends, id));
        true
    }

    /// Lets the oldest go when there are too many.
    fn make_room_for_peer(&mut self) {
        while self.oldest_peers.len() >= DATAGRAM_PEERS_MAX {
            let Some((ends, id)) = self.oldest_peers.pop_front() else { return };
            if self.peers.get(&ends).is_some_and(|peer| peer.id == id)
                && let Some(peer) = self.peers.remove(&ends)
            {
                peer.receiver.abort();
            }
        }
    }
}

/// Copies both ways until both are done. What breaks off on one side breaks off on the other.
async fn relay(mut inner: TcpStream, mut outer: TcpStream) {
    let _ = (inner.set_nodelay(true), outer.set_nodelay(true));
    let copied = tokio::io::copy_bidirectional_with_sizes(&mut inner, &mut outer, COPY_BYTES, COPY_BYTES).await;
    if copied.is_err() {
        let at_once = nix::libc::linger { l_onoff: 1, l_linger: 0 };
        for stream in [&inner, &outer] {
            // It then ends in good order, which is not quite what has happened.
            let _ = setsockopt(stream, sockopt::Linger, &at_once);
        }
    }
}

/// A socket that sends to a host and receives from it alone.
fn datagram_socket(host: SocketAddrV4) -> io::Result<UdpSocket> {
    let socket = std::net::UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    socket.connect(host)?;
    socket.set_nonblocking(true)?;
    UdpSocket::from_std(socket)
}

/// Hands the datagrams of a host on.
struct Receiver {
    socket: Arc<UdpSocket>,
    injector: Arc<Injector>,
    ends: Ends,
    /// What the function is told when nobody receives at the port.
    refused: Vec<u8>,
}

impl Receiver {
    async fn run(self) {
        while let Ok(Ok(())) = timeout(DATAGRAM_TIMEOUT, arrival(&self.socket)).await {
            let mut buffer = vec![0; PACKET_BYTES_MAX];
            loop {
                match try_receive(&self.socket, &mut buffer) {
                    Ok(length) => {
                        let (function, host) = self.ends;
                        if let Some(packet) = packet::datagram(host, function, &buffer[..length]) {
                            self.injector.inject(&packet);
                        }
                    }
                    Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                        self.injector.inject(&self.refused);
                    }
                    Err(_) => break,
                }
            }
        }
    }
}

/// Where packets for hosts outside come from.
struct Tap(Option<AsyncFd<OwnedFd>>);

impl Tap {
    fn new(socket: OwnedFd) -> io::Result<Tap> {
        // SAFETY: the descriptor is owned by the value handed over, which never gives it up before it is dropped.
        Ok(Tap(Some(unsafe { AsyncFd::register_with_interest(socket, Interest::READABLE)? })))
    }

    async fn readable(&self) -> io::Result<()> {
        match &self.0 {
            Some(socket) => socket.readable().await.map(|mut ready| ready.retain_ready()),
            None => std::future::pending().await,
        }
    }

    /// The next packet, if there is one.
    fn take(&self, buffer: &mut [u8]) -> Option<usize> {
        let socket = self.0.as_ref()?;
        let taken = socket.try_io(Interest::READABLE, |socket| {
            recv(socket.as_raw_fd(), buffer, MsgFlags::MSG_DONTWAIT).map_err(io::Error::from)
        });
        taken.ok()
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        // Closing waits until no processor looks at the socket any more, some 10 ms.
        let socket = self.0.take().map(AsyncFd::into_inner);
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(move || drop(socket))),
            Err(_) => drop(socket),
        }
    }
}

/// Where packets go into the environment.
struct Injector(OwnedFd);

impl Injector {
    fn inject(&self, packet: &[u8]) {
        let to = SockaddrIn::from(SocketAddrV4::new(INSIDE, 0));
        loop {
            match sendto(self.0.as_raw_fd(), packet, &to, MsgFlags::MSG_DONTWAIT) {
                Err(Errno::EINTR) => {}
                // A packet that is lost is sent again by those it is lost to.
                _ => return,
            }
        }
    }
}
