//! Stories of packets that are seen at several places, and of those that are not.

mod changed;
mod crowds;
mod datagrams;
mod one_way;
mod random;
mod roads;

use super::clocks;
use crate::model::headers::{Enclosure, Quoted, Transport, Tunnel};
use crate::model::packet::Flags;
use crate::model::trace::TraceEnd;
use roads::{MS, Sent, Stop, Traffic};

const SYN: u8 = Flags::SYN;
const ACK: u8 = Flags::ACK;
const FIN: u8 = Flags::FIN;
const RST: u8 = Flags::RST;
const NODE: u16 = 0;
const POD: u16 = 1;
const POINTS: [&str; 2] = ["node", "pod"];

/// From a client through DNAT and masquerade into a pod.
fn translated() -> Vec<Stop> {
    vec![Stop::new(NODE, "10.88.192.10:40000", "10.88.64.100:443"), Stop::new(POD, "10.88.0.11:31000", "10.88.130.5:8443")]
}

/// A whole small connection: one request of 100 bytes, one answer of 2000.
fn connection(traffic: &mut Traffic, road: &[Stop], at: i64, (client, server): (u32, u32)) {
    let packets = [
        Sent::request(SYN, client, 0, 0),
        Sent::answer(SYN | ACK, server, client + 1, 0),
        Sent::request(ACK, client + 1, server + 1, 0),
        Sent::request(ACK | 8, client + 1, server + 1, 100),
        Sent::answer(ACK | 8, server + 1, client + 101, 2000),
        Sent::request(ACK, client + 101, server + 2001, 0),
        Sent::answer(FIN | ACK, server + 2001, client + 101, 0),
        Sent::request(FIN | ACK, client + 101, server + 2002, 0),
        Sent::answer(ACK, server + 2002, client + 102, 0),
    ];
    for (turn, sent) in (0_i64..).zip(packets) {
        traffic.send(road, at + turn * MS, MS / 4, sent);
    }
}

#[test]
fn a_connection_is_followed_through_dnat_and_masquerade() {
    let mut traffic = Traffic::default();
    connection(&mut traffic, &translated(), 0, (1000, 9000));
    let joined = traffic.join(&POINTS, &[]);
    joined.assert_true();
    let [traced] = joined.traced.as_slice() else { panic!("{:?}", joined.traced) };
    assert_eq!((traced.end, traced.not_joined.len(), traced.missing.len()), (TraceEnd::Closed, 0, 0));
    let request: Vec<(&str, String, u64)> =
        traced.request.iter().map(|hop| (hop.point.as_str(), crate::model::trace::shown(hop.destination), hop.packets)).collect();
    assert_eq!(request, [("node", "10.88.64.100:443".to_owned(), 5), ("pod", "10.88.130.5:8443".to_owned(), 5)]);
    assert_eq!(traced.request[1].after_ns, Some((MS / 4, MS / 4, MS / 4)));
    assert_eq!(traced.answer.iter().map(|hop| hop.point.as_str()).collect::<Vec<_>>(), ["pod", "node"]);
    let last = traced.last_seen.as_ref().unwrap();
    assert_eq!((last.what, last.answer, last.point.as_str()), ("ACK", true, "node"));
    assert_eq!((joined.summary.whole, joined.summary.points[0].joined), (1, 9));
}

#[test]
fn tunnels_tags_and_interfaces_are_hops_of_their_own() {
    let mut road = translated();
    road[0].enclosure = Enclosure { vlan: 42, ..Enclosure::default() };
    for (number, tunnel) in [(1, Tunnel::Vxlan), (2, Tunnel::Geneve), (3, Tunnel::Ipip)] {
        let mut stop = road[1].clone();
        stop.point = NODE;
        stop.interface = number;
        stop.enclosure = Enclosure { vlan: 0, tunnel: Some(tunnel), network: 4096 };
        let end = road.len() - 1;
        road.insert(end, stop);
    }
    let mut traffic = Traffic::default();
    connection(&mut traffic, &road, 0, (1000, 9000));
    let joined = traffic.join(&POINTS, &[]);
    joined.assert_true();
    let hops: Vec<Option<&str>> = joined.traced[0].request.iter().map(|hop| hop.tunnel.as_deref()).collect();
    assert_eq!(hops, [None, Some("vxlan 4096"), Some("geneve 4096"), Some("ipip 4096"), None]);
    assert_eq!(joined.traced[0].request[0].vlan, Some(42));
}

#[test]
fn a_packet_that_did_not_arrive_is_missing_there_and_one_seen_behind_was_only_not_captured() {
    let road = vec![
        Stop::new(0, "10.0.0.1:40000", "10.0.0.9:80"),
        Stop::new(1, "10.0.0.1:40000", "10.0.0.9:80"),
        Stop::new(2, "10.0.0.1:40000", "10.1.0.9:8080"),
    ];
    let mut traffic = Traffic::default();
    connection(&mut traffic, &road, 0, (1000, 9000));
    traffic.send(&road, 3 * MS + 10, MS / 4, Sent { passes: 1, ..Sent::request(ACK, 1001, 9001, 1) });
    // Past the second place unseen.
    traffic.send(&[road[0].clone(), road[2].clone()], 3 * MS + 20, MS / 4, Sent::request(ACK, 1050, 9001, 1));
    let joined = traffic.join(&["a", "b", "c"], &[]);
    joined.assert_true();
    let hops: Vec<(u64, u64)> = joined.traced[0].request.iter().map(|hop| (hop.missing, hop.not_captured)).collect();
    assert_eq!(hops, [(0, 0), (1, 1), (1, 0)]);
    let told = &joined.traced[0].missing;
    assert!(told.iter().any(|missing| missing.point == "b" && missing.seen_later && missing.sequence == 1050), "{told:?}");
    assert!(told.iter().any(|missing| missing.point == "c" && !missing.seen_later && missing.last_at == "a"), "{told:?}");
}

#[test]
fn a_request_that_is_not_answered_tells_where_it_was_last_seen() {
    let mut traffic = Traffic::default();
    let road = translated();
    for second in [0, 1000, 3000] {
        traffic.send(&road, second * MS, MS / 4, Sent { passes: 1, ..Sent::request(SYN, 1000, 0, 0) });
    }
    connection(&mut traffic, &[Stop::new(POD, "10.9.9.9:1234", "10.88.130.5:8443")], 0, (5, 6));
    connection(&mut traffic, &[Stop::new(POD, "10.9.9.9:1234", "10.88.130.5:8443")], 4000 * MS, (500, 600));
    let joined = traffic.join(&POINTS, &[]);
    let traced = joined.traced.iter().find(|traced| traced.request[0].point == "node").unwrap();
    let last = traced.last_seen.as_ref().unwrap();
    assert_eq!((last.what, last.point.as_str(), last.at), ("SYN", "node", 3000 * MS));
    assert_eq!(traced.retransmitted, 2);
    assert!(
        traced.not_joined[0].contains("not seen at pod: no packet with its numbers, and it was not answered"),
        "{:?}",
        traced.not_joined
    );
}

#[test]
fn a_proxy_in_between_is_said_and_nothing_is_called_missing() {
    let mut traffic = Traffic::default();
    connection(&mut traffic, &[Stop::new(NODE, "10.88.192.10:40000", "10.88.64.100:443")], 0, (1000, 9000));
    connection(&mut traffic, &[Stop::new(POD, "10.88.0.11:31000", "10.88.130.5:8443")], MS / 2, (77_000, 99_000));
    let joined = traffic.join(&POINTS, &[]);
    joined.assert_true();
    assert_eq!(joined.traced.len(), 2);
    for traced in &joined.traced {
        assert!(traced.not_joined[0].contains("a proxy in between"), "{:?}", traced.not_joined);
        assert!(traced.missing.is_empty());
    }
}

#[test]
fn syn_cookies_of_somebody_between_are_said_and_nothing_is_called_missing() {
    let road = translated();
    let mut traffic = Traffic::default();
    // The proxy answers with a number of its own, and repeats the client's SYN to the server, which has another.
    let stamps = Some((5, 0));
    traffic.send(&road[..1], 0, 0, Sent { stamps, ..Sent::request(SYN, 1000, 0, 0) });
    traffic.send(&road[..1], MS, 0, Sent::answer(SYN | ACK, 5000, 1001, 0));
    traffic.send(&road[..1], 2 * MS, 0, Sent::request(ACK, 1001, 5001, 0));
    traffic.send(&road[1..], 3 * MS, 0, Sent { stamps, ..Sent::request(SYN, 1000, 0, 0) });
    traffic.send(&road[1..], 4 * MS, 0, Sent::answer(SYN | ACK, 90_000, 1001, 0));
    traffic.send(&road[1..], 5 * MS, 0, Sent::request(ACK, 1001, 90_001, 0));
    let joined = traffic.join(&POINTS, &[]);
    let said: Vec<&String> = joined.traced.iter().flat_map(|traced| &traced.not_joined).collect();
    assert!(said.iter().any(|said| said.contains("SYN cookies")), "{said:?}");
    assert!(joined.traced.iter().all(|traced| traced.missing.is_empty()));
}

#[test]
fn ports_that_are_used_again_begin_a_connection_of_their_own() {
    let mut traffic = Traffic::default();
    for turn in 0..5 {
        let numbers = (1000 + 100_000 * u32::try_from(turn).unwrap(), 9000 + 50_000 * u32::try_from(turn).unwrap());
        connection(&mut traffic, &translated(), turn * 20 * MS, numbers);
    }
    let joined = traffic.join(&POINTS, &[]);
    joined.assert_true();
    assert_eq!((joined.traced.len(), joined.summary.whole), (5, 5));
}

#[test]
fn the_same_ends_in_two_networks_are_two_connections() {
    let mut traffic = Traffic::default();
    for vlan in [10, 20] {
        let mut road = translated();
        road[0].enclosure.vlan = vlan;
        road[1].client.1 += vlan;
        // At the same time, to the nanosecond.
        connection(&mut traffic, &road, 0, (1000 * u32::from(vlan), 9000));
    }
    let joined = traffic.join(&POINTS, &[]);
    joined.assert_true();
    assert_eq!(joined.traced.len(), 2);
}

#[test]
fn connections_that_look_the_same_are_joined_with_none() {
    let mut traffic = Traffic::default();
    // Two clients choose the same number at the same time, and nothing else tells them apart behind the translation.
    for (client, mapped) in [("10.1.0.1:40000", "10.0.0.9:31000"), ("10.1.0.2:40001", "10.0.0.9:31001")] {
        let road = vec![Stop::new(NODE, client, "10.2.0.1:443"), Stop::new(POD, mapped, "10.3.0.1:8443")];
        let stamped = Sent { stamps: Some((5, 0)), ..Sent::request(SYN, 1000, 0, 0) };
        traffic.send(&road, 0, MS, stamped);
    }
    let joined = traffic.join(&POINTS, &[]);
    assert!(joined.pairs.is_subset(&joined.truth), "{:?}", joined.pairs);
    assert!(joined.traced.iter().flat_map(|traced| &traced.not_joined).any(|said| said.contains("look the same")));
}

#[test]
fn large_segments_are_paired_with_those_that_they_are_cut_into() {
    for (node, pod) in [(u32::MAX, 1448), (1448, u32::MAX), (2896, 1448), (4344, 2896)] {
        let mut road = translated();
        (road[0].largest, road[1].largest) = (node, pod);
        let mut traffic = Traffic::default();
        connection(&mut traffic, &road, 0, (1000, u32::MAX - 3000));
        traffic.send(&road, 20 * MS, MS, Sent::request(ACK, 1101, 0u32.wrapping_sub(999), 14_480));
        let joined = traffic.join(&POINTS, &[]);
        let traced = &joined.traced[0];
        assert_eq!((joined.traced.len(), traced.missing.len(), traced.not_joined.len()), (1, 0, 0), "{node} {pod}");
        joined.assert_true();
    }
}

#[test]
fn a_piece_of_a_large_segment_that_is_lost_is_missing() {
    let mut road = translated();
    let mut traffic = Traffic::default();
    connection(&mut traffic, &road, 0, (1000, 9000));
    traffic.another();
    let sent = Sent::request(ACK, 1101, 11_001, 4344);
    traffic.send(&road[..1], 20 * MS, MS, sent);
    road[1].largest = 1448;
    for part in [0, 2] {
        let length = 1448;
        traffic.send(&road[1..], 21 * MS + i64::from(part), MS, Sent { sequence: 1101 + part * 1448, length, ..sent });
    }
    connection(&mut traffic, &translated(), 100 * MS, (50_000, 70_000));
    let joined = traffic.join(&POINTS, &[]);
    assert_eq!(joined.traced[0].request.iter().map(|hop| hop.missing).collect::<Vec<_>>(), [0, 1]);
}

#[test]
fn captures_that_do_not_overlap_say_so() {
    let mut traffic = Traffic::default();
    let road = translated();
    connection(&mut traffic, &road[..1], 0, (1000, 9000));
    connection(&mut traffic, &road[1..], 60_000 * MS, (70_000, 1));
    let joined = traffic.join(&POINTS, &[]);
    assert!(joined.traced[0].not_joined[0].contains("had not begun"), "{:?}", joined.traced[0].not_joined);
    assert!(joined.traced[1].not_joined[0].contains("had ended"), "{:?}", joined.traced[1].not_joined);
}

#[test]
fn a_capture_that_began_in_the_middle_is_joined_all_the_same() {
    let road = translated();
    let mut traffic = Traffic::default();
    for turn in 0..20 {
        let passes = if turn < 5 { 1 } else { 2 };
        traffic.send(&road, i64::from(turn) * MS, MS / 4, Sent { passes, ..Sent::request(ACK | 8, 1000 + turn * 100, 9000, 100) });
    }
    let joined = traffic.join(&POINTS, &[]);
    joined.assert_true();
    assert_eq!((joined.traced.len(), joined.traced[0].missing.len()), (1, 0), "what came before the capture began is not missing");
}

#[test]
fn clocks_that_differ_are_compared_by_what_both_have_seen() {
    let mut here = Traffic::default();
    connection(&mut here, &translated(), 0, (1000, 9000));
    let ahead = 5_000 * MS;
    let packets = here.by_point(2, &[0, ahead]);
    assert_eq!(clocks::ahead(&packets), [0, ahead].map(|nanoseconds| clocks::Ahead { nanoseconds, one_way: false }));
    let same = here.by_point(2, &[0, 0]);
    assert_eq!(clocks::ahead(&same), [clocks::Ahead::default(); 2], "a road takes its time in both directions");
    let mut shifted = Traffic::default();
    connection(&mut shifted, &translated(), 0, (1000, 9000));
    shifted.shift(POD, ahead);
    let joined = shifted.join(&POINTS, &[0, ahead]);
    joined.assert_true();
    assert_eq!(joined.traced[0].request[1].after_ns, Some((MS / 4, MS / 4, MS / 4)));
}

#[test]
fn an_icmp_error_is_told_with_its_connection() {
    let road = translated();
    let mut traffic = Traffic::default();
    traffic.send(&road, 0, MS, Sent::request(SYN, 1000, 0, 0));
    traffic.another();
    let about = Quoted { protocol: 6, source: road[1].client.0, destination: road[1].server.0, source_port: 31000, destination_port: 8443 };
    let router = "10.88.0.1".parse().unwrap();
    traffic.raw(&road[1], 3 * MS, router, road[1].client.0, 0, Transport::IcmpError { kind: 3, code: 1, about: Some(about) }, (0, 1));
    let joined = traffic.join(&POINTS, &[]);
    let error = &joined.traced[0].errors[0];
    assert_eq!((error.point.as_str(), error.from, error.kind, error.code), ("pod", router, 3, 1));
}

#[test]
fn a_reset_ends_a_connection() {
    let road = translated();
    let mut traffic = Traffic::default();
    traffic.send(&road, 0, MS / 4, Sent::request(SYN, 1000, 0, 0));
    traffic.send(&road, MS, MS / 4, Sent::answer(RST | ACK, 0, 1001, 0));
    let joined = traffic.join(&POINTS, &[]);
    joined.assert_true();
    assert_eq!(joined.traced[0].end, TraceEnd::Reset);
}
