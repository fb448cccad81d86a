//! Who holds an endpoint's address, where the selector does not account for it: a pod, a node, somebody outside, or provably nobody.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;

use crate::model::endpoint::Target;
use crate::model::kubernetes::{Node, Pod};
use crate::model::service::Service;

/// Addresses that are looked up for one Service.
const MOST: usize = 16;

/// The addresses of endpoints that no selected pod explains, those inside the cluster's pod networks first: only there can it be
/// proven that nobody holds one.
#[must_use]
pub fn unaccounted(service: &Service, target: &Target, nodes: &[Node]) -> Vec<IpAddr> {
    if !service.selector.is_empty() && !target.pods_read {
        return Vec::new();
    }
    let accounted =
        |pod: Option<&str>, ip: IpAddr| pod.and_then(|name| target.pod(name)).is_some_and(|pod| !pod.finished() && pod.ips.contains(&ip));
    let open: BTreeSet<IpAddr> = target
        .endpoints
        .iter()
        .filter(|endpoint| endpoint.usable() && !accounted(endpoint.pod.as_deref(), endpoint.ip))
        .map(|endpoint| endpoint.ip)
        .collect();
    let (mut first, others): (Vec<IpAddr>, Vec<IpAddr>) = open.into_iter().partition(|ip| network(nodes, *ip).is_some());
    first.extend(others);
    first.truncate(MOST);
    first
}

/// Writes down who holds the addresses that were looked up. `looked_up` has the pods that the API found by each address.
pub fn hold(service: &Service, target: &mut Target, looked_up: &BTreeMap<IpAddr, Vec<Pod>>, nodes: &[Node]) {
    let mut behind: Vec<Pod> = Vec::new();
    for endpoint in &mut target.endpoints {
        let Some(pods) = looked_up.get(&endpoint.ip) else { continue };
        let mut live = pods.iter().filter(|pod| !pod.finished() && pod.ips.contains(&endpoint.ip) && !pod.host_network);
        if let (Some(pod), None) = (live.next(), live.next()) {
            endpoint.holder = Some(format!("pod {}/{}", pod.namespace, pod.name));
            if endpoint.pod.is_none() && pod.namespace == service.namespace {
                endpoint.pod = Some(pod.name.clone());
                endpoint.node = endpoint.node.take().or_else(|| pod.node.clone());
                behind.push(pod.clone());
            }
        } else if let Some(node) =
            nodes.iter().find(|node| node.internal_ips.contains(&endpoint.ip) || node.other_ips.contains(&endpoint.ip))
        {
            endpoint.holder = Some(format!("node {}", node.name));
        } else if pods.iter().all(Pod::finished) {
            endpoint.dead = nobody(nodes, endpoint.ip, endpoint.pod.as_deref());
        }
    }
    target.pods.extend(behind);
    target.pods.sort_by(|a, b| a.name.cmp(&b.name));
    target.pods.dedup_by(|a, b| a.name == b.name);
}

/// The node whose pod network holds the address.
fn network(nodes: &[Node], ip: IpAddr) -> Option<(&Node, IpNet)> {
    nodes.iter().find_map(|node| {
        let network = node.pod_cidrs.iter().filter_map(|cidr| cidr.parse::<IpNet>().ok()).find(|network| network.contains(&ip))?;
        Some((node, network))
    })
}

/// Why nobody holds it. Nothing is said of an address outside the pod networks (somebody's server may have it), of one that a network
/// keeps for itself (its own, the bridge's or gateway's, the broadcast), and of one in the cluster's second family, by which the API
/// cannot find pods.
fn nobody(nodes: &[Node], ip: IpAddr, pod: Option<&str>) -> Option<String> {
    let (node, network) = network(nodes, ip)?;
    let first: IpNet = node.pod_cidrs.first()?.parse().ok()?;
    let same_family = first.addr().is_ipv4() == ip.is_ipv4();
    let gateway = network.hosts().next();
    let kept = ip == network.network() || ip == network.broadcast() || gateway == Some(ip) || second(network) == Some(ip);
    if !same_family || kept {
        return None;
    }
    let named = pod.map(|pod| format!("; the slice names pod {pod}")).unwrap_or_default();
    Some(format!("{ip} lies in the pod network {network} of {}, and no pod and no node has it{named}", node.name))
}

/// IPv6 networks count their own address as a host, so that the gateway is the second.
fn second(network: IpNet) -> Option<IpAddr> {
    network.addr().is_ipv6().then(|| network.hosts().nth(1)).flatten()
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use serde_json::json;

    use super::nobody;
    use crate::analysis::read::objects;

    fn check(ip: &str, dead: bool) {
        let nodes = ["10.88.130.0/24", "10.88.131.0/24"]
            .map(|cidr| objects::node(&json!({"metadata": {"name": "n"}, "spec": {"podCIDRs": [cidr, "fd00:1::/64"]}})));
        assert_eq!(nobody(&nodes, ip.parse::<IpAddr>().unwrap(), None).is_some(), dead, "{ip}");
    }

    #[test]
    fn only_inside_a_pod_network_is_absence_proven() {
        check("10.88.131.77", true);
        check("192.0.2.7", false);
        check("10.88.132.77", false);
    }

    #[test]
    fn what_a_network_keeps_for_itself_may_be_held_by_its_plugin() {
        check("10.88.131.0", false);
        check("10.88.131.1", false);
        check("10.88.131.255", false);
    }

    #[test]
    fn pods_cannot_be_found_by_an_address_of_the_second_family() {
        check("fd00:1::77", false);
    }
}
