//! MetalLB's layer 2 election, computed as its speakers compute it, by version.
//!
//! Source: `speaker/layer2_controller.go` of MetalLB 0.9 to 0.16 (`sortL2Candidates`, `ShouldAnnounce`).

use std::collections::BTreeSet;
use std::net::IpAddr;

use sha2::{Digest, Sha256};

use crate::model::announcement::{Excluded, Exclusion};
use crate::model::endpoint::Target;
use crate::model::kubernetes::{Node, Pod};
use crate::model::metallb::{Advertisement, Metallb};
use crate::model::service::{Service, TrafficPolicy};

/// The label that keeps a node out of load balancing, by its key alone.
pub const EXCLUDE_LABEL: &str = "node.kubernetes.io/exclude-from-external-load-balancers";

/// Who takes part and who does not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Candidates {
    pub nodes: Vec<String>,
    pub excluded: Vec<Excluded>,
}

/// A version as (major, minor, patch); parts that do not parse are 0.
#[must_use]
pub fn version(text: &str) -> (u32, u32, u32) {
    let mut parts = text.trim_start_matches('v').split(['.', '-']).map(|part| part.parse().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}

/// The node that wins: the smallest SHA-256 of `node#address`, the address being the Service's first.
#[must_use]
pub fn winner(candidates: &[String], address: IpAddr) -> Option<&String> {
    candidates.iter().min_by_key(|node| <[u8; 32]>::from(Sha256::digest(format!("{node}#{address}"))))
}

/// Every node with the reason that keeps it out, if one does. `advertisements` are those that select the address's pool.
#[must_use]
pub fn candidates(
    service: &Service,
    target: Option<&Target>,
    nodes: &[Node],
    metallb: &Metallb,
    advertisements: &[&Advertisement],
) -> Candidates {
    let version = metallb.version.as_deref().map_or((0, 15, 0), version);
    let ignores_label = version < (0, 14, 0)
        || metallb
            .speakers
            .iter()
            .flat_map(|pod| &pod.containers)
            .flat_map(|container| &container.args)
            .any(|arg| arg.trim_start_matches('-') == "ignore-exclude-lb");
    let local: Option<BTreeSet<&str>> = (service.external_policy == TrafficPolicy::Local)
        .then(|| target.map(|target| target.endpoints.iter().filter(|e| e.ready || e.serving).filter_map(|e| e.node.as_deref()).collect()))
        .flatten();
    let mut result = Candidates::default();
    for node in nodes {
        let out = why_out(node, metallb, advertisements, version, ignores_label, local.as_ref());
        match out {
            None => result.nodes.push(node.name.clone()),
            Some((why, reason)) => result.excluded.push(Excluded { node: node.name.clone(), reason, why }),
        }
    }
    result
}

fn why_out(
    node: &Node,
    metallb: &Metallb,
    advertisements: &[&Advertisement],
    version: (u32, u32, u32),
    ignores_label: bool,
    local: Option<&BTreeSet<&str>>,
) -> Option<(Exclusion, String)> {
    if !ignores_label && node.labels.contains_key(EXCLUDE_LABEL) {
        return Some((Exclusion::Label, format!("carries the label {EXCLUDE_LABEL}")));
    }
    if node.network_unavailable && version >= (0, 13, 10) {
        return Some((Exclusion::NetworkUnavailable, "has the condition NetworkUnavailable".to_owned()));
    }
    // Only 0.14.9 looked at cordons.
    if node.unschedulable && version == (0, 14, 9) {
        return Some((Exclusion::Unschedulable, "is cordoned, which MetalLB 0.14.9 takes as a reason".to_owned()));
    }
    if !advertisements.is_empty() && !advertisements.iter().any(|advertisement| advertisement.selects_node(node)) {
        return Some((Exclusion::Advertisement, "is selected by no advertisement of the address's pool".to_owned()));
    }
    let speaker = metallb.speakers.iter().find(|pod| pod.node.as_deref() == Some(node.name.as_str()) && !pod.terminating);
    match speaker {
        None if metallb.speakers_read => return Some((Exclusion::NoSpeaker, "runs no speaker".to_owned())),
        Some(pod) if !running(pod) => {
            return Some((Exclusion::SpeakerNotReady, format!("its speaker {} does not run: {}", pod.name, pod.not_ready_because)));
        }
        _ => {}
    }
    if local.is_some_and(|nodes| !nodes.contains(node.name.as_str())) {
        return Some((Exclusion::NoEndpoint, "holds no ready pod of the Service, whose external traffic policy is Local".to_owned()));
    }
    None
}

fn running(pod: &Pod) -> bool {
    pod.phase == "Running" && pod.containers.iter().any(|container| container.running)
}

#[cfg(test)]
mod tests {
    use super::{version, winner};

    fn check(nodes: &[&str], address: &str, expected: &str) {
        let nodes: Vec<String> = nodes.iter().map(ToString::to_string).collect();
        assert_eq!(winner(&nodes, address.parse().unwrap()).unwrap(), expected);
    }

    /// The vectors of upstream's `TestSortL2Candidates`, and others computed from the same rule.
    #[test]
    fn the_winner_is_metallbs() {
        check(&["node-a", "node-b", "node-c"], "10.0.0.1", "node-b");
        check(&["node-a", "node-b", "node-c"], "10.0.0.2", "node-b");
        check(&["node1", "node2", "node3"], "192.168.1.240", "node3");
        check(&["kind-control-plane", "kind-worker", "kind-worker2"], "172.18.255.200", "kind-worker2");
        check(&["node1", "node2", "node3"], "fc00:f853:ccd:e793::9", "node3");
    }

    #[test]
    fn versions_are_read_with_and_without_v() {
        assert_eq!(version("v0.15.2"), (0, 15, 2));
        assert_eq!(version("0.14.9-rc1"), (0, 14, 9));
    }
}
