//! What lies above the link: ARP, IP, and what IP carries, tunnels included.

use std::net::IpAddr;

use etherparse::{LaxNetSlice, LaxSlicedPacket};

use super::tunnel::{Inside, MOST_TUNNELS, inside};
use super::{bytes_at, sliced};
use crate::model::headers::Tunnel;
use crate::model::packet::{Arp, Body, Datagram, Flags, Icmp, Mac, Offers, QuotedEnds, Segment};

/// Bytes of payload that are hashed. A tunnel's headers eat into what a bounded capture keeps, and a hash is only of
/// use when it is the same at every point where the packet is seen.
const HASHED: usize = 24;

/// A packet's body, and the tunnel that it came in.
pub(super) struct Carried {
    pub(super) body: Body,
    pub(super) tunnel: Option<Tunnel>,
    pub(super) outer: Option<Box<(IpAddr, IpAddr)>>,
    pub(super) ttl: Option<u8>,
}

/// An IP packet, as far as it was captured.
pub(super) struct Ip<'a> {
    source: IpAddr,
    destination: IpAddr,
    pub(super) protocol: u8,
    identification: u16,
    ttl: u8,
    /// Whether it has a DSCP other than 0.
    classed: bool,
    /// Not a first fragment: no transport header follows.
    pub(super) headless: bool,
    /// Bytes behind the IP headers on the wire, by the IP header.
    pub(super) wire_payload: u32,
    pub(super) payload: &'a [u8],
}

/// Reads what a frame carries. `wire_len` is the length on the wire from the network header on.
pub(super) fn read(sliced: &LaxSlicedPacket<'_>, wire_len: u32, depth: u8) -> Carried {
    match &sliced.net {
        Some(LaxNetSlice::Arp(arp)) => Carried { body: read_arp(arp.slice()), tunnel: None, outer: None, ttl: None },
        Some(net) => Ip::of(net, wire_len).map_or_else(Carried::other, |ip| read_ip(&ip, depth)),
        None => Carried::other(),
    }
}

impl<'a> Ip<'a> {
    pub(super) fn of(net: &LaxNetSlice<'a>, wire_len: u32) -> Option<Self> {
        match net {
            LaxNetSlice::Ipv4(v4) => {
                let header = v4.header();
                let headers = u32::from(header.ihl()) * 4 + v4.extensions().auth.map_or(0, |auth| length(auth.slice()));
                let total = if header.total_len() == 0 { wire_len } else { u32::from(header.total_len()) };
                Some(Self {
                    source: IpAddr::V4(header.source_addr()),
                    destination: IpAddr::V4(header.destination_addr()),
                    protocol: v4.payload_ip_number().0,
                    identification: header.identification(),
                    ttl: header.ttl(),
                    classed: header.dcp().value() != 0,
                    headless: header.fragments_offset().value() != 0,
                    wire_payload: total.saturating_sub(headers),
                    payload: v4.payload().payload,
                })
            }
            LaxNetSlice::Ipv6(v6) => {
                let header = v6.header();
                let extensions = v6.extensions();
                let total = if header.payload_length() == 0 { wire_len.saturating_sub(40) } else { u32::from(header.payload_length()) };
                Some(Self {
                    source: IpAddr::V6(header.source_addr()),
                    destination: IpAddr::V6(header.destination_addr()),
                    protocol: v6.payload().ip_number.0,
                    identification: 0,
                    ttl: header.hop_limit(),
                    classed: header.traffic_class() >> 2 != 0,
                    headless: v6.is_payload_fragmented() && !starts_datagram(extensions.slice(), header.next_header().0),
                    wire_payload: total.saturating_sub(length(extensions.slice())),
                    payload: v6.payload().payload,
                })
            }
            LaxNetSlice::Arp(_) => None,
        }
    }
}

/// Whether an IPv6 fragment is the first one. Only the plain case, a fragment header that comes first, is recognised.
fn starts_datagram(extensions: &[u8], first: u8) -> bool {
    first == 44 && bytes_at::<2>(extensions, 2).is_some_and(|offset| u16::from_be_bytes(offset) & 0xfff8 == 0)
}

fn length(slice: &[u8]) -> u32 {
    u32::try_from(slice.len()).unwrap_or(u32::MAX)
}

fn read_ip(ip: &Ip<'_>, depth: u8) -> Carried {
    let plain = |body: Option<Body>| Carried { body: body.unwrap_or(Body::Other), tunnel: None, outer: None, ttl: Some(ip.ttl) };
    if ip.headless {
        return plain(None);
    }
    match ip.protocol {
        1 => plain(read_icmp(ip, quotes_v4)),
        58 => plain(read_ndp(ip).or_else(|| read_icmp(ip, quotes_v6))),
        6 => plain(read_tcp(ip)),
        17 => tunnelled(ip, depth).unwrap_or_else(|| plain(read_udp(ip))),
        _ => tunnelled(ip, depth).unwrap_or_else(|| plain(None)),
    }
}

/// The packet inside, with the outermost tunnel's name and addresses.
fn tunnelled(ip: &Ip<'_>, depth: u8) -> Option<Carried> {
    let Inside { tunnel, content, .. } = inside(ip.protocol, ip.payload, ip.wire_payload)?;
    let sliced = sliced(&content)?;
    if depth >= MOST_TUNNELS || sliced.net.is_none() {
        return None;
    }
    let carried = read(&sliced, ip.wire_payload, depth + 1);
    Some(Carried { tunnel: Some(tunnel), outer: Some(Box::new((ip.source, ip.destination))), ..carried })
}

/// ARP for IPv4 over Ethernet; another kind is `Other`.
fn read_arp(data: &[u8]) -> Body {
    let read = || {
        let kinds: [u8; 6] = bytes_at(data, 0)?;
        if kinds != [0, 1, 8, 0, 6, 4] {
            return None;
        }
        let operation = u16::from_be_bytes(bytes_at(data, 6)?);
        Some(Body::Arp(Arp {
            reply: operation == 2,
            sender_mac: Mac(bytes_at(data, 8)?),
            sender: IpAddr::from(bytes_at::<4>(data, 14)?),
            target: IpAddr::from(bytes_at::<4>(data, 24)?),
        }))
    };
    read().unwrap_or(Body::Other)
}

/// The fixed part of the header is enough: a bounded capture may have cut the options off.
fn read_tcp(ip: &Ip<'_>) -> Option<Body> {
    let header: [u8; 20] = bytes_at(ip.payload, 0)?;
    Some(Body::Tcp(Segment {
        source: ip.source,
        destination: ip.destination,
        source_port: u16::from_be_bytes([header[0], header[1]]),
        destination_port: u16::from_be_bytes([header[2], header[3]]),
        sequence: u32::from_be_bytes([header[4], header[5], header[6], header[7]]),
        acknowledgement: u32::from_be_bytes([header[8], header[9], header[10], header[11]]),
        flags: Flags(header[13]),
        length: ip.wire_payload.saturating_sub(u32::from(header[12] >> 4) * 4),
        offers: if Flags(header[13]).is_syn() { offers(ip, usize::from(header[12] >> 4) * 4) } else { Offers::default() },
    }))
}

/// What a first segment carries whose header has so many bytes; nothing is told where the capture cut the options off.
fn offers(ip: &Ip<'_>, header: usize) -> Offers {
    let Some(mut options) = ip.payload.get(20..header) else { return Offers::default() };
    let mut told = Offers::TOLD | if ip.classed { Offers::CLASS } else { 0 };
    // The end of the list, and a filler, have no length (RFC 9293, section 3.1).
    while let Some(&kind) = options.first().filter(|kind| **kind != 0) {
        let length = if kind == 1 { 1 } else { options.get(1).map_or(0, |length| usize::from(*length)) };
        told |= match kind {
            2 => Offers::SEGMENT_SIZE,
            3 => Offers::WINDOW_SCALE,
            4 => Offers::SACK,
            8 => Offers::TIMESTAMPS,
            19 | 29 => Offers::SIGNED,
            34 => Offers::FAST_OPEN,
            _ => 0,
        };
        match options.get(length..) {
            Some(rest) if length > 0 => options = rest,
            _ => break,
        }
    }
    Offers(told)
}

fn read_udp(ip: &Ip<'_>) -> Option<Body> {
    let header: [u8; 8] = bytes_at(ip.payload, 0)?;
    let said = u32::from(u16::from_be_bytes([header[4], header[5]]));
    let length = if said == 0 { ip.wire_payload } else { said }.saturating_sub(8);
    let captured = &ip.payload[8..];
    let payload = &captured[..captured.len().min(usize::try_from(length).unwrap_or(usize::MAX)).min(HASHED)];
    Some(Body::Udp(Datagram {
        source: ip.source,
        destination: ip.destination,
        source_port: u16::from_be_bytes([header[0], header[1]]),
        destination_port: u16::from_be_bytes([header[2], header[3]]),
        identification: ip.identification,
        payload_hash: fnv1a(payload),
        length,
    }))
}

/// FNV-1a, 32 bits: the same for the same bytes in every version, which is all that is asked of it.
fn fnv1a(data: &[u8]) -> u32 {
    data.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

/// Unreachable, source quench, redirect, time exceeded, parameter problem.
fn quotes_v4(kind: u8) -> bool {
    matches!(kind, 3 | 4 | 5 | 11 | 12)
}

/// Unreachable, packet too big, time exceeded, parameter problem.
fn quotes_v6(kind: u8) -> bool {
    matches!(kind, 1..=4)
}

fn read_icmp(ip: &Ip<'_>, is_error: fn(u8) -> bool) -> Option<Body> {
    let [kind, code] = bytes_at(ip.payload, 0)?;
    let quoted = if is_error(kind) { ip.payload.get(8..).and_then(read_quoted) } else { None };
    Some(Body::Icmp(Icmp { source: ip.source, destination: ip.destination, kind, code, quoted }))
}

/// The packet that an ICMP error is about. Its ports are 0 when it has none or they were cut off.
fn read_quoted(data: &[u8]) -> Option<Box<QuotedEnds>> {
    let sliced = LaxSlicedPacket::from_ip(data).ok()?;
    let ip = Ip::of(sliced.net.as_ref()?, 0)?;
    let ports = if matches!(ip.protocol, 6 | 17 | 132) && !ip.headless { bytes_at::<4>(ip.payload, 0) } else { None };
    let [a, b, c, d] = ports.unwrap_or_default();
    Some(Box::new((ip.protocol, ip.source, ip.destination, u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]))))
}

/// A neighbour solicitation or advertisement, with the link-layer address of its first option of that kind.
fn read_ndp(ip: &Ip<'_>) -> Option<Body> {
    let data = ip.payload;
    let advertisement = match data.first()? {
        135 => false,
        136 => true,
        _ => return None,
    };
    let target = IpAddr::from(bytes_at::<16>(data, 8)?);
    let wanted = if advertisement { 2 } else { 1 };
    let mut options = data.get(24..).unwrap_or_default();
    let mut address = None;
    while let [kind, words, ..] = *options {
        // A length of 0 would loop for ever; RFC 4861 tells to drop such a packet.
        if words == 0 {
            break;
        }
        if kind == wanted && words == 1 {
            address = bytes_at(options, 2).map(Mac);
            break;
        }
        options = options.get(usize::from(words) * 8..).unwrap_or_default();
    }
    let asker = if advertisement { ip.destination } else { ip.source };
    Some(Body::Ndp {
        advertisement,
        target,
        mac: address,
        asker: Some(asker).filter(|asker| !asker.is_unspecified() && !asker.is_multicast()),
    })
}
