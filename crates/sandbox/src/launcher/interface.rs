//! Loopback, the only network interface of an environment: bringing it up, and making it the way to hosts outside.

use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// Name of the interface.
const LOOPBACK: &std::ffi::CStr = c"lo";
/// Name under which it has a second address.
const SECOND: &[u8] = b"lo:0";
/// Bytes of a connection outside that may be on their way inside the environment: as much as the tap's buffer holds.
const WINDOW_BYTES: libc::c_ulong = 128 * 1024;
/// Bytes of packets that wait to be taken, where the kernel lets us choose.
const TAP_BYTES: libc::c_int = 4 * 1024 * 1024;
/// `RTF_WINDOW`: the route limits the window of connections.
const RTF_WINDOW: libc::c_ushort = 0x80;
/// `PACKET_IGNORE_OUTGOING`: each packet is seen once, when it arrives.
const PACKET_IGNORE_OUTGOING: libc::c_int = 23;

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// An address as these calls of the kernel take it.
fn socket_address(address: Ipv4Addr) -> libc::sockaddr {
    let mut bytes = [0_u8; size_of::<libc::sockaddr>()];
    bytes[..2].copy_from_slice(&(libc::AF_INET as libc::sa_family_t).to_ne_bytes());
    bytes[4..8].copy_from_slice(&address.octets());
    // SAFETY: any bytes make a sockaddr; these are those of a sockaddr_in.
    unsafe { std::mem::transmute(bytes) }
}

fn request(name: &[u8]) -> libc::ifreq {
    // SAFETY: ifreq is plain data for which all zeroes is valid.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(name) {
        *to = *from as libc::c_char;
    }
    request
}

/// Brings the interface of this network namespace up.
pub(crate) fn up() -> io::Result<()> {
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    let mut request = request(LOOPBACK.to_bytes());
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    // SAFETY: SIOCSIFFLAGS reads an ifreq, which lives through the call.
    check(unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS as _, &request) })?;
    Ok(())
}

/// Gives the interface a second address, which packets to hosts outside come from. With it all addresses of its class are
/// the environment's own: for a link-local one all of them, so that those which lead to the credentials of a cloud machine
/// elsewhere are refused at once.
pub(crate) fn add_address(address: Ipv4Addr) -> io::Result<()> {
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    let mut request = request(SECOND);
    request.ifr_ifru.ifru_addr = socket_address(address);
    // SAFETY: SIOCSIFADDR reads an ifreq that holds an address, which lives through the call.
    check(unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFADDR as _, &request) })?;
    Ok(())
}

/// Sends packets for all addresses that are not known otherwise to the interface, where nobody but the tap sees them.
pub(crate) fn add_default_route() -> io::Result<()> {
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    // SAFETY: rtentry is plain data for which all zeroes is valid.
    let mut route: libc::rtentry = unsafe { std::mem::zeroed() };
    let any = socket_address(Ipv4Addr::UNSPECIFIED);
    (route.rt_dst, route.rt_gateway, route.rt_genmask) = (any, any, any);
    route.rt_flags = libc::RTF_UP | RTF_WINDOW;
    route.rt_window = WINDOW_BYTES;
    route.rt_dev = LOOPBACK.as_ptr().cast_mut();
    // SAFETY: SIOCADDRT reads an rtentry and the name it points to, both of which live through the call.
    check(unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCADDRT as _, &route) })?;
    Ok(())
}

/// A socket that receives the packets of IPv4 whose destination is neither link-local nor an address of loopback: those
/// are the environment's own, and the system itself refuses what nobody listens for.
pub(crate) fn tap() -> io::Result<OwnedFd> {
    // SAFETY: takes numbers; the returned descriptor is new and ours.
    let tap = unsafe {
        let kind = libc::SOCK_DGRAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
        OwnedFd::from_raw_fd(check(libc::socket(libc::AF_PACKET, kind, 0))?)
    };
    set(&tap, libc::SOL_PACKET, PACKET_IGNORE_OUTGOING, &1_i32)?;
    // As an ordinary user what the system allows has to do.
    let _ = set(&tap, libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, &TAP_BYTES)
        .or_else(|_| set(&tap, libc::SOL_SOCKET, libc::SO_RCVBUF, &TAP_BYTES));
    attach_filter(&tap)?;
    // SAFETY: if_nametoindex reads a C string.
    let index = unsafe { libc::if_nametoindex(LOOPBACK.as_ptr()) };
    // SAFETY: sockaddr_ll is plain data for which all zeroes is valid.
    let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
    address.sll_family = libc::AF_PACKET as libc::c_ushort;
    address.sll_protocol = (libc::ETH_P_IP as u16).to_be();
    address.sll_ifindex = index as libc::c_int;
    let length = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
    // SAFETY: bind reads an address of the length given, which lives through the call.
    check(unsafe { libc::bind(tap.as_raw_fd(), (&raw const address).cast(), length) })?;
    Ok(tap)
}

/// Lets a socket see only what goes to hosts outside.
fn attach_filter(tap: &OwnedFd) -> io::Result<()> {
    /// Where a packet has its destination.
    const DESTINATION: u32 = 16;
    const WHOLE: u32 = u32::MAX;
    let instruction = |code: u32, jt: u8, jf: u8, k: u32| libc::sock_filter { code: code as u16, jt, jf, k };
    let load = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
    let equals = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
    let mask = libc::BPF_ALU | libc::BPF_AND | libc::BPF_K;
    let mut program = [
        instruction(load, 0, 0, DESTINATION),
        instruction(mask, 0, 0, 0xffff_0000),
        instruction(equals, 3, 0, Ipv4Addr::new(169, 254, 0, 0).to_bits()),
        instruction(mask, 0, 0, 0xff00_0000),
        instruction(equals, 1, 0, Ipv4Addr::new(127, 0, 0, 0).to_bits()),
        instruction(libc::BPF_RET | libc::BPF_K, 0, 0, WHOLE),
        instruction(libc::BPF_RET | libc::BPF_K, 0, 0, 0),
    ];
    let filter = libc::sock_fprog { len: program.len() as libc::c_ushort, filter: program.as_mut_ptr() };
    set(tap, libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, &filter)
}

fn set<T>(socket: &OwnedFd, level: libc::c_int, option: libc::c_int, value: &T) -> io::Result<()> {
    let length = size_of::<T>() as libc::socklen_t;
    // SAFETY: reads a value of the length given, and what a filter points to; both live through the call.
    check(unsafe { libc::setsockopt(socket.as_raw_fd(), level, option, (&raw const *value).cast(), length) })?;
    Ok(())
}

/// A socket that sends packets with their own headers.
pub(crate) fn injector() -> io::Result<OwnedFd> {
    let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    // SAFETY: takes numbers; the returned descriptor is new and ours.
    unsafe { Ok(OwnedFd::from_raw_fd(check(libc::socket(libc::AF_INET, kind, libc::IPPROTO_RAW))?)) }
}
