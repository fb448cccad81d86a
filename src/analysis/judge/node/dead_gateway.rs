//! A way back to a client that leads by a gateway which nobody is: what the node sends there waits for a MAC and ends in the node.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::analysis::judge::case::{Case, found};
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

fn way_back(pair: &StatePair, client: IpAddr) -> Option<&Way> {
    pair.after.way(&RouteQuestion::to(client))
}

/// The state of a neighbour entry without a MAC.
fn unknown<'a>(state: &'a PlaceState, gateway: IpAddr, device: &str) -> Option<&'a str> {
    let entry = state.neighbours()?.iter().find(|entry| entry.address == gateway && entry.device == device)?;
    (entry.mac.is_none() && matches!(entry.state.as_str(), "FAILED" | "INCOMPLETE")).then_some(entry.state.as_str())
}
