//! What captures that lost packets may and may not say about the way from the client to the node.

use serde_json::json;

use super::super::{Case, flow};
use crate::analysis::announcement::{Gathered, announcement};
use crate::analysis::judge::rule::Log;
use crate::analysis::read::objects;
use crate::analysis::state::closer::Closer;
use crate::analysis::state::place_state::StatePair;
use crate::analysis::state::sections::place_state;
use crate::model::announcement::{AddressLog, Announcement, History, LogState, ProtocolLog, Spared, SpeakerLog};
use crate::model::capture::{Capture, CaptureEnd, CaptureRequest};
use crate::model::connection::{Connection, Hop, Sighting};
use crate::model::finding::{Finding, Gap};
use crate::model::flow::{ArpAsk, Flow};
use crate::model::metallb::Metallb;
use crate::model::packet::{Arp, Body, Mac, Packet, Passage};
use crate::model::place::{Host, HostKind, Place};
use crate::model::probe::{Attempt, Ending, Probe, Speech, Vantage};
use crate::model::service::Service;

fn service() -> Service {
    objects::service(&json!({"metadata": {"namespace": "a", "name": "web"}, "spec": {"type": "LoadBalancer", "ports": [{"port": 443}]},
        "status": {"loadBalancer": {"ingress": [{"ip": "10.88.64.100"}]}}}))
}

/// n2 announces and is the only one that may.
fn announced(service: &Service) -> Announcement {
    let log = SpeakerLog {
        pod: "speaker-n2".to_owned(),
        node: "n2".to_owned(),
        complete: true,
        addresses: vec![AddressLog {
            protocols: vec![ProtocolLog {
                protocol: "layer2".to_owned(),
                state: LogState::Announced,
                at: None,
                since: None,
                reason: String::new(),
            }],
            ..AddressLog::silent("10.88.64.100".parse().unwrap())
        }],
        ..SpeakerLog::default()
    };
    let mut found = announcement(Gathered {
        service,
        target: None,
        nodes: vec![objects::node(&json!({"metadata": {"name": "n2"}}))].into(),
        metallb: Metallb::default(),
        logs: [log].into(),
        unread: Vec::new(),
        metrics: [].into(),
        wire: None,
        router: None,
        history: History::default(),
        spared: Spared::default(),
        now: "2026-11-24T11:00:00Z".to_owned(),
    });
    found.nodes = vec!["n2".to_owned()];
    found.candidates = vec!["n2".to_owned()];
    found
}

fn capture(name: &str, kind: HostKind, lost: u64, packets: Vec<Packet>) -> Capture {
    let place = Place::sample(name, kind);
    let arrived = packets.len() as u64;
    Capture { packets: packets.into_iter().collect(), ..Capture::sample(CaptureRequest::sample(place), arrived, lost) }
}

/// c1 asks by ARP who has the address.
fn asks(passage: Passage) -> Packet {
    let arp = Arp {
        reply: false,
        sender_mac: Mac([0x66, 0, 0, 0, 0, 0x50]),
        sender: "10.88.64.50".parse().unwrap(),
        target: "10.88.64.100".parse().unwrap(),
    };
    Packet { at: 1, interface: "eth0".into(), passage, source_mac: None, body: Body::Arp(arp), tunnel: None, outer: None, ttl: None }
}

fn round(ending: Ending, hops: Vec<Hop>, captures: Vec<Capture>) -> Flow {
    let attempt = Attempt { source: "10.88.64.50".parse().ok(), source_port: 20_000, ending, ..Attempt::sample() };
    let vantage = Vantage::Ssh("c1".into());
    let connection = Connection { vantage: vantage.clone(), attempt: attempt.clone(), hops, pod: None, not_joined: None };
    let probe: Probe = serde_json::from_value(json!({"vantage": vantage, "address": "10.88.64.100", "port": 443, "speech": Speech::Tcp,
        "attempts": [attempt], "tool": "python3", "error": null, "repeated": false}))
    .unwrap();
    Flow { captures, probes: vec![probe], connections: vec![connection], ..Flow::default() }
}

fn judged(first: &Flow, second: Flow) -> (Vec<Finding>, Vec<Gap>) {
    judged_with(Vec::new(), first, second)
}

/// The states of n2, which answers by ARP, and of c1.
fn states() -> Vec<StatePair> {
    let links = |mac: &str| format!("2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 state UP link/ether {mac} brd ff:ff:ff:ff:ff:ff");
    let of = |name: &str, kind, mac: &str, more: &str| {
        let place = Place::sample(name, kind);
        let state = place_state(place, &format!("=== links\n{}\n=== end 0\n{more}", links(mac)));
        StatePair::unchanged(state)
    };
    vec![of("n2", HostKind::Node, N2, ""), of("c1", HostKind::Client, "66:00:00:00:00:50", "=== neighbours\n=== end 0\n")]
}

const N2: &str = "66:00:00:00:00:02";

/// c1 asked by ARP, and this one answered.
fn answered_by(mac: &str, flow: Flow) -> Flow {
    let host = Host { name: "c1".into(), address: "c1".into(), kind: HostKind::Client };
    let pair = |mac: &str| vec![("eth0".to_owned(), mac.to_owned())];
    Flow { arp: vec![ArpAsk { host, asked: pair("66:00:00:00:00:50"), replies: pair(mac), error: None }], ..flow }
}

fn judged_with(states: Vec<StatePair>, first: &Flow, second: Flow) -> (Vec<Finding>, Vec<Gap>) {
    let service = service();
    let announcement = announced(&service);
    let closer = Closer { states, again: second, ..Closer::default() };
    let case =
        Case { service: &service, announcement: Some(&announcement), target: None, flow: Some(first), closer: Some(&closer), gaps: &[] };
    let (mut findings, mut gaps) = (Vec::new(), Vec::new());
    flow::findings(&case, &Log::default(), Vec::new(), &mut findings, &mut gaps);
    (findings, gaps)
}

fn names(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|finding| finding.name.as_str()).collect()
}

fn syn(place: &str, passage: Passage) -> Hop {
    Hop::sample(place, passage, ("10.88.64.50".parse().unwrap(), 20_000), ("10.88.64.100".parse().unwrap(), 443))
}

#[test]
fn arp_requests_that_a_whole_capture_did_not_see_were_lost() {
    let watched =
        |lost| vec![capture("c1", HostKind::Client, 0, vec![asks(Passage::Out)]), capture("n2", HostKind::Node, lost, Vec::new())];
    let (findings, _) = judged(&round(Ending::ConnectTimeout, Vec::new(), watched(0)), Flow::default());
    assert_eq!(names(&findings), ["wire/request-lost"]);
    let (findings, gaps) = judged(&round(Ending::ConnectTimeout, Vec::new(), watched(5)), Flow::default());
    assert_eq!(names(&findings), [""; 0]);
    assert!(gaps.iter().any(|gap| gap.decisive && gap.reason.contains("n2 could not be watched")), "{gaps:?}");
}

#[test]
fn what_our_own_probe_asks_is_no_request_of_the_client() {
    let mut probe = asks(Passage::Out);
    if let Body::Arp(arp) = &mut probe.body {
        arp.sender = "0.0.0.0".parse().unwrap();
    }
    let captures = vec![capture("c1", HostKind::Client, 0, vec![probe]), capture("n2", HostKind::Node, 0, Vec::new())];
    let (findings, gaps) = judged(&round(Ending::HostUnreachable, Vec::new(), captures), Flow::default());
    assert_eq!(names(&findings), [""; 0]);
    assert!(gaps.iter().any(|gap| gap.decisive && gap.reason.contains("nothing was seen to leave the client")), "{gaps:?}");
}

#[test]
fn what_one_round_lost_is_not_absent_in_the_other() {
    // In the first round the client asked, and the node's capture lost packets. In the second nobody asked, and nothing was lost.
    let first = vec![capture("c1", HostKind::Client, 0, vec![asks(Passage::Out)]), capture("n2", HostKind::Node, 5, Vec::new())];
    let second = vec![capture("c1", HostKind::Client, 0, Vec::new()), capture("n2", HostKind::Node, 0, Vec::new())];
    let (findings, gaps) = judged(&round(Ending::ConnectTimeout, Vec::new(), first), round(Ending::ConnectTimeout, Vec::new(), second));
    assert_eq!(names(&findings), [""; 0]);
    assert!(gaps.iter().any(|gap| gap.decisive && gap.reason.contains("nothing was seen to leave the client")), "{gaps:?}");
}

#[test]
fn a_request_is_lost_between_only_when_the_node_lost_nothing() {
    let captures = |lost| vec![capture("c1", HostKind::Client, 0, Vec::new()), capture("n2", HostKind::Node, lost, Vec::new())];
    let left = || vec![syn("c1", Passage::Out)];
    let whole = || answered_by(N2, round(Ending::ConnectTimeout, left(), captures(0)));
    let (findings, _) = judged_with(states(), &whole(), Flow::default());
    assert_eq!(names(&findings), ["wire/request-lost"]);
    let (findings, gaps) = judged(&round(Ending::ConnectTimeout, left(), captures(1)), Flow::default());
    assert_eq!(names(&findings), [""; 0]);
    assert!(gaps.iter().any(|gap| gap.decisive), "{gaps:?}");
    // A bound that ended the capture is as much of a hole.
    let mut bounded = captures(0);
    bounded[1].end = CaptureEnd::Bounded("20000 packets".to_owned());
    assert_eq!(names(&judged(&round(Ending::ConnectTimeout, left(), bounded), Flow::default()).0), [""; 0]);
}

#[test]
fn what_was_not_read_is_not_absent() {
    let captures = || vec![capture("c1", HostKind::Client, 0, Vec::new()), capture("n2", HostKind::Node, 0, Vec::new())];
    let left = || round(Ending::ConnectTimeout, vec![syn("c1", Passage::Out)], captures());
    let open = |states: Vec<StatePair>, flow: &Flow, wanted: &str| {
        let (findings, gaps) = judged_with(states, flow, Flow::default());
        assert_eq!(names(&findings), [""; 0], "{wanted}");
        assert!(gaps.iter().any(|gap| gap.decisive && gap.reason.contains(wanted)), "{gaps:?}");
    };
    let without = |host: usize, section: &str| {
        let mut states = states();
        let StatePair { before, after } = &mut states[host];
        for state in [before, after] {
            state.unread(section);
        }
        states
    };
    open(without(0, "links"), &answered_by(N2, left()), "the links of n2 were not read");
    open(without(1, "neighbours"), &answered_by(N2, left()), "the neighbours of c1 were not read");
    open(Vec::new(), &answered_by(N2, left()), "the state of n2 was not read");
    open(states(), &left(), "ARP was asked from nowhere");
}

#[test]
fn no_route_is_the_client_s_own_word_only_when_it_is_known_to_have_sent_nothing() {
    let captures = |lost| vec![capture("c1", HostKind::Client, lost, Vec::new()), capture("n2", HostKind::Node, 0, Vec::new())];
    let (findings, _) = judged(&round(Ending::NoRoute, Vec::new(), captures(0)), Flow::default());
    assert_eq!(names(&findings), ["client/no-route"]);
    let (findings, gaps) = judged(&round(Ending::NoRoute, Vec::new(), captures(2)), Flow::default());
    assert_eq!(names(&findings), [""; 0]);
    assert!(gaps.iter().any(|gap| gap.decisive), "{gaps:?}");
}

/// The same address over BGP, by n2 to the peer 10.88.64.1.
fn announced_over_bgp(service: &Service) -> Announcement {
    let mut found = announced(service);
    found.protocol = "bgp".to_owned();
    let peer = json!({"name": "rt", "address": "10.88.64.1", "interface": null, "port": 179, "my_asn": null, "peer_asn": null,
        "node_selectors": [], "password": false, "vrf": "", "hold_time": null, "source_address": null, "multi_hop": false});
    let session = json!({"node": "n2", "peer": "rt", "address": "10.88.64.1", "up": true, "reason": null, "changes": 0,
        "changes_last_minute": 0, "says": [], "prefixes": 1});
    let node = json!({"node": "n2", "announces": true, "reason": "", "peers": ["rt"], "advertised_to": ["rt"], "status": null, "sessions": [session]});
    let bgp = json!({"mode": "native", "advertisements": ["bgp"], "candidates": ["n2"], "excluded": [], "nodes": [node], "prefixes": [],
        "peers": [peer], "peers_read": true, "router": null});
    found.bgp = Some(serde_json::from_value(bgp).unwrap());
    found
}

/// What comes of a request over BGP that reaches no node, when c1 gets this ICMP error from a router.
fn told_by(router: &str, code: u16) -> (Vec<Finding>, Vec<Gap>) {
    let told = Hop {
        passage: Passage::In,
        request: false,
        what: Sighting::IcmpError,
        source: (router.parse().unwrap(), 3),
        destination: ("10.88.64.50".parse().unwrap(), code),
        ..syn("c1", Passage::In)
    };
    let captures = vec![capture("c1", HostKind::Client, 0, Vec::new()), capture("n2", HostKind::Node, 0, Vec::new())];
    let first = round(Ending::NoRoute, vec![syn("c1", Passage::Out), told], captures);
    let service = service();
    let announcement = announced_over_bgp(&service);
    let closer = Closer::default();
    let case =
        Case { service: &service, announcement: Some(&announcement), target: None, flow: Some(&first), closer: Some(&closer), gaps: &[] };
    let (mut findings, mut gaps) = (Vec::new(), Vec::new());
    flow::findings(&case, &Log::default(), Vec::new(), &mut findings, &mut gaps);
    (findings, gaps)
}

#[test]
fn a_router_s_own_word_tells_what_nobody_could_look_at() {
    let culprit = |router, code| {
        let (findings, gaps) = told_by(router, code);
        assert!(findings.is_empty() || gaps.iter().all(|gap| !gap.decisive), "{gaps:?}");
        findings.first().map(|finding| (finding.name.clone(), finding.culprits[0].to_string()))
    };
    assert_eq!(culprit("10.88.64.1", 0), Some(("bgp/filtered".to_owned(), "router/10.88.64.1".to_owned())));
    // Another router than the peer, which may have its routes from anybody.
    assert_eq!(culprit("10.88.192.1", 0), Some(("wire/request-lost".to_owned(), "router/10.88.192.1".to_owned())));
    // It has a route, and the next hop does not answer it: that is another story.
    assert_eq!(culprit("10.88.64.1", 1), None);
}

/// What came in at c1 by ICMP of its request.
fn icmp(from: &str, kind: u16, code: u16) -> Hop {
    let back = syn("c1", Passage::In).back();
    Hop { what: Sighting::IcmpError, source: (from.parse().unwrap(), kind), destination: (back.destination.0, code), ..back }
}

#[test]
fn a_router_that_says_that_it_refuses_is_named_with_its_word() {
    let watched = || vec![capture("c1", HostKind::Client, 0, Vec::new()), capture("n2", HostKind::Node, 0, Vec::new())];
    let told = |ending, hops: Vec<Hop>| judged(&round(ending, hops, watched()), Flow::default());
    let routers_word = |ending, kind, code, words: &str| {
        let (findings, _) = told(ending, vec![syn("c1", Passage::Out), icmp("10.88.64.1", kind, code)]);
        let finding = findings.first().unwrap_or_else(|| panic!("nothing for code {code}"));
        assert_eq!((finding.name.as_str(), finding.culprits[0].to_string().as_str()), ("wire/request-lost", "router/10.88.64.1"));
        assert!(finding.evidence[0].contains(&format!("type {kind}, code {code}")) && finding.summary.contains(words), "{finding:?}");
        assert!(finding.next.contains("10.88.64.1"), "{finding:?}");
    };
    routers_word(Ending::HostUnreachable, 3, 13, "communication administratively prohibited");
    routers_word(Ending::HostUnreachable, 3, 10, "host administratively prohibited");
    routers_word(Ending::Refused, 3, 3, "port unreachable");
    routers_word(Ending::NoRoute, 3, 0, "no route");
    // A node's own word, that of the Service's address, and what the client tells itself are no router's.
    for from in ["10.88.64.100", "10.88.64.50"] {
        let (findings, _) = told(Ending::HostUnreachable, vec![syn("c1", Passage::Out), icmp(from, 3, 13)]);
        assert!(findings.iter().all(|finding| !finding.culprits[0].to_string().starts_with("router/")), "{findings:?}");
    }
    // Where an answered try was told the same, it does not tell the two apart.
    let mut both = round(Ending::HostUnreachable, vec![syn("c1", Passage::Out), icmp("10.88.64.1", 3, 13)], watched());
    let answered = round(Ending::Answered, vec![syn("c1", Passage::Out), icmp("10.88.64.1", 3, 13)], Vec::new());
    both.connections.extend(answered.connections);
    let (findings, _) = judged(&both, Flow::default());
    assert!(findings.iter().all(|finding| !finding.culprits[0].to_string().starts_with("router/")), "{findings:?}");
}
