//! Which addresses may be reached.
//!
//! The rule is about addresses, not names, and is asked with the very address that is connected to: a name that
//! resolves to something else the next time changes nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A network: an address and how many of its first bits count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

/// Why a text is no [`Network`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a network looks like 10.0.0.0/8, fd00::/8 or 192.0.2.1")]
pub struct NotANetwork;

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Network, NotANetwork> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| NotANetwork)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), |bits| bits.parse().map_err(|_| NotANetwork))?;
        if bits > most { Err(NotANetwork) } else { Ok(Network { address, bits }) }
    }
}

impl Network {
    /// Whether it is one address alone.
    fn is_one(&self) -> bool {
        self.bits == if self.address.is_ipv4() { 32 } else { 128 }
    }

    fn holds(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let apart = own.to_bits() ^ other.to_bits();
                apart.checked_shr(32 - u32::from(self.bits)).unwrap_or_default() == 0
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let apart = own.to_bits() ^ other.to_bits();
                apart.checked_shr(128 - u32::from(self.bits)).unwrap_or_default() == 0
            }
            _ => false,
        }
    }
}

/// How far requests may go where no network is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Also this machine and private networks: whoever can make the platform ask could ask there himself.
    Local,
    /// Public addresses alone.
    Public,
    /// Private networks, too, but not this machine: for code that is not trusted with it.
    Elsewhere,
}

/// Which addresses may be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Egress {
    reach: Reach,
    allowed: Vec<Network>,
    forbidden: Vec<Network>,
}

impl Egress {
    /// `forbidden` goes before everything, `allowed` before the reach.
    pub fn new(reach: Reach, allowed: Vec<Network>, forbidden: Vec<Network>) -> Egress {
        Egress { reach, allowed, forbidden }
    }

    /// Whether an address is allowed by itself, and not as one of a network.
    pub fn names(&self, address: IpAddr) -> bool {
        let address = plain(address);
        let within = |network: &Network| network.holds(address);
        self.allowed.iter().any(|network| network.is_one() && within(network)) && !self.forbidden.iter().any(within)
    }

    /// Whether an address may be reached.
    pub fn allows(&self, address: IpAddr) -> bool {
        let address = plain(address);
        let within = |networks: &[Network]| networks.iter().any(|network| network.holds(address));
        if within(&self.forbidden) {
            return false;
        }
        if within(&self.allowed) {
            return true;
        }
        match self.reach {
            Reach::Local => !is_special(address),
            Reach::Public => !is_special(address) && !is_private(address),
            Reach::Elsewhere => !is_special(address) && !is_reserved(address),
        }
    }
}

/// An address of IPv4 that is written as one of IPv6 (mapped, or translated by RFC 6052) as what it is.
fn plain(address: IpAddr) -> IpAddr {
    let IpAddr::V6(address) = address else { return address };
    match address.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            IpAddr::V4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
        }
        _ => address.to_canonical(),
    }
}

/// Link-local addresses, where clouds keep the credentials of their machines, and those of more than one host.
fn is_special(address: IpAddr) -> bool {
    /// The metadata service of EC2 over IPv6.
    const METADATA: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
    match address {
        IpAddr::V4(address) => address.is_link_local() || address.is_multicast() || address.is_broadcast(),
        IpAddr::V6(address) => address.is_unicast_link_local() || address.is_multicast() || address == METADATA,
    }
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let [first, second, ..] = address.octets();
            // Shared address space (RFC 6598) and benchmarks (RFC 2544).
            let is_shared = (first == 100 && second & 0xc0 == 64) || (first == 198 && second & 0xfe == 18);
            address.is_private() || is_shared || is_reserved(IpAddr::V4(address))
        }
        IpAddr::V6(address) => {
            // 6to4 (RFC 3056) and Teredo carry addresses of IPv4 in ways that nobody needs any more.
            let is_tunnel = matches!(address.segments(), [0x2002, ..] | [0x2001, 0, ..]);
            address.is_unique_local() || is_tunnel || is_reserved(IpAddr::V6(address))
        }
    }
}

/// Loopback, "this network", and what is reserved.
fn is_reserved(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_loopback() || matches!(address.octets()[0], 0 | 240..),
        IpAddr::V6(address) => address.is_loopback() || address.is_unspecified(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(egress: &Egress, address: &str) -> bool {
        egress.allows(address.parse().expect("an address"))
    }

    #[test]
    fn machines_credentials_are_never_within_reach() {
        for reach in [Reach::Local, Reach::Public] {
            let egress = Egress::new(reach, Vec::new(), Vec::new());
            for address in [
                "169.254.169.254",
                "169.254.170.2",
                "fe80::1",
                "fd00:ec2::254",
                "224.0.0.1",
                "ff02::1",
                "255.255.255.255",
                "::ffff:169.254.169.254",
                "64:ff9b::a9fe:a9fe",
            ] {
                assert!(!allows(&egress, address), "{address}");
            }
            assert!(allows(&egress, "93.184.216.34") && allows(&egress, "2606:2800:220:1::1"));
        }
    }

    #[test]
    fn private_networks_are_for_local_platforms() {
        let (local, public) =
            (Egress::new(Reach::Local, Vec::new(), Vec::new()), Egress::new(Reach::Public, Vec::new(), Vec::new()));
        for address in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "198.18.0.1",
            "0.0.0.0",
            "::1",
            "::",
            "fc00::1",
            "::ffff:10.0.0.1",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
        ] {
            assert!(allows(&local, address), "{address}");
            assert!(!allows(&public, address), "{address}");
        }
        assert!(!allows(&public, "240.0.0.1") && !allows(&public, "2002:7f00:1::") && allows(&public, "100.128.0.1"));
    }

    #[test]
    fn elsewhere_is_not_here() {
        let networks = vec!["192.0.2.7".parse().expect("one"), "192.0.2.0/24".parse().expect("a network")];
        let elsewhere = Egress::new(Reach::Elsewhere, networks, vec!["203.0.113.0/24".parse().expect("a network")]);
        for address in ["10.1.2.3", "192.168.1.1", "93.184.216.34", "192.0.2.8", "fd00::1"] {
            assert!(allows(&elsewhere, address), "{address}");
        }
        for address in
            ["127.0.0.1", "0.0.0.0", "::1", "169.254.169.254", "240.0.0.1", "::ffff:127.0.0.1", "203.0.113.9"]
        {
            assert!(!allows(&elsewhere, address), "{address}");
        }
        let named = |address: &str| elsewhere.names(address.parse().expect("an address"));
        assert!(named("192.0.2.7") && !named("192.0.2.8") && !named("10.1.2.3"));
    }

    #[test]
    fn what_the_operator_forbids_goes_first() {
        let networks = |texts: &[&str]| texts.iter().map(|text| text.parse().expect("a network")).collect::<Vec<_>>();
        let egress = Egress::new(
            Reach::Public,
            networks(&["10.0.0.0/8", "169.254.169.254"]),
            networks(&["10.1.0.0/16", "93.184.216.0/24", "2606::/16"]),
        );
        for (address, expected) in [
            ("10.2.0.1", true),
            ("10.1.0.1", false),
            ("169.254.169.254", true),
            ("169.254.169.253", false),
            ("93.184.216.34", false),
            ("93.184.217.34", true),
            ("2606::1", false),
        ] {
            assert_eq!(allows(&egress, address), expected, "{address}");
        }
        let nothing = Egress::new(Reach::Local, Vec::new(), networks(&["0.0.0.0/0", "::/0"]));
        assert!(!allows(&nothing, "127.0.0.1") && !allows(&nothing, "::1") && !allows(&nothing, "1.1.1.1"));
    }

    #[test]
    fn other_texts_are_no_networks() {
        for text in ["", "10.0.0.0/33", "10.0.0/8", "::/129", "example.com", "10.0.0.0/", "10.0.0.0/-1", "/8"] {
            assert_eq!(text.parse::<Network>(), Err(NotANetwork), "{text}");
        }
    }
}
