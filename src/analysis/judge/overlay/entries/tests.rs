//! What n3 answers to n2's own address on the tunnel goes to n1: by which of n3's entries?

use serde_json::json;

use super::*;
use crate::analysis::announcement::{Gathered, announcement};
use crate::analysis::judge::road::Road;
use crate::analysis::read::objects;
use crate::analysis::state::closer::Closer;
use crate::analysis::state::place_state::StatePair;
use crate::analysis::state::sections::place_state;
use crate::model::announcement::{History, Spared};
use crate::model::capture::{Capture, CaptureRequest};
use crate::model::connection::{Connection, Hop};
use crate::model::flow::Flow;
use crate::model::metallb::Metallb;
use crate::model::packet::Passage;
use crate::model::place::{HostKind, Place};
use crate::model::probe::Attempt;

/// The MACs of the tunnel's ends on n1, n2 and n3.
const MACS: [&str; 3] = ["66:00:00:00:00:01", "66:00:00:00:00:02", "66:00:00:00:00:03"];

fn state(name: &str, number: usize, neighbours: &str, fdb: &str) -> StatePair {
    let text = format!(
        "=== links\n2: eth0: <BROADCAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP\\    link/ether 02:00:00:00:00:1{number} brd ff:ff:ff:ff:ff:ff\n7: vxlan.calico: <BROADCAST,UP,LOWER_UP> mtu 1450 qdisc noqueue state UNKNOWN\\    link/ether {} brd ff:ff:ff:ff:ff:ff \\    vxlan id 4096 dstport 4789\n=== end 0\n\
         === addresses\n2: eth0    inet 10.88.0.1{number}/18 scope global eth0\n=== end 0\n=== neighbours\n{neighbours}\n=== end 0\n=== fdb\n{fdb}\n=== end 0\n\
         === routes\ndefault via 10.88.0.1 dev eth0\n10.88.130.0/24 via 10.88.130.255 dev vxlan.calico onlink\n=== end 0\n",
        MACS[number - 1]
    );
    StatePair::unchanged(place_state(Place::sample(name, HostKind::Node), &text))
}

/// What is said, its culprits and its advice, where n3 has this entry for n2's tunnel address and sends to n1. `annotation`: what n2's node
/// object tells as its address besides.
fn told(neighbour: &str, fdb: &str, annotation: &str) -> Finding {
    let service = objects::service(&json!({"metadata": {"namespace": "a", "name": "web"}, "spec": {"type": "LoadBalancer"}}));
    let node = |number: u8, annotations: &serde_json::Value| {
        objects::node(&json!({"metadata": {"name": format!("n{number}"), "annotations": annotations},
            "status": {"addresses": [{"type": "InternalIP", "address": format!("10.88.0.1{number}")}]}}))
    };
    let second = if annotation.is_empty() { json!({}) } else { json!({"projectcalico.org/IPv4Address": annotation}) };
    let announced = announcement(Gathered {
        service: &service,
        target: None,
        nodes: vec![node(1, &json!({})), node(2, &second), node(3, &json!({}))].into(),
        metallb: Metallb::default(),
        logs: [].into(),
        unread: Vec::new(),
        metrics: [].into(),
        wire: None,
        router: None,
        history: History::default(),
        spared: Spared::default(),
        now: "2026-11-24T11:00:00Z".to_owned(),
    });
    let right = format!("10.88.130.255 dev vxlan.calico lladdr {} PERMANENT", MACS[1]);
    let states = vec![state("n1", 1, &right, ""), state("n2", 2, "", ""), state("n3", 3, neighbour, fdb)];
    let closer = Closer { states, ..Closer::default() };
    let (pod, own) = (("10.88.131.3".parse().unwrap(), 4180), ("10.88.130.255".parse().unwrap(), 20_000));
    let sent = Hop {
        tunnel: Some("vxlan".to_owned()),
        outer: Some(("10.88.0.13".parse().unwrap(), "10.88.0.11".parse().unwrap())),
        ..Hop::sample("n3", Passage::Out, own, pod).back()
    };
    let capture = |number: u8| Capture::sample(CaptureRequest::sample(Place::sample(&format!("n{number}"), HostKind::Node)), 9, 0);
    let flow = Flow {
        captures: (1..4).map(capture).collect(),
        connections: vec![Connection::sample(Attempt::sample(), vec![sent])],
        ..Flow::default()
    };
    let case =
        Case { service: &service, announcement: Some(&announced), target: None, flow: Some(&flow), closer: Some(&closer), gaps: &[] };
    let roads = case.roads();
    let roads: Vec<&Road> = roads.iter().collect();
    tunnel_to_another_node(&Between::of(&case, &roads, "n3", "n2")).unwrap()
}

fn first(finding: &Finding) -> String {
    finding.culprits[0].to_string()
}

#[test]
fn a_neighbour_entry_with_the_mac_of_a_third_node() {
    let finding = told(
        &format!("10.88.130.255 dev vxlan.calico lladdr {} PERMANENT", MACS[0]),
        &format!("{} dev vxlan.calico dst 10.88.0.11 self permanent", MACS[0]),
        "",
    );
    assert_eq!(first(&finding), "node/n3/interface/vxlan.calico");
    assert!(finding.summary.contains("has 66:00:00:00:00:01, the MAC of n1's vxlan.calico"), "{}", finding.summary);
    assert!(finding.next.contains("ip neigh replace 10.88.130.255 lladdr 66:00:00:00:00:02 dev vxlan.calico"), "{}", finding.next);
    assert!(
        finding.evidence.iter().any(|line| line == "`ip neigh` on n1: 10.88.130.255 is at 66:00:00:00:00:02"),
        "{:?}",
        finding.evidence
    );
}

#[test]
fn a_neighbour_entry_with_a_mac_that_no_node_has() {
    let finding = told(
        "10.88.130.255 dev vxlan.calico lladdr 66:00:00:00:00:99 PERMANENT",
        "66:00:00:00:00:99 dev vxlan.calico dst 10.88.0.11 self permanent",
        "",
    );
    assert!(finding.summary.contains("66:00:00:00:00:99, which n2 does not have"), "{}", finding.summary);
}

#[test]
fn a_forwarding_entry_that_leads_to_a_third_node() {
    let neighbour = format!("10.88.130.255 dev vxlan.calico lladdr {} PERMANENT", MACS[1]);
    let fdb = format!("{} dev vxlan.calico dst 10.88.0.11 self permanent", MACS[1]);
    let finding = told(&neighbour, &fdb, "");
    assert_eq!(first(&finding), "node/n3/interface/vxlan.calico");
    assert!(finding.next.contains("bridge fdb replace 66:00:00:00:00:02 dev vxlan.calico dst 10.88.0.12"), "{}", finding.next);
    // An address that the node's own object tells is written everywhere: not the entry is to be mended.
    let registered = told(&neighbour, &fdb, "10.88.0.11/18");
    assert_eq!((first(&registered).as_str(), registered.next.contains("bridge fdb")), ("node/n3", false));
}
