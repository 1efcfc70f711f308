//! Ranges of IP addresses.

use std::net::IpAddr;

/// A range of addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cidr {
    version_4: bool,
    mask: u128,
    network: u128,
}

impl Cidr {
    /// Reads `10.0.0.0/24` and `2001:db8::/32`.
    ///
    /// # Errors
    /// The reason, in AWS's words.
    pub fn parse(text: &str) -> Result<Cidr, String> {
        let mut parts = text.split('/');
        let (Some(address), Some(bits), None) = (parts.next(), parts.next(), parts.next()) else {
            return Err("Malformed CIDR, one '/' required".to_owned());
        };
        let bits: i64 = bits.parse().map_err(|_| "Malformed CIDR, mask bits must be an integer".to_owned())?;
        let address: IpAddr = address.parse().map_err(|_| format!("Malformed CIDR, bad IP address: {address}"))?;
        let width: u32 = if address.is_ipv4() { 32 } else { 128 };
        let bits = u32::try_from(bits).map_err(|_| "Malformed CIDR, mask bits must not be negative".to_owned())?;
        if bits > width {
            let kind = if address.is_ipv4() { "IPv4 mask bits must be < 32" } else { "IPv6 mask bits must be < 128" };
            return Err(format!("Malformed CIDR, {kind}"));
        }
        let all = u128::MAX >> (128 - width);
        let mask = all & !all.checked_shr(bits).unwrap_or(0);
        Ok(Cidr { version_4: address.is_ipv4(), mask, network: number(address) & mask })
    }

    /// Whether a text is an address of the range.
    pub fn contains(&self, text: &str) -> bool {
        let address = text.parse().ok().filter(|address: &IpAddr| address.is_ipv4() == self.version_4);
        address.is_some_and(|address| number(address) & self.mask == self.network)
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address),
    }
}
