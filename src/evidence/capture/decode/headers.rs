//! Reads a frame's headers as plain numbers, for files of any size: nothing is allocated, and nothing of the payload is
//! kept but hashes.
//!
//! As in `network`, no length is trusted: what cannot be read is no packet.

mod ip;

use std::net::IpAddr;

use super::behind::behind;
use super::tunnel::{MOST_TUNNELS, hidden, inside};
use super::{Link, TCP, UDP, bytes_at, known};
use crate::model::headers::{DatagramHeaders, Enclosure, Headers, Hidden, Quoted, Rest, TcpHeaders, Transport};
use crate::model::packet::Flags;
use ip::{Ip, length, v4, v6, within};

/// Bytes of a datagram's payload that every capture is expected to keep.
const HASHED: usize = 24;
const ICMP: u8 = 1;
const ICMP6: u8 = 58;
const SCTP: u8 = 132;

/// Reads one frame. `original_len` is its length on the wire, `at` the capture's time in nanoseconds, `own` as in
/// [`Links`](super::Links).
///
/// # Errors
/// What the packet is hidden in; nothing, when it is none of any connection.
pub fn headers(link_type: u32, data: &[u8], original_len: u32, at: i64, own: &[[u8; 6]]) -> Result<Headers, Option<Hidden>> {
    let short = if known(link_type) { Hidden::Cut } else { Hidden::LinkType(link_type) };
    let link = Link::read(link_type, data, own).ok_or(Some(short))?;
    let content = behind(link.ether_type, link.rest);
    content.ip()?;
    let wire = original_len.saturating_sub(length(&data[..data.len() - content.rest.len()]));
    let mut enclosure = Enclosure { vlan: content.vlan, ..Enclosure::default() };
    let read = internet(content.rest, Room { wire, cut: false }, &mut enclosure, 0).ok_or(Some(Hidden::Cut))?;
    Ok(Headers {
        at,
        interface: link.index,
        passage: link.passage,
        enclosure,
        source: read.source,
        destination: read.destination,
        identification: read.identification,
        ttl: read.ttl,
        timed: true,
        rest: read.rest,
        transport: match read.transport.ok_or(read.instead)? {
            Transport::Tcp(tcp) => Transport::Tcp(TcpHeaders { cut_at: tcp.cut_at.map(|_| length(data)), ..tcp }),
            other => other,
        },
    })
}

/// What a packet lies in.
#[derive(Clone, Copy)]
struct Room {
    /// Bytes on the wire.
    wire: u32,
    /// Whether more of it is in other frames: it is inside the first fragment of a tunnel's packet.
    cut: bool,
}

/// An IP packet as far as it was read. `transport` is `None` while only the IP header is known.
struct Read {
    source: IpAddr,
    destination: IpAddr,
    identification: u32,
    ttl: u8,
    rest: Option<Rest>,
    /// Bytes up to its transport header.
    header: u32,
    transport: Option<Transport>,
    /// What it is counted as without a transport; nothing of neighbour discovery and multicast housekeeping, which stay on their link.
    instead: Option<Hidden>,
}

fn internet(data: &[u8], room: Room, enclosure: &mut Enclosure, depth: u8) -> Option<Read> {
    let mut ip = match data.first()? >> 4 {
        4 => v4(data, room.wire)?,
        6 => v6(data, room.wire)?,
        _ => return None,
    };
    let there = room.wire.saturating_sub(ip.header);
    if room.cut && ip.carried > there {
        (ip.carried, ip.more) = (there, true);
        ip.payload = within(ip.payload, there);
    }
    if ip.fragment == 0
        && depth < MOST_TUNNELS
        && let Some(read) = tunnelled(&ip, enclosure, depth)
    {
        return Some(read);
    }
    let housekeeping = ip.protocol == ICMP6 && ip.fragment == 0 && matches!(ip.payload.first(), Some(130..=137 | 143));
    let instead = match ip.protocol {
        _ if housekeeping => None,
        TCP | UDP | SCTP if ip.payload.len() >= 4 => Some(Hidden::CutBehindPorts),
        _ => Some(Hidden::Cut),
    };
    Some(Read {
        source: ip.source,
        destination: ip.destination,
        identification: ip.identification,
        ttl: ip.ttl,
        rest: ip.rest(0, false),
        header: ip.header,
        transport: if housekeeping { None } else { transport(&ip) },
        instead,
    })
}

/// The packet inside a tunnel.
fn tunnelled(ip: &Ip<'_>, enclosure: &mut Enclosure, depth: u8) -> Option<Read> {
    let found = inside(ip.protocol, ip.payload, ip.carried)?;
    found.content.ip().ok()?;
    let ahead = length(&ip.payload[..ip.payload.len() - found.content.rest.len()]);
    let room = Room { wire: ip.carried.saturating_sub(ahead), cut: ip.more };
    let mut within = *enclosure;
    let mut read = internet(found.content.rest, room, &mut within, depth + 1)?;
    // What was cut outside comes in the outer one's fragments, whatever was cut inside.
    read.rest = ip.rest(ahead + read.header, true).or(read.rest);
    read.header += ip.header + ahead;
    *enclosure = Enclosure { vlan: enclosure.vlan, tunnel: Some(found.tunnel), network: found.number };
    Some(read)
}

fn transport(ip: &Ip<'_>) -> Option<Transport> {
    if ip.fragment != 0 {
        return Some(Transport::Fragment { protocol: ip.protocol, offset: ip.fragment, length: ip.carried, last: !ip.more });
    }
    match ip.protocol {
        TCP => tcp(ip).map(Transport::Tcp),
        UDP => udp(ip).map(Transport::Datagram),
        SCTP => sctp(ip).map(Transport::Datagram),
        ICMP => icmp(ip, matches!(ip.payload.first()?, 3 | 4 | 5 | 11 | 12)),
        ICMP6 => icmp(ip, matches!(ip.payload.first()?, 1..=4)),
        _ => Some(Transport::Datagram(datagram(ip, 0, (0, 0), Some(ip.carried).filter(|_| !ip.more)))),
    }
}

/// The fixed part of the header is enough: a bounded capture may have cut the options off.
fn tcp(ip: &Ip<'_>) -> Option<TcpHeaders> {
    let header: [u8; 20] = bytes_at(ip.payload, 0)?;
    let size = usize::from(header[12] >> 4) * 4;
    let options = ip.payload.get(20..size.max(20).min(ip.payload.len())).unwrap_or_default();
    let length = ip.carried.saturating_sub(u32::from(header[12] >> 4) * 4);
    let flags = Flags(header[13]);
    let mut print = fold(0, &header[14..16]);
    if length == 0 {
        // Options that were cut tell nothing of those that were not.
        print = options_print(print, if 20 + options.len() < size { &[] } else { options });
    } else if let Some(start) = ip.payload.get(size..size + 8) {
        print = fold(print, start);
    }
    Some(TcpHeaders {
        source_port: u16::from_be_bytes([header[0], header[1]]),
        destination_port: u16::from_be_bytes([header[2], header[3]]),
        sequence: u32::from_be_bytes([header[4], header[5], header[6], header[7]]),
        acknowledgement: if header[13] & Flags::ACK == 0 { 0 } else { u32::from_be_bytes([header[8], header[9], header[10], header[11]]) },
        flags,
        timestamps: timestamps(options),
        length,
        header_length: header[12] >> 4 << 2,
        print: short(print),
        fragmented: ip.more,
        cut_at: (ip.payload.len() < size && ip.payload.len() < usize::try_from(ip.carried).unwrap_or(usize::MAX)).then_some(0),
    })
}

/// RFC 7323's option, at its usual place or wherever it is.
fn timestamps(mut options: &[u8]) -> Option<(u32, u32)> {
    loop {
        match *options {
            [8, 10, ref values @ ..] => return Some((u32::from_be_bytes(bytes_at(values, 0)?), u32::from_be_bytes(bytes_at(values, 4)?))),
            [1, ref rest @ ..] => options = rest,
            [0, ..] | [] | [_] => return None,
            [_, size, ..] => options = options.get(usize::from(size).max(2)..)?,
        }
    }
}

/// Options but the largest segment, which routers lower on the way.
fn options_print(mut print: u64, mut options: &[u8]) -> u64 {
    while let [kind, ref rest @ ..] = *options {
        let size = match (kind, rest) {
            (0, _) => break,
            (1, _) => 1,
            (_, [size, ..]) => usize::from(*size).max(2),
            _ => break,
        };
        let Some(option) = options.get(..size) else { break };
        if kind != 2 {
            print = fold(print, option);
        }
        options = &options[size..];
    }
    print
}

fn udp(ip: &Ip<'_>) -> Option<DatagramHeaders> {
    let header: [u8; 8] = bytes_at(ip.payload, 0)?;
    let said = u32::from(u16::from_be_bytes([header[4], header[5]]));
    let whole = if said == 0 { Some(ip.carried).filter(|_| !ip.more) } else { Some(said) };
    let ports = (u16::from_be_bytes([header[0], header[1]]), u16::from_be_bytes([header[2], header[3]]));
    Some(datagram(ip, 8, ports, whole))
}

/// Ports like UDP's, and a tag of the association, which translation leaves alone as it does all that follows the sum.
fn sctp(ip: &Ip<'_>) -> Option<DatagramHeaders> {
    let header: [u8; 12] = bytes_at(ip.payload, 0)?;
    let ports = (u16::from_be_bytes([header[0], header[1]]), u16::from_be_bytes([header[2], header[3]]));
    let mut read = datagram(ip, 12, ports, Some(ip.carried).filter(|_| !ip.more));
    let tag = short(fold(0, &header[4..8]));
    read.start_hash ^= tag;
    read.whole_hash = read.whole_hash.map(|hash| hash ^ tag);
    Some(read)
}

/// An error with what it is about; any other message as a datagram between the two ends of its echo identifier.
fn icmp(ip: &Ip<'_>, error: bool) -> Option<Transport> {
    let header: [u8; 8] = bytes_at(ip.payload, 0)?;
    if error {
        return Some(Transport::IcmpError { kind: header[0], code: header[1], about: ip.payload.get(8..).and_then(quoted) });
    }
    let echo = u16::from_be_bytes([header[4], header[5]]);
    let mut read = datagram(ip, 8, (echo, echo), Some(ip.carried).filter(|_| !ip.more));
    // Kind, code and number; the checksum and the identifier are what translation changes.
    let mark = fold(fold(0, &header[..2]), &header[6..8]);
    read.start_hash ^= short(mark);
    read.whole_hash = read.whole_hash.map(|hash| hash ^ short(mark));
    // An echo's number tells as much as bytes of payload do.
    read.hashed = read.hashed.saturating_add(4);
    Some(Transport::Datagram(read))
}

/// A datagram whose payload begins `header` bytes behind IP.
fn datagram(ip: &Ip<'_>, header: usize, (source_port, destination_port): (u16, u16), whole: Option<u32>) -> DatagramHeaders {
    let payload = ip.payload.get(header..).unwrap_or_default();
    let complete = length(ip.payload) == ip.carried;
    let start = &payload[..payload.len().min(HASHED)];
    DatagramHeaders {
        protocol: ip.protocol,
        source_port,
        destination_port,
        start_hash: short(fold(0, start)),
        whole_hash: complete.then(|| short(fold(0, payload))),
        hashed: u8::try_from(start.len()).unwrap_or(u8::MAX),
        carried: ip.carried,
        whole,
        fragmented: ip.more,
        hidden: hidden(ip.protocol, ip.payload),
    }
}

fn quoted(data: &[u8]) -> Option<Quoted> {
    let ip = match data.first()? >> 4 {
        4 => v4(data, 0)?,
        6 => v6(data, 0)?,
        _ => return None,
    };
    let ports = match ip.protocol {
        _ if ip.fragment != 0 => None,
        TCP | UDP | SCTP => bytes_at(ip.payload, 0),
        ICMP | ICMP6 => bytes_at::<2>(ip.payload, 4).map(|[a, b]| [a, b, a, b]),
        _ => None,
    };
    let [a, b, c, d] = ports.unwrap_or_default();
    Some(Quoted {
        protocol: ip.protocol,
        source: ip.source,
        destination: ip.destination,
        source_port: u16::from_be_bytes([a, b]),
        destination_port: u16::from_be_bytes([c, d]),
    })
}

/// A hash of bytes, eight at a time; the same for the same bytes within one run, which is all that is asked of it.
fn fold(start: u64, data: &[u8]) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let step = |hash: u64, word: u64| (hash ^ word).wrapping_mul(FACTOR).rotate_left(29);
    let words = data.chunks_exact(8);
    let rest = words.remainder().iter().fold(u64::from(length(data)), |sum, byte| (sum << 8) | u64::from(*byte));
    let hash = words.fold(start, |hash, word| step(hash, bytes_at(word, 0).map_or(0, u64::from_le_bytes)));
    step(hash, rest)
}

/// The better half of a hash.
fn short(hash: u64) -> u32 {
    u32::try_from(hash.wrapping_mul(0xff51_afd7_ed55_8ccd) >> 32).unwrap_or(0)
}

#[cfg(test)]
mod tests;
