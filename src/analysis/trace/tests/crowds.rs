//! Floods of packets that look the same, or that come in very many pieces. What is found for each packet of a flood is compared with what
//! is found for as many that differ: no time is measured against the clock.

use std::time::{Duration, Instant};

use super::roads::{Joined, MS, Sent, Stop, Traffic};
use super::{ACK, NODE, POD, POINTS, SYN, connection, translated};

const MANY: u32 = 60_000;

fn timed(traffic: Traffic) -> (Joined, Duration) {
    let began = Instant::now();
    let joined = traffic.join(&POINTS, &[]);
    (joined, began.elapsed())
}

/// Many packets along a road, within a few seconds.
fn flood(road: &[Stop], sent: impl Fn(u32) -> Sent) -> Traffic {
    let mut traffic = Traffic::default();
    for number in 0..MANY {
        traffic.send(road, i64::from(number) * MS / 20, MS / 100, sent(number));
    }
    traffic
}

/// That nothing is called lost, and what is not joined is said.
fn nothing_lost(joined: &Joined) {
    for traced in &joined.traced {
        let lost: u64 = traced.request.iter().chain(&traced.answer).map(|hop| hop.missing + hop.not_captured).sum();
        assert_eq!((lost, traced.missing.len()), (0, 0), "{:?}", traced.not_joined);
    }
}

#[test]
fn packets_of_one_number_cost_hardly_more_than_packets_of_many() {
    let (_, different) = timed(flood(&translated(), |number| Sent::request(ACK, 1000 + number, 5000, 0)));
    let (joined, same) = timed(flood(&translated(), |_| Sent::request(ACK, 1000, 5000, 0)));
    assert!(same < different * 30 + Duration::from_secs(5), "{same:?} against {different:?}");
    assert_eq!(joined.summary.points.iter().map(|point| point.packets).collect::<Vec<_>>(), [u64::from(MANY); 2]);
    nothing_lost(&joined);
    joined.assert_true();
}

#[test]
fn what_is_not_joined_of_a_flood_is_not_called_lost() {
    let mut traffic = Traffic::default();
    connection(&mut traffic, &translated(), 0, (1000, 9000));
    // All of it at one place first: what comes to the other cannot be told apart any more.
    for (turn, stop) in (0_i64..).zip(translated()) {
        for number in 0..1000 {
            traffic.send(std::slice::from_ref(&stop), (100 + turn * 1000 + number) * MS, 0, Sent::request(ACK, 7000, 5000, 0));
        }
    }
    let joined = traffic.join(&POINTS, &[]);
    nothing_lost(&joined);
    let said: Vec<&String> = joined.traced.iter().flat_map(|traced| &traced.not_joined).collect();
    assert!(said.iter().any(|said| said.contains("too many packets look the same")), "{said:?}");
    assert_eq!(joined.summary.whole, 0);
}

#[test]
fn a_packet_that_a_flood_hides_is_still_lost_where_no_flood_is() {
    let mut traffic = Traffic::default();
    connection(&mut traffic, &translated(), 0, (1000, 9000));
    traffic.send(&translated(), 20 * MS, MS / 4, Sent { passes: 1, ..Sent::request(ACK | 8, 1101, 11_001, 50) });
    connection(&mut traffic, &translated(), 100 * MS, (50_000, 70_000));
    let joined = traffic.join(&POINTS, &[]);
    assert_eq!(joined.traced[0].missing.len(), 1);
}

#[test]
fn one_number_from_ever_other_ends_is_joined_to_none() {
    let road = |number: u32, ttl: u8| {
        let port = 1024 + number % 60_000;
        [(NODE, "10.1.0.1", "10.2.0.1:443"), (POD, "10.3.0.1", "10.4.0.1:8443")]
            .map(|(point, client, server)| Stop { ttl, ..Stop::new(point, &format!("{client}:{port}"), server) })
    };
    let sent = |number: u32, sequence: u32, ttl: u8| {
        let mut traffic = Traffic::default();
        (0..number).for_each(|at| {
            traffic.send(
                &road(at, ttl),
                i64::from(at) * MS / 20,
                MS / 100,
                Sent { identification: 7, ..Sent::request(SYN, 1000 + at * sequence, 0, 0) },
            );
        });
        traffic
    };
    let (_, different) = timed(sent(20_000, 1, 0));
    let (joined, same) = timed(sent(20_000, 0, 0));
    assert!(same < different * 50 + Duration::from_secs(5), "{same:?} against {different:?}");
    nothing_lost(&joined);
    assert!(joined.traced.iter().any(|traced| !traced.not_joined.is_empty()));
    // Where times to live say that no two of one place are one packet, only their own counterparts are left.
    sent(2_000, 0, 64).join(&POINTS, &[]).assert_true();
}

#[test]
fn a_segment_that_is_cut_into_very_many_pieces_ends() {
    let mut road = translated();
    road[1].largest = 1;
    let mut traffic = Traffic::default();
    connection(&mut traffic, &translated(), 0, (1000, 9000));
    traffic.send(&road, 20 * MS, MS, Sent::request(ACK | 8, 1101, 11_001, 1_500));
    connection(&mut traffic, &translated(), 100 * MS, (50_000, 70_000));
    let joined = traffic.join(&POINTS, &[]);
    let traced = &joined.traced[0];
    assert_eq!(traced.request.iter().map(|hop| hop.missing).sum::<u64>(), 0, "{traced:?}");
    assert!(traced.not_joined.iter().any(|said| said.contains("were cut")), "{:?}", traced.not_joined);
}
