//! Packets of one direction where the other one alone was seen: missing, on another road, or not to be told.

use super::roads::{MS, Sent, Stop, Traffic};
use super::{ACK, SYN, clocks};
use crate::model::trace::Traced;

const PLACES: [&str; 3] = ["client", "node", "pod"];

fn road() -> Vec<Stop> {
    vec![
        Stop::new(0, "10.0.0.1:40000", "10.0.0.9:80"),
        Stop::new(1, "10.0.0.1:40000", "10.0.0.9:80"),
        Stop::new(2, "10.9.0.1:31000", "10.1.0.9:8080"),
    ]
}

/// Captures run on: other traffic passes them before and after.
fn others(traffic: &mut Traffic, at: &[i64]) {
    let road = [0, 1, 2].map(|point| Stop::new(point, "10.0.0.7:999", "10.0.0.9:999"));
    for (turn, at) in (1_u32..).zip(at) {
        traffic.datagram(&road, *at, false, 7 + turn, turn);
    }
}

/// Of each place that the answers passed or should have passed: packets, and those that are missing.
fn answers(traced: &Traced) -> Vec<(&str, u64, u64)> {
    traced.answer.iter().map(|hop| (hop.point.as_str(), hop.packets, hop.missing)).collect()
}

fn of_tcp(traced: &[Traced]) -> &Traced {
    traced.iter().find(|traced| traced.protocol == "tcp").unwrap()
}

#[test]
fn answers_that_pass_no_place_of_their_requests_are_missing_there() {
    // They die right behind the pod, or behind the node.
    for (passes, expected) in
        [(1, [("pod", 3, 0), ("node", 0, 3), ("client", 0, 3)]), (2, [("pod", 3, 0), ("node", 3, 0), ("client", 0, 3)])]
    {
        let mut traffic = Traffic::default();
        others(&mut traffic, &[-1000 * MS, 9000 * MS]);
        for second in [0, 1000, 3000] {
            traffic.send(&road(), second * MS, MS / 4, Sent::request(SYN, 1000, 0, 0));
            traffic.send(&road(), second * MS + MS, MS / 4, Sent { passes, ..Sent::answer(SYN | ACK, 7000, 1001, 0) });
        }
        let joined = traffic.join(&PLACES, &[]);
        joined.assert_true();
        let traced = of_tcp(&joined.traced);
        assert_eq!(answers(traced), expected);
        assert!(traced.missing.iter().all(|missing| missing.answer && missing.what == "SYN-ACK" && !missing.seen_later));
        assert!(traced.noted.iter().any(|noted| noted.contains("no answer was seen at")), "{:?}", traced.noted);
        assert_eq!(joined.summary.whole, 1, "the datagrams alone were seen everywhere");
    }
}

#[test]
fn datagrams_that_are_answered_at_one_place_alone_miss_their_answer_elsewhere() {
    let mut traffic = Traffic::default();
    others(&mut traffic, &[-1000 * MS, 9000 * MS]);
    for turn in 0..2_u32 {
        traffic.datagram(&road(), i64::from(turn) * 100 * MS, false, 70 + turn, 500 + turn);
        traffic.datagram(&road()[2..], i64::from(turn) * 100 * MS + 2 * MS, true, 90 + turn, 600 + turn);
    }
    let joined = traffic.join(&PLACES, &[]);
    let traced = joined.traced.iter().find(|traced| !traced.answer.is_empty()).unwrap();
    assert_eq!(answers(traced), [("pod", 2, 0), ("node", 0, 2), ("client", 0, 2)]);
}

#[test]
fn requests_that_stay_behind_where_answers_pass_are_missing() {
    let mut traffic = Traffic::default();
    others(&mut traffic, &[-1000 * MS, 9000 * MS]);
    // Blocks of data come from a port of their own, and what acknowledges them goes nowhere.
    let back: Vec<Stop> = [0, 1, 2].map(|point| Stop::new(point, "10.0.0.1:40000", "10.1.0.9:40123")).into();
    for turn in 0..2_u32 {
        traffic.datagram(&back, i64::from(turn) * 100 * MS, true, 70 + turn, 500 + turn);
        traffic.datagram(&back[..1], i64::from(turn) * 100 * MS + 2 * MS, false, 90 + turn, 600 + turn);
    }
    let joined = traffic.join(&PLACES, &[]);
    let traced = joined.traced.iter().find(|traced| !traced.answer.is_empty() && !traced.request.is_empty()).unwrap();
    let missing: u64 = traced.request.iter().chain(&traced.answer).map(|hop| hop.missing).sum();
    assert_eq!(missing, 4, "{traced:?}");
}

#[test]
fn answers_that_were_acknowledged_took_another_road() {
    let mut traffic = Traffic::default();
    others(&mut traffic, &[-1000 * MS, 9000 * MS]);
    let (whole, direct) = (road(), [road()[2].clone()]);
    traffic.send(&whole[1..], 0, MS / 4, Sent::request(SYN, 1000, 0, 0));
    traffic.send(&direct, MS, 0, Sent::answer(SYN | ACK, 7000, 1001, 0));
    traffic.send(&whole[1..], 2 * MS, MS / 4, Sent::request(ACK, 1001, 7001, 0));
    let joined = traffic.join(&PLACES, &[]);
    let traced = of_tcp(&joined.traced);
    assert_eq!(answers(traced), [("pod", 1, 0)]);
    assert!(traced.missing.is_empty() && traced.noted.len() == 1, "{:?}", traced.noted);
    assert!(traced.noted[0].contains("no answer was seen at node, where its requests pass, and it was acknowledged all the same"));
}

#[test]
fn whether_datagrams_that_left_by_another_interface_come_by_is_not_told() {
    let mut traffic = Traffic::default();
    others(&mut traffic, &[-1000 * MS, 9000 * MS]);
    let mut aside = road()[2].clone();
    aside.interface = 8;
    aside.server.1 = 80;
    traffic.datagram(&road(), 0, false, 70, 500);
    // The answer is seen where the request was, and then on an interface that no request came by.
    traffic.datagram(&[aside, road()[2].clone()], 2 * MS, true, 90, 600);
    let joined = traffic.join(&PLACES, &[]);
    let traced = joined.traced.iter().find(|traced| !traced.answer.is_empty()).unwrap();
    assert!(traced.answer.iter().all(|hop| hop.missing == 0), "{traced:?}");
    assert!(traced.not_joined.iter().any(|said| said.contains("one direction alone was seen at client, node")), "{:?}", traced.not_joined);
}

#[test]
fn one_direction_tells_no_clock_from_its_road() {
    for (delay, expected) in [(40 * MS, 0), (4000 * MS, 4000 * MS)] {
        let mut traffic = Traffic::default();
        for turn in 0..4_u32 {
            // Two hosts, whose ports go up and down.
            let ends = [("10.0.0.1:40000", "10.0.0.9:80"), ("10.0.0.2:514", "10.0.0.9:514")][turn as usize % 2];
            let road = [0, 1].map(|point| Stop::new(point, ends.0, ends.1));
            traffic.send(&road, i64::from(turn) * MS, delay, Sent { stamps: Some((turn + 1, 0)), ..Sent::request(SYN, 1000, 0, 0) });
        }
        let ahead = clocks::ahead(&traffic.by_point(2, &[0, 0]));
        assert_eq!(ahead[1], clocks::Ahead { nanoseconds: expected, one_way: expected != 0 });
    }
}

#[test]
fn answers_that_came_after_a_long_while_were_missing_before() {
    let mut traffic = Traffic::default();
    others(&mut traffic, &[-1000 * MS, 200_000 * MS]);
    for (turn, at) in (0_u32..).zip([0, 60_000, 120_000]) {
        let passes = if turn < 2 { 1 } else { 3 };
        traffic.send(&road(), at * MS, MS / 4, Sent { stamps: Some((turn + 1, 0)), ..Sent::request(SYN, 1000, 0, 0) });
        let answer = Sent { stamps: Some((turn + 7, turn + 1)), passes, ..Sent::answer(SYN | ACK, 7000, 1001, 0) };
        traffic.send(&road(), at * MS + MS, MS / 4, answer);
    }
    traffic.send(&road(), 120_003 * MS, MS / 4, Sent { stamps: Some((9, 9)), ..Sent::request(ACK, 1001, 7001, 0) });
    let joined = traffic.join(&PLACES, &[]);
    joined.assert_true();
    let traced = of_tcp(&joined.traced);
    assert_eq!(answers(traced), [("pod", 3, 0), ("node", 1, 2), ("client", 1, 2)]);
    assert_eq!(traced.missing.len(), 4, "{:?}", traced.missing);
}
