//! NetworkPolicies: a packet that came to the pod's node and that a policy does not let into the pod.

use crate::analysis::judge::case::{Case, found};
use crate::analysis::judge::node::filters::Taking;
use crate::analysis::judge::node::packets::Packets;
use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::analysis::state::place_state::StatePair;
use crate::model::catalogue::names;
use crate::model::finding::Finding;
use crate::model::policy::{Incoming, NetworkPolicy};
use crate::model::subject::Subject;

/// How the chains begin in which a network plugin enforces policies: Calico's, kube-router's, Weave's, Antrea's.
const CHAINS: [&str; 6] = ["cali-", "KUBE-NWPLCY-", "KUBE-POD-FW-", "KUBE-ROUTER-", "WEAVE-NPC", "ANTREA-"];

/// Interfaces of plugins that enforce policies outside of iptables and nftables: Cilium, Antrea, OVN-Kubernetes.
const INTERFACES: [&str; 3] = ["cilium_host", "antrea-gw0", "ovn-k8s-mp0"];

/// A packet filter was found to drop the request: when it enforces policies, the policy is the cause and the rule its proof.
pub(super) fn behind(case: &Case, node: &str, packets: &Packets, filter: Taking) -> Option<Finding> {
    let enforces = |chain: &str| CHAINS.iter().any(|start| chain.starts_with(start));
    if !filter.rule.chain().is_some_and(enforces) {
        return None;
    }
    let denying = denying(case, node, packets);
    (!denying.is_empty()).then(|| denied(&denying, filter.evidence))
}

/// No packet filter tells what takes the request on the pod's node: where a plugin enforces policies in another way, and a policy does
/// not let the request in, it is that policy.
pub(super) fn unseen(case: &Case, pair: &StatePair, node: &str, packets: &Packets) -> Option<Finding> {
    let enforcing = pair.after.links().unwrap_or_default().iter().find(|link| INTERFACES.contains(&link.name.as_str()))?;
    let denying = denying(case, node, packets);
    let proof =
        format!("the request comes to {node} and is not passed on to the pod; {} shows a plugin that enforces policies", enforcing.name);
    (!denying.is_empty()).then(|| denied(&denying, vec![proof]))
}

/// The policies of which each selects a pod of the node, when none of those that select it lets the request in.
fn denying<'a>(case: &'a Case, node: &str, packets: &Packets) -> Vec<&'a NetworkPolicy> {
    let (Some(target), Some(closer)) = (case.target, case.closer) else { return Vec::new() };
    let namespace = &case.service.namespace;
    // Another node's pods see the address that the first node gave the request, its own pods the client's.
    let far = packets.seen_sources.iter().any(|source| !packets.clients.contains(source));
    let sources: &BTreeSet<IpAddr> = if far { &packets.seen_sources } else { &packets.clients };
    let mut all: Vec<&NetworkPolicy> = Vec::new();
    for endpoint in target.endpoints.iter().filter(|endpoint| endpoint.node.as_deref() == Some(node)) {
        let here = packets.endpoints.iter().any(|(ip, _)| *ip == endpoint.ip);
        let Some(pod) = endpoint.pod.as_deref().filter(|_| here).and_then(|name| target.pod(name)) else { continue };
        let names = pod.containers.iter().flat_map(|container| &container.ports).map(|port| (port.name.clone(), port.number)).collect();
        let selecting: Vec<&NetworkPolicy> = closer.policies.iter().filter(|policy| policy.selects(namespace, &pod.labels)).collect();
        let let_in = sources.iter().any(|source| {
            let packet = Incoming {
                source: *source,
                from_pod: may_be_pod(case, *source),
                protocol: target.port.protocol,
                port: endpoint.port.unwrap_or(target.port.port),
                names: &names,
            };
            selecting.iter().any(|policy| policy.may_let_in(&packet))
        });
        if !let_in && !sources.is_empty() {
            all.extend(selecting);
        }
    }
    all.sort_by_key(|policy| &policy.name);
    all.dedup();
    all
}

/// An address of the pod network that is no node's own.
fn may_be_pod(case: &Case, address: IpAddr) -> bool {
    let nodes = case.announcement.map(|announcement| announcement.nodes_seen.as_slice()).unwrap_or_default();
    let of_pods =
        nodes.iter().flat_map(|node| &node.pod_cidrs).any(|cidr| cidr.parse::<ipnet::IpNet>().is_ok_and(|net| net.contains(&address)));
    of_pods && !case.is_node_address(address)
}

fn denied(policies: &[&NetworkPolicy], proof: Vec<String>) -> Finding {
    let names = policies.iter().map(|policy| policy.name.as_str()).collect::<Vec<_>>().join(" and ");
    let mut evidence = proof;
    evidence
        .extend(policies.iter().map(|policy| format!("NetworkPolicy {} selects the pod and lets none of these requests in", policy.name)));
    found(
        names::POLICY_DENIED,
        policies.iter().map(|policy| Subject::network_policy(&policy.namespace, &policy.name)).collect(),
        format!("the NetworkPolicy {names} does not let the request into the pod"),
        evidence,
    )
}
