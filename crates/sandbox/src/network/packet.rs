//! Packets of IPv4 as they leave an environment, and those that are made for it.

use std::net::{Ipv4Addr, SocketAddrV4};

/// Bytes of a header of IPv4 without options.
const IP_HEADER_BYTES: usize = 20;
/// Bytes of a header of UDP.
const UDP_HEADER_BYTES: usize = 8;
/// Bytes of a header of TCP without options.
const TCP_HEADER_BYTES: usize = 20;
/// How many routers a packet may pass; these pass none.
const TIME_TO_LIVE: u8 = 64;
const ICMP: u8 = 1;
const TCP: u8 = 6;
const UDP: u8 = 17;
const TCP_SYN: u8 = 0x02;
const TCP_RST: u8 = 0x04;
const TCP_ACK: u8 = 0x10;

/// What a packet carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carried {
    /// A segment of TCP, and whether it opens a connection or resets one.
    Segment { opens: bool, resets: bool },
    /// A whole datagram of UDP.
    Datagram,
}

/// A packet whose header was checked.
#[derive(Debug)]
pub(crate) struct Packet<'a> {
    bytes: &'a mut [u8],
    /// Where the header of IP ends.
    body: usize,
    pub(crate) carried: Carried,
}

/// Why a packet does not reach its destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unreachable {
    /// The host cannot be reached.
    Host = 1,
    /// Nobody receives at the port.
    Port = 3,
    /// It is not allowed to be reached.
    Prohibited = 13,
}

impl Packet<'_> {
    /// Reads a packet; `None` for what is neither TCP nor UDP, is a fragment, or is malformed.
    pub(crate) fn read(bytes: &mut [u8]) -> Option<Packet<'_>> {
        if bytes.len() < IP_HEADER_BYTES || bytes[0] >> 4 != 4 {
            return None;
        }
        let body = usize::from(bytes[0] & 15) * 4;
        let length = usize::from(u16::from_be_bytes([bytes[2], bytes[3]]));
        let is_fragment = u16::from_be_bytes([bytes[6], bytes[7]]) & 0x3fff != 0;
        if body < IP_HEADER_BYTES || length > bytes.len() || is_fragment {
            return None;
        }
        let bytes = &mut bytes[..length];
        let rest = bytes.get(body..)?;
        let carried = match bytes[9] {
            TCP if rest.len() >= TCP_HEADER_BYTES => {
                let flags = rest[13];
                Carried::Segment { opens: flags & (TCP_SYN | TCP_ACK) == TCP_SYN, resets: flags & TCP_RST != 0 }
            }
            UDP if rest.len() >= UDP_HEADER_BYTES => Carried::Datagram,
            _ => return None,
        };
        Some(Packet { bytes, body, carried })
    }

    /// Address and port it comes from.
    pub(crate) fn source(&self) -> SocketAddrV4 {
        SocketAddrV4::new(self.address(12), self.port(0))
    }

    /// Address and port it goes to.
    pub(crate) fn destination(&self) -> SocketAddrV4 {
        SocketAddrV4::new(self.address(16), self.port(2))
    }

    fn address(&self, at: usize) -> Ipv4Addr {
        Ipv4Addr::new(self.bytes[at], self.bytes[at + 1], self.bytes[at + 2], self.bytes[at + 3])
    }

    fn port(&self, at: usize) -> u16 {
        u16::from_be_bytes([self.bytes[self.body + at], self.bytes[self.body + at + 1]])
    }

    /// The text of a datagram.
    pub(crate) fn text(&self) -> &[u8] {
        let length = usize::from(self.port(4)).max(UDP_HEADER_BYTES);
        let end = (self.body + length).min(self.bytes.len());
        &self.bytes[self.body + UDP_HEADER_BYTES..end]
    }

    /// The whole packet.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes
    }

    /// Gives a segment another way. Its checksum is made anew: a packet that never left the machine may have none.
    pub(crate) fn redirect(&mut self, source: SocketAddrV4, destination: SocketAddrV4) {
        self.bytes[12..16].copy_from_slice(&source.ip().octets());
        self.bytes[16..20].copy_from_slice(&destination.ip().octets());
        let body = &mut self.bytes[self.body..];
        body[..2].copy_from_slice(&source.port().to_be_bytes());
        body[2..4].copy_from_slice(&destination.port().to_be_bytes());
        seal_segment(body, *source.ip(), *destination.ip());
    }

    /// The answer of a host that nobody listens on, or that knows nothing of a connection.
    pub(crate) fn reset(&self) -> Vec<u8> {
        let segment = &self.bytes[self.body..];
        let number = |at: usize| u32::from_be_bytes([segment[at], segment[at + 1], segment[at + 2], segment[at + 3]]);
        let (has_ack, opens) = (segment[13] & TCP_ACK != 0, segment[13] & TCP_SYN != 0);
        let header = usize::from(segment[12] >> 4) * 4;
        let length = segment.len().saturating_sub(header) as u32 + u32::from(opens);
        let (sequence, acknowledged, flags) =
            if has_ack { (number(8), 0, TCP_RST) } else { (0, number(4).wrapping_add(length), TCP_RST | TCP_ACK) };
        let (from, to) = (self.destination(), self.source());
        let mut answer = ip_header(TCP, *from.ip(), *to.ip(), TCP_HEADER_BYTES);
        answer.extend(from.port().to_be_bytes());
        answer.extend(to.port().to_be_bytes());
        answer.extend(sequence.to_be_bytes());
        answer.extend(acknowledged.to_be_bytes());
        answer.extend([(TCP_HEADER_BYTES as u8 / 4) << 4, flags, 0, 0, 0, 0, 0, 0]);
        seal_segment(&mut answer[IP_HEADER_BYTES..], *from.ip(), *to.ip());
        answer
    }

    /// The answer of a router on the way (RFC 792).
    pub(crate) fn unreachable(&self, why: Unreachable) -> Vec<u8> {
        /// Bytes of the packet's body that are told behind its header.
        const TOLD_BYTES: usize = 8;
        const DESTINATION_UNREACHABLE: u8 = 3;
        let told = &self.bytes[..(self.body + TOLD_BYTES).min(self.bytes.len())];
        let mut answer = ip_header(ICMP, *self.destination().ip(), *self.source().ip(), 8 + told.len());
        answer.extend([DESTINATION_UNREACHABLE, why as u8, 0, 0, 0, 0, 0, 0]);
        answer.extend(told);
        let sum = folded(sum(&answer[IP_HEADER_BYTES..]));
        answer[IP_HEADER_BYTES + 2..IP_HEADER_BYTES + 4].copy_from_slice(&sum.to_be_bytes());
        answer
    }
}

/// A datagram; `None` if it is too long for one packet.
pub(crate) fn datagram(from: SocketAddrV4, to: SocketAddrV4, text: &[u8]) -> Option<Vec<u8>> {
    let length = u16::try_from(UDP_HEADER_BYTES + text.len()).ok()?;
    u16::try_from(IP_HEADER_BYTES + usize::from(length)).ok()?;
    let mut packet = ip_header(UDP, *from.ip(), *to.ip(), usize::from(length));
    packet.extend(from.port().to_be_bytes());
    packet.extend(to.port().to_be_bytes());
    packet.extend(length.to_be_bytes());
    // No checksum, as IPv4 allows: the packet does not leave the machine.
    packet.extend([0, 0]);
    packet.extend(text);
    Some(packet)
}

/// A header of IP for this many bytes. The kernel fills in its checksum.
fn ip_header(carried: u8, from: Ipv4Addr, to: Ipv4Addr, bytes: usize) -> Vec<u8> {
    let length = (IP_HEADER_BYTES + bytes) as u16;
    let mut header = Vec::with_capacity(IP_HEADER_BYTES + bytes);
    header.extend([0x45, 0]);
    header.extend(length.to_be_bytes());
    header.extend([0, 0, 0x40, 0, TIME_TO_LIVE, carried, 0, 0]);
    header.extend(from.octets());
    header.extend(to.octets());
    header
}

/// Writes the checksum of a segment.
fn seal_segment(segment: &mut [u8], from: Ipv4Addr, to: Ipv4Addr) {
    segment[16..18].fill(0);
    let ends = sum(&from.octets()) + sum(&to.octets());
    let checksum = folded(ends + u64::from(TCP) + segment.len() as u64 + sum(segment));
    segment[16..18].copy_from_slice(&checksum.to_be_bytes());
}

/// The sum of 16-bit words (RFC 1071), not folded. Words of 32 bits give the same sum once it is folded.
fn sum(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<4>();
    let mut sum: u64 = words.iter().map(|word| u64::from(u32::from_be_bytes(*word))).sum();
    let mut last = [0; 4];
    last[..rest.len()].copy_from_slice(rest);
    sum += u64::from(u32::from_be_bytes(last));
    sum
}

fn folded(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HERE: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(169, 254, 76, 1), 40_000);
    const THERE: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 1), 443);

    fn opening() -> Vec<u8> {
        let mut packet = ip_header(TCP, *HERE.ip(), *THERE.ip(), TCP_HEADER_BYTES);
        packet.extend(HERE.port().to_be_bytes());
        packet.extend(THERE.port().to_be_bytes());
        packet.extend(7_u32.to_be_bytes());
        packet.extend([0, 0, 0, 0, 0x50, TCP_SYN, 0xff, 0xff, 0, 0, 0, 0]);
        packet
    }

    /// The sum over a right segment and its addresses is zero once folded and inverted.
    fn is_sealed(packet: &[u8]) -> bool {
        let segment = &packet[IP_HEADER_BYTES..];
        folded(sum(&packet[12..20]) + u64::from(TCP) + segment.len() as u64 + sum(segment)) == 0
    }

    #[test]
    fn a_segment_is_sent_another_way() {
        let mut bytes = opening();
        let mut packet = Packet::read(&mut bytes).unwrap();
        assert_eq!(packet.carried, Carried::Segment { opens: true, resets: false });
        assert_eq!((packet.source(), packet.destination()), (HERE, THERE));
        let (from, to) = (SocketAddrV4::new(Ipv4Addr::new(192, 0, 0, 8), 9), HERE);
        packet.redirect(from, to);
        assert_eq!((packet.source(), packet.destination()), (from, to));
        assert!(is_sealed(packet.bytes()));
    }

    #[test]
    fn a_reset_acknowledges_what_it_answers() {
        let mut bytes = opening();
        let mut reset = Packet::read(&mut bytes).unwrap().reset();
        assert!(is_sealed(&reset));
        assert_eq!(reset[IP_HEADER_BYTES + 8..IP_HEADER_BYTES + 14], [0, 0, 0, 8, 0x50, TCP_RST | TCP_ACK]);
        let reset = Packet::read(&mut reset).unwrap();
        assert_eq!((reset.source(), reset.destination()), (THERE, HERE));
        assert_eq!(reset.carried, Carried::Segment { opens: false, resets: true });
    }

    #[test]
    fn a_datagram_is_read_as_it_was_made() {
        let mut bytes = datagram(HERE, THERE, b"text").unwrap();
        let packet = Packet::read(&mut bytes).unwrap();
        assert_eq!((packet.carried, packet.text()), (Carried::Datagram, &b"text"[..]));
        let answer = packet.unreachable(Unreachable::Prohibited);
        assert_eq!((answer[9], answer[20], answer[21]), (ICMP, 3, 13));
        assert_eq!(folded(sum(&answer[IP_HEADER_BYTES..])), 0);
        assert_eq!(answer[28..], packet.bytes()[..28]);
        assert!(datagram(HERE, THERE, &[0; 65_508]).is_none());
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_read(mut bytes in proptest::collection::vec(any::<u8>(), 0..200), carried in 0_u8..20) {
            if bytes.len() >= IP_HEADER_BYTES {
                (bytes[0], bytes[9]) = (0x40 | (bytes[0] & 15), carried);
                let length = (bytes.len() as u16).saturating_sub(u16::from(bytes[3]) % 8);
                bytes[2..4].copy_from_slice(&length.to_be_bytes());
                bytes[6..8].fill(0);
            }
            if let Some(mut packet) = Packet::read(&mut bytes) {
                packet.unreachable(Unreachable::Host);
                match packet.carried {
                    Carried::Datagram => prop_assert!(packet.text().len() <= packet.bytes().len()),
                    Carried::Segment { .. } => {
                        packet.reset();
                        packet.redirect(HERE, THERE);
                        prop_assert_eq!(packet.destination(), THERE);
                    }
                }
            }
        }
    }
}
