//! Answers that come after a silence, on a node that forgets sooner or later than that.

use serde_json::json;

use super::forgotten;
use crate::analysis::judge::Case;
use crate::analysis::judge::road::Road;
use crate::analysis::read::objects;
use crate::analysis::state::closer::Closer;
use crate::analysis::state::place_state::StatePair;
use crate::analysis::state::sections::place_state;
use crate::model::connection::{Connection, Hop, Sighting};
use crate::model::finding::Finding;
use crate::model::flow::Flow;
use crate::model::packet::Passage;
use crate::model::place::{HostKind, Place};
use crate::model::probe::{Attempt, Ending, Probe, Speech, Vantage};

const SECOND: i64 = 1_000_000_000;

/// A packet on n3: towards the pod or back, in by one interface and out by the other unless it is lost.
fn passes(request: bool, what: Sighting, sequence: u32, at: i64, lost: bool) -> Vec<Hop> {
    let outside = Hop::sample("n3", Passage::In, ("10.9.9.9".parse().unwrap(), 20_000), ("10.0.0.1".parse().unwrap(), 443));
    let inside = Hop::sample("n3", Passage::Out, ("10.88.131.255".parse().unwrap(), 9), ("10.88.129.14".parse().unwrap(), 4180));
    let length = if what == Sighting::Data { 82 } else { 0 };
    let seen = |hop: Hop, at: i64| Hop { what, sequence, length, at, ..hop };
    if request {
        return vec![seen(outside, at), seen(inside, at + 1)];
    }
    let came = seen(Hop { passage: Passage::In, ..inside.back() }, at);
    let left = seen(Hop { passage: Passage::Out, ..outside.back() }, at + 1);
    if lost { vec![came] } else { vec![came, left] }
}

/// A connection whose answer's data comes after so many tenths of a second.
fn connected(tenths: i64, lost: bool) -> Vec<Hop> {
    let mut hops = passes(true, Sighting::Syn, 1, 0, false);
    hops.extend(passes(false, Sighting::SynAck, 1, 100, false));
    hops.extend(passes(true, Sighting::Data, 2, 200, false));
    hops.extend(passes(false, Sighting::Ack, 2, 300, false));
    hops.extend(passes(false, Sighting::Data, 2, 300 + tenths * SECOND / 10, lost));
    // What is sent again comes no better.
    hops.extend(passes(false, Sighting::Data, 2, 300 + (tenths + 2) * SECOND / 10, lost));
    hops
}

/// A first packet whose answer comes after so many tenths of a second; a datagram's, or a handshake's.
fn asked(what: (Sighting, Sighting), tenths: i64, lost: bool) -> Vec<Hop> {
    let mut hops = passes(true, what.0, 1, 0, false);
    hops.extend(passes(false, what.1, 1, tenths * SECOND / 10, lost));
    hops
}

fn judged(lost: &[Vec<Hop>], through: &[Vec<Hop>], udp: bool, settings: [&str; 2], taken: bool) -> Option<Finding> {
    let service = objects::service(&json!({"metadata": {"namespace": "a", "name": "web"}, "spec": {"type": "LoadBalancer"},
        "status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}}}));
    let vantage = Vantage::Ssh("c1".into());
    let connection = |hops: &Vec<Hop>, ending| Connection {
        vantage: vantage.clone(),
        ..Connection::sample(Attempt { ending, ..Attempt::sample() }, hops.clone())
    };
    let connections: Vec<Connection> = lost
        .iter()
        .map(|hops| connection(hops, Ending::AnswerTimeout))
        .chain(through.iter().map(|hops| connection(hops, Ending::Answered)))
        .collect();
    let speech = if udp { Speech::Udp } else { Speech::Https };
    let probe = Probe { vantage: vantage.clone(), speech, ..Probe::sample("10.0.0.1", Vec::new()) };
    let state = |text: &str| place_state(Place::sample("n3", HostKind::Node), &format!("=== settings\n{text}\n=== end 0\n"));
    let pair = StatePair { before: state(settings[0]), after: state(settings[1]) };
    let closer = Closer { again: Flow { connections, probes: vec![probe], ..Flow::default() }, ..Closer::default() };
    let case = Case { service: &service, announcement: None, target: None, flow: None, closer: Some(&closer), gaps: &[] };
    let roads = case.roads();
    let failing: Vec<&Road> = roads.iter().filter(|road| !road.connection.attempt.answered()).collect();
    forgotten(&case, &pair, "n3", &failing, taken)
}

const ESTABLISHED: [&str; 2] = ["net/netfilter/nf_conntrack_tcp_timeout_established = 1"; 2];

#[test]
fn an_answer_that_comes_later_than_the_table_remembers() {
    let found = judged(&[connected(15, true), connected(17, true)], &[connected(8, false)], false, ESTABLISHED, true).unwrap();
    assert_eq!(found.name, "node/conntrack-timeout");
    assert_eq!(found.culprits[0].to_string(), "node/n3/sysctl/net.netfilter.nf_conntrack_tcp_timeout_established");
    assert!(
        found.evidence[0].contains("after 1.4 s to 1.6 s") || found.evidence[0].contains("after 1.5 s to 1.7 s"),
        "{:?}",
        found.evidence
    );
    assert!(found.next.contains("sysctl -w net.netfilter.nf_conntrack_tcp_timeout_established=432000"), "{}", found.next);
}

#[test]
fn the_same_of_datagrams_and_of_handshakes() {
    let datagram = (Sighting::Data, Sighting::Data);
    let udp = ["net/netfilter/nf_conntrack_udp_timeout = 2\nnet/netfilter/nf_conntrack_udp_timeout_stream = 120"; 2];
    let found = judged(&[asked(datagram, 25, true)], &[asked(datagram, 5, false)], true, udp, true).unwrap();
    assert!(found.summary.contains("2 s (net.netfilter.nf_conntrack_udp_timeout)"), "{}", found.summary);
    let syn = ["net/netfilter/nf_conntrack_tcp_timeout_syn_sent = 1"; 2];
    let found = judged(&[asked((Sighting::Syn, Sighting::SynAck), 12, true)], &[], false, syn, true).unwrap();
    assert!(found.summary.contains("nf_conntrack_tcp_timeout_syn_sent"), "{}", found.summary);
}

#[test]
fn an_answer_in_time_or_one_that_came_through_as_late_is_lost_for_something_else() {
    let lost = [connected(15, true)];
    assert!(judged(&lost, &[], false, ESTABLISHED, true).is_some());
    let beside = [
        // Sooner than that; another one as late came through; one of the lost is lost at once.
        judged(&[connected(7, true)], &[], false, ESTABLISHED, true),
        judged(&lost, &[connected(14, false)], false, ESTABLISHED, true),
        judged(&[connected(15, true), connected(2, true)], &[], false, ESTABLISHED, true),
        // The setting was not read, is another one, or was changed meanwhile.
        judged(&lost, &[], false, [""; 2], true),
        judged(&lost, &[], false, ["net/netfilter/nf_conntrack_tcp_timeout_syn_sent = 1"; 2], true),
        judged(&lost, &[], false, [ESTABLISHED[0], "net/netfilter/nf_conntrack_tcp_timeout_established = 86400"], true),
        // Nothing takes there what belongs to no connection.
        judged(&lost, &[], false, ESTABLISHED, false),
        // It left the node.
        judged(&[connected(15, false)], &[], false, ESTABLISHED, true),
    ];
    for (number, found) in beside.iter().enumerate() {
        assert!(found.is_none(), "{number}: {found:#?}");
    }
}
