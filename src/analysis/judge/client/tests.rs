//! Who takes whom for a neighbour: c2, behind a router, and n2, which announces. What the tools print is theirs, the addresses are the lab's.

use serde_json::json;

use super::super::{Case, flow, holders};
use super::overlaps;
use crate::analysis::judge::road::Road;
use crate::analysis::judge::rule::Log;
use crate::analysis::judge::tries::Tries;
use crate::analysis::read::objects;
use crate::analysis::state::closer::Closer;
use crate::analysis::state::place_state::StatePair;
use crate::analysis::state::sections::place_state;
use crate::model::announcement::{AddressLog, Agreement, Announcement, History, LogState, ProtocolLog, Spared, SpeakerLog};
use crate::model::capture::{Capture, CaptureRequest};
use crate::model::connection::{Connection, Hop};
use crate::model::finding::{Finding, Gap};
use crate::model::flow::{ArpAsk, Flow};
use crate::model::metallb::Metallb;
use crate::model::packet::{Arp, Body, Mac, Packet, Passage};
use crate::model::place::{Host, HostKind, Place};
use crate::model::probe::{Attempt, Ending, Vantage};

const VIP: &str = "10.88.64.100";
const CLIENT: &str = "10.88.192.50";
const ROUTER_MAC: &str = "02:00:00:00:00:01";
const CLIENT_MAC: &str = "02:00:00:00:00:50";

/// What was read and seen, each as its tool tells it.
struct Seen {
    /// `ip route get VIP` on the client.
    way: &'static str,
    client_addresses: &'static str,
    client_neighbours: &'static str,
    client_routes: &'static str,
    node_addresses: &'static str,
    node_neighbours: &'static str,
    node_routes: &'static str,
    /// `ip route get CLIENT` on n2.
    back: &'static str,
    /// The interface of n2 by which the client's ARP requests come in.
    arp_comes_to: Option<&'static str>,
    /// A capture of n2 that lost packets.
    lost: u64,
    hops: Vec<Hop>,
    ending: Ending,
    /// Somebody else's request for the address, which n2 answers.
    another_asks: bool,
    /// The MAC that answers c2 for its router, where it was asked.
    router_answers: Option<&'static str>,
    /// The MAC of a frame that comes in on c2.
    comes_in: Option<&'static str>,
}

fn seen() -> Seen {
    Seen {
        way: "10.88.64.100 dev eth0 src 10.88.192.50 uid 0",
        client_addresses: "2: eth0    inet 10.88.192.50/24 scope global eth0",
        client_neighbours: "10.88.64.100 dev eth0 FAILED",
        client_routes: "default via 10.88.192.1 dev eth0\n10.88.64.0/24 dev eth0 scope link",
        node_addresses: "2: eth0    inet 10.88.0.12/18 scope global eth0\n3: mlb    inet 10.88.64.12/24 scope global mlb",
        node_neighbours: "10.88.64.1 dev mlb lladdr 02:00:00:00:00:01 REACHABLE",
        node_routes: "default via 10.88.64.1 dev mlb",
        back: "10.88.192.50 via 10.88.64.1 dev mlb src 10.88.64.12",
        arp_comes_to: None,
        lost: 0,
        hops: Vec::new(),
        ending: Ending::HostUnreachable,
        another_asks: false,
        router_answers: None,
        comes_in: None,
    }
}

fn place(name: &str, kind: HostKind) -> Place {
    Place::sample(name, kind)
}

fn links(links: &[(&str, &str, &str)]) -> String {
    let line = |(name, mac, kind): &(&str, &str, &str)| {
        format!(
            "2: {name}: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP\\    link/ether {mac} brd ff:ff:ff:ff:ff:ff {kind}"
        )
    };
    links.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn sections(all: &[(&str, &str)]) -> String {
    all.iter().map(|(name, text)| format!("=== {name}\n{text}\n=== end 0\n")).collect::<Vec<_>>().concat()
}

fn pair(place: &Place, text: &str) -> StatePair {
    let state = place_state(place.clone(), text);
    StatePair::unchanged(state)
}

fn arp(interface: &str, passage: Passage, reply: bool, sender: (&str, u8), target: &str) -> Packet {
    let body =
        Arp { reply, sender_mac: Mac([2, 0, 0, 0, 0, sender.1]), sender: sender.0.parse().unwrap(), target: target.parse().unwrap() };
    Packet { at: 1, interface: interface.into(), passage, source_mac: None, body: Body::Arp(body), tunnel: None, outer: None, ttl: None }
}

fn capture(place: Place, lost: u64, packets: Vec<Packet>) -> Capture {
    let arrived = packets.len() as u64;
    Capture { packets: packets.into_iter().collect(), ..Capture::sample(CaptureRequest::sample(place), arrived, lost) }
}

fn log(node: &str, announces: bool) -> SpeakerLog {
    let word = ProtocolLog { protocol: "layer2".into(), state: LogState::Announced, at: None, since: None, reason: String::new() };
    let address = AddressLog { protocols: if announces { vec![word] } else { Vec::new() }, ..AddressLog::silent(VIP.parse().unwrap()) };
    SpeakerLog { pod: format!("speaker-{node}"), node: node.into(), complete: true, addresses: vec![address], ..SpeakerLog::default() }
}

/// n2 announces on mlb; n1 may as well.
fn announcement(candidates: &[&str], claimed: &[&str]) -> Announcement {
    let node = |name: &&str| objects::node(&json!({"metadata": {"name": name}, "spec": {"podCIDRs": ["10.88.131.0/24"]}}));
    Announcement {
        address: VIP.parse().ok(),
        addresses: vec![VIP.parse().unwrap()],
        service: "a/web".into(),
        protocol: "layer2".into(),
        nodes: vec!["n2".into()],
        pod: None,
        expected: None,
        candidates: candidates.iter().map(ToString::to_string).collect(),
        excluded: Vec::new(),
        layer2: false,
        sides: Vec::new(),
        agreement: Agreement::Agree,
        because: String::new(),
        logs: candidates.iter().map(|node| log(node, claimed.contains(node))).collect(),
        metrics: [].into(),
        wire: None,
        history: History::default(),
        nodes_seen: candidates.iter().map(node).collect::<Vec<_>>().into(),
        metallb: Metallb::default(),
        pool: None,
        interfaces: vec!["mlb".into()],
        advertisements: vec!["services".into()],
        bgp: None,
        now: String::new(),
        unread: Vec::new(),
        spared: Spared::default(),
    }
}

/// The first finding with its first culprit, and what stayed open, by the rule that is asked.
fn judged(seen: &Seen, rule: impl Fn(&Case, &[&Road]) -> (Vec<Finding>, Vec<Gap>)) -> (Option<(String, String)>, Vec<String>) {
    let service = objects::service(&json!({"metadata": {"namespace": "a", "name": "web"}, "spec": {"type": "LoadBalancer",
        "ports": [{"port": 443}]}, "status": {"loadBalancer": {"ingress": [{"ip": VIP}]}}}));
    let announcement = announcement(&["n2"], &["n2"]);
    let (client, node) = (place("c2", HostKind::Client), place("n2", HostKind::Node));
    let mut at_node: Vec<Packet> =
        seen.arp_comes_to.iter().map(|interface| arp(interface, Passage::In, false, (CLIENT, 0x50), VIP)).collect();
    if seen.another_asks {
        at_node.push(arp("mlb", Passage::In, false, ("10.88.64.51", 0x51), VIP));
        at_node.push(arp("mlb", Passage::Out, true, (VIP, 0x12), "10.88.64.51"));
    }
    let mut at_client = vec![arp("eth0", Passage::Out, false, (CLIENT, 0x50), VIP)];
    let frame = arp("eth0", Passage::In, false, ("10.88.192.9", 0x09), "10.88.192.77");
    at_client.extend(seen.comes_in.map(|mac| Packet { source_mac: mac.parse().ok(), ..frame }));
    let captures = vec![capture(client.clone(), 0, at_client), capture(node.clone(), seen.lost, at_node)];
    let attempt = Attempt { source: CLIENT.parse().ok(), source_port: 20_000, ending: seen.ending, ..Attempt::sample() };
    let connection = Connection { vantage: Vantage::Ssh("c2".into()), attempt, hops: seen.hops.clone(), pod: None, not_joined: None };
    let client_links = links(&[("eth0", CLIENT_MAC, "veth"), ("d0", "02:00:00:00:00:51", "dummy")]);
    let node_links = links(&[("eth0", "02:00:00:00:01:12", ""), ("mlb", "02:00:00:00:00:12", ""), ("br0", "02:00:00:00:02:12", "bridge")]);
    let states = vec![
        pair(
            &client,
            &sections(&[
                ("links", &client_links),
                ("addresses", seen.client_addresses),
                ("routes", seen.client_routes),
                ("neighbours", seen.client_neighbours),
                ("route-to-address", seen.way),
            ]),
        ),
        pair(
            &node,
            &sections(&[
                ("links", &node_links),
                ("addresses", seen.node_addresses),
                ("routes", seen.node_routes),
                ("neighbours", seen.node_neighbours),
                ("route-get", &format!("{CLIENT},, => {}", seen.back)),
            ]),
        ),
    ];
    let flow = Flow { captures, connections: vec![connection], ..Flow::default() };
    let host = client.host().clone();
    let next_hop = |mac: &str| {
        let asked = vec![("eth0".to_owned(), CLIENT_MAC.to_owned())];
        ("10.88.192.1".parse().unwrap(), ArpAsk { host, asked, replies: vec![("eth0".to_owned(), mac.to_owned())], error: None })
    };
    let closer = Closer { states, next_hops: seen.router_answers.map(next_hop).into_iter().collect(), ..Closer::default() };
    let case =
        Case { service: &service, announcement: Some(&announcement), target: None, flow: Some(&flow), closer: Some(&closer), gaps: &[] };
    let roads = case.roads();
    let (findings, gaps) = rule(&case, &roads.iter().collect::<Vec<_>>());
    let first = findings.first().map(|finding| (finding.name.clone(), finding.culprits[0].to_string()));
    (first, gaps.into_iter().map(|gap| gap.reason).collect())
}

/// What the whole judgement of the failing connections says first.
fn whole(seen: &Seen) -> (Option<(String, String)>, Vec<String>) {
    judged(seen, |case, _| {
        let (mut findings, mut gaps) = (Vec::new(), Vec::new());
        flow::findings(case, &Log::default(), Vec::new(), &mut findings, &mut gaps);
        (findings, gaps)
    })
}

fn astray(seen: &Seen) -> Option<(String, String)> {
    judged(seen, |case, roads| {
        let found = Log::default().first(&super::rules::AT_CLIENT, "c1", &Tries { case, roads, node: "" });
        (found.and_then(Result::ok).into_iter().collect(), Vec::new())
    })
    .0
}

fn back(seen: &Seen) -> Option<(String, String)> {
    judged(seen, |case, roads| (overlaps::on_link(case, roads, "n2").into_iter().collect(), Vec::new())).0
}

/// Asserts that the client's own route is named.
#[track_caller]
fn is_no_route(found: impl Into<Option<(String, String)>>) {
    assert_eq!(found.into(), Some(("client/no-route".to_owned(), format!("client/{CLIENT}"))));
}

#[test]
fn a_client_that_takes_the_address_for_a_neighbours() {
    is_no_route(whole(&seen()).0);
    // Somebody else is answered at the same time, which is no answer to this client.
    is_no_route(whole(&Seen { another_asks: true, ..seen() }).0);
    // A mask that is too wide is the same; an interface on which nothing is announced, too.
    let wide = "2: eth0    inet 10.88.192.50/9 scope global eth0";
    is_no_route(astray(&Seen { client_addresses: wide, ..seen() }));
    is_no_route(astray(&Seen { arp_comes_to: Some("eth0"), ..seen() }));
}

#[test]
fn a_client_that_is_a_neighbour_or_may_be_is_not_blamed() {
    let of_the_network = Seen {
        way: "10.88.64.100 dev eth0 src 10.88.64.50 uid 0",
        client_addresses: "2: eth0    inet 10.88.64.50/32 scope global eth0",
        ..seen()
    };
    assert_eq!(astray(&of_the_network), None);
    assert_eq!(astray(&Seen { arp_comes_to: Some("mlb"), ..seen() }), None, "it is heard where the address is announced");
    assert_eq!(astray(&Seen { lost: 3, ..seen() }), None, "n2's capture lost packets");
    let known_to_the_node = "10.88.192.50 dev mlb lladdr 02:00:00:00:00:50 STALE";
    assert_eq!(astray(&Seen { node_neighbours: known_to_the_node, ..seen() }), None, "they share a network");
    let known_to_the_client = "10.88.64.12 dev eth0 lladdr 02:00:00:00:00:12 STALE";
    assert_eq!(astray(&Seen { client_neighbours: known_to_the_client, ..seen() }), None, "they share a network");
    assert_eq!(astray(&Seen { way: "", ..seen() }), None, "its route was not read");
    // Then nothing worse is said: that the client asks in vain proves no loss between.
    let (finding, open) = whole(&Seen { way: "", another_asks: true, ..seen() });
    assert_eq!(finding, None);
    assert!(open.iter().any(|reason| reason.contains("has no address in any network of n2")), "{open:?}");
}

#[test]
fn routes_that_refuse_end_in_nothing_or_name_a_gateway_that_nobody_is() {
    is_no_route(astray(&Seen { way: "RTNETLINK answers: Invalid argument", ..seen() }));
    let unreachable = "unreachable 10.88.64.100 dev lo src 10.88.192.50";
    is_no_route(astray(&Seen { way: unreachable, ..seen() }));
    is_no_route(astray(&Seen { way: "10.88.64.100 dev d0 src 10.88.192.50", ..seen() }));
    let by_a_gateway =
        |neighbours| Seen { way: "10.88.64.100 via 10.88.192.77 dev eth0 src 10.88.192.50", client_neighbours: neighbours, ..seen() };
    is_no_route(astray(&by_a_gateway("10.88.192.77 dev eth0 FAILED")));
    assert_eq!(astray(&by_a_gateway("10.88.192.77 dev eth0 lladdr 02:00:00:00:00:77 STALE")), None);
    // Of the only way out it stays open who is wrong.
    let only = Seen { client_routes: "default via 10.88.192.77 dev eth0", ..by_a_gateway("10.88.192.77 dev eth0 INCOMPLETE") };
    assert_eq!(astray(&only), None);
    assert_eq!(astray(&Seen { way: "local 10.88.64.100 dev lo src 10.88.64.100", ..seen() }), None, "the address is its own");
}

fn hop(place: &str, interface: &str, passage: Passage, request: bool, mac: Option<&str>) -> Hop {
    let (client, vip) = ((CLIENT.parse().unwrap(), 20_000), (VIP.parse().unwrap(), 443));
    let seen = Hop::sample(place, passage, client, vip);
    Hop { interface: interface.into(), source_mac: mac.map(str::to_owned), ..if request { seen } else { seen.back() } }
}

/// The request comes through the router, and n2 has an address of the client's network on eth0.
fn overlapping() -> Seen {
    Seen {
        way: "10.88.64.100 via 10.88.192.1 dev eth0 src 10.88.192.50",
        node_addresses: "2: eth0    inet 10.88.0.12/18 scope global eth0\n2: eth0    inet 10.88.192.10/24 scope global eth0\n3: mlb    inet 10.88.64.12/24 scope global mlb",
        node_neighbours: "10.88.64.1 dev mlb lladdr 02:00:00:00:00:01 REACHABLE\n10.88.192.50 dev eth0 INCOMPLETE\n10.88.0.13 dev eth0 lladdr 02:00:00:00:00:13 STALE",
        node_routes: "default via 10.88.64.1 dev mlb\n10.88.192.0/24 dev eth0 proto kernel scope link src 10.88.192.10",
        back: "10.88.192.50 dev eth0 src 10.88.192.10",
        hops: vec![hop("c2", "eth0", Passage::Out, true, None), hop("n2", "mlb", Passage::In, true, Some(ROUTER_MAC))],
        ending: Ending::ConnectTimeout,
        ..seen()
    }
}

/// c2's requests leave it by its router, for whose MAC it has an entry, and come to no node.
fn by_router(entry: &'static str) -> Seen {
    Seen {
        way: "10.88.64.100 via 10.88.192.1 dev eth0 src 10.88.192.50",
        client_routes: "default via 10.88.192.1 dev eth0\n10.88.192.0/24 dev eth0 proto kernel scope link src 10.88.192.50",
        client_neighbours: entry,
        hops: vec![hop("c2", "eth0", Passage::Out, true, Some(CLIENT_MAC))],
        ending: Ending::ConnectTimeout,
        ..seen()
    }
}

#[test]
fn a_client_whose_entry_of_its_router_is_another_mac() {
    let wrong = Some(("wire/stale-neighbour".to_owned(), format!("client/{CLIENT}")));
    let permanent = by_router("10.88.192.1 dev eth0 lladdr 02:00:00:00:77:01 PERMANENT");
    assert_eq!(whole(&Seen { router_answers: Some(ROUTER_MAC), ..permanent }).0, wrong);
    // One that was learned may be wrong as well, as where the router was replaced.
    let learned = by_router("10.88.192.1 dev eth0 lladdr 02:00:00:00:77:02 REACHABLE");
    assert_eq!(astray(&Seen { router_answers: Some(ROUTER_MAC), ..learned }), wrong);
}

#[test]
fn an_entry_that_may_be_right_is_not_named() {
    let permanent = || by_router("10.88.192.1 dev eth0 lladdr 02:00:00:00:77:01 PERMANENT");
    assert_eq!(astray(&Seen { router_answers: Some("02:00:00:00:77:01"), ..permanent() }), None, "the router says the same");
    assert_eq!(astray(&Seen { router_answers: Some(ROUTER_MAC), comes_in: Some("02:00:00:00:77:01"), ..permanent() }), None, "it sends");
    assert_eq!(astray(&Seen { router_answers: Some(ROUTER_MAC), lost: 3, ..permanent() }), None, "n2's capture lost packets");
    // Where nobody answered, or nobody was asked, it is said that the entry is permanent, and nothing is claimed.
    let entry = |seen: &Seen| judged(seen, |case, roads| (Vec::new(), super::entry::unproven(case, roads).into_iter().collect())).1;
    assert!(entry(&permanent())[0].contains("10.88.192.1 is at 02:00:00:00:77:01 (PERMANENT)"));
    assert!(entry(&by_router("10.88.192.1 dev eth0 lladdr 02:00:00:00:77:01 STALE")).is_empty(), "the kernel asks anew");
    assert!(entry(&Seen { comes_in: Some("02:00:00:00:77:01"), ..permanent() }).is_empty());
}

#[test]
fn a_node_that_takes_the_client_for_a_neighbour() {
    let overlaps = Some(("client/overlaps-cluster".to_owned(), format!("client/{CLIENT}")));
    assert_eq!(back(&overlapping()), overlaps);
    // A route alone is what has to be changed.
    let route = Seen {
        node_addresses: seen().node_addresses,
        node_routes: "default via 10.88.64.1 dev mlb\n10.88.192.0/24 dev mlb scope link",
        node_neighbours: "10.88.64.1 dev mlb lladdr 02:00:00:00:00:01 REACHABLE\n10.88.192.50 dev mlb FAILED",
        back: "10.88.192.50 dev mlb src 10.88.64.12",
        ..overlapping()
    };
    assert_eq!(back(&route), Some(("route/return-missing".to_owned(), "node/n2/route/10.88.192.0/24".to_owned())));
}

#[test]
fn a_client_that_may_be_the_node_s_neighbour_is_not_said_to_overlap() {
    let neighbours = |text| Seen { node_neighbours: text, ..overlapping() };
    assert_eq!(back(&neighbours("10.88.192.50 dev eth0 lladdr 02:00:00:00:00:50 STALE")), None, "it answers");
    assert_eq!(back(&neighbours("10.88.64.1 dev mlb lladdr 02:00:00:00:00:01 STALE")), None, "it was not asked for");
    let others = "10.88.192.50 dev eth0 INCOMPLETE\n10.88.192.1 dev eth0 lladdr 02:00:00:00:00:99 REACHABLE\n10.88.64.1 dev mlb lladdr 02:00:00:00:00:01 STALE";
    assert_eq!(back(&neighbours(others)), None, "others of that network are there");
    let direct = vec![hop("n2", "eth0", Passage::In, true, Some(CLIENT_MAC))];
    assert_eq!(back(&Seen { hops: direct, ..overlapping() }), None, "its requests come from itself");
    assert_eq!(back(&Seen { back: "10.88.192.50 via 10.88.64.1 dev mlb", ..overlapping() }), None);
}

#[test]
fn a_bridge_of_containers_holds_no_client() {
    let bridge = Seen {
        node_addresses: "3: mlb    inet 10.88.64.12/24 scope global mlb\n4: br0    inet 10.88.192.1/20 scope global br0",
        node_neighbours: "10.88.64.1 dev mlb lladdr 02:00:00:00:00:01 REACHABLE\n10.88.192.50 dev br0 FAILED\n10.88.192.9 dev br0 lladdr 02:00:00:00:00:09 STALE",
        node_routes: "default via 10.88.64.1 dev mlb\n10.88.192.0/20 dev br0 proto kernel scope link src 10.88.192.1",
        back: "10.88.192.50 dev br0 src 10.88.192.1",
        ..overlapping()
    };
    assert_eq!(back(&bridge), Some(("client/overlaps-cluster".to_owned(), format!("client/{CLIENT}"))));
}

#[test]
fn a_client_inside_a_pod_network() {
    let pods = |seen: &Seen, client: &'static str| {
        judged(seen, |case, roads| {
            let mut connection = roads[0].connection.clone();
            connection.attempt.source = client.parse().ok();
            let road = Road::new(case, &connection, roads[0].captures().to_vec());
            (overlaps::pods(case, &[&road], "n2").into_iter().collect(), Vec::new())
        })
        .0
    };
    // The section tells the way to one client; the test's line is of another.
    let inward = Seen { back: "x\n10.88.131.77,, => 10.88.131.77 via 10.88.131.255 dev vxlan.calico src 10.88.130.255", ..overlapping() };
    assert_eq!(pods(&inward, "10.88.131.77"), Some(("client/overlaps-cluster".to_owned(), "client/10.88.131.77".to_owned())));
    let outward = Seen { back: "x\n10.88.131.77,, => 10.88.131.77 via 10.88.64.1 dev mlb src 10.88.64.12", ..overlapping() };
    assert_eq!(pods(&outward, "10.88.131.77"), None);
    assert_eq!(pods(&overlapping(), CLIENT), None);
}

#[test]
fn a_client_that_has_the_address_itself() {
    let own = |addresses: &'static str| {
        let seen = Seen {
            way: "local 10.88.64.100 dev lo src 10.88.64.100",
            client_addresses: addresses,
            hops: vec![hop("c2", "lo", Passage::In, true, None)],
            ending: Ending::Refused,
            ..seen()
        };
        whole(&seen)
    };
    let (finding, _) = own("1: lo    inet 10.88.64.100/32 scope global lo");
    assert_eq!(finding, Some(("wire/duplicate-address".to_owned(), "client/c2".to_owned())));
    // A client that is a node of some cluster has it from its kube-proxy, and is asked there as a node is.
    let (finding, open) = own("9: kube-ipvs0    inet 10.88.64.100/32 scope global kube-ipvs0");
    assert!(finding.is_none() && !open.is_empty(), "{finding:?} {open:?}");
}

/// What is said of the nodes that answer by ARP: each with the interfaces that have addresses, and whether its speaker announces.
fn answering(nodes: &[(&str, &str, bool)], unread: &[&str]) -> Vec<(String, String)> {
    let service = objects::service(&json!({"metadata": {"namespace": "a", "name": "web"}, "spec": {"type": "LoadBalancer",
        "ports": [{"port": 443}]}, "status": {"loadBalancer": {"ingress": [{"ip": VIP}]}}}));
    let names: Vec<&str> = nodes.iter().map(|(name, _, _)| *name).collect();
    let claimed: Vec<&str> = nodes.iter().filter(|(_, _, announces)| *announces).map(|(name, _, _)| *name).collect();
    let mut announcement = announcement(&names, &claimed);
    announcement.unread = unread.iter().map(ToString::to_string).collect();
    announcement.logs = announcement.logs.iter().filter(|log| !unread.contains(&log.node.as_str())).cloned().collect();
    let mac = |name: &str| format!("02:00:00:00:00:1{}", name.trim_start_matches('n'));
    let states: Vec<StatePair> = nodes
        .iter()
        .map(|(name, addresses, _)| {
            pair(&place(name, HostKind::Node), &sections(&[("links", &links(&[("mlb", &mac(name), "")])), ("addresses", addresses)]))
        })
        .collect();
    let host = Host { name: "c1".into(), address: "c1".into(), kind: HostKind::Client };
    let replies = names.iter().map(|name| ("eth0".to_owned(), mac(name))).collect();
    let ask = ArpAsk { host, asked: vec![("eth0".to_owned(), "02:00:00:00:00:51".to_owned())], replies, error: None };
    let flow = Flow { arp: vec![ask], ..Flow::default() };
    let closer = Closer { states, ..Closer::default() };
    let case =
        Case { service: &service, announcement: Some(&announcement), target: None, flow: Some(&flow), closer: Some(&closer), gaps: &[] };
    let mut all: Vec<Finding> = super::super::announce::findings(&case, &Log::default());
    all.retain(|finding| matches!(finding.name.as_str(), "announce/split-brain" | "wire/duplicate-address"));
    assert_eq!(holders::stray(&case).is_some(), all.iter().any(|finding| finding.name == "wire/duplicate-address"));
    all.into_iter().map(|finding| (finding.name, finding.culprits[0].to_string())).collect()
}

#[test]
fn a_node_that_answers_without_announcing_is_no_second_speaker() {
    let own = |name: &'static str| (name, "3: mlb    inet 10.88.64.11/24 scope global mlb", name == "n2");
    let also = |interface: &'static str| ("n1", interface, false);
    let duplicate = |interface: &str| vec![("wire/duplicate-address".to_owned(), format!("node/n1/interface/{interface}"))];
    let split = vec![("announce/split-brain".to_owned(), "network/n1..n2".to_owned())];
    assert_eq!(answering(&[own("n2"), also("3: mlb    inet 10.88.64.100/32 scope global mlb")], &[]), duplicate("mlb"));
    assert_eq!(answering(&[own("n2"), also("1: lo    inet 10.88.64.100/32 scope global lo")], &[]), duplicate("lo"));
    // It has it, whatever its speaker says that nobody could hear.
    assert_eq!(answering(&[own("n2"), also("1: lo    inet 10.88.64.100/32 scope global lo")], &["n1"]), duplicate("lo"));
    // It answers, has it nowhere, and its speaker was heard to say nothing.
    assert_eq!(answering(&[own("n2"), own("n1")], &[]), duplicate("mlb"));
    // Two that announce, one whose log could not be read, and every node's kernel in IPVS mode.
    assert_eq!(answering(&[own("n2"), ("n1", "", true)], &[]), split);
    assert_eq!(answering(&[own("n2"), own("n1")], &["n1"]), split);
    let ipvs = "9: kube-ipvs0    inet 10.88.64.100/32 scope global kube-ipvs0";
    assert_eq!(answering(&[("n2", ipvs, true), also(ipvs)], &[]), split);
    // A remnant of that mode on one node, where who announces it works otherwise.
    assert_eq!(answering(&[own("n2"), also(ipvs)], &[]), duplicate("kube-ipvs0"));
    // The announcer may have it, too.
    assert_eq!(answering(&[("n2", "1: lo    inet 10.88.64.100/32 scope global lo", true)], &[]), []);
    // Where MetalLB announces nothing, whoever has it may be meant to.
    assert!(
        !answering(&[("n2", "", false), also("3: mlb    inet 10.88.64.100/32 scope global mlb")], &[])
            .iter()
            .any(|(name, _)| name == "wire/duplicate-address")
    );
}
