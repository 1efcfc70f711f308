//! What the machine knows: its own addresses and its resolvers.

use std::fs::File;
use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// Where a machine names its resolvers.
const RESOLVERS_FILE: &str = "/etc/resolv.conf";
/// Bytes of that file that are read.
const RESOLVERS_BYTES_MAX: u64 = 64 * 1024;
/// Resolvers that are asked, as the C library does.
const RESOLVERS_MAX: usize = 3;
/// Port of resolvers.
const NAMES_PORT: u16 = 53;

/// Whether an address is one of this machine's own: of loopback, of one of its interfaces, or none in particular.
pub fn is_of_this_machine(address: IpAddr) -> bool {
    let address = address.to_canonical();
    if address.is_loopback() || address.is_unspecified() {
        return true;
    }
    let any: IpAddr = if address.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    // Connecting a datagram socket sends nothing. What a machine sends to itself comes from the address it goes to.
    let own = UdpSocket::bind((any, 0)).and_then(|socket| {
        socket.connect((address, NAMES_PORT))?;
        socket.local_addr()
    });
    own.is_ok_and(|own| own.ip() == address)
}

/// The resolvers of this machine, in their order, read anew each time: machines change networks.
pub(super) fn nameservers() -> Vec<SocketAddr> {
    let mut text = String::new();
    let read = File::open(RESOLVERS_FILE).and_then(|file| file.take(RESOLVERS_BYTES_MAX).read_to_string(&mut text));
    // A machine without the file asks itself, as the C library has it.
    if read.is_err() { vec![SocketAddr::from((Ipv4Addr::LOCALHOST, NAMES_PORT))] } else { listed(&text) }
}

fn listed(text: &str) -> Vec<SocketAddr> {
    let lines = text.lines().filter_map(|line| line.trim_start().strip_prefix("nameserver"));
    let addresses = lines.filter_map(|rest| rest.split_whitespace().next()?.parse::<IpAddr>().ok());
    let mut found: Vec<SocketAddr> =
        addresses.map(|address| SocketAddr::from((address, NAMES_PORT))).take(RESOLVERS_MAX).collect();
    if found.is_empty() {
        found.push(SocketAddr::from((Ipv4Addr::LOCALHOST, NAMES_PORT)));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_of_this_machine_and_others_are_not() {
        for own in ["127.0.0.1", "127.9.9.9", "::1", "0.0.0.0", "::ffff:127.0.0.1"] {
            assert!(is_of_this_machine(own.parse().unwrap()), "{own}");
        }
        for other in ["192.0.2.1", "2001:db8::1"] {
            assert!(!is_of_this_machine(other.parse().unwrap()), "{other}");
        }
    }

    #[test]
    fn resolvers_are_those_that_are_listed() {
        let text = "# none\nnameserver 192.0.2.53\nsearch a b\n nameserver ::1 \nnameserver x\n";
        let expected: Vec<SocketAddr> = vec!["192.0.2.53:53".parse().unwrap(), "[::1]:53".parse().unwrap()];
        assert_eq!(listed(text), expected);
        assert_eq!(listed(""), ["127.0.0.1:53".parse().unwrap()]);
    }
}
