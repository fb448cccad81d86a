//! Answered tries beside what does not fit them.

use serde_json::json;

use super::suspicions;
use crate::analysis::announcement::{Gathered, announcement};
use crate::analysis::judge::{Case, judge};
use crate::analysis::read::objects;
use crate::model::announcement::{Announcement, History, Spared};
use crate::model::capture::{Capture, CaptureRequest};
use crate::model::connection::{Connection, Hop, Sighting};
use crate::model::flow::{ArpAsk, Flow};
use crate::model::metallb::Metallb;
use crate::model::packet::Passage;
use crate::model::place::{Host, HostKind, Place};
use crate::model::probe::{Attempt, Ending, Probe, Speech, Vantage};
use crate::model::service::Service;

const VIP: &str = "10.88.64.100";

fn service() -> Service {
    objects::service(&json!({"metadata": {"namespace": "a", "name": "web"}, "spec": {"type": "LoadBalancer", "ports": [{"port": 443}]},
        "status": {"loadBalancer": {"ingress": [{"ip": VIP}]}}}))
}

/// n2 announces, and n3 might.
fn announced(service: &Service) -> Announcement {
    let nodes = ["n2", "n3"].map(|name| objects::node(&json!({"metadata": {"name": name}})));
    let mut found = announcement(Gathered {
        service,
        target: None,
        nodes: nodes.to_vec().into(),
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
    found.protocol = "layer2".to_owned();
    found.nodes = vec!["n2".to_owned()];
    found.candidates = vec!["n2".to_owned(), "n3".to_owned()];
    found
}

fn host(name: &str, kind: HostKind) -> Host {
    Host { name: name.to_owned(), address: String::new(), kind }
}

/// One answered try that came in on a node, and how ARP was asked: on which interfaces, and by whom it was answered.
fn flow(entered: &str, asked: &[&str], replies: &[&str], error: Option<&str>) -> Flow {
    let vantage = Vantage::Ssh("c1".to_owned());
    let attempt = Attempt { source: "10.88.64.50".parse().ok(), source_port: 20_000, ending: Ending::Answered, ..Attempt::sample() };
    let hop = Hop {
        place: entered.to_owned(),
        interface: "mlb".to_owned(),
        passage: Passage::In,
        request: true,
        what: Sighting::Syn,
        source: ("10.88.64.50".parse().unwrap(), 20_000),
        destination: (VIP.parse().unwrap(), 443),
        tunnel: None,
        outer: None,
        source_mac: None,
        sequence: 7,
        length: 0,
        ttl: None,
        at: 1,
    };
    let pair = |mac: &&str| ("eth0".to_owned(), (*mac).to_owned());
    Flow {
        captures: vec![Capture::sample(CaptureRequest::sample(Place::Host(host(entered, HostKind::Node))), 1, 0)],
        probes: vec![Probe { attempts: vec![attempt.clone()], ..Probe::new(vantage.clone(), VIP.parse().unwrap(), 443, Speech::Tcp) }],
        arp: vec![ArpAsk {
            host: host("c1", HostKind::Client),
            asked: asked.iter().map(pair).collect(),
            replies: replies.iter().map(pair).collect(),
            error: error.map(str::to_owned),
        }],
        connections: vec![Connection { vantage, attempt, hops: vec![hop], pod: None, not_joined: None }],
        ..Flow::default()
    }
}

/// The reasons for a closer look, and whether the verdict rests on one of them.
fn said(flow: &Flow) -> (Vec<String>, bool) {
    let service = service();
    let announcement = announced(&service);
    let case = Case { service: &service, announcement: Some(&announcement), target: None, flow: Some(flow), closer: None, gaps: &[] };
    let reasons = suspicions(&case);
    let open = judge(&case).gaps.iter().any(|gap| gap.decisive && reasons.iter().any(|reason| gap.reason.contains(reason)));
    (reasons, open)
}

#[test]
fn an_address_that_nobody_answers_for_is_looked_at_and_passes_not() {
    let (reasons, open) = said(&flow("n2", &["m1"], &[], None));
    assert!(open && reasons == ["c1 asked by ARP for the address, and nobody answered"], "{reasons:?}");
}

#[test]
fn tries_that_a_node_takes_which_does_not_announce_are_looked_at_and_pass_not() {
    let (reasons, open) = said(&flow("n3", &["m1"], &["m2"], None));
    assert!(open && reasons == ["answered tries came in on n3, and n2 announces the address"], "{reasons:?}");
}

#[test]
fn what_fits_and_what_could_not_be_asked_raises_nothing() {
    for flow in [flow("n2", &["m1"], &["m2"], None), flow("n2", &[], &[], None), flow("n2", &["m1"], &[], Some("no tool"))] {
        assert_eq!(said(&flow), (Vec::new(), false), "{:?}", flow.arp);
    }
}
