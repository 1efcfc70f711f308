//! Networks in CIDR form.

use std::net::IpAddr;

/// A network, or a single address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Network {
    V4 { base: u32, mask: u32 },
    V6 { base: u128, mask: u128 },
}

impl Network {
    /// Reads `203.0.113.0/24`, `2001:db8::/32` or a single address; `None` if the text is neither. Bits of a host are
    /// ignored in an IPv4 network and must not be there in an IPv6 one.
    pub(crate) fn parse(text: &str) -> Option<Network> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let digits = length.is_none_or(|length| !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit()));
        let length = length.filter(|_| digits).map(str::parse::<u32>).transpose().ok()?;
        match address.parse().ok().filter(|_| digits)? {
            IpAddr::V4(address) => {
                let mask = mask(length.unwrap_or(32), 32)? as u32;
                Some(Network::V4 { base: address.to_bits() & mask, mask })
            }
            IpAddr::V6(address) => {
                let (base, mask) = (address.to_bits(), mask(length.unwrap_or(128), 128)?);
                (base & !mask == 0).then_some(Network::V6 { base, mask })
            }
        }
    }

    /// Whether an address belongs to it. An IPv4 address that was mapped into IPv6 is the IPv4 address.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        match (self, address.to_canonical()) {
            (Network::V4 { base, mask }, IpAddr::V4(address)) => address.to_bits() & mask == *base,
            (Network::V6 { base, mask }, IpAddr::V6(address)) => address.to_bits() & mask == *base,
            _ => false,
        }
    }
}

/// A mask of `length` ones, in the lowest `width` bits; `None` if there are more ones than bits.
fn mask(length: u32, width: u32) -> Option<u128> {
    let zeros = width.checked_sub(length)?;
    let all = u128::MAX >> (128 - width);
    Some(all & all.checked_shl(zeros).unwrap_or(0))
}
