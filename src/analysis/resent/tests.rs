//! Which part of a late connection belongs to the packets that were lost.

use super::*;
use crate::model::capture::CaptureRequest;
use crate::model::clock::ClockOffset;
use crate::model::probe::Vantage;

const SECOND: i64 = 1_000_000_000;

fn capture(name: &str, kind: HostKind) -> Capture {
    let place = Place::sample(name, kind);
    Capture::sample(CaptureRequest::sample(place), 9, 0)
}

fn syn(place: &str, interface: &str, passage: Passage, at: i64) -> Hop {
    let ends = (("10.9.9.9".parse().unwrap(), 20_000), ("10.0.0.1".parse().unwrap(), 443));
    Hop { interface: interface.into(), at, ..Hop::sample(place, passage, ends.0, ends.1) }
}

fn clocks(hosts: &[(&str, u64)]) -> Offsets {
    let offset = |(host, error_us): &(&str, u64)| {
        ((*host).to_owned(), ClockOffset { host: (*host).to_owned(), ahead_us: 0, error_us: *error_us, took_ms: 1 })
    };
    Offsets(hosts.iter().map(offset).collect())
}

/// The sightings, as place and time, of what was lost.
fn lost(hops: &[Hop], ending: Ending, clocks: &Offsets) -> Vec<Vec<(String, i64)>> {
    let attempt = Attempt { source: "10.9.9.9".parse().ok(), source_port: 20_000, ending, ..Attempt::sample() };
    let connection =
        Connection { vantage: Vantage::Ssh("c1".into()), attempt, hops: hops.to_vec(), pod: Some("web-1".into()), not_joined: None };
    let captures = [capture("c1", HostKind::Client), capture("n2", HostKind::Node), capture("n3", HostKind::Node)];
    let resent = resent(&[connection], &captures, clocks);
    assert!(resent.iter().all(|lost| !lost.attempt.answered() && lost.pod.is_none()));
    resent.into_iter().map(|lost| lost.hops.into_iter().map(|hop| (hop.place, hop.at)).collect()).collect()
}

/// The first packet came to n2 and no further, the second one went to a pod on n3.
fn sent_twice() -> Vec<Hop> {
    vec![
        syn("c1", "eth0", Passage::Out, 0),
        syn("n2", "mlb", Passage::In, 1_000),
        syn("c1", "eth0", Passage::Out, SECOND),
        syn("n2", "mlb", Passage::In, SECOND + 1_000),
        syn("n2", "vxlan.calico", Passage::Out, SECOND + 2_000),
        syn("n3", "vxlan.calico", Passage::In, SECOND + 3_000),
    ]
}

#[test]
fn what_came_with_the_packet_that_was_answered_is_left_out() {
    let known = clocks(&[("c1", 100), ("n2", 900), ("n3", 900)]);
    assert_eq!(lost(&sent_twice(), Ending::Answered, &known), [[("c1".to_owned(), 0), ("n2".to_owned(), 1_000)]]);
}

#[test]
fn a_try_that_failed_is_told_of_as_it_is() {
    assert!(lost(&sent_twice(), Ending::ConnectTimeout, &clocks(&[("c1", 100), ("n2", 900), ("n3", 900)])).is_empty());
}

#[test]
fn where_a_clock_is_unknown_or_vague_nothing_is_told() {
    assert!(lost(&sent_twice(), Ending::Answered, &clocks(&[("c1", 100), ("n2", 900)])).is_empty());
    assert!(lost(&sent_twice(), Ending::Answered, &clocks(&[("c1", 100), ("n2", 400_000), ("n3", 900)])).is_empty());
}

#[test]
fn one_packet_on_two_interfaces_of_its_host_was_sent_once() {
    let hops = [syn("c1", "bond0", Passage::Out, 0), syn("c1", "eth0", Passage::Out, 5_000), syn("n2", "mlb", Passage::In, 9_000)];
    assert!(lost(&hops, Ending::Answered, &clocks(&[("c1", 100), ("n2", 900)])).is_empty());
}
