//! A node that swallows packets: all of them are lost inside it, everything that is known to take packets was read there, and nothing does.

use crate::analysis::judge::case::{Case, found};
use crate::analysis::judge::node::kube_proxy;
use crate::analysis::judge::node::packets::Packets;
use std::collections::BTreeSet;

use super::road::{Leg, Point, Road};
use super::translation;
use crate::analysis::state::conntrack::Wanted;
use crate::analysis::state::place_state::StatePair;
use crate::analysis::state::ruleset;
use crate::model::catalogue::names;
use crate::model::finding::Finding;
use crate::model::subject::Subject;

/// Tries that have to be lost: one alone may be anything.
const ENOUGH: usize = 2;

/// What the kernel counts when it drops a packet, or refuses it with ICMP, for a reason that a rule or a setting gives it: group and name in
/// its tables. One that grew by as much as was lost says that there is a reason, found or not.
const REASONS: [(&str, &str); 12] = [
    ("Ip", "InHdrErrors"),
    ("Ip", "InAddrErrors"),
    ("Ip", "InDiscards"),
    ("Ip", "OutDiscards"),
    ("Ip", "OutNoRoutes"),
    ("Ip", "FragFails"),
    ("IpExt", "InNoRoutes"),
    ("IpExt", "InTruncatedPkts"),
    ("IpExt", "InCsumErrors"),
    ("TcpExt", "IPReversePathFilter"),
    ("Icmp", "OutDestUnreachs"),
    ("Icmp", "OutTimeExcds"),
];

/// What has to have been read on the node, beside the packet filter of the address's family.
const READ: [&str; 7] = ["links", "addresses", "neighbours", "settings", "route-get", "nft", "traffic-control"];

/// Every failing connection was lost inside one node, and nothing explains it.
pub(super) fn finding(case: &Case) -> Option<Finding> {
    let roads = case.roads();
    let failing: Vec<&Road> = roads.iter().filter(|road| !road.connection.attempt.answered()).collect();
    let places: BTreeSet<(String, bool)> = failing.iter().map(|road| swallowed(road)).collect::<Option<_>>()?;
    let [(node, far)] = places.iter().collect::<Vec<_>>()[..] else { return None };
    let pair = case.node_state(node)?;
    let packets = Packets::of(case, &failing);
    let watched = failing.len() >= ENOUGH && failing.iter().all(|road| road.watched(node));
    if !watched || !read(case, pair) || !(*far || programmed(case, pair)) {
        return None;
    }
    // A rule that may have taken them, led them elsewhere or let them live no further is another explanation, kube-proxy's own too.
    let fields = packets.fields(Leg::Request, case.address(), None);
    if !ruleset::undecided(pair, &fields).is_nothing()
        || translation::refused(pair, &fields, &failing)
        || translation::suspected(case, pair, node, &failing)
        || translated_again(pair, &packets)
    {
        return None;
    }
    // The counters were read around the second round alone.
    if given_a_reason(pair, failing.iter().filter(|road| road.repeated()).count()) {
        return None;
    }
    Some(found(
        names::NODE_LOST_INSIDE,
        vec![Subject::node(node)],
        format!("requests come in on {node} and leave it nowhere, and nothing that was read there explains it"),
        vec![
            format!("{} requests came in on {node}, none left it towards a pod", failing.len()),
            format!(
                "read on {node} around the repeated probe: packet filters and their counters, kube-proxy's rules, routes, neighbours, \
                 settings, traffic control, the connection table"
            ),
        ],
    ))
}

/// The node in which a request was lost, and whether it is the pod's own, behind the one that announces.
fn swallowed(road: &Road) -> Option<(String, bool)> {
    let gone = road.vanished()?;
    let node = gone.last.place().to_owned();
    match (gone.leg, &gone.last, &gone.next) {
        (Leg::Request, Point::NodeClientSide(_), Point::NodePodSide(_))
        | (Leg::Reply, Point::NodeClientSide(_), Point::NodeClientSide(_)) => Some((node, false)),
        (Leg::Request, Point::FarNetworkSide(_), Point::FarPodSide(_)) => Some((node, true)),
        _ => None,
    }
}

/// Whether the node's connection table has what is for an endpoint led on to somebody else, by whatever rule: kube-proxy does so itself where
/// another Service claims the endpoint's address.
fn translated_again(pair: &StatePair, packets: &Packets) -> bool {
    packets.endpoints.iter().any(|(ip, port)| {
        let wanted = Wanted { address: Some(*ip), port: Some(*port), ..Wanted::default() };
        pair.after.tracked(&wanted).unwrap_or_default().iter().any(|entry| (entry.dst, entry.dport) == (*ip, Some(*port)) && entry.dnat)
    })
}

/// Whether the kernel counted as many drops for one reason as tries were lost while it was watched.
fn given_a_reason(pair: &StatePair, lost: usize) -> bool {
    let enough = u64::try_from(lost).unwrap_or(u64::MAX).max(2);
    let by_ipsec = pair.ipsec_dropped().is_some_and(|dropped| dropped.iter().any(|(_, grown)| *grown >= enough));
    by_ipsec || REASONS.iter().any(|(group, name)| pair.grown(group, name).is_some_and(|grown| grown >= enough))
}

fn read(case: &Case, pair: &StatePair) -> bool {
    let filter = if case.address().is_some_and(|address| address.is_ipv4()) { "iptables" } else { "ip6tables" };
    let there = |section: &str| pair.before.is_read(section) && pair.after.is_read(section);
    READ.iter().chain([&filter]).all(|section| there(section))
}

/// kube-proxy's rules on the node lead to every endpoint that serves.
fn programmed(case: &Case, pair: &StatePair) -> bool {
    let programmed = kube_proxy::programmed(case, pair);
    let serving = case.target.map(crate::model::endpoint::Target::serving).unwrap_or_default();
    !serving.is_empty() && serving.iter().all(|endpoint| endpoint.port.is_some_and(|port| programmed.contains(&(endpoint.ip, port))))
}
