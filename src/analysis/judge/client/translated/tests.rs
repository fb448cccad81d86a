//! c2's requests come to n2 with another address than its own.

use serde_json::json;

use crate::analysis::judge::{Case, judge};
use crate::analysis::read::objects;
use crate::model::capture::{Capture, CaptureRequest};
use crate::model::connection::{Connection, Hop, Sighting};
use crate::model::finding::Severity;
use crate::model::flow::Flow;
use crate::model::packet::Passage;
use crate::model::place::{Host, HostKind, Place};
use crate::model::probe::{Attempt, Ending, Probe, Speech, Vantage};

const VIP: &str = "10.88.64.100";
const FIRST: &str = "10.88.64.50";
const SECOND: &str = "10.88.192.50";

fn place(name: &str, kind: HostKind) -> Place {
    Place::Host(Host { name: name.to_owned(), address: String::new(), kind })
}

/// One try of a client: its own address, the one that n2 sees, and whether it is answered.
fn connection(client: &str, own: &str, seen: &str, answered: bool) -> Connection {
    let hop = |place: &str, passage, source: &str| Hop {
        place: place.to_owned(),
        interface: "eth0".to_owned(),
        passage,
        request: true,
        what: Sighting::Syn,
        source: (source.parse().unwrap(), 20_000),
        destination: (VIP.parse().unwrap(), 443),
        tunnel: None,
        outer: None,
        source_mac: Some(if passage == Passage::In { "02:00:00:00:00:01" } else { "02:00:00:00:00:50" }.to_owned()),
        sequence: 7,
        length: 0,
        ttl: None,
        at: 1,
    };
    let ending = if answered { Ending::Answered } else { Ending::ConnectTimeout };
    Connection {
        vantage: Vantage::Ssh(client.to_owned()),
        attempt: Attempt { source: own.parse().ok(), source_port: 20_000, ending, ..Attempt::sample() },
        hops: vec![hop(client, Passage::Out, own), hop("n2", Passage::In, seen)],
        pod: None,
        not_joined: None,
    }
}

/// The findings about clients, with their severity and first culprit.
fn said(connections: Vec<Connection>, ranges: &[&str]) -> Vec<(String, Severity, String)> {
    let service =
        objects::service(&json!({"metadata": {"namespace": "a", "name": "web"}, "spec": {"type": "LoadBalancer", "ports": [{"port": 443}],
        "loadBalancerSourceRanges": ranges}, "status": {"loadBalancer": {"ingress": [{"ip": VIP}]}}}));
    let probe = |one: &Connection| Probe {
        attempts: vec![one.attempt.clone()],
        ..Probe::new(one.vantage.clone(), VIP.parse().unwrap(), 443, Speech::Tcp)
    };
    let places = [place("n2", HostKind::Node), place("c1", HostKind::Client), place("c2", HostKind::Client)];
    let flow = Flow {
        captures: places.map(|place| Capture::sample(CaptureRequest::sample(place), 9, 0)).to_vec(),
        probes: connections.iter().map(probe).collect(),
        connections,
        ..Flow::default()
    };
    let case = Case { service: &service, announcement: None, target: None, flow: Some(&flow), closer: None, gaps: &[] };
    let of_clients = judge(&case).findings.into_iter().filter(|finding| finding.name.contains("client"));
    of_clients.map(|finding| (finding.name, finding.severity, finding.culprits[0].to_string())).collect()
}

#[test]
fn answers_to_an_address_that_another_client_has_go_there() {
    let first = || connection("c1", FIRST, FIRST, true);
    let expected = ("client/translated".to_owned(), Severity::Fail, "mac/02:00:00:00:00:01".to_owned());
    assert_eq!(said(vec![first(), connection("c2", SECOND, FIRST, false)], &[]), [expected]);
    // An address that nobody is known to have is no cause by itself, and neither is one whose holder is not answered himself.
    assert_eq!(said(vec![first(), connection("c2", SECOND, "10.88.64.1", false)], &[]), []);
    assert_eq!(said(vec![connection("c1", FIRST, FIRST, false), connection("c2", SECOND, FIRST, false)], &[]), []);
}

#[test]
fn a_client_that_is_translated_and_answered_is_told_for_information() {
    let expected = ("client/translated".to_owned(), Severity::Info, "mac/02:00:00:00:00:01".to_owned());
    assert_eq!(said(vec![connection("c1", FIRST, FIRST, true), connection("c2", SECOND, "10.88.64.1", true)], &[]), [expected]);
    assert_eq!(said(vec![connection("c1", FIRST, FIRST, true), connection("c2", SECOND, SECOND, true)], &[]), []);
}

#[test]
fn source_ranges_go_by_the_address_that_comes() {
    let said = |seen: &str| said(vec![connection("c2", SECOND, seen, false)], &["10.88.64.0/24"]);
    assert_eq!(said("10.88.64.1"), [], "the ranges hold what kube-proxy sees");
    assert_eq!(said(SECOND)[0].0, "client/source-range");
}
