//! A way back to a client that leads to whom nobody is, a gateway or the client itself: what the node sends there waits for a MAC and ends in
//! the node.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::analysis::judge::case::{Case, found};
use crate::analysis::judge::road::Road;
use crate::analysis::state::place_state::{PlaceState, StatePair};
use crate::analysis::state::ways::{RouteQuestion, Way};
use crate::model::catalogue::names;
use crate::model::finding::Finding;
use crate::model::subject::Subject;

/// The node's own lookup leads to a gateway whose MAC nobody told, before the tries were repeated and after.
pub(in crate::analysis::judge) fn finding(case: &Case, pair: &StatePair, node: &str, clients: &BTreeSet<IpAddr>) -> Option<Finding> {
    clients.iter().find_map(|client| {
        let way = way_back(pair, *client)?;
        let (gateway, device) = (way.via?, way.device.as_deref()?);
        let states: Vec<&str> = [&pair.before, &pair.after].into_iter().map(|state| unknown(state, gateway, device)).collect::<Option<_>>()?;
        // Whoever is answered by the same gateway says that it is there.
        let by_it = |source: IpAddr| way_back(pair, source).is_some_and(|other| (other.via, other.device.as_deref()) == (Some(gateway), Some(device)));
        let answered = case.roads().iter().any(|road| {
            let attempt = &road.connection.attempt;
            attempt.answered() && road.entry().is_some_and(|(entry, _)| entry == node) && attempt.source.is_some_and(by_it)
        });
        if answered {
            return None;
        }
        let mut evidence = vec![
            format!("`ip route get {client}` on {node}: via {gateway} dev {device}"),
            format!("`ip neigh` on {node}: nobody on {device} tells the MAC of {gateway} ({})", states.join(", then ")),
        ];
        let of_service = |from: &str| case.address().is_some_and(|address| from == address.to_string());
        let rule = pair.after.policy_rules().into_iter().flatten().find(|rule| of_service(&rule.from));
        evidence.extend(rule.map(|rule| {
            format!(
                "the policy rule `from {}` of {node} (priority {}) does not take these answers: when they are routed they have the pod's address",
                rule.from, rule.priority
            )
        }));
        let mut finding = found(
            names::ROUTE_RETURN_MISSING,
            vec![Subject::route(node, client)],
            format!("{node}'s way back to {client} leads by {gateway} on {device}, and nobody there is {gateway}"),
            evidence,
        );
        finding.next = format!(
            "Give {node} a route to {client}'s network by the router that its requests come from (ip route show on {node}), or bring {gateway} back."
        );
        Some(finding)
    })
}

/// The node asks for the MAC of the client itself, by whose interface the requests come in, and nobody tells it.
pub(in crate::analysis::judge) fn silent_client(case: &Case, pair: &StatePair, node: &str, roads: &[&Road]) -> Option<Finding> {
    let (_, arrived) = roads.iter().find_map(|road| road.entry()).filter(|(entry, _)| entry == node)?;
    let sources: BTreeSet<(IpAddr, String)> =
        roads.iter().filter_map(|road| Some((road.connection.attempt.source?, road.client()))).collect();
    sources.iter().find_map(|(client, place)| {
        let way = way_back(pair, *client).filter(|way| way.via.is_none() && way.device.as_deref() == Some(arrived.as_str()))?;
        let device = way.device.as_deref()?;
        let states: Vec<&str> = [&pair.before, &pair.after].into_iter().map(|state| unknown(state, *client, device)).collect::<Option<_>>()?;
        let mut evidence = vec![
            format!("requests from {client} come in on {node}/{device}, and `ip route get {client}` there leads back by it, to {client} itself"),
            format!("`ip neigh` on {node}: nobody on {device} tells the MAC of {client} ({})", states.join(", then ")),
        ];
        let own = case.states().map(|other| &other.after).find(|state| state.place.to_string() == *place);
        let holder = own.and_then(|state| state.addresses()?.iter().find(|(_, net)| net.addr() == *client));
        evidence.extend(holder.map(|(interface, net)| format!("`ip addr` on {place}: {net} is on {interface}")));
        let name = Subject::from(&roads.iter().find(|road| road.client() == *place)?.connection.vantage);
        let mut finding = found(
            names::ROUTE_RETURN_MISSING,
            vec![name, Subject::route(node, client)],
            format!("{place} asks from {client}, and answers nobody who asks for the MAC of that address: {node}'s answers end there"),
            evidence,
        );
        finding.next = format!(
            "On {place}: let {client} be asked for on the interface that it sends by (ip addr; sysctl net.ipv4.conf.all.arp_ignore and arp_filter; arptables), or let it ask from that interface's own address."
        );
        Some(finding)
    })
}

fn way_back(pair: &StatePair, client: IpAddr) -> Option<&Way> {
    pair.after.way(&RouteQuestion::to(client))
}

/// The state of a neighbour entry without a MAC.
fn unknown<'a>(state: &'a PlaceState, gateway: IpAddr, device: &str) -> Option<&'a str> {
    let entry = state.neighbours()?.iter().find(|entry| entry.address == gateway && entry.device == device)?;
    (entry.mac.is_none() && entry.unresolved()).then_some(entry.state.as_str())
}
