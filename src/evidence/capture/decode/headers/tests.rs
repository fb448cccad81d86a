//! Frames built by hand; hostile ones; and that both ways of reading a frame find the same in it.

use proptest::prelude::*;

use super::super::tests::{ethernet, ipv4, ipv6, links, sll2, tcp, udp, vxlan};
use super::super::{EN10MB, RAW, SLL, SLL2, decode};
use super::*;
use crate::model::headers::Tunnel;
use crate::model::packet::Body;

const CLIENT: [u8; 4] = [10, 88, 192, 10];
const ADDRESS: [u8; 4] = [10, 88, 64, 100];

fn read(link_type: u32, frame: &[u8]) -> Result<Headers, Option<Hidden>> {
    headers(link_type, frame, u32::try_from(frame.len()).unwrap(), 42, &[])
}

fn is_syn_to_443(headers: &Headers) -> bool {
    matches!(headers.transport, Transport::Tcp(tcp) if tcp.flags.is_syn() && tcp.destination_port == 443)
}

fn stamped() -> Vec<u8> {
    let mut header = tcp(Flags::SYN, 12);
    header[20..32].copy_from_slice(&[1, 1, 8, 10, 0, 0, 0, 5, 0, 0, 0, 6]);
    header
}

#[test]
fn every_link_type_is_read() {
    let packet = ipv4(TCP, CLIENT, ADDRESS, &stamped(), 0);
    let mut cooked = vec![0, 4, 0, 1, 0, 6, 0x66, 0, 0, 0, 0, 2, 0, 0, 8, 0];
    cooked.extend(&packet);
    for (link_type, frame) in [
        (SLL2, sll2(0x0800, 4, &packet)),
        (SLL, cooked),
        (EN10MB, ethernet(0x0800, &packet)),
        (RAW[0], packet.clone()),
        (RAW[2], packet.clone()),
    ] {
        let headers = read(link_type, &frame).unwrap();
        assert!(is_syn_to_443(&headers), "{link_type}");
        assert!(matches!(headers.transport, Transport::Tcp(tcp) if tcp.timestamps == Some((5, 6)) && tcp.length == 0));
    }
    assert_eq!(read(999, &packet), Err(Some(Hidden::LinkType(999))));
}

#[test]
fn tags_and_tunnels_are_taken_off_and_told() {
    let inner = ipv4(TCP, CLIENT, ADDRESS, &stamped(), 0);
    let tagged = [&[0, 42, 0x08, 0][..], &inner].concat();
    let twice = [&[0, 7, 0x81, 0][..], &tagged].concat();
    assert_eq!(read(EN10MB, &ethernet(0x8100, &tagged)).unwrap().enclosure.vlan, 42);
    assert_eq!(read(EN10MB, &ethernet(0x88a8, &twice)).unwrap().enclosure.vlan, 42);
    let framed = ethernet(0x0800, &inner);
    let geneve = |kind: u16, options: &[u8], inner: &[u8]| {
        let words = u8::try_from(options.len() / 4).unwrap();
        [&[words, 0][..], &kind.to_be_bytes(), &[0, 0, 9, 0], options, inner].concat()
    };
    for (datagram, tunnel, network) in [
        (udp(4789, &vxlan(&framed)), Tunnel::Vxlan, 1),
        (udp(8472, &vxlan(&ethernet(0x8100, &tagged))), Tunnel::Vxlan, 1),
        (udp(6081, &geneve(0x6558, &[1, 2, 3, 4], &framed)), Tunnel::Geneve, 9),
        (udp(6081, &geneve(0x0800, &[], &inner)), Tunnel::Geneve, 9),
    ] {
        let headers = read(EN10MB, &ethernet(0x0800, &ipv4(UDP, [10, 0, 0, 1], [10, 0, 0, 2], &datagram, 0))).unwrap();
        assert_eq!(headers.enclosure, Enclosure { vlan: 0, tunnel: Some(tunnel), network });
        assert!(is_syn_to_443(&headers), "{tunnel:?}");
    }
    for (outer, kind) in [(ipv4(4, [10, 0, 0, 1], [10, 0, 0, 2], &inner, 0), 0x0800), (ipv6(4, "fd10::1", "fd10::2", &inner), 0x86dd)] {
        let headers = read(EN10MB, &ethernet(kind, &outer)).unwrap();
        assert_eq!((headers.enclosure.tunnel, headers.source), (Some(Tunnel::Ipip), IpAddr::from(CLIENT)));
    }
}

#[test]
fn extension_headers_of_ipv6_are_passed_over() {
    let destination_options = [&[6, 0, 1, 4, 0, 0, 0, 0][..], &stamped()].concat();
    let hop_by_hop = [&[60, 0, 1, 4, 0, 0, 0, 0][..], &destination_options].concat();
    let headers = read(RAW[0], &ipv6(0, "fd10::1", "fd10::2", &hop_by_hop)).unwrap();
    assert!(is_syn_to_443(&headers));
}

#[test]
fn fragments_have_an_identification_and_a_place() {
    let datagram = udp(53, &[7; 64]);
    let first = [&[17, 0, 0, 1, 0, 0, 1, 2][..], &datagram].concat();
    let headers = read(RAW[0], &ipv6(44, "fd10::1", "fd10::2", &first)).unwrap();
    assert_eq!(headers.identification, 258);
    assert!(matches!(headers.transport, Transport::Datagram(datagram) if datagram.fragmented && datagram.whole == Some(72)));
    let later = [&[17, 0, 0, 72, 0, 0, 1, 2][..], &[9; 40]].concat();
    let headers = read(RAW[0], &ipv6(44, "fd10::1", "fd10::2", &later)).unwrap();
    assert_eq!(headers.transport, Transport::Fragment { protocol: 17, offset: 72, length: 40, last: true });
    let mut v4 = ipv4(UDP, CLIENT, ADDRESS, &[9; 40], 0);
    v4[6..8].copy_from_slice(&[0x20, 9]);
    assert_eq!(read(RAW[0], &v4).unwrap().transport, Transport::Fragment { protocol: 17, offset: 72, length: 40, last: false });
}

#[test]
fn an_echo_is_the_same_whatever_its_identifier_became() {
    let echo = |identifier: u8, number: u8| [8, 0, 1, 2, 0, identifier, 0, number, b'p', b'i', b'n', b'g'];
    let hash = |identifier, number| match read(RAW[0], &ipv4(ICMP, CLIENT, ADDRESS, &echo(identifier, number), 0)).unwrap().transport {
        Transport::Datagram(datagram) => (datagram.start_hash, datagram.whole_hash),
        other => panic!("{other:?}"),
    };
    assert_eq!(hash(1, 5), hash(2, 5));
    assert_ne!(hash(1, 5), hash(1, 6));
}

#[test]
fn an_error_tells_what_it_is_about() {
    let about = ipv4(TCP, CLIENT, ADDRESS, &stamped(), 0);
    let error = [&[3, 1, 0, 0, 0, 0, 0, 0][..], &about[..28]].concat();
    let headers = read(RAW[0], &ipv4(ICMP, [10, 0, 0, 1], CLIENT, &error, 0)).unwrap();
    let Transport::IcmpError { kind: 3, code: 1, about: Some(about) } = headers.transport else { panic!("{headers:?}") };
    assert_eq!((about.destination, about.destination_port), (IpAddr::from(ADDRESS), 443));
}

#[test]
fn a_checksum_that_was_left_to_the_card_and_a_length_of_0_change_nothing() {
    let whole = ipv4(TCP, CLIENT, ADDRESS, &stamped(), 0);
    let mut odd = whole.clone();
    odd[2..4].copy_from_slice(&[0, 0]);
    odd[10..12].copy_from_slice(&[0xde, 0xad]);
    odd[36..38].copy_from_slice(&[0xbe, 0xef]);
    assert_eq!(read(RAW[0], &odd), read(RAW[0], &whole));
}

proptest! {
    #[test]
    fn no_bytes_bring_it_down(link_type in prop::sample::select(vec![SLL2, SLL, EN10MB, RAW[0]]), kind in prop::sample::select(vec![0x0800_u16, 0x86dd, 0x8100]), bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(link_type, &bytes);
        let _ = read(EN10MB, &ethernet(kind, &bytes));
    }

    #[test]
    fn both_ways_of_reading_find_the_same(
        six in any::<bool>(), protocol in prop::sample::select(vec![TCP, UDP]), tunnel in any::<bool>(), flags in any::<u8>(), options in 0_usize..10, missing in 0_u16..2000, payload in proptest::collection::vec(any::<u8>(), 0..60),
    ) {
        let transport = if protocol == TCP { [tcp(flags, options * 4), payload].concat() } else { udp(5000, &payload) };
        let missing = if protocol == TCP { missing } else { 0 };
        let packet = if six { ipv6(protocol, "fd10::1", "fd10::2", &transport) } else { ipv4(protocol, CLIENT, ADDRESS, &transport, missing) };
        let kind = if six { 0x86dd } else { 0x0800 };
        let frame = ethernet(kind, &packet);
        let frame = if tunnel { ethernet(0x0800, &ipv4(UDP, [10, 0, 0, 1], [10, 0, 0, 2], &udp(4789, &vxlan(&frame)), 0)) } else { frame };
        let length = u32::try_from(frame.len()).unwrap() + u32::from(missing);
        let lean = headers(EN10MB, &frame, length, 42, &[]).unwrap();
        let full = decode(EN10MB, &frame, length, 42, &links()).unwrap();
        prop_assert_eq!(lean.enclosure.tunnel, full.tunnel);
        match (lean.transport, full.body) {
            (Transport::Tcp(lean_tcp), Body::Tcp(segment)) => {
                let acknowledgement = if segment.flags.0 & Flags::ACK == 0 { 0 } else { segment.acknowledgement };
                prop_assert_eq!((lean.source, lean_tcp.source_port, lean.destination, lean_tcp.destination_port), (segment.source, segment.source_port, segment.destination, segment.destination_port));
                prop_assert_eq!((lean_tcp.sequence, lean_tcp.acknowledgement, lean_tcp.flags, lean_tcp.length), (segment.sequence, acknowledgement, segment.flags, segment.length));
            }
            (Transport::Datagram(datagram), Body::Udp(udp)) => {
                prop_assert_eq!((lean.source, datagram.source_port, lean.identification), (udp.source, udp.source_port, u32::from(udp.identification)));
                prop_assert_eq!(datagram.carried, udp.length + 8);
            }
            other => prop_assert!(false, "{other:?}"),
        }
    }
}

/// A header of IPv4 with its sum.
fn summed(mut packet: Vec<u8>) -> Vec<u8> {
    let words = packet[..20].chunks_exact(2).map(|word| u32::from(u16::from_be_bytes([word[0], word[1]]))).sum::<u32>();
    let folded = (words & 0xffff) + (words >> 16);
    packet[10..12].copy_from_slice(&(!u16::try_from((folded & 0xffff) + (folded >> 16)).unwrap()).to_be_bytes());
    packet
}

#[test]
fn ip_in_udp_is_read_at_any_port_or_counted() {
    let inner = summed(ipv4(TCP, CLIENT, ADDRESS, &stamped(), 0));
    let six = ipv6(TCP, "fd00::1", "fd00::2", &stamped());
    let outer = |payload: &[u8]| read(RAW[0], &ipv4(17, [10, 0, 0, 3], [10, 0, 0, 4], &udp(5555, payload), 0));
    for (payload, tunnel) in [
        (inner.clone(), Tunnel::Fou),
        (six.clone(), Tunnel::Fou),
        ([&[0, 4, 0, 0][..], &inner].concat(), Tunnel::Gue),
        ([&[1, 41, 0, 0, 9, 9, 9, 9][..], &six].concat(), Tunnel::Gue),
        ([&[0, 0, 8, 0][..], &inner].concat(), Tunnel::Fou),
    ] {
        let headers = outer(&payload).unwrap();
        assert!(is_syn_to_443(&headers), "{headers:?}");
        assert_eq!(headers.enclosure.tunnel, Some(tunnel));
    }
    // Another sum is no header; another length is none that is read, and may be one.
    let mut other = inner.clone();
    other[10] ^= 1;
    let hidden = |payload: &[u8]| match outer(payload).unwrap().transport {
        Transport::Datagram(datagram) => datagram.hidden,
        other => panic!("{other:?}"),
    };
    assert_eq!(hidden(&other), None);
    assert_eq!(hidden(&inner[..inner.len() - 4]), Some(Hidden::Within("IP in UDP")));
}

#[test]
fn what_is_cut_tells_where() {
    let syn = ethernet(0x0800, &ipv4(TCP, CLIENT, ADDRESS, &stamped(), 0));
    let kept = |bytes: usize| headers(EN10MB, &syn[..bytes], u32::try_from(syn.len()).unwrap(), 42, &[]);
    assert_eq!(kept(36), Err(Some(Hidden::Cut)));
    assert_eq!(kept(38), Err(Some(Hidden::CutBehindPorts)));
    for (bytes, cut_at) in [(54, Some(54)), (60, Some(60)), (66, None)] {
        let Ok(Headers { transport: Transport::Tcp(tcp), .. }) = kept(bytes) else { panic!("{:?}", kept(bytes)) };
        assert_eq!((tcp.cut_at, tcp.timestamps.is_some()), (cut_at, cut_at.is_none()));
    }
}

#[test]
fn first_fragments_tell_what_the_others_are_known_by() {
    let with = |bytes: &[u8], flags: u16| {
        let mut packet = bytes.to_vec();
        packet[6..8].copy_from_slice(&flags.to_be_bytes());
        packet
    };
    // A tunnel's packet whose first fragment ends within what is inside.
    let inner = ipv4(TCP, CLIENT, ADDRESS, &[&stamped()[..], &[7; 64]].concat(), 0);
    let payload = udp(4789, &vxlan(&ethernet(0x0800, &inner)));
    let first = read(RAW[0], &with(&ipv4(17, [10, 0, 0, 3], [10, 0, 0, 4], &payload[..payload.len() - 24], 0), 0x2000)).unwrap();
    let Transport::Tcp(tcp) = first.transport else { panic!("{first:?}") };
    assert_eq!((tcp.length, tcp.fragmented), (40, true), "what the first fragment has of it");
    let rest = first.rest.unwrap();
    assert_eq!((rest.outer, rest.before), (true, 8 + 8 + 14 + 20));
    let place = u16::try_from((payload.len() - 24) / 8).unwrap();
    let later = read(RAW[0], &with(&ipv4(17, [10, 0, 0, 3], [10, 0, 0, 4], &payload[payload.len() - 24..], 0), place)).unwrap();
    assert_eq!(crate::model::headers::fragments_of(later.source, later.destination, later.identification), rest.of);
    // Options of IPv6 behind the fragment header are cut with the payload.
    let options = [17, 0, 1, 4, 0, 0, 0, 0];
    let fragment = [60, 0, 0, 1, 0, 0, 0, 9];
    let six = ipv6(44, "fd00::1", "fd00::2", &[&fragment[..], &options, &udp(53, &[1; 40])].concat());
    let rest = read(RAW[0], &six).unwrap().rest.unwrap();
    assert_eq!((rest.outer, rest.before), (false, 8));
}
