//! Answers that pass the node which translated the request, and would translate them back.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::masquerade::{Why, sparing};
use super::{join, repeated, rule, trails};
use crate::analysis::judge::case::{Case, found};
use crate::analysis::judge::node::filters;
use crate::analysis::judge::road::Road;
use crate::analysis::judge::rule::{AllOf, Apply::Each, Proof};
use crate::analysis::judge::rules;
use crate::analysis::judge::tries::OfTries;
use crate::analysis::state::kube_proxy::translates;
use crate::analysis::state::ruleset::Trail;
use crate::model::catalogue::names;
use crate::model::connection::{Hop, Sighting};
use crate::model::finding::Finding;
use crate::model::packet::Passage;
use crate::model::service::TrafficPolicy;
use crate::model::subject::Subject;

/// Pods on other nodes answer past the node that translated the request.
pub(in crate::analysis::judge) const PAST: AllOf<OfTries> = AllOf { title: "answers past the node", proofs: &[&ANSWERED_PAST] };

const ANSWERED_PAST: Proof<OfTries> = Proof {
    rule: &rules::RETURN_ASYMMETRIC,
    title: "pods that answer past the node which translated the request",
    needs: "requests that reach another node's pods with an address that is no node's, answers that leave there, and none that comes back",
    apply: Each(|tries| answered_past(tries.case, tries.roads)),
};

/// A request that was sent to a pod of another node with a source to which the pod answers past the node that translated it.
struct Past<'a> {
    entry: String,
    far: String,
    endpoint: (IpAddr, u16),
    source: IpAddr,
    out: Option<&'a Hop>,
}

fn past<'a>(case: &Case, road: &Road<'a>) -> Option<Past<'a>> {
    let (entry, _) = road.entry()?;
    let endpoint = road.endpoint()?;
    let held = case.target?.endpoints.iter().find(|held| held.ip == endpoint.0)?;
    let far = held.node.clone().filter(|far| *far != entry)?;
    let vip = case.address();
    let seen = |hop: &Hop| hop.request && hop.what != Sighting::IcmpError && Some(hop.destination.0) != vip && hop.tunnel.is_none();
    let pod = held.pod.as_ref().map(|pod| format!("{}/{pod}", case.service.namespace));
    // As the pod's node and the pod see it: what the entry's own rules still do to it was done by then.
    let source = road.hops(seen).find(|hop| hop.place == far || Some(&hop.place) == pod.as_ref())?.source.0;
    let out = road
        .hops(|hop| !hop.request && hop.passage == Passage::Out && hop.tunnel.is_none())
        .find(|hop| hop.place == far && hop.destination.0 == source);
    let came_back = road.hops(|hop| !hop.request).any(|hop| hop.place == entry);
    (!came_back).then_some(Past { entry, far, endpoint, source, out })
}

/// Pods on other nodes answer the clients themselves, past the node that translated the request and would translate the answer back.
fn answered_past(case: &Case, roads: &[&Road]) -> Vec<Finding> {
    if case.service.external_policy == TrafficPolicy::Local || roads.iter().any(|road| road.connection.vantage.is_inside()) {
        return Vec::new();
    }
    let Some(all) = roads.iter().map(|road| past(case, road)).collect::<Option<Vec<Past>>>() else { return Vec::new() };
    let kept = |road: &Road, source: IpAddr| road.connection.attempt.source == Some(source);
    // Where answers that pass the node are taken elsewhere, passing it is no fault.
    let fine =
        case.roads().iter().any(|road| road.connection.attempt.answered() && past(case, road).is_some_and(|past| kept(road, past.source)));
    if fine || all.iter().any(|past| case.is_node_address(past.source)) {
        return Vec::new();
    }
    let entries: BTreeSet<&str> = all.iter().map(|past| past.entry.as_str()).collect();
    let found: Option<Vec<Finding>> = entries
        .into_iter()
        .map(|entry| {
            let of_entry: Vec<(&Road, &Past)> = roads.iter().copied().zip(&all).filter(|(_, past)| past.entry == entry).collect();
            of_node(case, &of_entry, entry)
        })
        .collect();
    found.unwrap_or_default()
}

fn of_node(case: &Case, roads: &[(&Road, &Past)], node: &str) -> Option<Finding> {
    let pair = case.node_state(node).filter(|pair| translates(&pair.after))?;
    let (_, first) = roads.first()?;
    let all_kept = roads.iter().all(|(road, past)| road.connection.attempt.source == Some(past.source));
    let those: Vec<&Road> = roads.iter().map(|(road, _)| *road).collect();
    let trails: Vec<Trail> = trails(case, pair, node, &those, Some(first.endpoint)).into_values().collect();
    let why = sparing(pair, &trails, all_kept, repeated(&those));
    // Another source than the client's own was given by somebody, and an answer that was not seen to pass the node may be lost otherwise:
    // there only the node's rules can tell.
    if why.is_none() && !(all_kept && roads.iter().any(|(_, past)| past.out.is_some())) {
        return None;
    }
    let far: BTreeSet<&str> = roads.iter().map(|(_, past)| past.far.as_str()).collect();
    let far = far.into_iter().collect::<Vec<_>>().join(" and ");
    let sources: BTreeSet<IpAddr> = roads.iter().map(|(_, past)| past.source).collect();
    let mut evidence = vec![format!(
        "{} requests that {node} translated reach {far} from {}, {}",
        roads.len(),
        join(&sources),
        if all_kept { "as the clients sent them" } else { "which is no node's address" }
    )];
    evidence.push(match roads.iter().find_map(|(_, past)| past.out) {
        Some(out) => format!(
            "the answers to {} leave {}/{} and do not come to {node}, which alone can translate them back",
            out.destination.0, out.place, out.interface
        ),
        None => format!(
            "no answer comes back to {node}, which alone can translate it: {far} sends it another way, or takes the request for that"
        ),
    });
    let (culprit, cause) = match why {
        Some(Why::Rule(turn)) => {
            evidence.push(filters::took(node, turn.tool, &turn.path, &turn.text, turn.grown));
            (rule(node, &turn), format!(": {}", turn.text))
        }
        Some(Why::Missing(what)) => {
            evidence.push(format!("on {node} {what}"));
            (Subject::kube_proxy(node), format!(": {what}"))
        }
        None => (Subject::node(node), String::new()),
    };
    let summary = if all_kept {
        format!(
            "{node} does not put an address of its own into what it sends to pods on {far}, so that they answer the clients past it{cause}"
        )
    } else {
        format!("{node} puts {} into what it sends to pods on {far}, so that they answer past it{cause}", first.source)
    };
    Some(found(names::ROUTE_RETURN_ASYMMETRIC, vec![culprit], summary, evidence))
}
