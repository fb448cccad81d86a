//! How far a frame's headers reach: behind them is what the Service's users send each other, which nobody keeps.

use etherparse::{LaxNetSlice, LaxSlicedPacket};

use super::behind::behind as behind_link;
use super::network::Ip;
use super::tunnel::{MOST_TUNNELS, inside};
use super::{Link, sliced as layers};

/// Bytes of an ARP packet for IPv4 over Ethernet.
const ARP: usize = 28;

/// Bytes of ICMP's own header, and of the transport header that an ICMP error quotes.
const ICMP: usize = 8;

/// The bytes of a frame up to the payload of its innermost transport header, of packets inside tunnels too. Of a frame that is not known
/// only the link header counts.
#[must_use]
pub fn headers_end(link_type: u32, data: &[u8]) -> usize {
    let Some(link) = Link::read(link_type, data, &[]) else { return 0 };
    let start = data.len() - link.rest.len();
    let payload = layers(&behind_link(link.ether_type, link.rest)).and_then(|sliced| payload(&sliced, 0));
    // Both are parts of the same bytes.
    payload.map_or(start, |payload| payload.as_ptr().addr().saturating_sub(data.as_ptr().addr())).min(data.len())
}

/// What stands behind the headers; it may be empty.
fn payload<'a>(sliced: &LaxSlicedPacket<'a>, depth: u8) -> Option<&'a [u8]> {
    let net = sliced.net.as_ref()?;
    if let LaxNetSlice::Arp(arp) = net {
        return Some(behind(arp.slice(), ARP));
    }
    let ip = Ip::of(net, 0)?;
    if ip.headless {
        return Some(ip.payload);
    }
    let inner = inside(ip.protocol, ip.payload, ip.wire_payload).filter(|_| depth < MOST_TUNNELS);
    if let Some(end) = inner.and_then(|inner| layers(&inner.content)).and_then(|inner| payload(&inner, depth + 1)) {
        return Some(end);
    }
    Some(match ip.protocol {
        6 => behind(ip.payload, usize::from(ip.payload.get(12).copied().unwrap_or(0x50) >> 4).max(5) * 4),
        4 | 41 => ip.payload,
        // Neighbours and routers are told apart by what follows: addresses, no words of anybody's.
        58 if ip.payload.first().is_some_and(|kind| (133..=137).contains(kind)) => behind(ip.payload, ip.payload.len()),
        1 | 58 => behind(ip.payload, icmp(ip.payload)),
        _ => behind(ip.payload, 8),
    })
}

/// Of an error the headers that it quotes count too.
fn icmp(message: &[u8]) -> usize {
    let error = matches!(message.first(), Some(1..=5 | 11 | 12));
    match message.get(ICMP).filter(|_| error) {
        Some(first) if first >> 4 == 4 => ICMP + usize::from(first & 0x0f) * 4 + ICMP,
        Some(first) if first >> 4 == 6 => ICMP + 40 + ICMP,
        _ => ICMP,
    }
}

fn behind(data: &[u8], header: usize) -> &[u8] {
    &data[header.min(data.len())..]
}

#[cfg(test)]
mod tests {
    use etherparse::PacketBuilder;

    use super::*;
    use crate::evidence::capture::decode::{EN10MB, RAW};

    const SECRET: &[u8] = b"GET / HTTP/1.1\r\nAuthorization: Bearer hunter2\r\n\r\n";

    fn check(link_type: u32, frame: &[u8]) {
        let end = headers_end(link_type, frame);
        assert_eq!(end, frame.len() - SECRET.len());
    }

    #[test]
    fn payloads_stay_outside() {
        let ethernet = || PacketBuilder::ethernet2([1; 6], [2; 6]);
        let mut tcp = Vec::new();
        ethernet().ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64).tcp(1, 80, 7, 9).write(&mut tcp, SECRET).unwrap();
        check(EN10MB, &tcp);
        let mut six = Vec::new();
        ethernet().ipv6([1; 16], [2; 16], 64).udp(1, 161).write(&mut six, SECRET).unwrap();
        check(EN10MB, &six);
        let mut echo = Vec::new();
        PacketBuilder::ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64).icmpv4_echo_request(1, 2).write(&mut echo, SECRET).unwrap();
        check(RAW[0], &echo);
        let vxlan = [&[8, 0, 0, 0, 0, 0, 1, 0], &tcp[..]].concat();
        let mut tunnelled = Vec::new();
        ethernet().ipv4([10, 0, 0, 3], [10, 0, 0, 4], 64).udp(5, 4789).write(&mut tunnelled, &vxlan).unwrap();
        check(EN10MB, &tunnelled);
    }

    #[test]
    fn no_frame_is_too_odd() {
        let mut tcp = Vec::new();
        PacketBuilder::ethernet2([1; 6], [2; 6]).ipv4([10, 0, 0, 1], [10, 0, 0, 2], 64).tcp(1, 80, 7, 9).write(&mut tcp, SECRET).unwrap();
        for cut in 0..tcp.len() {
            assert!(headers_end(EN10MB, &tcp[..cut]) <= cut);
            let mut flipped = tcp.clone();
            flipped[cut] ^= 0xff;
            assert!(headers_end(EN10MB, &flipped) <= flipped.len());
        }
        assert_eq!(headers_end(4711, &tcp), 0);
    }
}
