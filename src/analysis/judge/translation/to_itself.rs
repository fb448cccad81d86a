//! A pod that asks its own Service, is led to itself, and gets its own packet as it sent it: no host takes one with its own address from outside.

use super::masquerade::{Why, sparing};
use super::{repeated, rule, trails};
use crate::analysis::judge::case::{Case, found};
use crate::analysis::judge::node::filters;
use crate::analysis::judge::road::Road;
use crate::analysis::state::kube_proxy::translates;
use crate::analysis::state::ruleset::Trail;
use crate::model::catalogue::names;
use crate::model::finding::Finding;
use crate::model::packet::Passage;
use crate::model::subject::Subject;

/// Requests that come into a pod with the pod's own address, and what of its node's rules keeps them from being masqueraded.
pub(in crate::analysis::judge) fn kept_its_address(case: &Case, pod: &str, roads: &[&Road]) -> Option<Finding> {
    let endpoint = case.target?.endpoints.iter().find(|endpoint| endpoint.pod.as_deref() == Some(pod))?;
    let (own, port, node) = (endpoint.ip, endpoint.port?, endpoint.node.as_deref()?);
    let at_pod = |place: &str| place.rsplit('/').next() == Some(pod);
    let to_itself = |road: &Road| {
        road.hops(|hop| hop.request && hop.passage == Passage::In && at_pod(&hop.place))
            .any(|hop| hop.source.0 == own && hop.destination.0 == own)
    };
    // Where a program takes such packets, they are no reason.
    let taken = case.roads().iter().any(|road| road.connection.attempt.answered() && to_itself(road));
    if taken || !roads.iter().all(|road| to_itself(road)) {
        return None;
    }
    let pair = case.node_state(node).filter(|pair| translates(&pair.after))?;
    let trails: Vec<Trail> = trails(case, pair, node, roads, Some((own, port))).into_values().collect();
    let mut evidence =
        vec![format!("{} requests come into {pod} from {own}, which is its own address: its kernel takes none of them", roads.len())];
    let (culprit, cause, next) = match sparing(pair, &trails, true, repeated(roads))? {
        Why::Rule(turn) => {
            evidence.push(filters::took(node, turn.tool, &turn.path, &turn.text, turn.grown));
            let next = format!(
                "Take the rule out where it is managed on {node}, or let it spare what a pod sends to itself: kube-proxy masquerades that further down, and the rule ends its way before."
            );
            (rule(node, &turn), turn.text, Some(next))
        }
        Why::Missing(what) => {
            evidence.push(format!("on {node} {what}"));
            (Subject::kube_proxy(node), what, None)
        }
    };
    let summary = format!(
        "{node} does not put an address of its own into what {pod} sends to the Service and is led to itself, so that {pod} gets its own packet: {cause}"
    );
    let mut finding = found(names::ROUTE_RETURN_ASYMMETRIC, vec![culprit], summary, evidence);
    finding.next = next.unwrap_or_else(|| format!("Restart kube-proxy on {node}: it writes its rules anew."));
    Some(finding)
}
