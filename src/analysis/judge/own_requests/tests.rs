//! n1 asks the address of a Service that has a pod on n2 and one on n3. What its tools print is theirs.

use serde_json::json;

use super::*;
use crate::analysis::judge::flow;
use crate::analysis::judge::rule::Log;
use crate::analysis::read::objects;
use crate::analysis::state::closer::Closer;
use crate::analysis::state::sections::place_state;
use crate::analysis::target::target;
use crate::model::capture::CaptureRequest;
use crate::model::connection::Connection;
use crate::model::flow::Flow;
use crate::model::packet::{Flags, Offers, Segment};
use crate::model::place::{HostKind, Place};
use crate::model::probe::{Attempt, Ending, Probe};

const VIP: &str = "10.88.64.100";
const NEAR: &str = "10.88.130.2";
const FAR: &str = "10.88.131.3";
const OWN_ADDRESS: &str = "10.88.129.0";
const USUAL_RULES: &str = "0:\tfrom all lookup local\n32766:\tfrom all lookup main\n32767:\tfrom all lookup default";
const USUAL_ROUTES: &str = "default via 10.88.0.1 dev eth0\n10.88.130.0/24 via 10.88.130.255 dev vxlan.calico onlink\n10.88.131.0/24 via 10.88.131.255 dev vxlan.calico onlink\n10.88.0.0/18 dev eth0 proto kernel scope link src 10.88.0.11";

/// What was read and seen.
#[derive(Clone)]
struct Seen {
    rules: String,
    routes: String,
    iptables: &'static str,
    nft: &'static str,
    /// To which pods n1 sent, and whether it was answered.
    sent: Vec<(&'static str, bool)>,
    /// Tries that were answered, and tries that were not.
    tries: (u16, u16),
    lost: u64,
}

fn seen() -> Seen {
    Seen {
        rules: USUAL_RULES.to_owned(),
        routes: USUAL_ROUTES.to_owned(),
        iptables: "",
        nft: "",
        sent: vec![(NEAR, true), (NEAR, true)],
        tries: (2, 2),
        lost: 0,
    }
}

fn packet(passage: Passage, from: (&str, u16), to: (&str, u16), flags: u8) -> Packet {
    let segment = Segment {
        source: from.0.parse().unwrap(),
        destination: to.0.parse().unwrap(),
        source_port: from.1,
        destination_port: to.1,
        sequence: 1,
        acknowledgement: 0,
        flags: Flags(flags),
        length: 0,
        offers: Offers::default(),
    };
    Packet {
        at: 1,
        interface: "vxlan.calico".into(),
        passage,
        source_mac: None,
        body: Body::Tcp(segment),
        tunnel: None,
        outer: None,
        ttl: None,
    }
}

/// The findings as (name, first culprit, advice), and the gaps.
fn judged(seen: &Seen) -> (Vec<(String, String, String)>, Vec<Gap>) {
    let service = objects::service(&json!({"metadata": {"namespace": "a", "name": "web"}, "spec": {"type": "LoadBalancer",
        "selector": {"app": "web"}, "ports": [{"name": "https", "port": 443, "targetPort": 4180}]},
        "status": {"loadBalancer": {"ingress": [{"ip": VIP}]}}}));
    let endpoint = |pod: &str, ip: &str, node: &str| json!({"addresses": [ip], "nodeName": node, "conditions": {"ready": true, "serving": true}, "targetRef": {"kind": "Pod", "name": pod}});
    let slice = json!({"metadata": {"name": "s", "labels": {"endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io"}},
        "ports": [{"name": "https", "port": 4180, "protocol": "TCP"}], "endpoints": [endpoint("near", NEAR, "n2"), endpoint("far", FAR, "n3")]});
    let target = target(&service, &service.ports[0], Some(&[slice]), Some(&[]));
    let place = Place::sample("n1", HostKind::Node);
    let mut packets = Vec::new();
    for (port, (pod, answered)) in (40_000..).zip(&seen.sent) {
        packets.push(packet(Passage::Out, (OWN_ADDRESS, port), (pod, 4180), Flags::SYN));
        if *answered {
            packets.push(packet(Passage::In, (pod, 4180), (OWN_ADDRESS, port), Flags::SYN | Flags::ACK));
        }
    }
    let capture =
        Capture { packets: packets.into_iter().collect(), ..Capture::sample(CaptureRequest::sample(place.clone()), 9, seen.lost) };
    let section = |name: &str, text: &str| format!("=== {name}\n{text}\n=== end 0\n");
    let text = [
        section("links", "2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP\\    link/ether 02:00:00:00:00:11 brd ff:ff:ff:ff:ff:ff\n3: vxlan.calico: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450 qdisc noqueue state UNKNOWN\\    link/ether 02:00:00:00:01:11 brd ff:ff:ff:ff:ff:ff vxlan id 4096\n4: old0: <BROADCAST,NOARP> mtu 1500 qdisc noop state DOWN\\    link/ether 02:00:00:00:02:11 brd ff:ff:ff:ff:ff:ff dummy"),
        section("addresses", "2: eth0    inet 10.88.0.11/18 scope global eth0\n3: vxlan.calico    inet 10.88.129.0/32 scope global vxlan.calico"),
        section("rules", &seen.rules),
        section("routes", &seen.routes),
        section("neighbours", ""),
        section("route-to-address", "10.88.64.100 via 10.88.0.1 dev eth0 src 10.88.0.11"),
        section("iptables", seen.iptables),
        section("nft", seen.nft),
    ]
    .concat();
    let attempt = |number: u16| Attempt {
        source: "10.88.0.11".parse().ok(),
        source_port: 20_000 + number,
        ending: if number < seen.tries.0 { Ending::Answered } else { Ending::ConnectTimeout },
        ..Attempt::sample()
    };
    let attempts: Vec<Attempt> = (0..seen.tries.0 + seen.tries.1).map(attempt).collect();
    let probe = Probe { vantage: Vantage::Node("n1".into()), ..Probe::sample(VIP, attempts.clone()) };
    let unseen = Some("no packet of it was seen anywhere".to_owned());
    let connection = |attempt: Attempt| Connection {
        vantage: Vantage::Node("n1".into()),
        attempt,
        hops: Vec::new(),
        pod: None,
        not_joined: unseen.clone(),
    };
    let flow = Flow {
        captures: vec![capture],
        probes: vec![probe],
        connections: attempts.into_iter().map(connection).collect(),
        ..Flow::default()
    };
    let before = place_state(place.clone(), &text.replace("[4:240]", "[0:0]"));
    let states = StatePair { before, after: place_state(place, &text) };
    let closer = Closer { states: vec![states], ..Closer::default() };
    let case = Case { service: &service, announcement: None, target: Some(&target), flow: Some(&flow), closer: Some(&closer), gaps: &[] };
    let (mut findings, mut gaps) = (Vec::new(), Vec::new());
    flow::findings(&case, &Log::default(), Vec::new(), &mut findings, &mut gaps);
    (findings.into_iter().map(|finding| (finding.name, finding.culprits[0].to_string(), finding.next)).collect(), gaps)
}

#[track_caller]
fn names(seen: &Seen, name: &str, culprit: &str, command: &str) {
    let (findings, _) = judged(seen);
    let (found, by, next) = findings.first().unwrap_or_else(|| panic!("nothing is said of it, expected {name}"));
    assert_eq!((found.as_str(), by.as_str()), (name, culprit));
    assert!(next.contains(command), "{next}");
}

/// Nothing is claimed, and the gap leads to no other login.
#[track_caller]
fn stays_open(seen: &Seen, why: &str) {
    let (findings, gaps) = judged(seen);
    assert!(findings.is_empty(), "{why}: {findings:?}");
    let gap = gaps.first().unwrap();
    assert_eq!((gap.name.as_str(), gap.subject.to_string().as_str()), ("evidence/undecided", "node/n1"), "{why}");
    assert!(gap.next.as_ref().is_some_and(|next| next.contains("ip route get") && !next.contains("--from")), "{gap:?}");
}

fn ruled(rule: &str, routes: &str) -> Seen {
    Seen { rules: format!("{USUAL_RULES}\n{rule}"), routes: format!("{USUAL_ROUTES}\n{routes}"), ..seen() }
}

#[test]
fn a_policy_rule_of_the_node_refuses_what_its_requests_are_translated_to() {
    let sorted = |text: &str| format!("0:\tfrom all lookup local\n{text}\n32766:\tfrom all lookup main\n32767:\tfrom all lookup default");
    let by_table = Seen { rules: sorted("90:\tfrom all lookup 90"), ..ruled("", "prohibit 10.88.131.0/24 table 90") };
    names(&by_table, "route/pod-network-missing", "node/n1/route/10.88.131.3", "ip rule del pref 90 from all lookup 90");
    let itself = Seen { rules: sorted("90:\tfrom all to 10.88.131.0/24 dport 4180 blackhole"), ..seen() };
    names(&itself, "route/pod-network-missing", "node/n1/route/10.88.131.3", "ip rule del pref 90");
    let others = Seen { rules: sorted("90:\tfrom 10.88.77.0/24 lookup 90"), ..ruled("", "prohibit 10.88.131.0/24 table 90") };
    stays_open(&others, "the rule is for what others send");
}

#[test]
fn a_route_of_the_node_refuses_or_leads_to_where_nobody_is() {
    let more_specific = Seen { routes: format!("{USUAL_ROUTES}\nunreachable 10.88.131.0/25"), ..seen() };
    names(&more_specific, "route/pod-network-missing", "node/n1/route/10.88.131.3", "ip route del unreachable 10.88.131.0/25");
    let dark = Seen { routes: format!("{USUAL_ROUTES}\n10.88.131.3 dev old0 scope link"), ..seen() };
    names(&dark, "route/pod-network-wrong", "node/n1/route/10.88.131.3", "ip route del 10.88.131.3 dev old0");
    let all = Seen {
        routes: format!("{USUAL_ROUTES}\nblackhole 10.88.130.0/25\nblackhole 10.88.131.0/25"),
        sent: Vec::new(),
        tries: (0, 4),
        ..seen()
    };
    names(&all, "route/pod-network-missing", "node/n1/route/10.88.130.2", "ip route del blackhole 10.88.130.0/25");
}

#[test]
fn a_packet_filter_of_the_node_takes_what_it_sends() {
    let table = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n[4:240] -A OUTPUT -d 10.88.131.0/24 -p tcp -m tcp --dport 4180 -j DROP\nCOMMIT";
    let (findings, _) = judged(&Seen { iptables: table, ..seen() });
    assert_eq!(findings[0].0, "node/firewall-drop", "{findings:?}");
    assert!(findings[0].1.starts_with("node/n1/rule/filter/OUTPUT/"), "{findings:?}");
    let nft = "table inet guard {\n\tchain out {\n\t\ttype filter hook output priority filter; policy accept;\n\t\tip daddr 10.88.131.3 tcp dport 4180 reject\n\t}\n}";
    let (findings, _) = judged(&Seen { nft, ..seen() });
    assert_eq!(findings[0].0, "node/firewall-drop", "{findings:?}");
    let input =
        "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n[4:240] -A FORWARD -d 10.88.131.0/24 -j DROP\nCOMMIT";
    stays_open(&Seen { iptables: input, ..seen() }, "what is forwarded is another thing");
}

#[test]
fn what_is_sent_to_the_refused_pod_or_lost_behind_is_another_cause() {
    let refused = Seen { routes: format!("{USUAL_ROUTES}\nunreachable 10.88.131.0/25"), ..seen() };
    let sent = |sent: &[(&'static str, bool)]| Seen { sent: sent.to_vec(), ..refused.clone() };
    stays_open(&sent(&[(NEAR, true), (FAR, true)]), "it was sent to");
    stays_open(&sent(&[(NEAR, true), (NEAR, false)]), "what it sent to another pod was not answered");
    stays_open(&sent(&[]), "nothing was seen of the other pod");
    let (findings, _) = judged(&Seen { lost: 3, ..refused });
    assert!(findings.is_empty(), "the capture lost packets");
    stays_open(&seen(), "nothing refuses");
}
