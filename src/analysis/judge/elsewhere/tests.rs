//! Who answers in the nodes' place, and when that is known.

use serde_json::{Value, json};

use super::super::{Case, judge};
use super::{findings, suspected};
use crate::analysis::announcement::{Gathered, announcement};
use crate::analysis::read::objects;
use crate::analysis::state::closer::Closer;
use crate::analysis::state::place_state::{PlaceState, StatePair};
use crate::model::capture::{Capture, CaptureRequest};
use crate::model::connection::{Connection, Hop};
use crate::model::finding::{Finding, Gap, Severity};
use crate::model::flow::{ArpAsk, Flow};
use crate::model::metallb::Metallb;
use crate::model::packet::{Body, Flags, Offers, Packet, Passage, Segment};
use crate::model::place::{Host, HostKind, Place};
use crate::model::probe::{Attempt, Ending, Probe, Speech, Vantage};
use crate::model::subject::Subject;

const VIP: &str = "10.88.64.100";
const NODE_MAC: &str = "02:00:00:00:00:02";
const OTHER_MAC: &str = "02:00:00:00:00:99";

fn host(name: &str, kind: HostKind) -> Host {
    Host { name: name.into(), address: name.into(), kind }
}

/// What the tries of a place showed.
struct Tries {
    from: &'static str,
    /// Whether the place is on the address's own network.
    near: bool,
    /// The MAC that the answers come from.
    mac: &'static str,
    /// Whether the announcing node saw them.
    at_node: bool,
}

fn hop(place: &str, passage: Passage, request: bool, port: u16, mac: Option<&str>) -> Hop {
    let (client, vip) = (("10.88.64.50".parse().unwrap(), port), (VIP.parse().unwrap(), 443));
    let seen = Hop::sample(place, passage, client, vip);
    let seen = if request { seen } else { seen.back() };
    Hop { source_mac: mac.map(Into::into), sequence: u32::from(port), at: i64::from(port), ..seen }
}

fn flow(tries: &[Tries], stranger: bool) -> Flow {
    let (mut probes, mut connections, mut arp) = (Vec::new(), Vec::new(), Vec::new());
    let mut places = vec![host("n2", HostKind::Node)];
    for (base, Tries { from, near, mac, at_node }) in (0_u16..).map(|at| 20_000 + at * 100).zip(tries) {
        let vantage = Vantage::Ssh((*from).to_owned());
        let attempts: Vec<Attempt> = (0..2)
            .map(|at| Attempt {
                number: u32::from(at) + 1,
                source: "10.88.64.50".parse().ok(),
                source_port: base + at,
                ending: Ending::Answered,
                connect_ms: Some(1),
                ..Attempt::sample()
            })
            .collect();
        for attempt in &attempts {
            let port = attempt.source_port;
            let mut hops = vec![hop(from, Passage::Out, true, port, None), hop(from, Passage::In, false, port, Some(mac))];
            if *at_node {
                hops.insert(1, hop("n2", Passage::In, true, port, None));
            }
            connections.push(Connection { vantage: vantage.clone(), attempt: attempt.clone(), hops, pod: None, not_joined: None });
        }
        probes.push(Probe { attempts, tool: "python3".to_owned(), ..Probe::new(vantage, VIP.parse().unwrap(), 443, Speech::Tcp) });
        let asked = if *near { vec![("eth0".to_owned(), "02:00:00:00:00:50".to_owned())] } else { Vec::new() };
        arp.push(ArpAsk { host: host(from, HostKind::Client), asked, replies: Vec::new(), error: None });
        places.push(host(from, HostKind::Client));
    }
    let mut captures: Vec<Capture> =
        places.into_iter().map(|host| Capture::sample(CaptureRequest::sample(Place::Host(host)), 9, 0)).collect();
    if stranger {
        let body = Body::Tcp(Segment {
            source: "10.9.9.9".parse().unwrap(),
            destination: VIP.parse().unwrap(),
            source_port: 55_555,
            destination_port: 443,
            sequence: 1,
            acknowledgement: 0,
            flags: Flags(Flags::SYN),
            length: 0,
            offers: Offers::default(),
        });
        let packet =
            Packet { at: 1, interface: "eth0".into(), passage: Passage::In, source_mac: None, body, tunnel: None, outer: None, ttl: None };
        captures[0].packets.push(packet);
    }
    Flow { captures, probes, arp, connections, ..Flow::default() }
}

fn state(links: &str) -> StatePair {
    let place = Place::Host(host("n2", HostKind::Node));
    let state = PlaceState::new(place, [("links".to_owned(), links.to_owned())].into(), std::collections::BTreeMap::default());
    StatePair::unchanged(state)
}

/// The places that are suspected at first, and what is said after a closer look.
fn judged(tries: &[Tries], stranger: bool, links: &str) -> (Vec<String>, Vec<Finding>, Vec<Gap>) {
    let service: Value = json!({"metadata": {"namespace": "a", "name": "web"}, "spec": {"type": "LoadBalancer", "ports": [{"port": 443}]},
        "status": {"loadBalancer": {"ingress": [{"ip": VIP}]}}});
    let service = objects::service(&service);
    let gathered = Gathered::of_objects(&service, Metallb::default());
    let nodes = vec![objects::node(&json!({"metadata": {"name": "n2"}}))].into();
    let mut announced = announcement(Gathered { nodes, ..gathered });
    announced.nodes = vec!["n2".to_owned()];
    announced.candidates = vec!["n2".to_owned()];
    let flow = flow(tries, stranger);
    let first = Case { service: &service, announcement: Some(&announced), target: None, flow: Some(&flow), closer: None, gaps: &[] };
    let suspected = suspected(&first).iter().map(Vantage::text).collect();
    let closer = Closer { states: vec![state(links)], ..Closer::default() };
    let case = Case { closer: Some(&closer), ..first };
    let (found, open) = findings(&case, &crate::analysis::judge::rule::Log::default());
    // The whole judgement says the same, and what is proven before all else.
    let judgement = judge(&case);
    assert!(open.iter().all(|gap| judgement.gaps.contains(gap)));
    assert!(found.iter().all(|finding| judgement.findings.first() == Some(finding)));
    (suspected, found, open)
}

fn links(more: &str) -> String {
    format!(
        "3: mlb@if9: <BROADCAST,UP,LOWER_UP> mtu 1500 {more} qdisc noqueue state UP \\    link/ether {NODE_MAC} brd ff:ff:ff:ff:ff:ff\n"
    )
}

const NEAR: Tries = Tries { from: "c1", near: true, mac: OTHER_MAC, at_node: false };
const FAR: Tries = Tries { from: "c2", near: false, mac: OTHER_MAC, at_node: false };
const TAKEN: Tries = Tries { from: "c3", near: true, mac: NODE_MAC, at_node: true };

#[test]
fn a_neighbour_that_answers_and_is_no_node_is_named_by_its_mac() {
    let (suspected, found, open) = judged(&[NEAR, TAKEN], false, &links(""));
    assert_eq!(suspected, ["ssh:c1"]);
    assert_eq!((found[0].name.as_str(), found[0].severity), ("wire/duplicate-address", Severity::Fail));
    assert_eq!((found[0].culprits[0].to_string().as_str(), open.len()), (format!("mac/{OTHER_MAC}").as_str(), 0));
}

#[test]
fn who_answers_behind_a_router_stays_open() {
    let (suspected, found, open) = judged(&[FAR, TAKEN], false, &links(""));
    assert_eq!((suspected, found.len()), (vec!["ssh:c2".to_owned()], 0));
    assert!(open.len() == 1 && open[0].decisive && *open[0].subject == Subject::client("c2"), "{open:?}");
}

#[test]
fn a_proxy_on_the_way_asks_in_the_clients_place() {
    let (_, found, open) = judged(&[FAR, TAKEN], true, &links(""));
    assert!(found.is_empty() && open.is_empty(), "{found:?} {open:?}");
}

#[test]
fn a_programme_before_every_capture_hides_what_comes_in() {
    assert_eq!(judged(&[FAR], false, &links("")).2.len(), 1);
    assert_eq!(judged(&[FAR], false, &links("xdp")).2.len(), 0);
    // The node answers by its own MAC, whatever its captures show.
    let (_, found, open) = judged(&[Tries { mac: NODE_MAC, ..NEAR }], false, &links("xdp"));
    assert!(found.is_empty() && open.is_empty(), "{found:?} {open:?}");
}

#[test]
fn what_the_announcing_node_took_is_no_matter() {
    let (suspected, found, open) = judged(&[TAKEN], false, &links(""));
    assert!(suspected.is_empty() && found.is_empty() && open.is_empty(), "{found:?} {open:?}");
}
