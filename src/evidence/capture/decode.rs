//! Turns a captured frame into a [`Packet`]: headers only, the payload is hashed and let go.
//!
//! Frames come from hosts that may be hostile or broken, so nothing here trusts a length: whatever cannot be read
//! becomes `Body::Other`, or no packet at all when not even the link header is there.

mod behind;
mod extent;
mod headers;
mod network;
mod tunnel;

use std::collections::BTreeMap;

use etherparse::{EtherType, LaxSlicedPacket};

use crate::model::packet::{Body, InterfaceName, Mac, Packet, Passage};
use behind::Behind;
pub use extent::headers_end;
pub use headers::headers;
use network::Carried;

/// `LINKTYPE_LINUX_SLL2`, what `-i any` gives since libpcap 1.10.
pub const SLL2: u32 = 276;
/// `LINKTYPE_LINUX_SLL`, what `-i any` gave before; it has no interface index.
pub const SLL: u32 = 113;
/// `LINKTYPE_ETHERNET`, what one interface gives.
pub const EN10MB: u32 = 1;
/// `LINKTYPE_RAW`: IP without a link header. 12 is what some systems write for it; 228 and 229 are IPv4 and IPv6 alone.
pub const RAW: [u32; 4] = [101, 12, 228, 229];

const TCP: u8 = 6;
const UDP: u8 = 17;

/// Whether frames of this link type can be read at all.
#[must_use]
pub fn known(link_type: u32) -> bool {
    matches!(link_type, SLL2 | SLL | EN10MB) || RAW.contains(&link_type)
}

/// The interfaces of a capture's place.
#[derive(Clone, Debug, Default)]
pub struct Links {
    /// Names by index; the name of the one interface of a capture that is not on `any` stands at index 0.
    pub names: BTreeMap<u32, InterfaceName>,
    /// The MACs of that one interface, and of the bridge that it is a port of: a plain frame does not say which way it passed,
    /// its addresses do. Empty when they are not known.
    pub own: Vec<[u8; 6]>,
}

/// Reads one frame. `at_ns` is the capture's timestamp. A packet inside VXLAN, Geneve, GRE or IPIP is given in place of the
/// packet that carried it.
///
/// `None` when the link type is unknown or the frame is shorter than its link header.
#[must_use]
pub fn decode(link_type: u32, data: &[u8], original_len: u32, at_ns: i64, links: &Links) -> Option<Packet> {
    let link = Link::read(link_type, data, &links.own)?;
    // What the interface saw beyond the link header, for packets whose own length field is 0 (very large segments).
    let content = behind::behind(link.ether_type, link.rest);
    let wire_len = original_len.saturating_sub(u32::try_from(data.len() - content.rest.len()).unwrap_or(0));
    let carried = sliced(&content).map_or_else(Carried::other, |sliced| network::read(&sliced, wire_len, 0));
    Some(Packet {
        at: at_ns,
        interface: links.names.get(&link.index).cloned().unwrap_or_else(|| format!("if{}", link.index).as_str().into()),
        passage: link.passage,
        source_mac: link.source.map(Mac),
        body: carried.body,
        tunnel: carried.tunnel,
        outer: carried.outer,
        ttl: carried.ttl,
    })
}

/// What the link header says.
struct Link<'a> {
    index: u32,
    passage: Passage,
    source: Option<[u8; 6]>,
    /// `None` for bare IP.
    ether_type: Option<u16>,
    rest: &'a [u8],
}

impl<'a> Link<'a> {
    fn read(link_type: u32, data: &'a [u8], own: &[[u8; 6]]) -> Option<Self> {
        match link_type {
            SLL2 => Self::cooked2(data),
            SLL => Self::cooked(data),
            EN10MB => Self::ethernet(data, own),
            raw if RAW.contains(&raw) => Some(Self { index: 0, passage: Passage::In, source: None, ether_type: None, rest: data }),
            _ => None,
        }
    }

    /// Protocol, reserved, interface index, ARPHRD type, packet type, address length, address: 20 bytes.
    fn cooked2(data: &'a [u8]) -> Option<Self> {
        let (header, rest) = data.split_at_checked(20)?;
        Some(Self {
            index: u32::from_be_bytes(bytes_at(header, 4)?),
            passage: passage(u16::from(header[10])),
            source: if header[11] == 6 { bytes_at(header, 12) } else { None },
            ether_type: Some(u16::from_be_bytes(bytes_at(header, 0)?)),
            rest,
        })
    }

    /// Packet type, ARPHRD type, address length, address, protocol: 16 bytes.
    fn cooked(data: &'a [u8]) -> Option<Self> {
        let (header, rest) = data.split_at_checked(16)?;
        Some(Self {
            index: 0,
            passage: passage(u16::from_be_bytes(bytes_at(header, 0)?)),
            source: if u16::from_be_bytes(bytes_at(header, 4)?) == 6 { bytes_at(header, 6) } else { None },
            ether_type: Some(u16::from_be_bytes(bytes_at(header, 14)?)),
            rest,
        })
    }

    fn ethernet(data: &'a [u8], own: &[[u8; 6]]) -> Option<Self> {
        let (header, rest) = data.split_at_checked(14)?;
        let (to, from) = (bytes_at(header, 0)?, bytes_at(header, 6)?);
        let ether_type = u16::from_be_bytes(bytes_at(header, 12)?);
        Some(Self { index: 0, passage: by_addresses(to, from, own), source: Some(from), ether_type: Some(ether_type), rest })
    }
}

/// The kernel's packet types: to us, broadcast, multicast, to another host, from us.
fn passage(kind: u16) -> Passage {
    match kind {
        3 => Passage::Other,
        4 => Passage::Out,
        _ => Passage::In,
    }
}

/// Which way a frame passed an interface, by its addresses: what the interface sent carries its own, what is for this host
/// or for many is addressed so, and anything else was for another host. Of an interface without a known MAC everything
/// counts as received.
fn by_addresses(to: [u8; 6], from: [u8; 6], own: &[[u8; 6]]) -> Passage {
    let for_many = to[0] & 1 == 1;
    if own.contains(&from) {
        Passage::Out
    } else if own.is_empty() || for_many || own.contains(&to) {
        Passage::In
    } else {
        Passage::Other
    }
}

/// `N` bytes at an offset, when they are there.
pub(super) fn bytes_at<const N: usize>(data: &[u8], at: usize) -> Option<[u8; N]> {
    data.get(at..at.checked_add(N)?)?.try_into().ok()
}

/// What stands behind the link, in layers.
fn sliced<'a>(content: &Behind<'a>) -> Option<LaxSlicedPacket<'a>> {
    match content.kind {
        Some(kind) => Some(LaxSlicedPacket::from_ether_type(EtherType(kind), content.rest)),
        None => LaxSlicedPacket::from_ip(content.rest).ok(),
    }
}

impl Carried {
    fn other() -> Self {
        Self { body: Body::Other, tunnel: None, outer: None, ttl: None }
    }
}

#[cfg(test)]
mod tests;
