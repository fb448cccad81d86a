//! Frames built by hand, byte by byte, and hostile ones.

use std::collections::BTreeMap;
use std::net::IpAddr;

use proptest::prelude::*;

use super::*;
use crate::model::headers::Tunnel;
use crate::model::packet::{Arp, Datagram, Flags, Icmp, Offers, Segment};

pub(super) fn links() -> Links {
    Links { names: BTreeMap::from([(0, "mlb".into()), (7, "eth0".into())]), own: Vec::new() }
}

pub(super) fn sll2(ether_type: u16, kind: u8, rest: &[u8]) -> Vec<u8> {
    let mut frame = ether_type.to_be_bytes().to_vec();
    frame.extend([0, 0, 0, 0, 0, 7, 0, 1, kind, 6, 0x66, 0, 0, 0, 0, 2, 0, 0]);
    frame.extend(rest);
    frame
}

pub(super) fn ethernet(ether_type: u16, rest: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x66, 0, 0, 0, 0, 1, 0x66, 0, 0, 0, 0, 9];
    frame.extend(ether_type.to_be_bytes());
    frame.extend(rest);
    frame
}

/// An IPv4 packet that says it carries `missing` bytes more than are there.
pub(super) fn ipv4(protocol: u8, source: [u8; 4], destination: [u8; 4], payload: &[u8], missing: u16) -> Vec<u8> {
    let total = 20 + u16::try_from(payload.len()).unwrap() + missing;
    let mut packet = vec![0x45, 0];
    packet.extend(total.to_be_bytes());
    packet.extend([0x12, 0x34, 0x40, 0, 64, protocol, 0, 0]);
    packet.extend(source);
    packet.extend(destination);
    packet.extend(payload);
    packet
}

pub(super) fn ipv6(next: u8, source: &str, destination: &str, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x60, 0, 0, 0];
    packet.extend(u16::try_from(payload.len()).unwrap().to_be_bytes());
    packet.extend([next, 255]);
    for address in [source, destination] {
        packet.extend(address.parse::<std::net::Ipv6Addr>().unwrap().octets());
    }
    packet.extend(payload);
    packet
}

pub(super) fn tcp(flags: u8, options: usize) -> Vec<u8> {
    let mut header = vec![0xc0, 0, 0x01, 0xbb, 0, 0, 0, 9, 0, 0, 0, 4];
    header.push(u8::try_from(5 + options / 4).unwrap() << 4);
    header.extend([flags, 0xff, 0xff, 0, 0, 0, 0]);
    header.extend(vec![1; options]);
    header
}

pub(super) fn udp(port: u16, payload: &[u8]) -> Vec<u8> {
    let mut datagram = vec![0x30, 0x39];
    datagram.extend(port.to_be_bytes());
    datagram.extend(u16::try_from(8 + payload.len()).unwrap().to_be_bytes());
    datagram.extend([0, 0]);
    datagram.extend(payload);
    datagram
}

pub(super) fn vxlan(inner: &[u8]) -> Vec<u8> {
    let mut payload = vec![8, 0, 0, 0, 0, 0, 1, 0];
    payload.extend(inner);
    payload
}

fn read(link_type: u32, frame: &[u8]) -> Packet {
    decode(link_type, frame, u32::try_from(frame.len()).unwrap(), 42, &links()).unwrap()
}

const CLIENT: [u8; 4] = [10, 88, 192, 10];
const ADDRESS: [u8; 4] = [10, 88, 64, 100];
const POD: [u8; 4] = [10, 88, 130, 2];

fn segment(destination: [u8; 4], flags: u8, length: u32) -> Body {
    Body::Tcp(Segment {
        source: IpAddr::from(CLIENT),
        destination: IpAddr::from(destination),
        source_port: 0xc000,
        destination_port: 443,
        sequence: 9,
        acknowledgement: 4,
        flags: Flags(flags),
        length,
        offers: if Flags(flags).is_syn() { Offers(Offers::TOLD) } else { Offers::default() },
    })
}

#[test]
fn a_syn_on_any_keeps_interface_passage_and_mac() {
    let packet = read(SLL2, &sll2(0x0800, 0, &ipv4(6, CLIENT, ADDRESS, &tcp(Flags::SYN, 20), 0)));
    assert_eq!(packet.at, 42);
    assert_eq!(packet.interface.as_str(), "eth0");
    assert_eq!(packet.passage, Passage::In);
    assert_eq!(packet.source_mac, Some(Mac([0x66, 0, 0, 0, 0, 2])));
    assert_eq!(packet.body, segment(ADDRESS, Flags::SYN, 0));
    assert_eq!(packet.tunnel, None);
}

#[test]
fn the_length_is_what_the_wire_carried_not_what_was_captured() {
    let packet = read(SLL2, &sll2(0x0800, 4, &ipv4(6, CLIENT, ADDRESS, &tcp(Flags::ACK, 12), 1400)));
    assert_eq!(packet.passage, Passage::Out);
    assert_eq!(packet.body, segment(ADDRESS, Flags::ACK, 1400));
}

#[test]
fn a_segment_whose_ip_length_is_zero_takes_the_frame_s_length() {
    let mut ip = ipv4(6, CLIENT, ADDRESS, &tcp(Flags::ACK, 0), 0);
    ip[2..4].copy_from_slice(&[0, 0]);
    let frame = sll2(0x0800, 4, &ip);
    let packet = decode(SLL2, &frame, 20 + 20 + 20 + 70_000, 0, &links()).unwrap();
    assert_eq!(packet.body, segment(ADDRESS, Flags::ACK, 70_000));
}

#[test]
fn cut_off_tcp_options_do_not_hide_the_segment() {
    let whole = sll2(0x0800, 1, &ipv4(6, CLIENT, ADDRESS, &tcp(Flags::SYN, 40), 0));
    let packet = read(SLL2, &whole[..whole.len() - 30]);
    let Body::Tcp(whole) = segment(ADDRESS, Flags::SYN, 0) else { panic!("a segment") };
    assert_eq!(packet.body, Body::Tcp(Segment { offers: Offers::default(), ..whole }));
}

#[test]
fn a_frame_for_another_host_is_seen_as_such() {
    for (kind, passage) in [(0, Passage::In), (1, Passage::In), (2, Passage::In), (3, Passage::Other), (4, Passage::Out)] {
        assert_eq!(read(SLL2, &sll2(0x0800, kind, &[])).passage, passage);
    }
}

#[test]
fn an_unknown_interface_is_named_by_its_index() {
    let mut frame = sll2(0x0800, 0, &[]);
    frame[7] = 9;
    assert_eq!(read(SLL2, &frame).interface.as_str(), "if9");
}

#[test]
fn older_cooked_frames_and_ethernet_and_bare_ip_are_read() {
    let ip = ipv4(6, CLIENT, ADDRESS, &tcp(Flags::SYN, 0), 0);
    let mut cooked = vec![0, 4, 0, 1, 0, 6, 0x66, 0, 0, 0, 0, 3, 0, 0, 8, 0];
    cooked.extend(&ip);
    let packet = read(SLL, &cooked);
    assert_eq!((packet.passage, packet.source_mac), (Passage::Out, Some(Mac([0x66, 0, 0, 0, 0, 3]))));
    assert_eq!(packet.body, segment(ADDRESS, Flags::SYN, 0));

    let packet = read(EN10MB, &ethernet(0x0800, &ip));
    assert_eq!((packet.interface.as_str(), packet.source_mac), ("mlb", Some(Mac([0x66, 0, 0, 0, 0, 9]))));
    assert_eq!(packet.body, segment(ADDRESS, Flags::SYN, 0));

    assert_eq!(read(RAW[0], &ip).body, segment(ADDRESS, Flags::SYN, 0));
}

#[test]
fn vlan_tags_are_stepped_over() {
    let mut tagged = vec![0, 5, 8, 0];
    tagged.extend(ipv4(6, CLIENT, ADDRESS, &tcp(Flags::SYN, 0), 0));
    assert_eq!(read(EN10MB, &ethernet(0x8100, &tagged)).body, segment(ADDRESS, Flags::SYN, 0));
    assert_eq!(read(SLL2, &sll2(0x8100, 0, &tagged)).body, segment(ADDRESS, Flags::SYN, 0));
}

#[test]
fn arp_requests_and_replies() {
    let mut arp = vec![0, 1, 8, 0, 6, 4, 0, 2, 0x66, 0, 0, 0, 0, 2];
    arp.extend(ADDRESS);
    arp.extend([0; 6]);
    arp.extend(CLIENT);
    let expected = Arp { reply: true, sender_mac: Mac([0x66, 0, 0, 0, 0, 2]), sender: ADDRESS.into(), target: CLIENT.into() };
    assert_eq!(read(SLL2, &sll2(0x0806, 4, &arp)).body, Body::Arp(expected));
    arp.truncate(20);
    assert_eq!(read(SLL2, &sll2(0x0806, 4, &arp)).body, Body::Other);
}

#[test]
fn neighbour_discovery_has_target_and_address() {
    let mut solicitation = vec![135, 0, 0, 0, 0, 0, 0, 0];
    let target: std::net::Ipv6Addr = "fd10:88:64::100".parse().unwrap();
    solicitation.extend(target.octets());
    let without = ipv6(58, "fd10:88:64::1", "ff02::1:ff00:100", &solicitation);
    let body = Body::Ndp { advertisement: false, target: target.into(), mac: None, asker: Some("fd10:88:64::1".parse().unwrap()) };
    assert_eq!(read(SLL2, &sll2(0x86dd, 2, &without)).body, body);

    let mut advertisement = solicitation;
    advertisement[0] = 136;
    advertisement.extend([1, 1, 9, 9, 9, 9, 9, 9, 2, 1, 0x66, 0, 0, 0, 0, 2]);
    let with = ipv6(58, "fd10:88:64::2", "fd10:88:64::1", &advertisement);
    let body = Body::Ndp {
        advertisement: true,
        target: target.into(),
        mac: Some(Mac([0x66, 0, 0, 0, 0, 2])),
        asker: Some("fd10:88:64::1".parse().unwrap()),
    };
    assert_eq!(read(SLL2, &sll2(0x86dd, 0, &with)).body, body);

    advertisement[25] = 0;
    let looping = ipv6(58, "fd10:88:64::2", "fd10:88:64::1", &advertisement);
    assert!(matches!(read(SLL2, &sll2(0x86dd, 0, &looping)).body, Body::Ndp { mac: None, .. }));
}

#[test]
fn an_icmp_error_quotes_its_packet() {
    let mut message = vec![3, 4, 0, 0, 0, 0, 5, 0x78];
    message.extend(&ipv4(6, CLIENT, POD, &tcp(Flags::ACK, 0), 1400)[..28]);
    let expected = Icmp {
        source: ADDRESS.into(),
        destination: CLIENT.into(),
        kind: 3,
        code: 4,
        quoted: Some(Box::new((6, CLIENT.into(), POD.into(), 0xc000, 443))),
    };
    assert_eq!(read(SLL2, &sll2(0x0800, 0, &ipv4(1, ADDRESS, CLIENT, &message, 0))).body, Body::Icmp(expected));

    let echo = ipv4(1, ADDRESS, CLIENT, &[8, 0, 0, 0, 0, 1, 0, 1], 0);
    assert!(matches!(read(SLL2, &sll2(0x0800, 0, &echo)).body, Body::Icmp(Icmp { kind: 8, quoted: None, .. })));

    let mut too_big = vec![2, 0, 0, 0, 0, 0, 5, 0];
    too_big.extend(ipv6(17, "fd10::1", "fd10::2", &udp(53, b"x")));
    let packet = read(SLL2, &sll2(0x86dd, 0, &ipv6(58, "fd10::9", "fd10::1", &too_big)));
    let Body::Icmp(icmp) = packet.body else { panic!("{packet:?}") };
    assert_eq!(icmp.quoted, Some(Box::new((17, "fd10::1".parse().unwrap(), "fd10::2".parse().unwrap(), 0x3039, 53))));
}

#[test]
fn a_datagram_is_known_by_identification_length_and_hash() {
    let datagram = |payload: &[u8]| match read(SLL2, &sll2(0x0800, 0, &ipv4(17, CLIENT, POD, &udp(5353, payload), 0))).body {
        Body::Udp(datagram) => datagram,
        other => panic!("{other:?}"),
    };
    let Datagram { identification, length, payload_hash, .. } = datagram(b"hello");
    assert_eq!((identification, length, payload_hash), (0x1234, 5, 0x4f9f_2cab));
    assert_ne!(datagram(b"hellp").payload_hash, payload_hash);
}

#[test]
fn a_datagram_s_hash_does_not_depend_on_how_much_was_captured() {
    let long = vec![7; 400];
    let whole = sll2(0x0800, 0, &ipv4(17, CLIENT, POD, &udp(5353, &long), 0));
    assert_eq!(read(SLL2, &whole).body, read(SLL2, &whole[..128]).body);
}

#[test]
fn the_inner_packet_of_a_tunnel_is_the_packet() {
    let inner_ip = ipv4(6, CLIENT, POD, &tcp(Flags::SYN, 20), 0);
    let inner = ethernet(0x0800, &inner_ip);
    let outer = Some(Box::new((IpAddr::from([10, 88, 0, 12]), IpAddr::from([10, 88, 0, 13]))));
    let carry = |protocol, payload: &[u8]| read(SLL2, &sll2(0x0800, 0, &ipv4(protocol, [10, 88, 0, 12], [10, 88, 0, 13], payload, 0)));

    let mut geneve = vec![2, 0, 0x65, 0x58, 0, 0, 1, 0, 1, 2, 3, 4, 5, 6, 7, 8];
    geneve.extend(&inner);
    let cases = [
        (Tunnel::Vxlan, carry(17, &udp(4789, &vxlan(&inner)))),
        (Tunnel::Vxlan, carry(17, &udp(8472, &vxlan(&inner)))),
        (Tunnel::Geneve, carry(17, &udp(6081, &geneve))),
        (Tunnel::Ipip, carry(4, &inner_ip)),
    ];
    for (tunnel, packet) in cases {
        assert_eq!(packet.tunnel, Some(tunnel));
        assert_eq!(packet.outer, outer, "{tunnel:?}");
        assert_eq!(packet.body, segment(POD, Flags::SYN, 0), "{tunnel:?}");
    }
}

#[test]
fn what_only_looks_like_a_tunnel_stays_a_datagram() {
    let packet = read(SLL2, &sll2(0x0800, 0, &ipv4(17, CLIENT, POD, &udp(4789, b"GET / HTTP/1.1\r\n"), 0)));
    assert_eq!(packet.tunnel, None);
    assert!(matches!(packet.body, Body::Udp(Datagram { destination_port: 4789, .. })));
}

#[test]
fn tunnels_without_end_are_not_followed() {
    let mut packet = ipv4(6, CLIENT, POD, &tcp(Flags::SYN, 0), 0);
    for _ in 0..200 {
        packet = ipv4(4, CLIENT, POD, &packet, 0);
    }
    assert_eq!(read(RAW[0], &packet).body, Body::Other);
}

#[test]
fn later_fragments_are_not_mistaken_for_segments() {
    let mut fragment = ipv4(6, CLIENT, POD, &tcp(Flags::SYN, 0), 0);
    fragment[6..8].copy_from_slice(&[0x00, 0xb9]);
    assert_eq!(read(RAW[0], &fragment).body, Body::Other);
}

#[test]
fn a_frame_without_its_link_header_is_no_packet() {
    assert_eq!(decode(SLL2, &[0; 19], 19, 0, &links()), None);
    assert_eq!(decode(147, &[0; 64], 64, 0, &links()), None);
}

proptest! {
    #[test]
    fn random_bytes_never_panic(data in proptest::collection::vec(any::<u8>(), 0..256), original in any::<u32>()) {
        for link_type in [SLL2, SLL, EN10MB, RAW[0], RAW[1], 999] {
            let _ = decode(link_type, &data, original, 0, &links());
        }
    }

    #[test]
    fn damaged_tunnels_never_panic(at in 0_usize..150, value in any::<u8>(), cut in 0_usize..150) {
        let inner = ethernet(0x0800, &ipv4(6, CLIENT, POD, &tcp(Flags::SYN, 20), 0));
        let mut frame = sll2(0x0800, 0, &ipv4(17, CLIENT, POD, &udp(4789, &vxlan(&inner)), 0));
        if let Some(byte) = frame.get_mut(at) {
            *byte = value;
        }
        frame.truncate(frame.len().saturating_sub(cut));
        let _ = decode(SLL2, &frame, 1500, 0, &links());
    }
}

#[test]
fn plain_frames_tell_their_way_by_their_addresses() {
    let own = [0x66, 0, 0, 0, 0, 1];
    let bridge = [0x66, 0, 0, 0, 0, 4];
    let known = Links { own: vec![own, bridge], ..links() };
    let passage = |to: [u8; 6], from: [u8; 6], links: &Links| {
        let mut frame = to.to_vec();
        frame.extend(from);
        frame.extend(0x0800_u16.to_be_bytes());
        frame.extend(ipv4(6, [10, 0, 0, 1], [10, 0, 0, 2], &tcp(2, 0), 0));
        decode(EN10MB, &frame, u32::try_from(frame.len()).unwrap(), 0, links).unwrap().passage
    };
    let (other, third, broadcast) = ([0x66, 0, 0, 0, 0, 9], [0x66, 0, 0, 0, 0, 8], [0xff; 6]);
    assert_eq!(passage(own, other, &known), Passage::In);
    assert_eq!(passage(other, own, &known), Passage::Out);
    assert_eq!(passage(broadcast, other, &known), Passage::In);
    assert_eq!(passage(broadcast, own, &known), Passage::Out);
    assert_eq!(passage([0x33, 0x33, 0, 0, 0, 1], other, &known), Passage::In);
    assert_eq!(passage(third, other, &known), Passage::Other);
    assert_eq!(passage(bridge, other, &known), Passage::In);
    assert_eq!(passage(other, bridge, &known), Passage::Out);
    assert_eq!(passage(third, other, &links()), Passage::In, "of an interface without a known MAC nothing is claimed");
}

#[test]
fn what_a_first_segment_offers_is_read_where_it_was_captured() {
    let offers = |packet: &[u8]| match read(SLL2, &sll2(0x0800, 4, packet)).body {
        Body::Tcp(segment) => segment.offers,
        other => panic!("{other:?}"),
    };
    let with = |options: &[u8], class: u8| {
        let mut header = tcp(Flags::SYN, options.len());
        header[20..].copy_from_slice(options);
        let mut packet = ipv4(6, CLIENT, ADDRESS, &header, 0);
        packet[1] = class;
        packet
    };
    // As Linux writes them: MSS, SACK, timestamps, a filler, the window's scale.
    let usual = [2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7];
    let all = Offers::TOLD | Offers::SEGMENT_SIZE | Offers::SACK | Offers::TIMESTAMPS | Offers::WINDOW_SCALE;
    assert_eq!(offers(&with(&usual, 0)), Offers(all));
    assert_eq!(offers(&with(&usual, 0xb8)), Offers(all | Offers::CLASS), "a DSCP of 46");
    assert_eq!(offers(&with(&usual, 3)), Offers(all), "the bits of ECN are no class");
    assert_eq!(offers(&with(&[34, 2, 1, 0], 0)), Offers(Offers::TOLD | Offers::FAST_OPEN));
    // A length of nothing ends the list, and so does one that goes past its end.
    assert_eq!(offers(&with(&[8, 0, 4, 2], 0)).has(Offers::SACK), Some(false));
    assert_eq!(offers(&with(&[2, 90, 0, 0], 0)), Offers(Offers::TOLD | Offers::SEGMENT_SIZE));
    let mut cut = with(&usual, 0);
    cut.truncate(50);
    assert_eq!(offers(&cut).has(Offers::TIMESTAMPS), None, "the capture cut the options off");
}
