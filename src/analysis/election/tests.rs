//! The election against upstream's own vectors and against elections that were watched in a real cluster.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;
use crate::analysis::read::{metallb as read_metallb, objects};
use crate::analysis::target::target;

fn check(nodes: &[&str], address: &str, expected: &str) {
    let nodes: Vec<String> = nodes.iter().map(ToString::to_string).collect();
    assert_eq!(winner(&nodes, address).unwrap(), expected);
}

/// The vectors of upstream's `TestSortL2Candidates`, and others computed from the same rule.
#[test]
fn the_winner_is_metallbs() {
    check(&["node-a", "node-b", "node-c"], "10.0.0.1", "node-b");
    check(&["node-a", "node-b", "node-c"], "10.0.0.2", "node-b");
    check(&["node1", "node2", "node3"], "192.168.1.240", "node3");
    check(&["kind-control-plane", "kind-worker", "kind-worker2"], "172.18.255.200", "kind-worker2");
    check(&["node1", "node2", "node3"], "fc00:f853:ccd:e793::9", "node3");
}

/// A cluster of four nodes: n0 carries the exclude label, n2 is cordoned, pods are on n2 and n3.
struct Lab {
    service: Service,
    nodes: Vec<Node>,
    metallb: Metallb,
    target: Target,
    lost: BTreeSet<String>,
}

impl Lab {
    fn new(version: &str, policy: &str) -> Self {
        let service = objects::service(&json!({"metadata": {"namespace": "web", "name": "s1"},
            "spec": {"type": "LoadBalancer", "externalTrafficPolicy": policy, "selector": {"app": "web"}, "ports": [{"port": 443}]},
            "status": {"loadBalancer": {"ingress": [{"ip": "10.88.64.101"}]}}}));
        let node = |name: &str| {
            let labels = if name == "n0" { json!({EXCLUDE_LABEL: ""}) } else { json!({}) };
            objects::node(&json!({"metadata": {"name": name, "labels": labels}, "spec": {"unschedulable": name == "n2"}}))
        };
        let speaker = |node: &str| {
            objects::pod(&json!({"metadata": {"name": format!("speaker-{node}")}, "status": {"phase": "Running",
                "containerStatuses": [{"name": "speaker", "state": {"running": {}}}]},
                "spec": {"nodeName": node, "containers": [{"name": "speaker", "image": "quay.io/metallb/speaker",
                "env": [{"name": "METALLB_NODE_NAME"}, {"name": "METALLB_ML_BIND_ADDR"}]}]}}))
        };
        let slice = json!({"metadata": {"name": "s1-a"}, "ports": [{"name": "", "port": 443}], "endpoints": [
            {"addresses": ["10.88.130.5"], "nodeName": "n2", "conditions": {"ready": true}},
            {"addresses": ["10.88.131.5"], "nodeName": "n3", "conditions": {"ready": false, "serving": true, "terminating": true}}]});
        let target = target(&service, &service.ports[0], Some(&[slice]), Some(&[]));
        let names = ["n0", "n1", "n2", "n3"];
        Self {
            nodes: names.map(node).to_vec(),
            metallb: Metallb {
                version: Some(version.to_owned()),
                speakers: names.map(speaker).to_vec().into(),
                speakers_read: true,
                ..Metallb::default()
            },
            target,
            service,
            lost: BTreeSet::new(),
        }
    }

    fn electorate(&self) -> Electorate<'_> {
        Electorate {
            service: &self.service,
            target: Some(&self.target),
            nodes: &self.nodes,
            metallb: &self.metallb,
            lost: &self.lost,
            memberlist: None,
        }
    }

    fn candidates(&self) -> Vec<String> {
        layer2(&self.electorate(), &[&all_pools()]).nodes
    }
}

fn all_pools() -> Advertisement {
    read_metallb::advertisement(&json!({"metadata": {"name": "a"}, "spec": {}}))
}

/// Seen in the recordings of each version: 0.13.12 ignores the label, 0.14.9 alone leaves out the cordoned node.
#[test]
fn versions_differ_in_labels_and_cordons() {
    assert_eq!(Lab::new("0.13.12", "Cluster").candidates(), ["n0", "n1", "n2", "n3"]);
    assert_eq!(Lab::new("0.14.9", "Cluster").candidates(), ["n1", "n3"]);
    assert_eq!(Lab::new("0.15.2", "Cluster").candidates(), ["n1", "n2", "n3"]);
    assert_eq!(Lab::new("0.16.1", "Cluster").candidates(), ["n1", "n2", "n3"]);
}

/// From 0.14.5 a pod that is going and still serves counts as an endpoint; before, readiness alone did.
#[test]
fn policy_local_wants_an_endpoint_on_the_node() {
    assert_eq!(Lab::new("0.13.12", "Local").candidates(), ["n2"]);
    assert_eq!(Lab::new("0.15.2", "Local").candidates(), ["n2", "n3"]);
}

#[test]
fn without_endpoints_nobody_announces() {
    let mut lab = Lab::new("0.15.2", "Cluster");
    lab.target.endpoints.clear();
    assert_eq!(lab.candidates(), [""; 0]);
    lab.target.slices_read = false;
    assert_eq!(lab.candidates(), ["n1", "n2", "n3"], "what could not be read excludes nobody");
}

#[test]
fn a_node_that_left_the_memberlist_takes_no_part() {
    let mut lab = Lab::new("0.15.2", "Cluster");
    lab.lost.insert("n2".to_owned());
    assert_eq!(lab.candidates(), ["n1", "n3"]);
}

#[test]
fn a_speaker_that_does_not_run_takes_no_part_whatever_its_container_is_called() {
    let mut lab = Lab::new("0.15.2", "Cluster");
    let renamed = |running: bool| {
        let state = if running { json!({"running": {}}) } else { json!({"waiting": {}}) };
        objects::pod(&json!({"metadata": {"name": "agent-n2"}, "spec": {"nodeName": "n2", "containers": [{"name": "frr", "image": "frr"},
            {"name": "agent", "image": "lb/agent", "env": [{"name": "METALLB_NODE_NAME"}, {"name": "METALLB_ML_BIND_ADDR"}]}]},
            "status": {"phase": "Running", "containerStatuses": [{"name": "frr", "state": {"running": {}}}, {"name": "agent", "state": state}]}}))
    };
    let speakers = lab.metallb.speakers.to_vec();
    for (running, expected) in [(true, &["n1", "n2", "n3"][..]), (false, &["n1", "n3"])] {
        let of = |pod: &Pod| if pod.node.as_deref() == Some("n2") { renamed(running) } else { pod.clone() };
        lab.metallb.speakers = speakers.iter().map(of).collect::<Vec<_>>().into();
        assert_eq!(lab.candidates(), expected);
    }
}

/// metallb#2005 and #2549.
#[test]
fn memberlist_off_leaves_nobody_until_0_15() {
    for (version, policy, expected) in [
        ("0.12.1", "Cluster", &[""; 0][..]),
        ("0.12.1", "Local", &["n2"]),
        ("0.13.12", "Local", &[]),
        ("0.14.8", "Cluster", &[]),
        ("0.15.2", "Cluster", &["n1", "n2", "n3"]),
    ] {
        let lab = Lab::new(version, policy);
        let electorate = Electorate { memberlist: Some(false), ..lab.electorate() };
        assert_eq!(layer2(&electorate, &[&all_pools()]).nodes, expected, "{version} {policy}");
    }
}

#[test]
fn an_unknown_version_says_only_what_all_versions_say() {
    let address = "10.88.64.101".parse().unwrap();
    let mut lab = Lab::new("0.15.2", "Cluster");
    lab.metallb.version = None;
    // With n0 and n2 in or out, the winner differs.
    assert_eq!(expected(&lab.electorate(), &[&all_pools()], address), None);
    lab.nodes.retain(|node| node.name == "n1" || node.name == "n3");
    assert_eq!(expected(&lab.electorate(), &[&all_pools()], address).as_deref(), Some("n3"));
}

#[test]
fn a_class_that_is_not_served_leaves_nobody() {
    let mut lab = Lab::new("0.15.2", "Cluster");
    lab.service.class = Some("other/class".to_owned());
    let candidates = layer2(&lab.electorate(), &[&all_pools()]);
    assert!(candidates.nodes.is_empty() && candidates.excluded.iter().all(|out| out.why == Exclusion::Class));
}

#[test]
fn bgp_wants_a_peer_for_the_node() {
    let mut lab = Lab::new("0.15.2", "Cluster");
    let peer = |spec: Value| read_metallb::peer(&json!({"metadata": {"name": "rt"}, "spec": spec}));
    lab.metallb.peers = Some(vec![peer(json!({"peerAddress": "10.88.64.1", "nodeSelectors": [{"matchLabels": {"rack": "a"}}]}))]);
    assert_eq!(bgp(&lab.electorate(), &[&all_pools()]).nodes, [""; 0]);
    lab.nodes[1].labels.insert("rack".to_owned(), "a".to_owned());
    assert_eq!(bgp(&lab.electorate(), &[&all_pools()]).nodes, ["n1"]);
    let mut other = all_pools();
    other.peers = vec!["another".to_owned()];
    assert_eq!(bgp(&lab.electorate(), &[&other]).nodes, [""; 0]);
}

/// Each node asked of each speaker and of each endpoint would take hours.
#[test]
fn a_very_large_cluster_is_gone_through_once() {
    let mut lab = Lab::new("v0.15.2", "Local");
    let (node, speaker, endpoint) = (lab.nodes[3].clone(), lab.metallb.speakers[3].clone(), lab.target.endpoints[0].clone());
    let named = |number: usize| format!("m{number}");
    lab.nodes = (0..20_000).map(|number| Node { name: named(number), ..node.clone() }).collect();
    lab.metallb.speakers = (0..20_000).map(|number| Pod { node: Some(named(number)), ..speaker.clone() }).collect::<Vec<_>>().into();
    lab.target.endpoints = (0..20_000).map(|number| Endpoint { node: Some(named(number)), ..endpoint.clone() }).collect();
    assert_eq!(layer2(&lab.electorate(), &[]).nodes.len(), 20_000);
}
