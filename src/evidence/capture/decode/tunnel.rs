//! Packets inside packets: what a tunnel carries, by its header and, where ports are anybody's choice, by a shape that chance does not make.

use super::behind::{Behind, IPV4, IPV6, behind};
use super::{TCP, UDP, bytes_at};
use crate::model::headers::{Hidden, Tunnel};

/// Tunnels inside tunnels are followed this deep; deeper is somebody's joke.
pub(super) const MOST_TUNNELS: u8 = 3;
const GRE: u8 = 47;
/// Ports at which a header that makes sense is enough: VXLAN by its standard and by Linux, Geneve.
const VXLAN_PORTS: [u16; 2] = [4789, 8472];
const GENEVE_PORT: u16 = 6081;
const GUE_PORT: u16 = 6080;
/// Transparent Ethernet bridging.
const FRAME: u16 = 0x6558;

/// What a tunnel carries.
#[derive(Clone, Copy, Debug)]
pub(super) struct Inside<'a> {
    pub(super) tunnel: Tunnel,
    /// The network of VXLAN or Geneve, the key of GRE; 0 for none.
    pub(super) number: u32,
    pub(super) content: Behind<'a>,
}

/// What stands inside the payload of an IP packet, when that is a tunnel that is known. `carried`: the payload's bytes on the wire.
pub(super) fn inside(protocol: u8, payload: &[u8], carried: u32) -> Option<Inside<'_>> {
    match protocol {
        4 | 41 => Some(Inside { tunnel: Tunnel::Ipip, number: 0, content: behind(None, payload) }),
        GRE => gre(payload),
        UDP => {
            let port = u16::from_be_bytes(bytes_at(payload, 2)?);
            let known = VXLAN_PORTS.contains(&port) || port == GENEVE_PORT;
            let found = if port == GENEVE_PORT { geneve(payload) } else { vxlan(payload).or_else(|| geneve(payload)) };
            // Whoever chose another port is known by what is inside.
            let sound = |found: &Inside<'_>| -> bool {
                let ahead = u32::try_from(payload.len() - found.content.rest.len()).ok();
                ahead.and_then(|ahead| carried.checked_sub(ahead)).is_some_and(|wire| sound(&found.content, wire))
            };
            found.filter(|found| known || sound(found)).or_else(|| bare(payload).into_iter().flatten().find(|found| sound(found)))
        }
        _ => None,
    }
}

/// What a datagram may hide, where its content could not be read.
pub(super) fn hidden(protocol: u8, payload: &[u8]) -> Option<Hidden> {
    let within = match protocol {
        4 | 41 => "IP in IP",
        GRE => "GRE",
        50 => "ESP",
        97 => "EtherIP",
        115 => "L2TP",
        137 => "MPLS in IP",
        UDP => datagram(payload)?,
        _ => return None,
    };
    Some(Hidden::Within(within))
}

fn datagram(payload: &[u8]) -> Option<&'static str> {
    let ports: [u8; 4] = bytes_at(payload, 0)?;
    let (from, to) = (u16::from_be_bytes([ports[0], ports[1]]), u16::from_be_bytes([ports[2], ports[3]]));
    let data = payload.get(8..)?;
    match to {
        4789 | 8472 | 4790 => return Some("VXLAN"),
        GENEVE_PORT => return Some("Geneve"),
        GUE_PORT => return Some("GUE"),
        6635 => return Some("MPLS in UDP"),
        // ESP in UDP has a number there that is not 0, which IKE's marker is: RFC 3948, section 2.2.
        4500 if data.get(..4).is_some_and(|marker| marker != [0; 4]) => return Some("ESP"),
        1701 => return Some("L2TP"),
        _ => {}
    }
    // Fragments of it, and what says another length than it has, is not read.
    if bare(payload).into_iter().flatten().any(|found| headed(&found.content)) {
        return Some("IP in UDP");
    }
    let length = u16::from_be_bytes(bytes_at(payload, 4)?).saturating_sub(8);
    let wireguard = match data.get(..4)? {
        [1, 0, 0, 0] => length == 148,
        [2, 0, 0, 0] => length == 92,
        [3, 0, 0, 0] => length == 64,
        // Padded to 16 bytes, behind a header of 16 and with a tag of 16.
        [4, 0, 0, 0] => length >= 32 && length.is_multiple_of(16),
        _ => false,
    };
    (wireguard && from >= 1024 && to >= 1024).then_some("WireGuard")
}

/// RFC 2784 and 2890, and what switches mirror with it: ERSPAN, types I to III.
fn gre(data: &[u8]) -> Option<Inside<'_>> {
    let [flags, version] = bytes_at(data, 0)?;
    let kind = u16::from_be_bytes(bytes_at(data, 2)?);
    // Source routes and PPTP's version 1 are not read.
    if version & 7 != 0 || flags & 0x40 != 0 {
        return None;
    }
    let (checksum, key, sequence) = (flags & 0x80 != 0, flags & 0x20 != 0, flags & 0x10 != 0);
    let key_at = 4 + usize::from(checksum) * 4;
    let size = key_at + usize::from(key) * 4 + usize::from(sequence) * 4;
    let number = if key { u32::from_be_bytes(bytes_at(data, key_at)?) } else { 0 };
    let rest = data.get(size..)?;
    let content = match kind {
        IPV4 | IPV6 | 0x8847 => behind(Some(kind), rest),
        FRAME => frame(rest)?,
        0x88be => frame(rest.get(if sequence { 8 } else { 0 }..)?)?,
        0x22eb => frame(rest.get(if rest.get(11)? & 1 == 1 { 20 } else { 12 }..)?)?,
        _ => return None,
    };
    Some(Inside { tunnel: Tunnel::Gre, number, content })
}

/// RFC 7348, with the bits of group policies and of the generic protocol extension.
fn vxlan(datagram: &[u8]) -> Option<Inside<'_>> {
    let header: [u8; 8] = bytes_at(datagram, 8)?;
    let rest = datagram.get(16..)?;
    let content = match header[0] {
        0x08 if header[1..4] == [0; 3] => frame(rest)?,
        0x88 if header[1] & !0x48 == 0 => frame(rest)?,
        // Before the standard the other bytes were anything.
        0x08 => frame(rest)?,
        0x0c if header[1..3] == [0; 2] => match header[3] {
            1 => behind(Some(IPV4), rest),
            2 => behind(Some(IPV6), rest),
            3 => frame(rest)?,
            _ => return None,
        },
        _ => return None,
    };
    Some(Inside { tunnel: Tunnel::Vxlan, number: u32::from_be_bytes([0, header[4], header[5], header[6]]), content })
}

/// Version 0, options of 4-byte words: RFC 8926, section 3.4.
fn geneve(datagram: &[u8]) -> Option<Inside<'_>> {
    let header: [u8; 8] = bytes_at(datagram, 8)?;
    if header[0] & 0xc0 != 0 {
        return None;
    }
    let rest = datagram.get(16 + usize::from(header[0] & 0x3f) * 4..)?;
    let content = match u16::from_be_bytes([header[2], header[3]]) {
        FRAME => frame(rest)?,
        kind @ (IPV4 | IPV6) => behind(Some(kind), rest),
        _ => return None,
    };
    Some(Inside { tunnel: Tunnel::Geneve, number: u32::from_be_bytes([0, header[4], header[5], header[6]]), content })
}

/// What stands in UDP without a header that is known by its port, or with none: foo over UDP, and GUE of both variants
/// (draft-ietf-intarea-gue, section 3). It is believed when it is sound alone.
fn bare<'a>(datagram: &'a [u8]) -> [Option<Inside<'a>>; 3] {
    let Some(data) = datagram.get(8..) else { return [None; 3] };
    let ip = |from: usize| {
        let rest = data.get(from..)?;
        let kind = match rest.first()? >> 4 {
            4 => IPV4,
            6 => IPV6,
            _ => return None,
        };
        Some(behind(Some(kind), rest))
    };
    let found = |tunnel: Tunnel, content: Option<Behind<'a>>| content.map(|content| Inside { tunnel, number: 0, content });
    let [first, protocol] = bytes_at(data, 0).unwrap_or([0xff; 2]);
    let headed = (first >> 5 == 0 && matches!(protocol, 4 | 41)).then(|| 4 + usize::from(first & 0x1f) * 4);
    // The first bits of GUE's variant 1 are those of IP itself.
    [found(Tunnel::Fou, ip(0)), found(Tunnel::Gue, headed.and_then(ip)), gre(data).map(|found| Inside { tunnel: Tunnel::Fou, ..found })]
}

/// What an Ethernet frame carries.
fn frame(frame: &[u8]) -> Option<Behind<'_>> {
    let kind = u16::from_be_bytes(bytes_at(frame, 12)?);
    Some(behind(Some(kind), frame.get(14..)?))
}

/// Whether it is IP beyond doubt: IPv4 with the right sum over its header, IPv6 of exactly that length with a known transport.
fn sound(content: &Behind<'_>, wire: u32) -> bool {
    match content.kind {
        Some(IPV4) => bytes_at::<20>(content.rest, 0).is_some_and(|header| {
            let words = usize::from(header[0] & 0x0f) * 4;
            let length = u32::from(u16::from_be_bytes([header[2], header[3]]));
            header[0] >> 4 == 4 && words >= 20 && length <= wire && content.rest.get(..words).is_some_and(|header| sum(header) == 0xffff)
        }),
        Some(IPV6) => bytes_at::<40>(content.rest, 0).is_some_and(|header| {
            let length = u32::from(u16::from_be_bytes([header[4], header[5]]));
            header[0] >> 4 == 6 && length + 40 == wire && matches!(header[6], TCP | UDP | 58)
        }),
        _ => false,
    }
}

/// Whether it begins with a header of IPv4 whose sum is right.
fn headed(content: &Behind<'_>) -> bool {
    content.kind == Some(IPV4) && sound(content, u32::MAX)
}

/// The Internet's sum in ones' complement.
fn sum(header: &[u8]) -> u32 {
    let words = header.chunks_exact(2).map(|word| u32::from(u16::from_be_bytes([word[0], word[1]])));
    let sum: u32 = words.sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    (folded & 0xffff) + (folded >> 16)
}
