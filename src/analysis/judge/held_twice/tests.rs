//! Which address and which MAC two have, and which many may have.

use serde_json::json;

use super::*;
use crate::analysis::announcement::{Gathered, announcement as announced};
use crate::analysis::read::objects;
use crate::analysis::state::closer::Closer;
use crate::analysis::state::place_state::StatePair;
use crate::analysis::state::sections::place_state;
use crate::model::announcement::{Announcement, History, Spared};
use crate::model::metallb::Metallb;
use crate::model::service::Service;

const N2: &str = "66:00:00:00:00:02";
const N3: &str = "66:00:00:00:00:03";

fn service() -> Service {
    objects::service(&json!({"metadata": {"namespace": "a", "name": "web"}, "spec": {"type": "LoadBalancer", "ports": [{"port": 443}]},
        "status": {"loadBalancer": {"ingress": [{"ip": "10.88.64.100"}]}}}))
}

fn node(name: &str, mac: &str, addresses: &[&str], neighbours: &str) -> StatePair {
    let own: Vec<String> =
        addresses.iter().enumerate().map(|(at, address)| format!("{at}: eth0    inet {address} scope global eth0")).collect();
    let text = format!(
        "=== links\n2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 state UP link/ether {mac} brd ff:ff:ff:ff:ff:ff\n=== end 0\n\
         === addresses\n{}\n=== end 0\n=== neighbours\n{neighbours}\n=== end 0\n",
        own.join("\n")
    );
    StatePair::unchanged(place_state(Place::sample(name, HostKind::Node), &text))
}

fn announcement(service: &Service) -> Announcement {
    let of = |name: &str, ip: &str| {
        objects::node(&json!({"metadata": {"name": name}, "status": {"addresses": [{"type": "InternalIP", "address": ip}]}}))
    };
    let mut found = announced(Gathered {
        service,
        target: None,
        nodes: vec![of("n2", "10.88.0.12"), of("n3", "10.88.0.13")].into(),
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
    found.nodes = vec!["n2".to_owned()];
    found
}

/// What is told of nodes in these states.
fn told<T>(states: Vec<StatePair>, look: impl FnOnce(&Case) -> T) -> T {
    let service = service();
    let announcement = announcement(&service);
    let closer = Closer { states, ..Closer::default() };
    look(&Case { service: &service, announcement: Some(&announcement), target: None, flow: None, closer: Some(&closer), gaps: &[] })
}

#[test]
fn an_address_of_a_node_that_another_has_names_both() {
    let states = |second: &[&str]| vec![node("n2", N2, &["10.88.0.12/18", "172.17.0.1/16"], ""), node("n3", N3, second, "")];
    let findings = told(states(&["10.88.0.13/18", "10.88.0.12/32", "172.17.0.1/16"]), addresses);
    let culprits: Vec<String> = findings[0].culprits.iter().map(ToString::to_string).collect();
    assert_eq!((findings.len(), culprits), (1, vec!["node/n2/interface/eth0".to_owned(), "node/n3/interface/eth0".to_owned()]));
    // A bridge of containers has the same address everywhere.
    assert_eq!(told(states(&["10.88.0.13/18", "172.17.0.1/16"]), addresses), []);
}

#[test]
fn one_mac_in_the_network_of_the_address_names_both() {
    let states = |mac: &str| vec![node("n2", N2, &["10.88.64.12/24"], ""), node("n3", mac, &["10.88.64.13/24"], "")];
    assert_eq!(told(states(&N2.to_uppercase()), macs).len(), 1);
    assert!(told(states(N2), mac_of_announcer).is_some());
    assert_eq!(told(states(N3), macs), []);
    // In another network it hurts nobody who asks for the address.
    assert_eq!(told(vec![node("n2", N2, &["10.9.0.1/24"], ""), node("n3", N2, &["10.9.0.2/24"], "")], macs), []);
}

#[test]
fn whose_mac_the_entry_for_a_node_holds_tells_who_has_its_address() {
    let entry = |mac: &str, state: &str, more: &str| format!("10.88.0.13 dev eth0 lladdr {mac} {state}\n{more}");
    let states = |neighbours: String, third: &[&str]| {
        vec![
            node("n2", N2, &["10.88.0.12/18"], &neighbours),
            node("n3", N3, &["10.88.0.13/18"], ""),
            node("n1", "66:00:00:00:00:01", third, ""),
        ]
    };
    let ask = |states: Vec<StatePair>| {
        told(states, |case| {
            let address = "10.88.0.13".parse().unwrap();
            let of = |finding: Option<Finding>| finding.map(|finding| finding.culprits[0].to_string());
            (of(second_holder(case, "n2", "n3", address)), of(wrong_entry(case, "n2", "n3", address)))
        })
    };
    let other = "66:00:00:00:00:01";
    let held = ask(states(entry(other, "REACHABLE", ""), &["10.88.0.11/18", "10.88.0.13/32"]));
    assert_eq!(held, (Some("node/n1/interface/eth0".to_owned()), None));
    let stale = ask(states(entry(other, "STALE", ""), &["10.88.0.11/18"]));
    assert_eq!(stale, (None, Some("node/n2/interface/eth0".to_owned())));
    let right = ask(states(entry(N3, "STALE", ""), &["10.88.0.11/18"]));
    assert_eq!(right, (None, None));
    // A stranger, unless it answers for others as well, as a router does.
    let stranger = "66:00:00:00:00:99";
    let alone = ask(states(entry(stranger, "REACHABLE", ""), &["10.88.0.11/18"]));
    assert_eq!(alone, (Some(format!("mac/{stranger}")), None));
    let many = ask(states(entry(stranger, "REACHABLE", &format!("10.88.0.1 dev eth0 lladdr {stranger} STALE")), &["10.88.0.11/18"]));
    assert_eq!(many, (None, None));
    let permanent = ask(states(entry(stranger, "PERMANENT", ""), &["10.88.0.11/18"]));
    assert_eq!(permanent, (None, Some("node/n2/interface/eth0".to_owned())));
}
