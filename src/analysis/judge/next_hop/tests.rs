//! Three nodes announce; a router spreads connections over them.

use serde_json::json;

use super::{fails, hidden, unproven};
use crate::analysis::judge::rule::Log;
use crate::analysis::judge::{Case, judge};
use crate::analysis::read::objects;
use crate::analysis::state::closer::Closer;
use crate::analysis::state::place_state::StatePair;
use crate::analysis::state::sections::place_state;
use crate::model::announcement::{Agreement, Announcement, History, Spared};
use crate::model::bgp::Bgp;
use crate::model::capture::{Capture, CaptureRequest};
use crate::model::connection::{Connection, Hop, Sighting};
use crate::model::flow::Flow;
use crate::model::metallb::Metallb;
use crate::model::packet::Passage;
use crate::model::place::{HostKind, Place};
use crate::model::probe::{Attempt, Ending, Probe, Vantage};
use crate::model::service::Service;

const CLIENT: &str = "10.88.192.50";
const ADDRESS: &str = "10.88.100.10";

/// How far a connection came.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    Answered,
    /// The node took it, and nothing left.
    InTheNode,
    /// The node sent it on to a pod.
    BeyondTheNode,
}

fn host(name: &str, kind: HostKind) -> Place {
    Place::sample(name, kind)
}

fn capture(name: &str, kind: HostKind) -> Capture {
    Capture::sample(CaptureRequest::sample(host(name, kind)), 9, 0)
}

fn hop(place: &str, passage: Passage, request: bool, what: Sighting, to_pod: bool) -> Hop {
    let client = (CLIENT.parse().unwrap(), 20_000);
    let service = if to_pod { ("10.88.129.7".parse().unwrap(), 4_180) } else { (ADDRESS.parse().unwrap(), 443) };
    let seen = Hop::sample(place, passage, client, service);
    Hop { interface: "mlb".into(), what, ..if request { seen } else { seen.back() } }
}

fn connection(number: u32, node: &str, way: Way) -> Connection {
    let mut hops = vec![hop("c2", Passage::Out, true, Sighting::Syn, false), hop(node, Passage::In, true, Sighting::Syn, false)];
    if way == Way::BeyondTheNode {
        hops.push(hop(node, Passage::Out, true, Sighting::Syn, true));
    }
    if way == Way::Answered {
        hops.push(hop(node, Passage::Out, false, Sighting::SynAck, false));
        hops.push(hop("c2", Passage::In, false, Sighting::SynAck, false));
    }
    let attempt = Attempt {
        number,
        source: CLIENT.parse().ok(),
        source_port: 20_000,
        ending: if way == Way::Answered { Ending::Answered } else { Ending::ConnectTimeout },
        ..Attempt::sample()
    };
    Connection { vantage: Vantage::Ssh("c2".into()), attempt, hops, pod: None, not_joined: None }
}

fn service() -> Service {
    objects::service(&json!({"metadata": {"namespace": "web", "name": "bgp"}, "spec": {"type": "LoadBalancer", "ports": [{"port": 443}]},
        "status": {"loadBalancer": {"ingress": [{"ip": ADDRESS}]}}}))
}

fn announcement(protocol: &str) -> Announcement {
    let names = || ["n1", "n2", "n3"].map(str::to_owned).to_vec();
    let bgp: Bgp = serde_json::from_value(json!({"mode": "native", "advertisements": ["bgp"], "candidates": names(), "excluded": [],
        "nodes": [], "prefixes": [], "peers": [], "peers_read": true, "router": null}))
    .unwrap();
    Announcement {
        address: ADDRESS.parse().ok(),
        addresses: vec![ADDRESS.parse().unwrap()],
        service: "web/bgp".into(),
        protocol: protocol.into(),
        // n3's session is not known to work, which does not keep a router from sending there.
        nodes: vec!["n1".into(), "n2".into()],
        pod: None,
        expected: None,
        candidates: Vec::new(),
        excluded: Vec::new(),
        layer2: false,
        sides: Vec::new(),
        agreement: Agreement::Several,
        because: String::new(),
        logs: [].into(),
        metrics: [].into(),
        wire: None,
        history: History::default(),
        bgp: Some(bgp),
        interfaces: Vec::new(),
        pool: Some("bgp".into()),
        advertisements: Vec::new(),
        metallb: Metallb::default(),
        nodes_seen: Vec::new().into(),
        now: String::new(),
        unread: Vec::new(),
        spared: Spared::default(),
    }
}

fn flow(ways: &[(&str, Way)]) -> Flow {
    let connections: Vec<Connection> = (1..).zip(ways).map(|(number, (node, way))| connection(number, node, *way)).collect();
    let attempts = connections.iter().map(|connection| connection.attempt.clone()).collect();
    let probe = Probe { vantage: Vantage::Ssh("c2".into()), ..Probe::sample(ADDRESS, attempts) };
    let captures = ["n1", "n2", "n3"].map(|name| capture(name, HostKind::Node)).into_iter().chain([capture("c2", HostKind::Client)]);
    Flow { captures: captures.collect(), probes: vec![probe], arp: Vec::new(), connections, ..Flow::default() }
}

fn state(node: &str, sections: &str) -> StatePair {
    StatePair::unchanged(place_state(host(node, HostKind::Node), sections))
}

fn with<T>(protocol: &str, ways: &[(&str, Way)], states: Vec<StatePair>, then: impl Fn(&Case) -> T) -> T {
    let (service, announcement, flow) = (service(), announcement(protocol), flow(ways));
    let closer = Closer { states, again: Flow::default(), ..Closer::default() };
    then(&Case { service: &service, announcement: Some(&announcement), target: None, flow: Some(&flow), closer: Some(&closer), gaps: &[] })
}

#[test]
fn the_node_whose_connections_alone_fail_is_named() {
    let ways = [("n1", Way::InTheNode), ("n2", Way::Answered), ("n1", Way::InTheNode), ("n3", Way::Answered)];
    let finding = with("bgp", &ways, Vec::new(), fails).unwrap();
    assert_eq!((finding.name.as_str(), finding.culprits[0].to_string().as_str()), ("bgp/next-hop-fails", "node/n1"));
    assert!(finding.scope.unwrap().contains("the router sent the failing ones to n1"));
}

#[test]
fn what_does_not_single_out_one_node_names_none() {
    use Way::{Answered, BeyondTheNode, InTheNode};
    for (why, ways) in [
        ("one try is too few", vec![("n1", InTheNode), ("n2", Answered)]),
        ("two nodes fail", vec![("n1", InTheNode), ("n1", InTheNode), ("n2", InTheNode), ("n3", Answered)]),
        ("the node answers others", vec![("n1", InTheNode), ("n1", InTheNode), ("n1", Answered), ("n2", Answered)]),
        ("nobody is answered", vec![("n1", InTheNode), ("n1", InTheNode)]),
        ("it went on to a pod", vec![("n1", BeyondTheNode), ("n1", BeyondTheNode), ("n2", Answered)]),
    ] {
        assert!(with("bgp", &ways, Vec::new(), fails).is_none(), "{why}");
    }
    let ways = [("n1", InTheNode), ("n1", InTheNode), ("n2", Answered)];
    assert!(with("layer2", &ways, Vec::new(), fails).is_none(), "at layer 2 no router chooses");
}

#[test]
fn a_next_hop_that_no_try_met_is_looked_at_all_the_same() {
    let ways = [("n1", Way::Answered), ("n2", Way::Answered)];
    let states = || {
        vec![
            state("n1", "=== settings\nnet/ipv4/ip_forward = 0\n=== end 0\n"),
            state("n3", &format!("=== route-get\n{CLIENT},, => RTNETLINK answers: Network is unreachable \n=== end 0\n")),
        ]
    };
    let found = with("bgp", &ways, states(), |case| hidden(case, &Log::default()));
    // n1 answers, whatever its settings look like.
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].name.as_str(), found[0].culprits[0].to_string().as_str()), ("route/return-missing", "node/n3/route/10.88.192.50"));
    assert!(with("layer2", &ways, states(), |case| hidden(case, &Log::default())).is_empty());
    // Nobody is hurt yet.
    let judged = with("bgp", &ways, states(), judge);
    let latent = judged.findings.iter().find(|finding| finding.name == "route/return-missing").unwrap();
    assert_eq!(latent.severity, crate::model::finding::Severity::Warn);
}

#[test]
fn a_next_hop_that_no_try_met_is_an_open_question_and_no_more() {
    let told = |case: &Case| {
        let mut gaps = Vec::new();
        unproven(case, &mut gaps);
        gaps
    };
    let gaps = with("bgp", &[("n1", Way::Answered), ("n2", Way::Answered)], Vec::new(), told);
    assert_eq!((gaps[0].name.as_str(), gaps[0].decisive), ("evidence/next-hop-not-reached", false));
    assert!(gaps[0].reason.ends_with("to n3"));
    assert!(with("bgp", &[("n1", Way::Answered), ("n2", Way::Answered), ("n3", Way::Answered)], Vec::new(), told).is_empty());
}

#[test]
fn a_node_whose_capture_lost_packets_may_have_taken_a_try_all_the_same() {
    let (service, announcement) = (service(), announcement("bgp"));
    let mut flow = flow(&[("n1", Way::Answered), ("n2", Way::Answered)]);
    for capture in flow.captures.iter_mut().filter(|capture| capture.request.place.to_string() == "n3") {
        capture.counters.dropped_by_kernel = Some(1);
    }
    let no_way = format!("=== route-get\n{CLIENT},, => RTNETLINK answers: Network is unreachable \n=== end 0\n");
    let closer = Closer { states: vec![state("n3", &no_way)], again: Flow::default(), ..Closer::default() };
    let case =
        Case { service: &service, announcement: Some(&announcement), target: None, flow: Some(&flow), closer: Some(&closer), gaps: &[] };
    let mut gaps = Vec::new();
    unproven(&case, &mut gaps);
    assert!(hidden(&case, &Log::default()).is_empty() && gaps.is_empty(), "{gaps:?}");
}
