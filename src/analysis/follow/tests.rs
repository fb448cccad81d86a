//! Tries found again behind translation, among any number of strangers.

use super::*;
use crate::model::capture::CaptureRequest;
use crate::model::packet::{Datagram, Icmp, Offers, Passage, Segment};
use crate::model::place::{Host, HostKind, Place};
use crate::model::probe::{Ending, Vantage};

const CLIENT: &str = "10.9.9.9:20000";
const VIP: &str = "10.0.0.1:443";
const NODE: &str = "10.88.0.12:31000";
const POD: &str = "10.88.130.2:4180";

fn end(text: &str) -> (IpAddr, u16) {
    let (address, port) = text.rsplit_once(':').unwrap();
    (address.parse().unwrap(), port.parse().unwrap())
}

fn packet(at: i64, passage: Passage, body: Body) -> Packet {
    Packet { at, interface: "eth0".into(), passage, source_mac: None, body, tunnel: None, outer: None, ttl: None }
}

fn segment(at: i64, passage: Passage, from: (IpAddr, u16), to: (IpAddr, u16), flags: u8, sequence: u32) -> Packet {
    let body = Body::Tcp(Segment {
        source: from.0,
        destination: to.0,
        source_port: from.1,
        destination_port: to.1,
        sequence,
        acknowledgement: 0,
        flags: Flags(flags),
        length: 0,
        offers: Offers::default(),
    });
    packet(at, passage, body)
}

fn datagram(at: i64, from: &str, to: &str, identification: u16) -> Packet {
    let ((source, source_port), (destination, destination_port)) = (end(from), end(to));
    let body = Body::Udp(Datagram { source, destination, source_port, destination_port, identification, payload_hash: 7, length: 12 });
    packet(at, Passage::In, body)
}

fn capture(name: &str, packets: Vec<Packet>) -> Capture {
    let place = Place::sample(name, HostKind::Node);
    let arrived = packets.len() as u64;
    Capture { packets: packets.into_iter().collect(), ..Capture::sample(CaptureRequest::sample(place), arrived, 0) }
}

fn probe(speech: Speech) -> Probe {
    let (source, source_port) = end(CLIENT);
    let attempt = Attempt { source: Some(source), source_port, ending: Ending::Answered, ..Attempt::sample() };
    let (address, port) = end(VIP);
    let vantage = Vantage::Ssh("c1".to_owned());
    Probe { attempts: vec![attempt], tool: "python3".to_owned(), ..Probe::new(vantage, address, port, speech) }
}

fn hops(captures: &[Capture], speech: Speech) -> Vec<(String, Sighting, bool)> {
    let pods = BTreeMap::from([(end(POD).0, "web-1".to_owned())]);
    let followed = follow(captures, &[probe(speech)], &pods);
    assert_eq!(followed.len(), 1);
    followed[0].hops.iter().map(|hop| (hop.place.clone(), hop.what, hop.request)).collect()
}

/// Requests of others to the same address, from every port but the try's, each with a number of its own.
fn strangers(count: u32) -> Vec<Packet> {
    let one = |number: u32| {
        let from = (IpAddr::from([172, 16, (number >> 16 & 255) as u8, (number >> 8 & 255) as u8]), 30_000 + (number & 255) as u16);
        segment(i64::from(number), Passage::In, from, end(VIP), Flags::SYN, 1_000_000 + number)
    };
    (0..count).map(one).collect()
}

/// The try through a node that translates both ends.
fn through_the_node(others: u32) -> [Capture; 2] {
    let (client, vip, node, pod) = (end(CLIENT), end(VIP), end(NODE), end(POD));
    let answer = Flags::SYN | Flags::ACK;
    let mut at_node = strangers(others);
    at_node.extend([
        segment(1, Passage::In, client, vip, Flags::SYN, 77),
        segment(2, Passage::Out, node, pod, Flags::SYN, 77),
        segment(5, Passage::In, pod, node, answer, 99),
        segment(6, Passage::Out, vip, client, answer, 99),
    ]);
    let at_pod = vec![segment(3, Passage::In, node, pod, Flags::SYN, 77), segment(4, Passage::Out, pod, node, answer, 99)];
    [capture("n2", at_node), capture("n3", at_pod)]
}

#[test]
fn a_connection_is_found_behind_translation_by_its_first_number() {
    let expected = [
        ("n2", Sighting::Syn, true),
        ("n2", Sighting::Syn, true),
        ("n3", Sighting::Syn, true),
        ("n3", Sighting::SynAck, false),
        ("n2", Sighting::SynAck, false),
        ("n2", Sighting::SynAck, false),
    ];
    assert_eq!(hops(&through_the_node(0), Speech::Tcp), expected.map(|(place, what, request)| (place.to_owned(), what, request)));
}

#[test]
fn strangers_change_nothing_and_nothing_is_kept_of_them() {
    let busy = through_the_node(50_000);
    assert_eq!(hops(&busy, Speech::Tcp), hops(&through_the_node(0), Speech::Tcp));
    let probes = [probe(Speech::Tcp)];
    let requests = Requests::of(&busy, &probes);
    let elsewhere = Elsewhere::of(&busy, &requests);
    let forms = forms(&requests, &Origins::of(&busy, &probes), &elsewhere, &probes[0], &probes[0].attempts[0]);
    let sightings = Sightings::of(&busy, forms.known.iter());
    assert_eq!((requests.tuples.len(), elsewhere.by_sequence.len(), forms.known.len()), (1, 1, 3));
    assert_eq!((sightings.by_tuple.len(), sightings.by_tuple.values().flatten().count(), sightings.icmp.len()), (6, 6, 0));
}

#[test]
fn an_icmp_error_belongs_to_the_connection_that_it_quotes() {
    let ((client, client_port), (vip, vip_port)) = (end(CLIENT), end(VIP));
    let error = |source_port| {
        let quoted = Some(Box::new((6, client, vip, source_port, vip_port)));
        packet(9, Passage::Out, Body::Icmp(Icmp { source: vip, destination: client, kind: 3, code: 1, quoted }))
    };
    let syn = segment(1, Passage::In, end(CLIENT), end(VIP), Flags::SYN, 77);
    let seen = hops(&[capture("n2", vec![syn, error(client_port), error(client_port + 1)])], Speech::Tcp);
    assert_eq!(seen, [("n2".to_owned(), Sighting::Syn, true), ("n2".to_owned(), Sighting::IcmpError, false)]);
}

#[test]
fn a_datagram_is_found_by_its_identification_and_not_by_none() {
    let behind = |identification| [capture("n2", vec![datagram(1, CLIENT, VIP, identification), datagram(2, NODE, POD, identification)])];
    assert_eq!(hops(&behind(4711), Speech::Udp).len(), 2);
    assert_eq!(hops(&behind(0), Speech::Udp).len(), 1);
}

#[test]
fn what_was_seen_nowhere_says_so() {
    let followed = follow(&[capture("n2", strangers(3))], &[probe(Speech::Tcp)], &BTreeMap::new());
    assert_eq!(followed[0].not_joined.as_deref(), Some("no packet of it was seen anywhere"));
}

/// Everybody uses one number: whose it is elsewhere is not known, and of each pair of them nothing is made up.
#[test]
fn a_number_that_very_many_have_joins_nothing() {
    let one = |number: u32, to: (IpAddr, u16)| {
        let from = (IpAddr::from((0xac10_0000 + number).to_be_bytes()), 20_000);
        segment(i64::from(number), Passage::In, from, to, Flags::SYN, 77)
    };
    let mut at_node: Vec<Packet> = (0..20_000).flat_map(|number| [one(number, end(VIP)), one(number, end(POD))]).collect();
    at_node.push(segment(1, Passage::In, end(CLIENT), end(VIP), Flags::SYN, 77));
    let followed = follow(&[capture("n2", at_node)], &[probe(Speech::Tcp)], &BTreeMap::new());
    assert_eq!(followed[0].hops.len(), 1, "its own packet");
    assert!(followed[0].not_joined.as_deref().is_some_and(|why| why.contains("more than 256 connections have its number")));
}

/// A router translates the second client to the first one's address, and keeps the port: on the node both ask as one.
fn two_clients(port: u16, watched: bool) -> (Vec<Capture>, [Probe; 2]) {
    let (first, vip) = (end(CLIENT), end(VIP));
    let second: (IpAddr, u16) = ("10.7.7.7".parse().unwrap(), port);
    let place = |name: &str, packets: Vec<Packet>| {
        let place = Place::Host(Host { name: name.into(), address: name.into(), kind: HostKind::Client });
        let arrived = packets.len() as u64;
        Capture { packets: packets.into_iter().collect(), ..Capture::sample(CaptureRequest::sample(place), arrived, 0) }
    };
    let answer = |at, passage, acknowledgement| {
        let mut packet = segment(at, passage, vip, first, Flags::SYN | Flags::ACK, 99);
        if let Body::Tcp(segment) = &mut packet.body {
            segment.acknowledgement = acknowledgement;
        }
        packet
    };
    let mut captures = vec![
        place("c1", vec![segment(1, Passage::Out, first, vip, Flags::SYN, 77), answer(4, Passage::In, 78)]),
        capture(
            "n2",
            vec![
                segment(2, Passage::In, first, vip, Flags::SYN, 77),
                segment(3, Passage::In, (first.0, port), vip, Flags::SYN, 500_000_000),
                answer(3, Passage::Out, 78),
            ],
        ),
    ];
    if watched {
        captures.push(place("c2", vec![segment(1, Passage::Out, second, vip, Flags::SYN, 500_000_000)]));
    }
    let attempt = Attempt { source: Some(second.0), source_port: port, ..Attempt::sample() };
    let other = Probe { vantage: Vantage::Ssh("c2".to_owned()), attempts: vec![attempt], ..probe(Speech::Tcp) };
    (captures, [probe(Speech::Tcp), other])
}

/// Where each connection was seen, with the source of what was seen there.
fn places(captures: &[Capture], probes: &[Probe]) -> Vec<Vec<String>> {
    let told = |hop: &Hop| format!("{} {}", hop.place, hop.source.0);
    follow(captures, probes, &BTreeMap::new()).iter().map(|connection| connection.hops.iter().map(told).collect()).collect()
}

#[test]
fn what_a_router_translates_to_anothers_address_is_not_that_ones() {
    let own = ["c1 10.9.9.9", "n2 10.9.9.9", "n2 10.0.0.1", "c1 10.0.0.1"].map(str::to_owned).to_vec();
    for port in [end(CLIENT).1, 20_024] {
        let (captures, probes) = two_clients(port, true);
        assert_eq!(places(&captures, &probes), [own.clone(), vec!["c2 10.7.7.7".to_owned(), "n2 10.9.9.9".to_owned()]], "{port}");
        let (captures, probes) = two_clients(port, false);
        assert_eq!(places(&captures, &probes)[0], own, "{port}, without a capture at the second client");
    }
}

#[test]
fn a_firewall_that_gives_other_numbers_leaves_the_connection_whole() {
    let (client, vip) = (end(CLIENT), end(VIP));
    let captures = [
        capture("c1", vec![segment(1, Passage::Out, client, vip, Flags::SYN, 77)]),
        capture("n2", vec![segment(2, Passage::In, client, vip, Flags::SYN, 900_000_000)]),
    ];
    assert_eq!(places(&captures, &[probe(Speech::Tcp)]), [["c1 10.9.9.9", "n2 10.9.9.9"].map(str::to_owned).to_vec()]);
}
