//! Packets that a capture has cut, or that something on the way has changed: the same packets all the same. And resets that it made.

use super::roads::{Done, MS, Sent, Stop, Traffic};
use super::{ACK, NODE, POD, POINTS, RST, SYN, clocks, connection, translated};
use crate::analysis::trace::tests::roads::Joined;

/// A connection of a stack with timestamps and identifications, with a SYN and a segment that were sent twice.
fn talk(road: &[Stop]) -> Joined {
    let mut traffic = Traffic::default();
    let packets = [
        Sent::request(SYN, 1000, 0, 0),
        Sent::request(SYN, 1000, 0, 0),
        Sent::answer(SYN | ACK, 9000, 1001, 0),
        Sent::request(ACK, 1001, 9001, 0),
        Sent::request(ACK | 8, 1001, 9001, 100),
        Sent::request(ACK | 8, 1001, 9001, 100),
        Sent::answer(ACK | 8, 9001, 1101, 2000),
        Sent::request(ACK, 1101, 11_001, 0),
        Sent::answer(RST | ACK, 11_001, 1101, 0),
    ];
    for (turn, sent) in (0_u16..).zip(packets) {
        let stamp = u32::from(turn) * 30;
        let stamps = Some((500 + stamp, if sent.acknowledgement == 0 { 0 } else { 700 + stamp }));
        let identification = 0x1234_u16.wrapping_add(turn * 77);
        traffic.send(road, i64::from(turn) * 30 * MS, MS / 4, Sent { stamps, identification, ..sent });
    }
    traffic.join(&POINTS, &[])
}

#[test]
fn cut_and_changed_packets_are_joined_and_what_was_done_is_told() {
    let said = [
        (Done::Cut, "end within their TCP options"),
        (Done::Stripped, "TCP timestamps are there at"),
        (Done::Renumbered, "something in between rewrites them"),
    ];
    for (done, said) in said {
        // At either place, translated and not.
        for (place, road) in
            [(0, translated()), (1, translated()), (1, vec![translated()[0].clone(), Stop { point: POD, ..translated()[0].clone() }])]
        {
            let mut road = road;
            road[place].done = done;
            let joined = talk(&road);
            joined.assert_true();
            let [traced] = joined.traced.as_slice() else { panic!("{done:?} {place}: {:?}", joined.traced) };
            assert!(traced.missing.is_empty() && traced.not_joined.is_empty(), "{done:?} {place}: {traced:?}");
            assert!(traced.noted.iter().any(|noted| noted.contains(said)), "{done:?} {place}: {:?}", traced.noted);
        }
    }
    let joined = talk(&translated());
    joined.assert_true();
    assert!(joined.traced[0].noted.is_empty(), "nothing was done: {:?}", joined.traced[0].noted);
}

#[test]
fn a_syn_whose_identification_is_another_elsewhere_is_not_said_to_be_nowhere() {
    let mut road = translated();
    road[1].done = Done::Renumbered;
    let mut traffic = Traffic::default();
    for second in 0..5 {
        let sent = Sent { stamps: Some((500, 0)), identification: 7, ..Sent::request(SYN, 1000, 0, 0) };
        traffic.send(&road, second * 1000 * MS, MS / 4, sent);
    }
    let joined = traffic.join(&POINTS, &[]);
    let said: Vec<&String> = joined.traced.iter().flat_map(|traced| &traced.not_joined).collect();
    assert!(said.iter().any(|said| said.contains("packets with its numbers are there")), "{said:?}");
    assert!(!said.iter().any(|said| said.contains("no packet with its numbers")), "{said:?}");
}

#[test]
fn a_reset_that_was_made_on_the_way_is_no_packet_that_was_lost_before() {
    let road = translated();
    for (ttl, told) in [(251, true), (64, false)] {
        let mut traffic = Traffic::default();
        traffic.send(&road, 0, MS / 4, Sent::request(SYN, 1000, 0, 0));
        traffic.send(&road, MS, MS / 4, Sent::answer(SYN | ACK, 9000, 1001, 0));
        traffic.send(&road, 2 * MS, MS / 4, Sent::request(ACK, 1001, 9001, 0));
        // Seen where answers end alone.
        let forged = Stop { ttl, ..road[0].clone() };
        traffic.send(&[forged], 3 * MS, 0, Sent::answer(RST, 9001, 0, 0));
        traffic.send(&road, 9 * MS, MS / 4, Sent::answer(ACK | 8, 9001, 1001, 100));
        let joined = traffic.join(&POINTS, &[]);
        joined.assert_true();
        let traced = &joined.traced[0];
        assert!(traced.missing.is_empty() && traced.answer.iter().all(|hop| hop.not_captured == 0), "{traced:?}");
        assert_eq!((traced.resets_between, joined.summary.whole), (1, 0));
        assert!(traced.noted[0].starts_with("RST (answer) first seen at node in packet 4, and not at pod before it"), "{:?}", traced.noted);
        assert_eq!(traced.noted[0].contains("as of another host"), told, "{:?}", traced.noted);
    }
}

#[test]
fn a_reset_of_the_host_and_one_made_on_the_way_are_two() {
    let road = translated();
    let mut traffic = Traffic::default();
    traffic.send(&road, 0, MS / 4, Sent::request(SYN, 1000, 0, 0));
    traffic.send(&road, MS, MS / 4, Sent::answer(SYN | ACK, 9000, 1001, 0));
    traffic.send(&road, 2 * MS, MS / 4, Sent::request(ACK, 1001, 9001, 0));
    let forged = Stop { ttl: 251, ..road[1].clone() };
    traffic.send(&[forged], 3 * MS, 0, Sent::request(RST, 1001, 0, 0));
    traffic.send(&road[..1], 8 * MS, 0, Sent { identification: 9, ..Sent::request(RST, 1001, 0, 0) });
    let joined = traffic.join(&POINTS, &[]);
    joined.assert_true();
    let delay = joined.traced[0].request[1].after_ns;
    assert_eq!((joined.traced[0].request[0].point.as_str(), delay), (POINTS[usize::from(NODE)], Some((MS / 4, MS / 4, MS / 4))));
}

#[test]
fn clocks_are_compared_by_what_is_there_where_options_were_cut() {
    for done in [Done::Cut, Done::Stripped] {
        let mut road = translated();
        road[1].done = done;
        let mut traffic = Traffic::default();
        for (turn, sent) in (1_u32..).zip([
            Sent::request(SYN, 1000, 0, 0),
            Sent::answer(SYN | ACK, 9000, 1001, 0),
            Sent::request(ACK, 1001, 9001, 0),
            Sent::answer(ACK | 8, 9001, 1001, 100),
        ]) {
            traffic.send(&road, i64::from(turn) * MS, MS / 4, Sent { stamps: Some((turn, turn - 1)), ..sent });
        }
        let hour = 3_600_000 * MS;
        let ahead = clocks::ahead(&traffic.by_point(2, &[0, hour]));
        assert_eq!(ahead[1], clocks::Ahead { nanoseconds: hour, one_way: false }, "{done:?}");
    }
    let mut traffic = Traffic::default();
    connection(&mut traffic, &translated(), 0, (1000, 9000));
    assert_eq!(clocks::ahead(&traffic.by_point(2, &[0, 7 * MS]))[1].nanoseconds, 7 * MS);
}
