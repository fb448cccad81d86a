//! A pod that asks its own Service and is led to itself: its node's bridge sends no frame out by the port that it came in by, unless that
//! port's hairpin mode is on.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::kube_proxy;
use crate::analysis::judge::case::{Case, found};
use crate::analysis::judge::pod_link;
use crate::analysis::judge::road::Road;
use crate::analysis::state::place_state::StatePair;
use crate::model::catalogue::names;
use crate::model::endpoint::Target;
use crate::model::finding::Finding;
use crate::model::subject::Subject;

/// Tries that have to be lost: one alone may be anything.
const ENOUGH: usize = 2;

/// An endpoint that asks.
fn asking(road: &Road, target: &Target, node: &str) -> Option<IpAddr> {
    let source = road.connection.attempt.source?;
    let mut serving = target.serving().into_iter();
    serving.any(|endpoint| endpoint.ip == source && endpoint.node.as_deref() == Some(node)).then_some(source)
}

/// The tries of one pod, of which those that were led to others were answered and none that was led to itself was.
pub(in crate::analysis::judge) fn off(case: &Case, pair: &StatePair, node: &str, roads: &[&Road]) -> Option<Finding> {
    let target = case.target.filter(|target| target.slices_read)?;
    let pods: BTreeSet<IpAddr> = roads.iter().map(|road| asking(road, target, node)).collect::<Option<_>>()?;
    let [own] = pods.into_iter().collect::<Vec<_>>()[..] else { return None };
    let led_elsewhere = |road: &&Road| road.endpoint().is_some_and(|(to, _)| to != own);
    if roads.len() < ENOUGH || roads.iter().any(led_elsewhere) {
        return None;
    }
    let pod = case.pod_at(own)?;
    let near = pod_link::near(case, pair, own).filter(|link| link.hairpin == Some(false))?;
    let bridge = near.master.as_deref()?;
    let leads = kube_proxy::programmed(case, pair).iter().any(|(to, _)| *to == own);
    let all = case.roads();
    let answered: Vec<&Road> = all
        .iter()
        .filter(|road| road.connection.attempt.answered() && !road.late() && road.connection.attempt.source == Some(own))
        .collect();
    let alone = target.serving().iter().all(|endpoint| endpoint.ip == own);
    // Whom the lost ones were led to is seen nowhere: the bridge drops them first. It is known by what the answered ones were not led to.
    if !leads || answered.iter().any(|road| !led_elsewhere(road)) || (answered.is_empty() && !alone) {
        return None;
    }
    let mut evidence =
        vec![format!("`ip -d link` on {node}: {} is a port of {bridge} with hairpin off, and {pod} is behind it", near.name)];
    evidence.push(if alone {
        format!("kube-proxy's rules on {node} lead to {own} alone, which is {pod} itself")
    } else {
        format!(
            "kube-proxy's rules on {node} lead to {own} too, which is {pod} itself: none of its {} answered tries went there",
            answered.len()
        )
    });
    Some(Finding {
        next: format!(
            "On {node}: bridge link set dev {} hairpin on. For pods to come: hairpinMode in the CNI's bridge configuration on every node.",
            near.name
        ),
        ..found(
            names::NODE_HAIRPIN_OFF,
            vec![Subject::interface(node, &near.name), Subject::node(node)],
            format!("{node} drops what its pod {pod} sends to the Service and is led back to itself: hairpin is off on {}", near.name),
            evidence,
        )
    })
}

/// The port of a pod that asks and may be led to itself, with hairpin off: what it sends to itself is lost there.
pub(in crate::analysis::judge) fn may_take(case: &Case, pair: &StatePair, node: &str, roads: &[&Road]) -> Option<String> {
    let target = case.target?;
    let ports = roads.iter().filter_map(|road| pod_link::near(case, pair, asking(road, target, node)?));
    ports
        .filter(|link| link.hairpin == Some(false))
        .map(|link| format!("hairpin is off on {}, and its pod may be led to itself", link.name))
        .next()
}

#[cfg(test)]
mod tests;
