//! Datagrams: known by identification and payload, fragments by the identification alone.

use super::roads::{MS, Stop, Traffic, udp};
use super::{NODE, POD, POINTS, translated};
use crate::model::headers::{DatagramHeaders, Transport};

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
