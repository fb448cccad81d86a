//! Datagrams: known by identification and payload, fragments by the identification alone.

use super::roads::{MS, Stop, Traffic, udp};
use super::{NODE, POD, POINTS, translated};
use crate::model::headers::{DatagramHeaders, Enclosure, Rest, TcpHeaders, Transport, Tunnel, fragments_of};
use crate::model::packet::Flags;

#[test]
fn datagrams_with_an_identification_are_joined_across_translation() {
    let mut traffic = Traffic::default();
    let road = translated();
    for turn in 0..50_u32 {
        traffic.datagram(&road, i64::from(turn) * MS, false, 7 + turn, 4711);
        traffic.datagram(&road, i64::from(turn) * MS + MS / 2, true, 900 + turn, turn % 3);
    }
    let joined = traffic.join(&POINTS, &[]);
    joined.assert_true();
    assert_eq!((joined.traced.len(), joined.summary.whole), (1, 1));
}

#[test]
fn datagrams_of_identification_0_are_not_joined_behind_a_translation_and_that_is_said() {
    let mut traffic = Traffic::default();
    for turn in 0..10_u32 {
        traffic.datagram(&translated(), i64::from(turn) * MS, false, 0, turn);
    }
    let joined = traffic.join(&POINTS, &[]);
    assert!(joined.pairs.is_empty());
    for traced in &joined.traced {
        assert!(traced.not_joined[0].contains("identification 0"), "{:?}", traced.not_joined);
    }
}

#[test]
fn datagrams_of_identification_0_are_joined_where_their_ends_stay_the_same() {
    let mut traffic = Traffic::default();
    let road = vec![Stop::new(NODE, "10.0.0.1:4000", "10.0.0.2:53"), Stop::new(POD, "10.0.0.1:4000", "10.0.0.2:53")];
    for turn in 0..10_u32 {
        traffic.datagram(&road, i64::from(turn) * MS, false, 0, turn);
    }
    let joined = traffic.join(&POINTS, &[]);
    joined.assert_true();
    assert_eq!(joined.traced.len(), 1);
}

#[test]
fn ipv6_has_no_identification_and_its_payload_tells_when_it_differs() {
    let road = vec![Stop::new(NODE, "[fd10::1]:4000", "[fd10::64]:53"), Stop::new(POD, "[fd10::11]:31000", "[fd10::5]:5353")];
    let mut traffic = Traffic::default();
    for turn in 0..10_u32 {
        traffic.datagram(&road, i64::from(turn) * MS, false, 0, turn);
    }
    let joined = traffic.join(&POINTS, &[]);
    joined.assert_true();
    assert_eq!(joined.traced.len(), 1);
}

/// A datagram of 4000 bytes in three parts at a place, or whole.
fn parts(traffic: &mut Traffic, stop: &Stop, at: i64, identification: u32, whole: bool, order: &[u32]) {
    let first = DatagramHeaders {
        whole: Some(4008),
        carried: if whole { 4008 } else { 1480 },
        whole_hash: if whole { Some(5) } else { None },
        fragmented: !whole,
        ..udp(stop.client.1, stop.server.1, identification * 3)
    };
    let (source, destination) = (stop.client.0, stop.server.0);
    if whole {
        traffic.raw(stop, at, source, destination, identification, Transport::Datagram(first), (0, 4008));
        return;
    }
    for (turn, part) in (0_i64..).zip(order) {
        let (offset, length) = (part * 1480, if *part == 2 { 1048 } else { 1480 });
        let transport = match part {
            0 => Transport::Datagram(first),
            _ => Transport::Fragment { protocol: 17, offset, length, last: *part == 2 },
        };
        traffic.raw(stop, at + turn, source, destination, identification, transport, (offset, offset + length));
    }
}

#[test]
fn fragments_belong_to_the_datagram_that_is_whole_elsewhere() {
    for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
        let road = translated();
        let mut traffic = Traffic::default();
        for turn in 0..20_u32 {
            traffic.another();
            parts(&mut traffic, &road[0], i64::from(turn) * MS, 50 + turn, true, &[]);
            parts(&mut traffic, &road[1], i64::from(turn) * MS + MS / 4, 50 + turn, false, &order);
        }
        let joined = traffic.join(&POINTS, &[]);
        joined.assert_true();
        assert_eq!((joined.traced.len(), joined.traced[0].missing.len()), (1, 0), "{order:?}");
    }
}

#[test]
fn a_fragment_that_is_lost_is_missing() {
    let road = translated();
    let mut traffic = Traffic::default();
    for turn in 0..3_u32 {
        traffic.another();
        parts(&mut traffic, &road[0], i64::from(turn) * MS, 50 + turn, false, &[0, 1, 2]);
        let order: &[u32] = if turn == 1 { &[0, 2] } else { &[0, 1, 2] };
        parts(&mut traffic, &road[1], i64::from(turn) * MS + MS / 4, 50 + turn, false, order);
    }
    let joined = traffic.join(&POINTS, &[]);
    assert_eq!(joined.traced[0].request.iter().map(|hop| hop.missing).collect::<Vec<_>>(), [0, 1]);
}

#[test]
fn fragments_count_from_what_was_cut_with_them() {
    // Options of eight bytes stand between the fragment's header and the datagram, at one place or at both.
    for before in [[8, 8], [0, 8]] {
        for lost in [false, true] {
            let road = translated();
            let mut traffic = Traffic::default();
            for turn in 0..3_u32 {
                traffic.another();
                for (place, before) in [0, 1].into_iter().zip(before) {
                    let (stop, at) = (&road[place], i64::from(turn) * MS + i64::from(before) + if place == 1 { MS / 4 } else { 0 });
                    let (source, destination, identification) = (stop.client.0, stop.server.0, 50 + turn);
                    let first =
                        DatagramHeaders { whole: Some(2008), carried: 1208, whole_hash: None, fragmented: true, ..udp(9, 53, turn) };
                    traffic.rest = Some(Rest { of: fragments_of(source, destination, identification), before, outer: false });
                    traffic.raw(stop, at, source, destination, identification, Transport::Datagram(first), (0, 1208));
                    traffic.rest = None;
                    if place == 1 && turn == 1 && lost {
                        continue;
                    }
                    let later = Transport::Fragment { protocol: 60, offset: 1208 + before, length: 800, last: true };
                    traffic.raw(stop, at + 1, source, destination, identification, later, (1208, 2008));
                }
            }
            let joined = traffic.join(&POINTS, &[]);
            let missing: Vec<_> =
                joined.traced[0].missing.iter().map(|missing| (missing.point.as_str(), missing.part, missing.seen_later)).collect();
            let expected: &[_] = if lost { &[("pod", Some((1208, 2008)), false)] } else { &[] };
            assert_eq!(missing, expected, "{before:?}");
        }
    }
}

#[test]
fn a_tunnel_s_packet_that_was_cut_shows_all_of_what_is_inside_with_all_of_its_fragments() {
    let road = translated();
    let (from, to) = ("10.88.0.11".parse().unwrap(), "10.88.0.12".parse().unwrap());
    let tcp = |sequence: u32, length: u32| TcpHeaders {
        source_port: road[1].client.1,
        destination_port: road[1].server.1,
        sequence,
        acknowledgement: 9001,
        flags: Flags(Flags::ACK),
        timestamps: Some((5, 6)),
        length,
        header_length: 32,
        print: 7,
        fragmented: length < 1448,
        cut_at: None,
    };
    for lost in [false, true] {
        let mut traffic = Traffic::default();
        for turn in 0..3_u32 {
            traffic.another();
            let (sequence, at) = (1000 + turn * 1448, i64::from(turn) * MS);
            let mut whole = tcp(sequence, 1448);
            (whole.source_port, whole.destination_port) = (road[0].client.1, road[0].server.1);
            traffic.raw(&road[0], at, road[0].client.0, road[0].server.0, 70 + turn, Transport::Tcp(whole), (0, 1448));
            let mut stop = road[1].clone();
            stop.enclosure = Enclosure { vlan: 0, tunnel: Some(Tunnel::Vxlan), network: 4096 };
            traffic.rest = Some(Rest { of: fragments_of(from, to, 400 + turn), before: 50, outer: true });
            traffic.raw(&stop, at + MS / 4, stop.client.0, stop.server.0, 70 + turn, Transport::Tcp(tcp(sequence, 1398)), (0, 1398));
            traffic.rest = None;
            if turn == 1 && lost {
                continue;
            }
            let later = Transport::Fragment { protocol: 17, offset: 50 + 32 + 1398, length: 50, last: true };
            traffic.raw(&road[1], at + MS / 4 + 1, from, to, 400 + turn, later, (1398, 1448));
        }
        let joined = traffic.join(&POINTS, &[]);
        assert_eq!(joined.traced.len(), 1, "{:?}", joined.traced);
        let missing: Vec<_> =
            joined.traced[0].missing.iter().map(|missing| (missing.sequence, missing.length, missing.last_at.as_str())).collect();
        let expected: &[_] = if lost { &[(1000 + 1448 + 1398, 50, "node")] } else { &[] };
        assert_eq!(missing, expected);
    }
}
