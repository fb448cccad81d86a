//! A node that takes requests for a Service with a pod beside it and one on another node, and rules that somebody added there.

use std::fmt::Write as _;

use serde_json::json;

use crate::analysis::judge::{Case, Judgement, judge, judge_without};
use crate::analysis::read::objects;
use crate::analysis::state::closer::Closer;
use crate::analysis::state::place_state::StatePair;
use crate::analysis::state::sections::place_state;
use crate::analysis::target::target;
use crate::model::capture::{Capture, CaptureRequest};
use crate::model::connection::{Connection, Hop, Sighting};
use crate::model::flow::Flow;
use crate::model::packet::Passage;
use crate::model::place::{HostKind, Place};
use crate::model::probe::{Attempt, Ending, Probe, Vantage};
use crate::model::subject::Subject;

const CLIENT: &str = "10.9.9.9";
const ADDRESS: &str = "10.0.0.1";
const FAR_POD: &str = "10.88.131.21";

/// What kube-proxy wrote on n2, each rule with its chain's table.
const RULES: [&str; 13] = [
    "nat PREROUTING -m comment --comment \"kubernetes service portals\" -j KUBE-SERVICES",
    "nat POSTROUTING -m comment --comment \"kubernetes postrouting rules\" -j KUBE-POSTROUTING",
    "nat KUBE-SERVICES -d 10.0.0.1/32 -p tcp -m comment --comment \"a/web loadbalancer IP\" -m tcp --dport 443 -j KUBE-EXT-A",
    "nat KUBE-EXT-A -m comment --comment \"masquerade traffic for a/web external destinations\" -j KUBE-MARK-MASQ",
    "nat KUBE-EXT-A -j KUBE-SVC-A",
    "nat KUBE-SVC-A -m comment --comment a/web -m statistic --mode random --probability 0.50000000000 -j KUBE-SEP-1",
    "nat KUBE-SVC-A -m comment --comment a/web -j KUBE-SEP-2",
    "nat KUBE-SEP-1 -p tcp -m comment --comment a/web -m tcp -j DNAT --to-destination 10.88.130.19:4180",
    "nat KUBE-SEP-2 -p tcp -m comment --comment a/web -m tcp -j DNAT --to-destination 10.88.131.21:4180",
    "nat KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000",
    "nat KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN",
    "nat KUBE-POSTROUTING -j MASQUERADE --random-fully",
    "filter KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP",
];

/// A dump in which every rule has counted so many; `added` stands before all others.
fn dump(added: &[&str], without: &str, count: u64) -> String {
    let mut text = "=== iptables\n".to_owned();
    for (table, chains) in [
        ("raw", ":PREROUTING ACCEPT [0:0]\n"),
        ("mangle", ":PREROUTING ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n"),
        (
            "nat",
            ":PREROUTING ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n:KUBE-SERVICES - [0:0]\n:KUBE-EXT-A - [0:0]\n:KUBE-SVC-A - [0:0]\n\
             :KUBE-SEP-1 - [0:0]\n:KUBE-SEP-2 - [0:0]\n:KUBE-MARK-MASQ - [0:0]\n:KUBE-POSTROUTING - [0:0]\n",
        ),
        ("filter", ":FORWARD ACCEPT [0:0]\n:KUBE-FORWARD - [0:0]\n"),
    ] {
        write!(text, "*{table}\n{chains}").unwrap();
        for rule in added.iter().chain(&RULES).filter(|rule| without.is_empty() || !rule.contains(without)) {
            if let Some(rule) = rule.strip_prefix(&format!("{table} ")) {
                writeln!(text, "[{count}:0] -A {rule}").unwrap();
            }
        }
        text.push_str("COMMIT\n");
    }
    text.push_str("=== end 0\n=== nft\n\n=== end 0\n=== addresses\n2: mlb    inet 10.0.0.12/24 scope global mlb\n=== end 0\n");
    text
}

fn node(name: &str) -> Place {
    Place::sample(name, HostKind::Node)
}

/// n2's state around a round in which every rule's counter grew by `by`.
fn around(added: &[&str], without: &str, by: u64) -> StatePair {
    let read = |count| place_state(node("n2"), &dump(added, without, count));
    StatePair { before: read(1), after: read(1 + by) }
}

fn hop(place: &str, interface: &str, passage: Passage, from: &str, to: &str) -> Hop {
    let end = |text: &str| {
        let (address, port) = text.rsplit_once(':').unwrap();
        (address.parse().unwrap(), port.parse().unwrap())
    };
    let request = to.ends_with(":443") || to.ends_with(":4180");
    let hop = Hop { interface: interface.into(), ..Hop::sample(place, passage, end(from), end(to)) };
    if request { hop } else { Hop { request, what: Sighting::SynAck, ..hop } }
}

/// It comes in on n2, and that is all.
fn swallowed() -> Vec<Hop> {
    vec![hop("c1", "eth0", Passage::Out, "10.9.9.9:20000", "10.0.0.1:443"), hop("n2", "mlb", Passage::In, "10.9.9.9:20000", "10.0.0.1:443")]
}

/// It is translated to the pod on n3, which sees it from that source, and whose answer leaves n3 by `mlb`.
fn answered_past(source: &str) -> Vec<Hop> {
    let (source, pod) = (format!("{source}:20000"), format!("{FAR_POD}:4180"));
    let mut hops = swallowed();
    hops.extend([
        hop("n2", "vxlan.calico", Passage::Out, &source, &pod),
        hop("n3", "vxlan.calico", Passage::In, &source, &pod),
        hop("n3", "cni0", Passage::Out, &source, &pod),
        hop("n3", "cni0", Passage::In, &pod, &source),
        hop("n3", "mlb", Passage::Out, &pod, &source),
    ]);
    hops
}

struct Given {
    hops: Vec<Hop>,
    states: Vec<StatePair>,
    policy: &'static str,
    /// Tries that went the same road and were answered.
    answered: usize,
}

impl Given {
    fn new(hops: Vec<Hop>, state: StatePair) -> Self {
        Self { hops, states: vec![state], policy: "Cluster", answered: 0 }
    }
}

/// The names of the findings with their first culprits.
fn judged(given: &Given) -> Vec<String> {
    judged_by(given, judge)
}

fn judged_by(given: &Given, judge: impl Fn(&Case) -> Judgement) -> Vec<String> {
    let service = objects::service(&json!({"metadata": {"namespace": "a", "name": "web"}, "spec": {"type": "LoadBalancer",
        "externalTrafficPolicy": given.policy, "ports": [{"name": "https", "port": 443, "targetPort": 4180}]},
        "status": {"loadBalancer": {"ingress": [{"ip": ADDRESS}]}}}));
    let slice = json!({"metadata": {"name": "s"}, "ports": [{"name": "https", "port": 4180, "protocol": "TCP"}], "endpoints": [
        {"addresses": ["10.88.130.19"], "nodeName": "n2", "conditions": {"ready": true, "serving": true}},
        {"addresses": [FAR_POD], "nodeName": "n3", "conditions": {"ready": true, "serving": true}}]});
    let target = target(&service, &service.ports[0], Some(&[slice]), Some(&[]));
    let round = || {
        let connections: Vec<Connection> = (0..3 + given.answered)
            .map(|number| {
                let ending = if number < given.answered { Ending::Answered } else { Ending::ConnectTimeout };
                let attempt = Attempt { source: CLIENT.parse().ok(), source_port: 20_000, ending, ..Attempt::sample() };
                Connection { vantage: Vantage::Ssh("c1".into()), attempt, hops: given.hops.clone(), pod: None, not_joined: None }
            })
            .collect();
        let attempts = connections.iter().map(|connection| connection.attempt.clone()).collect();
        let probe = Probe::sample(ADDRESS, attempts);
        let client = Place::sample("c1", HostKind::Client);
        let captures = [node("n2"), node("n3"), client].map(|place| Capture::sample(CaptureRequest::sample(place), 9, 0)).to_vec();
        Flow { captures, probes: vec![probe], connections, ..Flow::default() }
    };
    let closer = Closer { states: given.states.clone(), again: round(), ..Closer::default() };
    let flow = round();
    let case = Case { service: &service, announcement: None, target: Some(&target), flow: Some(&flow), closer: Some(&closer), gaps: &[] };
    judge(&case).findings.iter().map(|finding| format!("{} {}", finding.name, finding.culprits[0])).collect()
}

fn check(given: &Given, expected: &[&str]) {
    assert_eq!(judged(given), expected);
}

/// The culprit that a rule of n2 is, written as `TABLE CHAIN REST`.
fn named(rule: &str) -> Subject {
    let (table, text) = rule.split_once(' ').unwrap();
    let chain = text.split(' ').next().unwrap();
    Subject::rule("n2", &format!("{table}/{chain}/1"), &format!("-A {text}"))
}

const DNAT: &str = "nat PREROUTING -d 10.0.0.1/32 -p tcp -m tcp --dport 443 -j DNAT --to-destination 10.88.0.250:443";

#[test]
fn a_rule_before_kube_proxys_is_named() {
    for rule in [
        DNAT,
        "nat PREROUTING -i mlb -p tcp -j REDIRECT --to-ports 15001",
        "nat PREROUTING -d 10.0.0.0/24 -j ACCEPT",
        "nat PREROUTING -p tcp -m tcp --dport 443 -j RETURN",
        "raw PREROUTING -p tcp -m tcp --dport 443 -j CT --notrack",
        "mangle PREROUTING -d 10.0.0.1/32 -j TTL --ttl-set 1",
        "nat PREROUTING -m statistic --mode random --probability 0.9 -j ACCEPT",
    ] {
        check(&Given::new(swallowed(), around(&[rule], "", 9)), &[&format!("node/firewall-drop {}", named(rule))]);
    }
}

#[test]
fn a_rule_that_is_left_out_says_nothing_and_what_was_tried_is_kept() {
    let given = Given::new(swallowed(), around(&[DNAT], "", 9));
    let title = "a rule that leads requests elsewhere, or ends their way before kube-proxy's";
    let tried = |judge: &dyn Fn(&Case) -> Judgement| {
        let kept = std::cell::RefCell::new(Vec::new());
        let said = judged_by(&given, |case| {
            let judgement = judge(case);
            kept.borrow_mut().extend(judgement.considered.clone());
            judgement
        });
        (said, kept.into_inner())
    };
    let (said, all) = tried(&judge);
    assert_eq!(said, [format!("node/firewall-drop {}", named(DNAT))]);
    // What is found ends it.
    let inside: Vec<_> = all.iter().filter(|one| one.point == "the request inside n2").collect();
    let (last, before) = inside.split_last().unwrap();
    assert_eq!((last.rule.as_str(), last.said.as_deref()), (title, Some("node/firewall-drop")));
    assert!(before.iter().all(|one| one.said.is_none()), "{before:?}");
    assert!(all.iter().all(|one| one.said.is_none() || one.rule == title), "{all:?}");
    let (said, all) = tried(&|case| judge_without(case, title));
    assert!(!said.iter().any(|finding| finding.starts_with("node/firewall-drop")), "{said:?}");
    assert!(all.len() > 8 && all.iter().all(|one| one.rule != title && !one.needs.is_empty()), "{all:?}");
}

#[test]
fn a_port_that_no_endpoint_has_is_led_to_by_a_rule() {
    let mut hops = swallowed();
    hops.push(Hop { request: true, what: Sighting::Syn, ..hop("n2", "eth0", Passage::Out, "10.88.130.255:20000", "10.88.131.21:4181") });
    let wrong = "nat KUBE-SEP-3 -p tcp -j DNAT --to-destination 10.88.131.21:4181";
    let led = "nat KUBE-SVC-A -m comment --comment a/web -m statistic --mode random --probability 0.5 -j KUBE-SEP-3";
    let mut state = around(&[led, wrong], "KUBE-SEP-2", 9);
    for read in [&mut state.before, &mut state.after] {
        read.change("iptables", |rules| rules.replace(":KUBE-SEP-2", ":KUBE-SEP-3"));
    }
    check(&Given::new(hops.clone(), state), &["node/proxy-stale node/n2/kube-proxy"]);
    let foreign = "nat PREROUTING -p tcp -j DNAT --to-destination 10.88.131.21:4181";
    check(&Given::new(hops, around(&[foreign], "", 9)), &[&format!("node/firewall-drop {}", named(foreign))]);
}

#[test]
fn a_rule_that_counted_nothing_or_leads_to_an_endpoint_is_not() {
    let named = |given: &Given| judged(given).iter().any(|finding| finding.starts_with("node/firewall-drop"));
    assert!(!named(&Given::new(swallowed(), around(&[DNAT], "", 0))));
    assert!(!named(&Given::new(swallowed(), around(&["nat PREROUTING -d 10.0.0.2/32 -j ACCEPT"], "", 9))));
    assert!(!named(&Given::new(swallowed(), around(&["nat PREROUTING -p tcp -j DNAT --to-destination 10.88.131.21:4180"], "", 9))));
    assert!(!named(&Given::new(swallowed(), around(&["mangle PREROUTING -j TTL --ttl-set 64"], "", 9))));
    // Fewer than were lost: it took others.
    assert!(!named(&Given::new(swallowed(), around(&["nat PREROUTING -m statistic --mode random --probability 0.9 -j ACCEPT"], "", 2))));
}

#[test]
fn a_node_that_does_not_masquerade_lets_pods_answer_past_it() {
    let given = |added: &[&str], without: &str| Given::new(answered_past(CLIENT), around(added, without, 9));
    for rule in [
        "nat POSTROUTING -j ACCEPT",
        "nat POSTROUTING -d 10.88.131.0/24 -j RETURN",
        "mangle FORWARD -p tcp -j MARK --set-xmark 0x0/0xffffffff",
    ] {
        check(&given(&[rule], ""), &[&format!("route/return-asymmetric {}", named(rule))]);
    }
    let missing = "route/return-asymmetric node/n2/kube-proxy";
    check(&given(&[], "-j KUBE-POSTROUTING"), &[missing]);
    check(&given(&[], "-j MASQUERADE"), &[missing]);
    check(&given(&[], "-j KUBE-MARK-MASQ"), &[missing]);
    // The rules say that it is masqueraded, and the wire says that it was not.
    check(&given(&[], ""), &["route/return-asymmetric node/n2"]);
}

#[test]
fn what_the_pods_node_takes_for_its_source_was_not_masqueraded() {
    // Out of the tunnel and no further: a strict reverse path filter, or a filter that knows pods and nodes alone.
    let lost = || answered_past(CLIENT)[..4].to_vec();
    let given = |added: &[&str]| Given::new(lost(), around(added, "", 9));
    let rule = "nat POSTROUTING -j ACCEPT";
    check(&given(&[rule]), &[&format!("route/return-asymmetric {}", named(rule))]);
    assert!(!judged(&given(&[])).iter().any(|finding| finding.starts_with("route/")));
}

#[test]
fn a_source_that_no_node_has_is_as_bad() {
    let snat = "nat POSTROUTING -d 10.88.131.0/24 -j SNAT --to-source 10.88.250.1";
    let given = |added: &[&str]| Given::new(answered_past("10.88.250.1"), around(added, "", 9));
    check(&given(&[snat]), &[&format!("route/return-asymmetric {}", named(snat))]);
    assert!(!judged(&given(&[])).iter().any(|finding| finding.starts_with("route/")));
}

#[test]
fn a_source_that_is_kept_on_purpose_is_no_fault() {
    let asymmetric = |given: &Given| judged(given).iter().any(|finding| finding.starts_with("route/return-asymmetric"));
    let kept = || Given::new(answered_past(CLIENT), around(&["nat POSTROUTING -j ACCEPT"], "", 9));
    assert!(asymmetric(&kept()));
    assert!(!asymmetric(&Given { policy: "Local", ..kept() }));
    // Others are answered on the same road: the pods may answer the clients themselves.
    assert!(!asymmetric(&Given { answered: 1, ..kept() }));
    // No kube-proxy: whatever translates there has rules of its own.
    let bare = || place_state(node("n2"), "=== iptables\n*nat\n:POSTROUTING ACCEPT [0:0]\nCOMMIT\n=== end 0\n=== nft\n\n=== end 0\n");
    assert!(!asymmetric(&Given { states: vec![StatePair { before: bare(), after: bare() }], ..kept() }));
}
